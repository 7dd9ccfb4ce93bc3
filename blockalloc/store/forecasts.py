"""The forecast that is kept: a row for each class to come, and one for the last run. Instants are Unix seconds."""

import json
from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any, NamedTuple, TypeVar

from blockalloc.models import Forecast, ForecastRun
from blockalloc.store import again, times
from blockalloc.store.sql import Rows, Value, execute, fetch, insert, listed_ids
from scheduling.windows import MINUTE

_TABLE, _RUNS = Forecast._meta.db_table, ForecastRun._meta.db_table
_RUN = 1  # the id of the only row
_AT_ONCE = 500  # rows of a statement
_COLUMNS = (
    "block_time_id", "block_request_id", "start", "end", "wanted", "machines", "fit", "is_late", "rule", "why",
    "in_the_way", "lost", "requested", "told",
)  # fmt: skip
_SELECT = f"SELECT {', '.join(f'`{name}`' for name in _COLUMNS)} FROM {_TABLE}"
RUN_COLUMNS = ("made", "until", "checked", "facts", "classes", "short", "milliseconds", "host", "problem")
_OTHER_CLOCK = 15 * MINUTE  # a run that was made later than so long from now was made by a clock that was wrong

T = TypeVar("T")


class InTheWayKept(NamedTuple):
    """A booking of computers that a class could have had: `kind` is "request" or "block time"."""

    kind: str
    id: int
    name: str
    start: int
    end: int
    computers: int


class Kept(NamedTuple):
    """What a class to come will get.

    Of the `wanted` machines it will have `machines`; its block request is for `requested`, which are more where
    somebody has asked for fewer, or released some. `fit` computers of the site can run its image at all. `rule` and
    `why`: what stops it from having more, "" when nothing does. `lost`: how many computers each rule excludes. `told`:
    how many machines were missing when people were told last, 0 when they were told that none is any more, None when
    they were told nothing.
    """

    block_time_id: int
    block_request_id: int
    start: int
    end: int
    wanted: int
    machines: int
    fit: int = 0
    is_late: bool = False
    rule: str = ""
    why: str = ""
    in_the_way: Sequence[InTheWayKept] = ()
    lost: Mapping[str, int] = {}
    requested: int = 0
    told: int | None = None

    @property
    def missing(self) -> int:
        """The machines that the class will lack."""
        return max(self.wanted - self.machines, 0)

    def is_of(self, start: int, end: int, requested: int) -> bool:
        """Whether it was made of the class as it is; otherwise somebody has moved or changed the class since."""
        return (self.start, self.end, self.requested) == (start, end, requested)


class Run(NamedTuple):
    """The last forecast: `ForecastRun` with instants that are 0 for never."""

    made: int = 0
    until: int = 0
    checked: int = 0
    classes: int = 0
    short: int = 0
    milliseconds: int = 0
    host: str = ""
    problem: str = ""
    facts: str = ""


# --- Reading --------------------------------------------------------------------------------------


def of_block_times(ids: Collection[int]) -> dict[int, Kept]:
    """Block time -> what it will get, for those of which something is kept. One statement; none without ids."""
    if not ids:
        return {}
    return {kept.block_time_id: kept for kept in _kept(fetch(f"{_SELECT} WHERE block_time_id IN ({listed_ids(ids)})"))}


def short_between(first: int, last: int) -> list[Kept]:
    """The classes that start from `first` to before `last` and will lack machines, by start. One statement."""
    sql = f"{_SELECT} WHERE start >= %s AND start < %s AND machines < wanted ORDER BY start, block_time_id"
    return _kept(fetch(sql, [times.to_utc(first), times.to_utc(last)]))


def of_block_times_and_short(ids: Collection[int], first: int, last: int) -> list[Kept]:
    """Both: what is kept of those block times, and of the classes that start then and will lack machines, by start.

    One statement, which is less work than two.
    """
    short = "(start >= %s AND start < %s AND machines < wanted)"
    sql = f"{_SELECT} WHERE block_time_id IN ({listed_ids(ids)}) OR {short} ORDER BY start, block_time_id"
    return _kept(fetch(sql, [times.to_utc(first), times.to_utc(last)]))


def last_run() -> Run | None:
    """The last run, None before the first. One statement."""
    found = fetch(f"SELECT {', '.join(RUN_COLUMNS)} FROM {_RUNS} WHERE id = {_RUN}")
    if not found:
        return None
    return run_of(found[0])


def run_of(row: Sequence[Any]) -> Run:
    """The run whose columns RUN_COLUMNS these are."""
    made, until, checked, facts, classes, short, milliseconds, host, problem = row
    made, until, checked = (times.from_utc(each) or 0 for each in (made, until, checked))
    return Run(made, until, checked, classes, short, milliseconds, host, problem, facts)


def _kept(rows: Rows) -> list[Kept]:
    instant_of = times.from_utc
    return [
        Kept(
            block_time_id, request_id, instant_of(start) or 0, instant_of(end) or 0, wanted, machines, fit,
            bool(is_late), rule, why, [InTheWayKept(*each) for each in json.loads(in_the_way)], json.loads(lost),
            requested, told,
        )
        for (
            block_time_id, request_id, start, end, wanted, machines, fit, is_late, rule, why, in_the_way, lost,
            requested, told,
        ) in rows
    ]  # fmt: skip


# --- Writing --------------------------------------------------------------------------------------


def keep(rows: Collection[Kept], run: Run) -> bool:
    """Keep a forecast in one transaction; False when another process has kept a later one meanwhile.

    Only rows that differ are written. `told` stays as it is, whatever the rows say. Raises DatabaseError.
    """
    return again.in_transaction(lambda: _keep(rows, run))


def _keep(rows: Collection[Kept], run: Run) -> bool:
    # Changed first: whoever keeps another forecast at the same time waits for this row.
    if not _set(run, "(made IS NULL OR made <= %s OR made > %s)", [
        times.to_utc(run.made), times.to_utc(run.made + _OTHER_CLOCK),
    ]):  # fmt: skip
        return False
    before = {kept.block_time_id: kept for kept in _kept(fetch(_SELECT))}
    after = {kept.block_time_id: kept._replace(told=None) for kept in rows}
    gone = sorted(before.keys() - after.keys())
    for ids in _portions(gone):
        execute(f"DELETE FROM {_TABLE} WHERE block_time_id IN ({listed_ids(ids)})")
    for some in _portions([_values(kept) for id_, kept in sorted(after.items()) if id_ not in before]):
        insert(_TABLE, _COLUMNS[:-1], some)
    changed = [kept for id_, kept in sorted(after.items()) if id_ in before and before[id_]._replace(told=None) != kept]
    sets = ", ".join(f"`{name}` = %s" for name in _COLUMNS[1:-1])
    for kept in changed:
        key, *values = _values(kept)
        execute(f"UPDATE {_TABLE} SET {sets} WHERE block_time_id = %s", [*values, key])
    return True


def note_checked(facts: str, now: int) -> bool:
    """Note that the facts of the last forecast were found unchanged; False when it rests on others by now."""
    sql = f"UPDATE {_RUNS} SET checked = %s, problem = '' WHERE id = {_RUN} AND facts = %s"
    return again.in_transaction(lambda: execute(sql, [times.to_utc(now), facts])) > 0


def note_problem(problem: str) -> None:
    """Note why a forecast could not be made."""

    def note() -> None:
        insert(_RUNS, *_new_run(), if_new=True)
        execute(f"UPDATE {_RUNS} SET problem = %s WHERE id = {_RUN}", [problem])

    again.in_transaction(note)


def _set(run: Run, condition: str, params: Sequence[Value]) -> bool:
    """Change the row of the last run, if the condition is met."""
    insert(_RUNS, *_new_run(), if_new=True)
    values: dict[str, Value] = {**run._asdict()}
    values |= {name: times.to_utc_or_null(values[name] or None) for name in ("made", "until", "checked")}  # type: ignore[arg-type]
    sets = ", ".join(f"{name} = %s" for name in RUN_COLUMNS)
    sql = f"UPDATE {_RUNS} SET {sets} WHERE id = {_RUN} AND {condition}"
    return execute(sql, [*(values[name] for name in RUN_COLUMNS), *params]) > 0


def _new_run() -> tuple[Sequence[str], Sequence[Sequence[Value]]]:
    columns = ["id", "facts", "classes", "short", "milliseconds", "host", "problem"]
    return columns, [[_RUN, "", 0, 0, 0, "", ""]]


def _values(kept: Kept) -> list[Value]:
    return [
        kept.block_time_id, kept.block_request_id, times.to_utc(kept.start), times.to_utc(kept.end), kept.wanted,
        kept.machines, kept.fit, int(kept.is_late), kept.rule, kept.why, json.dumps(kept.in_the_way),
        json.dumps(kept.lost, sort_keys=True), kept.requested,
    ]  # fmt: skip


def _portions(items: Sequence[T]) -> Iterable[Sequence[T]]:
    return (items[place : place + _AT_ONCE] for place in range(0, len(items), _AT_ONCE))
