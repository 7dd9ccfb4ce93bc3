"""Is a call in order? Each check at its place in the order of SPEC 2.1 and 2.2, with its own refusal.

What passes becomes an Order; the parameters are not looked at again.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from django.conf import settings

from blockalloc.allocation.image_access import may_use_image
from blockalloc.contract import refusals
from blockalloc.contract.messages import BlockAllocationCall, Call, Caller, FillCall, NewBlockCall
from blockalloc.store import commit, rows, times
from blockalloc.store.rows import BlockTimeRow, ImageRow, Names, NewBlockRow
from scheduling.facts import Block
from scheduling.mending import Mending
from scheduling.vcl_names import RELOAD_USER
from scheduling.windows import HOUR

# A node that handles new blocks; to load computers it must have checked in far later (scheduling.rules).
_CHECKED_IN_WITHIN = HOUR
_LAST_TIME = "2038-01-01 00:00:00"  # local; what lies beyond is refused
_ID_LIMIT = 2**31  # above any id column of VCL's tables


@dataclass(frozen=True, slots=True)
class Order:
    """A call that is in order: the block to fill, and what it is called.

    `management_node_id` is the node of a block that is still to be written, None for an existing one. `keep_empty`: the
    new block is kept even when no machine can be had for it. `mending`: what is to change about the computers that an
    existing block time has, None where they stay as they are.
    """

    block: Block
    ignore_privileges: bool
    names: Names
    management_node_id: int | None = None
    keep_empty: bool = False
    mending: Mending | None = None


def order_of(call: Call, caller: Caller, now: int) -> Order:
    """Check a call at `now` (Unix seconds). Raises Refusal."""
    match call:
        case BlockAllocationCall(block_time_id=0):
            return _seven_for_new_block(call, now)
        case BlockAllocationCall():
            return _seven_for_block_time(call, now)
        case FillCall():
            return _fill(call, now)
        case NewBlockCall():
            return _five_or_six(call, caller, now)


def must_still_be_fillable(order: Order, now: int) -> None:
    """Raise Refusal 8, 202, 203 or 9 when an existing block time has been closed since it was checked."""
    if order.block.block_time_id:
        _fillable_block_time(order.block.block_time_id, now, "blockTimeid")


# --- New blocks -----------------------------------------------------------------------------------


def _seven_for_new_block(call: BlockAllocationCall, now: int) -> Order:
    """SPEC 2.1 with blockTimeid 0."""
    ids = possible_id(call.image_id), possible_id(call.user_group_id)
    images, row = rows.for_new_block(*ids, now - _CHECKED_IN_WITHIN)
    must_be_usable(images, call.image_id, "imageid")
    return _new_block(call, images, row, now, "machinecount", group_needed=call.ignore_privileges is False)


def _five_or_six(call: NewBlockCall, caller: Caller, now: int) -> Order:
    """SPEC 2.2, XMLRPCblockAllocation."""
    ids = possible_id(call.image_id), possible_id(call.user_group_id)
    images, row = rows.for_new_block(*ids, now - _CHECKED_IN_WITHIN)
    image = images[0] if images else None
    if not image or image.deleted or not image.for_checkout or not may_use_image(image, caller.user_id):
        raise refusals.no_access_to_image(call.image_text)
    order = _new_block(call, images, row, now, "numMachines", group_needed=True, keep_empty=True)
    must_be_usable(images, call.image_id, "imageid")
    return order


def _new_block(
    call: BlockAllocationCall | NewBlockCall, images: Sequence[ImageRow], row: NewBlockRow, now: int,
    machines_name: str, *, group_needed: bool, keep_empty: bool = False,
) -> Order:  # fmt: skip
    """The checks that both forms share, in their order: times, machines, user group, flag, management node."""
    start, end = _new_times(call, now)
    low, high = settings.VCL_MIN_BLOCK_MACHINES, settings.VCL_MAX_BLOCK_MACHINES
    if call.machines is None or not low <= call.machines <= high:
        raise refusals.bad_machines(machines_name, call.machines, f"from {low} to {high}")
    if group_needed and row.group_id is None:
        raise refusals.no_such_group("usergroupid", call.user_group_id)
    ignore_privileges = flag_of(call.ignore_privileges)
    if row.management_node_id is None:
        raise refusals.no_management_node()
    block = Block(0, start, end, row.group_id, [each.image for each in images], call.machines)
    names = Names(
        request_id=0,
        block=commit.block_name(start),
        user_group=row.group_name,
        owner=str(RELOAD_USER),
        affiliation_id=row.local_id or 0,
        image=images[0].image.name,
    )
    return Order(block, ignore_privileges, names, row.management_node_id, keep_empty)


def _new_times(call: BlockAllocationCall | NewBlockCall, now: int) -> tuple[int, int]:
    """Start and end of a block that does not exist yet."""
    start = _storable(_time(call.start, refusals.START, "start"), refusals.START, "start")
    end = _storable(_time(call.end, refusals.END, "end"), refusals.END, "end")
    if end <= start:
        right = f"a time after start, {times.text(start)}"
        raise refusals.bad_time(refusals.END, "end", times.text(end), right)
    if end < now:
        raise refusals.bad_time(refusals.END, "end", times.text(end), "a time that is not past")
    return start, end


# --- Existing block times -------------------------------------------------------------------------


def _seven_for_block_time(call: BlockAllocationCall, now: int) -> Order:
    """SPEC 2.1 with a blockTimeid: all that the call says must be what the rows say."""
    block_time_id, ignore_privileges = _block_time_and_flag(call.block_time_id, call.ignore_privileges, "blockTimeid")
    low = settings.VCL_MIN_BLOCK_MACHINES
    if call.machines is None or call.machines < low:
        raise refusals.bad_machines("machinecount", call.machines, f"from {low} to the machines of the block request")
    row = _fillable_block_time(block_time_id, now, "blockTimeid")
    images = rows.images(possible_id(call.image_id))
    must_be_usable(images, call.image_id, "imageid")
    start, end = _time(call.start, refusals.START, "start"), _time(call.end, refusals.END, "end")
    group_counts = not ignore_privileges and row.group_id is not None
    if group_counts and call.user_group_id is None:
        raise refusals.no_such_group("usergroupid", None)
    group_id = call.user_group_id if group_counts else None
    _must_agree(row, FillCall(row.id, ignore_privileges, call.machines, call.image_id, start, end, group_id))
    return _order_to_fill(row, images, call.machines, ignore_privileges=ignore_privileges)


def _fill(call: FillCall, now: int) -> Order:
    """SPEC 2.2, XMLRPCprocessBlockTime; what staff do is the same."""
    block_time_id, ignore_privileges = _block_time_and_flag(call.block_time_id, call.ignore_privileges, call.id_name)
    row = _fillable_block_time(block_time_id, now, call.id_name)
    images = rows.images(row.image_id)
    must_be_usable(images, row.image_id, "image")
    if call.start is not None:
        _time(call.start, refusals.START, "start")
    if call.end is not None:
        _time(call.end, refusals.END, "end")
    _must_agree(row, call)
    machines = row.machines if call.machines is None else call.machines
    return _order_to_fill(row, images, machines, ignore_privileges=ignore_privileges)


def _block_time_and_flag(block_time_id: int | None, ignore_privileges: bool | None, id_name: str) -> tuple[int, bool]:
    if block_time_id is None:
        raise refusals.not_a_block_time(id_name)
    return block_time_id, flag_of(ignore_privileges)


def _order_to_fill(row: BlockTimeRow, images: list[ImageRow], machines: int, *, ignore_privileges: bool) -> Order:
    low = settings.VCL_MIN_BLOCK_MACHINES
    # The request's own number is right whatever the minimum: VCL's web form has limits of its own.
    if machines != row.machines and not low <= machines <= row.machines:
        raise refusals.bad_machines("machinecount", machines, f"from {low} to {row.machines}")
    block = Block(row.id, row.start, row.end, row.group_id, [each.image for each in images], machines)
    return Order(block, ignore_privileges, row.names)


def _must_agree(row: BlockTimeRow, call: FillCall) -> None:
    """What the call states of the block time must be what its rows say; local wall-clock times are compared."""
    stated: list[tuple[str, object, object]] = [
        ("imageid", call.image_id, row.image_id),
        ("start", _shown(call.start), times.text(row.start)),
        ("end", _shown(call.end), times.text(row.end)),
        ("usergroupid", call.user_group_id, row.group_id),
    ]
    differing = [(name, value, stored) for name, value, stored in stated if value is not None and value != stored]
    if differing:
        raise refusals.contradiction(row.id, differing)


def _fillable_block_time(block_time_id: int, now: int, id_name: str) -> BlockTimeRow:
    """The block time, if it may be filled: known, not skipped, of an accepted request that has not expired."""
    row = rows.block_time(possible_id(block_time_id))
    if row is None:
        raise refusals.unknown_block_time(id_name, block_time_id)
    match row.block_status.obstacle_to_filling(now):
        case "skipped":
            raise refusals.skipped(id_name, block_time_id)
        case "not accepted":
            raise refusals.not_accepted(id_name, block_time_id, row.status)
        case "expired":
            raise refusals.expired(id_name, block_time_id, times.to_local(row.expires))
    return row


# --- Values ---------------------------------------------------------------------------------------


def must_be_usable(images: Sequence[ImageRow], image_id: int | None, name: str) -> None:
    """Each image can be loaded: it is known, not deleted, and has a production revision."""
    if not images or images[0].deleted:
        raise refusals.unknown_image(name, image_id)
    for row in images:
        if row.deleted or not row.image.revision_id:
            raise refusals.no_production_revision(name, row.image.id, row.image.name)


def _storable(instant: int, code: int, name: str) -> int:
    if not times.is_storable(instant):
        right = "a time that is not in the second pass of an hour that the clock repeats"
        raise refusals.bad_time(code, name, times.text(instant), right)
    return instant


def _time(instant: int | None, code: int, name: str) -> int:
    last = times.from_local(_LAST_TIME) or 0
    if instant is None or not 0 <= instant <= last:
        raise refusals.bad_time(code, name, instant, f"a time from 1970 to {_LAST_TIME}")
    return instant


def _shown(instant: int | None) -> str | None:
    return None if instant is None else times.text(instant)


def possible_id(id_: int | None) -> int:
    """An id that a row can have; 0, which no row has, for others."""
    return id_ if id_ is not None and 0 < id_ < _ID_LIMIT else 0


def flag_of(value: bool | None) -> bool:
    if value is None:
        raise refusals.bad_flag("ignoreprivileges")
    return value
