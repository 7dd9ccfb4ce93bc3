"""A forecast that is kept, as `manage.py forecast` leaves it, for tests of what reads it."""

import json
from typing import Any

from blockalloc.models import BlockTime, Forecast, ForecastRun
from blockalloc.store.forecasts import InTheWayKept
from tests.support.sites.staff_site import DAY, NOW


def forecast_run(**values: Any) -> ForecastRun:
    """A run that was made and checked now, for four weeks."""
    usual = {"made": NOW, "checked": NOW, "until": NOW + 28 * DAY, "host": "vcl1", "problem": ""}
    run, _ = ForecastRun.objects.update_or_create(pk=1, defaults={**usual, **values})
    return run


def foresee(time: BlockTime, machines: int, why: str = "", *in_the_way: InTheWayKept, **values: Any) -> Forecast:
    """So many machines for this class."""
    usual = {
        "block_request_id": time.blockRequest_id,
        "start": time.start,
        "end": time.end,
        "wanted": time.blockRequest.numMachines,
        "requested": time.blockRequest.numMachines,
        "fit": 68,
        "rule": "other_block" if why else "",
    }
    row = {**usual, "machines": machines, "why": why, "in_the_way": json.dumps(in_the_way), **values}
    return Forecast.objects.create(block_time_id=time.pk, **row)


def has(time: BlockTime, computers: int) -> InTheWayKept:
    """A class in the way of another one, with so many computers."""
    start, end = (int(moment.timestamp()) for moment in (time.start, time.end))
    return InTheWayKept("block time", time.pk, time.blockRequest.name, start, end, computers)
