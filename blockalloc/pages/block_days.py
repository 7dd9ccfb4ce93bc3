"""The block times of the pages "Today" and "This week": rows of a table, and a line that sums them up."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from django.conf import settings
from django.urls import reverse

from blockalloc.models.querysets import BlockTimeQuerySet
from blockalloc.reports.readiness import BlockTimeReadiness, most_urgent_first, read
from blockalloc.site_time import local_to_instant, site_zone
from scheduling.block_status import is_scheduled
from scheduling.windows import HOUR
from scheduling.wording import span

DAY = timedelta(days=1)
_SKIPPED = "skipped"
_LABELS = {"bad": "At risk", "watch": "Watch"}


@dataclass(frozen=True, slots=True)
class Row:
    """A block time as a line of the table. `label` is its signal in a word or two, `words` say what is wrong.

    `can_be_put_right`: it is at risk or to be watched, and keep_ready looks at it.
    """

    block_time: BlockTimeReadiness
    label: str
    words: str
    hours: str
    left: str
    address: str
    can_be_put_right: bool = False

    @property
    def level(self) -> str:
        """The level of the signal, which is its CSS class."""
        return self.block_time.readiness.signal.level

    @property
    def numbers(self) -> list[int]:
        """Machines wanted and allocated, then computers by their state, in the order of the table's columns."""
        ready = self.block_time.readiness
        waiting = ready.count("waiting") + ready.count("overdue")
        computers = [ready.count("loaded"), ready.count("loading"), waiting, ready.count("failed")]
        return [ready.wanted, ready.allocated, *computers, ready.count("in use")]

    @property
    def announcement(self) -> str:
        """The text that screen readers get when the signal changes."""
        return f"{self.block_time.block}, {self.hours}: {self.label}{f', {self.words}' if self.words else ''}"


@dataclass(frozen=True, slots=True)
class Day:
    """A day of the site's calendar with its block times."""

    day: date
    heading: str
    overview: str
    rows: Sequence[Row]


def days(first: date, number: int, times: BlockTimeQuerySet, now: int) -> list[Day]:
    """`number` days from `first` on, with `times` on the days on which they begin; earlier ones on the first day."""
    last = first + number * DAY
    by_day: dict[date, list[BlockTimeReadiness]] = {first + n * DAY: [] for n in range(number)}
    for block_time in read(times.taking_place_between(_midnight(first), _midnight(last)), now):
        by_day[max(first, _local(block_time.start).date())].append(block_time)
    today = _local(now).date()
    return [_day(day, block_times, today, now) for day, block_times in by_day.items()]


def today_of(now: int) -> date:
    """The date at the site."""
    return _local(now).date()


def clock_time(now: int) -> str:
    """`08:45:30`, in site time."""
    return f"{_local(now):%H:%M:%S}"


def day_name(day: date, today: date) -> str:
    """`Monday 30 Nov`; with the year if it is not that of today."""
    return f"{day:%A} {day.day} {day:%b}{'' if day.year == today.year else f' {day.year}'}"


def _day(day: date, block_times: Sequence[BlockTimeReadiness], today: date, now: int) -> Day:
    heading = f"{'Today, ' if day == today else ''}{day_name(day, today)}"
    rows = [_row(each, day, now) for each in most_urgent_first(block_times, now)]
    return Day(day, heading, _overview(block_times, now, is_today=day == today), rows)


def _overview(block_times: Sequence[BlockTimeReadiness], now: int, *, is_today: bool) -> str:
    """`7 classes today, 2 at risk, 1 to watch, 1 on now, next in 38 min`."""
    classes = [each for each in block_times if is_scheduled(skip=each.skip, status=each.status)]
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


def _row(block_time: BlockTimeReadiness, day: date, now: int) -> Row:
    label, words = _signal(block_time, now)
    return Row(
        block_time,
        label,
        words,
        hours=_hours(block_time, day),
        left=_left(block_time, now),
        address=reverse("admin:blockalloc_blocktime_change", args=[block_time.id]),
        can_be_put_right=_can_be_put_right(block_time, now),
    )


def _can_be_put_right(block_time: BlockTimeReadiness, now: int) -> bool:
    is_due = block_time.readiness.left <= settings.VCL_KEEP_READY_HOURS * HOUR
    return is_due and block_time.readiness.signal.level in _LABELS and block_time.is_current_or_upcoming(now)


def _signal(block_time: BlockTimeReadiness, now: int) -> tuple[str, str]:
    ready, words = block_time.readiness, str(block_time.readiness.signal)
    if ready.signal.level == "plain":
        if block_time.is_current_or_upcoming(now):
            return "Later", words
        if words.startswith(_SKIPPED):  # with the person and the time, if known
            return _SKIPPED.capitalize(), words.removeprefix(_SKIPPED).strip()
        return words.capitalize(), ""
    if ready.signal.level == "good":
        return "Ready" if ready.ready >= ready.wanted else "On track", words
    return _LABELS[ready.signal.level], words


def _hours(block_time: BlockTimeReadiness, day: date) -> str:
    """`09:00–11:00`; with a weekday for a start or an end that is not on `day`."""
    start, end = _local(block_time.start), _local(block_time.end)
    return "–".join(f"{moment:%H:%M}" if moment.date() == day else f"{moment:%a %H:%M}" for moment in (start, end))


def _left(block_time: BlockTimeReadiness, now: int) -> str:
    if not block_time.is_current_or_upcoming(now):
        return "–"
    left = block_time.readiness.left
    return f"starts in {span(left)}" if left > 0 else f"on, ends in {span(block_time.end - now)}"


def _local(instant: int) -> datetime:
    return datetime.fromtimestamp(instant, site_zone())


def _midnight(day: date) -> datetime:
    return local_to_instant(datetime(day.year, day.month, day.day))
