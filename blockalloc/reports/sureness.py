"""How sure it is that a class to come is ready at its start: what keep_ready or the allocation said last."""

from collections import Counter
from collections.abc import Mapping, Sequence

from django.conf import settings

from blockalloc.site_time import site_zone
from blockalloc.store.decisions import Said
from blockalloc.store.said import Last
from blockalloc.store.watches import Seen
from scheduling.machines import whole_machines
from scheduling.readiness import Sureness
from scheduling.ready_computer import BlockFacts, ComputerFacts
from scheduling.reloads.outlook import in_words
from scheduling.reloads.policy import READY
from scheduling.windows import MINUTE
from scheduling.wording import at, date_and_time

_CURRENT = 12 * MINUTE  # keep_ready plans a class anew every ten minutes, near its start more often
_OLD = 10 * MINUTE  # then the words say when it was


def told_by_calls(
    blocks: Mapping[int, BlockFacts], computers: Mapping[int, Sequence[ComputerFacts]], now: int
) -> list[int]:
    """The block times (ids) that begin after `now` (Unix seconds) and have computers: decisions say how sure they are.

    None under policy `vcl`.
    """
    if settings.VCL_RELOAD_POLICY != READY:
        return []
    return [id_ for id_, block in blocks.items() if block.start > now and computers.get(id_)]


def of_classes(
    blocks: Mapping[int, BlockFacts],
    computers: Mapping[int, Sequence[ComputerFacts]],
    last: Last,
    now: int,
) -> dict[int, Sureness]:
    """What was last said of each of the block times that `told_by_calls` names."""
    found = {}
    for id_ in told_by_calls(blocks, computers, now):
        block, each = blocks[id_], last.decided.get(id_)
        by_look = _by_look(last.seen.get(id_), block, computers[id_])
        if by_look and (each is None or by_look.at >= each.at):
            each = by_look
        if each and (words := in_words(each.ready, each.late, each.machines, block.start, site_zone())):
            is_current = not each.is_allocation and each.at > now - _CURRENT
            found[id_] = Sureness(each.ready, settings.VCL_READY_TARGET, f"{words}{_when(each, now)}", is_current)
    return found


def _by_look(seen: Seen | None, block: BlockFacts, computers: Sequence[ComputerFacts]) -> Said | None:
    """What a look has said, of the machines that the class has."""
    if seen is None or seen.ready is None or seen.said_at is None:
        return None
    machines = min(whole_machines(block.image_ids, Counter(each.image_id for each in computers)), block.machines)
    return Said(seen.ready, seen.late or 0.0, machines, seen.said_at, is_allocation=False)


def _when(said: Said, now: int) -> str:
    """When it was said, unless keep_ready has just said it."""
    if said.is_allocation:
        return f" (said at the allocation, {date_and_time(said.at, now, site_zone())})"
    return f" (said {at(said.at, now, site_zone())})" if said.at < now - _OLD else ""
