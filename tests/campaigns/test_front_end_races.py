"""Beside VCL's front end: nobody is promised a computer twice, whichever order the steps take (SPEC 8.7).

Samples of the campaigns of verification.front_end, and tests by name of what a campaign has found or may miss.
"""

import itertools
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest
import time_machine
from django.db import connection

from blockalloc.inspection import TAKEN_TWICE, inspect
from blockalloc.store import claims
from blockalloc.store.guard import Deadline, guarded
from scheduling.holds import Holds
from scheduling.plan import Assignment
from simulation.connections import Connection, MariaDBConnection
from simulation.front_end.candidates import Wish
from tests.support.boundaries import Boundary, at_boundaries
from tests.support.front_end import ON_MARIADB, a_wish, between_locks, reserving
from tests.support.servers.mariadb_server import PrivateMariaDB
from tests.support.sites import facts
from tests.support.sites.class_site import BLOCK_TIME, IMAGE, NODE, NOW, class_site, computers_of
from verification.front_end import free_race, random_orders
from verification.front_end.interleavings import (
    Run,
    Tally,
    call,
    empty,
    judge,
    play,
    play_all,
    stage,
)
from verification.front_end.scenarios import CLASS, SCENARIOS, Scenario, semaphore

# VCL's front end works on MariaDB alone.
pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.once(on="mariadb")]


def _double_bookings() -> list[str]:
    """What the site's own inspection says."""
    return [finding.text for finding in inspect(int(NOW.timestamp())) if finding.kind in TAKEN_TWICE]


def _inspect(run: Run) -> None:
    """A second judge, beside the one of the interleavings."""
    run.faults += _double_bookings()


# --- samples of the campaigns ---------------------------------------------------------------------


@pytest.mark.parametrize("name", SCENARIOS)
def test_interleavings(name: str) -> None:
    tally = play_all(SCENARIOS[name], 15, _inspect)
    assert tally.runs >= 15
    assert not tally.wrong, tally.wrong[0].words


def test_random_interleavings() -> None:
    tally = Tally()
    with random_orders.stage() as others:
        for number in range(100 if ON_MARIADB else 60):
            tally.add(random_orders.play(number, others))
    assert tally.ours > 0
    assert tally.theirs > 0
    assert tally.exchanges > 0
    assert not tally.wrong, tally.wrong[0].words


@between_locks
def test_a_free_race(mariadb_server: PrivateMariaDB) -> None:
    outcome = free_race.run(mariadb_server, seconds=3)
    assert outcome.deadlocks_with_us == 0
    assert outcome.ours["attempts"] > 0
    assert outcome.theirs["attempts"] > 0
    assert not outcome.faults


# --- orders of steps by name: "abc" are the front end's, see simulation.front_end.reserving -------

CLAIMED, WRITTEN = 4, 9  # places: our first transaction is committed; our rows are held, not committed


def _placed(**places: int) -> list[tuple[int, int]]:
    """A schedule for one front end, by the letters of its steps; all reads of (b) go together."""
    return [(places.get(letter, 99), 0) for letter in "abcdeEf"]


def _play(name: str, **places: int) -> Run:
    with stage(SCENARIOS[name]) as others:
        run = play(SCENARIOS[name], _placed(**places), others)
    assert not run.faults
    return run


def test_one_that_listed_before_our_claim_and_comes_after_our_commit_goes_on_to_the_next() -> None:
    run = _play("same-computer-spare-ones", a=0, b=0)
    assert (run.answer, run.sessions[0].computer, run.sessions[0].letters) == (2, 12, "aobBcccdeEf")


def test_one_that_lists_between_claim_and_confirm_leaves_the_claimed_computers_out() -> None:
    run = _play("same-computer-spare-ones", **dict.fromkeys("abcdeEf", CLAIMED))
    assert (run.answer, run.sessions[0].computer, run.sessions[0].letters) == (2, 12, "aobBcdeEf")


@between_locks
def test_one_that_has_a_computer_before_our_claim_keeps_it_and_we_exchange() -> None:
    run = _play("same-computer-spare-ones", a=0, b=0, c=1)
    assert (run.answer, run.sessions[0].computer) == (2, 10)


def test_without_others_an_exchange_is_complete() -> None:
    run = _play("exchange")
    assert (run.answer, run.exchanged) == (2, True)


@between_locks
def test_a_front_end_waits_for_rows_that_are_not_committed_yet() -> None:
    run = _play("same-computer-none-spare", a=0, b=0, c=WRITTEN)
    assert run.blocked > 0
    assert (run.answer, run.sessions[0].computer) == (2, None)


# --- time passes ----------------------------------------------------------------------------------


class Race:
    """A front end beside our call, with the clock in the test's hands."""

    def __init__(self, others: Connection, clock: time_machine.Traveller, machines: int, wish: Wish) -> None:
        self.others = others
        self.clock = clock
        self.machines = machines
        self.front_end = reserving(others, wish, "front-end-0", time.time)

    def steps(self, letters: str) -> None:
        """The front end's next steps, which are these."""
        for letter in letters:
            assert self.front_end.next_step == letter
            assert self.front_end.advance()

    def rest(self) -> None:
        """All its steps that are left."""
        while not self.front_end.done:
            assert self.front_end.advance()

    def call(self, **at: Callable[[], object]) -> int:
        """Our call; `before_`/`after_` and the number of a COMMIT, or `before_hold`, tell what happens there."""
        commits = itertools.count(1)
        current = {"commit": 0}

        def visit(boundary: Boundary) -> None:
            when = "after" if boundary.after else "before"
            if boundary.sql == "COMMIT":
                if not boundary.after:
                    current["commit"] = next(commits)
                at.get(f"{when}_{current['commit']}", int)()
            if "UPDATE semaphore" in boundary.sql:
                at.get(f"{when}_hold", int)()

        with at_boundaries(visit):
            return call(self.machines)

    def faults(self, answer: int) -> list[str]:
        """What the judge says."""
        return judge(self.others, answer, ())


@contextmanager
def race(wish: Wish | None = None, computers: int = 1, machines: int = 1) -> Iterator[Race]:
    """One computer that both want, by default."""
    site = Scenario("", computers, machines, [])
    with stage(site) as others, time_machine.travel(NOW, tick=False) as clock:
        empty(others)
        yield Race(others, clock, machines, wish or a_wish((10,), *CLASS))


@pytest.mark.parametrize(("seconds", "twice"), [(44, False), (45, False), (46, True)])
def test_the_promise_ends_where_the_front_end_takes_longer_than_a_semaphore_lives(seconds: int, twice: bool) -> None:
    """It listed the computer, had lunch, and takes it without another look at blocks: nobody can help it."""
    with race() as both:
        both.steps("aobB")
        answer = both.call()
        both.clock.shift(seconds)
        both.rest()
        assert answer == 1
        assert bool(both.faults(answer)) == bool(_double_bookings()) == twice
        assert (both.front_end.computer == 10) == twice


def test_the_hold_begins_anew_when_the_rows_are_written() -> None:
    """One that lists in the last moment before a late claim is known has all the seconds of a semaphore left."""
    with race() as both:

        def late_list() -> None:
            both.clock.shift(10)
            both.steps("aobB")

        answer = both.call(before_1=late_list)
        both.clock.shift(44)
        both.rest()
        assert answer == 1
        assert both.faults(answer) == []


def test_a_call_that_waited_for_its_turn_has_the_time_of_its_turn() -> None:
    """The time of a claim and of a hold is that of the transaction, not of the call."""
    with race() as both:
        commits = 0

        def wait(boundary: Boundary) -> None:
            nonlocal commits
            commits += boundary.after and boundary.sql == "COMMIT"
            if not both.front_end.letters:
                both.clock.shift(36)
                both.steps("aobB")

        with at_boundaries(wait):
            answer = call(1)
        assert (answer, commits) == (1, 2)
        both.clock.shift(44)
        both.rest()
        assert both.faults(answer) == []


def test_rows_that_are_written_too_late_are_not_committed() -> None:
    """Claims run out while the rows are written: a front end could list the computer and come when nothing holds it."""
    with race() as both:

        def stall() -> None:
            both.clock.shift(34)

        def list_meanwhile() -> None:
            both.clock.shift(13)
            both.steps("aobB")

        slow = iter([list_meanwhile])
        answer = both.call(after_1=stall, after_hold=lambda: next(slow, int)())
        if both.front_end.letters:
            both.clock.shift(44)
        both.rest()
        assert both.faults(answer) == []


@between_locks
def test_a_semaphore_that_expires_beside_a_slow_claim_does_not_open_the_computer() -> None:
    """A front end takes one between our look and our claim, and dies: its row must not be past before ours is."""
    with race() as both:
        second = reserving(both.others, a_wish((10,), *CLASS), "front-end-1", time.time)
        looks = 0

        def visit(boundary: Boundary) -> None:
            nonlocal looks
            if boundary.sql == "COMMIT" and boundary.after and looks == 1:
                both.clock.shift(33)
            if not (boundary.after and "FROM semaphore WHERE expires >=" in boundary.sql):
                return
            looks += 1
            if looks == 1:
                both.steps("c")
                both.clock.shift(13)
            if looks == 2:
                for _ in "aobBcd":
                    assert second.advance()

        both.steps("aobB")
        with at_boundaries(visit):
            answer = call(1)
        while not second.done:
            assert second.advance()
        both.others.send("DELETE FROM semaphore WHERE procid = 'front-end-0'")
        assert both.faults(answer) == []


@between_locks
def test_a_claim_that_ran_out_is_noticed_before_a_front_end_comes_in() -> None:
    with race() as both:
        looks = 0

        def visit(boundary: Boundary) -> None:
            nonlocal looks
            if boundary.sql == "COMMIT" and boundary.after and looks == 1:
                both.clock.shift(46)
            looks += boundary.after and "FROM semaphore WHERE expires >=" in boundary.sql
            if looks == 2 and not both.front_end.letters:
                both.steps("aobBcd")

        with at_boundaries(visit):
            answer = call(1)
        both.rest()
        assert both.faults(answer) == []


def test_a_claim_that_is_given_up_leaves_the_hold_of_an_earlier_call() -> None:
    """Else a front end that listed before the earlier call would get what that one has written."""
    run = _play("held-by-another-call")
    assert run.exchanged
    assert run.sessions[0].computer is None


# --- locks ----------------------------------------------------------------------------------------


@between_locks
def test_no_front_end_dies_of_a_deadlock_with_us(mariadb_server: PrivateMariaDB) -> None:
    """Front ends take and leave a few computers all the time, on which calls of ours claim, hold and give up."""
    computers = range(10, 14)
    mariadb_server.execute("SET GLOBAL innodb_print_all_deadlocks = ON")
    with class_site(computers=len(computers)):
        over = threading.Event()
        database = (mariadb_server.socket, str(connection.settings_dict["NAME"]))
        crowd = [threading.Thread(target=_take_and_leave, args=(*database, n, over)) for n in range(2)]
        before = free_race.log_of(mariadb_server)
        for thread in crowd:
            thread.start()
        try:
            _claim_and_give_up(computers, at_least=11)
        finally:
            over.set()
            for thread in crowd:
                thread.join()
        with_us, _ = free_race.deadlocks(free_race.log_of(mariadb_server)[len(before) :])
    assert with_us == 0


def _take_and_leave(socket: str, database: str, number: int, over: threading.Event) -> None:
    others = MariaDBConnection(socket, database, wait=50)
    procid = f"front-end-{number}"
    for computer in itertools.cycle((10, 11, 12, 13)):
        if over.is_set():
            break
        session = reserving(others, a_wish((computer,), *CLASS), procid, lambda: NOW.timestamp())
        try:
            while session.next_step in "aobBcd" and not session.done:
                session.advance()
            others.send("DELETE FROM semaphore WHERE procid = %s", [procid])
        except others.errors as error:  # a deadlock with the other front end: they do that among themselves
            if error.args[0] != 1213:
                raise
    others.close()


def _claim_and_give_up(computers: range, at_least: int) -> None:
    """So many calls, and as many more as two seconds give time for."""
    now = int(NOW.timestamp())
    image = facts.image(IMAGE, revision_id=10)
    node = facts.node(NODE)
    begun, number = time.monotonic(), 0
    while number < at_least or time.monotonic() < begun + 2:
        assert time.monotonic() < begun + 120
        number += 1
        call_id = f"{BLOCK_TIME}.{number}"
        chosen = [Assignment(facts.computer(id_), image, node) for id_ in computers]
        guarded(lambda: claims.claim(call_id, chosen, {}, now), Deadline(20))  # noqa: B023 - runs at once

        def confirm(call_id: str = call_id, chosen: list[Assignment] = chosen) -> None:
            expires = {each.computer.id: now - 15 for each in chosen[:2]}
            claims.hold(call_id, Holds(expires, frozenset(), now))
            claims.release(call_id, {})

        guarded(confirm, Deadline(20))


def test_stale_rows_are_gone_beside_a_claim() -> None:
    """A row that is past lets front ends in, whatever other rows say."""
    with race() as both:
        semaphore(both.others, 10, -60, "died")
        both.steps("aobB")
        answer = both.call()
        both.rest()
        assert answer == 1
        assert computers_of() == [10]
        assert both.faults(answer) == []
