"""Who has which computer when: reservations of users, now and in the days to come."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from random import Random
from typing import cast

from blockalloc.demo import images as im
from blockalloc.demo import inventory as stock
from blockalloc.demo.inventory import Inventory
from blockalloc.demo.people import CS101, CS420, ENG240, LIBRARY, STAFF, People
from blockalloc.demo.rows import Row, Rows

# Ids of VCL's own rows (state), beside those of computers.
NEW, PENDING, RELOAD = 13, 14, 19

# VCL keeps a quarter of an hour free between two uses of a computer.
_MARGIN = timedelta(minutes=15)
# Image and whose member has it. The last two were asked for a moment ago: "reserved", not yet "inuse".
_NOW = (
    (im.UBUNTU, CS101),
    (im.UBUNTU, CS101),
    (im.OFFICE, STAFF),
    (im.CENTOS, CS420),
    (im.MATLAB, ENG240),
    (im.VM_UBUNTU, LIBRARY),
    (im.UBUNTU, CS101),
    (im.RHEL, CS420),
)
_JUST_ASKED = 2
# CS101's members are left out: what they reserve beside a class of theirs joins that class.
_LATER = (
    (im.UBUNTU, CS420),
    (im.CENTOS, STAFF),
    (im.OFFICE, STAFF),
    (im.RHEL, CS420),
    (im.MATLAB, ENG240),
    (im.SOLIDWORKS, ENG240),
    (im.VM_WIN10, LIBRARY),
    (im.VM_UBUNTU, LIBRARY),
)
_HOW_MANY_LATER = 24


class Calendar:
    """When each computer is taken."""

    def __init__(self) -> None:
        self._taken: dict[int, list[tuple[datetime, datetime]]] = {}

    def free(self, computer: Row, start: datetime, end: datetime) -> bool:
        """Whether nothing else has the computer then, with VCL's quarter of an hour on both sides."""
        taken = self._taken.get(number(computer), [])
        return all(start >= other_end + _MARGIN or end + _MARGIN <= other_start for other_start, other_end in taken)

    def take(self, computer: Row, start: datetime, end: datetime) -> None:
        """Note that the computer is taken."""
        self._taken.setdefault(number(computer), []).append((start, end))


@dataclass(frozen=True)
class Booker:
    """Chooses computers that are free and writes reservations of them."""

    rows: Rows
    inventory: Inventory
    calendar: Calendar
    now: datetime

    def choose(self, image: str, start: datetime, end: datetime) -> Row | None:
        """The smallest free computer of the image's pool; those that hold the image come first."""
        pool = self.inventory.pools[self.inventory.pool(image)]
        fitting = [c for c in pool if usable(c) and fits(c, image) and self.calendar.free(c, start, end)]
        return min(fitting, key=lambda c: (not self.has_loaded(c, image), c["RAM"], c["id"]), default=None)

    def has_loaded(self, computer: Row, image: str) -> bool:
        """Whether the computer holds the production revision of the image."""
        return computer["imagerevisionid"] == self.inventory.images.production(image)

    def request(self, state: int, user: int, start: datetime, end: datetime, log: int | None = None) -> int:
        """Add a request. A reload begins when it is due, and not before (SPEC 8.14)."""
        return self.rows.add(
            "request",
            stateid=state,
            laststateid=RELOAD if state == PENDING else state,
            userid=user,
            logid=log,
            preload=int(state == RELOAD),
            start=start,
            end=end,
            daterequested=min(start, self.now) - timedelta(minutes=2),
        )

    def reserve(self, request: int, computer: Row, image: str) -> None:
        """Add a computer to a request."""
        managers = self.inventory.managers[self.inventory.pool(image)]
        self.rows.add(
            "reservation",
            requestid=request,
            computerid=computer["id"],
            imageid=self.inventory.images.ids[image],
            imagerevisionid=self.inventory.images.production(image),
            managementnodeid=managers[number(computer) % len(managers)],
        )

    def user_reservation(self, image: str, user: int, start: datetime, end: datetime, state: int = NEW) -> None:
        """Add a user's reservation of a computer that holds the image, with its log; without a free one, nothing."""
        computer = self.choose(image, start, end)
        if computer is None or not self.has_loaded(computer, image):
            return
        self.calendar.take(computer, start, end)
        loaded = start + timedelta(seconds=40) if start <= self.now else None
        log = self.rows.add(
            "log",
            userid=user,
            nowfuture="now" if loaded else "future",
            start=start,
            loaded=loaded,
            initialend=end,
            finalend=end,
            wasavailable=1,
            ending="none",
            computerid=computer["id"],
            imageid=self.inventory.images.ids[image],
        )
        self.reserve(self.request(state, user, start, end, log), computer, image)
        if loaded:
            computer["stateid"] = state  # "inuse" and "reserved" are the same for the request and its computer


def add_current(booker: Booker, who: People) -> None:
    """Add what users have at this moment."""
    quarter = booker.now - timedelta(minutes=booker.now.minute % 15, seconds=booker.now.second)
    for n, (image, group) in enumerate(_NOW):
        just_asked = n >= len(_NOW) - _JUST_ASKED
        start = quarter if just_asked else quarter - timedelta(minutes=15 * (n + 2))
        state = stock.RESERVED if just_asked else stock.INUSE
        booker.user_reservation(image, who.members[group][n], start, start + timedelta(hours=3), state)


def add_future(booker: Booker, who: People, monday: datetime) -> None:
    """Add what users have reserved for the coming days, and one CS101 member's own beside next Monday's class.

    That one is adopted: the computer joins the class, and the member keeps it.
    """
    nine = monday.replace(hour=9)
    booker.user_reservation(im.UBUNTU, who.members[CS101][11], nine + timedelta(hours=1), nine + timedelta(hours=3))
    random = Random("future")
    today = booker.now.replace(hour=0, minute=0, second=0)
    for n in range(_HOW_MANY_LATER):
        image, group = _LATER[n % len(_LATER)]
        start = today + timedelta(days=random.randint(1, 7), hours=random.randint(8, 18))
        end = start + timedelta(hours=random.randint(1, 3))
        booker.user_reservation(image, random.choice(who.members[group]), start, end)


def number(row: Row) -> int:
    """The id of a row."""
    return cast(int, row["id"])


def usable(computer: Row) -> bool:
    """Whether the computer is in none of the states in which VCL gives it to nobody."""
    return computer["stateid"] not in (stock.FAILED, stock.MAINTENANCE, stock.VMHOSTINUSE)


def fits(computer: Row, image: str) -> bool:
    """Whether the computer has the power that the image asks for."""
    has = [cast(int, computer[name]) for name in ("RAM", "procnumber", "procspeed", "network")]
    return all(value >= least for value, least in zip(has, im.SPECS[image].minimum, strict=True))
