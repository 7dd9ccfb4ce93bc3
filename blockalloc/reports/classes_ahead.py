"""The classes without computers, with what is foreseen of each."""

from datetime import datetime
from typing import NamedTuple

from blockalloc.models import BlockTime
from blockalloc.reports.forecasts import Forecasts, Foreseen
from blockalloc.site_time import site_zone


class ClassAhead(NamedTuple):
    """A class without computers; Unix seconds. `foreseen` is None when nobody has looked at it, or there is no need.

    `machines`: those of its request. `is_asked`: somebody has asked for them. `affiliation_id` is that of the owner of
    its series.
    """

    id: int
    request_id: int
    name: str
    image_id: int
    image: str
    start: int
    end: int
    machines: int
    is_asked: bool
    affiliation_id: int | None
    foreseen: Foreseen | None


def classes_ahead(forecasts: Forecasts, first: int, last: int, lab: int | None = None) -> list[ClassAhead]:
    """Those (of a lab) between two instants that are on or to come, by start.

    Three statements at most, and two more in a limited scope.
    """
    if last <= forecasts.now:
        return []
    times = BlockTime.objects.in_lab(lab).accepted().unexpired().not_skipped().without_computers()
    times = times.filter(start__lt=_local(last), end__gt=_local(max(first, forecasts.now)))
    request = "blockRequest__"
    rows = list(
        times.order_by("start", "pk").values_list(
            "pk",
            "start",
            "end",
            "processed",
            f"{request}numMachines",
            "blockRequest",
            f"{request}name",
            f"{request}image",
            f"{request}image__prettyname",
            f"{request}owner__affiliation",
        )
    )
    hours = {id_: (int(starts.timestamp()), int(ends.timestamp())) for id_, starts, ends, *_ in rows}
    foreseen = forecasts.of_those(
        {id_: (*hours[id_], machines) for id_, _, _, _, machines, *_ in rows if hours[id_][0] > forecasts.now}
    )
    return [
        ClassAhead(id_, request, name, image_id, image, *hours[id_], machines, bool(asked), owner, foreseen.get(id_))
        for id_, _, _, asked, machines, request, name, image_id, image, owner in rows
    ]


def _local(instant: int) -> datetime:
    return datetime.fromtimestamp(instant, site_zone())
