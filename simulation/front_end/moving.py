"""An administrator moves what is reserved on a computer to other computers."""

from collections.abc import Sequence
from typing import Any

from simulation.front_end.candidates import RESERVATION_MARGIN, Wish, candidates
from simulation.front_end.semaphores import Load, clean, take
from simulation.front_end.session import FrontEnd, Session, Step, Steps
from simulation.front_end.states import COMPLETE, DELETED, FAILED, TIMEOUT

AHEAD = 180  # seconds: what begins sooner stays

_READ = f"""
SELECT r.id, r.imageid, r.imagerevisionid, r.managementnodeid, q.start, q.`end`
FROM reservation r JOIN request q ON q.id = r.requestid
WHERE r.computerid = %s AND q.start > %s AND q.stateid NOT IN ({DELETED}, {FAILED}, {TIMEOUT}, {COMPLETE})
ORDER BY q.start, r.id
"""  # noqa: S608 - put together from constants
_UPDATE = "UPDATE reservation SET computerid = %s, managementnodeid = %s WHERE id = %s"


def move_off(
    front_end: FrontEnd, computer: int, others: Sequence[int], administrator: int, procid: str
) -> Session[bool]:
    """Move all that begins more than three minutes ahead from a computer to `others`; whether all could be.

    Reloads of classes go along, and `blockComputers` goes on naming the old computer. Nothing is
    moved when there is no place for one of the reservations; when one is lost to somebody else
    afterwards, those before it have been moved.

    The semaphores of the new places are kept to the end, so that no two reservations go to the same
    computer. Places are looked for as for reservations of the administrator, a user's id: the classes that
    count as own are his.
    """
    return Session(front_end, _steps(front_end, computer, others, administrator, procid))


def _steps(front_end: FrontEnd, computer: int, others: Sequence[int], administrator: int, procid: str) -> Steps[bool]:
    answer = yield Step("reservations", lambda now: (_READ, [computer, front_end.local(now + AHEAD)]))
    wishes = {row[0]: _wish(front_end, others, administrator, row[1:]) for row in answer.rows}
    for wish in wishes.values():
        if not (yield from candidates(front_end, wish)):
            return False
    moved = True
    for reservation, wish in wishes.items():
        place = yield from _take_one(front_end, wish, procid)
        if place is None:
            moved = False
            break
        yield _move(reservation, place, wish.node)
    yield from clean(procid)
    return moved


def _wish(front_end: FrontEnd, others: Sequence[int], administrator: int, reserved: Sequence[Any]) -> Wish:
    """A place for what is reserved: image, revision, node, start and end as stored."""
    image, revision, node, start, end = reserved
    hours = front_end.instant(start), front_end.instant(end)
    return Wish(others, *hours, user=administrator, image=image, revision=revision, node=node)


def _move(reservation: int, place: int, node: int) -> Step:
    return Step("update", lambda now: (_UPDATE, [place, node, reservation]))


def _take_one(front_end: FrontEnd, wish: Wish, procid: str) -> Steps[int | None]:
    hours = front_end.local(wish.start), front_end.local(wish.end + RESERVATION_MARGIN)
    load = Load(wish.image, wish.revision, wish.node)
    for computer in (yield from candidates(front_end, wish)):
        if (yield from take(front_end, procid, computer, load, hours)):
            return computer
    return None
