"""The scenarios of the interleavings: our call and the front end at the same time.

All play on the class site on Monday 14:00 to 16:00, reloads from 13:40 and earlier. Our call wants
`machines` computers, and takes 10, 11 … in this order.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from blockalloc.store.times import to_local, to_utc
from simulation.connections import Connection
from simulation.front_end.candidates import Wish
from simulation.front_end.reserving import Reserving
from simulation.front_end.semaphores import SEMAPHORE_SECONDS
from tests.support.front_end import a_wish
from tests.support.sites.class_site import BLOCK_TIME, END, IMAGE, NODE, NOW, START

HOUR = 3600
DAY = 24 * HOUR
OTHER_BLOCK = BLOCK_TIME + 1
RELOAD_USER, MEMBER = 2, 110
CLASS = (START + HOUR // 2, END - HOUR // 2)  # a user's hours within the class
IN_RELOAD = (START - HOUR, START - 600)  # over when the class begins, but not when its reloads do
AFTERWARDS = (END + DAY, END + DAY + HOUR)

Setup = Callable[[Connection, Sequence[Reserving]], None]


def nothing(connection: Connection, sessions: Sequence[Reserving]) -> None:
    """Nothing was there before."""


@dataclass(frozen=True, slots=True)
class Scenario:
    """The rows before, the wishes of both sides, and the promises about the results.

    The statements of a front end are placed by `groups`: how many go together, one group after the
    other; what comes after the last group goes with it. (Reads that nothing of the others can have
    changed in between need no places of their own; the reads of (b) count as one.)
    """

    name: str
    computers: int
    machines: int
    wishes: Sequence[Wish]
    setup: Setup = nothing
    groups: Sequence[int] = (1,) * 7
    after_step: Mapping[str, Callable[[Connection], None]] = field(default_factory=dict)  # of a front end, once
    after_claims: Callable[[Connection], None] | None = None  # once our first transaction is committed
    places: int = 11  # of our call, see interleavings.MATTERS
    enough_for_all: bool = False  # everybody must get all that they want
    loaded: bool = False  # the computers have the image of the class loaded
    classes: int = 0  # of other groups at overlapping hours
    pauses: Mapping[str, float] = field(default_factory=dict)  # seconds before a step of each front end, by its letter
    promise: float = SEMAPHORE_SECONDS  # seconds within which a front end gets from its list to its semaphore
    wait: float = 0  # seconds between our call and the steps of front ends that are left


# --- rows of others -------------------------------------------------------------------------------


def semaphore(connection: Connection, computer: int, expires_in: int, procid: str) -> None:
    """A semaphore row that expires so many seconds after NOW."""
    connection.send(
        "INSERT INTO semaphore (computerid, imageid, imagerevisionid, managementnodeid, expires, procid) "
        "VALUES (%s, %s, %s, %s, %s, %s)",
        [computer, IMAGE, 10, NODE, to_utc(int(NOW.timestamp()) + expires_in), procid],
    )


def reservation(
    connection: Connection, computer: int, start: int, end: int, user: int = 1, state: int = 13
) -> int:  # fmt: skip
    """A reservation that is complete; returns the id of its request."""
    request = connection.send(
        "INSERT INTO request (stateid, laststateid, userid, start, `end`, daterequested) VALUES (%s,%s,%s,%s,%s,%s)",
        [state, state, user, to_local(start), to_local(end), to_local(int(NOW.timestamp()))],
    ).new_id
    connection.send(
        "INSERT INTO reservation (requestid, computerid, imageid, imagerevisionid, managementnodeid) "
        "VALUES (%s, %s, %s, 10, %s)",
        [request, computer, IMAGE, NODE],
    )
    return request


def block_computer(connection: Connection, computer: int, block_time: int, start: int) -> None:
    """A computer that a block time beginning at `start` got earlier, with its reload."""
    request = reservation(connection, computer, start - 20 * 60, start, RELOAD_USER, state=19)
    connection.send(
        "INSERT INTO blockComputers (blockTimeid, computerid, imageid, reloadrequestid) VALUES (%s, %s, %s, %s)",
        [block_time, computer, IMAGE, request],
    )


# --- setups ---------------------------------------------------------------------------------------


def stale_rows(connection: Connection, sessions: Sequence[Reserving]) -> None:
    """Somebody died a while ago: a computer passes at the front end when one of its rows is past."""
    for computer in (10, 11):
        semaphore(connection, computer, -60, "died")


def has_machines(connection: Connection, sessions: Sequence[Reserving]) -> None:
    """The block has one machine from an earlier call."""
    block_computer(connection, 10, BLOCK_TIME, START)


def member_has_one(connection: Connection, sessions: Sequence[Reserving]) -> None:
    """A member of the class has reserved computer 10 for a part of it."""
    reservation(connection, 10, START + 600, START + 1800, MEMBER)


def held_by_another(connection: Connection, sessions: Sequence[Reserving]) -> None:
    """A call for another day has just written computer 10; a front end had listed it before."""
    for session in sessions:
        while session.next_step != "c":
            assert session.advance()
    block_computer(connection, 10, OTHER_BLOCK, START + DAY)
    semaphore(connection, 10, 45, "blockalloc-held:11.earlier")


def _lose_10(connection: Connection) -> None:
    reservation(connection, 10, *CLASS)


def _lose_candidates(connection: Connection) -> None:
    """The first two candidates of the front end are lost to others after it has listed them: at (c), and at (d)."""
    semaphore(connection, 14, 45, "another")
    reservation(connection, 15, *CLASS)


_ONE_OF_OURS = a_wish((10, 11, 12, 13), *CLASS)

SCENARIOS = {
    scenario.name: scenario
    for scenario in (
        Scenario("same-computer-spare-ones", 4, 2, [_ONE_OF_OURS], enough_for_all=True),
        Scenario("same-computer-none-spare", 2, 2, [a_wish((11, 10), *CLASS)]),
        Scenario(
            "next-candidate-is-ours", 6, 2, [a_wish((14, 15, 10, 11), *CLASS)],
            groups=(1, 5, 1, 1, 1, 1, 1), after_step={"B": _lose_candidates},
        ),
        Scenario("stale-rows", 3, 2, [_ONE_OF_OURS], stale_rows, enough_for_all=True),
        Scenario(
            "exchange", 4, 2, [a_wish((12, 10, 13), *CLASS)], after_claims=_lose_10, places=15,
        ),
        Scenario("members-own", 3, 2, [a_wish((10, 11, 12), START - HOUR // 2, END, user=MEMBER)]),
        Scenario("beside-an-adopted-one", 3, 2, [a_wish((10, 11), END - HOUR, END)], member_has_one),
        Scenario("top-up", 4, 3, [a_wish((10, 11, 13), *CLASS)], has_machines),
        Scenario("ends-within-the-reload", 3, 2, [a_wish((10, 11), *IN_RELOAD)]),
        Scenario("another-day", 2, 2, [a_wish((10,), *AFTERWARDS)]),
        Scenario("two-front-ends", 4, 2, [_ONE_OF_OURS, a_wish((11, 10, 13, 12), *CLASS)]),
        Scenario("two-front-ends-none-spare", 2, 2, [a_wish((10, 11), *CLASS), a_wish((11, 10), *CLASS)]),
        Scenario(
            "held-by-another-call", 3, 2, [a_wish((10,), START + DAY, END + DAY)], held_by_another,
            groups=(1,) * 5, after_claims=_lose_10, places=15,
        ),
    )
}  # fmt: skip
