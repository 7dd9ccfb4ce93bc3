"""One look at all block times: what it costs, and what several looks at once do (SPEC 9)."""

import threading
from collections.abc import Callable, Iterator

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from pytest_django import Settings

from blockalloc.models import Watch
from blockalloc.store import decisions
from blockalloc.store.sql import BETWEEN
from blockalloc.upkeep import mending, passes
from blockalloc.upkeep.passes import Keeper, PassReport
from tests.golden import tables
from tests.support.sites.back_end_stage import C0, HOUR
from tests.support.sites.morning import END, START
from tests.support.sites.still_morning import CLASS, StillMorning, still_morning

# On MariaDB, to load a site commits.
pytestmark = [pytest.mark.django_db(transaction=True)]

LIMIT = 21  # statements of a look, without what each block time that changes costs
OF_HOLDS = 6  # with the guard, BEGIN and COMMIT
OF_A_PLAN = 16  # of one class, with BEGIN and COMMIT


@pytest.fixture
def site() -> Iterator[StillMorning]:
    """The class has its four of eight computers."""
    with still_morning() as stage:
        stage.allocate()
        yield stage


# --- Several looks at once --------------------------------------------------------------------------


def test_what_another_look_did_since_this_one_read_is_not_done_again(
    site: StillMorning, monkeypatch: pytest.MonkeyPatch
) -> None:
    site.fail(C0 + 1)
    site.go("09:01")
    done: list[PassReport] = []
    mend = mending.mend

    def mend_after_another(*given: object, **more: object) -> object:
        monkeypatch.setattr(mending, "mend", mend)
        done.append(Keeper().look())
        return mend(*given, **more)  # type: ignore[arg-type]

    monkeypatch.setattr(mending, "mend", mend_after_another)
    assert site.look().actions == []
    assert len(done[0].actions) == len(site.records()) == 1
    assert set(site.reloads()) == set(site.block_computers(CLASS)) == {C0, C0 + 2, C0 + 3, C0 + 4}


def test_three_at_once_do_nothing_twice(site: StillMorning) -> None:
    site.fail(C0 + 1)
    site.send("DELETE FROM blockComputers WHERE computerid = %s", C0 + 2)
    site.send("DELETE FROM reservation WHERE computerid = %s", C0 + 2)
    site.go("13:39")
    reports = at_once(lambda: Keeper().look(), 3)
    assert sum(len(report.actions) for report in reports) == len(site.records()) == 1
    assert len(site.block_computers(CLASS)) == 4
    assert site.named_reloads().items() >= site.reloads().items() - {(C0 + 1, site.reloads().get(C0 + 1))}
    rows = [computer for computer, _ in site.semaphores()]
    assert len(rows) == len(set(rows))


def at_once(work: Callable[[], PassReport], number: int) -> list[PassReport]:
    """Do it in so many threads, each with a connection of its own; what they return."""
    reports: list[PassReport] = []

    def run() -> None:
        try:
            reports.append(work())
        finally:
            connection.close()

    threads = [threading.Thread(target=run) for _ in range(number)]
    for each in threads:
        each.start()
    for each in threads:
        each.join()
    assert len(reports) == number
    return reports


# --- Cost -------------------------------------------------------------------------------------------


def sent(work: Callable[[], object]) -> int:
    """How many statements it sends: some are sent together."""
    with CaptureQueriesContext(connection) as captured:
        work()
    return sum(query["sql"].count(BETWEEN) + 1 for query in captured)


def classes(site: StillMorning, number: int) -> None:
    """Further classes of two machines each at the same hours, all of them allocated."""
    for id_ in range(20, 20 + number):
        site.block_time(id_, START, END)
        assert site.allocate(block_time=id_) == 2


@pytest.fixture(autouse=True)
def _nothing_to_prune(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each 101st decision is followed by some statements more."""
    monkeypatch.setattr(decisions, "PRUNE_EVERY", 2**62)


def of_a_quiet_look(number: int, clock: str) -> int:
    """Statements of a look in a loop, on so many classes more, when nothing has to be changed."""
    with still_morning(computers=4 + 2 * number) as site:
        site.allocate()
        classes(site, number)
        site.look_at("09:01")
        site.go(clock)
        return sent(lambda: site.look())


@pytest.mark.parametrize(("clock", "limit"), [("09:02", LIMIT), ("13:39", LIMIT + OF_HOLDS)])
def test_the_number_of_statements_does_not_grow_with_the_block_times(clock: str, limit: int) -> None:
    """At 13:39 reloads are about to begin, and their computers are held."""
    few, many = of_a_quiet_look(1, clock), of_a_quiet_look(20, clock)
    assert few == many <= limit


def test_under_policy_ready_each_class_that_is_planned_anew_costs_the_same(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings.VCL_RELOAD_POLICY = "ready"
    # Time enough to plan all of them.
    monkeypatch.setattr("blockalloc.upkeep.planning.time.monotonic", lambda: 0.0)
    one, two, ten = (of_a_quiet_look(more, "12:30") for more in (0, 1, 9))
    assert two - one <= OF_A_PLAN
    assert ten - one == 9 * (two - one)


def test_each_block_time_that_changes_costs_the_same(site: StillMorning) -> None:
    site.look_at("09:01")
    site.go("09:02")
    quiet = sent(lambda: site.look())
    costs = []
    for computer in (C0, C0 + 1):
        site.look_at(f"09:{2 * (computer - C0) + 3:02}")  # removes holds that have expired meanwhile
        site.fail(computer)
        site.go(f"09:{2 * (computer - C0) + 4:02}")
        costs.append(sent(lambda: site.look()) - quiet)
    assert costs[0] == costs[1]


def test_a_look_with_nothing_to_do_changes_nothing_of_vcls(site: StillMorning) -> None:
    site.look_at("09:01")
    site.go("09:02")
    before = tables.read()
    site.look()
    assert tables.read() == before


# --- What is looked at ------------------------------------------------------------------------------


def test_from_six_hours_before_the_start_to_the_end(site: StillMorning) -> None:
    looked = {clock: len(site.look_at(clock).block_times) for clock in ("07:59:59", "08:00", "15:59:59", "16:00")}
    assert looked == {"07:59:59": 0, "08:00": 1, "15:59:59": 1, "16:00": 0}


@pytest.mark.parametrize(
    "change",
    [
        "UPDATE blockTimes SET skip = 1",
        "UPDATE blockRequest SET status = 'deleted'",
        "UPDATE blockRequest SET status = 'requested'",
        "UPDATE blockRequest SET expireTime = '2026-03-02 08:00:00'",
    ],
)
def test_what_does_not_take_place_gets_nothing(site: StillMorning, change: str) -> None:
    site.send("DELETE FROM blockComputers")
    site.send(change)
    site.look_at("09:01")
    assert site.block_computers(CLASS) == []


def test_one_that_fails_does_not_stop_the_others(site: StillMorning, monkeypatch: pytest.MonkeyPatch) -> None:
    classes(site, 1)
    site.fail(C0 + 1)
    site.send("DELETE FROM blockComputers WHERE blockTimeid = 20")
    mend = mending.mend

    def fail_for_the_first(watch: object, *given: object, **more: object) -> object:
        if watch.facts.id == CLASS:  # type: ignore[attr-defined]
            raise RuntimeError
        return mend(watch, *given, **more)  # type: ignore[arg-type]

    monkeypatch.setattr(mending, "mend", fail_for_the_first)
    site.look_at("09:01")
    assert len(site.block_computers(20)) == 2


def proof_of_the_zone(site: StillMorning) -> None:
    """Somebody reserves a computer now: what is left over is let go only if a row of VCL's proves the zone right."""
    site.user(C0 + 4, start=site.now, end=site.now + HOUR)


def test_what_is_let_go_is_had_by_a_class_in_the_same_look(site: StillMorning) -> None:
    """VCL's edit of a block request gives its time another id, and leaves the reloads of its computers behind."""
    site.send("UPDATE computer SET stateid = 10 WHERE id > %s", C0 + 3)
    site.block_time(20, START, END)
    site.send("DELETE FROM blockComputers WHERE blockTimeid = %s", CLASS)
    site.send("DELETE FROM blockTimes WHERE id = %s", CLASS)
    site.go("09:01")
    proof_of_the_zone(site)
    texts = [action.text for action in site.look().actions]
    assert len(site.block_computers(20)) == 2
    assert "reloads withdrawn" in texts[0]
    assert "taken:" in texts[1]


def test_what_a_skipped_class_had_is_had_by_another_in_the_same_look(site: StillMorning) -> None:
    site.send("UPDATE computer SET stateid = 10 WHERE id > %s", C0 + 3)
    site.block_time(20, START, END)
    site.look_at("09:01")
    assert site.block_computers(20) == []
    site.send("UPDATE blockTimes SET skip = 1 WHERE id = %s", CLASS)
    site.go("09:06")
    proof_of_the_zone(site)
    site.look()
    assert (site.block_computers(CLASS), len(site.block_computers(20))) == ([], 2)


def test_what_is_left_over_and_cannot_be_removed_keeps_no_class_from_its_computers(
    site: StillMorning, monkeypatch: pytest.MonkeyPatch
) -> None:
    site.fail(C0 + 1)

    def boom(*_given: object) -> None:
        raise RuntimeError

    monkeypatch.setattr(passes, "let_go", boom)
    assert len(site.look_at("09:01").actions) == 1
    assert C0 + 1 not in site.block_computers(CLASS)


def test_what_is_remembered_of_a_block_time(site: StillMorning) -> None:
    site.look_at("09:01")
    site.look_at("09:02")
    first_seen = Watch.objects.get(block_time_id=CLASS).first_seen.timestamp()
    assert site.now - first_seen == 60


def test_where_nothing_is_to_be_had_it_is_tried_less_often_while_there_is_time(site: StillMorning) -> None:
    site.send("UPDATE computer SET stateid = 10 WHERE id > %s", C0 + 3)
    site.fail(C0 + 1)
    tried = []
    for clock in ("09:01", "09:02", "09:05:59", "09:06", "12:31", "12:32", "12:33"):
        site.go(clock)
        before = Watch.objects.filter(block_time_id=CLASS).values_list("tried", flat=True).first()
        site.look()
        tried.append(before != Watch.objects.get(block_time_id=CLASS).tried)
    assert tried == [True, False, False, True, True, True, True]
    assert START - site.now < 90 * 60 < HOUR * 2
