"""What the times of VCL's rows say about the configured zone: the rule alone, without a database."""

import random
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from scheduling.site_clock import (
    Facts,
    Host,
    Login,
    Node,
    Outcome,
    Row,
    SilentDays,
    Verdict,
    WrongClock,
    judge,
    same_hours,
    wrong_clocks,
)
from scheduling.windows import DAY, HOUR, MINUTE
from scheduling.zones import offset_of, zones_at

pytestmark = [pytest.mark.no_database, pytest.mark.once(on="sqlite")]

SUMMER = datetime(2026, 7, 15, 17, 41, 12, tzinfo=UTC)  # a Wednesday
WINTER = datetime(2026, 1, 14, 17, 41, 12, tzinfo=UTC)
DAYS = {"summer": SUMMER, "winter": WINTER}
QUARTER = 15 * MINUTE
REQUESTED, LOGGED, LOADED = "request.daterequested", "log.start", "computerloadlog.timestamp"
ZONES = ("UTC", "America/New_York", "Asia/Kolkata", "Europe/Berlin", "Australia/Adelaide", "Pacific/Honolulu")


def shown(zone: str, instant: datetime | float) -> datetime:
    """What the clock of a zone shows."""
    seconds = instant.timestamp() if isinstance(instant, datetime) else instant
    return datetime.fromtimestamp(seconds, ZoneInfo(zone)).replace(tzinfo=None, microsecond=0)


def row(true: str, instant: datetime | float, column: str = REQUESTED, **more: Any) -> Row:
    """What VCL writes at an instant on a site in the zone `true`."""
    return Row(shown(true, instant), column, by_database=column != LOGGED, **more)


def facts(configured: str, now: datetime, *rows: Row, alive: int = 5, **more: Any) -> Facts:
    """A site whose management node has checked in `alive` seconds ago."""
    at = int(now.timestamp())
    return Facts(at, ZoneInfo(configured), rows, more.pop("nodes", [Node("node1", at - alive)]), **more)


def without_history(_seconds: int) -> Mapping[int, bool]:
    """The log is empty, or has begun just now."""
    return {}


def busy(_seconds: int) -> Mapping[int, bool]:
    """Something happened at this time of day on each day."""
    return dict.fromkeys(range(1, 15), False)


def silent_on(*days: int) -> SilentDays:
    """Nothing happened so many days ago."""
    return lambda _seconds: {day: day in days for day in range(1, 15)}


def apart(configured: str, true: str, at: datetime) -> int:
    """How far the configured zone is ahead of the true one."""
    seconds = int(at.timestamp())
    return offset_of(ZoneInfo(configured), seconds) - offset_of(ZoneInfo(true), seconds)


@pytest.mark.parametrize("ago", [0, 1, 20, 59, 119])
@pytest.mark.parametrize("day", DAYS)
@pytest.mark.parametrize("true", ZONES)
@pytest.mark.parametrize("configured", ZONES)
def test_a_row_written_just_now_shows_every_wrong_zone(configured: str, true: str, day: str, ago: int) -> None:
    now = DAYS[day]
    verdict = judge(facts(configured, now, row(true, now - timedelta(seconds=ago))), without_history)
    wrong = apart(configured, true, now)
    if not wrong:
        assert verdict.outcome is Outcome.FITS
        return
    assert (verdict.outcome, verdict.ahead, verdict.exact) == (Outcome.WRONG, wrong, True)
    assert verdict.columns == [REQUESTED]
    assert 1 <= len(verdict.zones) <= 3
    assert all(apart(configured, zone, now) == wrong for zone in verdict.zones)


@pytest.mark.parametrize(
    ("true", "day", "likely"),
    [
        ("America/New_York", "winter", ["America/New_York", "America/Toronto", "America/Bogota"]),
        ("America/New_York", "summer", ["America/New_York", "America/Toronto", "America/Puerto_Rico"]),
        ("Europe/Berlin", "winter", ["Europe/Berlin", "Europe/Paris", "Europe/Rome"]),
        ("Asia/Kolkata", "summer", ["Asia/Kolkata"]),
        ("Asia/Kathmandu", "summer", ["Asia/Kathmandu"]),
        ("Pacific/Chatham", "winter", ["Pacific/Chatham"]),  # not well known, but the only one
    ],
)
def test_likely_zones(true: str, day: str, likely: list[str]) -> None:
    now = DAYS[day]
    assert judge(facts("Pacific/Honolulu", now, row(true, now)), without_history).zones == likely


class TestAhead:
    """Rows in the future."""

    @pytest.mark.parametrize(
        ("seconds", "ahead", "exact"),
        [
            (5 * HOUR, 5 * HOUR, True),
            (5 * HOUR - 119, 5 * HOUR, True),
            (4 * HOUR + 20 * MINUTE, 4 * HOUR + 30 * MINUTE, False),  # written 40 minutes ago
            (16 * MINUTE, 30 * MINUTE, False),
        ],
    )
    def test_off_by_the_distance_rounded_up(self, seconds: int, ahead: int, exact: bool) -> None:
        future = Row(shown("America/New_York", WINTER + timedelta(seconds=seconds)), LOGGED, by_database=False)
        verdict = judge(facts("America/New_York", WINTER, future), busy)
        assert (verdict.outcome, verdict.ahead, verdict.exact) == (Outcome.WRONG, -ahead, exact)

    def test_the_likely_zone_of_a_row_that_is_not_new(self) -> None:
        old = row("UTC", WINTER - timedelta(minutes=40))
        verdict = judge(facts("America/New_York", WINTER, old), busy)
        assert "UTC" in verdict.zones

    @pytest.mark.parametrize("seconds", [0, 60, 120])
    def test_not_by_two_minutes(self, seconds: int) -> None:
        near = facts("UTC", WINTER, row("UTC", WINTER + timedelta(seconds=seconds)))
        assert judge(near, busy) == Verdict(Outcome.FITS)
        assert wrong_clocks(near) == []

    @pytest.mark.parametrize(("column", "host"), [(LOGGED, Host.WRITER_FRONT_END), (LOADED, Host.WRITER_DATABASE)])
    def test_less_than_a_quarter_of_an_hour_is_a_hosts_clock(self, column: str, host: Host) -> None:
        near = facts("UTC", WINTER, row("UTC", WINTER + timedelta(minutes=7), column))
        assert judge(near, busy) == Verdict(Outcome.FITS)
        assert wrong_clocks(near) == [WrongClock(host, 7 * MINUTE)]

    def test_of_a_zone_a_quarter_of_an_hour_away(self) -> None:
        near = facts("Asia/Kolkata", WINTER, row("Asia/Kathmandu", WINTER - timedelta(seconds=50)))
        assert judge(near, busy) == Verdict(Outcome.WRONG, -QUARTER, True, ["Asia/Kathmandu"], [REQUESTED])
        assert wrong_clocks(near) == []

    def test_farther_than_zones_are_apart_is_no_verdict(self) -> None:
        far = facts("Europe/Berlin", WINTER, row("Europe/Berlin", WINTER + timedelta(hours=14)))
        assert judge(far, busy) == Verdict(Outcome.NO_EVIDENCE)
        assert wrong_clocks(far) == []

    def test_the_databases_rows_are_compared_with_its_clock(self) -> None:
        """The host's clock is twenty minutes slow, the zone is right."""
        late = row("UTC", WINTER + timedelta(minutes=20))
        slow = facts("UTC", WINTER, late, database_ahead=20 * MINUTE, nodes=[])
        assert judge(slow, busy).outcome is Outcome.FITS
        assert wrong_clocks(slow) == [WrongClock(Host.DATABASE, 20 * MINUTE)]


class TestBehind:
    """Rows as old as zones differ."""

    FIVE_HOURS_AGO = row("America/New_York", WINTER - timedelta(seconds=30))
    WRONG = Verdict(Outcome.WRONG, 5 * HOUR, True, zones_at(-5 * HOUR, int(WINTER.timestamp())), [REQUESTED])

    @pytest.mark.parametrize(
        ("history", "wrong"),
        [
            (without_history, True),
            (busy, True),
            (silent_on(1, 2, 3, 4, 5, 6), True),
            (silent_on(1, 2, 3, 4, 5, 6, 8), False),  # half of the days
            (silent_on(7), False),  # this weekday a week ago
            (silent_on(14), False),
            (lambda _: {1: False}, True),
            (lambda _: {1: True}, False),
        ],
    )
    def test_when_such_a_silence_is_out_of_the_ordinary(self, history: SilentDays, wrong: bool) -> None:
        verdict = judge(facts("UTC", WINTER, self.FIVE_HOURS_AGO), history)
        assert verdict == (self.WRONG if wrong else Verdict(Outcome.FITS))

    @pytest.mark.parametrize(("alive", "wrong"), [(0, True), (300, True), (301, False), (-3, True), (-301, False)])
    def test_when_vcl_is_alive(self, alive: int, wrong: bool) -> None:
        verdict = judge(facts("UTC", WINTER, self.FIVE_HOURS_AGO, alive=alive), busy)
        assert (verdict == self.WRONG) is wrong

    def test_not_without_management_nodes(self) -> None:
        assert judge(facts("UTC", WINTER, self.FIVE_HOURS_AGO, nodes=[]), busy) == Verdict(Outcome.FITS)

    @pytest.mark.parametrize("ago", [121, 300, 899])
    def test_when_it_is_a_number_of_quarters_and_at_most_two_minutes(self, ago: int) -> None:
        old = facts("UTC", WINTER, row("America/New_York", WINTER - timedelta(seconds=ago)))
        assert judge(old, busy) == Verdict(Outcome.FITS)

    @pytest.mark.parametrize("quarters", [1, 2, 3, 5, 6, 7])
    def test_when_there_is_a_zone_so_far_off(self, quarters: int) -> None:
        """No clock on Earth is half an hour behind UTC."""
        old = facts("UTC", WINTER, row("UTC", WINTER - timedelta(seconds=quarters * QUARTER + 30)))
        assert judge(old, busy) == Verdict(Outcome.FITS)

    def test_the_newest_row_counts(self) -> None:
        newer = row("America/New_York", WINTER - timedelta(minutes=-8), LOADED)
        assert judge(facts("UTC", WINTER, self.FIVE_HOURS_AGO, newer), busy) == Verdict(Outcome.FITS)
        fresh = row("UTC", WINTER - timedelta(minutes=14), LOADED)
        assert judge(facts("UTC", WINTER, self.FIVE_HOURS_AGO, fresh), busy) == Verdict(Outcome.FITS)

    def test_tables_that_agree_are_named_together(self) -> None:
        rows = [self.FIVE_HOURS_AGO, row("America/New_York", WINTER - timedelta(seconds=40), LOGGED)]
        rows.append(row("America/New_York", WINTER - timedelta(hours=2), LOADED))
        assert judge(facts("UTC", WINTER, *rows), busy).columns == [LOGGED, REQUESTED]

    def test_a_start_that_was_rounded_down_says_nothing_about_quarters(self) -> None:
        now = datetime(2026, 1, 14, 17, 0, 40, tzinfo=UTC)
        rounded = row("America/New_York", now - timedelta(seconds=40), LOGGED, rough=True)
        assert judge(facts("UTC", now, rounded), busy) == Verdict(Outcome.FITS)

    def test_farther_than_zones_are_apart_is_no_verdict(self) -> None:
        old = facts("UTC", WINTER, row("UTC", WINTER - timedelta(hours=13, seconds=30)))
        assert judge(old, busy) == Verdict(Outcome.FITS)


class TestNoEvidence:
    """No evidence is not evidence that the zone is right."""

    def test_no_rows(self) -> None:
        assert judge(facts("UTC", WINTER), busy) == Verdict(Outcome.NO_EVIDENCE)

    def test_rows_of_days_ago(self) -> None:
        assert judge(facts("UTC", WINTER, row("UTC", WINTER - timedelta(days=3))), busy) == Verdict(Outcome.NO_EVIDENCE)


class TestLogins:
    """Logins are instants: people reserve within minutes of one."""

    @staticmethod
    def site(configured: str, true: str, users: int, gap: int = 4, ago: int = 50) -> Facts:
        """So many people who have reserved a few minutes after they signed in, the last `ago` minutes before now."""
        at = [WINTER - timedelta(minutes=ago + 7 * number) for number in range(users)]
        rows = [row(true, when, LOGGED, user=f"u{number}") for number, when in enumerate(at)]
        logins = [Login(f"u{number}", int(when.timestamp()) - gap * MINUTE) for number, when in enumerate(at)]
        return facts(configured, WINTER, *rows, logins=logins)

    @pytest.mark.parametrize("true", ["America/New_York", "Asia/Kolkata"])
    @pytest.mark.parametrize("configured", ["UTC", "Europe/Berlin"])
    def test_they_show_a_wrong_zone_when_nothing_is_new(self, configured: str, true: str) -> None:
        verdict = judge(self.site(configured, true, 3), silent_on(*range(1, 15)))
        assert (verdict.outcome, verdict.ahead) == (Outcome.WRONG, apart(configured, true, WINTER))
        assert true in verdict.zones

    def test_two_people_are_too_few(self) -> None:
        assert judge(self.site("UTC", "America/New_York", 2), busy).outcome is Outcome.FITS

    def test_most_have_to_agree(self) -> None:
        wrong, right = self.site("UTC", "America/New_York", 3), self.site("UTC", "UTC", 6)
        right_rows = [Row(each.wall, each.column, by_database=False, user=f"r{each.user}") for each in right.rows]
        right_logins = [Login(f"r{each.user}", each.at) for each in right.logins]
        mixed = facts("UTC", WINTER, *wrong.rows, *right_rows, logins=[*wrong.logins, *right_logins])
        assert judge(mixed, silent_on(1, 7)).outcome is Outcome.FITS

    def test_a_real_silence_after_reservations_just_after_sign_in(self) -> None:
        five_hours = 5 * 60 + 0.5
        quiet = self.site("UTC", "UTC", 3, ago=five_hours)  # type: ignore[arg-type]
        assert judge(quiet, busy) == Verdict(Outcome.FITS)
        assert judge(facts("UTC", WINTER, *quiet.rows), busy).outcome is Outcome.WRONG

    @pytest.mark.parametrize("changed", ["2026-03-08 07:00", "2026-11-01 06:00"])
    def test_rows_of_before_the_clock_was_changed(self, changed: str) -> None:
        now = datetime.fromisoformat(changed).replace(tzinfo=UTC) + timedelta(hours=5, minutes=7)
        at = [now - timedelta(hours=hours) for hours in (9, 11, 14, 20)]
        rows = [row("America/New_York", when, LOGGED, user=str(when)) for when in at]
        logins = [Login(str(when), int(when.timestamp()) - 200) for when in at]
        assert judge(facts("America/New_York", now, *rows, logins=logins), busy) == Verdict(Outcome.FITS)


class TestClocks:
    """Clocks of hosts."""

    @pytest.mark.parametrize(("ahead", "wrong"), [(30, False), (31, True), (-30, False), (-31, True)])
    def test_the_databases(self, ahead: int, wrong: bool) -> None:
        clocks = wrong_clocks(facts("UTC", WINTER, database_ahead=ahead, nodes=[]))
        assert clocks == ([WrongClock(Host.DATABASE, ahead)] if wrong else [])

    @pytest.mark.parametrize(("ahead", "wrong"), [(30, False), (31, True), (-3600, False)])
    def test_a_management_nodes(self, ahead: int, wrong: bool) -> None:
        nodes = [Node("node1", int(WINTER.timestamp()) + 100 + ahead), Node("node2", int(WINTER.timestamp()))]
        clocks = wrong_clocks(facts("UTC", WINTER, database_ahead=100, nodes=nodes))
        assert WrongClock(Host.NODE, ahead, "node1") in clocks or not wrong
        assert len(clocks) == 1 + wrong

    @pytest.mark.parametrize("configured", ["America/New_York", "UTC"])
    def test_a_database_that_keeps_another_zones_time_than_the_front_end(self, configured: str) -> None:
        """Its rows say nothing about VCL_TIME_ZONE, which has to be the front end's."""
        now = WINTER
        rows = [row("UTC", now), row("America/New_York", now, LOGGED)]
        site = facts(configured, now, *rows, ahead_of_front_end=5 * HOUR + 1)
        assert wrong_clocks(site) == [WrongClock(Host.DATABASE_ZONE, 5 * HOUR)]
        expected = Outcome.FITS if configured == "America/New_York" else Outcome.WRONG
        assert judge(site, without_history).outcome is expected

    @pytest.mark.parametrize("ahead", [None, 0, 2, 119, -119, 5 * HOUR + 400])
    def test_one_that_does_not(self, ahead: int | None) -> None:
        assert wrong_clocks(facts("UTC", WINTER, ahead_of_front_end=ahead)) == []


# --- On a site with some history ---------------------------------------------------------------
def silences(zone: str, now: datetime, log: Sequence[datetime]) -> SilentDays:
    """What the store reads from a log of these instants."""
    walls = sorted(shown("UTC", at) for at in log)
    clock = shown(zone, now)

    def silent_days(seconds: int) -> Mapping[int, bool]:
        spans = {days: same_hours(clock, days, seconds) for days in range(1, 15)}
        return {
            days: not any(start < wall <= end for wall in walls)
            for days, (start, end) in spans.items()
            if walls and walls[0] <= start
        }

    return silent_days


@given(
    st.sampled_from(ZONES),
    st.sampled_from(ZONES),
    st.datetimes(datetime(2026, 1, 1), datetime(2026, 12, 31)),
    st.integers(0, 115),
)
def test_every_wrong_zone_is_caught_by_a_row_of_the_last_minutes(
    configured: str, true: str, now: datetime, ago: int
) -> None:
    now = now.replace(tzinfo=UTC, microsecond=0)
    at = int(now.timestamp())
    moved = any(
        offset_of(ZoneInfo(zone), at + shift) != offset_of(ZoneInfo(zone), at)
        for zone in (configured, true)
        for shift in (-DAY, DAY)
    )
    assume(not moved)  # hours in which a zone changes its clock have a test of their own
    verdict = judge(facts(configured, now, row(true, now - timedelta(seconds=ago))), without_history)
    assert verdict.ahead == apart(configured, true, now)
    assert (verdict.outcome is Outcome.WRONG) is bool(verdict.ahead)


@given(
    st.sampled_from(ZONES),
    st.dictionaries(st.integers(0, 6), st.lists(st.integers(0, DAY - 1), min_size=1, max_size=12), min_size=1),
    st.integers(0, 7 * DAY - 1),
)
def test_the_right_zone_is_never_wrong_on_a_site_with_a_weekly_rhythm(
    zone: str, rhythm: Mapping[int, Sequence[int]], after: int
) -> None:
    """Each week people reserve at the same times of the same days, which are random; nights and weekends are quiet."""
    now = SUMMER + timedelta(seconds=after)
    monday = shown(zone, now).replace(hour=0, minute=0, second=0) - timedelta(days=shown(zone, now).weekday())
    walls = [
        monday + timedelta(days=day - 7 * week, seconds=second)
        for week in range(5)
        for day, seconds in rhythm.items()
        for second in seconds
    ]
    log = [at for wall in walls if (at := wall.replace(tzinfo=ZoneInfo(zone))) <= now]
    rows = [row(zone, at, LOGGED) for at in sorted(log, reverse=True)[:50]]
    site = facts(zone, now, *rows)
    assert judge(site, silences(zone, now, log)).outcome is not Outcome.WRONG
    assert wrong_clocks(site) == []


@pytest.mark.parametrize("a_day", [5, 30, 100])
@pytest.mark.parametrize("zone", ["UTC", "Asia/Kolkata"])
def test_the_right_zone_on_a_site_that_is_used_at_random(zone: str, a_day: int) -> None:
    """Mostly by day, a fifth as much at weekends; most people have just signed in."""
    draw = random.Random(a_day)
    for _ in range(100):
        now = SUMMER + timedelta(seconds=draw.randrange(7 * DAY))
        log = _random_log(draw, zone, now, a_day)
        rows = [row(zone, at, LOGGED, user=f"u{draw.randrange(200)}") for at in log[:50]]
        gaps = [draw.expovariate(1 / 240) if draw.random() < 0.8 else draw.uniform(0, 2 * HOUR) for _ in rows]
        logins = [Login(each.user, int(at.timestamp() - gap)) for each, at, gap in zip(rows, log, gaps, strict=False)]
        assert judge(facts(zone, now, *rows, logins=logins), silences(zone, now, log)).outcome is not Outcome.WRONG


def _random_log(draw: random.Random, zone: str, now: datetime, a_day: int) -> list[datetime]:
    """When people reserved in the last sixteen days, the newest first."""
    log = []
    for days in range(16):
        midnight = shown(zone, now).replace(hour=0, minute=0, second=0) - timedelta(days=days)
        for _ in range(round(draw.uniform(0.5, 1.5) * (a_day if midnight.weekday() < 5 else a_day / 5))):
            hours = draw.triangular(7, 24, 14) if draw.random() < 0.95 else draw.uniform(0, 24)
            log.append((midnight + timedelta(hours=hours)).replace(tzinfo=ZoneInfo(zone)))
    return sorted((at for at in log if at <= now), reverse=True)


@pytest.mark.parametrize("zone", ["America/New_York", "Europe/Berlin"])
@pytest.mark.parametrize("month", [3, 10, 11])
def test_around_a_change_of_the_clock_rows_of_the_last_minutes_are_in_order(zone: str, month: int) -> None:
    """Every ten minutes of the month's days on which the clock changes, with a row of up to half an hour ago."""
    begin = int(datetime(2026, month, 1, tzinfo=UTC).timestamp())
    changes = [
        at
        for at in range(begin, begin + 31 * DAY, HOUR)
        if offset_of(ZoneInfo(zone), at) != offset_of(ZoneInfo(zone), at - HOUR)
    ]
    for change in changes:
        for now in range(change - 3 * HOUR, change + 4 * HOUR, 600):
            for ago in (5, 100, 700, 1799):
                moment = datetime.fromtimestamp(now, UTC)
                site = facts(zone, moment, row(zone, now - ago), row(zone, now - 5 * HOUR - ago, LOGGED))
                assert judge(site, busy) == Verdict(Outcome.FITS), (now - change, ago)
                assert wrong_clocks(site) == []
