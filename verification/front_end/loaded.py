"""Scenarios on computers with the image loaded already: the class of our call, and others beside it.

Our call wants computers 10 and 11 for the class of block time 10; each of the other classes got one
of the computers from 12 on earlier, for the same hours. A member of our class wants any computer,
those of the others first. They may be given one of their own class, or a spare one, never another
class's: the front end would give them that when it finds their own ones held (SPEC 8.7).
"""

from collections.abc import Mapping, Sequence
from types import MappingProxyType

from simulation.connections import Connection
from simulation.front_end.reserving import Reserving
from tests.support.front_end import a_wish
from tests.support.sites.class_site import START
from verification.front_end.scenarios import CLASS, MEMBER, OTHER_BLOCK, Scenario, Setup, block_computer

LISTING_SECONDS = 5  # loaded computers are held as long as a front end takes from its list to its semaphore, at most
MACHINES, FIRST_OF_OTHERS = 2, 12
_STEPS = (1, 1, 1, 4)  # the list, the reads of (b), the semaphore, the rest


def others_have_theirs(classes: int) -> Setup:
    """Each of the other classes has its computer."""

    def setup(connection: Connection, sessions: Sequence[Reserving]) -> None:
        for number in range(classes):
            block_computer(connection, FIRST_OF_OTHERS + number, OTHER_BLOCK + 1 + number, START)

    return setup


def beside(
    classes: int,
    name: str = "",
    *,
    spare: int = 0,
    users: Sequence[int] = (MEMBER,),
    loaded: bool = True,
    pauses: Mapping[str, float] = MappingProxyType({}),
    wait: float = 0,
) -> Scenario:
    """Our class beside so many others; `pauses` and `wait` as in Scenario."""
    last = FIRST_OF_OTHERS + classes + spare
    computers = [*range(FIRST_OF_OTHERS, last), 10, 11]
    return Scenario(
        name or f"loaded-beside-{classes}",
        computers=last - 10,
        machines=MACHINES,
        wishes=[a_wish(computers, *CLASS, user=user) for user in users],
        setup=others_have_theirs(classes),
        groups=_STEPS,
        loaded=loaded,
        classes=classes,
        promise=LISTING_SECONDS,
        pauses=pauses,
        wait=wait,
        places=14,  # the last ones are after our call
    )


LOADED = {
    scenario.name: scenario
    for scenario in (
        *(beside(classes) for classes in (1, 2, 5, 20)),
        beside(2, "loaded-spare-one", spare=1),
        beside(2, "loaded-slow-reader", pauses={"o": 4}),
        beside(2, "loaded-slow-claimer", pauses={"c": 4}),
        beside(2, "loaded-slow-both", pauses={"o": 2, "c": 2}),
        beside(2, "loaded-a-second-later", wait=1),
        beside(2, "loaded-seconds-later", wait=4.5),
        beside(2, "loaded-two-members", users=(MEMBER, MEMBER + 1)),
        beside(2, "loaded-a-stranger", users=(MEMBER, 1), pauses={"c": 4}),
        beside(2, "unloaded-slow-claimer", loaded=False, pauses={"c": 4}),
        beside(2, "unloaded-seconds-later", loaded=False, wait=4.5),
    )
}
