"""Our call and VCL's front end, statement by statement, in every order (SPEC 8.7).

Our call runs in this thread; at the places between its statements the front end does its next
steps. A step that would have to wait for a lock of ours goes on at the next place, as it would by
waiting. A schedule has the place at which each group of steps is due: "2:0" is the next group of
front end 0 at place 2. A schedule plays the same every time.
"""

import itertools
import random
import re
import time
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from math import comb
from typing import Any

import time_machine

from blockalloc.allocation import service
from blockalloc.contract import refusals
from blockalloc.contract.messages import Refusal
from simulation.connections import Blocked, Connection
from simulation.front_end.reserving import Reserving
from tests.support.boundaries import Boundary, at_boundaries
from tests.support.front_end import connect, reserving
from tests.support.sites.class_site import (
    BLOCK_TIME,
    CALLER,
    FIRST_COMPUTER,
    NOW,
    a_call,
    class_site,
    give_to_others,
    load,
)
from verification.front_end.scenarios import OTHER_BLOCK, Scenario

# Only tables that one side writes and the other reads or writes can make a difference: the front end
# writes semaphore, request and reservation, and reads blockComputers besides. Beside other
# statements of ours its steps have the same effect as at the next place. (It reads blockTimes as
# well, but our call's rows there are new, and are seen with blockComputers or not at all.)
MATTERS = re.compile(r"\b(semaphore|request|reservation|blockComputers)\b|^COMMIT$|^ROLLBACK$")

Schedule = Sequence[tuple[int, int]]  # (place, front end), in order

_EMPTIED = ("blockComputers", "reservation", "request", "semaphore")


@dataclass
class Run:
    """The results of one interleaving. `words` are those that `read` understands."""

    answer: int
    sessions: Sequence[Reserving]
    commits: int
    places: int
    faults: list[str] = field(default_factory=list)
    words: str = ""

    @property
    def exchanged(self) -> bool:
        """Whether our call had to look for other computers."""
        return self.commits > 2

    @property
    def blocked(self) -> int:
        """Steps of front ends that had to wait for us."""
        return sum(session.blocked for session in self.sessions)


@contextmanager
def stage(scenario: Scenario) -> Iterator[Connection]:
    """The site of a scenario, and the connection of everybody but us."""
    blocks = 2 + scenario.classes
    with class_site(computers=scenario.computers, machines=scenario.machines, blocks=blocks):
        move_other_block()
        give_to_others(range(OTHER_BLOCK + 1, OTHER_BLOCK + 1 + scenario.classes))
        if scenario.loaded:
            load(range(FIRST_COMPUTER, FIRST_COMPUTER + scenario.computers))
        others = connect()
        try:
            yield others
        finally:
            others.close()


def move_other_block() -> None:
    """The second block time is a day later."""
    from django.db import connection

    with connection.cursor() as cursor:
        cursor.execute(
            "UPDATE blockTimes SET start = '2026-03-03 14:00:00', `end` = '2026-03-03 16:00:00' WHERE id = %s",
            [OTHER_BLOCK],
        )
        cursor.execute("UPDATE blockRequest SET expireTime = '2026-03-03 16:00:00' WHERE id = %s", [OTHER_BLOCK])


def play(scenario: Scenario, schedule: Schedule, others: Connection) -> Run:
    """Play one interleaving and judge it."""
    empty(others)
    sessions = [
        reserving(others, wish, f"front-end-{n}", time.time, promise=scenario.promise)
        for n, wish in enumerate(scenario.wishes)
    ]
    with time_machine.travel(NOW, tick=False) as traveller:
        scenario.setup(others, sessions)
        stepping = Stepping(scenario, schedule, sessions, others, traveller.shift)
        with at_boundaries(stepping.visit):
            answer = call(scenario.machines)
        stepping.finish()
    run = Run(answer, sessions, stepping.commits, stepping.place + 1, words=in_words(scenario, schedule))
    run.faults += judge(
        others, answer, {s.request for s in stepping.listed_late}, knowing={s.request for s in stepping.read_late}
    )
    if scenario.enough_for_all:
        run.faults += _liveness(run, scenario.machines)
    return run


def empty(others: Connection) -> None:
    """Delete the rows that runs leave behind."""
    for table in _EMPTIED:
        others.send(f"DELETE FROM {table}")  # noqa: S608 - names are our own


def call(machines: int, block_time: int = BLOCK_TIME) -> int:
    """Our call; a refusal counts as no machine."""
    try:
        return service.allocate_block(a_call(machines, block_time=block_time), CALLER)
    except Refusal as refusal:
        return -refusal.code


class Stepping:
    """Lets the front ends do their steps at the places of a schedule."""

    def __init__(
        self,
        scenario: Scenario,
        schedule: Schedule,
        sessions: Sequence[Reserving],
        others: Connection,
        pause: Callable[[float], None],
    ) -> None:
        self._pause = pause
        self._paused: set[tuple[int, str]] = set()
        self._scenario = scenario
        self._moves = list(schedule)
        self._sessions = sessions
        self._others = others
        self._owed = [0] * len(sessions)  # steps that are due
        self._group = [0] * len(sessions)
        self._hooks = dict(scenario.after_step)
        self._hook: Callable[[Connection], None] | None = None  # due before any other step
        self._wrote = False
        self.place = 0
        self.commits = 0
        self.listed_late: list[Reserving] = []  # sessions that listed when our rows were there
        self.read_late: list[Reserving] = []  # sessions that read the computers of their classes then

    def visit(self, boundary: Boundary) -> None:
        """A place of our call."""
        if not MATTERS.search(boundary.sql):
            return
        if not boundary.after:
            self._step_in()
            return
        self.place += 1
        if "INTO `blockComputers`" in boundary.sql:
            self._wrote = True
        if boundary.sql == "COMMIT":
            self.commits += 1
            if self.commits == 1 and self._scenario.after_claims:
                self._scenario.after_claims(self._others)

    def finish(self) -> None:
        """Our call is over: the front ends end theirs."""
        self._let_pass(self._scenario.wait)
        self._moves = [(0, session) for _, session in self._moves]
        self._step_in()
        for session in self._sessions:
            while not session.done:
                assert self._advance(session), "no lock is left to wait for"

    def _step_in(self) -> None:
        for number in range(len(self._sessions)):
            self._pay(number)
        while self._moves and self._moves[0][0] <= self.place:
            _, number = self._moves.pop(0)
            groups, group = self._scenario.groups, self._group[number]
            self._owed[number] += groups[group] if group < len(groups) - 1 else 1000
            self._group[number] += 1
            self._pay(number)

    def _pay(self, number: int) -> None:
        session = self._sessions[number]
        while self._owed[number] and not session.done:
            if not self._advance(session):
                return
            self._owed[number] -= 1

    def _advance(self, session: Reserving) -> bool:
        """The next step of a front end; the reads of (b) are one."""
        if not self._hook_done():
            return False
        while True:
            letter = session.next_step
            self._pause_before(session, letter)
            if not session.advance():
                return False
            if self._wrote and letter in ("a", "o"):
                (self.listed_late if letter == "a" else self.read_late).append(session)
            if session.next_step not in ("b", "B"):
                break
        self._hook = self._hooks.pop(letter, None)
        return True

    def _pause_before(self, session: Reserving, letter: str) -> None:
        """The pause of a scenario, once for each front end: a statement that has to wait is not made anew."""
        if letter in self._scenario.pauses and (id(session), letter) not in self._paused:
            self._paused.add((id(session), letter))
            self._let_pass(self._scenario.pauses[letter])

    def _let_pass(self, seconds: float) -> None:
        """A pause applies to everybody; it is never so long that a front end breaks its promise."""
        seconds = min([seconds, *(session.patience - 0.5 for session in self._sessions if not session.done)])
        if seconds > 0:
            self._pause(seconds)

    def _hook_done(self) -> bool:
        """Run the hook of a step of the front end; on SQLite it has to wait for us, as the front end has."""
        if self._hook:
            try:
                self._hook(self._others)
            except Blocked:
                return False
            self._hook = None
        return True


# --- schedules ------------------------------------------------------------------------------------


def number_of_schedules(scenario: Scenario) -> int:
    """How many ways there are to place the groups of one front end."""
    return comb(scenario.places + len(scenario.groups) - 1, len(scenario.groups))


def all_schedules(scenario: Scenario) -> Iterator[Schedule]:
    """Every placement of the groups of statements of a scenario with one front end."""
    assert len(scenario.wishes) == 1
    for places in itertools.combinations_with_replacement(range(scenario.places), len(scenario.groups)):
        yield [(place, 0) for place in places]


def schedules(scenario: Scenario, at_most: int | None) -> Iterable[Schedule]:
    """All schedules, or `at_most` of them, spread evenly; of two front ends random ones, the same every time."""
    if len(scenario.wishes) > 1:
        return _drawn(scenario, at_most or 20_000)
    total = number_of_schedules(scenario)
    every = 1 if at_most is None else max(total // at_most, 1)
    # An odd distance: with an even one the last group would be met at few of its places only.
    return itertools.islice(all_schedules(scenario), 0, None, every | 1)


def _drawn(scenario: Scenario, number: int) -> Iterator[Schedule]:
    rng = random.Random(scenario.name)
    for _ in range(number):
        places = (
            (place, session)
            for session in range(len(scenario.wishes))
            for place in sorted(rng.randrange(scenario.places) for _ in scenario.groups)
        )
        # Which of two front ends is first at a place is drawn as well; each keeps its own order.
        yield sorted(places, key=lambda move: (move[0], rng.random()))


def in_words(scenario: Scenario, schedule: Schedule) -> str:
    """A schedule in words that `read` understands."""
    return f"{scenario.name} {' '.join(f'{place}:{session}' for place, session in schedule)}"


def read(words: Sequence[str]) -> Schedule:
    """The schedule of words like "2:0"."""
    moves = (word.partition(":") for word in words)
    return [(int(place), int(session)) for place, _, session in moves]


# --- the judge ------------------------------------------------------------------------------------

# Computers that a block and a user have at once. Adopted ones are not among them: they are a member's own, of the
# block's image, and their reload is over when the reservation begins.
_TWICE = """
SELECT b.blockTimeid, b.computerid, q.id, q.start < t.`end` AND q.`end` > t.start,
  r.imageid = b.imageid AND q.userid IN (SELECT m.userid FROM usergroupmembers m WHERE m.usergroupid = w.groupid),
  l.`end` <= q.start
FROM blockComputers b
JOIN blockTimes t ON t.id = b.blockTimeid
JOIN blockRequest w ON w.id = t.blockRequestid
JOIN request l ON l.id = b.reloadrequestid
JOIN reservation r ON r.computerid = b.computerid
JOIN request q ON q.id = r.requestid
WHERE q.stateid NOT IN (5, 12, 19) AND NOT (q.stateid = 14 AND q.laststateid = 19)
  AND q.start < t.`end` AND (q.`end` > t.start OR q.`end` > l.start)
"""

_HALF = """
SELECT 'a reload without a computer of a block', q.id FROM request q
WHERE q.stateid = 19 AND q.id NOT IN (SELECT reloadrequestid FROM blockComputers)
UNION ALL
SELECT 'a request without a reservation', q.id FROM request q
WHERE q.id NOT IN (SELECT requestid FROM reservation)
UNION ALL
SELECT 'a computer of a block without its reload', b.computerid FROM blockComputers b
LEFT JOIN reservation r ON r.requestid = b.reloadrequestid AND r.computerid = b.computerid
WHERE r.id IS NULL
UNION ALL
SELECT 'a claim of a call that is over', computerid FROM semaphore WHERE procid LIKE 'blockalloc:%'
UNION ALL
SELECT 'a semaphore of a front end that is done', computerid FROM semaphore WHERE procid LIKE 'front-end-%'
"""


# Block times that were made by calls of ours.
_NEW_BLOCKS = (
    "SELECT n.id FROM blockTimes n JOIN blockRequest w ON w.id = n.blockRequestid WHERE SUBSTR(w.name, 1, 4) = 'API:'"
)


def judge(
    others: Connection,
    answer: int,
    late: Collection[int | None],
    block_time: int = BLOCK_TIME,
    had: Collection[int] = (),
    *,
    knowing: Collection[int | None] = (),
    unlucky: Collection[int | None] = (),
) -> list[str]:
    """What is wrong with the rows, in words.

    `late` are requests of front ends that listed their candidates when the block had its computers
    already: those avoid the class, but not its reloads, which they don't look for. `had` are
    computers that blocks had before anything began: all front ends were late for them.

    A member may take a computer of their own class before its reload is over when it was offered to them as
    such: requests `knowing` read the computers of their classes when ours were written. Requests
    `unlucky` lost the computers of their own classes to other users, and so were let have those of
    others, by the front end alone.
    """
    faults = []
    for block, computer, request, in_class, own, loaded in others.send(_TWICE).rows:
        foreseen = request in late or computer in had
        if own and (loaded or computer in had or request in knowing):
            continue
        if foreseen and (not in_class or request in unlucky):
            continue
        faults.append(f"computer {computer} is in block time {block} and reserved by request {request}")
    faults += [f"{what}: {id_}" for what, id_ in others.send(_HALF.replace("%", "%%")).rows]
    of = f"t.id = {block_time}" if block_time else f"t.id IN ({_NEW_BLOCKS})"
    ((count,),) = others.send(
        f"SELECT COUNT(*) FROM blockComputers b JOIN blockTimes t ON t.id = b.blockTimeid WHERE {of}"  # noqa: S608
    ).rows
    # A call that was held up for so long that its claims ran out twice says so, and has taken nothing.
    held_up = answer == -refusals.BUSY and count <= len(had)
    if answer != count and not held_up:
        faults.append(f"the answer was {answer}, the block time has {count}")
    return faults


def _liveness(run: Run, machines: int) -> Iterator[str]:
    if run.answer != machines:
        yield f"{run.answer} machines, though there are enough for all"
    for session in run.sessions:
        if session.computer is None:
            yield f"{session.procid} got no computer, though there are enough for all"


# --- counting -------------------------------------------------------------------------------------


@dataclass
class Tally:
    """Sums over many runs, and the runs that went wrong."""

    runs: int = 0
    exchanges: int = 0
    blocked: int = 0
    ours: int = 0  # machines that we got
    theirs: int = 0  # computers that front ends got
    wrong: list[Run] = field(default_factory=list)

    def add(self, run: Run) -> None:
        """Count one run."""
        self.runs += 1
        self.exchanges += run.exchanged
        self.blocked += run.blocked
        self.ours += max(run.answer, 0)
        self.theirs += sum(session.computer is not None for session in run.sessions)
        if run.faults:
            self.wrong.append(run)


def play_all(scenario: Scenario, at_most: int | None, also: Callable[[Run], Any] = lambda run: None) -> Tally:
    """Play the schedules of a scenario; `also` sees each run, with its rows in the database."""
    tally = Tally()
    with stage(scenario) as others:
        for schedule in schedules(scenario, at_most):
            run = play(scenario, schedule, others)
            also(run)
            tally.add(run)
    return tally
