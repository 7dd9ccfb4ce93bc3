"""A user reserves a computer: SPEC 8.7, steps (a) to (f).

The steps are named "a" (list), "o" (computers of own classes), "b" (reserved computers), "B"
(computers of classes, only when there are none of his own), "c", "d" and "x" (semaphore, look,
give up), "e" and "E" (request, reservation), "X" (the semaphore has expired: the request is taken
back) and "f".
"""

import math

from simulation.front_end.candidates import RESERVATION_MARGIN, Wish, candidates
from simulation.front_end.semaphores import SEMAPHORE_SECONDS, Load, clean, take
from simulation.front_end.session import FrontEnd, Session, Step, Steps
from simulation.front_end.states import NEW

_REQUEST = f"""
INSERT INTO request (stateid, laststateid, userid, start, `end`, daterequested)
VALUES ({NEW}, {NEW}, %s, %s, %s, %s)
"""  # noqa: S608 - put together from constants
_RESERVATION = """
INSERT INTO reservation (requestid, computerid, imageid, imagerevisionid, managementnodeid)
SELECT %s, computerid, imageid, imagerevisionid, managementnodeid FROM semaphore WHERE expires > %s AND procid = %s
"""
_TAKE_BACK = "DELETE FROM request WHERE id = %s"


class Reserving(Session[bool]):
    """One user's request; `computer` and `request` are what he got, None: nothing was to be had.

    Nothing looks at `blockComputers` any more after (b). A computer that loads for a class is had
    like any other; that his request ends the load is the back end's part.

    `promise` tells within how many seconds this front end gets from its list to its semaphore.
    """

    def __init__(self, front_end: FrontEnd, wish: Wish, procid: str, promise: float = SEMAPHORE_SECONDS) -> None:
        self.wish = wish
        self.procid = procid
        self.promise = promise
        self.computer: int | None = None
        self.request: int | None = None
        self.tried: int | None = None  # the last computer whose semaphore he went for
        self.listed_at = 0.0  # when it sent its list, Unix seconds
        self.claimed_at = 0.0  # when it sent its last semaphore
        super().__init__(front_end, self._protocol(front_end))

    @property
    def letters(self) -> str:
        """The letters of the steps done."""
        return "".join(self.sent)

    @property
    def patience(self) -> float:
        """Seconds that may pass until its next statement, lest it breaks its promise or loses its semaphore.

        Infinite when it has listed nothing yet, or has all it wants.
        """
        ends = []
        if self.next_step in ("o", "b", "B", "c", "d", "x"):
            ends.append(self.listed_at + self.promise)
        if self.next_step in ("d", "x", "e", "E"):
            ends.append(self.claimed_at + SEMAPHORE_SECONDS)
        return min(ends, default=math.inf) - self.front_end.clock()

    def begins(self, name: str, now: float) -> None:
        """Remember when it listed and when it claimed."""
        if name == "a":
            self.listed_at = now
        if name == "c":
            self.claimed_at = now

    def _protocol(self, front_end: FrontEnd) -> Steps[bool]:
        wish = self.wish
        hours = front_end.local(wish.start), front_end.local(wish.end + RESERVATION_MARGIN)
        load = Load(wish.image, wish.revision, wish.node)
        for computer in (yield from candidates(front_end, wish)):
            self.tried = computer
            if (yield from take(front_end, self.procid, computer, load, hours)):
                yield from self._insert(front_end, computer)
                break
        yield from clean(self.procid)
        return self.computer is not None

    def _insert(self, front_end: FrontEnd, computer: int) -> Steps[None]:
        """Insert the request, and its reservation from the semaphore while that lives."""
        wish, local = self.wish, front_end.local
        answer = yield Step("e", lambda now: (_REQUEST, [wish.user, local(wish.start), local(wish.end), local(now)]))
        request = answer.new_id
        answer = yield Step("E", lambda now: (_RESERVATION, [request, front_end.utc(now), self.procid]))
        if answer.changed == 0:
            yield Step("X", lambda now: (_TAKE_BACK, [request]))
            return
        self.computer, self.request = computer, request
