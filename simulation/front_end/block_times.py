"""What the pages for block allocations do to block times that have computers already."""

from collections.abc import Sequence
from dataclasses import dataclass

from simulation.front_end.requests import RELOAD_USER
from simulation.front_end.session import FrontEnd, Session, Statement, Step, Steps
from simulation.front_end.states import RELOAD

_READ = "SELECT t.skip FROM blockTimes t WHERE t.id = %s AND t.`end` > %s"
_RELOADS = f"""
DELETE FROM request WHERE stateid = {RELOAD} AND laststateid = {RELOAD} AND userid IN ({RELOAD_USER})
  AND id IN (SELECT b.reloadrequestid FROM blockComputers b WHERE b.blockTimeid = %s)
"""  # noqa: S608 - put together from constants
_COMPUTERS = "DELETE FROM blockComputers WHERE blockTimeid = %s"
_SKIP = "UPDATE blockTimes SET skip = 1 WHERE id = %s"
_UNSKIP = "UPDATE blockTimes SET skip = 0, processed = 0 WHERE id = %s"
_FUTURE = "DELETE FROM blockTimes WHERE blockRequestid = %s AND start > %s AND skip = 0"
_CHANGE = "UPDATE blockRequest SET imageid = %s, numMachines = %s, groupid = %s, expireTime = %s WHERE id = %s"
_TIME = "INSERT INTO blockTimes (blockRequestid, start, `end`) VALUES (%s, %s, %s)"


def toggle_skip(front_end: FrontEnd, block_time: int) -> Session[bool]:
    """Skip a block time, or undo that; False: the time is over, or there is none.

    First the reload requests in 19/19 are deleted, then the block computers, then the time is marked.
    Each statement is committed at once: the reloads can only be found by the block computers, so
    these are second; and between any two of them, an allocation still finds the time not skipped.
    A reload that the back end has begun is left, without a block computer. Undoing a skip also sets
    `processed` 0: the back end asks again.
    """
    return Session(front_end, _toggle(front_end, block_time))


def _toggle(front_end: FrontEnd, block_time: int) -> Steps[bool]:
    answer = yield Step("time", lambda now: (_READ, [block_time, front_end.local(now)]))
    if not answer.rows:
        return False
    skipped = answer.rows[0][0]
    yield Step("reloads", lambda now: (_RELOADS, [block_time]))
    yield Step("computers", lambda now: (_COMPUTERS, [block_time]))
    yield Step("skip", lambda now: (_UNSKIP if skipped else _SKIP, [block_time]))
    return True


@dataclass(frozen=True, slots=True)
class Edited:
    """A block request as its form has it now; `times` to come are pairs of start and end in Unix seconds."""

    image: int
    machines: int
    group: int
    times: Sequence[tuple[int, int]]


def edit_block_request(front_end: FrontEnd, block_request: int, edited: Edited) -> Session[list[int]]:
    """Save the form of a block request; gives the ids of its new times.

    All its future times that are not skipped are deleted, and with them, by the foreign key, their
    block computers: not their reload requests, which stay without a class. The times of the form are
    inserted, even if they have not changed. The request expires at 23:59:59 of its last day. A time
    that has begun is left alone.
    """
    return Session(front_end, _edit(front_end, block_request, edited))


def _edit(front_end: FrontEnd, block_request: int, edited: Edited) -> Steps[list[int]]:
    expires = f"{front_end.local(max(end for _, end in edited.times))[:10]} 23:59:59"
    change = [edited.image, edited.machines, edited.group, expires, block_request]
    yield Step("times to come", lambda now: (_FUTURE, [block_request, front_end.local(now)]))
    yield Step("request", lambda now: (_CHANGE, change))
    new = []
    for start, end in edited.times:
        statement: Statement = (_TIME, [block_request, front_end.local(start), front_end.local(end)])
        answer = yield _as_it_is("new time", statement)
        new.append(answer.new_id)
    return new


def _as_it_is(name: str, statement: Statement) -> Step:
    return Step(name, lambda now: statement)
