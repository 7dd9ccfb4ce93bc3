"""Whether the zone that is configured for the site's clock agrees with the times that VCL has just written.

VCL's DATETIME columns have what the site's clock showed. In the right zone, a row that was just written has the time of
now. In a wrong zone it has a time in the future, which cannot be, or one in the past, by as many quarters of an hour as
the zones are apart. But where the newest row is in the past, it may also be that nothing has happened since.

All lengths of time are in seconds. `ahead` is always how far the clock of the configured zone is ahead of the clock
that wrote the rows, negative when it is behind: the right zone's offset from UTC is the configured one's minus `ahead`.
"""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import Enum
from zoneinfo import ZoneInfo

from scheduling.windows import DAY, MINUTE
from scheduling.zones import QUARTER, in_range, nearest_quarter, offset_of, rounded_down, rounded_up, zones_at

FRESH = 2 * MINUTE  # how long ago something has happened "just now"
CLOCK_SECONDS = 30  # what clocks of hosts may differ by
ALIVE = 5 * MINUTE  # VCL is alive while a management node has checked in within
FORTNIGHT = 14  # days of history
_WEEKS = (7, 14)  # days ago
_LOGIN_TO_REQUEST = 10 * MINUTE  # within which most people reserve once they have signed in
_USERS = 3  # whose logins have to agree


@dataclass(frozen=True, slots=True)
class Row:
    """What the site's clock showed when VCL wrote a row, by `column` ("request.daterequested").

    `by_database`: the database's NOW(), else the front end's own clock. `rough`: may be rounded down to a quarter hour.
    `user` is whose row it is, "" where logins say nothing about it.
    """

    wall: datetime
    column: str
    by_database: bool
    user: str = ""
    rough: bool = False


@dataclass(frozen=True, slots=True)
class Node:
    """A management node, and when it last checked in: an instant by the database's clock."""

    hostname: str
    checked_in: int


@dataclass(frozen=True, slots=True)
class Login:
    """When somebody signed in to VCL: an instant."""

    user: str
    at: int


@dataclass(frozen=True, slots=True)
class Facts:
    """What is known. `now` is an instant by this host's clock, `zone` the one that is configured.

    `database_ahead`: how far the database's clock is ahead of this host's. `ahead_of_front_end`: how far the database's
    NOW() is ahead of the front end's clock in the newest reservation that has both; None without one.
    """

    now: int
    zone: ZoneInfo
    rows: Sequence[Row]
    nodes: Sequence[Node] = ()
    logins: Sequence[Login] = ()
    database_ahead: int = 0
    ahead_of_front_end: int | None = None

    @property
    def database_now(self) -> int:
        """The instant by the database's clock."""
        return self.now + self.database_ahead

    @property
    def database_differs(self) -> bool:
        """Whether the database keeps another zone's time than the front end: what both write differs by quarters."""
        ahead = self.ahead_of_front_end
        return ahead is not None and abs(nearest_quarter(ahead)) >= QUARTER and _is_quarter(ahead)


# A function of a number of seconds: whether nobody reserved anything in that many seconds up to this time of day, for
# each earlier day (by how many days ago it was). Days before the first row are left out. Called only when it matters.
SilentDays = Callable[[int], Mapping[int, bool]]


class Outcome(Enum):
    """What the rows say of the zone. NO_EVIDENCE: neither that it is right nor that it is wrong."""

    WRONG = "wrong"
    FITS = "fits"
    NO_EVIDENCE = "no evidence"


@dataclass(frozen=True, slots=True)
class Verdict:
    """What the rows say, and how far the zones are apart (`ahead`, 0 unless wrong).

    `exact` is False when they may be further apart than that. `zones` are the zones that fit, the likeliest first;
    `columns` are those that the verdict rests on.
    """

    outcome: Outcome
    ahead: int = 0
    exact: bool = True
    zones: Sequence[str] = ()
    columns: Sequence[str] = ()


class Host(Enum):
    """Whose clock is wrong."""

    DATABASE = "database"  # compared with this host's
    NODE = "management node"  # compared with the database's
    WRITER_DATABASE = "database's rows"  # compared with this host's, by the rows that it has dated
    WRITER_FRONT_END = "front end's rows"
    DATABASE_ZONE = "database's zone"  # compared with the front end's


@dataclass(frozen=True, slots=True)
class WrongClock:
    """A clock that is `ahead` of another one, in seconds (negative: behind). `name`: of a management node."""

    host: Host
    ahead: int
    name: str = ""


@dataclass(frozen=True, slots=True)
class Aged:
    """A row and its age by the configured zone: negative when the row lies in the future.

    Around a change of the clock there are several answers: `age` is the least, `wall_age` the difference of what the
    clock shows now and what the row has. `written` is the instant of the row.
    """

    row: Row
    age: int
    wall_age: int
    written: int


@dataclass(slots=True)
class _Logins:
    """How many of the `users` reserved just after they had signed in, for each `ahead` with which that is so."""

    users: int
    agreeing: Counter[int] = field(default_factory=Counter)

    def agree_on(self, ahead: int) -> bool:
        """Whether enough of them do, and more than half."""
        return self.agreeing[ahead] >= _USERS and 2 * self.agreeing[ahead] > self.users


def judge(facts: Facts, silent_days: SilentDays) -> Verdict:
    """What the rows say of the configured zone."""
    rows = aged_rows(facts)
    offset = offset_of(facts.zone, facts.now)
    logins = _logins(facts, rows)
    wrong = _by_logins(logins, offset, facts.now) or _by_future_rows(rows, offset, facts.now)
    if wrong is None and rows:
        wrong = _by_old_rows(facts, rows, offset, logins, silent_days)
    if wrong:
        return wrong
    known = any(each.age <= DAY for each in rows)
    return Verdict(Outcome.FITS if known else Outcome.NO_EVIDENCE)


def wrong_clocks(facts: Facts) -> list[WrongClock]:
    """The clocks of hosts that are wrong, whatever the zone is."""
    wrong = []
    if abs(facts.database_ahead) > CLOCK_SECONDS:
        wrong.append(WrongClock(Host.DATABASE, facts.database_ahead))
    for node in facts.nodes:
        if (ahead := node.checked_in - facts.database_now) > CLOCK_SECONDS:
            wrong.append(WrongClock(Host.NODE, ahead, node.hostname))
    if facts.database_differs:
        wrong.append(WrongClock(Host.DATABASE_ZONE, nearest_quarter(facts.ahead_of_front_end or 0)))
    rows = aged_rows(facts)
    for by_database, host in ((True, Host.WRITER_DATABASE), (False, Host.WRITER_FRONT_END)):
        ahead = max((-each.age for each in rows if each.row.by_database is by_database), default=0)
        if ahead > FRESH and _is_of_a_host(ahead, offset_of(facts.zone, facts.now), facts.now):
            wrong.append(WrongClock(host, ahead))
    return wrong


# --- Rows that lie in the future --------------------------------------------------------------
def _by_future_rows(rows: Sequence[Aged], offset: int, now: int) -> Verdict | None:
    """The zones are so far apart that no row lies in the future."""
    future = [each for each in rows if each.age < -FRESH]
    if not future:
        return None
    farthest = min(future, key=lambda each: each.age)
    if _is_of_a_host(-farthest.age, offset, now):
        return None
    # In the right zone the row's age is `wall_age - ahead`: the least that is not negative, or some quarters more.
    ahead = rounded_down(farthest.wall_age)
    exact = farthest.wall_age - ahead <= FRESH  # then the row is of just now
    likely = ahead
    while not exact and in_range(offset - likely) and not zones_at(offset - likely, now):
        likely -= QUARTER
    columns = sorted({each.row.column for each in future})
    return Verdict(Outcome.WRONG, ahead, exact, zones_at(offset - likely, now), columns)


def _is_of_a_host(distance: int, offset: int, now: int) -> bool:
    """Whether a row that lies `distance` in the future is due to a host's clock that is wrong, and not to a zone."""
    return distance < QUARTER and not (distance >= QUARTER - FRESH and zones_at(offset + QUARTER, now))


# --- Rows that are as old as zones differ -----------------------------------------------------
def _by_old_rows(
    facts: Facts, rows: Sequence[Aged], offset: int, logins: _Logins, silent_days: SilentDays
) -> Verdict | None:
    """The zones are as far apart as the newest row is old, if it is unusual that nothing happens for that long."""
    newest = min(rows, key=lambda each: each.age)
    true_age = newest.age % QUARTER  # if it was written just now: the quarters are the difference of the zones
    ahead = (newest.wall_age if newest.wall_age >= QUARTER else newest.age) - true_age
    if newest.row.rough or newest.age <= QUARTER or true_age > FRESH or ahead < QUARTER:
        return None
    zones = zones_at(offset - ahead, facts.now)
    alive = any(abs(facts.database_now - node.checked_in) <= ALIVE for node in facts.nodes)
    if not zones or not alive or logins.agree_on(0) or _is_usual(silent_days(newest.age)):
        return None
    columns = sorted({each.row.column for each in rows if each.age - newest.age <= FRESH})
    return Verdict(Outcome.WRONG, ahead, True, zones, columns)


def _is_usual(silent: Mapping[int, bool]) -> bool:
    """Whether nothing happened at this time of day on half of the days, or on this weekday in one of two weeks.

    Weekends are quiet where the ten working days of a fortnight are not.
    """
    often = bool(silent) and 2 * sum(silent.values()) >= len(silent)
    return often or any(silent.get(days, False) for days in _WEEKS)


# --- People who sign in and reserve -----------------------------------------------------------
def _by_logins(logins: _Logins, offset: int, now: int) -> Verdict | None:
    """The zone by which most people reserved just after they had signed in, where that is not the configured one."""
    for ahead, _ in logins.agreeing.most_common(1):
        if ahead and logins.agree_on(ahead) and (zones := zones_at(offset - ahead, now)):
            return Verdict(Outcome.WRONG, ahead, True, zones, ["log.start", "loginlog.timestamp"])
    return None


def _logins(facts: Facts, rows: Sequence[Aged]) -> _Logins:
    """Logins are instants, reservations local times: where one follows the other, they show how far those are off."""
    at: dict[str, list[int]] = {}
    for login in facts.logins:
        at.setdefault(login.user, []).append(login.at)
    by_user: dict[str, set[int]] = {}
    for each in rows:
        if each.row.user in at and not each.row.rough:
            candidates = (_ahead_by_login(login - each.written) for login in at[each.row.user])
            by_user.setdefault(each.row.user, set()).update(ahead for ahead in candidates if ahead is not None)
    return _Logins(len(by_user), Counter(ahead for of_user in by_user.values() for ahead in of_user))


def _ahead_by_login(login_after: int) -> int | None:
    """The `ahead` with which a row comes just after a login, `login_after` later than the row; None when there is none.

    In the right zone the row is `ahead` later.
    """
    ahead = rounded_up(login_after - MINUTE)
    return ahead if -MINUTE <= ahead - login_after <= _LOGIN_TO_REQUEST else None


# --- Ages -------------------------------------------------------------------------------------
def aged_rows(facts: Facts) -> list[Aged]:
    """The rows that zones can explain; of those that the database dates none where it keeps another zone's time."""
    offset = offset_of(facts.zone, facts.now)
    clocks = {False: _Clock(facts.now, facts.zone), True: _Clock(facts.database_now, facts.zone)}
    ages = [clocks[row.by_database].aged(row) for row in facts.rows if not (row.by_database and facts.database_differs)]
    return [each for each in ages if each.age >= -FRESH or in_range(offset - rounded_down(each.age))]


class _Clock:
    """A clock that is at `now`, and shows the time of the configured zone."""

    def __init__(self, now: int, zone: ZoneInfo) -> None:
        self._now, self._zone = now, zone
        self._shown = datetime.fromtimestamp(now, zone).replace(tzinfo=None)
        self._known: dict[datetime, tuple[int, int, int]] = {}  # rows of one moment are many

    def aged(self, row: Row) -> Aged:
        """The row with its age."""
        if row.wall not in self._known:
            self._known[row.wall] = self._ages(row.wall)
        return Aged(row, *self._known[row.wall])

    def _ages(self, wall: datetime) -> tuple[int, int, int]:
        """How long ago the clock showed that, by its own time and as the difference of what it shows; and the instant.

        If it was set back since, there are two answers, and the difference of what it shows is a third one. On a site
        where all is right, a row of just now has the age of just now by one of them.
        """
        wall_age = round((self._shown - wall).total_seconds())
        instants = [int(wall.replace(tzinfo=self._zone, fold=fold).timestamp()) for fold in (0, 1)]
        ages = [wall_age, *(self._now - instant for instant in instants)]
        past = [age for age in ages if age >= -FRESH]
        return min(past) if past else max(ages), wall_age, instants[0]


def _is_quarter(seconds: int) -> bool:
    return abs(seconds - nearest_quarter(seconds)) <= FRESH


def same_hours(now: datetime, days: int, seconds: int) -> tuple[datetime, datetime]:
    """The same hours of another day: start and end of the `seconds` up to this time of day, `days` ago."""
    end = now - timedelta(days=days)
    return end - timedelta(seconds=seconds), end
