"""The dates of a series: from weekdays, hours and weeks, or from a list.

All are local times of the site, made instants one by one: a class at 9 is at 9 before and after a change of the clock.
"""

import re
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from datetime import date, datetime, time, timedelta
from typing import NamedTuple

from blockalloc.contract import refusals
from blockalloc.contract.messages import Refusal
from blockalloc.site_time import local_to_instant, site_zone
from blockalloc.store import times

MOST_DATES = 200  # of a series
_DAY = timedelta(days=1)
_LAST_TIME = "2038-01-01 00:00:00"  # local; what lies beyond is refused, as in calls
_LINE = re.compile(r"(\d{4}-\d\d-\d\d)[ T]+(\d?\d:\d\d) *(?:-|–|to|\s) *(\d?\d:\d\d)", re.ASCII)
_A_MONDAY = date(2024, 1, 1)
WEEKDAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")


class Hours(NamedTuple):
    """From when to when a class of a day is, as clocks show it."""

    start: time
    end: time


class Date(NamedTuple):
    """When a class of the series would be. Unix seconds."""

    start: int
    end: int


def weekly(first: date, weekdays: Collection[int], hours: Hours, weeks: int) -> list[Date]:
    """The dates of `weeks` weeks from the day `first` on; Monday is weekday 0. Raises Refusal for too many."""
    if weeks < 1:
        raise too_few_weeks(weeks)
    if weeks * len(set(weekdays)) > MOST_DATES:
        raise too_many(weeks * len(set(weekdays)))
    last = first + weeks * 7 * _DAY - _DAY
    return between(first, last, lambda day: day.weekday() in weekdays, [hours])


def between(first: date, last: date, is_on: Callable[[date], bool], hours: Sequence[Hours]) -> list[Date]:
    """The hours of each day from `first` to `last` on which the class is."""
    days = (first + number * _DAY for number in range((last - first).days + 1))
    return [on(day, each) for day in days if is_on(day) for each in hours]


def on(day: date, hours: Hours) -> Date:
    """The hours of a day as instants (SPEC 3: a time that comes twice is its first occurrence)."""
    return Date(*(int(local_to_instant(datetime.combine(day, each)).timestamp()) for each in hours))


def listed(text: str, name: str = "dates") -> list[Date]:
    """The dates of a text with one a line, `2027-01-11 09:00-11:00`. Raises Refusal, which has `name` and the line."""
    return [_of_line(line.strip(), name) for line in text.splitlines() if line.strip()]


def _of_line(line: str, name: str) -> Date:
    match = _LINE.fullmatch(line)
    try:
        if not match:
            raise ValueError(line)
        day, start, end = match.groups()
        return on(date.fromisoformat(day), Hours(clock_time(start), clock_time(end)))
    except (ValueError, OverflowError):
        right = "a day and its hours, such as 2027-01-11 09:00-11:00"
        raise refusals.bad_time(refusals.START, name, repr(line[:60]), right) from None


def clock_time(text: str) -> time:
    """A time of day, `9:00` or `09:00`. Raises ValueError."""
    return time.fromisoformat(text.strip().zfill(5))


def weekdays_in(text: str) -> list[int]:
    """Weekdays from their names, `mon,wed`; Monday is 0. Raises ValueError, which has the name that is none."""
    names = [name for name in re.split(r"[\s,;]+", text.strip().lower()) if name]
    numbers = []
    for name in names:
        if name[:3] not in WEEKDAYS or not _full_name(name[:3]).startswith(name):
            raise ValueError(name)
        numbers.append(WEEKDAYS.index(name[:3]))
    return sorted(set(numbers))


def _full_name(short: str) -> str:
    return f"{_A_MONDAY + WEEKDAYS.index(short) * _DAY:%A}".lower()


def check(dates: Sequence[Date], now: int, name: str = "dates") -> list[Date]:
    """The dates in their order, each once, if they are in order themselves; some may be past, but not all.

    Raises Refusal: no dates, more than MOST_DATES, an end before its start, a time that VCL can't store, all past.
    """
    ordered = sorted(set(dates))
    if not ordered:
        raise Refusal(
            refusals.START, f"{name}: no date is given: give weekdays, hours and weeks that have a date, or dates"
        )
    if len(ordered) > MOST_DATES:
        raise too_many(len(ordered), name)
    for each in ordered:
        _check_one(each, name)
    if all(each.end <= now for each in ordered):
        right = "dates of which one at least is to come"
        raise refusals.bad_time(
            refusals.START, name, f"all are past, the last one ended at {_when(ordered[-1].end)}", right
        )
    return ordered


def _check_one(each: Date, name: str) -> None:
    _check_time(each.start, refusals.START, name)
    _check_time(each.end, refusals.END, name)
    if each.end <= each.start:
        right = f"an end after the start, {_when(each.start)}"
        raise refusals.bad_time(refusals.END, name, f"the end {_when(each.end)}", right)


def _check_time(instant: int, code: int, name: str) -> None:
    last = times.from_local(_LAST_TIME) or 0
    if not 0 <= instant <= last:
        raise refusals.bad_time(code, name, _when(instant), f"times from 1970 to {_LAST_TIME}")
    if not times.is_storable(instant):
        right = "times that are not in the second pass of an hour that the clock repeats"
        raise refusals.bad_time(code, name, _when(instant), right)


def too_many(number: int, name: str = "dates") -> Refusal:
    """More dates than a plan is made of."""
    return refusals.bad_time(
        refusals.START, name, f"{number} dates", f"at most {MOST_DATES}, and the rest in another call"
    )


def too_few_weeks(weeks: int) -> Refusal:
    """No week at all."""
    return refusals.bad_time(refusals.START, "weeks", weeks, "a number of weeks from 1 on")


def day_of(instant: int) -> date:
    """The day of the site's calendar."""
    return local(instant).date()


def local(instant: int) -> datetime:
    """What the site's clock shows, with its zone."""
    return datetime.fromtimestamp(instant, site_zone())


def days(dates: Iterable[Date]) -> Iterator[date]:
    """The days on which they begin, each once, in their order."""
    return iter(sorted({day_of(each.start) for each in dates}))


def _when(instant: int) -> str:
    try:
        return f"{local(instant):%Y-%m-%d %H:%M}"
    except (OverflowError, ValueError, OSError):  # beyond the calendar
        return str(instant)
