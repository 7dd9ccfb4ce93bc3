"""When reloads begin: as late as is safe, where there are places."""

from collections import Counter
from dataclasses import replace
from itertools import combinations_with_replacement

import pytest

from scheduling.reloads.chance import DISPATCH, MANY, NOTICE, Law, Load, Mending, play
from scheduling.reloads.jobs import Job, Slot
from scheduling.reloads.places import Capacity, OtherLoad, Places
from scheduling.reloads.policy import ReadyPolicy
from scheduling.reloads.schedule import Schedule, aim, schedule
from tests.support.load_laws import log_normal

pytestmark = [pytest.mark.no_database, pytest.mark.once(on="mariadb")]

MINUTE, HOUR = 60, 3600
START = 1_700_000_400  # a whole minute
NOW = START - 6 * HOUR
_TARGET = 0.95


def policy(
    nodes: int = 1, places: int = 10, failing: float = 0.0, others: tuple[OtherLoad, ...] = (), *, host_limit: int = 0,
    mended: bool = True,
) -> ReadyPolicy:  # fmt: skip
    capacity = Capacity(dict.fromkeys(range(1, nodes + 1), places), host_limit=host_limit)
    return ReadyPolicy(log_normal(failing=failing), Places(capacity, others), _TARGET, is_mended=mended)


def jobs(number: int, nodes: int = 1) -> list[Job]:
    return [Job(id_, tuple(range(1, nodes + 1))) for id_ in range(1, number + 1)]


def leads(planned: Schedule) -> dict[int, int]:
    """Computer -> minutes before the start."""
    return {id_: (START - slot.start) // MINUTE for id_, slot in planned.slots.items()}


def test_loads_that_all_have_a_place_begin_together_as_late_as_is_safe() -> None:
    planned = schedule(jobs(10), policy(), NOW, START, spare=5)
    (lead,) = set(leads(planned).values())
    assert 15 < lead < 25
    assert planned.outlook.ready >= aim(_TARGET) - 0.01
    assert planned.outlook.minutes == 10 * lead


def test_more_loads_than_places_begin_in_waves() -> None:
    waves = Counter(leads(schedule(jobs(25), policy(), NOW, START, spare=5)).values())
    assert [waves[lead] for lead in sorted(waves)] == [10, 10, 5]


def test_loads_that_fail_make_for_earlier_begins() -> None:
    sure, failing = (
        schedule(jobs(20), policy(failing=share), NOW, START, spare=20).outlook.minutes for share in (0.0, 0.05)
    )
    assert failing > sure + 20 * 5


def test_two_nodes_share_the_loads() -> None:
    planned = schedule(jobs(20, nodes=2), policy(nodes=2), NOW, START, spare=5)
    assert Counter(slot.node_id for slot in planned.slots.values()) == {1: 10, 2: 10}
    assert len(set(leads(planned).values())) == 1


def test_a_computer_that_is_free_late_gets_a_late_slot() -> None:
    several = jobs(15)
    several[12] = several[12]._replace(earliest=START - 25 * MINUTE)
    planned = leads(schedule(several, policy(), NOW, START, spare=5))
    assert planned[13] <= 25
    assert max(planned.values()) > 25


def test_a_computer_that_is_free_too_late_is_loaded_all_the_same() -> None:
    several = [*jobs(3)[:2], Job(3, (1,), earliest=START - 5 * MINUTE)]
    planned = schedule(several, policy(), NOW, START, spare=0)
    assert leads(planned)[3] == 5
    assert planned.outlook.ready < 0.05
    assert planned.outlook.late == pytest.approx(1, abs=0.05)


def test_a_computer_that_holds_the_image_needs_no_place_and_keeps_time_for_one_load() -> None:
    holding = [Job(1, (1,), holds_image=True)]
    planned = schedule(holding, policy(), NOW, START, spare=0)
    assert 10 < leads(planned)[1] < 20
    assert planned.outlook == (1, 1.0, 0.0, 0, True)
    beside = schedule([*holding, *jobs(12)[1:]], policy(places=11), NOW, START, spare=0)
    assert len(set(leads(beside).values())) == 2


def test_loads_at_work_and_those_that_stay_are_not_planned() -> None:
    fixed = [Job(1, (1,), begun=NOW - 300), Job(2, (1,), begins=START - 30 * MINUTE)]
    planned = schedule([*fixed, *jobs(3)[2:]], policy(), NOW, START, spare=0)
    assert set(planned.slots) == {3}
    assert schedule(fixed, policy(), NOW, START, spare=0).outlook.ready > 0.99


def test_the_loads_of_others_take_places() -> None:
    others = tuple(OtherLoad(100 + n, 1, None, START - 40 * MINUTE, 45 * MINUTE, at_work=False) for n in range(6))
    alone = schedule(jobs(10), policy(), NOW, START, spare=0)
    beside = schedule(jobs(10), policy(others=others), NOW, START, spare=0)
    assert beside.outlook.minutes > alone.outlook.minutes + 60


def test_a_host_loads_only_so_many_of_its_machines_at_a_time() -> None:
    on_a_host = [Job(id_, (1,), host=7, is_limited=False) for id_ in range(1, 9)]
    waves = Counter(leads(schedule(on_a_host, policy(host_limit=4), NOW, START, spare=0)).values())
    assert sorted(waves.values()) == [4, 4]


def test_when_time_is_short_all_that_can_begins_at_once_and_the_number_says_so() -> None:
    now = START - 12 * MINUTE
    planned = schedule(jobs(20), policy(), now, START, spare=5)
    assert Counter(leads(planned).values())[12] == 10
    assert planned.outlook.ready == 0
    assert planned.outlook.late > 9


def test_without_keep_ready_the_number_has_what_fails() -> None:
    planned = schedule(jobs(10), policy(failing=0.02, mended=False), NOW, START, spare=5)
    assert planned.outlook.ready == pytest.approx(0.98**10, abs=0.03)
    assert not planned.outlook.mended


def test_equal_facts_give_equal_plans() -> None:
    first, second = (schedule(jobs(25, 2), policy(nodes=2, failing=0.02), NOW, START, spare=9) for _ in range(2))
    assert first == second


@pytest.mark.parametrize(
    ("loads", "places", "failing"), [(1, 1, 0.02), (2, 1, 0.0), (3, 2, 0.02), (3, 1, 0.02), (4, 2, 0.0)]
)
def test_a_small_plan_takes_hardly_more_minutes_than_the_best_one(loads: int, places: int, failing: float) -> None:
    """All begins, minute by minute (of many loads, every other one), that are as sure as the plan is to be."""
    rule = policy(places=places, failing=failing)
    planned = schedule(jobs(loads), rule, NOW, START, spare=10)
    law, mending = Law(rule.model), Mending(10)
    longest = max(leads(planned).values()) + 4
    best = None
    for tried in sorted(combinations_with_replacement(range(12, longest, 1 if loads < 3 else 2), loads), key=sum):
        if best is not None or sum(tried) < planned.outlook.minutes * 0.8:
            continue
        games = play([Load(DISPATCH - 60.0 * lead, (0,)) for lead in tried], [places], law, mending, MANY)
        if games.ready(loads) >= aim(_TARGET):
            best = sum(tried)
    assert best is not None
    assert planned.outlook.minutes <= 1.1 * best


def test_where_nothing_is_ever_loaded_there_is_a_plan_all_the_same() -> None:
    planned = schedule(jobs(4), policy(failing=1.0), NOW, START, spare=2)
    assert planned.outlook.ready == 0
    assert all(lead > 0 for lead in leads(planned).values())


def test_loads_at_work_beyond_the_limit_of_their_node_wait_for_a_place() -> None:
    now = START - 11 * MINUTE
    at_work = [Job(id_, (1,), begun=now - 14 * MINUTE + id_) for id_ in range(1, 12)]
    eleven, ten = (schedule(jobs, policy(), now, START, spare=0).outlook for jobs in (at_work, at_work[:10]))
    assert ten.ready > 0.9
    assert eleven.ready < 0.7


def test_loads_of_the_class_that_are_not_planned_keep_their_places() -> None:
    """Ten at a time: of those that are planned, as many as have a place beside the five that begin on their own."""
    to_begin = [Job(id_, (1,), begins=START - 25 * MINUTE) for id_ in range(1, 6)]
    planned = leads(schedule([*to_begin, *jobs(15)[5:]], policy(), NOW, START, spare=5))
    assert len(planned) == 10
    assert sum(abs(lead - 25) < 10 for lead in planned.values()) == 5


def test_no_load_begins_before_its_computer_is_free() -> None:
    """Of those that are free too late for their turn, as many as there are places begin at once, then the next ones."""
    several = [Job(id_, (1,), earliest=START - 30 * MINUTE) for id_ in range(1, 8)]
    planned = Counter(leads(schedule(several, policy(places=2), NOW, START, spare=0)).values())
    assert max(planned) <= 30
    assert max(planned.values()) == 2


def test_no_load_goes_to_a_node_that_is_full_until_the_start() -> None:
    stuck = tuple(OtherLoad(70 + n, 1, None, NOW - HOUR, 24 * HOUR, at_work=True) for n in range(10))
    planned = schedule([Job(1, (1, 2))], policy(nodes=2, others=stuck), NOW, START, spare=0)
    assert planned.slots[1].node_id == 2
    assert planned.outlook.ready > 0.95


def test_late_loads_of_a_host_go_in_waves_too() -> None:
    several = [Job(id_, (1,), host=7, is_limited=False) for id_ in range(1, 13)]
    planned = schedule(several, policy(host_limit=4), START - 12 * MINUTE, START, spare=0)
    assert max(Counter(leads(planned).values()).values()) == 4


def test_equal_computers_keep_the_order_of_their_begins() -> None:
    before = {1: 56, 2: 45, 3: 34, 4: 23}
    several = [Job(id_, (1,), planned=Slot(START - lead * MINUTE, 1)) for id_, lead in before.items()]
    planned = leads(schedule(several, policy(places=1), START - HOUR, START, spare=0))
    assert sorted(planned, key=planned.__getitem__) == [4, 3, 2, 1]


def test_computers_that_users_leave_too_late_are_lost_unless_keep_ready_exchanges_them() -> None:
    half_loaded = [*jobs(10), *(Job(id_, (1,), holds_image=True) for id_ in range(11, 21))]

    def ready(*, mended: bool, taken: float) -> float:
        of_site = policy(mended=mended)
        of_site = replace(of_site, places=replace(of_site.places, taken=taken))
        return schedule(half_loaded, of_site, NOW, START, spare=5).outlook.ready

    assert ready(mended=True, taken=0.02) == ready(mended=True, taken=0.0)
    assert ready(mended=False, taken=0.02) == pytest.approx(ready(mended=False, taken=0.0) * 0.98**20, abs=0.03)


def test_the_last_loads_begin_no_earlier_than_to_see_a_stuck_one_exchanged() -> None:
    """Loads that vary so much that hardly any lead is enough for all of them."""
    wide = replace(policy(), model=log_normal(variation=2.0, loads=3))
    planned = leads(schedule(jobs(30), wide, NOW, START, spare=8))
    exchanged = Law(wide.model).longest + NOTICE + wide.model.quantile(0.95)
    assert min(planned.values()) <= exchanged / MINUTE + 1


def test_where_others_have_the_places_before_it_a_class_begins_later_and_not_among_them() -> None:
    """An hour before the start, all places are taken until 34 minutes before it: two waves fit in after that."""
    now = START - HOUR
    others = tuple(OtherLoad(70 + n, 1, None, now, 26 * MINUTE, at_work=False) for n in range(10))
    planned = leads(schedule(jobs(15), policy(others=others), now, START, spare=5))
    assert max(planned.values()) <= 34


@pytest.mark.parametrize(("change", "stays"), [(-1, True), (0, True), (1, True), (-8, False), (25, False)])
def test_reloads_stay_where_they_are_while_the_class_is_sure_enough(change: int, *, stays: bool) -> None:
    (best,) = set(leads(schedule(jobs(10), policy(), NOW, START, spare=5)).values())
    slot = Slot(START - (best + change) * MINUTE, 1)
    planned = schedule([job._replace(planned=slot) for job in jobs(10)], policy(), NOW, START, spare=5)
    assert (set(planned.slots.values()) == {slot}) == stays
