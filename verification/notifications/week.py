"""The classes of a week, and what goes wrong with some of them: all of it is drawn from a seed."""

import datetime
import zoneinfo
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from enum import StrEnum
from itertools import cycle
from random import Random

ZONE = zoneinfo.ZoneInfo("America/New_York")
MINUTE, HOUR, DAY = 60, 3600, 86_400
MONDAY = int(datetime.datetime(2026, 3, 2, tzinfo=ZONE).timestamp())
ASKED_BEFORE = 6 * HOUR  # the back end asks so long before the start
FIRST_CLASS = 1_000
CAMPUS_IMAGES = range(10, 14)
OWNERS = range(500, 530)
STRANGERS = 60  # users who belong to no class
_FIRST_LAB_IMAGE, _FIRST_LAB_COMPUTER = 100, 2_000
_SLOTS = range(8 * 60, 17 * 60 + 1, 30)  # minutes of the day at which the classes of the campus begin
_TROUBLED_SLOTS = (9 * 60, 10 * 60, 13 * 60, 14 * 60)  # fewer, so that mails have something to group
_LENGTHS, _SHORT = (60, 75, 90), (30, 45)  # minutes
_QUIET_EVERY = 15  # one of so many classes of the campus is skipped, released or rejected
_USERS, _ROOM = 0.2, 1.6  # share of computers that others have; how many times as many there are as are needed


class Trouble(StrEnum):
    """What goes wrong with a class; nothing, or nothing that anybody is to be told, with most of them."""

    NONE = "nothing"
    TOO_FEW = "too few computers"
    SOME_BACK = "too few computers until staff bring some back"
    FAILING = "computers that fail to load"
    BROKEN = "an image that fails to load"
    NODE = "a management node that dies, and comes back before the start"
    NODE_LATE = "a management node that dies, and comes back after the start"
    USERS = "users who stay until the start"
    MAINTENANCE = "computers put into maintenance"
    MAINTENANCE_BRIEF = "computers put into maintenance for half an hour"
    LATE = "made ten minutes before the start"
    TAKEN = "computers that the back end takes out of the class"
    AWAY = "the service is away when the back end asks"
    FORECAST = "asked for two days ahead, with too few computers"
    SKIPPED = "skipped by staff"
    RELEASED = "released by staff"
    REJECTED = "no longer accepted"


QUIET = (Trouble.SKIPPED, Trouble.RELEASED, Trouble.REJECTED)
TROUBLES = tuple(each for each in Trouble if each is not Trouble.NONE and each not in QUIET)


@dataclass(frozen=True)
class Lab:
    """Computers that run the same images; the campus is number 0. `own_node`: its management node has no other lab."""

    number: int
    computers: range
    images: Sequence[int]
    own_node: bool = False

    @property
    def node(self) -> int:
        """The id of its management node."""
        return 10 if not self.number else 20 + self.number if self.own_node else 11


@dataclass(frozen=True)
class Class:
    """A class; `id` is that of block request and block time, `known` when it is made (Unix seconds)."""

    id: int
    start: int
    end: int
    seats: int
    lab: Lab
    image: int
    owner: int
    trouble: Trouble
    known: int

    @property
    def name(self) -> str:
        """The name of its block request."""
        return f"Course {self.id}"

    @property
    def members(self) -> range:
        """The ids of the users of its group, whose id is the class's."""
        return range(10 * self.id, 10 * self.id + self.seats)


@dataclass
class Week:
    """So many `classes` on `days`, of which a `share` gets into trouble. It is played from `begin` (Unix seconds).

    With `hours` (of the day) the classes begin in these only, and are short; it is played from 75 minutes before.
    """

    seed: int
    classes_wanted: int
    days: int
    share: float = 0.1
    hours: tuple[int, int] | None = None
    classes: list[Class] = field(default_factory=list)
    labs: list[Lab] = field(default_factory=list)
    begin: int = field(init=False)

    def __post_init__(self) -> None:
        first = 8 * HOUR - ASKED_BEFORE - HOUR // 2
        self.begin = MONDAY + (first if self.hours is None else self.hours[0] * HOUR - 75 * MINUTE)
        self._chance = Random(f"{self.seed} week")
        troubled = round(self.classes_wanted * self.share)
        ids = iter(range(FIRST_CLASS, FIRST_CLASS + self.classes_wanted))
        campus = [self._on_campus(number, next(ids)) for number in range(self.classes_wanted - troubled)]
        lab = Lab(0, range(100, 100 + _computers_for(campus)), CAMPUS_IMAGES)
        self.labs.append(lab)
        self.classes += [replace(each, lab=lab) for each in campus]
        for number, (id_, trouble) in enumerate(zip(ids, cycle(TROUBLES), strict=False)):
            self.classes.append(self._in_trouble(number, id_, trouble))

    @property
    def end(self) -> int:
        """When the last class has been over for a while (Unix seconds)."""
        return max(each.end for each in self.classes) + (20 if self.hours is None else 5) * MINUTE

    def nodes(self) -> list[int]:
        """The ids of the management nodes."""
        return sorted({lab.node for lab in self.labs})

    def days_of_users(self) -> Iterator[tuple[int, int]]:
        """From when to when users come (Unix seconds), day by day: nobody does at night."""
        for day in range(self.days):
            begin = MONDAY + day * DAY + 7 * HOUR
            yield max(begin, self.begin), min(begin + 12 * HOUR, self.end)

    def _on_campus(self, number: int, id_: int) -> Class:
        chance = self._chance
        start = self._start(number % self.days, _SLOTS)
        trouble = QUIET[number // _QUIET_EVERY % len(QUIET)] if number % _QUIET_EVERY == 4 else Trouble.NONE
        seats, image = chance.randint(3, 8), chance.choice(CAMPUS_IMAGES)
        nowhere = Lab(0, range(0), ())  # until it is known how many computers are needed
        end = start + self._length() * MINUTE
        return Class(id_, start, end, seats, nowhere, image, self._owner(), trouble, self.begin)

    def _in_trouble(self, number: int, id_: int, trouble: Trouble) -> Class:
        chance = self._chance
        if (trouble is Trouble.FORECAST and self.days < 3) or (trouble is Trouble.AWAY and self.hours is not None):
            trouble = Trouble.TOO_FEW
        day = (number * 2 + number // self.days) % self.days
        if trouble is Trouble.FORECAST:
            day = 2 + number % (self.days - 2)
        start = self._start(day, _TROUBLED_SLOTS)
        if trouble is Trouble.AWAY:
            start += 10 * MINUTE  # no other class is asked for at that time
        seats = chance.randint(5, 8)
        first = _FIRST_LAB_COMPUTER + 20 * number
        computers = range(first, first + seats - 2 * (trouble is Trouble.TOO_FEW))
        own_node = trouble in (Trouble.NODE, Trouble.NODE_LATE)
        lab = Lab(number + 1, computers, (_FIRST_LAB_IMAGE + number,), own_node)
        self.labs.append(lab)
        known = start - 10 * MINUTE if trouble is Trouble.LATE else self.begin
        end = start + self._length() * MINUTE
        return Class(id_, start, end, seats, lab, lab.images[0], self._owner(), trouble, known)

    def _start(self, day: int, slots: Sequence[int]) -> int:
        if self.hours is not None:
            first, last = (60 * hour for hour in self.hours)
            slots = [slot for slot in slots if first <= slot <= last] or [first]
        return MONDAY + day * DAY + self._chance.choice(slots) * MINUTE

    def _length(self) -> int:
        return self._chance.choice(_LENGTHS if self.hours is None else _SHORT)

    def _owner(self) -> int:
        return self._chance.choice(OWNERS)


def _computers_for(classes: Sequence[Class]) -> int:
    """How many computers the campus needs for these classes and others, with room."""
    most = max(
        (
            sum(each.seats for each in classes if each.start - HOUR < at <= each.end)
            for at in {each.start for each in classes}
        ),
        default=0,
    )
    return int(_ROOM * most / (1 - _USERS)) + 8
