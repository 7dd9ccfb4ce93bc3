"""The coming week in a daily summary: which classes will lack machines, by the forecast."""

from collections.abc import Sequence
from datetime import date, datetime, timedelta
from typing import NamedTuple

from django.conf import settings
from django.urls import reverse

from blockalloc.forecasting import freshness
from blockalloc.models import BlockTime
from blockalloc.models.scope import Scope
from blockalloc.notifications import ahead, wording
from blockalloc.site_time import local_to_instant
from blockalloc.store import forecasts
from blockalloc.store.forecasts import Kept
from blockalloc.store.rows import full_name
from scheduling.wording import plural

_WEEK = 7  # days


class WeekAhead(NamedTuple):
    """How many classes of the days after `day` will lack machines, with a line for each; or that nobody knows."""

    short: int
    lines: Sequence[tuple[str, str]]

    @property
    def in_short(self) -> str:
        """`; 2 classes of the coming week will lack machines`; "" for none."""
        if not self.short:
            return ""
        return f"; {self.short} class{'' if self.short == 1 else 'es'} of the coming week will lack machines"


def week_ahead(scope: Scope, day: date, at: int) -> WeekAhead:
    """Of the classes in the scope that begin in the week after `day`. Four statements at most.

    `at`: now (Unix seconds).
    """
    run = forecasts.last_run()
    if not freshness.is_current(run, at):
        return WeekAhead(0, [(f"{freshness.in_words(run, at)}.", "")])
    first, last = (_midnight(day + timedelta(days=days)) for days in (1, 1 + _WEEK))
    short = forecasts.short_between(first, last)
    names = _names(short, scope)
    short = [each for each in short if each.block_time_id in names]
    visible = ahead.visible_in_the_way(short, scope)
    return WeekAhead(
        len(short),
        [
            (
                f"{wording.when(each.start, at)} {names[each.block_time_id]}: "
                f"{each.machines} of {plural(each.requested, 'machine')}: {ahead.why(each, visible, at)}",
                _address(each.block_time_id),
            )
            for each in short
        ],
    )


def _names(short: Sequence[Kept], scope: Scope) -> dict[int, str]:
    """Block time -> its class and group, of those in the scope that are still to take place."""
    if not short:
        return {}
    query = BlockTime.objects.within(scope).accepted().not_skipped()
    rows = query.filter(pk__in=[each.block_time_id for each in short]).values_list(
        "pk", "blockRequest__name", "blockRequest__group__name", "blockRequest__group__affiliation__name"
    )
    return {id_: _named(block, full_name(group, of)) for id_, block, group, of in rows}


def _named(block: str, group: str) -> str:
    return wording.one_line(f"{block} ({group})" if group else block)


def _midnight(day: date) -> int:
    return int(local_to_instant(datetime(day.year, day.month, day.day)).timestamp())


def _address(block_time_id: int) -> str:
    path = reverse("admin:blockalloc_blocktime_change", args=[block_time_id])
    return f"{settings.VCL_SERVICE_URL}{path}" if settings.VCL_SERVICE_URL else ""
