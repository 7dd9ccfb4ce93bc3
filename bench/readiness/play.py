"""Plays one day: the same people, the same loads, with each kind of rows."""

import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from random import Random
from typing import Any, TypeVar

import time_machine
from django.db import connection
from django.db.backends.signals import connection_created
from django.test import override_settings

from bench.readiness import site
from bench.readiness.cells import Cell, Rows, Trouble
from bench.readiness.passes import Pass, put_right, said_at_allocation, said_last
from bench.readiness.played import ClassPlayed, Played, Said
from bench.readiness.watch import Seats, Watch
from blockalloc.allocation import service
from blockalloc.contract.messages import Caller
from simulation.connections import Connection
from simulation.days.day import Day
from simulation.days.demand import Arrival, Demand
from simulation.days.loads import Loads
from simulation.days.people import People
from simulation.days.staff import Staff
from simulation.days.users import Users

_Result = TypeVar("_Result")
MINUTE, HOUR = 60, 3600
CALLER = Caller(3, "vclsystem@Local")
_AFTER = 15 * MINUTE  # to be played after the start
_LAST = 30 * MINUTE  # before the start, after which nothing that is said counts
_REPAIR = 2 * HOUR  # after which staff have put a failed computer right
_VCL_PRELOAD = """
UPDATE request SET preload = 0 WHERE stateid = 19 AND laststateid = 19 AND preload = 1
AND id IN (SELECT b.reloadrequestid FROM blockComputers b WHERE b.blockTimeid = %s)
"""


@contextmanager
def stage() -> Iterator[None]:
    """The settings of the days."""
    with override_settings(TIME_ZONE=str(site.ZONE), VCL_ALLOW_PLAIN_HTTP=True, VCL_MAX_BLOCK_MACHINES=255):
        yield


class Clock:
    """The service's clock, which is put to the day's time whenever the service is called.

    That is Python's clock in this process. A MariaDB session gets the time by `SET timestamp`, which its NOW() and
    UTC_TIMESTAMP() follow: the service compares the database's clock with its own.
    """

    def __init__(self, traveller: time_machine.Traveller) -> None:
        self._traveller = traveller
        self._now = 0

    def go_to(self, now: int) -> None:
        """Let it be `now` (Unix seconds) for the service."""
        self._now = now
        self._traveller.move_to(now)
        self._set_session_time()

    @contextmanager
    def for_new_sessions(self) -> Iterator[None]:
        """Meanwhile sessions that Django opens anew get the time, too."""
        connection_created.connect(self._set_session_time)
        try:
            yield
        finally:
            connection_created.disconnect(self._set_session_time)
            if connection.vendor == "mysql":
                with connection.cursor() as cursor:
                    cursor.execute("SET timestamp = DEFAULT")

    def _set_session_time(self, **_signal: Any) -> None:
        if connection.vendor == "mysql" and connection.connection is not None:
            with connection.cursor() as cursor:
                cursor.execute("SET timestamp = %s", [self._now])


def play(cell: Cell, seed: int, rows: Rows, doubles: Connection, run_pass: Pass) -> Played:
    """Play the day of this seed on the database that Django uses; all its rows are replaced.

    `doubles`: the connection of VCL's programs. `run_pass` is called each minute when classes are to be kept ready.
    """
    begun = time.perf_counter()
    policy = "vcl" if rows is Rows.VCL else "ready"
    with override_settings(VCL_RELOAD_POLICY=policy), time_machine.travel(site.begin(cell), tick=False) as traveller:
        clock = Clock(traveller)
        with clock.for_new_sessions():
            site.load(cell, seed)
            playing = _Playing(cell, seed, rows, doubles, clock, run_pass)
            playing.run()
            return playing.result(time.perf_counter() - begun)


class _Playing:
    """A day that is being played."""

    def __init__(self, cell: Cell, seed: int, rows: Rows, doubles: Connection, clock: Clock, run_pass: Pass) -> None:
        self._cell, self._seed, self._rows, self._clock, self._run_pass = cell, seed, rows, clock, run_pass
        self._begin = begin = site.begin(cell)
        away = [(begin, begin + HOUR)] if cell.trouble is Trouble.AWAY else []
        loads = Loads(minutes=cell.load_minutes, law=cell.law, failing=cell.failing)
        self._day = day = Day(
            doubles, site.ZONE, begin, site.nodes(cell), self._process, loads=loads, away=away, seed=seed
        )
        self._classes = site.block_times(cell)
        self._watch = Watch(day, self._classes)
        computers = list(site.computers(cell))
        self._users = Users(day, People(doubles, site.users(cell)), computers, seed)
        self._members = {
            each: Users(day, People(doubles, site.members(cell, each)), computers, seed) for each in self._classes
        }
        self._staff = Staff(day, site.nodes(cell)[0], _REPAIR)
        self._free: int | None = None
        self._calls: list[float] = []
        self._passes: list[float] = []
        self._said_last: dict[int, Said | None] = {}

    def run(self) -> None:
        """From the morning to a quarter of an hour after the start of the classes."""
        day, cell = self._day, self._cell
        known = site.START - 10 * MINUTE if cell.trouble is Trouble.LATE else self._begin
        day.at(known, lambda: site.insert_classes(cell))
        self._people_come()
        if self._rows is Rows.KEPT:
            # It has been running for long, and the service knows that when it is called. The pass comes after the users
            # of the morning, whose rows are older: rows that a later pass took for new would put the clock in doubt.
            self._pass()
        self._trouble()
        day.at(self._begin + MINUTE // 2, lambda: day.every(MINUTE, self._each_minute))
        day.run(site.START - _LAST)
        self._said_last = {each: said_last(each) for each in self._classes}
        self._at_start = self._seats_at(site.START)
        self._put_right = {each: put_right(each) for each in self._classes}
        self._said = {each: said_at_allocation(each) for each in self._classes}
        self._later = self._seats_at(site.START + 5 * MINUTE)
        day.run(site.START + _AFTER)

    def result(self, seconds: float) -> Played:
        """What came of it."""
        users = self._users.tally
        return Played(
            rows=self._rows,
            seed=self._seed,
            classes=tuple(self._of_class(each) for each in self._classes),
            free=self._free or 0,
            users=users.came,
            refused=users.refused,
            others_no_turn=self._watch.others_no_turn,
            calls=tuple(self._calls),
            passes=sum(self._passes) / len(self._passes) if self._passes else 0.0,
            seconds=seconds,
        )

    def _of_class(self, block_time: int) -> ClassPlayed:
        counts, seats = self._watch.counts[block_time], self._at_start[block_time]
        exchanged, loaded_again, added = self._put_right[block_time]
        return ClassPlayed(
            seats=self._cell.seats,
            ready=seats.ready,
            ready_later=self._later[block_time].ready,
            wrong=dict(seats.wrong),
            dropped=counts.dropped,
            ended_by_users=counts.ended_by_users,
            failed=counts.failed,
            no_turn=counts.no_turn,
            longest_wait=counts.longest_wait,
            taken=counts.minutes_taken(),
            members_refused=self._members[block_time].tally.refused,
            exchanged=exchanged,
            loaded_again=loaded_again,
            added=added,
            at_allocation=self._said[block_time],
            at_last=self._said_last[block_time],
        )

    def _seats_at(self, instant: int) -> dict[int, Seats]:
        """The seats of each class at that second, until when the day is played."""
        self._day.run(instant)
        return {each: self._watch.seats(each, self._cell.seats) for each in self._classes}

    def _people_come(self) -> None:
        cell, chance = self._cell, Random(f"{self._seed} people")
        demand = Demand(cell.users, cell.computers, site.shares(cell, cell.wanted))
        self._users.seat(demand.present(self._begin, chance), Random(f"{self._seed} seats"))
        for arrival in demand.arrivals(self._begin, site.START + _AFTER, chance):
            self._users.expect(arrival)
        minutes = (site.END - site.START) // MINUTE
        for block_time, theirs in self._members.items():
            for _ in range(cell.seats):
                at = site.START + chance.randint(1, 10 * MINUTE)
                theirs.expect(Arrival(at, site.image_of(cell, block_time), minutes, chosen_end=True))

    def _trouble(self) -> None:
        day, trouble = self._day, self._cell.trouble
        if trouble is Trouble.DEAD_NODE:
            day.stop_node(site.nodes(self._cell)[0], site.START - HOUR)
        elif trouble is Trouble.MAINTENANCE:
            day.at(site.START - HOUR, lambda: self._staff.maintain_some_of(site.BLOCK_TIME, 2))

    def _process(self, block_time: int, ignore_privileges: int) -> Mapping[str, Any]:
        """The back end's call."""
        if self._free is None:
            self._free = self._watch.free_computers()
        self._clock.go_to(self._day.now)
        outcome = _timed(self._calls, lambda: service.process_block_time(block_time, bool(ignore_privileges), CALLER))
        if self._rows is Rows.VCL:
            self._day.front_end.connection.send(_VCL_PRELOAD, [block_time])
        return {"status": outcome.status, "allocated": outcome.allocated, "unallocated": outcome.unallocated}

    def _each_minute(self) -> None:
        if self._rows is Rows.KEPT:
            self._pass()
        self._watch.look_at_holds()

    def _pass(self) -> None:
        self._clock.go_to(self._day.now)
        _timed(self._passes, self._run_pass)


def _timed(milliseconds: list[float], work: Callable[[], _Result]) -> _Result:
    """The result of `work`; how long it took is added to the list."""
    begun = time.perf_counter()
    try:
        return work()
    finally:
        milliseconds.append(1000 * (time.perf_counter() - begun))
