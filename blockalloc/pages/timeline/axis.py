"""The axis of time: the hours of classes of a day, a whole day, or a week of the site's calendar.

A day with a clock change has 23 or 25 hours: positions are computed from Unix seconds, and labels are site time.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import NamedTuple
from zoneinfo import ZoneInfo

HOURS, DAY, WEEK = "hours", "day", "week"
DAYS = {HOURS: 1, DAY: 1, WEEK: 7}
OPENS, CLOSES = 6, 22  # o'clock: the hours of classes
_ONE_DAY = timedelta(days=1)
_QUARTER = 900  # seconds; the UTC offsets of time zones are multiples of it
_HOUR = 3600
_EVERY = {HOURS: 1, DAY: 1, WEEK: 6}  # hours between the lines


class Tick(NamedTuple):
    """A line across the rows. `label` is the site time, `hour` its hour; `day` the day that begins here, or None."""

    instant: int
    label: str
    hour: int
    day: date | None


class Hours(NamedTuple):
    """When something begins, its lead time included, and ends; Unix seconds."""

    begins: int
    end: int


@dataclass(frozen=True, slots=True)
class Axis:
    """What is in view, from `start` to `end`. `days` are the days of the site's calendar from `first` to `last`.

    These are midnights; the view has all between them but for the hours of classes of a day. All are Unix seconds.
    """

    zoom: str
    days: tuple[date, ...]
    start: int
    end: int
    first: int
    last: int
    ticks: tuple[Tick, ...]

    def position(self, instant: int) -> float:
        """The position of an instant, in per cent of the width; outside of the axis, that of the nearer edge."""
        return 100 * (min(max(instant, self.start), self.end) - self.start) / (self.end - self.start)

    def shows(self, instant: int) -> bool:
        """Whether the instant is on the axis."""
        return self.start <= instant < self.end

    def outside(self, of: Sequence[Hours]) -> tuple[int, int]:
        """How many of them are, for a part at least, before what is in view, and how many after it."""
        return sum(each.begins < self.start for each in of), sum(each.end > self.end for each in of)

    @property
    def extra_hours(self) -> float:
        """By how many hours its days are longer than 24 hours: 1 or -1 with a clock change, as a rule."""
        return (self.last - self.first) / _HOUR - 24 * len(self.days)


def axis_of(zoom: str, day: date, zone: ZoneInfo, now: int = 0) -> Axis:
    """The axis of a day, or of the week (from Monday) of that day. `now` (Unix seconds) is in view on its day."""
    monday = day - day.weekday() * _ONE_DAY if zoom == WEEK else day
    days = tuple(monday + number * _ONE_DAY for number in range(DAYS[zoom]))
    midnights = {midnight(each, zone): each for each in days}
    first, last = midnight(monday, zone), midnight(days[-1] + _ONE_DAY, zone)
    start, end = _hours_of_classes(day, first, last, zone, now) if zoom == HOURS else (first, last)
    return Axis(zoom, days, start, end, first, last, tuple(_ticks(start, end, midnights, _EVERY[zoom], zone)))


def midnight(day: date, zone: ZoneInfo) -> int:
    """The start of a day in Unix seconds; where the clock skips midnight, the first instant after it."""
    return int(datetime(day.year, day.month, day.day, tzinfo=zone).timestamp())


def _hours_of_classes(day: date, first: int, last: int, zone: ZoneInfo, now: int) -> tuple[int, int]:
    """From 06:00 to 22:00; early and late in the day, from an hour before now or to an hour after it."""
    opens, closes = (
        int(datetime(day.year, day.month, day.day, hour, tzinfo=zone).timestamp()) for hour in (OPENS, CLOSES)
    )
    if first <= now < last:
        hour = int(datetime.fromtimestamp(now, zone).replace(minute=0, second=0).timestamp())
        opens, closes = min(opens, hour - _HOUR), max(closes, hour + 2 * _HOUR)
    return max(opens, first), min(closes, last)


def _ticks(start: int, end: int, midnights: dict[int, date], every: int, zone: ZoneInfo) -> list[Tick]:
    """Lines at full hours of the clock, and at the starts of days."""
    ticks = []
    for instant in range(start, end, _QUARTER):
        local = datetime.fromtimestamp(instant, zone)
        if instant in midnights or (local.minute == 0 and local.hour % every == 0 and local.hour + every <= 24):
            ticks.append(Tick(instant, f"{local:%H:%M}", local.hour, midnights.get(instant)))
    return ticks
