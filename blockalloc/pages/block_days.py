"""The classes of the pages "Today" and "This week", day by day, and a line that sums them up."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import NamedTuple

from django.conf import settings
from django.http import HttpRequest
from django.urls import reverse

from blockalloc.models import BlockTime, ClassHeld, Decision
from blockalloc.models.querysets import BlockTimeQuerySet, ClassHeldQuerySet, DecisionQuerySet
from blockalloc.models.scope import scope_of
from blockalloc.pages import labs
from blockalloc.pages.classes_over import Over, by_closing_row, by_decisions, is_told_by
from blockalloc.pages.foreseen import DayForecast, unchecked_of, words_of_day
from blockalloc.reports import past_classes
from blockalloc.reports.forecasts import Forecasts, with_outlook
from blockalloc.reports.readiness import BlockTimeReadiness, read
from blockalloc.site_time import local_to_instant, site_zone
from blockalloc.store.background import Background
from scheduling.block_status import is_scheduled
from scheduling.readiness import Level
from scheduling.windows import HOUR
from scheduling.wording import span

DAY = timedelta(days=1)
_SKIPPED = "skipped"
RELEASED = "released"
WATCH = "Watch"
_LABELS = {"bad": "At risk", "watch": WATCH}


@dataclass(frozen=True, slots=True)
class Classes:
    """The classes of a page: block times; the closing rows of those that are over, and the decisions about them.

    `links_decisions`: whether the person may see the decisions about a class of which nothing else is left.
    `forecasts`: what is foreseen of those to come, as the person reads it.
    """

    times: BlockTimeQuerySet
    closing_rows: ClassHeldQuerySet
    decisions: DecisionQuerySet
    links_decisions: bool
    forecasts: Forecasts


def classes_of(request: HttpRequest, now: int, background: Background | None = None) -> Classes:
    """The classes that the person may see, of the lab in the page's address, at `now` (Unix seconds).

    `background`: what is known of the last forecast, where it has been read.
    """
    lab = labs.chosen(request)
    return Classes(
        times=BlockTime.objects.visible_to(request.user).in_lab(lab),
        closing_rows=ClassHeld.objects.visible_to(request.user).in_lab(lab),
        decisions=Decision.objects.visible_to(request.user).in_lab(lab),
        links_decisions=request.user.has_perm("blockalloc.view_decision"),
        forecasts=Forecasts(now, scope_of(request.user), with_short=True, background=background),
    )


@dataclass(slots=True)
class OfDay:
    """The classes that begin on a day: those that VCL's rows tell of, and those that are over, by our own.

    Each of the latter comes with the address of its page, "" for none.
    """

    forecast: DayForecast
    block_times: list[BlockTimeReadiness] = field(default_factory=list)
    over: list[tuple[Over, str]] = field(default_factory=list)

    @property
    def scheduled(self) -> list[BlockTimeReadiness]:
        """The classes that take place or did, of those that VCL's rows tell of."""
        return [each for each in self.block_times if is_scheduled(skip=each.skip, status=each.status)]


def of_days(first: date, number: int, classes: Classes, now: int, *, closed: bool = True) -> dict[date, OfDay]:
    """The classes of `number` days from `first` on, on the days on which they begin; earlier ones on the first day.

    Without `closed`, the computers of skipped and past block times are not counted.
    """
    last = first + number * DAY
    ends = (_midnight(first), _midnight(last))
    query = classes.times.taking_place_between(*ends)
    block_times = {each.id: each for each in read(query, now, closed=closed)}
    foreseen = classes.forecasts.of_classes(block_times.values())
    covered = classes.forecasts.days(first, number)
    by_day = {day: OfDay(DayForecast(foreseen, is_checked)) for day, is_checked in covered}
    for each in _over(classes, ends, now):
        block_time = block_times.get(each.block_time_id)
        if block_time is None and each.has_row_elsewhere:
            continue
        if block_time is None or (block_time.end <= now and is_told_by(each, skip=block_time.skip)):
            # What VCL's rows say of a class that is over is no longer true: its computers are not its own any more.
            block_times.pop(each.block_time_id, None)
            address = _address(
                each.block_time_id, has_page=block_time is not None, links_decisions=classes.links_decisions
            )
            by_day[max(first, _local(each.start).date())].over.append((each, address))
    for block_time in block_times.values():
        seen = with_outlook(block_time, foreseen.get(block_time.id))
        by_day[max(first, _local(block_time.start).date())].block_times.append(seen)
    return by_day


def _over(classes: Classes, ends: tuple[datetime, datetime], now: int) -> list[Over]:
    """The classes that are over, by their closing rows; those without one, by the decisions about them."""
    past = past_classes.read(classes.decisions, *ends, now)
    closed = [
        by_closing_row(row, past.pop(row.pk, None), now)
        for row in classes.closing_rows.over_between(*ends, _local(now))
    ]
    return [*closed, *(by_decisions(each, now) for each in past.values())]


def today_of(now: int) -> date:
    """The date at the site."""
    return _local(now).date()


def clock_time(now: int) -> str:
    """`08:45:30`, in site time."""
    return f"{_local(now):%H:%M:%S}"


def day_name(day: date, today: date) -> str:
    """`Monday 30 Nov`; with the year if it is not that of today."""
    return f"{day:%A} {day.day} {day:%b}{'' if day.year == today.year else f' {day.year}'}"


class Count(NamedTuple):
    """A number of the day in words, and the level that it says something about; "plain" for none."""

    level: Level
    words: str


def overview(of_day: OfDay, now: int, *, is_today: bool) -> str:
    """A day in a line: `7 classes today, 2 at risk, 1 to watch, 1 on now, next in 38 min`; `5 classes, all over`."""
    return ", ".join(each.words for each in counts(of_day, now, is_today=is_today))


def counts(of_day: OfDay, now: int, *, is_today: bool) -> list[Count]:
    """The parts of that line: first how many classes there are.

    Of other days, what is foreseen; and never that none is at risk, where nobody has looked.
    """
    classes = of_day.scheduled
    count = len(classes) + sum(not each.is_skipped for each, _ in of_day.over)
    number = f"{count or 'No'} class{'' if count == 1 else 'es'}{' today' if is_today else ''}"
    levels = Counter(each.readiness.signal.level for each in classes)
    on = sum(each.start <= now < each.end for each in classes)
    to_come = [each.readiness.left for each in classes if each.readiness.left > 0]
    parts = [Count("plain", number)]
    unchecked = unchecked_of([each for each in classes if not each.readiness.computers], of_day.forecast, now)
    if count and not any(each.is_current_or_upcoming(now) for each in classes):
        parts.append(Count("plain", "all over" if count > 1 else "over"))
    elif levels["bad"]:
        parts.append(Count("bad", f"{levels['bad']} at risk"))
    elif count and is_today and not unchecked:
        parts.append(Count("good", "none at risk"))
    if levels["watch"]:
        parts.append(Count("watch", f"{levels['watch']} to watch"))
    if ahead := words_of_day(classes, of_day.forecast, now, is_today=is_today):
        parts.append(Count("plain", ahead))
    if on:
        parts.append(Count("plain", f"{on} on now"))
    if to_come and is_today:
        parts.append(Count("plain", f"next in {span(min(to_come))}"))
    return parts


# --- Classes that are over ------------------------------------------------------------------------


def _address(block_time_id: int, *, has_page: bool, links_decisions: bool) -> str:
    if has_page:
        return reverse("admin:blockalloc_blocktime_change", args=[block_time_id])
    return (
        reverse("admin:blockalloc_decision_changelist", query={"block_time": block_time_id}) if links_decisions else ""
    )


# --- Words for all -------------------------------------------------------------------------------


def can_be_put_right(block_time: BlockTimeReadiness, now: int) -> bool:
    """Whether "Put right now" may do something: it has computers, is at risk or to be watched, and is due.

    What a class without computers needs depends on why it has none: what would help says that.
    """
    return bool(block_time.readiness.computers) and can_be_helped(block_time, now)


def can_be_helped(block_time: BlockTimeReadiness, now: int) -> bool:
    """Whether it is at risk or to be watched, and so near that keep_ready looks at it."""
    is_due = block_time.readiness.left <= settings.VCL_KEEP_READY_HOURS * HOUR
    return is_due and block_time.readiness.signal.level in _LABELS and block_time.is_current_or_upcoming(now)


def signal_of(block_time: BlockTimeReadiness, now: int) -> tuple[str, str]:
    """Its signal in a word or two, and what is wrong, in words."""
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


def in_short(words: Sequence[str], failed: int) -> str:
    """The first reason without what explains it: `3 of 20 machines missing`; or that it was released, and by whom.

    How many of the missing machines have `failed` is said.
    """
    what, _, why = words[0].partition(": ")
    if why.startswith(RELEASED):
        return why.partition(": ")[0].partition(";")[0]
    what = what.partition(" (")[0]
    return f"{what}, {failed} of them failed" if failed and what.endswith(" missing") else what


def announced(name: str, hours: str, label: str, words: str) -> str:
    """The text that screen readers get when the signal of a class changes."""
    return f"{name}, {hours}: {label}{f', {words}' if words else ''}"


def hours_of(start: datetime, end: datetime, day: date) -> str:
    """`09:00–11:00`; with a weekday for a start or an end that is not on `day`."""
    return "–".join(f"{moment:%H:%M}" if moment.date() == day else f"{moment:%a %H:%M}" for moment in (start, end))


def _local(instant: int) -> datetime:
    return datetime.fromtimestamp(instant, site_zone())


def _midnight(day: date) -> datetime:
    return local_to_instant(datetime(day.year, day.month, day.day))
