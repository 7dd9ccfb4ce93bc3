"""Our call and up to three front ends at random: the rows, the wishes, and when each side goes on.

Everything is drawn from one number, so that a run can be played again. The clock, which both sides
read, is stopped but for the pauses that are drawn. A front end keeps the promise that SPEC 8.7
asks of it; our call may be held up for any time, at any place but one: see `_longest_commit`.

Loaded runs also draw computers with the image loaded, other classes at overlapping hours, and
members of them; their front ends are faster, as the short hold of loaded computers asks.
"""

import math
import random
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field

import time_machine

from blockalloc.store import claims
from blockalloc.store.times import to_utc
from simulation.connections import Connection
from simulation.front_end.reserving import Reserving
from simulation.front_end.semaphores import SEMAPHORE_SECONDS
from tests.golden import tables
from tests.support.boundaries import Boundary, at_boundaries
from tests.support.front_end import a_wish, connect, reserving
from tests.support.sites.class_site import (
    BLOCK_TIME,
    END,
    IMAGE,
    NOW,
    OTHER_MEMBER,
    START,
    ZONE,
    class_site,
    give_to_others,
)
from verification.front_end.interleavings import Run, call, empty, judge, move_other_block
from verification.front_end.loaded import LISTING_SECONDS
from verification.front_end.scenarios import (
    AFTERWARDS,
    CLASS,
    DAY,
    HOUR,
    IN_RELOAD,
    MEMBER,
    OTHER_BLOCK,
    block_computer,
    reservation,
    semaphore,
)

COMPUTERS, MACHINES = range(10, 15), 3
CLASSES = (OTHER_BLOCK + 1, OTHER_BLOCK + 2)  # of other groups, at the hours of ours
OLD_REVISION = 11
PLAIN, LOADED = "random", "random-loaded"  # the first word of a run
_WINDOWS = (
    CLASS, (START, END), (START - HOUR // 2, START + 600), (END - 600, END + HOUR), IN_RELOAD,
    AFTERWARDS, (START + DAY, END + DAY),
)  # fmt: skip


@dataclass
class Draw:
    """One random run, all of which follows from its number."""

    number: int
    others: Connection
    loaded: bool = False
    sessions: list[Reserving] = field(default_factory=list)
    had: set[int] = field(default_factory=set)  # computers that blocks have from the beginning
    in_block: int = 0  # how many of them the block of our call has
    lost_to_us: set[str] = field(default_factory=set)  # procids of front ends that rows of ours kept off

    def __post_init__(self) -> None:
        self.rng = random.Random(self.number)
        self.machines = self.rng.randint(1, MACHINES)
        self.block_time = self.rng.choice((BLOCK_TIME, BLOCK_TIME, BLOCK_TIME, 0))

    def set_up(self) -> None:
        """Draw the rows, and the users' wishes."""
        kinds = (*[_nothing] * 4, *_SETUPS, *([_of_another_class] * 5 if self.loaded else ()))
        for computer in COMPUTERS:
            kind = self.rng.choice(kinds)
            kind(self, computer)
        if self.loaded:
            self._set_images()
        users = (1, MEMBER, MEMBER, MEMBER + 1, OTHER_MEMBER) if self.loaded else (1, 1, MEMBER)
        for number in range(self.rng.randint(1, 3)):
            computers = self.rng.sample(COMPUTERS, self.rng.randint(1, 5))
            user = self.rng.choice(users)
            wish = a_wish(computers, *self.rng.choice(_WINDOWS), user=user)
            name = "front-end" if self.rng.random() < 0.85 else _DIES
            promise = LISTING_SECONDS if self.loaded else SEMAPHORE_SECONDS
            self.sessions.append(reserving(self.others, wish, f"{name}-{number}", time.time, promise=promise))

    def _set_images(self) -> None:
        """Most computers have the image of the class loaded, some of them another revision of it."""
        for computer in COMPUTERS:
            image, revision = self.rng.choice(((IMAGE, IMAGE), (IMAGE, IMAGE), (IMAGE, OLD_REVISION), (1, 1)))
            self.others.send(
                "UPDATE computer SET currentimageid = %s, imagerevisionid = %s WHERE id = %s",
                [image, revision, computer],
            )

    def few(self) -> int:
        """A number of steps, small ones more often."""
        return min(int(self.rng.expovariate(0.5)) + 1, 9)


_DIES = "dies"  # in the names of front ends that end after their semaphore, and leave it behind


def _nothing(draw: Draw, computer: int) -> None:
    """The computer is free."""


def _stale(draw: Draw, computer: int) -> None:
    semaphore(draw.others, computer, -draw.rng.randint(1, 90), "died")


def _dying(draw: Draw, computer: int) -> None:
    semaphore(draw.others, computer, draw.rng.randint(0, 44), "died")


def _reserved(draw: Draw, computer: int) -> None:
    reservation(draw.others, computer, *draw.rng.choice(_WINDOWS), state=draw.rng.choice((13, 8, 12)))


def _of_member(draw: Draw, computer: int) -> None:
    start = START + draw.rng.choice((-HOUR, 0, 600))
    reservation(draw.others, computer, start, start + HOUR, MEMBER)


def _in_block(draw: Draw, computer: int) -> None:
    """An earlier call for the block has it; our call asks for no fewer machines than there are."""
    if draw.in_block == MACHINES:
        return
    draw.in_block += 1
    draw.machines = max(draw.machines, draw.in_block)
    block_computer(draw.others, computer, BLOCK_TIME, START)
    draw.had.add(computer)


def _with_hold(draw: Draw, computer: int) -> None:
    """An earlier call for another day has it, and its hold has not expired yet."""
    block_computer(draw.others, computer, OTHER_BLOCK, START + DAY)
    semaphore(draw.others, computer, draw.rng.randint(0, 45), f"blockalloc-held:{OTHER_BLOCK}.earlier")
    draw.had.add(computer)


def _of_another_class(draw: Draw, computer: int) -> None:
    """A class of another group has it, at the same hours."""
    block_computer(draw.others, computer, draw.rng.choice(CLASSES), START)
    draw.had.add(computer)


_SETUPS: Sequence[Callable[[Draw, int], None]] = (_stale, _stale, _dying, _reserved, _of_member, _in_block, _with_hold)


_KEPT_OFF_BY_US = """
SELECT s.computerid FROM semaphore s
JOIN blockComputers b ON b.computerid = s.computerid
JOIN blockTimes t ON t.id = b.blockTimeid
JOIN blockRequest w ON w.id = t.blockRequestid
JOIN usergroupmembers m ON m.usergroupid = w.groupid
WHERE s.computerid = %s AND m.userid = %s AND s.expires >= %s AND s.procid LIKE %s
"""


class _Driver:
    """Draws, at every place of our call, how long everybody pauses and which front ends go on."""

    def __init__(self, draw: Draw, traveller: time_machine.Traveller) -> None:
        self._draw = draw
        self._traveller = traveller
        self._hurry = draw.rng.choice((0.1, 0.3, 0.6))  # how likely front ends go on at a place
        self._pauses = draw.rng.choice((0.0, 0.1, 0.3))  # how likely the clock goes on
        self._writing = False
        self._wrote = False
        self.commits = 0
        self.listed_late: list[Reserving] = []
        self.read_late: list[Reserving] = []

    def visit(self, boundary: Boundary) -> None:
        """A place of our call."""
        if boundary.after and "INTO `blockComputers`" in boundary.sql:
            self._writing = True
        if boundary.after and boundary.sql == "COMMIT":
            self.commits += 1
            self._wrote = self._wrote or self._writing
        if boundary.after and boundary.sql in ("COMMIT", "ROLLBACK"):
            self._writing = False
        committing = boundary.sql == "COMMIT" and not boundary.after and self._writing
        self._pause(_longest_commit() if committing else math.inf)
        while self._draw.rng.random() < self._hurry:
            self._go_on(self._draw.rng.choice(self._draw.sessions), self._draw.few())

    def finish(self) -> None:
        """Our call is over: the front ends end theirs, in any order."""
        while waiting := [session for session in self._draw.sessions if not self._is_over(session)]:
            self._pause(math.inf)
            self._go_on(self._draw.rng.choice(waiting), 1)

    def _pause(self, at_most: float) -> None:
        rng = self._draw.rng
        if rng.random() >= self._pauses:
            return
        seconds = rng.choice((0.5, 1, 3, 10, 20, 30, 44, 44.5, 46, 100))
        seconds = min([seconds, at_most, *(s.patience - 0.5 for s in self._draw.sessions if not self._is_over(s))])
        if seconds > 0:
            self._traveller.shift(seconds)

    def _go_on(self, session: Reserving, steps: int) -> None:
        for _ in range(steps):
            letter = session.next_step
            if self._is_over(session) or not session.advance():
                return
            if self._wrote and letter in ("a", "o"):
                (self.listed_late if letter == "a" else self.read_late).append(session)
            if letter == "c" and session.next_step != "d":
                self._see_who_was_faster(session)

    def _see_who_was_faster(self, session: Reserving) -> None:
        """A front end was kept off a computer: remember when it is its user's class's, and the row is ours."""
        now = to_utc(int(time.time()))
        if self._draw.others.send(_KEPT_OFF_BY_US, [session.tried, session.wish.user, now, "blockalloc%"]).rows:
            self._draw.lost_to_us.add(session.procid)

    def was_unlucky(self, session: Reserving) -> bool:
        """Whether a front end had computers of the user's classes to offer, and lost them to users, not to us."""
        return "B" not in session.sent and session.procid not in self._draw.lost_to_us

    @staticmethod
    def _is_over(session: Reserving) -> bool:
        return session.done or (session.procid.startswith(_DIES) and session.next_step in ("d", "e"))


def _longest_commit() -> int:
    """How long the COMMIT that makes the rows known may take, once the call has seen that it is in time."""
    return claims.margin() - claims.margin() // 2


@contextmanager
def stage() -> Iterator[Connection]:
    """The site of the random runs, and the connection of everybody but us."""
    from django.db import connection

    with class_site(computers=len(COMPUTERS), machines=MACHINES, blocks=2 + len(CLASSES)):
        move_other_block()
        give_to_others(CLASSES)
        old = {"id": OLD_REVISION, "imageid": IMAGE, "revision": 1, "userid": 1, "production": 0, "imagename": "old"}
        tables.insert("imagerevision", [{**old, "datecreated": "2025-01-01 10:00:00", "deleted": 0}], ZONE)
        with connection.cursor() as cursor:  # the node stays alive however long a call is held up
            cursor.execute("UPDATE managementnode SET lastcheckin = '2026-03-02 16:00:00'")
        others = connect()
        try:
            yield others
        finally:
            others.close()


def play(number: int, others: Connection, *, loaded: bool = False) -> Run:
    """Play the random run of a number and judge it."""
    empty(others)
    others.send("UPDATE computer SET currentimageid = 1, imagerevisionid = 1")
    draw = Draw(number, others, loaded)
    with time_machine.travel(NOW, tick=False) as traveller:
        draw.set_up()
        driver = _Driver(draw, traveller)
        with at_boundaries(driver.visit):
            answer = call(draw.machines, draw.block_time)
        driver.finish()
        run = Run(answer, draw.sessions, driver.commits, 0, words=f"{LOADED if loaded else PLAIN} {number}")
        run.faults += judge(
            others, answer, _requests(driver.listed_late), draw.block_time, draw.had,
            knowing=_requests(driver.read_late), unlucky=_requests(filter(driver.was_unlucky, draw.sessions)),
        )  # fmt: skip
    if draw.block_time == 0:  # its rows go with it
        others.send(f"DELETE FROM blockRequest WHERE id > {CLASSES[-1]:d}")  # noqa: S608 - a number
    return run


def _requests(sessions: Iterable[Reserving]) -> set[int | None]:
    return {session.request for session in sessions}
