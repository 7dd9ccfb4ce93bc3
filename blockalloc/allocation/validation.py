"""Is the call in order? Everything is checked before anything is written (SPEC 2.1, 2.2, 8.5).

Each contract has its own order of checks. What passes becomes an Order: the block time that is to
be filled. Numbers and the texts of structs are VCL's where VCL has one.
"""

from dataclasses import dataclass

from django.conf import settings

from blockalloc.allocation.image_access import may_use_image
from blockalloc.contract import refusals
from blockalloc.contract.messages import BlockAllocationCall, Caller, NewBlockCall
from blockalloc.store import rows, times
from blockalloc.store.commit import NewBlock
from blockalloc.store.rows import BlockTimeRow, ImageRow, Names, NewBlockRow
from scheduling.facts import Block
from scheduling.vcl_names import RELOAD_USER
from scheduling.windows import HOUR

_LAST_TIME = "2038-01-01 00:00:00"  # local; what lies beyond is refused
_ID_LIMIT = 2**31  # above any id column of VCL's tables


@dataclass(frozen=True, slots=True)
class Order:
    """A call that is in order. `new_block` is still to be written when the block time does not exist yet.

    `keep_empty` says that a new block is kept even when no machine can be had for it.
    """

    block: Block
    ignore_privileges: bool
    names: Names
    new_block: NewBlock | None = None
    keep_empty: bool = False


def seven_parameters(call: BlockAllocationCall, now: int) -> Order:
    """Check XMLRPCblockAllocation with seven parameters (SPEC 2.1). Raises Refusal."""
    if call.block_time_id is None:
        raise refusals.not_a_block_time("blockTimeid")
    if call.block_time_id == 0:
        return _seven_for_new_block(call, now)
    return _seven_for_block_time(call, call.block_time_id, now)


def process_block_time(block_time_id: int | None, ignore_privileges: bool | None, now: int) -> Order:
    """Check XMLRPCprocessBlockTime (SPEC 2.2). Raises Refusal."""
    if block_time_id is None:
        raise refusals.not_a_block_time("blockTimesid")
    ignore = _flag(ignore_privileges)
    row = _open_block_time(block_time_id, now, "blockTimesid")
    images = _usable(rows.images(row.image_id), row.image_id, "image")
    return Order(_stored_block(row, images, row.machines), ignore, row.names)


def five_or_six_parameters(call: NewBlockCall, caller: Caller, now: int) -> Order:
    """Check XMLRPCblockAllocation with five or six parameters (SPEC 2.2). Raises Refusal."""
    found, more = _for_new_block(call.image_id, call.user_group_id, now)
    if not found or found[0].deleted or not found[0].for_checkout or not may_use_image(found[0], caller.user_id):
        raise refusals.no_access_to_image(call.image_text)
    start, end = _times(call.start, call.end, now, "start", "end")
    machines = _machines(call.machines, "numMachines")
    if more.group_id is None:
        raise refusals.no_such_group("usergroupid", call.user_group_id)
    ignore = _flag(call.ignore_privileges)
    node = _needed(more.management_node_id)
    images = _usable(found, call.image_id, "imageid")
    return _new_block_order(images, start, end, machines, more, node, ignore=ignore, keep_empty=True)


def must_still_be_open(order: Order, now: int) -> None:
    """Raise Refusal 8, 202, 203 or 9 when an existing block time has been closed since it was checked."""
    if order.block.block_time_id:
        _open_block_time(order.block.block_time_id, now, "blockTimeid")


def _seven_for_new_block(call: BlockAllocationCall, now: int) -> Order:
    found, more = _for_new_block(call.image_id, call.user_group_id, now)
    images = _usable(found, call.image_id, "imageid")
    start, end = _times(call.start, call.end, now, "start", "end")
    machines = _machines(call.machines, "machinecount")
    if call.ignore_privileges is False and more.group_id is None:
        raise refusals.no_such_group("usergroupid", call.user_group_id)
    ignore = _flag(call.ignore_privileges)
    node = _needed(more.management_node_id)
    return _new_block_order(images, start, end, machines, more, node, ignore=ignore, keep_empty=False)


def _seven_for_block_time(call: BlockAllocationCall, block_time_id: int, now: int) -> Order:
    ignore = _flag(call.ignore_privileges)
    low = settings.VCL_MIN_BLOCK_MACHINES
    if call.machines is None or call.machines < low:
        raise refusals.bad_machines("machinecount", call.machines, f"from {low} to the machines of the block request")
    row = _open_block_time(block_time_id, now, "blockTimeid")
    images = _usable(_images(call.image_id), call.image_id, "imageid")
    _must_agree(call, row, ignore=ignore)
    if call.machines > row.machines:
        raise refusals.bad_machines("machinecount", call.machines, f"from {low} to {row.machines}")
    return Order(_stored_block(row, images, call.machines), ignore, row.names)


def _must_agree(call: BlockAllocationCall, row: BlockTimeRow, *, ignore: bool) -> None:
    """What the call says of the block time must be what its rows say; local wall-clock times are compared."""
    start = _time(call.start, refusals.START, "start")
    end = _time(call.end, refusals.END, "end")
    if not ignore and row.group_id is not None and call.user_group_id is None:
        raise refusals.no_such_group("usergroupid", None)
    said: list[tuple[str, object, object]] = [("imageid", call.image_id, row.image_id)]
    said += [("start", times.told(start), times.told(row.start)), ("end", times.told(end), times.told(row.end))]
    if not ignore and row.group_id is not None:
        said.append(("usergroupid", call.user_group_id, row.group_id))
    differing = [(name, given, stored) for name, given, stored in said if given != stored]
    if differing:
        raise refusals.contradiction(row.id, differing)


def _open_block_time(block_time_id: int, now: int, name: str) -> BlockTimeRow:
    """The block time, if it may be filled: known, not skipped, of an accepted request that has not expired."""
    row = rows.block_time(block_time_id) if 0 < block_time_id < _ID_LIMIT else None
    if row is None:
        raise refusals.unknown_block_time(name, block_time_id)
    match row.block_status.obstacle_to_filling(now):
        case "skipped":
            raise refusals.skipped(name, block_time_id)
        case "not accepted":
            raise refusals.not_accepted(name, block_time_id, row.status)
        case "expired":
            raise refusals.expired(name, block_time_id, times.to_local(row.expires))
    return row


def _images(image_id: int | None) -> list[ImageRow]:
    return rows.images(image_id) if image_id is not None and 0 < image_id < _ID_LIMIT else []


def _usable(images: list[ImageRow], image_id: int | None, name: str) -> list[ImageRow]:
    """The images, if each can be loaded: known, not deleted, with a production revision."""
    if not images or images[0].deleted:
        raise refusals.unknown_image(name, image_id)
    for row in images:
        if row.deleted or not row.image.revision_id:
            raise refusals.no_production_revision(name, row.image.id, row.image.name)
    return images


def _times(start: int | None, end: int | None, now: int, start_name: str, end_name: str) -> tuple[int, int]:
    """Start and end of a block that does not exist yet."""
    begins = _new_time(start, refusals.START, start_name)
    ends = _new_time(end, refusals.END, end_name)
    if ends <= begins:
        raise refusals.bad_time(refusals.END, end_name, times.told(ends), f"a time after start, {times.told(begins)}")
    if ends < now:
        raise refusals.bad_time(refusals.END, end_name, times.told(ends), "a time that is not past")
    return begins, ends


def _new_time(instant: int | None, code: int, name: str) -> int:
    checked = _time(instant, code, name)
    if not times.is_storable(checked):
        raise refusals.bad_time(
            code, name, times.told(checked), "a time that is not in the second pass of an hour that the clock repeats"
        )
    return checked


def _time(instant: int | None, code: int, name: str) -> int:
    last = times.known(times.from_local(_LAST_TIME))
    if instant is None or not 0 <= instant <= last:
        raise refusals.bad_time(code, name, instant, f"a time from 1970 to {_LAST_TIME}")
    return instant


def _machines(machines: int | None, name: str) -> int:
    low, high = settings.VCL_MIN_BLOCK_MACHINES, settings.VCL_MAX_BLOCK_MACHINES
    if machines is None or not low <= machines <= high:
        raise refusals.bad_machines(name, machines, f"from {low} to {high}")
    return machines


def _for_new_block(image_id: int | None, group_id: int | None, now: int) -> tuple[list[ImageRow], NewBlockRow]:
    """The image, and what else a new block refers to, where it exists."""
    return rows.for_new_block(_possible(image_id), _possible(group_id), now - HOUR)


def _possible(id_: int | None) -> int:
    """An id that a row can have; 0, which no row has, for others."""
    return id_ if id_ is not None and 0 < id_ < _ID_LIMIT else 0


def _needed(node: int | None) -> int:
    if node is None:
        raise refusals.no_management_node()
    return node


def _flag(value: bool | None) -> bool:
    if value is None:
        raise refusals.bad_flag("ignoreprivileges")
    return value


def _new_block_order(
    images: list[ImageRow], start: int, end: int, machines: int, rows_found: NewBlockRow, node: int,
    *, ignore: bool, keep_empty: bool,
) -> Order:  # fmt: skip
    group_id = rows_found.group_id
    block = Block(0, start, end, group_id, [row.image for row in images], machines)
    new_block = NewBlock(images[0].image.id, start, end, machines, group_id, node)
    names = Names(
        0, new_block.name, rows_found.group_name, str(RELOAD_USER), rows_found.local_id or 0, images[0].image.name
    )
    return Order(block, ignore, names, new_block, keep_empty)


def _stored_block(row: BlockTimeRow, images: list[ImageRow], machines: int) -> Block:
    return Block(row.id, row.start, row.end, row.group_id, [found.image for found in images], machines)
