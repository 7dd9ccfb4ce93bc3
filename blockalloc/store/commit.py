"""Writes a plan into VCL's tables: one multi-row INSERT a table, in the caller's transaction (SPEC 7)."""

from collections.abc import Sequence
from datetime import datetime

from blockalloc.contract import refusals
from blockalloc.site_time import site_zone
from blockalloc.store import planned_reloads
from blockalloc.store.planned_reloads import Planned
from blockalloc.store.sql import Value, execute, fetch, insert, listed_ids
from blockalloc.store.times import to_local
from scheduling.facts import Block
from scheduling.plan import Assignment, Machine
from scheduling.reload_plan import Moved, Window
from scheduling.state_ids import RELOAD
from scheduling.vcl_names import ACCEPTED
from scheduling.windows import HOUR
from scheduling.withdrawal import HEAD_START


def block_name(start: int) -> str:
    """What a new block request is called that begins at `start` (Unix seconds; SPEC 2.1)."""
    return f"API:{to_local(start)}"


def expiry(end: int) -> int:
    """When the request of a new block that ends at `end` expires (Unix seconds; SPEC 8.16).

    The last second of the day on which an hour after the end falls: the back end clears a block time a minute after its
    end, and only while its request has not expired.
    """
    day = datetime.fromtimestamp(end + HOUR, site_zone())
    return int(day.replace(hour=23, minute=59, second=59, fold=0).timestamp())


def write_block(block: Block, management_node_id: int, owner_id: int) -> tuple[int, int]:
    """Insert the block request and its block time with the rows of VCL's web form.

    Returns `blockRequest.id` and `blockTimes.id`.

    The name and the rows of the form are those of VCL's own API; `blockWebTime` gets the true end
    (SPEC 8.6).
    """
    start, end = to_local(block.start), to_local(block.end)
    request: dict[str, Value] = {
        "name": block_name(block.start), "imageid": block.images[0].id, "numMachines": block.machines,
        "groupid": block.group_id,
        "repeating": "list", "ownerid": owner_id, "managementnodeid": management_node_id,
        "expireTime": to_local(expiry(block.end)),
        "processing": 0, "status": ACCEPTED,
    }  # fmt: skip
    (request_id,) = insert("blockRequest", list(request), [list(request.values())], returning=True)
    times = ["blockRequestid", "start", "end", "processed", "skip"]
    (block_time_id,) = insert("blockTimes", times, [[request_id, start, end, 0, 0]], returning=True)
    dates = ["blockRequestid", "start", "end", "days", "weeknum"]
    insert("blockWebDate", dates, [[request_id, start[:10], end[:10], 0, None]])
    hours = ["starthour", "startminute", "startmeridian", "endhour", "endminute", "endmeridian"]
    clock: list[Value] = [*_twelve_hour_clock(block.start), *_twelve_hour_clock(block.end)]
    insert("blockWebTime", ["blockRequestid", *hours, "order"], [[request_id, *clock, 0]])
    return request_id, block_time_id


def write_machines(block_time_id: int, machines: Sequence[Machine], owner_id: int, now: int) -> None:
    """Insert a reload request for each machine, its reservations, and the computers of the block time.

    With `preload` 1 the back end begins a reload when it is due, and not some 35 minutes before (SPEC 8.14).
    """
    if not machines:
        return
    rows = _write_reloads(block_time_id, machines, owner_id, now)
    insert(
        "blockComputers",
        ["blockTimeid", "computerid", "imageid", "reloadrequestid"],
        [[block_time_id, a.computer.id, a.image.id, id_] for id_, a in rows],
    )


def write_again(block_time_id: int, machines: Sequence[Machine], owner_id: int, now: int) -> None:
    """Insert new reloads of computers that the block time has; its block computers name them (SPEC 9.3).

    Raises Refusal 205 when VCL has just removed one of these: nothing must be loaded for nobody.
    """
    if not machines:
        return
    rows = _write_reloads(block_time_id, machines, owner_id, now)
    cases = " ".join(f"WHEN {a.computer.id:d} THEN {id_:d}" for id_, a in rows)
    named = execute(
        f"UPDATE blockComputers SET reloadrequestid = CASE computerid {cases} END "
        f"WHERE blockTimeid = %s AND computerid IN ({listed_ids(a.computer.id for _, a in rows)})",
        [block_time_id],
    )
    if named < len(rows):
        raise refusals.busy()


def move_reloads(moved: Sequence[Moved], now: int) -> None:
    """Let reloads begin at other times, or on other nodes; those that a node may have read already stay as they are.

    Of a cluster's reload each computer has its node, and the first one that begins counts.
    """
    if not moved:
        return
    begins: dict[int, Window] = {}
    for each in moved:
        known = begins.get(each.request_id)
        begins[each.request_id] = each.reload if known is None or each.reload.start < known.start else known
    requests = listed_ids(begins)
    case = " ".join(["WHEN %s THEN %s"] * len(begins))
    starts: list[Value] = [value for id_, each in begins.items() for value in (id_, to_local(each.start))]
    ends: list[Value] = [value for id_, each in begins.items() for value in (id_, to_local(each.end))]
    movable = f"stateid = {RELOAD} AND laststateid = {RELOAD} AND start > %s"
    soon = to_local(now + HEAD_START)
    left = {id_ for (id_,) in fetch(f"SELECT id FROM request WHERE id IN ({requests}) AND {movable}", [soon])}
    execute(
        f"UPDATE request SET `end` = CASE id {case} END, start = CASE id {case} END "
        f"WHERE id IN ({requests}) AND {movable}",
        [*ends, *starts, soon],
    )
    for each in moved:
        if each.request_id in left:
            execute(
                "UPDATE reservation SET managementnodeid = %s WHERE requestid = %s AND computerid = %s",
                [each.node_id, each.request_id, each.computer_id],
            )
    planned_reloads.move({id_: window.start for id_, window in begins.items() if id_ in left})


def _write_reloads(
    block_time_id: int, machines: Sequence[Machine], owner_id: int, now: int
) -> list[tuple[int, Assignment]]:
    """Insert a reload request for each machine, and its reservations; the id of the request of each computer."""
    requested = to_local(now)
    requests: list[list[Value]] = [
        [RELOAD, RELOAD, owner_id, to_local(machine.reload.start), to_local(machine.reload.end), requested, 1]
        for machine in machines
    ]
    columns = ["stateid", "laststateid", "userid", "start", "end", "daterequested", "preload"]
    ids = insert("request", columns, requests, returning=True)
    rows = [
        (request_id, machine.reload.start, assignment)
        for request_id, machine in zip(ids, machines, strict=True)
        for assignment in machine.assignments
    ]
    insert(
        "reservation",
        ["requestid", "computerid", "imageid", "imagerevisionid", "managementnodeid"],
        [[id_, a.computer.id, a.image.id, a.image.revision_id, a.management_node.id] for id_, _, a in rows],
    )
    planned_reloads.remember(block_time_id, [Planned(id_, a.computer.id, start) for id_, start, a in rows])
    return [(id_, assignment) for id_, _, assignment in rows]


def _twelve_hour_clock(instant: int) -> list[Value]:
    local = datetime.fromtimestamp(instant, site_zone())
    return [local.hour % 12 or 12, local.minute, "am" if local.hour < 12 else "pm"]
