"""The passes of keep_ready, and what the service has said, as days need them.

Nothing here imports what needs Django's settings before the database is there.
"""

from collections.abc import Callable

from bench.readiness.played import Said

Pass = Callable[[], object]


def new_keeper() -> Pass:
    """What runs one pass after the other, like a `keep_ready --loop` that has just begun."""
    from blockalloc.upkeep.passes import Keeper

    return Keeper().look


def said_at_allocation(block_time: int) -> Said | None:
    """What was said by the last call that allocated machines of the block time; None: nothing."""
    from blockalloc.models import Decision

    calls = Decision.objects.filter(block_time_id=block_time, action=Decision.ALLOCATE, ready__isnull=False)
    return _said(calls.order_by("-id").values_list("ready", "late", "minutes").first())


def said_last(block_time: int) -> Said | None:
    """What the last pass said; None: nothing."""
    from blockalloc.models import Watch

    return _said(Watch.objects.filter(block_time_id=block_time).values_list("ready", "late", "minutes").first())


def put_right(block_time: int) -> tuple[int, int, int]:
    """How many computers the passes have exchanged, loaded again and added."""
    from blockalloc.models import Watch

    counts = Watch.objects.filter(block_time_id=block_time).values_list("replaced", "loaded_again", "added").first()
    return counts or (0, 0, 0)


def _said(row: tuple[float | None, float | None, int | None] | None) -> Said | None:
    if row is None or row[0] is None:
        return None
    return Said(row[0], row[1] or 0.0, row[2] or 0)
