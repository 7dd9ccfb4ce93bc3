"""Intervals, minutes of the week, and when a schedule is open (SPEC 4, rule 2)."""

from datetime import date
from zoneinfo import ZoneInfo

import pytest

from scheduling.windows import HOUR, WEEK, minute_of_week, overlap, schedule_covers
from tests.support.sites.facts import at

pytestmark = [pytest.mark.no_database, pytest.mark.once(on="mariadb")]

UTC = ZoneInfo("UTC")
ALWAYS = [(0, 10080)]
NEW_YORK, SYDNEY, KOLKATA = "America/New_York", "Australia/Sydney", "Asia/Kolkata"


def covers(times: list[tuple[int, int]], start: str, end: str, zone: str = "UTC") -> bool:
    """Whether the schedule covers a window given in local time."""
    return schedule_covers(times, at(start, zone), at(end, zone), ZoneInfo(zone))


# --- intervals --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("start", "end", "overlaps"),
    [(0, 10, False), (0, 11, True), (20, 30, False), (19, 30, True), (12, 13, True), (0, 99, True), (10, 20, True)],
)
def test_intervals_that_only_touch_do_not_overlap(start: int, end: int, overlaps: bool) -> None:
    assert overlap(start, end, 10, 20) is overlaps
    assert overlap(10, 20, start, end) is overlaps


@pytest.mark.parametrize(("start", "end", "overlaps"), [(0, 5, False), (0, 6, True), (25, 30, False), (24, 30, True)])
def test_the_margin_is_kept_on_both_sides(start: int, end: int, overlaps: bool) -> None:
    assert overlap(start, end, 10, 20, margin=5) is overlaps


# --- minutes of the week ----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("local", "sunday", "minute"),
    [
        ("2026-01-18 00:00", date(2026, 1, 18), 0),
        ("2026-01-17 23:59:59", date(2026, 1, 11), 10079),
        ("2026-01-14 14:30:59", date(2026, 1, 11), 3 * 1440 + 14 * 60 + 30),
        ("2027-01-01 01:00", date(2026, 12, 27), 5 * 1440 + 60),
    ],
)
def test_weeks_begin_on_sunday_in_every_year_and_seconds_are_cut_off(local: str, sunday: date, minute: int) -> None:
    assert minute_of_week(at(local), UTC) == (sunday, minute)


def test_the_week_is_the_local_one() -> None:
    saturday_evening_in_utc = at("2026-01-17 18:30")
    assert minute_of_week(saturday_evening_in_utc, ZoneInfo(KOLKATA)) == (date(2026, 1, 18), 0)


# --- schedules --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("times", "covered"),
    [
        ([(3 * 1440 + 600, 3 * 1440 + 720)], True),
        ([(3 * 1440 + 601, 3 * 1440 + 720)], False),
        ([(3 * 1440 + 600, 3 * 1440 + 719)], False),
        ([(3 * 1440 + 600, 3 * 1440 + 660), (3 * 1440 + 660, 3 * 1440 + 720)], False),
        ([(0, 1), (3 * 1440, 4 * 1440)], True),
        ([], False),
    ],
)
def test_one_entry_must_cover_the_whole_window(times: list[tuple[int, int]], covered: bool) -> None:
    assert covers(times, "2026-01-14 10:00", "2026-01-14 12:00") is covered


def test_seconds_are_cut_off_at_both_ends() -> None:
    wednesday = [(3 * 1440 + 600, 3 * 1440 + 720)]
    assert covers(wednesday, "2026-01-14 10:00:59", "2026-01-14 12:00:59")
    assert not covers(wednesday, "2026-01-14 09:59:59", "2026-01-14 12:00:00")
    assert not covers(wednesday, "2026-01-14 10:00:00", "2026-01-14 12:01:00")


@pytest.mark.parametrize(
    ("times", "covered"),
    [
        ([(9960, 10080), (0, 120)], True),
        ([(0, 120), (9960, 10080)], True),
        (ALWAYS, True),
        ([(9961, 10080), (0, 120)], False),
        ([(9960, 10079), (0, 120)], False),
        ([(9960, 10080), (1, 120)], False),
        ([(9960, 10080), (0, 119)], False),
        ([(9960, 10080)], False),
        ([(0, 120)], False),
    ],
)
def test_a_window_into_the_next_week_needs_an_entry_to_its_end_and_one_from_its_beginning(
    times: list[tuple[int, int]], covered: bool
) -> None:
    assert covers(times, "2026-01-17 22:00", "2026-01-18 02:00") is covered


def test_the_same_holds_over_the_turn_of_the_year() -> None:
    weekend = [(10020, 10080), (0, 60)]
    assert covers(weekend, "2028-01-01 23:00", "2028-01-02 01:00")
    assert not covers(weekend, "2026-12-31 23:00", "2027-01-01 01:00")
    assert covers([(4 * 1440 + 1380, 5 * 1440 + 60)], "2026-12-31 23:00", "2027-01-01 01:00")


def test_seven_days_or_more_need_an_entry_for_the_whole_week() -> None:
    two_parts = [(0, 5000), (4000, 10080)]
    start = at("2026-01-14 10:00")
    assert schedule_covers(two_parts, at("2026-01-17 10:00"), at("2026-01-18 10:00"), UTC)
    assert not schedule_covers(two_parts, start, start + WEEK, UTC)
    assert not schedule_covers([(0, 10079)], start, start + WEEK, UTC)
    assert not schedule_covers([(1, 10080)], start, start + WEEK, UTC)
    assert schedule_covers(ALWAYS, start, start + WEEK, UTC)
    assert schedule_covers(ALWAYS, start, start + 3 * WEEK, UTC)


def test_just_less_than_seven_days_may_be_two_entries() -> None:
    start = at("2026-01-14 10:00")
    parts = [(3 * 1440 + 600, 10080), (0, 3 * 1440 + 599)]
    assert schedule_covers(parts, start, start + WEEK - 60, UTC)
    assert not schedule_covers(parts, start, start + WEEK, UTC)


# --- changes of the clock ---------------------------------------------------------------------------

FIRST_HOURS_OF_SUNDAY = [(0, 240)]


@pytest.mark.parametrize(
    ("zone", "day", "hours"),
    [
        (NEW_YORK, "2026-03-08", 3),
        (NEW_YORK, "2026-11-01", 5),
        (SYDNEY, "2026-10-04", 3),
        (SYDNEY, "2026-04-05", 5),
        (KOLKATA, "2026-03-08", 4),
    ],
)
def test_a_schedule_goes_by_the_clock_on_the_wall(zone: str, day: str, hours: int) -> None:
    """From 00:00 to 04:00 local; the night of a change of the clock is an hour shorter or longer."""
    midnight = at(f"{day} 00:00", zone)
    assert at(f"{day} 04:00", zone) - midnight == hours * HOUR
    assert schedule_covers(FIRST_HOURS_OF_SUNDAY, midnight, midnight + hours * HOUR, ZoneInfo(zone))
    assert not schedule_covers(FIRST_HOURS_OF_SUNDAY, midnight, midnight + hours * HOUR + 60, ZoneInfo(zone))
    assert not schedule_covers(FIRST_HOURS_OF_SUNDAY, midnight - 60, midnight + HOUR, ZoneInfo(zone))


@pytest.mark.parametrize(
    ("zone", "day", "before"),
    [(NEW_YORK, "2026-03-08", 119), (SYDNEY, "2026-10-04", 119)],
)
def test_the_skipped_hour_belongs_to_no_schedule(zone: str, day: str, before: int) -> None:
    """A schedule that is open in the skipped hour only is never open on that day."""
    second = at(f"{day} 01:59", zone)
    assert minute_of_week(second, ZoneInfo(zone))[1] == before
    assert minute_of_week(second + 60, ZoneInfo(zone))[1] == 180
    assert not schedule_covers([(120, 180)], second + 60, second + 120, ZoneInfo(zone))
    assert schedule_covers([(180, 190)], second + 60, second + 120, ZoneInfo(zone))


@pytest.mark.parametrize(
    ("zone", "day", "hour"),
    [(NEW_YORK, "2026-11-01", 1), (SYDNEY, "2026-04-05", 2)],
)
def test_both_occurrences_of_the_repeated_hour_are_the_same_minutes(zone: str, day: str, hour: int) -> None:
    first = at(f"{day} 0{hour}:10", zone)
    assert minute_of_week(first, ZoneInfo(zone)) == minute_of_week(first + HOUR, ZoneInfo(zone))
    assert schedule_covers([(60 * hour, 60 * hour + 30)], first, first + HOUR + 1200, ZoneInfo(zone))


@pytest.mark.parametrize(
    ("zone", "start", "end"),
    [
        (NEW_YORK, "2026-03-07 23:00", "2026-03-08 03:30"),
        (NEW_YORK, "2026-10-31 23:00", "2026-11-01 03:30"),
        (SYDNEY, "2026-10-03 23:00", "2026-10-04 03:30"),
        (SYDNEY, "2026-04-04 23:00", "2026-04-05 03:30"),
        (KOLKATA, "2026-06-13 23:00", "2026-06-14 03:30"),
    ],
)
def test_a_night_into_sunday_crosses_the_week_whatever_the_clock_does(zone: str, start: str, end: str) -> None:
    assert covers([(10020, 10080), (0, 210)], start, end, zone)
    assert not covers([(10021, 10080), (0, 210)], start, end, zone)
    assert not covers([(10020, 10080), (0, 209)], start, end, zone)


def test_more_than_a_week_on_the_wall_needs_the_week_between_too() -> None:
    """Saturday 23:30 to the Sunday after next, 00:10: seven days and 40 minutes local, but an hour less in truth."""
    assert not covers([(10020, 10080), (0, 100)], "2026-03-07 23:30", "2026-03-15 00:10", NEW_YORK)
