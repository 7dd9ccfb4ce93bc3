"""What is to change about the computers that a block time has, while it gets others (SPEC 9.2, 9.3)."""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace

from scheduling.facts import Block, Site
from scheduling.machines import computers_by_image
from scheduling.occupancy import SEMAPHORE
from scheduling.plan import Machine
from scheduling.reasons import Reason


@dataclass(frozen=True, slots=True)
class GivenUp:
    """A computer that is to be exchanged, and why. `reload_id`: its reload request as the block computer names it.

    `may_return`: it may be chosen again, with a reload on another management node.
    """

    hostname: str
    image_id: int
    reload_id: int
    why: Reason
    may_return: bool = False


@dataclass(frozen=True, slots=True)
class Mending:
    """The computers that are given up, the least hopeful first, and those that are to be loaded again.

    `again`: computer -> the management node that has to load it, since a process there may still be at work on it; None
    for any. `why_again`: why these are to be loaded again. Reloads that would have begun already begin now (SPEC 9.1).
    """

    given_up: Mapping[int, GivenUp] = field(default_factory=dict)
    again: Mapping[int, int | None] = field(default_factory=dict)
    why_again: Mapping[int, Reason] = field(default_factory=dict)

    @property
    def excluded(self) -> frozenset[int]:
        """The computers that must not be chosen for the block time again."""
        return frozenset(id_ for id_, each in self.given_up.items() if not each.may_return)

    def without_hope(self, not_loaded: Mapping[int, Reason], site: Site, block: Block) -> "Mending":
        """The same, but giving up those that can't be loaded again, unless somebody is only just reserving them."""
        images = {
            row.computer_id: row.image_id for row in site.block_computers if row.block_time_id == block.block_time_id
        }
        hopeless = {
            id_: GivenUp(site.computers[id_].hostname, images[id_], 0, _not_again(why))
            for id_, why in not_loaded.items()
            if why.rule != SEMAPHORE and id_ in images
        }
        again = {id_: node for id_, node in self.again.items() if id_ not in hopeless}
        return Mending({**self.given_up, **hopeless}, again, self.why_again)

    def only(self, other: "Mending") -> "Mending":
        """What both want; what can't be loaded again is given up by one of them alone."""
        given_up = {
            id_: replace(each, may_return=each.may_return and other._may_return(id_))
            for id_, each in self.given_up.items()
            if id_ in other.given_up or id_ in other.again
        }
        again = {id_: node for id_, node in self.again.items() if id_ in other.again}
        return Mending(given_up, again, self.why_again)

    def _may_return(self, computer_id: int) -> bool:
        return computer_id in self.given_up and self.given_up[computer_id].may_return


def _not_again(why: Reason) -> Reason:
    return why._replace(text=f"it cannot be loaded again: {why.text}")


def without_given_up(site: Site, block: Block, mending: Mending) -> Site:
    """The site as if the block time did not have the computers that are given up."""
    if not mending.given_up:
        return site
    rows = [
        row
        for row in site.block_computers
        if row.block_time_id != block.block_time_id or row.computer_id not in mending.given_up
    ]
    return replace(site, block_computers=rows)


def exchanged(site: Site, block: Block, mending: Mending, machines: Iterable[Machine]) -> dict[int, GivenUp]:
    """Which of the given-up computers go once the block time gets `machines`; `site` is without them.

    As many as are still wanting stay as the best hope.
    """
    has = computers_by_image(site, block)
    chosen = {each.computer.id for machine in machines for each in machine.assignments}
    has.update(each.image.id for machine in machines for each in machine.assignments)
    needed = Counter(block.image_ids)
    gone: dict[int, GivenUp] = {}
    for image_id in {each.image_id for each in mending.given_up.values()}:
        theirs = [(id_, each) for id_, each in mending.given_up.items() if each.image_id == image_id]
        wanting = max(needed[image_id] * block.machines - has[image_id], 0)
        first_to_stay = max(len(theirs) - wanting, 0)
        gone |= {id_: each for place, (id_, each) in enumerate(theirs) if place < first_to_stay or id_ in chosen}
    return gone
