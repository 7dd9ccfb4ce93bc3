"""Reads how many loads may be at work at a time, and whether keep_ready runs (policy `ready`, SPEC 6)."""

import logging
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from django.conf import settings

from blockalloc.models import Heartbeat
from blockalloc.store import times
from blockalloc.store.load_limits import MOST_OF_VALUE, NAMES, Limits, Problem, Variable
from blockalloc.store.sql import Rows, Select, fetch, part_of_union
from scheduling.reloads.places import Capacity
from scheduling.windows import MINUTE

log = logging.getLogger(__name__)

_RUNS = 10 * MINUTE  # keep_ready looks every minute: where its last look is older, nobody mends anything
_MODULES = "VCL::Module::Provisioning::"
_NODE, _VARIABLE, _ENGINE, _LOOK = range(1, 5)

_logged: set[Problem] = set()


class _Row(NamedTuple):
    """A row of the statement. The parts below say which columns a kind of row has; the others are NULL."""

    kind: int
    id: int
    hostname: str
    name: str
    serialization: str
    value: str
    at: times.Stored
    doubted: int


_LIMIT_PARTS = [
    part_of_union(_Row, _NODE, {"id": "id", "hostname": "hostname"}, "FROM managementnode"),
    part_of_union(
        _Row, _VARIABLE,
        {"name": "name", "serialization": "serialization", "value": f"SUBSTR(value, 1, {MOST_OF_VALUE + 1})"},
        f"FROM variable WHERE {' OR '.join(['name LIKE %s'] * len(NAMES))}",
    ),
]  # fmt: skip
_LIMITS = Select(" UNION ALL ".join(_LIMIT_PARTS), NAMES)
# It is the Perl module that has the limit. The engine's name counts where its row names no provisioning module, as in
# copies of a part of a site. An engine that no computer has limits nothing.
_ALL = Select(
    " UNION ALL ".join([
        *_LIMIT_PARTS,
        part_of_union(
            _Row, _ENGINE, {"id": "p.id"},
            """FROM provisioning p LEFT JOIN module m ON m.id = p.moduleid
            WHERE (m.perlpackage LIKE %s OR (p.name LIKE %s AND COALESCE(m.perlpackage, '') NOT LIKE %s))
              AND EXISTS (SELECT 1 FROM computer c WHERE c.provisioningid = p.id AND c.deleted = 0)""",
        ),
        part_of_union(
            _Row, _LOOK, {"at": "`at`", "doubted": "CASE WHEN doubt = '' THEN 0 ELSE 1 END"},
            f"FROM {Heartbeat._meta.db_table}",
        ),
    ]),
    [*NAMES, f"{_MODULES}xCAT%", "xcat%", f"{_MODULES}%"],
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class ReadCapacity:
    """How many loads a site has at a time, and whether keep_ready runs there and mends what goes wrong."""

    capacity: Capacity
    is_mended: bool


def select() -> Select:
    """The statement for a capacity."""
    return _ALL


def from_rows(rows: Rows, now: int) -> ReadCapacity:
    """The capacity in the statement's rows, at `now` (Unix seconds).

    A row of `variable` that sets no limit, though it is meant to, is logged, once in a process.
    """
    by_kind = _by_kind(rows)
    limits = Limits(_variables(by_kind[_VARIABLE]))
    for problem in limits.problems(row.hostname for row in by_kind[_NODE]):
        if problem not in _logged:
            _logged.add(problem)
            log.warning("the row %s of VCL's table variable %s", problem.name, problem.text)
    return ReadCapacity(_capacity(limits, by_kind[_NODE], by_kind[_ENGINE]), _is_mended(by_kind[_LOOK], now))


def read(now: int) -> ReadCapacity:
    """The capacity at `now` (Unix seconds), by a statement of its own."""
    return from_rows(fetch(_ALL.sql, _ALL.params), now)


def problems() -> list[Problem]:
    """What is wrong with the rows that limit loads, by a statement that reads VCL's tables only."""
    by_kind = _by_kind(fetch(_LIMITS.sql, _LIMITS.params))
    return [*Limits(_variables(by_kind[_VARIABLE])).problems(row.hostname for row in by_kind[_NODE])]


def _by_kind(rows: Rows) -> defaultdict[int, list[_Row]]:
    by_kind: defaultdict[int, list[_Row]] = defaultdict(list)
    for row in map(_Row._make, rows):
        by_kind[row.kind].append(row)
    return by_kind


def _variables(rows: Iterable[_Row]) -> list[Variable]:
    return [Variable(row.name, row.serialization, row.value) for row in rows]


def _capacity(limits: Limits, nodes: Sequence[_Row], engines: Sequence[_Row]) -> Capacity:
    """VCL's own limits, for xCAT; with VCL_LOADS_PER_NODE one for all loads, which are then xCAT's as well."""
    of_xcat = {row.id: limits.of(row.hostname) for row in nodes}
    of_all = settings.VCL_LOADS_PER_NODE
    if not of_all:
        return Capacity(of_xcat, frozenset(row.id for row in engines), settings.VCL_LOADS_PER_HOST)
    lower = {id_: min(of_all, limit) if engines else of_all for id_, limit in of_xcat.items()}
    return Capacity(lower, None, settings.VCL_LOADS_PER_HOST)


def _is_mended(looks: Sequence[_Row], now: int) -> bool:
    """Whether keep_ready has looked lately, and would have changed what it found."""
    return any(not row.doubted and abs(now - (times.from_utc(row.at) or 0)) <= _RUNS for row in looks)
