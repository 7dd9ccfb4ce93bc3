"""What the pages "Today" and "This week" tell of block times: rows of a table, and a line that sums them up."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from django.urls import reverse

from blockalloc.models.querysets import BlockTimeQuerySet
from blockalloc.reports.readiness import ReadyTime, most_urgent_first, read
from blockalloc.site_time import local_to_instant, site_zone
from scheduling.block_status import is_scheduled
from scheduling.wording import span

DAY = timedelta(days=1)
_SKIPPED = "skipped"
_LABELS = {"bad": "At risk", "watch": "Watch"}


@dataclass(frozen=True, slots=True)
class Row:
    """A block time as a line of the table. `label` is its signal in a word or two, `words` say what is wrong."""

    found: ReadyTime
    label: str
    words: str
    hours: str
    left: str
    address: str

    @property
    def level(self) -> str:
        """The class of the signal."""
        return self.found.readiness.signal.level

    @property
    def numbers(self) -> list[int]:
        """Machines wanted and allocated, then computers by what they are, in the order of the table's columns."""
        ready = self.found.readiness
        waiting = ready.count("waiting") + ready.count("overdue")
        computers = [ready.count("loaded"), ready.count("loading"), waiting, ready.count("failed")]
        return [ready.wanted, ready.allocated, *computers, ready.count("in use")]

    @property
    def told(self) -> str:
        """The signal as it is announced when it changes."""
        return f"{self.found.block}, {self.hours}: {self.label}{f', {self.words}' if self.words else ''}"


@dataclass(frozen=True, slots=True)
class Day:
    """A day of the site's calendar with its block times."""

    day: date
    heading: str
    overview: str
    rows: Sequence[Row]


def days(first: date, number: int, times: BlockTimeQuerySet, now: int) -> list[Day]:
    """`number` days from `first` on, each with those of `times` that begin on it, or run on from before it."""
    last = first + number * DAY
    by_day: dict[date, list[ReadyTime]] = {first + n * DAY: [] for n in range(number)}
    for found in read(times.taking_place_between(_midnight(first), _midnight(last)), now):
        by_day[max(first, _local(found.start).date())].append(found)
    today = _local(now).date()
    return [_day(day, found, today, now) for day, found in by_day.items()]


def today_of(now: int) -> date:
    """The day that it is at the site."""
    return _local(now).date()


def clock_with_seconds(now: int) -> str:
    """`08:45:30`, on the site's clock."""
    return f"{_local(now):%H:%M:%S}"


def day_name(day: date, today: date) -> str:
    """`Monday 30 Nov`; with the year when that is not this one."""
    return f"{day:%A} {day.day} {day:%b}{'' if day.year == today.year else f' {day.year}'}"


def _day(day: date, found: Sequence[ReadyTime], today: date, now: int) -> Day:
    heading = f"{'Today, ' if day == today else ''}{day_name(day, today)}"
    rows = [_row(each, day, now) for each in most_urgent_first(found, now)]
    return Day(day, heading, _overview(found, now, is_today=day == today), rows)


def _overview(found: Sequence[ReadyTime], now: int, *, is_today: bool) -> str:
    """`7 classes today, 2 at risk, 1 to watch, 1 on now, next in 38 min`."""
    classes = [each for each in found if is_scheduled(skip=each.skip, status=each.status)]
    number = f"{len(classes) or 'No'} class{'' if len(classes) == 1 else 'es'}{' today' if is_today else ''}"
    levels = Counter(each.readiness.signal.level for each in classes)
    on = sum(each.start <= now < each.end for each in classes)
    to_come = [each.readiness.left for each in classes if each.readiness.left > 0]
    parts = [number]
    if classes:
        parts.append(f"{levels['bad'] or 'none'} at risk")
    if levels["watch"]:
        parts.append(f"{levels['watch']} to watch")
    if on:
        parts.append(f"{on} on now")
    if to_come and is_today:
        parts.append(f"next in {span(min(to_come))}")
    return ", ".join(parts)


def _row(found: ReadyTime, day: date, now: int) -> Row:
    label, words = _signal(found, now)
    return Row(
        found,
        label,
        words,
        hours=_hours(found, day),
        left=_left(found, now),
        address=reverse("admin:blockalloc_blocktime_change", args=[found.id]),
    )


def _signal(found: ReadyTime, now: int) -> tuple[str, str]:
    ready, words = found.readiness, str(found.readiness.signal)
    if ready.signal.level == "plain":
        if found.is_current_or_upcoming(now):
            return "Later", words
        if words.startswith(_SKIPPED):  # by whom and when, where that is known
            return _SKIPPED.capitalize(), words.removeprefix(_SKIPPED).strip()
        return words.capitalize(), ""
    if ready.signal.level == "good":
        return "Ready" if ready.ready >= ready.wanted else "On track", words
    return _LABELS[ready.signal.level], words


def _hours(found: ReadyTime, day: date) -> str:
    """`09:00–11:00`, with the days that are not `day`."""
    start, end = _local(found.start), _local(found.end)
    return "–".join(f"{moment:%H:%M}" if moment.date() == day else f"{moment:%a %H:%M}" for moment in (start, end))


def _left(found: ReadyTime, now: int) -> str:
    if not found.is_current_or_upcoming(now):
        return "–"
    left = found.readiness.left
    return f"starts in {span(left)}" if left > 0 else f"on, ends in {span(found.end - now)}"


def _local(instant: int) -> datetime:
    return datetime.fromtimestamp(instant, site_zone())


def _midnight(day: date) -> datetime:
    return local_to_instant(datetime(day.year, day.month, day.day))
