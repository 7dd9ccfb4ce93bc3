"""A site at moments to come: what will be over, what will be loaded, what classes planned before will have."""

from bisect import bisect_right, insort
from collections.abc import Iterable, Sequence
from dataclasses import replace
from heapq import heappop, heappush
from itertools import count
from operator import attrgetter

from scheduling.facts import Block, BlockComputer, Image, OrphanedReload, Reservation, Site
from scheduling.forecast.facts import ForecastFacts
from scheduling.forecast.fleet import ChangingFleet
from scheduling.load_time.estimate import LONGEST
from scheduling.load_time.model import LoadModel
from scheduling.reloads.places import Places
from scheduling.reloads.policy import ReadyPolicy
from scheduling.windows import HOUR, MINUTE

_ROOM = HOUR  # after a block's end: more than any margin that the rules keep
_FAILED_LATELY = 90 * MINUTE  # a reservation that failed earlier counts no longer (SPEC 4, "which first")

_end = attrgetter("end")


class Moments:
    """The site from the moment of the facts on. Time moves forward only."""

    def __init__(self, facts: ForecastFacts) -> None:
        self._facts, self._site = facts, facts.site
        self._now = facts.site.now
        self._fleet = ChangingFleet(facts.site.computers)
        self._images = {each.id: {image.id: image for image in each.block.images} for each in facts.classes}
        self._reservations: list[Reservation] = sorted(facts.site.reservations, key=_end)
        self._orphans: Sequence[OrphanedReload] = facts.site.orphans
        self._rows: list[BlockComputer] = []
        self._loads: list[tuple[int, int, int, Image]] = []  # when one is over, a number, of which computer: a heap
        self._number = count()
        self._policies: dict[int, ReadyPolicy | None] = {}
        self.add(facts.site.block_computers)

    def add(self, rows: Iterable[BlockComputer]) -> None:
        """From now on block times have these computers too."""
        for row in rows:
            insort(self._rows, row, key=_end)
            image = self._images.get(row.block_time_id, {}).get(row.image_id)
            if image is not None:
                # What is loaded at the moment of the facts is known of the computers themselves.
                over = max(row.reload_start + self._load_seconds(image), self._site.now + 1)
                heappush(self._loads, (over, next(self._number), row.computer_id, image))

    def at(self, moment: int, block: Block) -> Site:
        """The site at a moment not before the last one, as far as it matters to `block`."""
        if moment < self._now:
            raise ValueError(f"moment {moment}: time moves forward only, and it is {self._now}")
        if moment > self._now:
            self._move_to(moment)
        high = block.end + _ROOM
        site = self._site
        return replace(
            site,
            now=moment,
            computers=self._fleet,
            reservations=[row for row in self._reservations if row.start < high],
            block_computers=[row for row in self._rows if row.reload_start < high],
            orphans=self._orphans,
            claimed=frozenset(),
            load_seconds=self._load_seconds(block.images[0]),
            members=self._facts.members.get(block.group_id, ()),
            recent_failures=site.recent_failures if moment < site.now + _FAILED_LATELY else None,
            ready_policy=self._policy(block.images[0]),
        )

    def _move_to(self, moment: int) -> None:
        if self._now == self._site.now:
            self._fleet.let_states_pass()
        self._now = moment
        for rows in (self._reservations, self._rows):
            del rows[: bisect_right(rows, moment, key=_end)]
        self._orphans = [row for row in self._orphans if _over(row) > moment]
        while self._loads and self._loads[0][0] <= moment:
            _over_at, _number, computer_id, image = heappop(self._loads)
            self._fleet.load(computer_id, image)

    def _load_seconds(self, image: Image) -> int:
        return self._facts.load_seconds.get(image.id, image.reload_minutes * MINUTE)

    def _policy(self, image: Image) -> ReadyPolicy | None:
        """The policy for an image; what users do at the moment of the facts says nothing of later ones."""
        policy = self._site.ready_policy
        if policy is None:
            return None
        if image.id not in self._policies:
            model = self._facts.models.get(image.id) or LoadModel.always(self._load_seconds(image))
            places = Places(policy.places.capacity)
            self._policies[image.id] = replace(policy, model=model, places=places, spares=False, awaited=0)
        return self._policies[image.id]


def _over(orphan: OrphanedReload) -> int:
    """When a reload is over that no class needs; one that waits is taken to begin in time."""
    return orphan.start + LONGEST if orphan.end is None else orphan.end
