"""The events of a day: all of them are drawn from its number, so that it can be played again."""

import datetime
import random
import zoneinfo
from dataclasses import dataclass, field

ZONE = zoneinfo.ZoneInfo("America/New_York")
MINUTE, HOUR = 60, 3600
BEGIN = int(datetime.datetime(2026, 3, 2, 8, 0, tzinfo=ZONE).timestamp())  # a Monday
IMAGES = (10, 11)
LOAD_MINUTES = {10: 8, 11: 12}  # image -> its load time in plans
FIRST_COMPUTER, FIRST_CLASS = 10, 20
MEMBERS = 5  # of each class
STRANGER = 1

# Days differ: on some the classes follow one another on few computers, each with another image; on some they are at
# the same hours, on computers with their image loaded already; on some a class is squeezed in before another one.
PLAIN, TIGHT, CROWDED, SQUEEZED = "plain", "tight", "crowded", "squeezed"

# How a class gets its computers.
ASKED = "asked"  # it exists in the morning; the back end asks for it
ALLOCATED = "allocated"  # the same, but staff were quicker than the back end
OURS = "ours"  # a call with blockTimeid 0 makes it


@dataclass(frozen=True)
class Class:
    """A class of the day. `known` is when it is created (Unix seconds)."""

    number: int
    start: int
    end: int
    machines: int
    image: int
    how: str
    known: int

    @property
    def group(self) -> int:
        """Its user group."""
        return FIRST_CLASS + self.number

    @property
    def members(self) -> range:
        """The users of its group."""
        return range(100 * self.group, 100 * self.group + MEMBERS)


@dataclass(frozen=True, order=True)
class Action:
    """Something that somebody does at a time (Unix seconds); `number` is that of a class."""

    at: int
    what: str
    number: int = 0


@dataclass
class Day:
    """A day as it is drawn."""

    number: int
    rng: random.Random = field(init=False)
    kind: str = field(init=False)
    computers: int = field(init=False)
    loaded: dict[int, int] = field(init=False)  # computer -> the image that is on it in the morning
    classes: list[Class] = field(default_factory=list)
    actions: list[Action] = field(default_factory=list)
    failures: float = 0.0  # how likely a load fails

    def __post_init__(self) -> None:
        self.rng = random.Random(self.number)
        self.kind = self.rng.choice((PLAIN, TIGHT, CROWDED, SQUEEZED))
        low, high = {PLAIN: (4, 10), TIGHT: (2, 4), CROWDED: (8, 12), SQUEEZED: (2, 6)}[self.kind]
        self.computers = self.rng.randint(low, high)
        ids = range(FIRST_COMPUTER, FIRST_COMPUTER + self.computers)
        self.loaded = {id_: self.rng.choice((0, *IMAGES)) for id_ in ids}
        if self.kind in (CROWDED, SQUEEZED):
            self.loaded = dict.fromkeys(ids, IMAGES[0])
        self.failures = self.rng.choice((0.0, 0.0, 0.05, 0.15))
        for number in range(self.rng.randint(2, 5)):
            self.classes.append(self._class(number))
        for each in self.classes:
            self._actions_of(each)
        for _ in range(self.rng.randint(0, 4)):
            self.actions.append(Action(BEGIN + self.rng.randrange(5 * HOUR), "stranger"))
        self.actions.sort()

    @property
    def end(self) -> int:
        """When the last class is over (Unix seconds)."""
        return max(each.end for each in self.classes)

    def _class(self, number: int) -> Class:
        rng = self.rng
        start, end = self._hours()
        how = rng.choice((ASKED, ASKED, ALLOCATED, OURS, OURS))
        notice = start - rng.randrange(3, 90) * MINUTE
        known = BEGIN if how != OURS and rng.random() < 0.6 else max(notice, BEGIN + 1)
        image = rng.choice(IMAGES)
        if self.kind == CROWDED:
            image = IMAGES[0]
        if self.kind == TIGHT:
            image = IMAGES[number % len(IMAGES)]
        if self.kind == SQUEEZED and self.classes:  # it comes when the other one's computers are loaded
            how, known, image = OURS, start - rng.randrange(1, 4) * MINUTE, IMAGES[1]
        return Class(number, start, end, rng.randint(1, 4), image, how, known)

    def _hours(self) -> tuple[int, int]:
        rng = self.rng
        length = rng.choice((30, 45, 60, 90)) * MINUTE
        start = BEGIN + rng.randrange(4, 16) * 15 * MINUTE
        if not self.classes:
            return start, start + length
        other = rng.choice(self.classes)
        if self.kind == SQUEEZED:
            start = other.start - rng.randrange(5, 16) * MINUTE
            return start, rng.choice((other.start, other.start - MINUTE))
        if self.kind == TIGHT:
            start = other.end + rng.choice((20, 25, 30, 35)) * MINUTE
        elif self.kind == CROWDED:
            start = other.start + rng.choice((0, 0, 15, 30)) * MINUTE
        elif rng.random() < 0.5:
            start = rng.choice((other.end, other.end + 15 * MINUTE, other.start, other.start + 30 * MINUTE))
        return start, start + length

    def _actions_of(self, each: Class) -> None:
        """Draw the actions of staff and members on a class."""
        rng = self.rng

        def sometime(first: int, last: int) -> int:
            return rng.randrange(first, max(last, first + 1))

        self.actions.append(Action(each.known, "known", each.number))
        for what, how_likely in (("release", 0.1), ("skip", 0.1), ("edit", 0.15), ("again", 0.2)):
            if rng.random() < how_likely:
                self.actions.append(Action(sometime(each.known + 1, each.start), what, each.number))
        for _ in range(rng.randint(0, 4)):
            at = sometime(each.known + 1, each.end - 10 * MINUTE)
            self.actions.append(Action(at, rng.choice(("member", "member", "early", "extend")), each.number))
