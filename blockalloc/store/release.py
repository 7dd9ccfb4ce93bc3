"""Takes back what a block time was given, in the caller's transaction that holds the guard."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from blockalloc.store import seen_loads
from blockalloc.store.sql import Select, execute, fetch, listed_ids
from blockalloc.store.withdrawal import Withdrawn, withdraw

_COMPUTERS = """
SELECT c.hostname, b.computerid, b.reloadrequestid
FROM blockComputers b JOIN computer c ON c.id = b.computerid WHERE b.blockTimeid = %s ORDER BY c.hostname
"""


@dataclass(frozen=True, slots=True)
class Released:
    """What a release did: the computers that left the block time, and those of them whose reload was left.

    The latter are loaded all the same: their load has begun, or is so near that a management node may have read it.
    `reloads` is how many requests were removed.
    """

    computers: Sequence[str]
    loading: Sequence[str]
    reloads: int

    def __str__(self) -> str:
        if not self.computers:
            return "it had no computers"
        names = ", ".join(self.computers)
        left = f"; loads that have begun or are about to were left: {', '.join(self.loading)}" if self.loading else ""
        released = f"computers released: {len(self.computers)}, reloads removed: {self.reloads}"
        return f"{released}{left}: {names}"


_ALWAYS = Select("1 = 1")


def release(block_time_id: int, now: int, only_if: Select = _ALWAYS) -> Released:
    """Take all computers from the block time, and withdraw their reloads (SPEC 8.15). `now`: of the transaction.

    `only_if` is a condition in SQL: where it does not hold (any more) nothing is done.
    """
    computers = fetch(_COMPUTERS, [block_time_id])
    # First the rows: a reload that a block computer names is not withdrawn.
    sql = f"DELETE FROM blockComputers WHERE blockTimeid = %s AND {only_if.sql}"
    if not execute(sql, [block_time_id, *only_if.params]):
        return Released((), (), 0)
    seen_loads.disown(block_time_id, [computer for _, computer, _ in computers], now)
    withdrawn = withdraw({(request, computer) for _, computer, request in computers if request}, now)
    loading = [name for name, computer, request in computers if (request, computer) in withdrawn.left]
    return Released([name for name, _, _ in computers], loading, withdrawn.requests)


def give_up(block_time_id: int, reloads: Mapping[int, int], now: int) -> Withdrawn:
    """Take computers from the block time, and withdraw their reloads that have not begun (SPEC 9.2).

    `reloads` is computer -> its reload request, 0 for none; `now` is the time of the transaction. Returns what became
    of the reloads.
    """
    if not reloads:
        return Withdrawn(0, 0, frozenset())
    execute(
        f"DELETE FROM blockComputers WHERE blockTimeid = %s AND computerid IN ({listed_ids(reloads)})", [block_time_id]
    )
    seen_loads.disown(block_time_id, reloads, now)
    return withdraw({(request, computer) for computer, request in reloads.items() if request}, now)


def set_processed(block_time_id: int) -> None:
    """Mark that nobody is to ask for the computers of the block time any more (SPEC 9.1)."""
    execute("UPDATE blockTimes SET processed = 1 WHERE id = %s", [block_time_id])


def set_skip(block_time_id: int) -> None:
    """Mark that the block time does not take place."""
    execute("UPDATE blockTimes SET skip = 1 WHERE id = %s", [block_time_id])


def clear_skip(block_time_id: int) -> None:
    """Mark that it takes place, and is to be processed: what it had was released when it was skipped."""
    execute("UPDATE blockTimes SET skip = 0, processed = 0 WHERE id = %s", [block_time_id])
