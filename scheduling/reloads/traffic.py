"""The loads of others: those at work, those that are to come, and those that users will cause (BACKEND.md).

A user's reservation begins with a load, unless its image is loaded already, and ends with one: the back end reloads
the computers that somebody has used. So the end of a class is as many loads as it has computers.
"""

import math
from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple, Protocol

from scheduling.facts import Block, BlockComputer, Computer, Reservation, Site
from scheduling.load_time.estimate import longest_load
from scheduling.load_time.model import LoadModel
from scheduling.occupancy import is_occupying, is_reload
from scheduling.reloads.places import Capacity, OtherLoad, Places
from scheduling.state_ids import DELETED, IMAGE, MAKE_PRODUCTION, NEW, PENDING, TIMEOUT
from scheduling.windows import DAY, HOUR, MINUTE

_PRELOAD = 35 * MINUTE  # so long before its start the computer of a reservation that is to come is loaded
_PRELOADED = 24 * MINUTE + 30  # so shortly before, that has been done
_SECOND_LOOK = 2 * MINUTE  # so long the back end looks who uses a computer, before it loads it
_OVERRUN = 30 * MINUTE  # a reservation that should have ended longer ago does not end any more: its node is dead
_QUARTER = 15 * MINUTE  # the front end rounds the start of a reservation for now down to a quarter of an hour
_NOT_RELOADED = frozenset({"maintenance", "vmhostinuse", "hpc", "deleted"})  # states of computers
_RELOADING = "reloading"

_VISIT = 12 * HOUR  # longer reservations are of servers: how many there are does not say how many come
_SHORTEST_AGE = 30 * MINUTE  # a rush of the last minutes does not last for hours
_NOT_LOADED = 0.8  # the share of users for whom the image has to be loaded


class Facts(Protocol):
    """What is known of a site, whatever block time is looked at. A Site has all of it."""

    @property
    def now(self) -> int:
        """The time of the call."""

    @property
    def computers(self) -> Mapping[int, Computer]:
        """The computers by id."""

    @property
    def reservations(self) -> Sequence[Reservation]:
        """Users' reservations and reloads that are not over."""

    @property
    def block_computers(self) -> Sequence[BlockComputer]:
        """The computers that block times have."""


class Visitor(NamedTuple):
    """A user who has a computer now. `age`: for how many seconds; `seconds`: how long their image takes to load."""

    user_id: int
    image_id: int
    node_id: int
    age: int
    seconds: int


@dataclass(frozen=True, slots=True)
class Traffic:
    """The loads of a site from `now` on, whatever class is planned.

    `reloads` are for nobody yet: reload requests, and what the back end loads after a user. Where a class has the
    computer, they are the class's own loads, or are replaced by them. `starts` are loads for users.
    """

    now: int
    capacity: Capacity
    reloads: Sequence[OtherLoad]
    starts: Sequence[OtherLoad]
    visitors: Sequence[Visitor]

    def places(
        self, start: int, own: Collection[int], members: Collection[int] = (), image_ids: Collection[int] = ()
    ) -> Places:
        """What takes places until a class begins at `start`.

        `own` are the ids of its computers. Its `members` who have one of its images (`image_ids`) wait for the class,
        and do not count when it is estimated how many users are still to come.
        """
        others = [load for load in self.reloads if load.begin < start and load.computer_id not in own]
        others += [load for load in self.starts if load.begin < start]
        visitors = [each for each in self.visitors if each.user_id not in members or each.image_id not in image_ids]
        if not visitors or start <= self.now:
            return Places(self.capacity, others)
        seconds = sum(each.seconds for each in visitors) // len(visitors)
        return Places(self.capacity, others, _arrivals(visitors, start - self.now), seconds)


def places(site: Site, block: Block, capacity: Capacity, model: LoadModel) -> Places:
    """What takes places until the block time begins; `model` is that of its main image."""
    own = {row.computer_id for row in site.block_computers if row.block_time_id == block.block_time_id}
    members = {member.id for member in site.members}
    of_site = traffic(site, capacity, {block.images[0].id: model.mean})
    return of_site.places(block.start, own, members, block.image_ids)


def traffic(site: Facts, capacity: Capacity, means: Mapping[int, float]) -> Traffic:
    """The loads of a site. `means`: image -> seconds, for images of which more is known than their `reloadtime`."""
    now = site.now
    of_classes = {row.computer_id for row in site.block_computers if row.start - _QUARTER <= now < row.end}
    reloads: list[OtherLoad] = []
    starts: list[OtherLoad] = []
    visitors: list[Visitor] = []
    for row in site.reservations:
        computer = site.computers.get(row.computer_id)
        if computer is None or computer.type == "lab":
            continue  # the back end loads nothing on computers of labs
        seconds = round(means.get(row.image_id, row.reload_minutes * MINUTE))
        is_limited = capacity.is_limited(computer.provisioning_id)
        place = _Place(computer.id, row.management_node_id, computer.host_computer_id, is_limited)
        if is_reload(row.state_id, row.last_state_id):
            reloads += _reload(row, computer.state, now, place, seconds)
        elif is_occupying(row.state_id, row.last_state_id) and _state(row) not in (IMAGE, MAKE_PRODUCTION):
            starts += _start(row, computer.state, now, place, seconds)
            if computer.state not in _NOT_RELOADED:
                reloads += _after(row, now, place, seconds)
            if is_limited and computer.id not in of_classes and _is_visitor(row, now):
                age = now - row.start - _rounding(row.start, now)
                visitors.append(Visitor(row.user_id, row.image_id, row.management_node_id, age, seconds))
    return Traffic(now, capacity, reloads, starts, visitors)


class _Place(NamedTuple):
    """Where a load takes a place."""

    computer_id: int
    node_id: int
    host_id: int | None
    is_limited: bool

    def load(self, begin: int, seconds: int, *, at_work: bool = False) -> OtherLoad:
        """A load in this place."""
        return OtherLoad(self.computer_id, self.node_id, self.host_id, begin, seconds, at_work, self.is_limited)


def _state(row: Reservation) -> int:
    """What the request is for: while the back end works on it, its last state."""
    return row.last_state_id if row.state_id == PENDING else row.state_id


def _reload(row: Reservation, state: str, now: int, place: _Place, seconds: int) -> list[OtherLoad]:
    """The load of a reload request. One that waits for its time begins then, and one that is late at once."""
    if row.state_id != PENDING:
        return [place.load(max(row.start, now), seconds)]
    begin = row.start if row.start <= now else min(row.start - _PRELOAD, now)
    if state == _RELOADING or now - begin <= _SECOND_LOOK:
        return [_at_work(place, begin, seconds, now)]
    return []  # found its image, or a user, and will be over in a moment


def _start(row: Reservation, state: str, now: int, place: _Place, seconds: int) -> list[OtherLoad]:
    """The load at the start of a user's reservation."""
    if _state(row) != NEW:
        return []
    if row.state_id == PENDING:
        begin = row.start + _rounding(row.start, now) if row.start <= now else min(row.start - _PRELOAD, now)
        return [_at_work(place, begin, seconds, now)] if state == _RELOADING else []
    if now < row.start <= now + _PRELOADED:
        return []
    return [place.load(max(row.start - _PRELOAD, now), seconds)]


def _after(row: Reservation, now: int, place: _Place, seconds: int) -> list[OtherLoad]:
    """The load after a user's reservation."""
    if _state(row) in (DELETED, TIMEOUT):
        return [place.load(now, seconds)]
    return [place.load(max(row.end, now), seconds)] if row.end > now - _OVERRUN else []


def _at_work(place: _Place, begin: int, seconds: int, now: int) -> OtherLoad:
    """A load that has begun. One that should be over takes a little longer; one that is stuck goes on for a day."""
    elapsed = now - begin
    if elapsed > longest_load((), seconds):
        seconds = elapsed + DAY
    elif elapsed >= seconds:
        seconds = elapsed + seconds // 4
    return place.load(begin, seconds, at_work=True)


def _rounding(start: int, now: int) -> int:
    """How long after its stored start a reservation has really begun, on average."""
    return min(_QUARTER, now - start) // 2


def _is_visitor(row: Reservation, now: int) -> bool:
    has_it = row.start <= now < row.end and _state(row) not in (DELETED, TIMEOUT)
    return has_it and row.end - row.start <= _VISIT


def _arrivals(visitors: Sequence[Visitor], horizon: int) -> dict[int, float]:
    """Management node -> loads a minute that users cause who come within `horizon` seconds.

    By Little's law so many come a minute as are there, divided by how long they stay. For a stay without a typical
    length (exponential), that is on average how long those who are there have been. Each causes a load when they come,
    unless they find the image loaded, and one when they leave, if they do so within the horizon.
    """
    stay = max(sum(each.age for each in visitors) / len(visitors), _SHORTEST_AGE)
    leaving = 1 - stay / horizon * (1 - math.exp(-horizon / stay))
    loads_a_visit = _NOT_LOADED + leaving
    on_node = Counter(each.node_id for each in visitors)
    return {node: number * MINUTE / stay * loads_a_visit for node, number in sorted(on_node.items())}
