"""Under policy `ready`, looks plan reloads anew, move those that have not begun, and say how sure the class is."""

from collections import Counter
from collections.abc import Iterator
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from pytest_django import Settings

from blockalloc.allocation.look import dry_run
from blockalloc.allocation.result import Result
from blockalloc.contract.messages import FillCall
from blockalloc.models import BlockTime, Decision, PlannedReload, Request, Watch
from blockalloc.reports.readiness import read
from blockalloc.upkeep import planning
from blockalloc.upkeep.passes import Keeper
from tests.golden import tables
from tests.support.sites.back_end_stage import C0, HOUR, MINUTE, OTHER_IMAGE, OTHER_NODE, at
from tests.support.sites.class_site import IMAGE, NODE, ZONE
from tests.support.sites.morning import START
from tests.support.sites.rows import NODE_GROUP, NODE_KIND
from tests.support.sites.still_morning import CLASS, StillMorning, still_morning

pytestmark = [pytest.mark.django_db(transaction=True)]


@pytest.fixture
def site(settings: Settings) -> Iterator[StillMorning]:
    """At nine the class of four has its computers, whose reloads are planned for the start."""
    settings.VCL_RELOAD_POLICY = "ready"
    with still_morning() as stage:
        stage.look()  # keep_ready runs
        stage.allocate()
        yield stage


def leads(site: StillMorning) -> list[int]:
    """Minutes from the begins of the reloads that wait to the start, the longest first."""
    waiting = [*site.reloads().values()]
    planned = {each.request_id: each.start for each in PlannedReload.objects.filter(request_id__in=waiting)}
    requests = {each.pk: each.start for each in Request.objects.filter(pk__in=waiting)}
    assert requests == planned
    return sorted(((START - int(each.timestamp())) // MINUTE for each in planned.values()), reverse=True)


def look(site: StillMorning, minutes_before: int) -> None:
    """A look so many minutes before the start."""
    site.look_at(f"{datetime.fromtimestamp(START - minutes_before * MINUTE, ZoneInfo(ZONE)):%H:%M}")


def watch() -> Watch:
    return Watch.objects.get(pk=CLASS)


def test_the_reloads_of_a_small_class_begin_as_late_as_is_safe(site: StillMorning) -> None:
    assert all(12 <= lead <= 40 for lead in leads(site))
    record = Decision.objects.filter(action=Decision.ALLOCATE).latest("pk")
    assert record.ready is not None
    assert record.ready > 0.95
    assert record.minutes == sum(leads(site))


def test_a_look_says_how_sure_the_class_is(site: StillMorning) -> None:
    look(site, 50)
    seen = watch()
    assert seen.ready is not None
    assert seen.ready > 0.95
    assert seen.said_last == seen.ready
    (row,) = read(BlockTime.objects.filter(pk=CLASS), site.now)
    assert "sure that all 4 are ready at" in str(row.readiness.signal)


def test_what_is_said_in_the_last_half_hour_is_not_what_closing_rows_keep(site: StillMorning) -> None:
    look(site, 50)
    before = watch().said_last
    site.send("DELETE FROM request WHERE stateid = 19")  # nothing is going to load them
    look(site, 5)
    assert watch().ready == 0
    assert watch().said_last == before


def loads_at_a_time(site: StillMorning, number: int) -> None:
    """Let management nodes load only so many computers at a time."""
    site.send("DELETE FROM variable WHERE name = 'xcat|throttle'")
    site.send(
        "INSERT INTO variable (name, serialization, value, timestamp) "
        "VALUES ('xcat|throttle', 'none', %s, '2026-01-01 00:00:00')",
        str(number),
    )


@pytest.mark.parametrize("one_process", [True, False])
def test_a_computer_on_which_somebody_stays_is_exchanged_while_a_substitute_finds_a_place(
    site: StillMorning, *, one_process: bool
) -> None:
    """One load of ten minutes at a time: of the last 80 minutes the places are taken by six other loads."""
    loads_at_a_time(site, 1)
    first = site.block_computers(CLASS)[0]
    site.go("12:00")
    for number in range(3):
        site.request(C0 + 5 + number, start=START - (18 + 10 * number) * MINUTE, image=OTHER_IMAGE)
    request = site.use(first, start=site.now, end=START, image=OTHER_IMAGE)
    # For so long that nobody expects further users like this one.
    site.send("UPDATE request SET start = '2026-03-02 01:00:00' WHERE id = %s", request)
    exchanged = None
    for before in range(120, 20, -1):
        if not one_process:
            site.keeper = Keeper()  # from cron: nothing is known of earlier looks
        look(site, before)
        if first not in site.block_computers(CLASS):
            exchanged = before
            break
    assert exchanged is not None
    assert 70 <= exchanged <= 100


def test_when_its_node_takes_fewer_loads_the_reloads_begin_earlier(site: StillMorning) -> None:
    before = leads(site)
    loads_at_a_time(site, 1)
    look(site, before[0] + 14)
    assert leads(site)[0] >= before[0] + 5


def test_computers_are_held_from_two_minutes_before_their_reloads_until_they_are_loaded(site: StillMorning) -> None:
    """Under this policy all reloads of a small class begin at about the same time (SPEC 9.4)."""
    site.send("DELETE FROM semaphore")  # the holds of the allocation
    for before in range(50, 10, -1):
        look(site, before)
        waiting = Request.objects.filter(pk__in=site.reloads().values(), start__lte=local_time(site.now + 2 * MINUTE))
        due = {computer for computer, id_ in site.reloads().items() if id_ in {each.pk for each in waiting}}
        assert {computer for computer, whose in site.semaphores() if whose == "blockalloc-held:keep_ready"} == due
    assert due == set(site.block_computers(CLASS))
    site.send("UPDATE computer SET currentimageid = %s, imagerevisionid = %s", IMAGE, IMAGE)
    look(site, 10)
    assert site.semaphores() == []


def local_time(instant: int) -> datetime:
    """An instant as the site's clock shows it."""
    return datetime.fromtimestamp(instant, ZoneInfo(ZONE))


# --- Many classes ---------------------------------------------------------------------------------------


class Slow:
    """Time that passes for plans only, a second for each of them."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.seconds = 0.0
        self.planned: list[int] = []
        monkeypatch.setattr(planning, "dry_run", self.dry_run)
        monkeypatch.setattr("blockalloc.upkeep.planning.time.monotonic", lambda: self.seconds)

    def dry_run(self, call: FillCall, *given: Any) -> Result:
        """The dry run of a class."""
        self.seconds += 1
        self.planned.append(call.block_time_id or 0)
        return dry_run(call, *given)

    def planned_since(self) -> list[int]:
        """The classes that were planned since the last answer."""
        planned, self.planned = self.planned, []
        return planned


@pytest.fixture
def many(site: StillMorning, monkeypatch: pytest.MonkeyPatch) -> Slow:
    """Beside the class of four, three of one machine, an hour later."""
    for id_ in (20, 21, 22):
        site.block_time(id_, START + HOUR, START + 2 * HOUR, numMachines=1)
        site.allocate(block_time=id_)
    return Slow(monkeypatch)


def test_a_look_plans_some_classes_and_the_next_one_those_that_had_to_wait(site: StillMorning, many: Slow) -> None:
    site.look_at("10:00")
    first = many.planned_since()
    assert 2 <= len(first) <= 3
    site.look_at("10:01")
    assert sorted(first + many.planned_since()) == [CLASS, 20, 21, 22]
    site.look_at("10:02")
    assert many.planned_since() == []


def test_classes_that_have_changed_do_not_wait(site: StillMorning, many: Slow) -> None:
    for minute in range(2):
        site.look_at(f"10:0{minute}")
    many.planned_since()
    for id_ in site.block_computers(21) + site.block_computers(22):
        site.use(id_, start=at("10:15"), end=at("14:59"), image=OTHER_IMAGE)
    site.look_at("10:15")
    assert set(many.planned_since()[:2]) == {21, 22}


# --- A management node dies -----------------------------------------------------------------------------


@pytest.fixture
def two(settings: Settings) -> Iterator[StillMorning]:
    """The class has its four computers. Either of two nodes can load them, two at a time."""
    settings.VCL_RELOAD_POLICY = "ready"
    with still_morning() as stage:
        resource = 10_000 * NODE_KIND + OTHER_NODE
        tables.insert("resource", [{"id": resource, "resourcetypeid": NODE_KIND, "subid": OTHER_NODE}], ZONE)
        tables.insert("resourcegroupmembers", [{"resourceid": resource, "resourcegroupid": NODE_GROUP}], ZONE)
        loads_at_a_time(stage, 2)
        stage.check_in()
        stage.look()
        stage.allocate()
        assert nodes(stage) == {NODE: 2, OTHER_NODE: 2}
        yield stage


def nodes(site: StillMorning) -> dict[int, int]:
    """Management node -> the reloads that it has."""
    return Counter(row[0] for row in site.send("SELECT managementnodeid FROM reservation"))


def look_without(site: StillMorning, silent: int, minutes_before: int) -> None:
    """A look so many minutes before the start, while a node is silent."""
    site.go(f"{datetime.fromtimestamp(START - minutes_before * MINUTE, ZoneInfo(ZONE)):%H:%M}")
    site.check_in(silent)
    site.look()


@pytest.mark.parametrize("minutes_before", [120, 45])
def test_loads_planned_on_a_node_that_dies_move_to_the_other_one_within_its_limit(
    two: StillMorning, minutes_before: int
) -> None:
    before = two.named_reloads()
    look_without(two, NODE, minutes_before)
    assert nodes(two) == {OTHER_NODE: 4}
    assert two.named_reloads() == before
    for minutes in range(minutes_before - 1, 0, -1):
        if minutes <= leads(two)[0] + 1:  # the first is about to begin
            break
        look_without(two, NODE, minutes)
    begins = leads(two)
    assert len(begins) == 4
    assert begins[0] - begins[3] >= 8  # minutes: two at a time


def test_they_move_even_if_the_class_can_not_be_sure_any_more(two: StillMorning) -> None:
    """With one load at a time the four would have to begin earlier than now."""
    loads_at_a_time(two, 1)
    look_without(two, NODE, leads(two)[0] + 2)
    assert nodes(two) == {OTHER_NODE: 4}
    assert set(two.named_reloads()) == set(two.reloads())


def test_where_no_other_node_is_there_they_stay(two: StillMorning) -> None:
    two.send("UPDATE managementnode SET stateid = 10 WHERE id = %s", OTHER_NODE)
    look_without(two, NODE, 60)
    assert nodes(two) == {NODE: 2, OTHER_NODE: 2}


def test_looks_share_the_model_of_an_image_for_ten_minutes(site: StillMorning) -> None:
    def learned(minutes_before: int) -> int:
        with CaptureQueriesContext(connection) as queries:
            look(site, minutes_before)
        return sum("is_of_revision" in query["sql"] for query in queries)

    assert [learned(minutes) for minutes in (58, 55, 52, 48)] == [1, 0, 0, 1]


def test_a_class_leaves_the_reloads_of_the_next_class_on_its_computers_alone(site: StillMorning) -> None:
    """The other class follows on the same computers, and has their last reloads."""
    next_class, start = 20, START + 3 * HOUR
    site.block_time(next_class, start, start + HOUR)
    site.send("UPDATE blockRequest SET numMachines = 8, expireTime = '2026-03-02 23:59:59' WHERE id <> 10")
    assert site.allocate(block_time=next_class) == 8
    shared = set(site.named_reloads()) & set(site.named_reloads(next_class))
    assert len(shared) == 4
    theirs = site.named_reloads(next_class)
    assert first_begin(theirs) > START
    site.send("UPDATE variable SET value = '1' WHERE name = 'xcat|throttle'")
    for minutes in (90, 45, 30, 25):
        look(site, minutes)
    assert first_begin(theirs) > START
    assert first_begin(site.named_reloads()) < START


def first_begin(reloads: dict[int, int]) -> int:
    """When the first of these reloads begins; Unix seconds."""
    begins = Request.objects.filter(pk__in=reloads.values()).values_list("start", flat=True)
    return min(int(each.timestamp()) for each in begins if each)
