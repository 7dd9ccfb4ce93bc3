"""Hours along the axis are the site's, and places are by instants, also when the clock changes."""

from datetime import date, datetime
from zoneinfo import ZoneInfo

import pytest

from blockalloc.pages.timeline.axis import DAY, WEEK, Hours, axis_of
from blockalloc.pages.timeline.axis import HOURS as HOURS_OF_CLASSES

pytestmark = [pytest.mark.no_database, pytest.mark.once(on="sqlite")]

NEW_YORK = ZoneInfo("America/New_York")
HOURS = [f"{hour:02}:00" for hour in range(24)]


def labels(day: date, zone: str = "America/New_York") -> list[str]:
    return [tick.label for tick in axis_of(DAY, day, ZoneInfo(zone)).ticks]


def test_a_day_has_its_hours() -> None:
    axis = axis_of(DAY, date(2026, 11, 30), NEW_YORK)
    assert [tick.label for tick in axis.ticks] == HOURS
    assert axis.extra_hours == 0
    assert axis.position(int(datetime(2026, 11, 30, 9, tzinfo=NEW_YORK).timestamp())) == 37.5
    assert axis.shows(axis.start)
    assert not axis.shows(axis.end)


@pytest.mark.parametrize(
    ("zone", "day", "expected", "hours"),
    [
        ("America/New_York", date(2026, 11, 1), ["00:00", "01:00", "01:00", *HOURS[2:]], 25),
        ("America/New_York", date(2026, 3, 8), ["00:00", "01:00", *HOURS[3:]], 23),
        ("Africa/Cairo", date(2026, 4, 24), HOURS[1:], 23),  # the clock skips midnight
        ("Australia/Lord_Howe", date(2026, 4, 5), HOURS, 24.5),
        ("Asia/Kathmandu", date(2026, 4, 5), HOURS, 24),
    ],
)
def test_the_clock_may_change(zone: str, day: date, expected: list[str], hours: float) -> None:
    axis = axis_of(DAY, day, ZoneInfo(zone))
    assert labels(day, zone) == expected
    assert (axis.end - axis.start) / 3600 == hours
    assert axis.extra_hours == hours - 24


def test_after_the_change_places_are_an_hour_further() -> None:
    axis = axis_of(DAY, date(2026, 11, 1), NEW_YORK)
    assert axis.position(int(datetime(2026, 11, 1, 9, tzinfo=NEW_YORK).timestamp())) == 100 * 10 / 25


def test_a_week_begins_on_monday() -> None:
    axis = axis_of(WEEK, date(2026, 11, 1), NEW_YORK)
    assert axis.days[0] == date(2026, 10, 26)
    assert len(axis.days) == 7
    assert axis.extra_hours == 1
    assert [tick.day for tick in axis.ticks if tick.day] == list(axis.days)
    assert [tick.label for tick in axis.ticks] == ["00:00", "06:00", "12:00", "18:00"] * 7


def test_what_is_outside_is_at_the_edge() -> None:
    axis = axis_of(DAY, date(2026, 11, 30), NEW_YORK)
    assert (axis.position(axis.start - 1), axis.position(axis.end + 1)) == (0, 100)


@pytest.mark.parametrize(
    ("now", "first", "last"),
    [
        ("2026-11-30 08:40", 6, 22),
        ("2026-11-30 04:40", 3, 22),
        ("2026-11-30 00:10", 0, 22),
        ("2026-11-30 21:10", 6, 23),
        ("2026-11-30 23:40", 6, 24),
        ("2026-11-29 04:40", 6, 22),
    ],
)
def test_the_hours_of_classes_and_now_are_in_view(now: str, first: int, last: int) -> None:
    day = date(2026, 11, 30)
    at = int(datetime.fromisoformat(now).replace(tzinfo=NEW_YORK).timestamp())
    axis = axis_of(HOURS_OF_CLASSES, day, NEW_YORK, at)
    assert ((axis.start - axis.first) / 3600, (axis.end - axis.first) / 3600) == (first, last)
    assert axis.shows(at) == (now[:10] == "2026-11-30")
    assert [tick.label for tick in axis.ticks] == HOURS[first:last]


@pytest.mark.parametrize("day", [date(2026, 11, 1), date(2026, 3, 8)])
def test_the_hours_of_classes_are_those_of_the_clock(day: date) -> None:
    axis = axis_of(HOURS_OF_CLASSES, day, NEW_YORK)
    assert (axis.ticks[0].label, axis.ticks[-1].label) == ("06:00", "21:00")
    assert axis.extra_hours != 0


def test_what_is_outside_of_the_hours_is_counted() -> None:
    axis = axis_of(HOURS_OF_CLASSES, date(2026, 11, 30), NEW_YORK)
    hours = [Hours(axis.start - 60, axis.end), Hours(axis.start, axis.end + 1), Hours(axis.first, axis.first + 60)]
    assert axis.outside(hours) == (2, 1)
