""" "Reload computers", a page for administrators."""

from collections.abc import Sequence
from dataclasses import dataclass, field

from simulation.front_end import requests
from simulation.front_end.semaphores import Load, clean, take
from simulation.front_end.session import FrontEnd, Session, Step, Steps
from simulation.front_end.states import AVAILABLE, COMPLETE, DELETED, FAILED, RELOAD, TIMEOUT

QUARTER, LASTS = 900, 1200  # seconds: it begins at the last quarter of an hour, and takes twenty minutes

_STATE = f"SELECT c.id FROM computer c WHERE c.id = %s AND c.stateid IN ({AVAILABLE}, {FAILED})"  # noqa: S608
_ANY = f"""
SELECT q.id FROM request q JOIN reservation r ON r.requestid = q.id
WHERE r.computerid = %s AND q.start < %s AND q.`end` > %s
  AND q.stateid NOT IN ({DELETED}, {FAILED}, {TIMEOUT}, {COMPLETE})
"""  # noqa: S608 - put together from constants
_NEXT = "UPDATE computer SET nextimageid = %s WHERE id = %s"


@dataclass
class Reloads:
    """What the page shows: `begun` are the requests of reloads that begin at once, by computer."""

    begun: dict[int, int] = field(default_factory=dict)
    later: list[int] = field(default_factory=list)  # their next image is set, nothing else


def reload_computers(front_end: FrontEnd, computers: Sequence[int], load: Load, procid: str) -> Session[Reloads]:
    """Load computers, whatever block time they are in: requests 19/19 with `preload` 0 that begin at once.

    Only computers that are available or have failed. One with somebody's semaphore, or with any
    request at the moment, even a reload, is left for later.
    """
    return Session(front_end, _steps(front_end, computers, load, procid))


def _steps(front_end: FrontEnd, computers: Sequence[int], load: Load, procid: str) -> Steps[Reloads]:
    reloads = Reloads()
    start = int(front_end.clock()) // QUARTER * QUARTER
    hours = front_end.local(start), front_end.local(start + LASTS)
    free = []
    for computer in computers:
        answer = yield _state(computer)
        if not answer.rows:
            continue
        if (yield from _is_free(front_end, procid, computer, load, hours)):
            free.append(computer)
        else:
            reloads.later.append(computer)
    for computer in free:
        reloads.begun[computer] = yield from requests.insert(front_end, RELOAD, computer, load, start, start + LASTS)
    yield from clean(procid)
    for computer in reloads.later:
        yield _next_image(computer, load.image)
    return reloads


def _is_free(front_end: FrontEnd, procid: str, computer: int, load: Load, hours: tuple[str, str]) -> Steps[bool]:
    if not (yield from take(front_end, procid, computer, load, hours)):
        return False
    answer = yield Step("requests", lambda now: (_ANY, [computer, hours[1], hours[0]]))
    return not answer.rows


def _state(computer: int) -> Step:
    return Step("state", lambda now: (_STATE, [computer]))


def _next_image(computer: int, image: int) -> Step:
    return Step("next image", lambda now: (_NEXT, [image, computer]))
