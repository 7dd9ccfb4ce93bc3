"""The axis of time: one day or one week of the site's calendar.

A day with a change of the clock has 23 or 25 hours: places are reckoned by instants (Unix seconds), and what is
written beside them is what the site's clock shows.
"""

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import NamedTuple
from zoneinfo import ZoneInfo

DAY, WEEK = "day", "week"
DAYS = {DAY: 1, WEEK: 7}
_ONE_DAY = timedelta(days=1)
_QUARTER = 900  # seconds; no zone's clock is off by a part of it
_HOUR = 3600
_EVERY = {DAY: 1, WEEK: 6}  # hours between the lines


class Tick(NamedTuple):
    """A line across the rows. `label` is what the clock shows; `day` the day that begins here."""

    instant: int
    label: str
    day: date | None


@dataclass(frozen=True, slots=True)
class Axis:
    """From the first midnight to the last; `days` are the site's days in between."""

    zoom: str
    days: tuple[date, ...]
    start: int
    end: int
    ticks: tuple[Tick, ...]

    def place(self, instant: int) -> float:
        """Where an instant is, in per cent of the width; what is outside is at the nearer edge."""
        return 100 * (min(max(instant, self.start), self.end) - self.start) / (self.end - self.start)

    def shows(self, instant: int) -> bool:
        """Whether an instant is on it."""
        return self.start <= instant < self.end

    @property
    def extra_hours(self) -> float:
        """By how much it is longer than the clock makes believe: 1, or -1, when the clock changes on the way."""
        return (self.end - self.start) / _HOUR - 24 * len(self.days)


def axis_of(zoom: str, day: date, zone: ZoneInfo) -> Axis:
    """The axis of a day, or of the week from Monday that the day is in."""
    first = day - day.weekday() * _ONE_DAY if zoom == WEEK else day
    days = tuple(first + number * _ONE_DAY for number in range(DAYS[zoom]))
    midnights = {midnight(each, zone): each for each in days}
    start, end = midnight(first, zone), midnight(days[-1] + _ONE_DAY, zone)
    return Axis(zoom, days, start, end, tuple(_ticks(start, end, midnights, _EVERY[zoom], zone)))


def midnight(day: date, zone: ZoneInfo) -> int:
    """When a day begins; where the clock skips midnight, with what it shows instead."""
    return int(datetime(day.year, day.month, day.day, tzinfo=zone).timestamp())


def _ticks(start: int, end: int, midnights: dict[int, date], every: int, zone: ZoneInfo) -> list[Tick]:
    """Lines at full hours of the clock, and wherever a day begins."""
    found = []
    for instant in range(start, end, _QUARTER):
        local = datetime.fromtimestamp(instant, zone)
        if instant in midnights or (local.minute == 0 and local.hour % every == 0 and local.hour + every <= 24):
            found.append(Tick(instant, f"{local:%H:%M}", midnights.get(instant)))
    return found
