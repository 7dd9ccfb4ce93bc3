"""A forecast that is kept on the large site: of all classes to come, of which one in ten will be short.

Written as rows, since the pages are measured and not the planning.
"""

from datetime import timedelta

from bench.large_site import NOW, Site, id_of
from blockalloc.store import forecasts
from blockalloc.store.forecasts import InTheWayKept, Kept, Run

_DAYS = 120


def build(site: Site) -> None:
    """Keep it, as made and checked at NOW."""
    now = int(NOW.timestamp())
    rows = []
    for id_, place, start, end in site.times:
        begins, ends = (int(moment.replace(tzinfo=NOW.tzinfo).timestamp()) for moment in (start, end))
        if begins <= now:
            continue
        wanted, is_short = site.machines[place], id_ % 10 == 3
        other = InTheWayKept("block time", id_of(id_ % 100), f"Class {id_ % 100:03} laboratory", begins, ends, 12)
        rows.append(
            Kept(
                id_, id_of(place), begins, ends, wanted, wanted - 3 * is_short, 20,
                rule="no_computer" if is_short else "",
                why=f"{other.name} has 12 of the computers" if is_short else "",
                in_the_way=[other] if is_short else [],
                requested=wanted,
            )
        )  # fmt: skip
    until = int((NOW + timedelta(days=_DAYS)).timestamp())
    short = sum(row.missing > 0 for row in rows)
    forecasts.keep(rows, Run(made=now, until=until, checked=now, classes=len(rows), short=short))
