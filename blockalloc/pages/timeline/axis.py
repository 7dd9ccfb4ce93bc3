"""The axis of time: one day or one week of the site's calendar.

A day with a clock change has 23 or 25 hours: positions are computed from Unix seconds, and labels are site time.
"""

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import NamedTuple
from zoneinfo import ZoneInfo

DAY, WEEK = "day", "week"
DAYS = {DAY: 1, WEEK: 7}
_ONE_DAY = timedelta(days=1)
_QUARTER = 900  # seconds; the UTC offsets of time zones are multiples of it
_HOUR = 3600
_EVERY = {DAY: 1, WEEK: 6}  # hours between the lines


class Tick(NamedTuple):
    """A line across the rows. `label` is the site time; `day` the day that begins here, if one does."""

    instant: int
    label: str
    day: date | None


@dataclass(frozen=True, slots=True)
class Axis:
    """From the first midnight to the last; `days` are the days of the site's calendar in between."""

    zoom: str
    days: tuple[date, ...]
    start: int
    end: int
    ticks: tuple[Tick, ...]

    def position(self, instant: int) -> float:
        """The position of an instant, in per cent of the width; outside of the axis, that of the nearer edge."""
        return 100 * (min(max(instant, self.start), self.end) - self.start) / (self.end - self.start)

    def shows(self, instant: int) -> bool:
        """Whether the instant is on the axis."""
        return self.start <= instant < self.end

    @property
    def extra_hours(self) -> float:
        """By how many hours it is longer than days of 24 hours: 1 or -1 with a clock change, as a rule."""
        return (self.end - self.start) / _HOUR - 24 * len(self.days)


def axis_of(zoom: str, day: date, zone: ZoneInfo) -> Axis:
    """The axis of a day, or of the week (from Monday) of that day."""
    first = day - day.weekday() * _ONE_DAY if zoom == WEEK else day
    days = tuple(first + number * _ONE_DAY for number in range(DAYS[zoom]))
    midnights = {midnight(each, zone): each for each in days}
    start, end = midnight(first, zone), midnight(days[-1] + _ONE_DAY, zone)
    return Axis(zoom, days, start, end, tuple(_ticks(start, end, midnights, _EVERY[zoom], zone)))


def midnight(day: date, zone: ZoneInfo) -> int:
    """The start of a day in Unix seconds; where the clock skips midnight, the first instant after it."""
    return int(datetime(day.year, day.month, day.day, tzinfo=zone).timestamp())


def _ticks(start: int, end: int, midnights: dict[int, date], every: int, zone: ZoneInfo) -> list[Tick]:
    """Lines at full hours of the clock, and at the starts of days."""
    ticks = []
    for instant in range(start, end, _QUARTER):
        local = datetime.fromtimestamp(instant, zone)
        if instant in midnights or (local.minute == 0 and local.hour % every == 0 and local.hour + every <= 24):
            ticks.append(Tick(instant, f"{local:%H:%M}", midnights.get(instant)))
    return ticks
