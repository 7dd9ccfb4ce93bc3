"""How VCL's front end is kept off computers that have just got their rows (SPEC 8.7); see scheduling.holds."""

from collections.abc import Mapping, Sequence

from blockalloc import clock
from blockalloc.allocation.result import assignments
from blockalloc.store import beside, claims
from blockalloc.store.promises import LoadedImage
from blockalloc.store.snapshot import Snapshot
from scheduling.facts import Block
from scheduling.holds import BlockTimeComputers, Holds, holds
from scheduling.plan import Assignment, Machine


def hold_computers(
    call_id: str, block: Block, block_time_id: int, machines: Sequence[Machine], earlier_holds: Mapping[int, int],
    seen: Snapshot,
) -> Holds:  # fmt: skip
    """Turn the claims on the computers of `machines` into holds; returns which computers are held, and until when.

    `block_time_id` is that of the block once it is written; `earlier_holds`: until when (Unix seconds) holds of earlier
    calls are on some of the computers.
    """
    taken, promised = assignments(machines), seen.promises
    # Most computers have loaded what nobody waits for: then no other block times need be read.
    awaited = any(_is_awaited(each, promised.chosen) for each in taken)
    others = beside.read(seen.read_at) if awaited else beside.NOTHING
    computers = frozenset(each.computer.id for each in taken)
    loaded = frozenset(each.computer.id for each in taken if _has_image_loaded(each, promised.chosen))
    own = BlockTimeComputers(block_time_id, block.start, block.end, computers, loaded)
    earlier = {id_: max(expires, promised.holds.get(id_, 0)) for id_, expires in earlier_holds.items()}
    written = clock.now()
    decided = holds(own, others.blocks, {**promised.holds, **earlier}, seen.read_at, claims.seconds(), written)
    claims.hold(call_id, decided)
    if decided.substitutes:
        there = claims.SemaphoreRows(promised.live, promised.holds, others.expired)
        claims.hold_substitutes(call_id, taken[0], decided, there, written)
    return decided


def _has_image_loaded(assignment: Assignment, chosen: Mapping[int, LoadedImage]) -> bool:
    """Whether the computer has the image loaded, in whatever revision: so VCL's front end sees it (SPEC 8.7)."""
    loaded = chosen.get(assignment.computer.id)
    return loaded is not None and loaded.image_id == assignment.image.id


def _is_awaited(assignment: Assignment, chosen: Mapping[int, LoadedImage]) -> bool:
    """Whether members of a class, this one or another, wait for what the computer has loaded now."""
    loaded = chosen.get(assignment.computer.id)
    return loaded is not None and (loaded.awaited or loaded.image_id == assignment.image.id)
