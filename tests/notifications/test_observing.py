"""What looks see of classes is news once, and in the transaction that remembers it."""

from collections.abc import Iterator
from typing import Any

import pytest
from django.db import OperationalError, connection
from django.test.utils import CaptureQueriesContext
from pytest_django import Settings

from blockalloc.allocation import block_time_actions
from blockalloc.models import News, Standing, Watch
from blockalloc.notifications.observing import observe
from blockalloc.store.sql import BETWEEN
from simulation.back_end import states
from tests.support.sites.back_end_stage import C0, HOUR, IMAGE, at, local
from tests.support.sites.morning import BACK_END, END, START
from tests.support.sites.still_morning import CLASS, StillMorning, still_morning
from tests.support.statements import around_statements

# On MariaDB, to load a site commits.
pytestmark = [pytest.mark.django_db(transaction=True)]


@pytest.fixture
def site() -> Iterator[StillMorning]:
    """At nine the class of two o'clock has all computers of the site: four, whose reloads nobody carries out."""
    with still_morning(computers=4) as stage:
        stage.allocate()
        yield stage


def kinds(block_time: int = CLASS) -> list[str]:
    return [*News.objects.filter(block_time_id=block_time).order_by("id").values_list("kind", flat=True)]


def observe_at(site: StillMorning, *clocks: str) -> list[int]:
    """How many news each of these looks made."""
    made = []
    for clock in clocks:
        site.go(clock)
        made.append(observe(site.now))
    return made


def load(site: StillMorning, *computers: int, block_time: int = CLASS) -> None:
    """They have the image of the class; the back end has deleted their reloads."""
    for computer in computers:
        site.set(computer, currentimageid=IMAGE, imagerevisionid=IMAGE, stateid=states.AVAILABLE)
        site.send("DELETE FROM request WHERE id = %s", site.named_reloads(block_time)[computer])
        site.send("DELETE FROM reservation WHERE computerid = %s", computer)


def load_all(site: StillMorning) -> None:
    load(site, *site.block_computers(CLASS))


# --- What is told -----------------------------------------------------------------------------------


def test_while_all_goes_well_nothing_is_told(site: StillMorning) -> None:
    assert observe_at(site, "09:01", "12:00", "13:30") == [0, 0, 0]
    load_all(site)
    assert observe_at(site, "13:45", "14:00", "14:01", "15:00") == [0, 0, 0, 0]
    assert kinds() == []
    assert [(each.begun, each.short, each.at_risk) for each in Standing.objects.all()] == [(True, 0, None)]


def test_a_computer_that_failed_is_a_shortage_when_two_looks_have_seen_it(site: StillMorning) -> None:
    site.fail(C0)
    assert observe_at(site, "10:00", "10:01", "10:02") == [0, 1, 0]
    news = News.objects.get()
    assert (news.kind, news.wanted, news.usable, news.ready) == ("short", 4, 3, 0)
    assert news.why == "c10 is in state failed: 3 of 4 machines are usable"
    assert (news.at.timestamp(), news.since.timestamp()) == (at("10:01"), at("10:00"))  # type: ignore[union-attr]
    assert (news.block_name, news.owner, news.owner_id) == ("block 10", "admin@Local", 1)
    assert (news.start.timestamp(), news.end.timestamp()) == (START, END)
    assert (news.by_back_end, news.decision_id, news.taken) == (False, None, None)
    site.set(C0, stateid=states.AVAILABLE)
    assert observe_at(site, "10:03", "10:04") == [1, 0]
    assert kinds() == ["short", "mended"]
    mended = News.objects.order_by("-id")[0]
    assert (mended.usable, mended.why, mended.since) == (4, "", None)


def test_loads_that_will_end_after_the_start_are_a_risk(site: StillMorning) -> None:
    """Nobody carries them out: near the start one look is enough."""
    assert observe_at(site, "13:40", "13:52", "13:53") == [0, 1, 0]
    assert News.objects.get().kind == "at risk"
    assert "will end after the start" in News.objects.get().why
    load_all(site)
    assert observe_at(site, "13:54", "13:55", "14:00") == [1, 0, 0]
    assert kinds() == ["at risk", "ready"]
    assert News.objects.order_by("-id")[0].ready == 4


def test_what_is_not_ready_at_the_start_is_told_by_the_first_look(site: StillMorning) -> None:
    load(site, C0, C0 + 1)
    assert observe_at(site, "13:52", "14:00", "14:01") == [1, 1, 0]
    assert kinds() == ["at risk", "not ready"]
    not_ready = News.objects.order_by("-id")[0]
    assert (not_ready.ready, not_ready.usable) == (2, 4)
    load(site, C0 + 2, C0 + 3)
    assert observe_at(site, "14:06", "14:07") == [1, 0]
    assert kinds() == ["at risk", "not ready", "ready"]


def test_a_class_that_nobody_asked_for_is_short(site: StillMorning) -> None:
    site.block_time(20, at("14:30"), at("16:00"))
    assert observe_at(site, "13:00", "13:20", "13:31", "13:32") == [0, 0, 0, 1]
    news = News.objects.get()
    assert (news.block_time_id, news.kind, news.wanted, news.usable) == (20, "short", 2, 0)
    assert news.why.startswith("never asked for")


def test_what_keep_ready_has_tried_is_said(site: StillMorning) -> None:
    Watch.objects.create(
        block_time_id=CLASS, first_seen="2026-03-02T13:00Z", replaced=2, added=1, noted="no other computer for: c10"
    )
    site.fail(C0)
    observe_at(site, "10:00", "10:01")
    assert News.objects.get().tried == "2 computers exchanged, 1 added; last: no other computer for: c10"


def test_what_was_said_of_the_class_goes_with_it(site: StillMorning, settings: Settings) -> None:
    settings.VCL_RELOAD_POLICY = "ready"
    at_nine = "2026-03-02T14:00Z"
    Watch.objects.create(block_time_id=CLASS, first_seen=at_nine, ready=0.25, late=2.0, minutes=60, outlook_at=at_nine)
    assert observe_at(site, "09:01", "09:02") == [0, 1]
    news = News.objects.get()
    assert (news.kind, news.sureness) == ("at risk", 0.25)
    assert "25 %" in news.why


# --- What is not ------------------------------------------------------------------------------------


def test_a_class_that_was_told_by_its_allocation_is_not_told_again(site: StillMorning) -> None:
    site.block_time(20, START, END)
    assert site.allocate(block_time=20) == 0
    assert kinds(20) == ["short"]
    assert observe_at(site, "09:01", "09:02", "12:59", "13:00") == [0, 0, 0, 0]


def test_who_releases_a_class_is_told_nothing(site: StillMorning) -> None:
    site.fail(C0)
    observe_at(site, "10:00", "10:01")
    block_time_actions.release_block_time(CLASS, BACK_END)
    assert observe_at(site, "10:02", "10:03", "13:50", "14:00", "14:01") == [0] * 5
    assert kinds() == ["short"]


@pytest.mark.parametrize(
    "change",
    [
        "UPDATE blockTimes SET skip = 1",
        "UPDATE blockRequest SET status = 'deleted'",
        "UPDATE blockRequest SET expireTime = '2026-03-02 08:00:00'",
        "DELETE FROM blockTimes",
    ],
)
def test_of_a_class_that_does_not_take_place_nothing_is_told(site: StillMorning, change: str) -> None:
    site.fail(C0)
    observe_at(site, "10:00", "10:01")
    site.send(change)
    site.set(C0, stateid=states.AVAILABLE)
    assert observe_at(site, "10:02", "10:03", "14:00") == [0, 0, 0]
    assert kinds() == ["short"]


def test_a_class_that_goes_while_it_is_looked_at_is_told_nothing(site: StillMorning) -> None:
    site.fail(C0)
    observe_at(site, "10:00")

    def gone(send: Any) -> Any:
        site.send("DELETE FROM blockTimes")
        return send()

    with around_statements("FROM blockTimes t JOIN blockRequest r ON r.id = t.blockRequestid LEFT JOIN image", gone):
        assert observe_at(site, "10:01") == [0]
    assert kinds() == []


def test_after_its_end_a_class_is_not_looked_at(site: StillMorning) -> None:
    site.fail(C0)
    site.go("16:00")
    assert observe(site.now) == 0
    assert not Standing.objects.exists()


def test_a_class_that_is_moved_is_told_anew(site: StillMorning) -> None:
    assert observe_at(site, "13:52") == [1]
    site.send("UPDATE blockTimes SET start = %s, `end` = %s", local(START + HOUR), local(END + HOUR))
    assert observe_at(site, "13:53", "14:00", "14:10") == [0, 0, 0]
    load_all(site)
    assert observe_at(site, "14:40") == [1]
    assert kinds() == ["at risk", "ready"]


def test_within_a_day_what_is_over_is_told_of_later_classes_too(site: StillMorning) -> None:
    """The site has no other computer; then the class needs none any more."""
    site.block_time(20, START + 20 * HOUR, END + 20 * HOUR, expireTime="2026-03-04 00:00:00", numMachines=5)
    site.block_time(21, START + 48 * HOUR, END + 48 * HOUR, expireTime="2026-03-05 00:00:00", numMachines=5)
    for id_ in (20, 21):
        assert site.allocate(block_time=id_) == 4
    site.send("UPDATE blockRequest SET numMachines = 4 WHERE id IN (20, 21)")
    assert observe_at(site, "13:00") == [1]
    assert (kinds(20), kinds(21)) == (["short", "mended"], ["short"])


# --- Several looks at once --------------------------------------------------------------------------


def test_of_two_looks_at_once_one_tells_it(site: StillMorning) -> None:
    """The other one writes between this one's reading and its writing."""
    site.fail(C0)
    observe_at(site, "10:00")
    done: list[int] = []

    def after_another(send: Any) -> Any:
        rows = send()
        if not done:
            done.append(0)
            done.append(observe(site.now))
        return rows

    site.go("10:01")
    with around_statements("LEFT JOIN blockalloc_standing s", after_another):
        assert observe(site.now) == 0
    assert done == [0, 1]
    assert kinds() == ["short"]
    assert Standing.objects.get().version == 1


def test_of_two_first_looks_at_once_one_remembers_it(site: StillMorning) -> None:
    done: list[int] = []

    def after_another(send: Any) -> Any:
        rows = send()
        if not done:
            done.append(0)
            done.append(observe(site.now))
        return rows

    site.go("13:52")
    with around_statements("LEFT JOIN blockalloc_standing s", after_another):
        assert observe(site.now) == 0
    assert (done, kinds()) == ([0, 1], ["at risk"])


def test_what_was_not_committed_is_told_by_the_next_look(site: StillMorning) -> None:
    def fail(_send: object) -> None:
        raise OperationalError("the server has gone away")

    site.go("13:52")
    with around_statements("INSERT INTO `blockalloc_news`", fail), pytest.raises(OperationalError):
        observe(site.now)
    assert not Standing.objects.exists()
    assert observe_at(site, "13:53") == [1]


# --- Cost -------------------------------------------------------------------------------------------


def sent(now: int) -> int:
    with CaptureQueriesContext(connection) as captured:
        observe(now)
    return sum(query["sql"].count(BETWEEN) + 1 for query in captured)


def test_where_no_class_is_near_it_costs_one_statement(site: StillMorning) -> None:
    site.go("07:00")
    assert sent(at("04:00")) == 1
    assert sent(START + 8 * HOUR) == 1


@pytest.mark.parametrize("clock", ["09:01", "13:40"])
def test_the_number_of_statements_does_not_grow_with_the_classes(clock: str) -> None:
    numbers = []
    for more in (0, 12):
        with still_morning(computers=4 + 2 * more) as site:
            for id_ in range(20, 20 + more):
                site.block_time(id_, START, END)
                site.allocate(block_time=id_)
            site.allocate()
            site.go(clock)
            numbers.append(sent(site.now))
    assert numbers[0] == numbers[1] <= 7


def test_classes_that_begin_are_remembered_in_one_statement() -> None:
    numbers = []
    for more in (0, 12):
        with still_morning(computers=4 + 2 * more) as site:
            site.allocate()
            load_all(site)
            for id_ in range(20, 20 + more):
                site.block_time(id_, START, END)
                site.allocate(block_time=id_)
                load(site, *site.named_reloads(id_), block_time=id_)
            site.go("14:00")
            numbers.append(sent(site.now))
            assert Standing.objects.count() == 1 + more
    assert numbers[0] == numbers[1]
