"""Takes back what a block time was given, in the caller's transaction that holds the guard."""

from collections.abc import Sequence
from dataclasses import dataclass

from blockalloc.store.sql import execute, fetch
from scheduling.occupancy import RELOAD

_HELD = """
SELECT c.hostname, b.reloadrequestid
FROM blockComputers b JOIN computer c ON c.id = b.computerid WHERE b.blockTimeid = %s ORDER BY c.hostname
"""

# The statement itself decides which reloads have not begun: the back end may take one up at this moment. A number in
# `reloadrequestid` may be somebody else's by now: only requests of the reload user go, and none of another block time.
_REMOVE = """
DELETE FROM request
WHERE id IN ({requests}) AND stateid = %s AND laststateid = %s
  AND userid = (SELECT u.id FROM user u JOIN affiliation a ON a.id = u.affiliationid
                WHERE u.unityid = 'vclreload' AND a.name = 'Local')
  AND NOT EXISTS (SELECT 1 FROM blockComputers b WHERE b.reloadrequestid = request.id AND b.blockTimeid <> %s)
"""


@dataclass(frozen=True, slots=True)
class Released:
    """What a release did: the computers that left the block time, and those of them whose load had begun.

    The latter are loaded all the same: their reload requests were left. `reloads` were removed.
    """

    computers: Sequence[str]
    loading: Sequence[str]
    reloads: int

    def __str__(self) -> str:
        if not self.computers:
            return "it had no computers"
        names = ", ".join(self.computers)
        left = f"; loads that had begun were left: {', '.join(self.loading)}" if self.loading else ""
        released = f"computers released: {len(self.computers)}, reloads removed: {self.reloads}"
        return f"{released}{left}: {names}"


def release(block_time_id: int) -> Released:
    """Remove the reload requests that have not begun (state 19, laststate 19), and all computers of the block time."""
    held = fetch(_HELD, [block_time_id])
    requests = sorted({request for _, request in held if request})
    begun: set[int] = set()
    removed = 0
    if requests:
        listed = ", ".join(map(str, requests))
        removed = execute(_REMOVE.format(requests=listed), [RELOAD, RELOAD, block_time_id])
        begun = {id_ for (id_,) in fetch(f"SELECT id FROM request WHERE id IN ({listed})")}
        gone = [id_ for id_ in requests if id_ not in begun]
        if gone:  # the foreign key has deleted these, where the database has it
            execute(f"DELETE FROM reservation WHERE requestid IN ({', '.join(map(str, gone))})")
    execute("DELETE FROM blockComputers WHERE blockTimeid = %s", [block_time_id])
    return Released([name for name, _ in held], [name for name, request in held if request in begun], removed)


def set_skip(block_time_id: int) -> None:
    """Mark that the block time does not take place."""
    execute("UPDATE blockTimes SET skip = 1 WHERE id = %s", [block_time_id])


def clear_skip(block_time_id: int) -> None:
    """Mark that it takes place, and is to be processed: what it had was released when it was skipped."""
    execute("UPDATE blockTimes SET skip = 0, processed = 0 WHERE id = %s", [block_time_id])
