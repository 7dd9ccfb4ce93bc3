"""The classes: block requests, their times, and the computers that some of them have already."""

from dataclasses import dataclass
from datetime import datetime, time, timedelta

from blockalloc.demo import images as im
from blockalloc.demo import inventory as stock
from blockalloc.demo.bookings import PENDING, RELOAD, Booker
from blockalloc.demo.people import CS101, CS420, ENG240, LIBRARY, STAFF, People
from blockalloc.demo.rows import FIRST_ID, VCLRELOAD, Row
from scheduling.vcl_names import ACCEPTED

_MON, _TUE, _WED, _THU, _FRI = range(5)
_DAILY = tuple(range(7))
# VCL's own rule for a reload: ten minutes on top of the load time, machines staggered by a minute, or
# by two if the image loads slowly.
_MARGIN = timedelta(minutes=10)
_SLOW_LOAD = 840
_FULL, _HALF = 1.0, 0.5
# The share of the coming classes' machines that have their computers already.
_ALLOCATED = (_FULL, _FULL, _HALF)


@dataclass(frozen=True)
class Course:
    """A class that takes place every week, on its days (Monday is 0)."""

    name: str
    image: str
    machines: int
    group: str
    days: tuple[int, ...]
    start: time
    end: time

    def times(self, monday: datetime) -> list[tuple[datetime, datetime]]:
        """Starts and ends in the week of that Monday."""
        days = [monday.date() + timedelta(days=day) for day in self.days]
        return [(datetime.combine(day, self.start), datetime.combine(day, self.end)) for day in days]


# The first one, of next week, is block time 101: the example of the README.
COURSES = (
    Course("CS101 programming lab", im.UBUNTU, 20, CS101, (_MON,), time(9), time(11)),
    Course("CS101 tutorial", im.UBUNTU, 8, CS101, (_THU,), time(14), time(15, 30)),
    Course("ENG240 signal processing", im.MATLAB, 14, ENG240, (_MON, _WED), time(9, 30), time(11, 30)),
    Course("ENG240 design studio", im.SOLIDWORKS, 12, ENG240, (_TUE, _THU), time(13), time(16)),
    Course("CS420 big data", im.HADOOP, 4, CS420, (_TUE, _FRI), time(9), time(12)),
    Course("Research databases workshop", im.VM_WIN10, 8, LIBRARY, (_TUE,), time(15), time(17)),
    Course("Open evening lab", im.CENTOS, 6, STAFF, _DAILY, time(18), time(21)),
)
_ON_HOLIDAY = "Research databases workshop"
_WEEKS_BACK, _WEEKS_AHEAD = 4, 3


@dataclass(frozen=True)
class Session:
    """One block time of a course."""

    number: int
    course: Course
    start: datetime
    end: datetime


def add_classes(booker: Booker, who: People, monday: datetime) -> None:
    """Add the weekly classes around the week of `monday` (next Monday), and allocate some of the coming ones."""
    requests = [_weekly_request(booker, who, course, monday) for course in COURSES]
    sessions: list[Session] = []
    for week in (0, -1, *range(1, _WEEKS_AHEAD)):  # next week first: its ids don't depend on the day of loading
        for course, request in zip(COURSES, requests, strict=True):
            for start, end in course.times(monday + timedelta(weeks=week)):
                if end > booker.now:  # VCL removes a block time when it is over
                    skip = week == 1 and course.name == _ON_HOLIDAY
                    sessions.append(Session(_block_time(booker, request, start, end, skip=skip), course, start, end))
    coming = sorted(sessions, key=lambda session: (session.start, session.number))
    to_allocate = [session for session in coming if session.number != FIRST_ID]
    for session, share in zip(to_allocate, _ALLOCATED, strict=False):
        _allocate(booker, session, max(1, int(session.course.machines * share)))


def add_special_requests(booker: Booker, who: People, monday: datetime, maintenance: datetime) -> None:
    """Add a block that the site's maintenance makes impossible, one that waits to be accepted, and a large exam.

    The exam is beside CS101's class, a week after the class to try: together they want more computers than there are.
    """
    start, end = maintenance - timedelta(minutes=30), maintenance + timedelta(hours=2)
    hackathon = Course("Hackathon, night session", im.UBUNTU, 10, CS420, (), start.time(), end.time())
    request = _block_request(booker, who, hackathon, "list", end)
    _web_rows(booker, request, hackathon, start, start)
    _block_time(booker, request, start, end)

    asked = Course("BIO150 statistics", im.OFFICE, 15, LIBRARY, (_WED,), time(10), time(12))
    last = monday + timedelta(weeks=_WEEKS_AHEAD)
    request = _block_request(booker, who, asked, "weekly", last, status="requested")
    _web_rows(booker, request, asked, monday, last)

    exam = Course("CS420 final exam", im.UBUNTU, 50, CS420, (_MON,), time(9), time(11))
    start, end = exam.times(monday + timedelta(weeks=1))[0]
    request = _block_request(booker, who, exam, "list", end)
    _web_rows(booker, request, exam, start, start)
    _block_time(booker, request, start, end)


def _weekly_request(booker: Booker, who: People, course: Course, monday: datetime) -> int:
    first, last = monday - timedelta(weeks=_WEEKS_BACK), monday + timedelta(weeks=_WEEKS_AHEAD, days=-1)
    request = _block_request(booker, who, course, "weekly", last.replace(hour=23, minute=59))
    _web_rows(booker, request, course, first, last)
    return request


def _block_request(
    booker: Booker, who: People, course: Course, repeating: str, expires: datetime, status: str = ACCEPTED
) -> int:
    managers = booker.inventory.managers[booker.inventory.pool(course.image)]
    return booker.rows.add(
        "blockRequest",
        name=course.name,
        imageid=booker.inventory.images.ids[course.image],
        numMachines=course.machines,
        groupid=who.groups[course.group],
        repeating=repeating,
        ownerid=who.teachers[course.group],
        managementnodeid=managers[0],
        expireTime=expires,
        processing=0,
        status=status,
    )


def _web_rows(booker: Booker, request: int, course: Course, first: datetime, last: datetime) -> None:
    days = sum(1 << (day + 1) % 7 for day in course.days)  # VCL's week begins on Sunday, which is bit 0
    booker.rows.link(
        "blockWebDate", blockRequestid=request, start=first.date(), end=last.date(), days=days, weeknum=None
    )
    booker.rows.link(
        "blockWebTime",
        blockRequestid=request,
        starthour=course.start.hour % 12 or 12,
        startminute=course.start.minute,
        startmeridian="am" if course.start.hour < 12 else "pm",
        endhour=course.end.hour % 12 or 12,
        endminute=course.end.minute,
        endmeridian="am" if course.end.hour < 12 else "pm",
        order=0,
    )


def _block_time(booker: Booker, request: int, start: datetime, end: datetime, *, skip: bool = False) -> int:
    return booker.rows.add("blockTimes", blockRequestid=request, start=start, end=end, processed=0, skip=int(skip))


def _allocate(booker: Booker, session: Session, machines: int) -> None:
    """Give the session computers for so many machines, with their reloads, as the service would."""
    load_time = im.SPECS[session.course.image].load_seconds
    step = timedelta(seconds=120 if load_time > _SLOW_LOAD else 60)
    booker.rows.row("blockTimes", session.number)["processed"] = 1
    for n in range(machines):
        begins = session.start - timedelta(seconds=load_time) - _MARGIN - n * step
        computers = _machine(booker, session, begins)
        if computers is None:
            return
        request = _reload_request(booker, session, begins)
        for computer, image in computers:
            _give(booker, session, computer, image, request)


def _machine(booker: Booker, session: Session, begins: datetime) -> list[tuple[Row, str]] | None:
    """The computers of one machine: one, or all of a cluster's. None if one is not available."""
    main = session.course.image
    chosen: list[tuple[Row, str]] = []
    for image in (main, *im.SUBIMAGES.get(main, ())):
        computer = booker.choose(image, begins, session.end)
        if computer is None:
            return None
        booker.calendar.take(computer, begins, session.end)
        chosen.append((computer, image))
    return chosen


def _reload_request(booker: Booker, session: Session, begins: datetime) -> int:
    """The reload's request; 0 once the class has begun: the back end has loaded the computer and removed it by then."""
    if session.start <= booker.now:
        return 0
    return booker.request(RELOAD if begins > booker.now else PENDING, VCLRELOAD, begins, session.start)


def _give(booker: Booker, session: Session, computer: Row, image: str, request: int) -> None:
    booker.rows.link(
        "blockComputers",
        blockTimeid=session.number,
        computerid=computer["id"],
        imageid=booker.inventory.images.ids[image],
        reloadrequestid=request,
    )
    if not request:
        stock.load(computer, booker.inventory.images, image)
        return
    booker.reserve(request, computer, image)
    if booker.rows.row("request", request)["stateid"] == PENDING:
        computer["stateid"] = stock.RELOADING
