"""When machines are missing: the earliest start with all of them, and the bookings that are in the way."""

from collections.abc import Iterator
from dataclasses import replace
from unittest import mock

import pytest
from hypothesis import event, given, settings

from scheduling import remedies
from scheduling.facts import Block, Site
from scheduling.planner import make_plan
from scheduling.remedies import SEARCH_STEP, InTheWay, earliest_start, in_the_way
from scheduling.windows import DAY, WEEK
from tests.support.properties import PROFILE
from tests.support.sites import facts
from tests.support.sites.facts import END, HOUR, LOAD, MINUTE, START, at
from tests.support.sites.random_facts import Case, cases

pytestmark = [pytest.mark.no_database, pytest.mark.once(on="mariadb")]

FEW = settings(PROFILE, max_examples=max(PROFILE.max_examples // 4, 80))


def _earliest(site: Site, block: Block, *, ignore: bool = True) -> int | None:
    return earliest_start(site, block, site.load_seconds, ignore_privileges=ignore)


def _by_trying(site: Site, block: Block, until: int, *, ignore: bool) -> int | None:
    """The same by making the plan of each quarter of an hour."""
    block_computers = [row for row in site.block_computers if row.block_time_id != block.block_time_id]
    site = replace(site, block_computers=block_computers, claimed=frozenset())
    for start in _quarters(block.start, until):
        moved = replace(block, block_time_id=0, start=start, end=start + block.end - block.start)
        made = make_plan(site, moved, ignore_privileges=ignore)
        if made.allocated == made.wanted:
            return start
    return None


def _quarters(after: int, until: int) -> Iterator[int]:
    first = after - after % SEARCH_STEP + SEARCH_STEP
    return iter(range(first, until, SEARCH_STEP))


@FEW
@given(cases())
def test_it_is_the_first_quarter_of_an_hour_at_which_the_plan_is_complete(case: Case) -> None:
    """Also about changes of the clock and the week's end: that is where the random sites are."""
    block, ignore = replace(case.block, end=min(case.block.end, case.block.start + 5 * HOUR)), case.ignore_privileges
    with mock.patch.multiple(remedies, HORIZON=DAY // 2, MOST_PLANS=10**6):
        start = _earliest(case.site, block, ignore=ignore)
    first = block.start - block.start % SEARCH_STEP + SEARCH_STEP
    expected = _by_trying(case.site, block, first + DAY // 2, ignore=ignore)
    event(f"exists: {expected is not None}, later than the next: {expected not in (None, first)}")
    assert start == expected


def test_the_search_covers_a_whole_week() -> None:
    reserved = facts.reservation(1, START - DAY, START + WEEK - 2 * HOUR)
    assert _earliest(facts.site(reservations=[reserved]), facts.block()) == START + WEEK - HOUR - 15 * MINUTE
    reserved = reserved._replace(end=START + WEEK)
    assert _earliest(facts.site(reservations=[reserved]), facts.block()) is None


def test_the_blocks_own_computers_are_not_in_the_way() -> None:
    site = facts.site([facts.computer(1), facts.computer(2)], block_computers=[facts.own_block_computer(1)])
    assert _earliest(site, facts.block(2)) == START + SEARCH_STEP


def test_a_members_own_reservation_is_not_in_the_way() -> None:
    """It joins the block, whose machine it is then; a stranger's keeps the computer until it is over."""
    member = facts.member(10)
    own = facts.own_reservation(member, start=START + HOUR, end=START + 3 * HOUR)
    site = facts.site(members=[member], reservations=[own])
    assert _earliest(site, facts.block()) == START + SEARCH_STEP
    site = replace(site, reservations=[own._replace(user_id=facts.STRANGER)])
    assert _earliest(site, facts.block()) == START + 3 * HOUR + 45 * MINUTE


def test_starts_are_quarters_of_an_hour_whatever_the_block_starts_at() -> None:
    assert _earliest(facts.site(), replace(facts.block(), start=START + 7 * MINUTE)) == START + SEARCH_STEP


@pytest.mark.parametrize(
    ("zone", "start"),
    [
        ("America/New_York", "2026-10-30 09:00"),  # the clock goes back on 1 November
        ("America/New_York", "2026-03-06 09:00"),  # and forward on 8 March
        ("Australia/Sydney", "2026-10-02 09:00"),
    ],
)
def test_a_schedule_is_read_by_the_local_clock_also_after_it_changed(zone: str, start: str) -> None:
    """A computer that is open on Mondays from 8 to 18 can be loaded from 8, whatever the clock did on Sunday."""
    begins = at(start, zone)
    monday = {1: [(24 * 60 + 8 * 60, 24 * 60 + 18 * 60)]}
    site = facts.site(now=begins - HOUR, zone=facts.ZoneInfo(zone), schedule_times=monday)
    block = facts.block(start=begins, end=begins + 2 * HOUR)
    earliest = _earliest(site, block)
    day = {"2026-10-30": "2026-11-02", "2026-03-06": "2026-03-09", "2026-10-02": "2026-10-05"}[start[:10]]
    assert earliest == at(f"{day} 08:30", zone)  # 20 minutes to load


def test_only_so_many_plans_are_made() -> None:
    """Only the plan sees the memory of hosts: without it each start looks possible."""
    host, image = facts.host(9, ram=1024), facts.vmware_image()
    site = facts.site([host, facts.vm(1, 9)])
    with mock.patch.object(remedies, "make_plan", wraps=make_plan) as made:
        assert _earliest(site, facts.block(images=[image])) is None
    assert made.call_count == remedies.MOST_PLANS


def test_no_plan_is_made_when_computers_are_too_few() -> None:
    with mock.patch.object(remedies, "make_plan", wraps=make_plan) as made:
        assert _earliest(facts.site(), facts.block(2)) is None
    assert made.call_count == 0


def test_bookings_in_the_way_begin_with_those_that_exclude_most() -> None:
    computers = [facts.computer(id_) for id_ in range(1, 8)]
    site = facts.site(
        computers,
        reservations=[
            *(facts.reservation(id_, request_id=70) for id_ in (1, 2)),
            facts.reservation(3, START - HOUR, START, request_id=60),
            facts.reservation(4, START - 5 * HOUR, START - 3 * HOUR, request_id=61),  # over before
        ],
        block_computers=[facts.block_computer(id_, block_time_id=900) for id_ in (5, 6, 7)],
    )
    made = make_plan(site, facts.block(5), ignore_privileges=True)
    reload_start = START - LOAD - 10 * MINUTE
    assert in_the_way(made) == [
        InTheWay("block time", 900, reload_start, END, 3),
        InTheWay("request", 70, START, END, 2),
        InTheWay("request", 60, START - HOUR, START, 1),
    ]


@PROFILE
@given(cases())
def test_each_booking_in_the_way_is_one_of_the_site(case: Case) -> None:
    made = make_plan(case.site, case.block, ignore_privileges=case.ignore_privileges)
    requests = {(each.request_id, each.start, each.end) for each in case.site.reservations}
    times = {(each.block_time_id, each.reload_start, each.end) for each in case.site.block_computers}
    for booking in in_the_way(made):
        assert (booking.id, booking.start, booking.end) in (requests if booking.kind == "request" else times)
        assert not (booking.kind == "block time" and booking.id == case.block.block_time_id)
