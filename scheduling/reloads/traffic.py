"""The loads of others: those at work, those that are to come, and those that users will cause (BACKEND.md).

A user's reservation begins with a load, unless its image is loaded already, and ends with one: the back end reloads
the computers that somebody has used. So the end of a class is as many loads as it has computers.
"""

import math
from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple, Protocol

from scheduling.facts import Block, BlockComputer, Fleet, Reservation, Site
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
_USABLE = frozenset({"available", "reserved", "inuse", "reloading"})  # others are nobody's to reserve
_RELOADING = "reloading"
_CAPTURED = (IMAGE, MAKE_PRODUCTION)  # states of requests for computers of which an image is made
_GIVEN_BACK = (DELETED, TIMEOUT)

_VISIT = 12 * HOUR  # longer reservations are of servers: how many there are does not say how many come
_SHORTEST_AGE = 30 * MINUTE  # a rush of the last minutes does not last for hours
_LATELY = 45 * MINUTE  # who came within so many seconds is taken for all who came then, but for a few
_STILL_THERE = 0.93  # of them
_FEW = 4  # visitors: so many say as much as what is known without them
_STAY = 0.6  # of users to the end of their reservations; the others leave earlier
_NOT_LOADED = 0.8  # the share of users for whom the image has to be loaded


class Facts(Protocol):
    """What is known of a site, whatever block time is looked at. A Site has all of it."""

    @property
    def now(self) -> int:
        """The time of the call."""

    @property
    def computers(self) -> Fleet:
        """The computers by id."""

    @property
    def reservations(self) -> Sequence[Reservation]:
        """Users' reservations and reloads that are not over."""

    @property
    def block_computers(self) -> Sequence[BlockComputer]:
        """The computers that block times have."""


class Visitor(NamedTuple):
    """A user who has a computer now.

    `age`: for how many seconds; `left`: for how many more, if they stay; `seconds`: how long their image takes to load.
    """

    user_id: int
    image_id: int
    node_id: int
    age: int
    left: int
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
    computers: int

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
        arrivals = _arrivals(visitors, start - self.now)
        return Places(self.capacity, others, arrivals, seconds, self._taken(visitors, seconds))

    def _taken(self, visitors: Sequence[Visitor], seconds: int) -> float:
        """The share of computers whose users leave within the time of a load: that late before a class, too late."""
        leaving = _STAY * sum(each.left <= HOUR for each in visitors) / HOUR  # a second
        return min(leaving * (seconds + _SECOND_LOOK) / max(self.computers, 1), 1.0)


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
    lengths = {image: round(seconds) for image, seconds in means.items()}
    reloads: list[OtherLoad] = []
    starts: list[OtherLoad] = []
    visitors: list[Visitor] = []
    for row in site.reservations:
        computer = site.computers.get(row.computer_id)
        if computer is None or computer.type == "lab":
            continue  # the back end loads nothing on computers of labs
        seconds = lengths.get(row.image_id, row.reload_minutes * MINUTE)
        is_limited = capacity.is_limited(computer.provisioning_id)
        place = (row.computer_id, row.management_node_id, computer.host_computer_id)
        if is_reload(row.state_id, row.last_state_id):
            if load := _reload(row, computer.state, now, seconds):
                reloads.append(OtherLoad(*place, *load, is_limited))
        elif is_occupying(row.state_id, row.last_state_id) and (state := _state(row)) not in _CAPTURED:
            if state == NEW and (load := _start(row, computer.state, now, seconds)):
                starts.append(OtherLoad(*place, *load, is_limited))
            if computer.state not in _NOT_RELOADED and (load := _after(row, state, now, seconds)):
                reloads.append(OtherLoad(*place, *load, is_limited))
            if is_limited and _is_visitor(row, state, now) and row.computer_id not in of_classes:
                age = now - row.start - _rounding(row.start, now)
                visitors.append(Visitor(row.user_id, row.image_id, row.management_node_id, age, row.end - now, seconds))
    usable = sum(state in _USABLE for state in site.computers.column("state"))
    return Traffic(now, capacity, reloads, starts, visitors, usable)


_Load = tuple[int, int, bool]  # begin, seconds, whether it is at work


def _state(row: Reservation) -> int:
    """What the request is for: while the back end works on it, its last state."""
    return row.last_state_id if row.state_id == PENDING else row.state_id


def _reload(row: Reservation, state: str, now: int, seconds: int) -> _Load | None:
    """The load of a reload request. One that waits for its time begins then, and one that is late at once."""
    if row.state_id != PENDING:
        return max(row.start, now), seconds, False
    begin = row.start if row.start <= now else min(row.start - _PRELOAD, now)
    if state == _RELOADING or now - begin <= _SECOND_LOOK:
        return _at_work(begin, seconds, now)
    return None  # it found its image, or a user, and will be over in a moment


def _start(row: Reservation, state: str, now: int, seconds: int) -> _Load | None:
    """The load at the start of a user's reservation, which is in state `new`."""
    if row.state_id == PENDING:
        begin = row.start + _rounding(row.start, now) if row.start <= now else min(row.start - _PRELOAD, now)
        return _at_work(begin, seconds, now) if state == _RELOADING else None
    if now < row.start <= now + _PRELOADED:
        return None
    return max(row.start - _PRELOAD, now), seconds, False


def _after(row: Reservation, request_state: int, now: int, seconds: int) -> _Load | None:
    """The load after a user's reservation."""
    if request_state in _GIVEN_BACK:
        return now, seconds, False
    return (max(row.end, now), seconds, False) if row.end > now - _OVERRUN else None


def _at_work(begin: int, seconds: int, now: int) -> _Load:
    """A load that has begun. One that should be over takes a little longer; one that is stuck goes on for a day."""
    elapsed = now - begin
    if elapsed > longest_load((), seconds):
        seconds = elapsed + DAY
    elif elapsed >= seconds:
        seconds = elapsed + seconds // 4
    return begin, seconds, True


def _rounding(start: int, now: int) -> int:
    """How long after its stored start a reservation has really begun, on average."""
    return min(_QUARTER, now - start) // 2


def _is_visitor(row: Reservation, request_state: int, now: int) -> bool:
    """Whether a user has the computer now, and for no longer than visitors do."""
    return row.start <= now < row.end and row.end - row.start <= _VISIT and request_state not in _GIVEN_BACK


def _arrivals(visitors: Sequence[Visitor], horizon: int) -> dict[int, float]:
    """Management node -> loads a minute that users cause who come within `horizon` seconds.

    Each causes a load when they come, unless they find the image loaded, and one when they leave, if they do so within
    the horizon.
    """
    stay = max(sum(each.age for each in visitors) / len(visitors), _SHORTEST_AGE)
    leaving = 1 - stay / horizon * (1 - math.exp(-horizon / stay))
    come = _visitors_a_second(visitors, stay) * MINUTE * (_NOT_LOADED + leaving)
    on_node = Counter(each.node_id for each in visitors)
    return {node: come * number / len(visitors) for node, number in sorted(on_node.items())}


def _visitors_a_second(visitors: Sequence[Visitor], age: float) -> float:
    """How many users come a second, where those who are there have been there for `age` seconds on average.

    As many as came lately: nearly all of them are still there. Where these are few, by Little's law as well: so many
    come as are there, divided by how long they stay. For a stay without a typical length (exponential), that is on
    average how long those who are there have been.
    """
    lately = sum(each.age < _LATELY for each in visitors)
    by_stay = len(visitors) / age
    return (lately + _FEW) / (_LATELY * _STILL_THERE + _FEW / by_stay)
