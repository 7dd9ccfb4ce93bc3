"""The number of a class that matters most, in machines: the same on "Today", on "This week" and in the lists."""

from collections.abc import Sequence
from typing import NamedTuple

from blockalloc.reports.forecasts import Foreseen
from blockalloc.reports.readiness import BlockTimeReadiness
from scheduling.readiness import ASKED_AHEAD
from scheduling.wording import plural

NEEDS_A_LOOK = ("bad", "watch")  # levels


class Figure(NamedTuple):
    """The number that matters most, in machines: `17` of `20` `usable`; `more` are others: `18 allocated`.

    `number` is None where nothing is known but what is wanted.
    """

    number: int | None
    wanted: int
    word: str
    more: Sequence[str] = ()

    @property
    def of_wanted(self) -> str:
        """`17 of 20`; `20` where that is all that is known."""
        return f"{self.wanted}" if self.number is None else f"{self.number} of {self.wanted}"

    @property
    def what(self) -> str:
        """What the number is of: `usable`; `wanted` where that is all that is known."""
        return "wanted" if self.number is None else self.word


def figure(each: BlockTimeReadiness, foreseen: Foreseen | None = None) -> Figure:
    """The figure of a class that is on or to come."""
    of, is_near = each.readiness.numbers, each.readiness.left <= ASKED_AHEAD
    spares = [plural(of.spares, "spare")] if of.spares else []
    if not each.readiness.computers:
        if foreseen:
            return Figure(foreseen.machines, foreseen.requested, "foreseen")
        return Figure(0 if each.readiness.signal.level in NEEDS_A_LOOK else None, of.wanted, "usable")
    if of.usable < of.wanted:
        ready = [f"{of.ready} ready"] if is_near else []
        return Figure(of.usable, of.wanted, "usable", [f"{of.allocated} allocated", *ready, *spares])
    return Figure(of.ready if is_near else of.allocated, of.wanted, "ready" if is_near else "allocated", spares)
