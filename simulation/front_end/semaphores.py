"""The front end's own semaphore rows, which keep its requests off one another's computers: (c), (d) and (f)."""

from dataclasses import dataclass

from simulation.front_end.session import FrontEnd, Statement, Step, Steps
from simulation.front_end.states import OCCUPIES

SEMAPHORE_SECONDS = 45  # until a row expires
TRIES = 5  # of pages for administrators, a fifth of a second apart

_TAKE = """
INSERT INTO semaphore (computerid, imageid, imagerevisionid, managementnodeid, expires, procid)
SELECT c.id, %s, %s, %s, %s, %s FROM computer c LEFT JOIN semaphore s ON s.computerid = c.id
WHERE c.id = %s AND (s.expires IS NULL OR s.expires < %s) LIMIT 1
"""
_OVERLAPPING = f"""
SELECT q.id FROM request q JOIN reservation r ON r.requestid = q.id
WHERE r.computerid = %s AND q.start < %s AND q.`end` > %s AND q.id != %s AND {OCCUPIES}
"""  # noqa: S608 - put together from constants
_GIVE_UP = "DELETE FROM semaphore WHERE procid = %s AND computerid = %s"
_CLEAN = "DELETE FROM semaphore WHERE procid = %s"


@dataclass(frozen=True, slots=True)
class Load:
    """What a computer is to be loaded with, and by which management node."""

    image: int
    revision: int
    node: int


def take(
    front_end: FrontEnd, procid: str, computer: int, load: Load, hours: tuple[str, str], *, aside: int = 0
) -> Steps[bool]:
    """Try once to get a computer's semaphore; whether it was free.

    It is given back when a reservation, other than that of request `aside`, overlaps the `hours`
    (site times as stored, which include any margin after the end).
    """

    def insert(now: int) -> Statement:
        expires = front_end.utc(now + SEMAPHORE_SECONDS)
        return _TAKE, [load.image, load.revision, load.node, expires, procid, computer, front_end.utc(now)]

    answer = yield Step("c", insert)
    if answer.changed != 1:
        return False
    start, end = hours
    answer = yield Step("d", lambda now: (_OVERLAPPING, [computer, end, start, aside]))
    if answer.rows:
        yield Step("x", lambda now: (_GIVE_UP, [procid, computer]))
        return False
    return True


def take_patiently(front_end: FrontEnd, procid: str, computer: int, load: Load, hours: tuple[str, str]) -> Steps[bool]:
    """Like `take`, with the tries that pages for administrators make before they say "try again later"."""
    for _ in range(TRIES):
        if (yield from take(front_end, procid, computer, load, hours)):
            return True
    return False


def clean(procid: str) -> Steps[None]:
    """Delete the rows of a request of the front end."""
    yield Step("f", lambda now: (_CLEAN, [procid]))
