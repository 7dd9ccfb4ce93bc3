"""Whether the zone that is configured for the site's clock agrees with the times that VCL has just written.

VCL's DATETIME columns hold what the site's clock showed. Read by the clock of the right zone, a row that was written
just now is of just now. Read by that of a wrong one, it lies in the future, which can't be, or in the past by as many
quarters of an hour as the zones differ, which a site where nothing happens looks like as well. Seconds throughout.
"""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import Enum
from zoneinfo import ZoneInfo

from scheduling.windows import DAY, MINUTE
from scheduling.zones import QUARTER, in_range, offset_of, zones_at

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
    `user` is whose row it is, "" where nobody's logins tell anything of it.
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

    `database_ahead`: how far the database's clock is ahead of this host's. `beside`: how far the database's NOW() is
    ahead of the front end's clock in the newest reservation that has both; None without one.
    """

    now: int
    zone: ZoneInfo
    rows: Sequence[Row]
    nodes: Sequence[Node] = ()
    logins: Sequence[Login] = ()
    database_ahead: int = 0
    beside: int | None = None

    @property
    def database_now(self) -> int:
        """The instant by the database's clock."""
        return self.now + self.database_ahead

    @property
    def database_differs(self) -> bool:
        """Whether the database keeps another zone's time than the front end: what both write differs by quarters."""
        return self.beside is not None and abs(_nearest_quarter(self.beside)) >= QUARTER and _is_quarter(self.beside)


# Of the days before, counted from now, whether nobody reserved anything in so many seconds up to this time of day.
# Days before the first row are left out. It is asked when it matters only.
SilentDays = Callable[[int], Mapping[int, bool]]


class Outcome(Enum):
    """What the rows say of the zone. NO_EVIDENCE: neither that it is right nor that it is wrong."""

    WRONG = "wrong"
    FITS = "fits"
    NO_EVIDENCE = "no evidence"


@dataclass(frozen=True, slots=True)
class Verdict:
    """`ahead`: how far the clock of the configured zone is ahead of the rows' (negative: behind them); 0 unless wrong.

    `exact`: not only at least so far. `zones`: which fit, the likeliest first. `columns`: by what was judged.
    """

    outcome: Outcome
    ahead: int = 0
    exact: bool = True
    zones: Sequence[str] = ()
    columns: Sequence[str] = ()


class Host(Enum):
    """Whose clock is wrong."""

    DATABASE = "database"  # beside this host's
    NODE = "management node"  # beside the database's
    WRITER_DATABASE = "database's rows"  # beside this host's, by the rows that it has dated
    WRITER_FRONT_END = "front end's rows"
    DATABASE_ZONE = "database's zone"  # beside the front end's


@dataclass(frozen=True, slots=True)
class WrongClock:
    """A clock that is `ahead` of another one by so many seconds (negative: behind). `name`: of a management node."""

    host: Host
    ahead: int
    name: str = ""


@dataclass(frozen=True, slots=True)
class _Aged:
    """A row and its age. `age` is the least that it can be: around a change of the clock there are several."""

    row: Row
    age: int
    plain: int  # by what the two clocks show
    written: int  # the instant


@dataclass(slots=True)
class _Logins:
    """How many people reserved just after they had signed in, if the rows are shifted by so many seconds."""

    users: int
    agreeing: Counter[int] = field(default_factory=Counter)

    def agree_on(self, shift: int) -> bool:
        """Whether enough of them, and most of all, do."""
        return self.agreeing[shift] >= _USERS and 2 * self.agreeing[shift] > self.users


def judge(facts: Facts, silent_days: SilentDays) -> Verdict:
    """What the rows say of the configured zone."""
    rows = _aged(facts)
    offset = offset_of(facts.zone, facts.now)
    logins = _logins(facts, rows)
    wrong = _by_logins(logins, offset, facts.now) or _ahead(rows, offset, facts.now)
    if wrong is None and rows:
        wrong = _behind(facts, rows, offset, logins, silent_days)
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
        wrong.append(WrongClock(Host.DATABASE_ZONE, _nearest_quarter(facts.beside or 0)))
    for by_database, host in ((True, Host.WRITER_DATABASE), (False, Host.WRITER_FRONT_END)):
        ahead = max((-each.age for each in _aged(facts) if each.row.by_database is by_database), default=0)
        if ahead > FRESH and _is_of_a_host(ahead, offset_of(facts.zone, facts.now), facts.now):
            wrong.append(WrongClock(host, ahead))
    return wrong


# --- Rows that lie in the future --------------------------------------------------------------
def _ahead(rows: Sequence[_Aged], offset: int, now: int) -> Verdict | None:
    future = [each for each in rows if each.age < -FRESH]
    if not future:
        return None
    distance = max(-each.age for each in future)
    if _is_of_a_host(distance, offset, now):
        return None
    farthest = max(future, key=lambda each: -each.age)
    quarters = _rounded_up(-farthest.plain)
    exact = quarters + farthest.plain <= FRESH
    shift = quarters
    while not exact and in_range(offset + shift) and not zones_at(offset + shift, now):
        shift += QUARTER
    columns = sorted({each.row.column for each in future})
    return Verdict(Outcome.WRONG, -quarters, exact, zones_at(offset + shift, now), columns)


def _is_of_a_host(distance: int, offset: int, now: int) -> bool:
    """Whether a row so far in the future comes of a clock that is wrong, and not of a zone."""
    return distance < QUARTER and not (distance >= QUARTER - FRESH and zones_at(offset + QUARTER, now))


# --- Rows that are as old as zones differ -----------------------------------------------------
def _behind(
    facts: Facts, rows: Sequence[_Aged], offset: int, logins: _Logins, silent_days: SilentDays
) -> Verdict | None:
    """All are silent since the newest row was written; it counts when that silence would be out of the ordinary."""
    newest = min(rows, key=lambda each: each.age)
    just_now = newest.age % QUARTER
    shift = (newest.plain if newest.plain >= QUARTER else newest.age) - just_now
    if newest.row.rough or newest.age <= QUARTER or just_now > FRESH or shift < QUARTER:
        return None
    zones = zones_at(offset - shift, facts.now)
    alive = any(abs(facts.database_now - node.checked_in) <= ALIVE for node in facts.nodes)
    if not zones or not alive or logins.agree_on(0) or _is_usual(silent_days(newest.age)):
        return None
    columns = sorted({each.row.column for each in rows if each.age - newest.age <= FRESH})
    return Verdict(Outcome.WRONG, shift, True, zones, columns)


def _is_usual(silent: Mapping[int, bool]) -> bool:
    """Whether nothing happened at this time of day on half of the days, or on this weekday in one of two weeks.

    Weekends are quiet where the ten working days of a fortnight are not.
    """
    often = bool(silent) and 2 * sum(silent.values()) >= len(silent)
    return often or any(silent.get(days, False) for days in _WEEKS)


# --- People who sign in and reserve -----------------------------------------------------------
def _by_logins(logins: _Logins, offset: int, now: int) -> Verdict | None:
    """The zone by which most people reserved just after they had signed in, where that is not the configured one."""
    for shift, _ in logins.agreeing.most_common(1):
        if shift and logins.agree_on(shift) and (zones := zones_at(offset - shift, now)):
            return Verdict(Outcome.WRONG, shift, True, zones, ["log.start", "loginlog.timestamp"])
    return None


def _logins(facts: Facts, rows: Sequence[_Aged]) -> _Logins:
    """Logins are instants, reservations local times: where one follows the other, they tell how far those are off."""
    at: dict[str, list[int]] = {}
    for login in facts.logins:
        at.setdefault(login.user, []).append(login.at)
    shifts: dict[str, set[int]] = {}
    for each in rows:
        if each.row.user in at and not each.row.rough:
            candidates = (_shift(login - each.written) for login in at[each.row.user])
            shifts.setdefault(each.row.user, set()).update(shift for shift in candidates if shift is not None)
    return _Logins(len(shifts), Counter(shift for of_user in shifts.values() for shift in of_user))


def _shift(login_after: int) -> int | None:
    """By how many quarters of an hour a row has to be later, so that it comes just after the login; None: by none."""
    shift = _rounded_up(login_after - MINUTE)
    return shift if -MINUTE <= shift - login_after <= _LOGIN_TO_REQUEST else None


# --- Ages -------------------------------------------------------------------------------------
def _aged(facts: Facts) -> list[_Aged]:
    """The rows that zones can explain; of those that the database dates none where it keeps another zone's time."""
    offset = offset_of(facts.zone, facts.now)
    ages = [_age(facts, row) for row in facts.rows if not (row.by_database and facts.database_differs)]
    return [each for each in ages if each.age >= -FRESH or in_range(offset + _rounded_up(-each.age))]


def _age(facts: Facts, row: Row) -> _Aged:
    """How long ago the clock of the zone has shown what the row holds.

    When it was set back meanwhile there are two answers, and the difference of what it shows is a third: rows of a
    site where all is right are of just now by one of them.
    """
    now = facts.database_now if row.by_database else facts.now
    shown = datetime.fromtimestamp(now, facts.zone).replace(tzinfo=None)
    plain = round((shown - row.wall).total_seconds())
    instants = [int(row.wall.replace(tzinfo=facts.zone, fold=fold).timestamp()) for fold in (0, 1)]
    ages = [plain, *(now - instant for instant in instants)]
    past = [age for age in ages if age >= -FRESH]
    return _Aged(row, min(past) if past else max(ages), plain, instants[0])


def _rounded_up(seconds: int) -> int:
    return -(-seconds // QUARTER) * QUARTER


def _nearest_quarter(seconds: int) -> int:
    return round(seconds / QUARTER) * QUARTER


def _is_quarter(seconds: int) -> bool:
    return abs(seconds - _nearest_quarter(seconds)) <= FRESH


def same_hours(now: datetime, days: int, seconds: int) -> tuple[datetime, datetime]:
    """The same hours of another day: so many seconds up to what the clock showed `days` ago."""
    end = now - timedelta(days=days)
    return end - timedelta(seconds=seconds), end
