"""A double of VCL's PHP front end: a user reserves a computer, by the protocol of SPEC 8.7, steps (a) to (f).

Each step is one SQL statement, committed at once, on a connection of its own. The steps are
yielded before they are sent, so that whoever drives them decides what happens in between.
"""

import math
from collections.abc import Callable, Generator, Sequence
from dataclasses import dataclass, field
from typing import Any

from blockalloc.store.times import to_local, to_utc
from simulation.connections import Answer, Blocked, Connection, MariaDBConnection, SQLiteConnection

SEMAPHORE_SECONDS = 45  # of the front end's own rows
_QUARTER = 900  # seconds

# Requests of these states hold no computer: failed, complete, reload, and pending after reload.
_OCCUPIES = "q.stateid NOT IN (5, 12, 19) AND NOT (q.stateid = 14 AND q.laststateid = 19)"

_LIST = """
SELECT DISTINCT c.id FROM computer c LEFT JOIN semaphore s ON s.computerid = c.id
WHERE c.id IN ({marks}) AND c.deleted = 0 AND (s.expires IS NULL OR s.expires < %s)
"""
# One statement for both: the first part looks at what blocks never write.
_TAKEN = f"""
SELECT r.computerid FROM reservation r JOIN request q ON q.id = r.requestid
WHERE q.start < %s AND q.`end` > %s AND {_OCCUPIES}
UNION
SELECT b.computerid FROM blockComputers b JOIN blockTimes t ON t.id = b.blockTimeid
WHERE t.start < %s AND t.`end` > %s
"""  # noqa: S608 - put together from constants
_CLAIM = """
INSERT INTO semaphore (computerid, imageid, imagerevisionid, managementnodeid, expires, procid)
SELECT c.id, %s, %s, %s, %s, %s FROM computer c LEFT JOIN semaphore s ON s.computerid = c.id
WHERE c.id = %s AND (s.expires IS NULL OR s.expires < %s) LIMIT 1
"""
_OVERLAPPING = f"""
SELECT q.id FROM request q JOIN reservation r ON r.requestid = q.id
WHERE r.computerid = %s AND q.start < %s AND q.`end` > %s AND {_OCCUPIES}
"""  # noqa: S608
_GIVE_UP = "DELETE FROM semaphore WHERE procid = %s AND computerid = %s"
_REQUEST = """
INSERT INTO request (stateid, laststateid, userid, start, `end`, daterequested) VALUES (13, 13, %s, %s, %s, %s)
"""
_RESERVATION = """
INSERT INTO reservation (requestid, computerid, imageid, imagerevisionid, managementnodeid)
VALUES (%s, %s, %s, %s, %s)
"""
_END = "DELETE FROM semaphore WHERE procid = %s"


@dataclass(frozen=True, slots=True)
class Wish:
    """What a user of the front end asks for: one of `computers`, in the order of his liking (times: Unix seconds)."""

    computers: Sequence[int]
    start: int
    end: int
    user: int = 1
    image: int = 10
    revision: int = 10
    node: int = 10


@dataclass(frozen=True, slots=True)
class Step:
    """A statement of the front end; its parameters are those of the moment at which it is sent first."""

    letter: str  # of SPEC 8.7; "a" lists, "e" and "E" insert the request and the reservation
    statement: Callable[[int], tuple[str, Sequence[Any]]]


@dataclass
class FrontEnd:
    """One request of the front end, step by step.

    `computer` and `request` tell, at the end, what was reserved; None: nothing was to be had.
    """

    connection: Connection
    wish: Wish
    procid: str
    clock: Callable[[], float]
    life: int = SEMAPHORE_SECONDS  # of the other side's semaphores: it promises to be faster
    computer: int | None = None
    request: int | None = None
    blocked: int = 0  # how often a statement had to wait
    listed_at: float = 0.0
    claimed_at: float = 0.0
    sent: str = ""  # the letters of the statements done
    _steps: Generator[Step, Answer, None] = field(init=False)
    _next: Step | None = field(init=False)
    _ready: tuple[str, Sequence[Any]] | None = field(init=False, default=None)

    def __post_init__(self) -> None:
        self._steps = self._protocol()
        self._next = next(self._steps)

    @property
    def done(self) -> bool:
        """Whether all statements were sent."""
        return self._next is None

    @property
    def letter(self) -> str:
        """The letter of the statement that comes next, "" at the end."""
        return self._next.letter if self._next else ""

    @property
    def patience(self) -> float:
        """Seconds that may pass until its next statement, lest it breaks the promise of SPEC 8.7.

        From its list to its semaphore, and from there to its reservation, it takes less than a
        semaphore lives. Infinite when it has listed nothing yet, or has all it wants.
        """
        ends = []
        if self.letter in ("b", "c", "d", "x"):
            ends.append(self.listed_at)
        if self.letter in ("d", "x", "e", "E"):
            ends.append(self.claimed_at)
        return min(ends, default=math.inf) + self.life - self.clock()

    def advance(self) -> bool:
        """Send the next statement; False when it has to wait: it goes on at the next call."""
        if self._next is None:
            return True
        if self._ready is None:
            now = self.clock()
            if self._next.letter == "a":
                self.listed_at = now
            if self._next.letter == "c":
                self.claimed_at = now
            self._ready = self._next.statement(int(now))
        try:
            answer = self.connection.send(*self._ready)
        except Blocked:
            self.blocked += 1
            return False
        self.sent += self._next.letter
        self._ready = None
        try:
            self._next = self._steps.send(answer)
        except StopIteration:
            self._next = None
        return True

    def _protocol(self) -> Generator[Step, Answer, None]:
        wish = self.wish
        start, end = to_local(wish.start), to_local(wish.end)
        marks = ", ".join(["%s"] * len(wish.computers))
        answer = yield Step("a", lambda now: (_LIST.format(marks=marks), [*wish.computers, to_utc(now)]))
        listed = {row[0] for row in answer.rows}
        room = [to_local(wish.end + _QUARTER), to_local(wish.start - _QUARTER)]
        answer = yield Step("b", lambda now: (_TAKEN, [*room, end, start]))
        taken = {row[0] for row in answer.rows}
        for computer in wish.computers:
            if computer in listed - taken and (yield from self._reserve(computer, start, end)):
                break
        yield Step("f", lambda now: (_END, [self.procid]))

    def _reserve(self, computer: int, start: str, end: str) -> Generator[Step, Answer, bool]:
        """Steps (c) to (e) for one candidate; whether it was had."""
        wish = self.wish
        what = [wish.image, wish.revision, wish.node]

        def claim(now: int) -> tuple[str, Sequence[Any]]:
            expires = to_utc(now + SEMAPHORE_SECONDS)
            return _CLAIM, [*what, expires, self.procid, computer, to_utc(now)]

        answer = yield Step("c", claim)
        if answer.changed != 1:
            return False
        answer = yield Step("d", lambda now: (_OVERLAPPING, [computer, end, start]))
        if answer.rows:
            yield Step("x", lambda now: (_GIVE_UP, [self.procid, computer]))
            return False
        answer = yield Step("e", lambda now: (_REQUEST, [wish.user, start, end, to_local(now)]))
        request = answer.new_id
        yield Step("E", lambda now: (_RESERVATION, [request, computer, *what]))
        self.computer, self.request = computer, request
        return True


def connect(wait: int = 0) -> Connection:
    """A connection to the database that Django uses, as somebody else's, who waits so many seconds for locks."""
    from django.db import connection

    settings = connection.settings_dict
    if connection.vendor == "sqlite":
        return SQLiteConnection(settings["NAME"], wait)
    return MariaDBConnection(settings["OPTIONS"]["unix_socket"], settings["NAME"], wait)
