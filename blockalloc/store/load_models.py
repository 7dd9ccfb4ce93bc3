"""Load models of images, from the loads that keep_ready saw and those that VCL's log knows of."""

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import NamedTuple

from django.db import connection

from blockalloc.models import SeenLoad
from blockalloc.store import kept_models, loads, times
from blockalloc.store.kept_models import Wanted
from blockalloc.store.sql import Select, fetch, listed_ids, part_of_union
from scheduling.load_time.history import Ending, History, LoadGroup, PastLoads
from scheduling.load_time.learning import learned, pooled
from scheduling.load_time.model import LoadModel
from scheduling.load_time.seen import NodeLimits, load_groups
from scheduling.load_time.seen import SeenLoad as Seen
from scheduling.reloads.places import Capacity
from scheduling.windows import DAY

# Of the latest loads that were seen: of each image, and of the site.
_MOST_OF_IMAGE, _MOST_OF_SITE = 300, 200
_SEEN_SINCE = 365 * DAY
_ENGINE, _LOGGED, _SEEN = range(1, 4)
_TABLE = SeenLoad._meta.db_table
# Unix seconds of a time in UTC: the database converts hundreds of them faster than Python does.
_INSTANT = {"mysql": "TIMESTAMPDIFF(SECOND, '1970-01-01', {})", "sqlite": "CAST(strftime('%%s', {}) AS INTEGER)"}


class _Row(NamedTuple):
    """A row of the statement: a provisioning engine, and an image that it can load; loads of the log of one length
    (NULL: failed); or one load that was seen.
    """

    kind: int
    image_id: int | None
    engine_id: int
    engine: str
    seconds: float | None
    number: int
    is_of_revision: int
    node_id: int | None
    revision_id: int
    begun: int
    at_work: int
    over: int | None
    outcome: str
    alive: int | None


class _Facts(NamedTuple):
    """What the rows say. `seen` are in no order; `engines`: image -> names of the engines that can load it."""

    logged: Mapping[int, list[_Row]]
    seen: Sequence[tuple[Seen, LoadGroup]]
    engines: Mapping[int | None, Collection[str]]


def models(images: Mapping[int, Wanted], now: int, capacity: Capacity | None = None) -> dict[int, LoadModel]:
    """Image -> its load model: as it is kept (store.kept_models), or learned anew.

    One statement, whatever the number of images and of loads; none without images. By the `capacity` of the site,
    loads that may have waited for a place do not count.
    """
    return kept_models.models(images, now, lambda missing: _learned(missing, now, capacity or Capacity()))


def model(image_id: int, wanted: Wanted, now: int, capacity: Capacity | None = None) -> LoadModel:
    """The load model of one image. One statement."""
    return models({image_id: wanted}, now, capacity)[image_id]


def _learned(images: Mapping[int, Wanted], now: int, capacity: Capacity) -> dict[int, LoadModel]:
    select = _select(images, now)
    facts = _facts(map(_Row._make, fetch(select.sql, select.params)), now, capacity)
    return {
        image: learned(_history(image, wanted.revision_id, facts), wanted.reload_minutes)
        for image, wanted in images.items()
    }


def _select(images: Mapping[int, Wanted], now: int) -> Select:
    parts = [_engines(images)]
    since = times.to_utc(now - _SEEN_SINCE)
    for image, wanted in images.items():
        parts += [
            _logged(image, wanted.revision_id, now),
            _seen_of(f"image_id = {int(image)} AND", _MOST_OF_IMAGE, since),
        ]
    parts.append(_seen_of("", _MOST_OF_SITE, since, f"WHERE l.image_id NOT IN ({listed_ids(images)})"))
    return Select(" UNION ALL ".join(part.sql for part in parts), [value for part in parts for value in part.params])


def _engines(images: Collection[int]) -> Select:
    columns = {"engine_id": "p.id", "engine": "p.name", "image_id": "i.id"}
    tables = f"""FROM provisioning p LEFT JOIN (
        provisioningOSinstalltype s JOIN OSinstalltype t ON t.id = s.OSinstalltypeid
        JOIN OS o ON o.installtype = t.name JOIN image i ON i.OSid = o.id AND i.id IN ({listed_ids(images)})
    ) ON s.provisioningid = p.id"""
    return Select(part_of_union(_Row, _ENGINE, columns, tables))


def _logged(image: int, revision: int, now: int) -> Select:
    select = loads.select_latest(image, revision, now)
    columns = {name: name for name in ("seconds", "number", "is_of_revision")}
    sql = part_of_union(_Row, _LOGGED, {"image_id": str(int(image)), **columns}, f"FROM ({select.sql}) AS logged")
    return Select(sql, select.params)


def _seen_of(condition: str, most: int, since: str, others: str = "") -> Select:
    """The latest loads, in the order of an index: what is older is not read."""
    columns = {name: f"l.{name}" for name in ("image_id", "revision_id", "node_id", "outcome")}
    instants = {"begun": "l.begun", "at_work": "l.at_work", "over": "l.`over`", "alive": "n.lastcheckin"}
    columns |= {name: _INSTANT[connection.vendor].format(column) for name, column in instants.items()}
    tables = f"""FROM (
        SELECT * FROM {_TABLE} WHERE {condition} begun > %s ORDER BY begun DESC LIMIT {most}
    ) AS l LEFT JOIN managementnode n ON n.id = l.node_id {others}"""
    return Select(part_of_union(_Row, _SEEN, columns | {"engine": "l.provisioning"}, tables), [since])


def _facts(rows: Iterable[_Row], now: int, capacity: Capacity) -> _Facts:
    logged: dict[int, list[_Row]] = defaultdict(list)
    engines: dict[int | None, set[str]] = defaultdict(set)
    limited: set[str] = set()
    seen: list[Seen] = []
    for row in rows:
        if row.kind == _SEEN:
            when, alive = (row.begun, row.at_work, row.over), times.from_check_in_seconds(row.alive)
            seen.append(Seen(row.node_id, *when, row.outcome, alive, row.image_id or 0, row.revision_id, row.engine))
        elif row.kind == _LOGGED:
            logged[row.image_id or 0].append(row)
        else:
            engines[row.image_id].add(row.engine)
            if capacity.is_limited(row.engine_id):
                limited.add(row.engine)
    return _Facts(logged, load_groups(seen, now, NodeLimits(capacity.node_limits, limited)), engines)


def _history(image: int, revision: int, facts: _Facts) -> History:
    own: dict[bool, list[LoadGroup]] = {True: [], False: []}
    others: dict[bool, dict[int, list[LoadGroup]]] = {True: defaultdict(list), False: defaultdict(list)}
    engines = facts.engines.get(image, ())
    for load, group in facts.seen:
        if load.image_id == image:
            own[load.revision_id == revision].append(group)
        else:
            others[load.engine in engines][load.image_id].append(group)
    logged: dict[bool, list[LoadGroup]] = {True: [], False: []}
    for row in facts.logged.get(image, ()):
        ending = Ending.FAILED if row.seconds is None else Ending.LOADED
        logged[bool(row.is_of_revision)].append(LoadGroup(float(row.seconds or 0), row.number, ending))
    return History(
        revision=PastLoads(own[True], logged[True]),
        image=PastLoads(own[False], logged[False]),
        engine=PastLoads(pooled(others[True].values())),
        site=PastLoads(pooled(others[False].values())),
    )
