"""What staff do to a block time: release, skip, unskip. Each in one transaction, with its record."""

from collections.abc import Callable

from blockalloc import clock
from blockalloc.allocation.journal import Journal
from blockalloc.contract import refusals
from blockalloc.contract.messages import Caller
from blockalloc.models import Decision
from blockalloc.store import rows
from blockalloc.store.guard import Deadline, guarded
from blockalloc.store.release import clear_skip, release, set_skip
from blockalloc.store.rows import BlockTimeRow


def release_block_time(block_time_id: int, caller: Caller) -> str:
    """Take its computers from it, with the reloads that can be withdrawn; says what was done.

    A back end that has asked for it does not ask again; one that has not still will. Raises Refusal 8
    when there is no such block time, 205 when other calls are at work for too long; nothing was done then.
    """
    return _act(Decision.RELEASE, block_time_id, caller, lambda row: str(release(row.id, clock.now())))


def skip_block_time(block_time_id: int, caller: Caller) -> str:
    """Release it and mark it to be skipped; raises as `release_block_time`."""

    def skip(row: BlockTimeRow) -> str:
        if row.skip:
            raise refusals.skipped_already(row.id)
        done = release(row.id, clock.now())
        set_skip(row.id)
        return f"skipped; {done}"

    return _act(Decision.SKIP, block_time_id, caller, skip)


def unskip_block_time(block_time_id: int, caller: Caller) -> str:
    """Let it take place after all: the back end will ask for its computers. Raises as `release_block_time`."""

    def unskip(row: BlockTimeRow) -> str:
        if not row.skip:
            raise refusals.not_skipped(row.id)
        clear_skip(row.id)
        return "takes place after all, and is to be processed"

    return _act(Decision.UNSKIP, block_time_id, caller, unskip)


def _act(action: str, block_time_id: int, caller: Caller, work: Callable[[BlockTimeRow], str]) -> str:
    journal = Journal(action, caller, {"blockTimeid": block_time_id})

    def transaction() -> tuple[str, int]:
        row = rows.block_time(block_time_id)
        if row is None:
            raise refusals.unknown_block_time("blockTimeid", block_time_id)
        text = work(row)
        return text, journal.done(text, row)

    with journal.of_failures():
        text, decision_id = guarded(transaction, Deadline(), journal.tried_again)
    journal.prune(decision_id)
    return text
