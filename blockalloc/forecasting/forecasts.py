"""Keeps the forecast up to date: reads the facts, and plans all classes anew when something has changed."""

import platform
import time
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import NamedTuple

from django.conf import settings
from django.db import transaction

from blockalloc.forecasting.digest import digest
from blockalloc.site_time import site_zone
from blockalloc.store import forecast_facts, forecasts, rows
from blockalloc.store.forecasts import InTheWayKept, Kept, Run
from scheduling.forecast.engine import forecast
from scheduling.forecast.facts import ClassForecast, ForecastFacts
from scheduling.forecast.words import why
from scheduling.readiness import ASKED_AHEAD
from scheduling.windows import HOUR, MINUTE

STALE = 15 * MINUTE  # a forecast that was not checked for so long says nothing any more
_OLD = HOUR  # then it is made anew, since load times and what computers have loaded are no reason of their own
_MOST_IN_THE_WAY = 10  # bookings that are kept of a class
_NAME, _PROBLEM = 190, 500  # characters


class Refreshed(NamedTuple):
    """What came of a refresh: whether the classes were planned anew, and the run that counts now."""

    changed: bool
    run: Run


def refresh(now: int, *, force: bool = False) -> Refreshed:
    """Look whether the last forecast still holds at `now` (Unix seconds), and make another one if it does not.

    It does not when the facts have changed, when a class has been asked for since, when it is older than an hour, or
    with `force`. What fails is noted in the run, and raised.
    """
    try:
        return _refreshed(now, force=force)
    except Exception as error:
        forecasts.note_problem(f"{type(error).__name__}: {error}"[:_PROBLEM])
        raise


def until(now: int) -> int:
    """Up to when classes are planned: the midnight that ends the last of VCL_FORECAST_DAYS days."""
    last = datetime.fromtimestamp(now, site_zone()).date() + timedelta(days=settings.VCL_FORECAST_DAYS + 1)
    return int(datetime(last.year, last.month, last.day, tzinfo=site_zone()).timestamp())


def _refreshed(now: int, *, force: bool) -> Refreshed:
    begun = time.monotonic()
    with transaction.atomic():
        facts = forecast_facts.read(now, until(now))
    last, of_facts = forecasts.last_run(), digest(facts)
    if last and not force and not _is_outdated(last, facts, of_facts) and forecasts.note_checked(of_facts, now):
        return Refreshed(False, last._replace(checked=now, problem=""))
    made = forecast(facts)
    all_kept = kept(made, facts)
    run = Run(
        made=now,
        until=facts.until,
        checked=now,
        classes=len(all_kept),
        short=sum(each.missing > 0 for each in all_kept),
        milliseconds=round((time.monotonic() - begun) * 1000),
        host=platform.node()[:_NAME],
        facts=of_facts,
    )
    if not forecasts.keep(all_kept, run):
        return Refreshed(False, forecasts.last_run() or run)  # another process was faster, and knows more
    return Refreshed(True, run)


def _is_outdated(last: Run, facts: ForecastFacts, of_facts: str) -> bool:
    now = facts.site.now
    if last.problem or last.facts != of_facts or not 0 <= now - last.made < _OLD:
        return True
    return any(last.made < each.block.start - ASKED_AHEAD <= now for each in facts.classes)


# --- Rows -----------------------------------------------------------------------------------------


def kept(made: Sequence[ClassForecast], facts: ForecastFacts) -> list[Kept]:
    """The rows of a forecast, with the names of what is in the way; two statements at most."""
    bookings = [booking for each in made for booking in each.in_the_way[:_MOST_IN_THE_WAY]]
    blocks = {each.id: each.name for each in facts.classes}
    other = {booking.id for booking in bookings if booking.kind == "block time"} - blocks.keys()
    blocks |= rows.names_of_block_times(sorted(other))
    people = rows.users_of_requests(sorted({booking.id for booking in bookings if booking.kind == "request"}))
    return [_row(each, blocks, people) for each in made]


def _row(made: ClassForecast, blocks: Mapping[int, str], people: Mapping[int, str]) -> Kept:
    block = made.asked.block
    names = {"block time": blocks, "request": people}
    return Kept(
        block_time_id=block.block_time_id,
        block_request_id=made.asked.request_id,
        start=block.start,
        end=block.end,
        wanted=made.wanted,
        machines=made.machines,
        fit=made.fit,
        is_late=made.is_late,
        rule=made.stopped_by.rule if made.missing and made.stopped_by else "",
        why=why(made, blocks, site_zone()),
        in_the_way=list(_named(made, names)),
        lost=dict(made.lost),
        requested=made.asked.requested,
    )


def _named(made: ClassForecast, names: Mapping[str, Mapping[int, str]]) -> Iterable[InTheWayKept]:
    for each in made.in_the_way[:_MOST_IN_THE_WAY]:
        yield InTheWayKept(each.kind, each.id, names[each.kind].get(each.id, ""), each.start, each.end, each.computers)
