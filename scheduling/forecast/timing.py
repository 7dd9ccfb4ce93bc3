"""When the reloads of a class begin under policy `ready`, so far as that matters to a forecast."""

from collections.abc import Iterable
from itertools import chain, repeat

from scheduling.choice import Chooser
from scheduling.facts import Block, Site
from scheduling.mending import Mending
from scheduling.plan import Machine
from scheduling.ready_windows import ReadyWindows
from scheduling.reloads.policy import ReadyPolicy
from scheduling.timing import Chosen, Timed
from scheduling.windows import whole_minute


class ForecastTiming(ReadyWindows):
    """Chooses like any plan of policy `ready`, and gives each reload a likely begin.

    How many machines a class gets is decided while they are chosen: a reload may begin at any time from now to the
    start, and computers that are free too late are taken last. The begins only say since when the computers are taken:
    so no load is played, nothing is said of how sure the class is, and there are no spares.
    """

    def __init__(
        self, site: Site, block: Block, policy: ReadyPolicy, mending: Mending | None, missing: int, chooser: Chooser
    ) -> None:
        super().__init__(site, block, policy, missing, chooser)
        self._load_seconds = policy.model.mean

    def finish(self, chosen: Chosen) -> Timed:
        """Those that are free last load last; computers that hold the image come after all others."""
        new = [machine for machine in chosen.machines if machine.adopted_request is None]
        loads = [machine for machine in new if not self._holds_all(machine)]
        begins = {id(machine): self._begin(machine, self._last) for machine in new}
        leads = chain(self._leads, repeat(self._leads[-1]))
        for machine, lead in zip(sorted(loads, key=self._earliest, reverse=True), leads, strict=False):
            begins[id(machine)] = self._begin(machine, self._before(lead))
        timed = [self._at(machine, begins.get(id(machine))) for machine in chosen.machines]
        return Timed(timed, chosen.again, (), late=self._is_late(begins[id(each)] for each in loads), outlook=None)

    def _holds_all(self, machine: Machine) -> bool:
        return all(self._chooser.holds(each.computer, each.image) for each in machine.assignments)

    def _earliest(self, machine: Machine) -> int:
        return whole_minute(max(self._chooser.earliest(each.computer) for each in machine.assignments))

    def _begin(self, machine: Machine, wanted: int) -> int:
        earliest = self._earliest(machine)
        return self._chooser.nearest_begin(max(wanted, earliest), earliest)

    def _at(self, machine: Machine, begin: int | None) -> Machine:
        return machine if begin is None else Machine(machine.assignments, self._window(begin), machine.member)

    def _is_late(self, begins: Iterable[int]) -> bool:
        return any(begin + self._load_seconds > self._block.start for begin in begins)
