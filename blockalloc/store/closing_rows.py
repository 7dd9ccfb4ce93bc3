"""Closing rows: one for each class that took place. Instants are Unix seconds."""

from collections.abc import Collection, Mapping, Sequence
from typing import NamedTuple

from django.conf import settings

from blockalloc.models import ClassHeld, Decision, PlannedReload, Watch
from blockalloc.store import times
from blockalloc.store.past import Past
from blockalloc.store.rows import full_name
from blockalloc.store.sql import Value, execute, fetch, insert, listed_ids, placeholders
from scheduling.occupancy import is_occupying
from scheduling.upkeep.usage import Use
from scheduling.windows import DAY

_CLASSES, _WATCHES = ClassHeld._meta.db_table, Watch._meta.db_table
_DECISIONS, _PLANNED = Decision._meta.db_table, PlannedReload._meta.db_table

_CLOSED_WITHIN = 30 * DAY  # a class that no look has closed for so long stays as it is


class Row(NamedTuple):
    """What is on record of a class: its start and end, whether somebody looked five minutes after the start."""

    block_time_id: int
    block_request_id: int
    start: int
    end: int
    lacks_after_five: bool
    closed: bool


def rows(block_time_ids: Collection[int], now: int) -> list[Row]:
    """The rows of these block times, and of all classes that are not closed. One statement."""
    sql = (
        f"SELECT block_time_id, block_request_id, start, `end`, ready_after_five IS NULL, closed FROM {_CLASSES} "
        f"WHERE block_time_id IN ({listed_ids(block_time_ids)}) OR (closed = 0 AND `end` > %s)"
    )
    return [
        Row(id_, request, times.from_utc(start) or 0, times.from_utc(end) or 0, bool(lacks), bool(closed))
        for id_, request, start, end, lacks, closed in fetch(sql, [times.to_utc(now - _CLOSED_WITHIN)])
    ]


class Begun(NamedTuple):
    """What a look sees of a class that has begun: see `ClassHeld`."""

    block_time_id: int
    start: int
    end: int
    wanted: int
    had: int
    ready_at_start: int | None
    ready_after_five: int | None


_NAMES = f"""
SELECT t.id, r.id, r.name, r.imageid, i.prettyname, g.name, ga.name, u.unityid, ua.name, u.affiliationid,
       COALESCE(w.replaced, 0), COALESCE(w.loaded_again, 0), COALESCE(w.added, 0), d.door, d.person, d.caller,
       s.ready, w.said_last
FROM blockTimes t JOIN blockRequest r ON r.id = t.blockRequestid JOIN image i ON i.id = r.imageid
LEFT JOIN usergroup g ON g.id = r.groupid LEFT JOIN affiliation ga ON ga.id = g.affiliationid
LEFT JOIN user u ON u.id = r.ownerid LEFT JOIN affiliation ua ON ua.id = u.affiliationid
LEFT JOIN {_WATCHES} w ON w.block_time_id = t.id
LEFT JOIN {_DECISIONS} d ON d.id = (
    SELECT MAX(x.id) FROM {_DECISIONS} x
    WHERE x.block_time_id = t.id AND x.action = '{Decision.ALLOCATE}'
      AND x.outcome NOT IN ('{Decision.REFUSED}', '{Decision.FAILED}')
)
LEFT JOIN {_DECISIONS} s ON s.id = (  -- a call that was answered before says nothing anew
    SELECT MAX(y.id) FROM {_DECISIONS} y
    WHERE y.block_time_id = t.id AND y.action = '{Decision.ALLOCATE}' AND y.ready IS NOT NULL
)
WHERE t.id IN ({{block_times}})
"""
_COLUMNS = (
    *("block_time_id", "block_request_id", "block_name", "image_id", "image_name", "user_group", "owner"),
    *("affiliation_id", "start", "end", "wanted", "had", "ready_at_start", "ready_after_five"),
    *("replaced", "loaded_again", "added", "asked_by", "said_at_allocation", "said_last", "closed"),
)


def add(classes: Collection[Begun]) -> None:
    """Write the rows of classes that have begun, with the names that VCL's rows have now. Two statements.

    A row that another look has written stays as it is; a block time that is gone has none.
    """
    begun = {each.block_time_id: each for each in classes}
    values: list[list[Value]] = []
    for block_time, request, block, image_id, image, group, group_of, owner, owner_of, affiliation, *more in fetch(
        _NAMES.format(block_times=listed_ids(begun))
    ):
        each = begun[block_time]
        replaced, again, added, door, person, caller, *said = more
        names = [block, image_id, image, full_name(group, group_of), full_name(owner, owner_of), affiliation]
        hours = [times.to_utc(each.start), times.to_utc(each.end)]
        counts = [each.wanted, each.had, each.ready_at_start, each.ready_after_five, replaced, again, added]
        asked_by = ", ".join(filter(None, (door, person or caller)))
        values.append([block_time, request, *names, *hours, *counts, asked_by, *said, False])
    if values:
        insert(_CLASSES, _COLUMNS, values, if_new=True)


def set_after_five(ready: Mapping[int, int]) -> None:
    """Write how many machines of these block times were ready five minutes after the start, where none is on record."""
    cases = " ".join(["WHEN %s THEN %s"] * len(ready))
    execute(
        f"UPDATE {_CLASSES} SET ready_after_five = CASE block_time_id {cases} END "
        f"WHERE block_time_id IN ({listed_ids(ready)}) AND ready_after_five IS NULL",
        [value for pair in ready.items() for value in pair],
    )


class Closing(NamedTuple):
    """How many computers of a class were used."""

    block_time_id: int
    peak: int
    mean: float


_COUNTS = (
    f"SELECT block_time_id, replaced, loaded_again, added FROM {_WATCHES} WHERE block_time_id IN ({{block_times}})"
)


def close(closings: Sequence[Closing]) -> None:
    """Write the usage of classes that are over, and what keep_ready did for them while they were on."""
    counts = {id_: more for id_, *more in fetch(_COUNTS.format(block_times=listed_ids(each[0] for each in closings)))}
    for each in closings:
        columns: dict[str, Value] = {"used_at_peak": each.peak, "used_in_the_mean": each.mean, "closed": 1}
        columns |= zip(("replaced", "loaded_again", "added"), counts.get(each.block_time_id, ()), strict=False)
        assignments = ", ".join(f"{name} = %s" for name in columns)
        sql = f"UPDATE {_CLASSES} SET {assignments} WHERE block_time_id = %s AND closed = 0"
        execute(sql, [*columns.values(), each.block_time_id])


def past(now: int) -> Past:
    """The rows of classes that were over VCL_DECISION_DAYS before `now`."""
    before = times.to_utc(now - settings.VCL_DECISION_DAYS * DAY)
    return Past(_CLASSES, "`end` < %s", [before], since="`end`", key="block_time_id")


# --- How a class was used -------------------------------------------------------------------------

# The front end logs a reservation of a computer of one's own class with the block request and the hours of the class.
# `finalend` is the planned end until the reservation is over. One that failed, or that was deleted before it began, was
# no use.
_LOGGED = """
SELECT s.blockRequestid, s.blockStart, s.blockEnd, s.computerid, l.start, l.finalend
FROM sublog s JOIN log l ON l.id = s.logid
WHERE s.blockRequestid IN ({requests}) AND s.blockStart IN ({starts}) AND l.wasavailable = 1
  AND l.ending NOT IN ('failed', 'failedtest') AND NOT (l.ending = 'deleted' AND l.loaded IS NULL)
"""
# Reservations of members that are still there, also those made before the computer was the class's.
_STILL_THERE = f"""
SELECT k.block_time_id, v.computerid, q.start, q.`end`, q.stateid, q.laststateid
FROM (
    SELECT b.blockTimeid AS block_time_id, b.computerid AS computer_id
    FROM blockComputers b WHERE b.blockTimeid IN ({{block_times}})
    UNION SELECT p.block_time_id, p.computer_id FROM {_PLANNED} p WHERE p.block_time_id IN ({{block_times}})
) AS k
JOIN {_CLASSES} h ON h.block_time_id = k.block_time_id JOIN blockRequest r ON r.id = h.block_request_id
JOIN reservation v ON v.computerid = k.computer_id JOIN request q ON q.id = v.requestid
JOIN usergroupmembers m ON m.userid = q.userid AND m.usergroupid = r.groupid
"""


def uses(classes: Sequence[Row]) -> dict[int, list[Use]]:
    """Block time -> when which of its computers were in use. Two statements, whatever the number of classes."""
    if not classes:
        return {}
    of: dict[int, list[Use]] = {each.block_time_id: [] for each in classes}
    hours = {(each.block_request_id, each.start, each.end): each.block_time_id for each in classes}
    starts = sorted({times.to_local(each.start) for each in classes})
    requests = listed_ids({each.block_request_id for each in classes})
    instant = times.local_reader()
    sql = _LOGGED.format(requests=requests, starts=placeholders(len(starts)))
    for request, block_start, block_end, computer, start, end in fetch(sql, starts):
        block_time = hours.get((request, instant(block_start) or 0, instant(block_end) or 0))
        if block_time is not None:
            of[block_time].append(Use(computer, instant(start) or 0, instant(end) or 0))
    sql = _STILL_THERE.format(block_times=listed_ids(of))
    for block_time, computer, start, end, state, last_state in fetch(sql):
        if is_occupying(state, last_state):
            of[block_time].append(Use(computer, instant(start) or 0, instant(end) or 0))
    return of
