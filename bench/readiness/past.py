"""Past loads of the images, as VCL's log and our own tables have them."""

import datetime
from collections.abc import Callable, Iterator
from random import Random
from typing import Any, NamedTuple

from bench.readiness.cells import Cell, Past
from blockalloc.models import SeenLoad
from simulation.days.loads import Loads

DAY, HOUR, MINUTE = 86_400, 3600, 60
# Whether it is as quiet as on other days says something of the site's clock; the day may have no users at all.
_LAST_DAYS = 15  # before the day, of which there is nothing
_DAYS = 180
_RECENT = 14  # days before these, from which loads of a faster past take as long as today
_NUMBERS = {Past.MANY: 200, Past.FASTER: 200, Past.FEW: 6, Past.NONE: 0}
_SLOW_BY_NOW = 20  # loads of a faster past that took as long as today
_FASTER = 0.7  # times as long as today
_LOADED_ALREADY = 0.2  # of the reservations
_FIRST_REQUEST = 5_000_000  # no request of the day gets such an id


class PastLoad(NamedTuple):
    """A load that was over long ago. `begin` in Unix seconds; `seconds` until the end of it, good or bad."""

    image: int
    computer: int
    begin: int
    seconds: int
    is_failed: bool


def past_loads(cell: Cell, image: int, computers: range, begin: int, chance: Random) -> list[PastLoad]:
    """Past loads of an image by the law of the cell, the oldest first; `begin` is that of the day."""
    today = Loads(minutes=cell.load_minutes, law=cell.law)
    once = Loads(minutes=cell.load_minutes * (_FASTER if cell.past is Past.FASTER else 1.0), law=cell.law)
    spans = [(once, _NUMBERS[cell.past], _LAST_DAYS + _RECENT, _LAST_DAYS + _DAYS)]
    if cell.past is Past.FASTER:
        spans.append((today, _SLOW_BY_NOW, _LAST_DAYS, _LAST_DAYS + _RECENT))
    drawn = [
        PastLoad(
            image,
            chance.choice(computers),
            begin - chance.randint(latest, earliest) * DAY + chance.randint(0, 10 * HOUR),
            loads.draw_seconds(chance),
            chance.random() < cell.failing,
        )
        for loads, number, latest, earliest in spans
        for _ in range(number)
    ]
    return sorted(drawn, key=lambda load: load.begin)


def log_rows(
    loads: list[PastLoad], users: range, node: int, local: Callable[[int], str], chance: Random
) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """Rows of `log` and `sublog` of people who reserved the computers for now, with whom the loads are on record.

    One in five more found their image loaded. `local` makes site time of an instant, as DATETIME columns have it.
    """
    logs, sublogs = [], []
    for number, load in enumerate(_with_loaded_ones(loads, chance), 1):
        # VCL takes the request up in its next round, and looks at what is loaded.
        ready = load.begin + chance.randint(5, 17) + load.seconds
        end = ready if load.is_failed else ready + chance.randint(20, 120) * MINUTE
        logs.append(
            {
                "id": number,
                "userid": chance.choice(users),
                "nowfuture": "now",
                "start": local(load.begin),
                "loaded": None if load.is_failed else local(ready),
                "initialend": local(load.begin + 2 * HOUR),
                "finalend": local(end),
                "wasavailable": 1,
                "ending": "failed" if load.is_failed else "released",
                "imageid": load.image,
                "requestid": _FIRST_REQUEST + number,
                "computerid": load.computer,
            }
        )
        sublogs.append({"logid": number, "imageid": load.image, "imagerevisionid": load.image,
                        "computerid": load.computer, "managementnodeid": node})  # fmt: skip
    return logs, sublogs


def _with_loaded_ones(loads: list[PastLoad], chance: Random) -> Iterator[PastLoad]:
    for load in loads:
        yield load
        if chance.random() < _LOADED_ALREADY:
            yield load._replace(begin=load.begin + HOUR, seconds=chance.randint(3, 10), is_failed=False)


def seen_loads(loads: list[PastLoad], nodes: range, provisioning: str, chance: Random) -> list[SeenLoad]:
    """The rows that passes of keep_ready, one a minute, have left of the loads."""
    rows = []
    for number, load in enumerate(loads, 1):
        end = load.begin + load.seconds
        over = end + chance.randint(1, MINUTE)
        rows.append(
            SeenLoad(
                request_id=_FIRST_REQUEST + number,
                computer_id=load.computer,
                hostname=f"c{load.computer}",
                image_id=load.image,
                revision_id=load.image,
                node_id=chance.choice(nodes),
                provisioning=provisioning,
                begun=_utc(load.begin),
                begun_is_exact=True,
                at_work=_utc(over - MINUTE),
                over=_utc(over),
                outcome=SeenLoad.FAILED if load.is_failed else SeenLoad.LOADED,
            )
        )
    return rows


def _utc(instant: int) -> datetime.datetime:
    return datetime.datetime.fromtimestamp(instant, datetime.UTC)
