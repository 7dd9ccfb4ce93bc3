"""Rows of the forecast, as a run leaves them; a keyword changes what a test is about."""

import json
from datetime import datetime, timedelta
from typing import Any

from blockalloc.models import BlockTime, Forecast, ForecastRun
from tests.support.sites.staff_site import DAY, NOW

Booking = tuple[str, int, str, int, int, int]  # as store.forecasts.InTheWayKept


def forecast_run(at: datetime = NOW, **values: Any) -> ForecastRun:
    """The last run: checked at that time, for 120 days."""
    columns = {"made": at, "checked": at, "until": at + 120 * DAY, "classes": 12, "milliseconds": 800, **values}
    return ForecastRun.objects.update_or_create(pk=1, defaults=columns)[0]


def foresee(time: BlockTime, machines: int, **values: Any) -> Forecast:
    """The forecast of a block time: so many of its machines."""
    columns = {
        "block_request_id": time.blockRequest_id,
        "start": time.start,
        "end": time.end,
        "wanted": time.blockRequest.numMachines,
        "requested": time.blockRequest.numMachines,
        "machines": machines,
        "fit": time.blockRequest.numMachines,
        "rule": "" if machines >= time.blockRequest.numMachines else "no_computer",
        "why": "",
        **values,
    }
    return Forecast.objects.update_or_create(pk=time.pk, defaults=columns)[0]


def in_the_way(*times: BlockTime, computers: int = 2, requests: int = 0) -> str:
    """The column `in_the_way`: these block times with so many computers each, and so many users' reservations."""
    bookings: list[Booking] = [
        ("block time", each.pk, each.blockRequest.name, _instant(each.start), _instant(each.end), computers)
        for each in times
    ]
    bookings += [("request", number, "jdoe@NCSU", 0, 0, 1) for number in range(requests)]
    return json.dumps(bookings)


def minutes(number: float) -> timedelta:
    """So many minutes."""
    return timedelta(minutes=number)


def _instant(moment: datetime) -> int:
    return int(moment.timestamp())
