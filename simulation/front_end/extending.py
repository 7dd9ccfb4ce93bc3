"""A user extends a reservation that has begun."""

from simulation.front_end.candidates import RESERVATION_MARGIN
from simulation.front_end.semaphores import Load, clean, take
from simulation.front_end.session import FrontEnd, Session, Step, Steps
from simulation.front_end.states import OCCUPIES

_READ = """
SELECT r.computerid, r.imageid, r.imagerevisionid, r.managementnodeid, q.start, q.userid
FROM request q JOIN reservation r ON r.requestid = q.id WHERE q.id = %s
"""
_RESERVED = f"""
SELECT q.id FROM reservation r JOIN request q ON q.id = r.requestid
WHERE r.computerid = %s AND q.start < %s AND q.`end` > %s AND q.id != %s AND {OCCUPIES}
"""  # noqa: S608 - put together from constants
_BLOCKS = """
SELECT t.id FROM blockComputers b
JOIN blockTimes t ON t.id = b.blockTimeid
JOIN blockRequest w ON w.id = t.blockRequestid
WHERE b.computerid = %s AND t.start < %s AND t.`end` > %s AND w.status = 'accepted'
  AND (w.groupid NOT IN (SELECT m.usergroupid FROM usergroupmembers m WHERE m.userid = %s) OR w.imageid != %s)
"""
_UPDATE = "UPDATE request SET `end` = %s, datemodified = %s WHERE id = %s"


def extend(front_end: FrontEnd, request: int, end: int, procid: str) -> Session[bool]:
    """Let a request of one computer end at `end` (Unix seconds); whether it could be.

    He keeps his computer: it must not be reserved up to 15 minutes after the end, and the end must
    be 15 minutes before a class of another group, or of another image, that has the computer. Then
    its semaphore is taken, once: a live row on it, whoever's, makes it fail.
    """
    return Session(front_end, _steps(front_end, request, end, procid))


def _steps(front_end: FrontEnd, request: int, end: int, procid: str) -> Steps[bool]:
    local = front_end.local
    answer = yield Step("request", lambda now: (_READ, [request]))
    if not answer.rows:
        return False
    ((computer, image, revision, node, start, user),) = answer.rows
    later = local(end + RESERVATION_MARGIN)
    answer = yield Step("reserved", lambda now: (_RESERVED, [computer, later, start, request]))
    if answer.rows:
        return False
    answer = yield Step("blocks", lambda now: (_BLOCKS, [computer, later, start, user, image]))
    if answer.rows:
        return False
    load = Load(image, revision, node)
    had = yield from take(front_end, procid, computer, load, (start, later), aside=request)
    if had:
        yield Step("update", lambda now: (_UPDATE, [local(end), local(now), request]))
    yield from clean(procid)
    return had
