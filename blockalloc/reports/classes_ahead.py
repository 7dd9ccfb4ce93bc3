"""The classes to come that nobody has asked for yet, with what is foreseen of each."""

from datetime import datetime
from typing import NamedTuple

from blockalloc.models import BlockTime
from blockalloc.reports.forecasts import Forecasts, Foreseen
from blockalloc.site_time import site_zone


class ClassAhead(NamedTuple):
    """A class without computers; Unix seconds. `foreseen` is None when nobody has looked at it.

    `affiliation_id` is that of the owner of its series.
    """

    id: int
    request_id: int
    name: str
    image_id: int
    image: str
    start: int
    end: int
    affiliation_id: int | None
    foreseen: Foreseen | None


def classes_ahead(forecasts: Forecasts, first: int, last: int, lab: int | None = None) -> list[ClassAhead]:
    """Those (of a lab) that are between two instants, by start.

    Three statements at most, and two more in a limited scope.
    """
    if last <= forecasts.now:
        return []
    times = BlockTime.objects.in_lab(lab).accepted().unexpired().not_skipped().without_computers()
    times = times.filter(start__gt=_local(forecasts.now), start__lt=_local(last), end__gt=_local(first))
    request = "blockRequest__"
    rows = list(
        times.order_by("start", "pk").values_list(
            "pk",
            "start",
            "end",
            f"{request}numMachines",
            "blockRequest",
            f"{request}name",
            f"{request}image",
            f"{request}image__prettyname",
            f"{request}owner__affiliation",
        )
    )
    hours = {id_: (int(starts.timestamp()), int(ends.timestamp())) for id_, starts, ends, *_ in rows}
    foreseen = forecasts.of_those({id_: (*hours[id_], machines) for id_, _, _, machines, *_ in rows})
    return [
        ClassAhead(id_, request_id, name, image_id, image, *hours[id_], affiliation_id, foreseen.get(id_))
        for id_, _, _, _, request_id, name, image_id, image, affiliation_id in rows
    ]


def _local(instant: int) -> datetime:
    return datetime.fromtimestamp(instant, site_zone())
