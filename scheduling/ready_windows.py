"""The reloads of a plan under policy `ready` while its computers are chosen: which are free early enough (SPEC 6)."""

from bisect import insort
from collections.abc import Sequence
from math import ceil

from scheduling.choice import Accepts, Chooser
from scheduling.facts import Block, Site
from scheduling.plan import Machine
from scheduling.reload_plan import RELOAD_MARGIN, Window, adopted, staggered
from scheduling.reloads.chance import DISPATCH
from scheduling.reloads.policy import ReadyPolicy
from scheduling.reloads.schedule import aim
from scheduling.windows import MINUTE

_NEARLY_ALL = 0.95  # of the loads take no longer than the time kept for a computer that holds the image


class ReadyWindows:
    """Rough times of the loads of `missing` machines: they decide which computers a plan takes, not when these load."""

    def __init__(self, site: Site, block: Block, policy: ReadyPolicy, missing: int, chooser: Chooser) -> None:
        self._site, self._block, self._policy, self._chooser = site, block, policy, chooser
        self._one_load = ceil((policy.model.quantile(_NEARLY_ALL) + DISPATCH) / MINUTE)
        self._leads = self._rough_leads(max(missing, 1) * len(block.images))
        self._first, self._last = self._before(self._leads[-1]), self._before(self._one_load)
        # When those of the machines taken begin that can't begin with the first: the latest first, negative.
        self._late_begins: list[int] = []
        self._looked_at = 0  # machines taken

    def again(self, already_planned: int) -> Window:
        """From now on: then any later begin will do."""
        return self._window(self._site.now)

    def latest(self, again: Window) -> int:
        """When there is time for one load, or as under policy `vcl`; later than that another computer is better."""
        under_vcl = staggered(self._block.start, self._site.load_seconds, 0).start
        return max(self._last, under_vcl, again.start)

    def adopted(self, reservation_start: int) -> Window:
        """As under policy `vcl`, but not before now."""
        window = adopted(self._block.start, reservation_start, self._site.load_seconds)
        return window if window.start >= self._site.now else self._window(self._site.now)

    def machine(self, already_planned: int) -> Window:
        """About the first that begins; the rules look at the begins that are possible (see `accepts`)."""
        return self._window(self._before(self._leads[-1]))

    def accepts(self, taken: Sequence[Machine]) -> Accepts:
        """Whether a computer that is free from then on leaves time enough for all: the last to be free load last."""
        for machine in taken[self._looked_at :]:
            for each in machine.assignments:
                begin = self._chooser.earliest(each.computer)
                if begin > self._first and not self._chooser.holds(each.computer, each.image):
                    insort(self._late_begins, -begin)
        self._looked_at = len(taken)
        return self._accepts

    def _accepts(self, begin: int, holds_image: bool) -> bool:
        if holds_image:
            return begin <= self._last
        if begin <= self._first:
            return True
        with_it = sorted([*self._late_begins, -begin])
        # All of them are later than the longest lead: as many as there are leads are too many, whatever else comes.
        return all(-each <= self._before(lead) for each, lead in zip(with_it, self._leads, strict=False))

    def _rough_leads(self, loads: int) -> list[int]:
        """About how many minutes before the start so many loads begin, the last first."""
        policy = self._policy
        lead = ceil(policy.model.quantile(aim(policy.target) ** (1 / loads)) / MINUTE)
        step = max(round(policy.model.mean / MINUTE), 1)
        if policy.is_mended and policy.model.failing:
            lead += step
        at_a_time = self._places_in_all() or loads
        return [lead + step * (number // at_a_time) for number in range(loads)]

    def _places_in_all(self) -> int:
        """How many computers like the first choice can be loaded at a time, 0 for any number."""
        capacity = self._policy.places.capacity
        first = self._chooser.first_choice(self._block.images[0])
        if first is None:
            return 0
        if first.host_computer_id is not None and capacity.host_limit:
            return len(self._site.computers.hosts) * capacity.host_limit
        nodes = [node.id for node in self._chooser.nodes_of(first.id)]
        if not capacity.is_limited(first.provisioning_id) or any(id_ not in capacity.node_limits for id_ in nodes):
            return 0
        arrivals = sum(self._policy.places.arrivals.get(id_, 0.0) for id_ in nodes)
        by_users = round(arrivals * self._policy.places.arrival_seconds / MINUTE)
        return max(sum(capacity.node_limits[id_] for id_ in nodes) - by_users, 1)

    def _before(self, minutes: int) -> int:
        """So many minutes before the start; not before now."""
        return max(self._block.start - minutes * MINUTE, self._site.now)

    def _window(self, start: int) -> Window:
        return Window(start, max(self._block.start, start + self._site.load_seconds + RELOAD_MARGIN))
