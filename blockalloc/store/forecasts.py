"""The kept forecast. Instants are Unix seconds."""

import json
from collections.abc import Collection
from datetime import UTC, datetime
from typing import NamedTuple

from blockalloc.models import Forecast, ForecastRun


class InTheWayKept(NamedTuple):
    kind: str
    id: int
    name: str
    start: int
    end: int
    computers: int


class Kept(NamedTuple):
    block_time_id: int
    block_request_id: int
    start: int
    end: int
    wanted: int
    machines: int
    fit: int
    is_late: bool
    rule: str
    why: str
    in_the_way: list[InTheWayKept]
    lost: dict[str, int]
    told: int | None


class Run(NamedTuple):
    made: int
    until: int
    checked: int
    classes: int
    short: int
    milliseconds: int
    host: str
    problem: str


def of_block_times(ids: Collection[int]) -> dict[int, Kept]:
    return {row.pk: _kept(row) for row in Forecast.objects.filter(pk__in=ids)}


def short_between(first: int, last: int) -> list[Kept]:
    from django.db.models import F

    rows = Forecast.objects.filter(start__gte=_at(first), start__lt=_at(last), machines__lt=F("wanted"))
    return [_kept(row) for row in rows.order_by("start", "pk")]


def last_run() -> Run | None:
    row = ForecastRun.objects.filter(pk=1).first()
    if row is None:
        return None
    made, until, checked = (int(each.timestamp()) if each else 0 for each in (row.made, row.until, row.checked))
    return Run(made, until, checked, row.classes, row.short, row.milliseconds, row.host, row.problem)


def _kept(row: Forecast) -> Kept:
    return Kept(
        row.pk,
        row.block_request_id,
        int(row.start.timestamp()),
        int(row.end.timestamp()),
        row.wanted,
        row.machines,
        row.fit,
        row.is_late,
        row.rule,
        row.why,
        [InTheWayKept(*each) for each in json.loads(row.in_the_way)],
        json.loads(row.lost),
        row.told,
    )


def _at(instant: int) -> datetime:
    return datetime.fromtimestamp(instant, UTC)
