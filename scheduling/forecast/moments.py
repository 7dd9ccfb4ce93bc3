"""A site at moments to come: what will be over, what will be loaded, what classes planned before will have."""

from collections import deque
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from heapq import heappop, heappush
from itertools import count
from operator import attrgetter
from typing import Generic, TypeVar

from scheduling.bookings import Bookings
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


class Moments:
    """The site from the moment of the facts on. Time moves forward only."""

    def __init__(self, facts: ForecastFacts) -> None:
        self._facts, self._site = facts, facts.site
        self._now = facts.site.now
        self._fleet = ChangingFleet(facts.site.computers)
        self._images = {each.id: {image.id: image for image in each.block.images} for each in facts.classes}
        self.bookings = Bookings()  # those of the site that was asked for last
        self._reservations = _Current(facts.site.reservations, attrgetter("start"), self.bookings.reservations)
        self._rows = _Current(facts.site.block_computers, attrgetter("reload_start"), self.bookings.block_computers)
        self._orphans: Sequence[OrphanedReload] = facts.site.orphans
        self.bookings.set_orphans(self._orphans)
        self._loads: list[tuple[int, int, int, Image]] = []  # when one is over, a number, of which computer: a heap
        self._number = count()
        self._policies: dict[int, ReadyPolicy | None] = {}
        self._expect_loads(facts.site.block_computers)

    def add(self, rows: Sequence[BlockComputer]) -> None:
        """From now on block times have these computers too."""
        self._rows.add(rows)
        self._expect_loads(rows)

    def at(self, moment: int, block: Block) -> Site:
        """The site at a moment not before the last one, as far as it matters to `block`."""
        if moment < self._now:
            raise ValueError(f"moment {moment}: time moves forward only, and it is {self._now}")
        if moment > self._now:
            self._move_to(moment)
        site, until = self._site, block.end + _ROOM
        return replace(
            site,
            now=moment,
            computers=self._fleet,
            reservations=self._reservations.until(until),
            block_computers=self._rows.until(until),
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
        self._reservations.move_to(moment)
        self._rows.move_to(moment)
        if self._orphans:
            self._orphans = [row for row in self._orphans if _over(row) > moment]
            self.bookings.set_orphans(self._orphans)
        while self._loads and self._loads[0][0] <= moment:
            _over_at, _number, computer_id, image = heappop(self._loads)
            self._fleet.load(computer_id, image)

    def _expect_loads(self, rows: Iterable[BlockComputer]) -> None:
        """Computers will have the images of their classes; what they have now is known."""
        for row in rows:
            image = self._images.get(row.block_time_id, {}).get(row.image_id)
            if image is not None:
                over = max(row.reload_start + self._load_seconds(image), self._site.now + 1)
                heappush(self._loads, (over, next(self._number), row.computer_id, image))

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


T = TypeVar("T", Reservation, BlockComputer)


class _Current(Generic[T]):
    """Promises of which few matter at a time: those that are over are gone, and those of later weeks wait."""

    def __init__(self, promises: Iterable[T], begin: Callable[[T], int], by_computer: dict[int, list[T]]) -> None:
        """`by_computer` is where those that may matter now are kept as well."""
        self._begin: Callable[[T], int] = begin
        self._by_computer: dict[int, list[T]] = by_computer
        self._waiting: deque[T] = deque(sorted(promises, key=begin))
        self._begun: list[T] = []
        self._over: int | None = None  # what ends by then is gone; nothing at the moment of the facts

    def add(self, promises: Sequence[T]) -> None:
        """Add some that begin soon."""
        self._begun = self._begun.copy()  # a site that was asked for has the other list
        self._begun += promises
        for each in promises:
            self._by_computer[each.computer_id].append(each)

    def move_to(self, moment: int) -> None:
        """Forget those that are over."""
        self._over = moment
        over = [each for each in self._begun if each.end <= moment]
        if not over:
            return
        self._begun = [each for each in self._begun if each.end > moment]
        for each in over:
            self._by_computer[each.computer_id].remove(each)

    def until(self, moment: int) -> Sequence[T]:
        """Those that begin before a moment, and perhaps some that begin later."""
        begin: list[T] = []
        while self._waiting and self._begin(self._waiting[0]) < moment:
            each = self._waiting.popleft()
            if self._over is None or each.end > self._over:
                begin.append(each)
        if begin:
            self.add(begin)
        return self._begun


def _over(orphan: OrphanedReload) -> int:
    """When a reload is over that no class needs; one that waits is taken to begin in time."""
    return orphan.start + LONGEST if orphan.end is None else orphan.end
