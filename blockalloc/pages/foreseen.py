"""What is foreseen, for the pages "Today" and "This week": the words of a day, and a list of what will be short."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import NamedTuple

from django.urls import reverse
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString

from blockalloc.models import BlockTime
from blockalloc.pages.linked import class_link, linked
from blockalloc.reports.forecasts import NOT_CHECKED, Forecasts, Foreseen, needs_forecast
from blockalloc.reports.readiness import BlockTimeReadiness
from blockalloc.reports.shortages import Shortage, shortages
from blockalloc.reports.upkeep import Line
from blockalloc.site_time import site_zone
from scheduling.readiness import ASKED_AHEAD
from scheduling.wording import plural

_MOST, _WEEKS = 12, 3  # lines in the list, weeks in the hint
_WEEK = timedelta(weeks=1)


# --- A day ------------------------------------------------------------------------------------------


class DayForecast(NamedTuple):
    """What a day's words are made of: what is foreseen of its classes, and whether the day was looked at."""

    foreseen: Mapping[int, Foreseen]
    is_checked: bool


def words_of_day(classes: Collection[BlockTimeReadiness], forecast: DayForecast, now: int, *, is_today: bool) -> str:
    """`none short`, `2 of them will be short`, `not checked`, of the classes that begin after now; "" for none.

    Those that have no computers and for which nobody will ask are counted first: `2 released`, `1 without computers`.

    Of today's, only those count that nobody can have asked for yet: of the others, readiness says more.
    """
    to_come = [each for each in classes if each.start > now and each.is_current_or_upcoming(now)]
    if is_today:
        to_come = [each for each in to_come if each.readiness.left > ASKED_AHEAD and not each.readiness.computers]
    if not to_come:
        return ""
    of_them = " of the later ones" if is_today else ""
    bare = [each for each in to_come if _stays_bare(each, forecast)]
    short = sum(each.id in forecast.foreseen and forecast.foreseen[each.id].missing > 0 for each in to_come)
    unchecked = len(unchecked_of(to_come, forecast, now))
    parts = [f"{short}{of_them or ' of them'} will be short"] if short else []
    if not is_today and (not forecast.is_checked or unchecked == len(to_come)):
        parts.append(NOT_CHECKED)
    elif unchecked:
        parts.append(f"{unchecked}{of_them} {NOT_CHECKED}")
    ahead = ", ".join(parts) or _none_short(to_come, forecast, of_them)
    return ", ".join(filter(None, ("" if is_today else _bare_in_words(bare), ahead)))


def _stays_bare(each: BlockTimeReadiness, forecast: DayForecast) -> bool:
    """Whether it has no computers and nobody will ask for any, or somebody has in vain."""
    ready = each.readiness
    is_asked = each.id not in forecast.foreseen and ready.signal.level in ("bad", "watch")
    return not ready.computers and (_is_released(each) or is_asked)


def _is_released(each: BlockTimeReadiness) -> bool:
    return each.readiness.released >= each.readiness.wanted


def _bare_in_words(bare: Collection[BlockTimeReadiness]) -> str:
    if not bare:
        return ""
    return f"{len(bare)} {'released' if all(map(_is_released, bare)) else 'without computers'}"


def _none_short(to_come: Collection[BlockTimeReadiness], forecast: DayForecast, of_them: str) -> str:
    """`none short`; "" if all have been asked for, and machines are missing: that has been said."""
    asked = [
        each
        for each in to_come
        if _stays_bare(each, forecast) or (each.id not in forecast.foreseen and not _has_all(each))
    ]
    if len(asked) == len(to_come):
        return ""
    return f"none{of_them or (' of the others' if asked else '')} short"


def _has_all(each: BlockTimeReadiness) -> bool:
    return each.readiness.allocated >= each.readiness.wanted


def unchecked_of(classes: Collection[BlockTimeReadiness], forecast: DayForecast, now: int) -> list[BlockTimeReadiness]:
    """The classes to come of which nobody knows what they will have; on a day that was not looked at, all of them."""
    return [
        each
        for each in classes
        if each.start > now
        and each.is_current_or_upcoming(now)
        and each.id not in forecast.foreseen
        and (not forecast.is_checked or (needs_forecast(each, now) and each.readiness.signal.level == "plain"))
    ]


# --- The list at the top ------------------------------------------------------------------------------


class Item(NamedTuple):
    """A line of the list: when, and what will be short, with links to the classes."""

    time: str
    words: SafeString


class LaterWeek(NamedTuple):
    """A week with shortages after the one that is shown: its address, when the first begins, and what it is."""

    address: str
    time: str
    words: str


@dataclass(frozen=True, slots=True)
class Ahead:
    """What will be short: `short` classes in the days of the page, and those of later weeks.

    `more` lines and `later_more` weeks are not shown.
    """

    state: Line
    short: int
    items: Sequence[Item]
    more: int
    later: Sequence[LaterWeek]
    later_more: int


def ahead(forecasts: Forecasts, first: date, last: date, lab: int | None = None) -> Ahead:
    """What is foreseen from `first` on: before `last` each in a line, then by weeks. At most six statements.

    `lab`: only what is short with a class of that lab, which takes one more.
    """
    found = _in_lab(shortages(forecasts), lab)
    here = [each for each in found if first <= _day(each.start) < last]
    weeks: dict[date, list[Shortage]] = {}
    for each in found:
        if _day(each.start) >= last:
            weeks.setdefault(_monday(_day(each.start)), []).append(each)
    items = [Item(moment(each.start, forecasts.now), _words(each)) for each in here[:_MOST]]
    later = [_later(monday, of_week, forecasts.now) for monday, of_week in list(weeks.items())[:_WEEKS]]
    short = sum(each.short for each in here)
    return Ahead(forecasts.state(), short, items, max(len(here) - _MOST, 0), later, max(len(weeks) - _WEEKS, 0))


def of_this_week(forecasts: Forecasts, lab: int | None = None) -> Ahead:
    """The same for the rest of the week of now, and later."""
    monday = _monday(_day(forecasts.now))
    return ahead(forecasts, monday, monday + _WEEK, lab)


def _in_lab(found: Sequence[Shortage], lab: int | None) -> Sequence[Shortage]:
    if lab is None or not found:
        return found
    ids = [each.block_time_id for shortage in found for each in shortage.classes]
    of_lab = {*BlockTime.objects.in_lab(lab).filter(pk__in=ids).values_list("pk", flat=True)}
    return [each for each in found if any(of.block_time_id in of_lab for of in each.classes)]


def moment(instant: int, now: int) -> str:
    """`Mon 09:00` in the week of `now`, in others `Mon 14 Dec 09:00`, with the year if it is another one."""
    local, today = (datetime.fromtimestamp(each, site_zone()) for each in (instant, now))
    if _monday(local.date()) == _monday(today.date()):
        return f"{local:%a %H:%M}"
    year = "" if local.year == today.year else f" {local.year}"
    return f"{local:%a} {local.day} {local:%b}{year} {local:%H:%M}"


def _words(shortage: Shortage) -> SafeString:
    if not shortage.what:
        return format_html_join(
            "; ",
            "{}: {}",
            (
                (class_link(each.block_time_id, each.name), linked(each.foreseen.words, each.foreseen.links))
                for each in shortage.classes
                if each.foreseen
            ),
        )
    classes = format_html_join(
        ", ",
        "{}{}",
        (
            (class_link(each.block_time_id, each.name), f" {each.number}" if each.foreseen else "")
            for each in shortage.classes
        ),
    )
    foreign = f", {plural(shortage.foreign, 'further one')} of another affiliation" if shortage.foreign else ""
    return format_html("{} ({}{})", shortage.what, classes, foreign)


def _later(monday: date, of_week: Sequence[Shortage], now: int) -> LaterWeek:
    address = reverse("admin:week", query={"from": f"{monday}"})
    more = f" and {len(of_week) - 1} more" if len(of_week) > 1 else ""
    return LaterWeek(address, moment(of_week[0].start, now), f"{of_week[0].words}{more}")


def _day(instant: int) -> date:
    return datetime.fromtimestamp(instant, site_zone()).date()


def _monday(day: date) -> date:
    return day - timedelta(days=day.weekday())
