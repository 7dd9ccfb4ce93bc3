"""Intervals of time and minutes of the week."""

from collections.abc import Sequence
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

MINUTE = 60
HOUR = 60 * MINUTE
DAY = 24 * HOUR
WEEK = 7 * DAY
WEEK_MINUTES = 7 * 24 * 60


def overlap(start: int, end: int, other_start: int, other_end: int, margin: int = 0) -> bool:
    """Whether [start, end] and the other interval come closer than `margin` seconds; touching is not overlapping."""
    return start < other_end + margin and end + margin > other_start


def minute_of_week(instant: int, zone: ZoneInfo) -> tuple[date, int]:
    """The Sunday that begins the local week of `instant`, and the minute since then (seconds cut off)."""
    local = datetime.fromtimestamp(instant, zone)
    day = local.isoweekday() % 7
    return local.date() - timedelta(days=day), day * 1440 + local.hour * 60 + local.minute


def whole_minute(instant: int) -> int:
    """The first whole minute from then on: the back end rounds to minutes."""
    return -(-instant // MINUTE) * MINUTE


def schedule_covers(times: Sequence[tuple[int, int]], start: int, end: int, zone: ZoneInfo) -> bool:
    """Whether a schedule is open from `start` to `end` (SPEC 4, rule 2).

    `times` are (start, end) minutes of the week, Sunday 00:00 = 0, 10080 = the week's end.
    """
    first_week, first = minute_of_week(start, zone)
    last_week, last = minute_of_week(end, zone)
    # Where the clock is put forward, less than seven days can touch three weeks of the calendar.
    if end - start >= WEEK or last_week - first_week > timedelta(weeks=1):
        return any(opens == 0 and closes >= WEEK_MINUTES for opens, closes in times)
    if first_week == last_week:
        return any(opens <= first and closes >= last for opens, closes in times)
    to_the_end = any(opens <= first and closes >= WEEK_MINUTES for opens, closes in times)
    return to_the_end and any(opens == 0 and closes >= last for opens, closes in times)
