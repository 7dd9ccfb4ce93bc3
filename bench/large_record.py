"""A term's decision records on the large site: real findings of real calls, copied many times."""

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from random import Random

from django.db import transaction

from bench.large_site import NOW, Site, Value, id_of, insert
from blockalloc.allocation import service
from blockalloc.contract.messages import BlockAllocationCall, Caller
from blockalloc.models import Decision

_DISTINCT = 24  # real calls
_COPIED = (
    "outcome code text wanted had allocated duration version roster_id findings image_id image_name parameters".split()
)
_COLUMNS = (
    *"id started action door caller person address".split(),
    *"block_time_id block_request_id block_name block_start block_end user_group owner affiliation_id".split(),
    *_COPIED,
)
_AT_ONCE = 200  # rows of a transaction


def build(site: Site) -> None:
    """Write the decisions, the latest of them just now."""
    models = _models(site)
    Decision.objects.all().delete()
    rows = _rows(site, models)
    columns = " ".join((*_COLUMNS, "retries", "waits"))
    while batch := [row for _, row in zip(range(_AT_ONCE), rows, strict=False)]:
        with transaction.atomic():
            insert("blockalloc_decision", columns, batch)


def _models(site: Site) -> list[dict[str, Value]]:
    """Records of real calls: dry runs for the hours of classes of the next ten days, when much is taken."""
    soon = NOW.replace(tzinfo=None) + timedelta(hours=1)
    coming = [time for time in site.times if soon < time[2] < soon + timedelta(days=10)]
    for _, place, start, end in Random("calls").sample(coming, min(_DISTINCT, len(coming))):
        call = BlockAllocationCall(
            site.image(place),
            int(start.replace(tzinfo=NOW.tzinfo).timestamp()),
            int(end.replace(tzinfo=NOW.tzinfo).timestamp()),
            40,
            site.group(place),
            ignore_privileges=True,
            block_time_id=0,
        )
        service.dry_run(call, Caller(3, "vclsystem@Local", "10.9.0.1", "XMLRPCblockAllocation"), explain=False)
    return list(Decision.objects.values(*_COPIED))


def _rows(site: Site, models: Sequence[dict[str, Value]]) -> Iterator[tuple[Value, ...]]:
    """Six in ten have findings; the others were complete already, or were refused."""
    random = Random("decisions")
    now = NOW.astimezone(UTC)
    step = timedelta(days=180) / max(site.sizes.decisions, 1)
    for n in range(site.sizes.decisions):
        id_, place, start, end = random.choice(site.times)
        kind = n % 10
        model = dict(models[n % len(models)])
        action, door, person = Decision.ALLOCATE, "XMLRPCblockAllocation", ""
        if kind in (6, 7):
            model |= {"outcome": "completed", "roster_id": None, "findings": None, "text": ""}
        elif kind == 8:
            model |= {"outcome": "refused", "code": 203, "roster_id": None, "findings": None, "text": "end is past"}
        elif kind == 9:
            action = random.choice((Decision.RELEASE, Decision.SKIP, Decision.DRY_RUN))
            door, person = "staff page", f"staff{n % 20}"
            model |= {"outcome": "done", "roster_id": None, "findings": None, "text": "computers released"}
        yield (
            n + 1, _stored(now - step * (site.sizes.decisions - n)), action, door, "vclsystem@Local", person,
            "10.9.0.1", id_, id_of(place), f"Class {place:03} laboratory", _instant(start), _instant(end),
            f"CS{place % 200:03} section {place % 7}@{place % 3}", f"user{place}@{place % 3}", site.affiliation(place),
            *(model[name] for name in _COPIED), 0, 0,
        )  # fmt: skip


def _instant(wall: datetime) -> str:
    return _stored(wall.replace(tzinfo=NOW.tzinfo).astimezone(UTC))


def _stored(moment: datetime) -> str:
    return moment.strftime("%Y-%m-%d %H:%M:%S")
