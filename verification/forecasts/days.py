"""A site, its classes and bookings of some days: all of them are drawn from a number, to be played again."""

import datetime
import random
import zoneinfo
from dataclasses import dataclass, field

ZONE = zoneinfo.ZoneInfo("America/New_York")
MINUTE, HOUR, DAY = 60, 3600, 86400
BEGIN = int(datetime.datetime(2026, 3, 6, 7, 0, tzinfo=ZONE).timestamp())  # a Friday, two days before the clock changes
DAYS = 4

PLAIN, LARGE, LIMITED, CLUSTER, VIRTUAL = 10, 11, 12, 13, 14  # images
LOAD_MINUTES = {PLAIN: 8, LARGE: 12, LIMITED: 10, CLUSTER: 10, VIRTUAL: 9}
AT_ONCE = 4  # computers that may run the image LIMITED
FIRST_COMPUTER, FIRST_HOST, FIRST_CLASS = 10, 80, 20
MEMBERS = 4  # of each user group
STRANGER = 1

AVAILABLE, FAILED, MAINTENANCE = 2, 5, 10  # states of computers
ALWAYS_OPEN, OPEN_BY_DAY = 1, 2  # schedules


@dataclass(frozen=True)
class Computer:
    """A computer. `host`: the VM host that it runs on, None for a blade; `loaded`: the image that it holds."""

    id: int
    ram: int
    state: int
    schedule: int
    loaded: int
    host: int | None = None


@dataclass(frozen=True)
class Class:
    """A class: `request` is its block request, which may have several."""

    id: int
    request: int
    start: int
    end: int
    machines: int
    image: int


@dataclass(frozen=True)
class Booking:
    """A reservation of one computer by a user, who is a member of the user group `group`, or a stranger (None)."""

    computer: int
    start: int
    end: int
    image: int
    group: int | None


@dataclass
class Days:
    """What is drawn from `number`. Under `policy` the service plans; times are Unix seconds."""

    number: int
    rng: random.Random = field(init=False)
    policy: str = field(init=False)
    computers: list[Computer] = field(init=False)
    classes: list[Class] = field(default_factory=list)
    maintenances: list[tuple[int, int]] = field(default_factory=list)
    bookings: list[Booking] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.rng = random.Random(self.number)
        self.policy = ("vcl", "ready")[self.number % 2]
        self.computers = [self._computer(FIRST_COMPUTER + place) for place in range(self.rng.randint(5, 14))]
        if self.rng.random() < 0.4:
            first = FIRST_COMPUTER + len(self.computers)
            self.computers += [self._virtual(first + place) for place in range(self.rng.randint(4, 8))]
        for request in range(self.rng.randint(3, 7)):
            self._series(FIRST_CLASS + request)
        if self.rng.random() < 0.3:
            start = BEGIN + self.rng.randrange(2 * HOUR, (DAYS - 1) * DAY, HOUR)
            self.maintenances.append((start, start + self.rng.choice((2, 4)) * HOUR))
        for _ in range(self.rng.choice((0, 0, 1, 3))):
            self._book()

    @property
    def end(self) -> int:
        """When the last class is over."""
        return max(each.end for each in self.classes)

    @property
    def hosts(self) -> list[int]:
        """The VM hosts in use."""
        return sorted({each.host for each in self.computers if each.host is not None})

    def _computer(self, id_: int) -> Computer:
        rng = self.rng
        state = rng.choice((*[AVAILABLE] * 9, FAILED, MAINTENANCE))
        schedule = rng.choice((*[ALWAYS_OPEN] * 5, OPEN_BY_DAY))
        return Computer(id_, rng.choice((4096, 4096, 8192)), state, schedule, rng.choice((PLAIN, LARGE, 1)))

    def _virtual(self, id_: int) -> Computer:
        host = FIRST_HOST + self.rng.randrange(2)
        return Computer(id_, 4096, AVAILABLE, ALWAYS_OPEN, self.rng.choice((VIRTUAL, 1)), host)

    def _series(self, request: int) -> None:
        """A block request with up to three classes, some of which begin when others end or are on."""
        rng = self.rng
        images = [PLAIN, PLAIN, LARGE, LIMITED, CLUSTER, *([VIRTUAL] * 2 if self.hosts else [])]
        image, machines = rng.choice(images), rng.randint(1, 7)
        for day in sorted(rng.sample(range(DAYS), rng.randint(1, 3))):
            start, length = self._start(day), rng.choice((45, 60, 90, 120, 180)) * MINUTE
            self.classes.append(
                Class(100 + len(self.classes), request, start, start + length, machines, image)
            )  # fmt: skip

    def _start(self, day: int) -> int:
        rng = self.rng
        that_day = [each for each in self.classes if each.start // DAY == (BEGIN + day * DAY) // DAY]
        if that_day and rng.random() < 0.6:
            other = rng.choice(that_day)
            return rng.choice((other.start, other.end, other.end + 15 * MINUTE, other.end + 30 * MINUTE))
        return BEGIN + day * DAY + rng.randrange(4, 48) * 15 * MINUTE

    def _book(self) -> None:
        rng = self.rng
        each = rng.choice(self.classes)
        usable = [one.id for one in self.computers if one.state == AVAILABLE and one.host is None]
        free = [id_ for id_ in usable if id_ not in {one.computer for one in self.bookings}]
        if not free or each.image in (CLUSTER, VIRTUAL):
            return
        start = each.start + rng.choice((-HOUR, -30 * MINUTE, 0, HOUR // 2))
        if start < BEGIN + 2 * HOUR:
            return
        group = each.request if rng.random() < 0.5 else None
        self.bookings.append(Booking(rng.choice(free), start, start + rng.choice((1, 2)) * HOUR, each.image, group))
