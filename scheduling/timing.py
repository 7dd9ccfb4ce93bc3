"""When the reloads of a plan begin: what a policy says of it, and policy `vcl` (SPEC 6)."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from scheduling.choice import Accepts
from scheduling.facts import Block, Site
from scheduling.mending import Mending
from scheduling.plan import Machine
from scheduling.reload_plan import Moved, Window, adopted, is_late, late, staggered
from scheduling.reloads.exchange import Guide
from scheduling.reloads.outlook import Outlook


@dataclass(frozen=True, slots=True)
class Chosen:
    """What was chosen: new machines, and computers of the block time that are loaded again.

    `missing`: the machines that were to be chosen.
    """

    machines: Sequence[Machine]
    again: Sequence[Machine]
    missing: int


@dataclass(frozen=True, slots=True)
class Timed:
    """The same machines with the times of their reloads; `moved`: reloads of machines that were there before.

    `late` is the condition of warning 13. `outlook` and `guide` are None where the policy says nothing of the kind.
    `further`: how many more machines the class should have, as spares, to be as sure as it should be.
    """

    machines: Sequence[Machine]
    again: Sequence[Machine]
    moved: Sequence[Moved]
    late: bool
    outlook: Outlook | None
    guide: Guide | None = None
    further: int = 0


class Timing(Protocol):
    """The times of the reloads of one plan. What is said while computers are chosen may change in the end."""

    def again(self, already_planned: int) -> Window:
        """The reload of a computer that the block time has, after so many others of these."""

    def latest(self, again: Window) -> int:
        """When the reload of such a computer begins at the latest, if it can't begin before."""

    def adopted(self, reservation_start: int) -> Window:
        """The reload before a member's own reservation, which joins the block time."""

    def machine(self, already_planned: int) -> Window:
        """The reload of the next machine, after so many others."""

    def accepts(self, taken: Sequence[Machine]) -> Accepts | None:
        """Says which computers are free in time, beside those taken; None where they have to be in the window."""

    def finish(self, chosen: Chosen) -> Timed:
        """The times of all, once everything is chosen."""


class VclTiming:
    """Policy `vcl`: mean load time and ten minutes, and one step earlier for each machine."""

    def __init__(self, site: Site, block: Block, mending: Mending | None) -> None:
        self._site, self._block, self._mending = site, block, mending

    def again(self, already_planned: int) -> Window:
        """As for a new machine."""
        return self.machine(already_planned)

    def latest(self, again: Window) -> int:
        """Windows are fixed."""
        return again.start

    def adopted(self, reservation_start: int) -> Window:
        """Not staggered."""
        return self._not_past(adopted(self._block.start, reservation_start, self._site.load_seconds))

    def machine(self, already_planned: int) -> Window:
        """Staggered; adopted machines take no part in it."""
        return self._not_past(staggered(self._block.start, self._site.load_seconds, already_planned))

    def accepts(self, taken: Sequence[Machine]) -> None:
        """Windows are fixed."""

    def finish(self, chosen: Chosen) -> Timed:
        """As they are."""
        late_ = is_late(self._site.now, self._block.start, self._site.load_seconds, chosen.missing)
        return Timed(chosen.machines, chosen.again, (), late_, None)

    def _not_past(self, window: Window) -> Window:
        """The window; where the block time is mended, one that does not begin before now."""
        if self._mending is None:
            return window
        return late(window, self._site.now, self._block.start, self._site.load_seconds)
