"""What staff do to a block time: release, skip, unskip. Each in one transaction, with its record.

Release and skip keep the reason that the person gave: see contract.staff_reason.
"""

from collections.abc import Callable

from blockalloc import clock
from blockalloc.allocation.journal import Journal
from blockalloc.contract import refusals
from blockalloc.contract.messages import Caller
from blockalloc.contract.staff_reason import with_reason
from blockalloc.models import Decision
from blockalloc.store import news, rows
from blockalloc.store.guard import Deadline, guarded
from blockalloc.store.release import clear_skip, release, set_processed, set_skip
from blockalloc.store.rows import BlockTimeRow


def release_block_time(block_time_id: int, caller: Caller, reason: str = "") -> str:
    """Remove the computers of a block time and withdraw their reloads where possible; returns what was done, in words.

    Nobody asks for computers any more until somebody allocates again: neither the back end nor keep_ready (SPEC 9.1).
    Raises Refusal 8 when there is no such block time, 205 when other calls take too long; nothing was done then.
    """

    def let_go(row: BlockTimeRow) -> str:
        set_processed(row.id)
        news.forget(row.id)
        return str(release(row.id, clock.now()))

    return _act(Decision.RELEASE, block_time_id, caller, let_go, reason)


def skip_block_time(block_time_id: int, caller: Caller, reason: str = "") -> str:
    """Release a block time and mark it to be skipped; raises what `release_block_time` raises."""

    def skip(row: BlockTimeRow) -> str:
        if row.skip:
            raise refusals.skipped_already(row.id)
        done = release(row.id, clock.now())
        set_skip(row.id)
        news.forget(row.id)
        return f"skipped; {done}"

    return _act(Decision.SKIP, block_time_id, caller, skip, reason)


def unskip_block_time(block_time_id: int, caller: Caller) -> str:
    """Clear the skip mark of a block time: the back end will process it. Raises what `release_block_time` raises."""

    def unskip(row: BlockTimeRow) -> str:
        if not row.skip:
            raise refusals.not_skipped(row.id)
        clear_skip(row.id)
        return "takes place after all, and is to be processed"

    return _act(Decision.UNSKIP, block_time_id, caller, unskip)


def _act(action: str, block_time_id: int, caller: Caller, work: Callable[[BlockTimeRow], str], reason: str = "") -> str:
    why = {"reason": reason} if reason else {}
    journal = Journal(action, caller, {"blockTimeid": block_time_id, **why})

    def transaction() -> tuple[str, int]:
        row = rows.block_time(block_time_id)
        if row is None:
            raise refusals.unknown_block_time("blockTimeid", block_time_id)
        text = work(row)
        return text, journal.record_action(with_reason(text, reason), row)

    with journal.recording_failures():
        text, decision_id = guarded(transaction, Deadline(), journal.count_retry)
    journal.prune(decision_id)
    return text
