"""Disables the safeguards of the promises of SPEC 8.14 to 8.17 and 9, one at a time: the days must show it."""

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from unittest.mock import patch

PROMISES = ("preload", "records", "hold", "expiry", "numbers", "inspection")
KEPT_PROMISES = ("exchange", "release", "holds")  # of keep_ready


@contextmanager
def undone(promise: str | None) -> Iterator[None]:
    """Let the service be as before it kept this promise; None: as it is."""
    with ExitStack() as stack:
        if promise is not None:
            _UNDO[promise](stack)
        yield


def _preload(stack: ExitStack) -> None:
    """Reloads are written with `preload` 0: the back end begins them 35 minutes early."""
    from blockalloc.store import commit
    from blockalloc.store.sql import insert

    def early(table, columns, rows, **how):  # type: ignore[no-untyped-def]
        place = columns.index("preload") if "preload" in columns else None
        changed = [[0 if at == place else value for at, value in enumerate(row)] for row in rows]
        return insert(table, columns, changed, **how)

    stack.enter_context(patch.object(commit, "insert", early))


def _records(stack: ExitStack) -> None:
    """A loaded computer is occupied only from its block's start, and reloads without a block do not count."""
    from blockalloc.store import promises

    def from_start(block_start: int, reload_start: int | None, _planned: object, _load: object) -> int:
        return block_start if reload_start is None else min(block_start, reload_start)

    stack.enter_context(patch.object(promises, "occupied_from", from_start))
    stack.enter_context(patch.object(promises, "_orphans", lambda *_: []))


def _hold(stack: ExitStack) -> None:
    """Loaded computers are held as long as all others, and substitutes are not held."""
    from blockalloc.allocation import holding
    from scheduling.holds import BlockTimeComputers, Holds, Seconds

    def long(
        just_taken: BlockTimeComputers,
        _block_times: object,
        _existing: object,
        now: int,
        seconds: Seconds,
        _written: object,
    ) -> Holds:
        return Holds(dict.fromkeys(just_taken.computers, now + seconds.long))

    stack.enter_context(patch.object(holding, "holds", long))


def _expiry(stack: ExitStack) -> None:
    """A new block request expires at the end of its block time."""
    from blockalloc.store import commit

    stack.enter_context(patch.object(commit, "expiry", lambda end: end))


def _numbers(stack: ExitStack) -> None:
    """`completed` comes without numbers."""
    from blockalloc.rpc import methods

    struct = methods._struct

    def bare(outcome):  # type: ignore[no-untyped-def]
        answer = struct(outcome)
        return {"status": "completed"} if answer["status"] == "completed" else answer

    stack.enter_context(patch.object(methods, "_struct", bare))


def _inspection(stack: ExitStack) -> None:
    """The inspection knows nothing of classes that have lost computers."""
    from blockalloc.inspection import shortages

    stack.enter_context(patch.object(shortages, "short", lambda _facts: []))


def _exchange(stack: ExitStack) -> None:
    """A computer that somebody else has in the hours of the class is not exchanged."""
    from scheduling.upkeep.condition import _Judge

    stack.enter_context(patch.object(_Judge, "_intruder", None))


def _release(stack: ExitStack) -> None:
    """What staff have released is topped up again."""
    from blockalloc.upkeep import reading
    from scheduling.upkeep.target import Target

    def whole(_calls: object, machines: int) -> Target:
        return Target(machines, ignore_privileges=True)

    stack.enter_context(patch.object(reading, "target", whole))


def _holds(stack: ExitStack) -> None:
    """Computers are held whatever is loaded on them."""
    from blockalloc.store import upkeep_holds
    from scheduling.upkeep import needs

    stack.enter_context(patch.object(needs, "_is_to_be_held", lambda _each, _now: True))
    stack.enter_context(patch.object(upkeep_holds, "_free", lambda holds, *_: {each.computer_id: 10 for each in holds}))


_UNDO = dict(
    zip(
        (*PROMISES, *KEPT_PROMISES),
        (_preload, _records, _hold, _expiry, _numbers, _inspection, _exchange, _release, _holds),
        strict=True,
    )
)
