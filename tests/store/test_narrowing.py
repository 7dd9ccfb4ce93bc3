"""Rows that SQL leaves out never change a plan: read narrowly or widely, the same computers are chosen and kept."""

import random
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest
from django.db import connection

from blockalloc import clock
from blockalloc.allocation import service, validation
from blockalloc.allocation.validation import Order
from blockalloc.store import snapshot
from blockalloc.store.promises import Only
from blockalloc.store.snapshot import Question
from blockalloc.store.sql import execute
from scheduling import planner
from scheduling.confirmation import standing
from scheduling.plan import Plan
from scheduling.windows import DAY
from tests.golden import tables
from tests.support.sites.class_site import (
    CALLER,
    FIRST_COMPUTER,
    IMAGE,
    NODE,
    ZONE,
    a_call,
    class_site,
    computers_of,
    grant_to_group,
    reserve,
)

pytestmark = pytest.mark.django_db(transaction=True)

COMPUTERS, MACHINES, SEEDS = 14, 6, range(25)
BEGINS = datetime(2026, 3, 2, 14, 0)  # the class, local time; it is 8:00 now
STATES = [(13, 13), (13, 13), (8, 8), (3, 3), (5, 8), (12, 8), (14, 13), (14, 19), (19, 19)]  # state, last state
MEMBERS, STRANGER = [110, 111, 112, 113], 1


def _text(moment: datetime) -> str:
    return moment.strftime("%Y-%m-%d %H:%M:%S")


def _reservations(chance: random.Random, first_id: int, number: int) -> None:
    """Requests before, during and after the class, some of days, some of members of its group."""
    requests, reservations = [], []
    for id_ in range(first_id, first_id + number):
        start = BEGINS + timedelta(minutes=chance.choice([-2000, -600, -350, -120, -45, -31, -15, 0, 60, 134, 136]))
        end = start + timedelta(minutes=chance.choice([15, 30, 60, 240, 500, 3000]))
        state, last = chance.choice(STATES)
        user = chance.choice([*MEMBERS, STRANGER, STRANGER])
        requests.append({
            "id": id_, "stateid": state, "laststateid": last, "userid": user, "start": _text(start), "end": _text(end),
            "daterequested": _text(start),
        })  # fmt: skip
        reservations.append({
            "id": id_, "requestid": id_, "computerid": FIRST_COMPUTER + chance.randrange(COMPUTERS), "imageid": IMAGE,
            "imagerevisionid": 10, "managementnodeid": NODE,
        })  # fmt: skip
    tables.insert("request", requests, ZONE)
    tables.insert("reservation", reservations, ZONE)


def _other_blocks(chance: random.Random) -> None:
    """Give block times 11 and 12 computers: loaded long before, shortly before, or without a reload."""
    for block_time in (11, 12):
        reload = 500 + block_time
        start = BEGINS + timedelta(minutes=chance.choice([-700, -130, -119, 30, 119, 121, 400, 3000]))
        early = start - timedelta(minutes=chance.choice([20, 90, 1200, 4000]))
        hours = [_text(start), _text(start + timedelta(minutes=120))]
        execute("UPDATE blockTimes SET start = %s, `end` = %s WHERE id = %s", [*hours, block_time])
        times = {"start": _text(early), "end": _text(early + timedelta(minutes=10)), "daterequested": _text(early)}
        tables.insert("request", [{"id": reload, "stateid": 19, "laststateid": 19, "userid": 2, **times}], ZONE)
        computers = chance.sample(range(FIRST_COMPUTER, FIRST_COMPUTER + COMPUTERS), 3)
        tables.insert("blockComputers", [
            {"blockTimeid": block_time, "computerid": id_, "imageid": IMAGE,
             "reloadrequestid": chance.choice([reload, reload, 0])} for id_ in computers
        ], ZONE)  # fmt: skip


def _question(order: Order) -> Question:
    return Question(order.block, clock.now(), clock.now(), CALLER.user_id, "10.test", order.ignore_privileges)


def _in_short(plan: Plan) -> list[tuple[Any, ...]]:
    return [
        (each.computer.id, each.management_node.id, machine.reload, machine.member.id, machine.adopted_request)
        for machine in plan.machines
        for each in machine.assignments
    ]


@pytest.mark.parametrize("ignore", [True, False])
@pytest.mark.parametrize("seed", SEEDS)
def test_hours_that_are_not_read_do_not_matter(seed: int, ignore: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    chance = random.Random(seed)
    with class_site(computers=COMPUTERS, machines=MACHINES, blocks=3, members=4):
        grant_to_group()
        _reservations(chance, 1000, 30)
        reserve(FIRST_COMPUTER, "2026-02-23 14:00:00", "2026-02-23 16:00:00")
        _other_blocks(chance)
        order = validation.order_of(a_call(MACHINES, ignore=ignore), CALLER, clock.now())
        narrow = snapshot.read(_question(order)).site
        monkeypatch.setattr(snapshot, "SLACK", 100 * DAY)
        wide = snapshot.read(_question(order)).site
        assert len(wide.reservations) > len(narrow.reservations)  # the one of the week before, at least
        plans = [planner.make_plan(site, order.block, ignore_privileges=ignore) for site in (narrow, wide)]
        assert _in_short(plans[0]) == _in_short(plans[1])


@pytest.mark.parametrize("limited", [None, 7])
@pytest.mark.parametrize("seed", SEEDS)
def test_other_computers_do_not_matter_when_a_plan_is_confirmed(seed: int, limited: int | None) -> None:
    chance = random.Random(seed)
    with class_site(computers=COMPUTERS, machines=MACHINES, blocks=3, members=4):
        execute("UPDATE image SET maxconcurrent = %s WHERE id = %s", [limited, IMAGE])
        _other_blocks(chance)
        order = validation.order_of(a_call(MACHINES), CALLER, clock.now())
        question = _question(order)
        site = snapshot.read(question).site
        plan = planner.make_plan(site, order.block, ignore_privileges=True)
        _reservations(chance, 1000, 12)  # others are faster
        only = Only([each.computer.id for machine in plan.machines for each in machine.assignments], 10)
        seen = [snapshot.read_again(site, question, of).site for of in (only, None)]
        some, everything = (standing(each, order.block, plan.machines, ignore_privileges=True) for each in seen)
        assert some == everything
        assert limited or len(seen[0].reservations) < len(seen[1].reservations)


def test_an_early_reservation_that_joins_the_block_is_checked_from_its_own_reload_on() -> None:
    """The computer is somebody else's until shortly before the member's reservation, hours before the class."""
    with class_site(computers=3, machines=2):
        reserve(FIRST_COMPUTER, "2026-03-02 05:00:00", "2026-03-02 08:30:00", user=STRANGER)
        reserve(FIRST_COMPUTER, "2026-03-02 08:40:00", "2026-03-02 15:00:00", user=MEMBERS[0])
        order = validation.order_of(a_call(2), CALLER, clock.now())
        first = planner.make_plan(snapshot.read(_question(order)).site, order.block, ignore_privileges=True)
        assert FIRST_COMPUTER not in {each[0] for each in _in_short(first)}
        assert service.allocate_block(a_call(2), CALLER) == 2
        assert computers_of() == [FIRST_COMPUTER + 1, FIRST_COMPUTER + 2]


def test_a_reservation_that_joins_the_block_is_checked_from_its_own_reload_on_when_it_is_confirmed() -> None:
    with class_site(computers=3, machines=2):
        reserve(FIRST_COMPUTER, "2026-03-02 08:40:00", "2026-03-02 15:00:00", user=MEMBERS[0])
        order = validation.order_of(a_call(2), CALLER, clock.now())
        question = _question(order)
        site = snapshot.read(question).site
        plan = planner.make_plan(site, order.block, ignore_privileges=True)
        assert FIRST_COMPUTER in {each[0] for each in _in_short(plan)}
        reserve(FIRST_COMPUTER, "2026-03-02 05:00:00", "2026-03-02 08:30:00", user=STRANGER)  # meanwhile
        again = snapshot.read_again(site, question, Only([FIRST_COMPUTER, FIRST_COMPUTER + 1], 10)).site
        kept = standing(again, order.block, plan.machines, ignore_privileges=True).kept
        assert FIRST_COMPUTER not in {each.computer.id for machine in kept for each in machine.assignments}


@pytest.mark.parametrize(("install_type", "all_of_them"), [("partimage", False), ("vmware", True)])
def test_memory_of_hosts_depends_on_other_computers_too(install_type: str, all_of_them: bool) -> None:
    with class_site(computers=3, machines=1):
        order = validation.order_of(a_call(1), CALLER, clock.now())
        question = _question(order)
        images = [image._replace(install_type=install_type) for image in order.block.images]
        question = replace(question, block=replace(order.block, images=images))
        site = snapshot.read(question).site
        reserve(FIRST_COMPUTER + 2, "2026-03-02 14:00:00", "2026-03-02 15:00:00")
        again = snapshot.read_again(site, question, Only([FIRST_COMPUTER], 10)).site
        assert bool(again.reservations) == all_of_them


def test_a_reservation_that_joins_the_block_is_checked_from_its_own_reload_on_when_it_was_made_meanwhile() -> None:
    with class_site(computers=3, machines=2):
        order = validation.order_of(a_call(2), CALLER, clock.now())
        question = _question(order)
        site = snapshot.read(question).site
        reserve(FIRST_COMPUTER, "2026-03-02 05:00:00", "2026-03-02 08:30:00", user=STRANGER)
        reserve(FIRST_COMPUTER, "2026-03-02 08:40:00", "2026-03-02 15:00:00", user=MEMBERS[0])
        again = snapshot.read_again(site, question).site
        assert {row.user_id for row in again.reservations} == {STRANGER, MEMBERS[0]}


def test_a_computer_whose_state_row_is_gone_is_not_chosen() -> None:
    with class_site(computers=3, machines=2):
        with connection.constraint_checks_disabled():
            execute("UPDATE computer SET stateid = 77 WHERE id = %s", [FIRST_COMPUTER])
        assert service.allocate_block(a_call(2), CALLER) == 2
        assert computers_of() == [FIRST_COMPUTER + 1, FIRST_COMPUTER + 2]
        execute("UPDATE computer SET stateid = 2 WHERE id = %s", [FIRST_COMPUTER])
