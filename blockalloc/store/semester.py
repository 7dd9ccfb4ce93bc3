"""What came of the classes of a period, summed by the database from their closing rows. Instants are Unix seconds."""

from collections.abc import Iterable, Sequence
from typing import NamedTuple

from django.db import connection

from blockalloc.models import ClassHeld, Decision
from blockalloc.models.scope import Scope
from blockalloc.store import times
from blockalloc.store.sql import Value, fetch

_CLASSES, _DECISIONS = ClassHeld._meta.db_table, Decision._meta.db_table

# Between two columns in UTC. No function for it is common to both databases.
_SECONDS = {
    "mysql": "TIMESTAMPDIFF(SECOND, h.start, h.`end`)",
    "sqlite": "(CAST(strftime('%%s', h.`end`) AS INTEGER) - CAST(strftime('%%s', h.start) AS INTEGER))",
}


class Classes(NamedTuple):
    """Which classes: those that begin from `first` on and before `last`, and are over at `now`.

    `series`: of one block request (id). `image`: with one image (id). `owner`: of one owner (`name@affiliation`).
    """

    scope: Scope
    first: int
    last: int
    now: int
    series: int | None = None
    image: int | None = None
    owner: str | None = None


class Figures(NamedTuple):
    """Sums over classes.

    `wanted`, `had` and `ready` (at the start) are machines, `used` are computers, each class at its peak. `short`
    classes had fewer machines than they wanted. Nobody looked at `unlooked` classes when they began; of the others
    `ready_of` machines were wanted. The use of `uncounted` classes was not counted; the others asked for
    `counted_wanted` computers and had `counted_had`. Seconds: of the classes; of their machines; of the computers of
    those whose use was counted, and of these in use.
    """

    classes: int = 0
    wanted: int = 0
    had: int = 0
    short: int = 0
    ready: int = 0
    ready_of: int = 0
    unlooked: int = 0
    used: int = 0
    uncounted: int = 0
    counted_wanted: int = 0
    counted_had: int = 0
    seconds: int = 0
    machine_seconds: int = 0
    counted_seconds: int = 0
    used_seconds: float = 0.0

    def plus(self, other: "Figures") -> "Figures":
        """The sums over the classes of both."""
        return Figures._make(one + another for one, another in zip(self, other, strict=True))

    @property
    def share_ready(self) -> float | None:
        """Of the machines wanted, the share that was ready at the start; None when nobody looked."""
        return self.ready / self.ready_of if self.ready_of else None

    @property
    def utilisation(self) -> float | None:
        """Of the time of the computers, the share in which they were in use; None when nobody counted."""
        return self.used_seconds / self.counted_seconds if self.counted_seconds else None


class Group(NamedTuple):
    """The classes that have something in common: the key says what. Names are those of one of them."""

    key: int | str
    block_name: str
    image_name: str
    figures: Figures


# A cluster's machine has several computers, by what its image consists of now.
_SUMS = f"""
SELECT k, MAX(block_name), MAX(image_name), COUNT(*), SUM(wanted), SUM(had), SUM(had < wanted),
       COALESCE(SUM(ready_at_start), 0), COALESCE(SUM(CASE WHEN ready_at_start IS NOT NULL THEN wanted END), 0),
       SUM(ready_at_start IS NULL), COALESCE(SUM(used_at_peak), 0), SUM(used_at_peak IS NULL),
       COALESCE(SUM(CASE WHEN used_at_peak IS NOT NULL THEN wanted * (1 + further) END), 0),
       COALESCE(SUM(CASE WHEN used_at_peak IS NOT NULL THEN had * (1 + further) END), 0), SUM(seconds),
       SUM(had * seconds),
       COALESCE(SUM(CASE WHEN used_in_the_mean IS NOT NULL THEN had * (1 + further) * seconds END), 0),
       COALESCE(SUM(used_in_the_mean * seconds), 0)
FROM (
    SELECT {{key}} AS k, h.block_name, h.image_name, h.wanted, h.had, h.ready_at_start, h.used_at_peak,
           h.used_in_the_mean, {{seconds}} AS seconds, COALESCE(c.further, 0) AS further
    FROM {_CLASSES} h LEFT JOIN (
        SELECT i.id, COUNT(*) AS further FROM subimages s JOIN imagemeta m ON m.id = s.imagemetaid AND m.subimages = 1
        JOIN image i ON i.imagemetaid = m.id GROUP BY i.id
    ) c ON c.id = h.image_id
    WHERE {{condition}}
) AS classes GROUP BY k ORDER BY k
"""
_KEYS = {"series": "h.block_request_id", "image": "h.image_id", "owner": "h.owner"}


def groups(classes: Classes, by: str) -> list[Group]:
    """The classes by "series" (key: id of the block request), "image" (id) or "owner". One statement."""
    return _groups(classes, _KEYS[by], [])


def by_period(classes: Classes, ends: Sequence[int]) -> list[Group]:
    """The classes by periods, which end at `ends`, ascending; the key is the place in that list. One statement."""
    cases = " ".join(f"WHEN h.start < %s THEN {place}" for place in range(len(ends)))
    return _groups(classes, f"CASE {cases} END", [times.to_utc(end) for end in ends])


def _groups(classes: Classes, key: str, of_key: Sequence[Value]) -> list[Group]:
    condition, values = _condition(classes, start="h.start", end="h.`end`", request="h.block_request_id", of="h")
    sql = _SUMS.format(key=key, seconds=_SECONDS[connection.vendor], condition=condition)
    return [
        Group(key, block, image, Figures._make([*map(int, sums), float(used)]))
        for key, block, image, *sums, used in fetch(sql, [*of_key, *values])
    ]


_UNTOLD = f"""
SELECT COUNT(DISTINCT d.block_time_id) FROM {_DECISIONS} d
WHERE {{condition}} AND d.action = '{Decision.ALLOCATE}' AND d.allocated > 0
  AND NOT EXISTS (SELECT 1 FROM {_CLASSES} h WHERE h.block_time_id = d.block_time_id)
"""


def without_closing_row(classes: Classes) -> int:
    """How many classes had machines by the decisions on record, and have no closing row. One statement."""
    condition, values = _condition(
        classes, start="d.block_start", end="d.block_end", request="d.block_request_id", of="d"
    )
    return int(fetch(_UNTOLD.format(condition=condition), values)[0][0])


def _condition(classes: Classes, *, start: str, end: str, request: str, of: str) -> tuple[str, list[Value]]:
    parts: Iterable[tuple[str, Value]] = (
        (f"{start} >= %s", times.to_utc(classes.first)),
        (f"{start} < %s", times.to_utc(classes.last)),
        (f"{end} <= %s", times.to_utc(classes.now)),
        (f"{of}.affiliation_id = %s", classes.scope.affiliation_id),
        (f"{request} = %s", classes.series),
        (f"{of}.image_id = %s", classes.image),
        (f"{of}.owner = %s", classes.owner),
    )
    given = [(sql, value) for sql, value in parts if value is not None]
    return " AND ".join(sql for sql, _ in given), [value for _, value in given]
