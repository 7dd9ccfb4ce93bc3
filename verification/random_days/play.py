"""Lets a day pass: the back end's rounds, the actions of users and staff, and our calls, all on one clock."""

import heapq
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from random import Random
from typing import Any
from unittest.mock import patch
from xmlrpc.client import Fault

import time_machine
from django.test import override_settings

from blockalloc import clock
from blockalloc.allocation import block_time_actions, service
from blockalloc.contract.messages import BlockAllocationCall, Caller, Refusal
from blockalloc.store import site_clock
from simulation.back_end.conditions import Conditions, Result, Visit
from simulation.back_end.events import Event, What
from simulation.back_end.loop import BackEnds
from simulation.back_end.site import Site
from simulation.front_end.block_times import Edited, edit_block_request, toggle_skip
from simulation.front_end.candidates import Wish
from simulation.front_end.extending import extend
from simulation.front_end.reserving import Reserving
from simulation.front_end.session import FrontEnd
from tests.golden.replay import in_process, make_call
from tests.support.connections import DjangoConnection
from verification.random_days import site
from verification.random_days.day import (
    ALLOCATED,
    BEGIN,
    FIRST_CLASS,
    FIRST_COMPUTER,
    HOUR,
    IMAGES,
    LOAD_MINUTES,
    MINUTE,
    OURS,
    STRANGER,
    ZONE,
    Action,
    Class,
    Day,
)
from verification.random_days.judge import Got, Judge
from verification.random_days.looks import Looks

CALLER = Caller(3, "vclsystem@Local")
ROUND = MINUTE  # seconds between two rounds of the back end; each does what was due meanwhile at its second
MIDNIGHT = 16 * HOUR  # seconds after the day's beginning
# Seconds after an allocation at which members of the classes come, most of them while loaded computers are held.
SOON = (0, 1, 2, 3, 4, 4, 5, 6, 8, 20, 44, 46)
MEMBERS_AFTER_A_LOAD = 0.3  # how likely
SLIPPING_IN = 0.005  # how likely a front end slips in before a look
USERS_AT_A_LOOK = 0.05  # how likely somebody lists candidates just before a look, or comes just after it


@contextmanager
def stage() -> Iterator[None]:
    """The settings of the days; the database server's clock, which is the real one, counts for the day's."""
    with (
        override_settings(TIME_ZONE=str(ZONE), VCL_ALLOW_PLAIN_HTTP=True),
        patch.object(site_clock, "database_ahead", lambda: 0),
    ):
        yield


@dataclass
class Played:
    """The results of a day."""

    number: int
    wrong: list[str]
    counts: dict[str, int]


def play(number: int, *, kept: bool = False) -> Played:
    """Play the day of this number on the database that Django uses; all its rows are replaced.

    `kept`: keep_ready looks at the classes every minute.
    """
    day = Day(number)
    with time_machine.travel(BEGIN, tick=False) as traveller:
        site.load(day)
        playing = Playing(day, traveller, kept=kept)
        playing.run()
    return Played(number, playing.judge.wrong, dict(playing.judge.counts))


class Playing:
    """A day that is being played."""

    def __init__(self, day: Day, traveller: time_machine.Traveller, *, kept: bool = False) -> None:
        self.day = day
        self.rng = Random(-day.number - 1)
        self._traveller = traveller
        connection = DjangoConnection()
        self.front_end = FrontEnd(connection, lambda: float(clock.now()), ZONE)
        self.back_ends = BackEnds(Site(connection, ZONE, self._process, self._conditions(), day.number), [site.NODE])
        self.judge = Judge(self.front_end, self.back_ends.site)
        self.looks = Looks(self.judge) if kept else None
        self.back_ends.site.log.watch = self._watch if kept else self.judge.watch
        self.times: dict[int, int] = {}  # class -> its block time
        self.requests: dict[int, list[int]] = {}  # class -> reservations of its members
        self._mails_seen = 0  # mails that were judged
        self._due = list(day.actions)  # a heap: in their order
        self._working = False  # the back end's processes are running: they are not run again meanwhile

    def run(self) -> None:
        """From the morning to a few minutes after midnight."""
        for now in range(BEGIN, self.day.end + 20 * MINUTE, ROUND):
            while self._due and self._due[0].at < now:
                action = heapq.heappop(self._due)
                self._go_to(max(action.at, clock.now()))
                self._do(action.what, action.number)
            self._round(now)
            self._look()
            if now % (20 * MINUTE) == 0:
                self.judge.inspect(clock.now())
        evening = self.day.end + 3 * HOUR
        for minutes in (2, 10, 20):
            self._round(evening + minutes * MINUTE)
        self.judge.at_the_end(clock.now())
        if self.looks is not None:
            self.looks.at_the_end(clock.now())
        for minute in range(1, 4):
            self._round(BEGIN + MIDNIGHT + minute * MINUTE)
        before = self.back_ends.site.log.forked.copy()
        for minute in range(4, 7):
            self._round(BEGIN + MIDNIGHT + minute * MINUTE)
        self.judge.nothing_is_forked(before)
        self.judge.inspect(clock.now())

    # --- time -----------------------------------------------------------------------------------

    def _go_to(self, now: float) -> None:
        """Let time pass; loads that end meanwhile have ended then."""
        if now > clock.now():
            self._traveller.move_to(now)
            if not self._working:
                self._working = True
                self.back_ends.site.processes.run(clock.now())
                self._working = False

    def _round(self, now: int) -> None:
        """A round of the back end; its calls to the service are over by then."""
        self._go_to(now)
        self._working = True
        self.back_ends.round(clock.now())
        self._working = False
        self._mails_seen = self.judge.mails(self._mails_seen)

    # --- calls and looks of ours ----------------------------------------------------------------

    def _look(self) -> None:
        """A look of keep_ready; now and then users have their list of candidates when it begins, or come after it."""
        if self.looks is None:
            return
        waiting = self._sessions_that_listed() if self.rng.random() < USERS_AT_A_LOOK else []
        if self.rng.random() < SLIPPING_IN:
            self._slip_in()
        self.looks.look(clock.now())
        for user in waiting:
            self._finish(user)
        if self.rng.random() < USERS_AT_A_LOOK:
            self._members_come(clock.now())

    def _slip_in(self) -> None:
        """A front end that was too slow to keep its promise has given a class's computer to a stranger (SPEC 8.7)."""
        reserved = {computer for computer, _ in self.judge.reserved(clock.now())}
        free = [each for each in self.judge.block_computers() if each.computer not in reserved]
        computers = [each for each in free if each.start > clock.now() + MINUTE]
        if computers:
            own = self.rng.choice(computers)
            request = site.reserve(own.computer, own.start, own.end)
            self.judge.gaps.add((own.computer, request))
            self.judge.counts["slipped in"] += 1

    def _watch(self, event: Event) -> None:
        """Let members come when a computer of theirs has been loaded, before the next look sees it."""
        self.judge.watch(event)
        if event.what is What.LOAD_ENDED and self.rng.random() < MEMBERS_AFTER_A_LOAD:
            of = {time for time, computer in self.judge.ours.get(event.request, ()) if computer == event.computer}
            for number in [each for each, time in self.times.items() if time in of]:
                heapq.heappush(self._due, Action(event.at + self.rng.randint(1, MINUTE), "member", number))

    def _process(self, block_time: int, ignore: int) -> Any:
        """The back end's call, over XML-RPC."""
        before = self.judge.block_computers()
        waiting = self._sessions_that_listed()
        answer = make_call(in_process, "XMLRPCprocessBlockTime", [block_time, ignore])
        if isinstance(answer, Fault):
            raise answer
        assert isinstance(answer, dict)
        self._asked_again(block_time)
        if "warning" in answer["status"]:
            self.judge.warned.add(block_time)
        self._after_call(before, waiting)
        return answer

    def _allocate(self, each: Class, block_time: int) -> int:
        before = self.judge.block_computers()
        waiting = self._sessions_that_listed()
        call = BlockAllocationCall(each.image, each.start, each.end, each.machines, each.group, True, block_time, None)
        try:
            allocated = service.allocate_block(call, CALLER)
        except Refusal:
            allocated = 0
        else:
            self._asked_again(block_time)
        self._after_call(before, waiting)
        return allocated

    def _asked_again(self, block_time: int) -> None:
        """A call asked for machines: what was released before no longer counts."""
        if self.looks is not None:
            self.looks.released.discard(block_time)

    def _after_call(self, before: Any, waiting: list["_User"]) -> None:
        self.judge.after_call(clock.now(), before)
        began = clock.now()
        for user in waiting:
            self._go_to(began + self.rng.randint(0, 4) if self.rng.random() < 0.8 else began)
            self._finish(user)
        if self.rng.random() < 0.6:
            self._members_come(began)

    # --- users ----------------------------------------------------------------------------------

    def _sessions_that_listed(self) -> list["_User"]:
        """Users who have their list of candidates when a call of ours begins, and go on when it is done."""
        if self.rng.random() < 0.7:
            return []
        users = [self._user(self.rng.choice(self.day.classes)) for _ in range(self.rng.randint(1, 2))]
        for user in users:
            while user.session.next_step in ("a", "o", "b", "B"):
                user.session.advance()
        return users

    def _members_come(self, began: int) -> None:
        for seconds in sorted(self.rng.choices(SOON, k=self.rng.randint(1, 3))):
            self._go_to(began + seconds)
            self._finish(self._user(self.rng.choice(self.day.classes)))

    def _user(self, each: Class | None, *, hours: tuple[int, int] | None = None) -> "_User":
        """A member of a class, who wants its image for some of its hours; None: a stranger."""
        now = clock.now()
        if each is None:
            start = now if self.rng.random() < 0.5 else now + self.rng.randrange(0, 2 * HOUR, 15 * MINUTE)
            hours = hours or (start, start + self.rng.choice((15, 30, 60)) * MINUTE)
        elif hours is None:
            begin = max(each.start, now // (15 * MINUTE) * 15 * MINUTE)
            begin = begin if begin < each.end else each.start
            hours = begin, each.end - (self.rng.choice((0, 0, 5, 10)) * MINUTE if each.end - begin > HOUR // 2 else 0)
        image = each.image if each is not None else self.rng.choice(IMAGES)
        user = self.rng.choice(each.members) if each is not None else STRANGER
        computers = list(range(FIRST_COMPUTER, FIRST_COMPUTER + self.day.computers))
        self.rng.shuffle(computers)
        wish = Wish(computers, *hours, user=user, image=image, revision=image, node=site.NODE)
        return _User(Reserving(self.front_end, wish, f"front-end-{self.rng.random()}"), each)

    def _finish(self, user: "_User") -> None:
        """Do all steps that are left; record the computers of the user's own class that rows of ours keep them off."""
        session = user.session
        if session.wish.end <= clock.now() + MINUTE:
            return
        while not session.done:
            if session.next_step == "c":
                user.note_if_ours(self.front_end)
            session.advance()
        if session.computer is None:
            self.judge.counts["nothing to be had"] += 1
            return
        assert session.request is not None
        group = user.of.group if user.of is not None else 0
        sent_on = "B" not in session.sent  # there were computers of the user's own class to try
        got = Got(group, session.computer, session.request, frozenset(user.own_held), sent_on)
        self.judge.got(clock.now(), got, (session.wish.start, session.wish.end))
        if user.of is not None:
            self.requests.setdefault(user.of.number, []).append(session.request)

    # --- actions --------------------------------------------------------------------------------

    def _do(self, what: str, number: int) -> None:
        each = self.day.classes[number]
        time = self.times.get(number)
        if what == "known":
            self._come_into_being(each)
        elif what == "stranger":
            self._finish(self._user(None))
        elif what == "evening":
            self._allocate_evening()
        elif what in ("member", "early"):
            early = (clock.now(), each.start) if what == "early" and each.start > clock.now() + 15 * MINUTE else None
            if clock.now() < each.end - 10 * MINUTE:
                self._finish(self._user(each, hours=early))
        elif what == "extend":
            for request in self.requests.get(number, [])[-1:]:
                extend(self.front_end, request, each.end, "front-end-extend").finish()
        elif time is not None:
            getattr(self, f"_{what}")(each, time)

    def _come_into_being(self, each: Class) -> None:
        if each.how == OURS:
            if self._allocate(each, 0):
                rows = self.front_end.connection.send("SELECT MAX(id) FROM blockTimes").rows
                self.times[each.number] = rows[0][0]
            return
        self.times[each.number] = time = site.insert(each)
        if each.how == ALLOCATED:
            self._allocate(each, time)

    def _allocate_evening(self) -> None:
        """A class after all others, on computers that they have or wait for."""
        image, group = self.rng.choice(IMAGES), self.rng.choice(self.day.classes).group
        start = self.day.end + 2 * HOUR
        self._allocate(Class(group - FIRST_CLASS, start, start + HOUR, self.rng.randint(1, 4), image, OURS, 0), 0)

    def _again(self, each: Class, time: int) -> None:
        """Somebody allocates once more, to replace lost computers."""
        self._allocate(each, time)

    def _release(self, each: Class, time: int) -> None:
        try:
            block_time_actions.release_block_time(time, CALLER)
        except Refusal:
            return
        self.judge.counts["released"] += 1
        if self.looks is not None:
            self.looks.released.add(time)

    def _skip(self, each: Class, time: int) -> None:
        """The front end's three statements; a call of ours may come between any two."""
        session = toggle_skip(self.front_end, time)
        between = self.rng.choice(("reloads", "computers", "skip", ""))
        while not session.done:
            if session.next_step == between:
                self._allocate(each, time)
            session.advance()
        self.judge.counts["skipped"] += 1

    def _edit(self, each: Class, time: int) -> None:
        """The form of its block request is saved again: the time to come gets another id, its reloads stay behind."""
        if each.start <= clock.now():
            return
        sql = "SELECT blockRequestid FROM blockTimes WHERE id = %s"
        for (request,) in self.front_end.connection.send(sql, [time]).rows:
            edited = Edited(each.image, each.machines, each.group, [(each.start, each.end)])
            new = edit_block_request(self.front_end, request, edited).finish()
            self.times[each.number] = new[0]
            self.judge.counts["edited"] += 1

    def _conditions(self) -> Conditions:
        day = self.day

        def seconds(_computer: int, image: int, chance: Random) -> int:
            load = int(LOAD_MINUTES[image] * MINUTE * chance.uniform(0.6, 1.2)) if image in LOAD_MINUTES else 300
            if chance.random() < 0.1:  # somebody wants computers just before it is done
                ends = self.back_ends.site.now + load
                heapq.heappush(self._due, Action(ends - chance.randint(1, 40), "evening", 0))
            return load

        def result(_computer: int, _image: int, chance: Random) -> Result:
            return Result.FAILED if chance.random() < day.failures else Result.LOADED

        def visit(request: int, _user: int) -> Visit:
            return Visit(None if Random(request).random() < 0.2 else 60)

        return Conditions(load_seconds=seconds, result=result, visit=visit)


@dataclass
class _User:
    """A user who is reserving, with their class."""

    session: Reserving
    of: Class | None
    own_held: set[int] = field(default_factory=set)

    def note_if_ours(self, front_end: FrontEnd) -> None:
        """Before the semaphore: record a computer of the user's own class with a row of ours that has not expired."""
        computer = self.session.tried
        if self.of is None or computer is None:
            return
        own = """
SELECT COUNT(*) FROM semaphore s JOIN blockComputers b ON b.computerid = s.computerid
JOIN blockTimes t ON t.id = b.blockTimeid JOIN blockRequest r ON r.id = t.blockRequestid
WHERE s.computerid = %s AND r.groupid = %s AND s.expires >= %s AND s.procid LIKE %s
"""
        params = [computer, self.of.group, front_end.utc(int(front_end.clock())), "blockalloc%"]
        if front_end.connection.send(own, params).rows[0][0]:
            self.own_held.add(computer)
