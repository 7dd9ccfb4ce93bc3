"""What administrators do to computers, and what anybody's live semaphore row prevents: "try again later"."""

from collections.abc import Sequence

from simulation.front_end import requests
from simulation.front_end.semaphores import Load, clean, take_patiently
from simulation.front_end.session import FrontEnd, Session, Step, Steps
from simulation.front_end.states import COMPLETE, DELETED, FAILED, TO_MAINTENANCE

YEAR = 365 * 24 * 3600
_LOOKS_AHEAD = 1200  # seconds for which a computer must be free to be deleted or change its state

_ENDS = """
SELECT MAX(t.`end`) FROM blockComputers b JOIN blockTimes t ON t.id = b.blockTimeid WHERE b.computerid = %s
"""
_RESERVED_TO = f"""
SELECT MAX(q.`end`) FROM request q JOIN reservation r ON r.requestid = q.id
WHERE r.computerid = %s AND q.stateid NOT IN ({DELETED}, {FAILED}, {COMPLETE}, {TO_MAINTENANCE})
"""  # noqa: S608 - put together from constants
_MACHINES_OF = "SELECT c.id FROM computer c JOIN vmhost v ON v.id = c.vmhostid WHERE v.computerid = %s"
_CHANGE = "UPDATE computer SET stateid = %s WHERE id = %s"
_IN_USE = f"""
SELECT q.id FROM request q JOIN reservation r ON r.requestid = q.id
WHERE r.computerid = %s AND q.stateid NOT IN ({DELETED}, {FAILED}, {COMPLETE}) AND q.`end` > %s
"""  # noqa: S608
_DELETE = "UPDATE computer SET deleted = 1, datedeleted = %s, vmhostid = NULL WHERE id = %s"


def schedule_maintenance(front_end: FrontEnd, computer: int, load: Load, procid: str) -> Session[int]:
    """Put a computer into maintenance when its last block time and its last reservation are over.

    Gives the id of the request for it, in state 18; 0: try again later.
    """
    return Session(front_end, _schedule(front_end, computer, load, procid))


def _schedule(front_end: FrontEnd, computer: int, load: Load, procid: str) -> Steps[int]:
    start = int(front_end.clock())
    for name, sql in (("block times", _ENDS), ("requests", _RESERVED_TO)):
        answer = yield _of(name, sql, computer)
        ((end,),) = answer.rows
        start = max(start, front_end.instant(end) if end else 0)
    hours = front_end.local(start), front_end.local(start + YEAR)
    if not (yield from take_patiently(front_end, procid, computer, load, hours)):
        return 0
    request = yield from requests.insert(front_end, TO_MAINTENANCE, computer, load, start, start + YEAR)
    yield from clean(procid)
    return request


def change_states(front_end: FrontEnd, computers: Sequence[int], state: int, load: Load, procid: str) -> Session[bool]:
    """Change the state of several computers at once, all or none; False: try again later.

    A host changes only if nobody has a semaphore of one of its virtual machines either.
    """
    return Session(front_end, _change(front_end, computers, state, load, procid))


def _change(front_end: FrontEnd, computers: Sequence[int], state: int, load: Load, procid: str) -> Steps[bool]:
    wanted = list(computers)
    for computer in computers:
        answer = yield _of("machines", _MACHINES_OF, computer)
        wanted += [row[0] for row in answer.rows]
    hours = _near_hours(front_end)
    for computer in wanted:
        if not (yield from take_patiently(front_end, procid, computer, load, hours)):
            yield from clean(procid)
            return False
    for computer in computers:
        yield _set("change", _CHANGE, [state, computer])
    yield from clean(procid)
    return True


def delete_computers(front_end: FrontEnd, computers: Sequence[int], load: Load, procid: str) -> Session[list[int]]:
    """Delete computers; gives the ones that were kept: with somebody's semaphore, or a request that is not over.

    Block times are ignored.
    """
    return Session(front_end, _delete(front_end, computers, load, procid))


def _delete(front_end: FrontEnd, computers: Sequence[int], load: Load, procid: str) -> Steps[list[int]]:
    kept = []
    hours = _near_hours(front_end)
    for computer in computers:
        if not (yield from take_patiently(front_end, procid, computer, load, hours)):
            kept.append(computer)
            continue
        now = front_end.local(int(front_end.clock()))
        answer = yield _set("requests", _IN_USE, [computer, now])
        if answer.rows:
            kept.append(computer)
        else:
            yield _set("delete", _DELETE, [now, computer])
    yield from clean(procid)
    return kept


def _near_hours(front_end: FrontEnd) -> tuple[str, str]:
    now = int(front_end.clock())
    return front_end.local(now), front_end.local(now + _LOOKS_AHEAD)


def _of(name: str, sql: str, computer: int) -> Step:
    return Step(name, lambda now: (sql, [computer]))


def _set(name: str, sql: str, params: Sequence[object]) -> Step:
    return Step(name, lambda now: (sql, params))
