"""The number of a class that matters most, in machines, and when the others are ready: the same on all pages."""

from collections.abc import Sequence
from typing import NamedTuple

from blockalloc.pages.class_page.moments import clock_time
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


def to_come(each: BlockTimeReadiness) -> str:
    """`6 ready now, 11 more by 08:50`, of a class that needs a look; a class that goes well says so in its words.

    "" where no further machine is to come, and more than six hours before the start, when none counts as ready.
    """
    ready, of = each.readiness, each.readiness.numbers
    if ready.signal.level not in NEEDS_A_LOOK or ready.left > ASKED_AHEAD or of.ready >= of.usable:
        return ""
    late_ids = ready.late if ready.left > 0 else ()  # once it has begun, all are
    loads = [computer for computer in ready.computers if computer.state != "failed" and not computer.is_ready]
    in_time = [computer.ready_at or 0 for computer in loads if computer.facts.id not in late_ids]
    late = [computer.ready_at or 0 for computer in loads if computer.facts.id in late_ids]
    after = of.late if late else 0
    before = of.usable - of.ready - after
    texts = [f"{of.ready or 'none'} ready now"]
    if before > 0:
        texts.append(f"{before} more by {clock_time(max(in_time or late, default=each.start), each.start)}")
    if after > 0:
        texts.append(f"{after}{'' if before > 0 else ' more'} after the start, by {clock_time(max(late), each.start)}")
    return ", ".join(texts)
