"""Classes on computers with the image loaded already: nobody is given another class's computer because of our rows.

The front end offers members the computers of their own classes first, and those of other classes only
when it has listed some of their own and could not get them. A row of ours on them has just that effect,
so it must be brief, and the computers of the other classes must be held for as long (SPEC 8.7).
"""

import itertools
from collections.abc import Callable, Sequence
from functools import partial

import pytest

from simulation.front_end.reserving import Reserving
from tests.support.boundaries import Boundary, at_boundaries
from tests.support.front_end import ON_MARIADB, between_locks
from tests.support.servers.mariadb_server import PrivateMariaDB
from tests.support.sites.class_site import (
    BLOCK_TIME,
    END,
    START,
    computers_of,
)
from verification.front_end import free_race, random_orders
from verification.front_end.classes_beside import HOURS, classes
from verification.front_end.interleavings import MATTERS, Tally, empty, play, play_all, stage
from verification.front_end.loaded import LISTING_SECONDS, LOADED, beside

# VCL's front end works on MariaDB alone.
pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.once(on="mariadb")]

AFTERWARDS = 13  # a place when our call is over


# --- samples of the campaigns ---------------------------------------------------------------------


@pytest.mark.parametrize("name", LOADED)
def test_interleavings(name: str) -> None:
    tally = play_all(LOADED[name], 24 if ON_MARIADB else 12)
    assert tally.runs >= 12
    assert not tally.wrong, tally.wrong[0].words


@pytest.mark.parametrize("classes", range(1, 21))
def test_a_member_is_given_no_computer_of_so_many_other_classes(classes: int) -> None:
    """All steps of a member at one place, or only the list; the reads and the semaphore when our rows are known."""
    scenario = beside(classes)
    with stage(scenario) as others:
        for place in (0, 4, 9, AFTERWARDS):
            for later in (place, AFTERWARDS):
                run = play(scenario, [(place, 0), (later, 0), (later, 0), (later, 0)], others)
                assert run.faults == []


def test_random_interleavings() -> None:
    """The first runs are those that failed when loaded computers were held as long as others (on SQLite)."""
    tally = Tally()
    with random_orders.stage() as others:
        for number in (88, 175, 227, *range(50 if ON_MARIADB else 40)):
            tally.add(random_orders.play(number, others, loaded=True))
    assert tally.ours > 0
    assert tally.theirs > 0
    assert not tally.wrong, tally.wrong[0].words


# --- classes one after the other ------------------------------------------------------------------


def _at_place(place: int, act: Callable[[], object]) -> Callable[[Boundary], None]:
    """What to do beside the statements of a call: `act` before the one of this number that can matter."""
    places = itertools.count()

    def visit(boundary: Boundary) -> None:
        if MATTERS.search(boundary.sql) and not boundary.after and next(places) == place:
            act()

    return visit


def _as_far_as_he_gets(session: Reserving) -> None:
    while not session.done and session.advance():
        pass


ORDERS = list(itertools.permutations(HOURS))


@pytest.mark.parametrize("gap", [0, 3, 60])
@pytest.mark.parametrize("order", ORDERS)
def test_members_who_come_after_the_last_class_get_their_own_or_wait(order: Sequence[int], gap: float) -> None:
    """Five members, one after the other: those within the hold come away without, the others have their own."""
    with classes() as site:
        for block_time in order:
            site.clock.shift(gap)
            site.allocate(block_time)
        got = []
        for seconds in (0, 2, 2.5, 1.5, 38):
            site.clock.shift(seconds)
            session = site.member()
            session.finish()
            got.append(session.computer)
        assert site.in_other_classes() == []
        assert sorted(filter(None, got[3:])) == computers_of(BLOCK_TIME)


@pytest.mark.parametrize("pause", [0, 4])
@pytest.mark.parametrize("place", [0, 3, 6, 9])
@pytest.mark.parametrize("order", ORDERS)
def test_a_member_beside_the_last_call(order: Sequence[int], place: int, pause: float) -> None:
    """He lists in the middle of it, and is up to four seconds slow."""
    with classes() as site:
        for block_time in order[:-1]:
            site.allocate(block_time)
            site.clock.shift(60)
        session = site.member()
        with at_boundaries(_at_place(place, session.advance)):
            site.allocate(order[-1])
        assert session.sent == ["a"]
        site.clock.shift(pause)
        session.finish()
        assert site.in_other_classes() == []


@pytest.mark.parametrize("place", [0, 3, 6, 9])
def test_a_member_who_takes_all_steps_in_the_middle_of_a_call(place: int) -> None:
    for order in ORDERS:
        with classes() as site:
            for block_time in order[:-1]:
                site.allocate(block_time)
                site.clock.shift(60)
            session = site.member()
            with at_boundaries(_at_place(place, partial(_as_far_as_he_gets, session))):
                site.allocate(order[-1])
            session.finish()
            assert site.in_other_classes() == []
            empty(site.others)


@pytest.mark.parametrize("seconds", [-290, -240, 0, 600, 890])
def test_near_the_bell_members_have_their_own_at_once(seconds: int) -> None:
    """From five minutes before the class to a quarter of an hour after it began nobody is kept off for it."""
    with classes(START + seconds) as site:
        site.allocate(BLOCK_TIME)
        assert site.with_our_rows() == []
        session = site.member(START + seconds, END)
        session.finish()
        assert session.computer in computers_of(BLOCK_TIME)


def test_before_that_they_wait_for_seconds() -> None:
    with classes(START - 360) as site:
        site.allocate(BLOCK_TIME)
        assert site.with_our_rows() == computers_of(BLOCK_TIME)
        site.clock.shift(LISTING_SECONDS + 1)
        assert site.with_our_rows() == []


# --- processes ------------------------------------------------------------------------------------


@between_locks
def test_a_free_race_on_loaded_computers(mariadb_server: PrivateMariaDB) -> None:
    outcome = free_race.run(mariadb_server, seconds=3, loaded=True)
    assert outcome.ours["got"] > 0
    assert outcome.theirs["got"] > 0
    assert outcome.deadlocks_with_us == 0
    assert not outcome.faults
