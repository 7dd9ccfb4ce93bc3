"""What people are to be told of an allocation is written with it."""

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest
from django.db import OperationalError, connection
from django.test.utils import CaptureQueriesContext

from blockalloc.allocation import block_time_actions, service
from blockalloc.contract.messages import Caller, FillCall, NewBlockCall
from blockalloc.models import Decision, News, Standing
from tests.golden import tables
from tests.support.sites.class_site import CALLER, END, GROUP, IMAGE, START, ZONE, a_call, class_site, reserve
from tests.support.statements import around_statements

pytestmark = pytest.mark.django_db(transaction=True)

BACK_END = replace(CALLER, door="XMLRPCprocessBlockTime")
STAFF = Caller(3, "vclsystem@Local", "10.0.0.7", "admin", "operator")


@pytest.fixture
def three_computers() -> Iterator[None]:
    """A class that wants four machines, on a site that has three computers."""
    with class_site(computers=3):
        yield


def kinds() -> list[str]:
    return [*News.objects.order_by("id").values_list("kind", flat=True)]


def set_state(computer: int, state: int) -> None:
    tables.change({"update": {"computer": [{"id": computer, "stateid": state}]}}, ZONE)


def delete_reservations() -> None:
    with connection.cursor() as cursor:
        cursor.execute("DELETE FROM reservation WHERE requestid IN (SELECT id FROM request WHERE userid = 1)")
        cursor.execute("DELETE FROM request WHERE userid = 1")


def take(computer: int) -> None:
    reserve(computer, "2026-03-02 14:00:00", "2026-03-02 16:00:00")


# --- Short ------------------------------------------------------------------------------------------


@pytest.mark.usefixtures("three_computers")
def test_an_allocation_that_comes_short_says_all_that_is_known() -> None:
    assert service.process_block_time(10, True, BACK_END).unallocated == 1
    news, record = News.objects.get(), Decision.objects.get()
    assert (news.kind, news.block_time_id, news.block_request_id) == ("short", 10, 10)
    assert (news.block_name, news.image_name) == ("block 10", record.image_name)
    assert (news.user_group, news.owner, news.affiliation_id) == (
        record.user_group,
        record.owner,
        record.affiliation_id,
    )
    assert "@" in news.user_group
    assert (news.owner_id, news.owner) == (1, "admin@Local")
    assert (news.start.timestamp(), news.end.timestamp()) == (START, END)
    assert (news.wanted, news.usable, news.ready) == (4, 3, None)
    assert news.decision_id == record.id
    assert news.why
    assert news.why in record.text
    assert news.tried == "taken: c10, c11 and c12"
    assert news.at == news.since == record.started
    assert news.taken is None


@pytest.mark.usefixtures("three_computers")
@pytest.mark.parametrize(
    ("caller", "by_back_end"),
    [
        (BACK_END, True),
        (replace(CALLER, door="XMLRPCblockAllocation"), True),
        (STAFF, False),
        (replace(CALLER, door="allocate_block"), False),
    ],
)
def test_it_says_whether_the_back_end_has_asked(caller: Caller, by_back_end: bool) -> None:
    service.allocate_block(a_call(), caller)
    assert News.objects.get().by_back_end is by_back_end


@pytest.mark.usefixtures("three_computers")
def test_the_same_shortage_is_told_once() -> None:
    for _ in range(6):  # as often as the back end asks
        service.process_block_time(10, True, BACK_END)
    assert kinds() == ["short"]
    assert Standing.objects.get().short == 1


@pytest.mark.usefixtures("three_computers")
def test_a_dry_run_is_no_news() -> None:
    assert service.dry_run(a_call(), STAFF).outcome.unallocated == 1
    assert kinds() == []
    assert not Standing.objects.exists()


@pytest.mark.usefixtures("three_computers")
def test_what_is_not_committed_is_no_news() -> None:
    def fail(_send: object) -> None:
        raise OperationalError("the server has gone away")

    with around_statements("INSERT INTO `blockalloc_news`", fail), pytest.raises(OperationalError):
        service.process_block_time(10, True, BACK_END)
    assert kinds() == []
    assert not Standing.objects.exists()
    assert not tables.read()["blockComputers"]


@pytest.mark.usefixtures("three_computers")
def test_a_class_that_is_over_is_no_news() -> None:
    with connection.cursor() as cursor:  # its request has not expired
        cursor.execute("UPDATE blockTimes SET start = '2026-03-02 05:00:00', end = '2026-03-02 07:00:00'")
    service.process_block_time(10, True, BACK_END)
    assert kinds() == []


# --- New blocks -------------------------------------------------------------------------------------


@pytest.mark.usefixtures("three_computers")
@pytest.mark.parametrize("machines", [4, 3])
def test_a_new_block_is_told_to_be_short_under_its_own_name(machines: int) -> None:
    caller = replace(CALLER, door="XMLRPCblockAllocation")
    service.allocate_block(a_call(machines, block_time=0), caller)
    told = [(each.block_name[:4], each.by_back_end) for each in News.objects.all()]
    assert told == ([("API:", False)] if machines == 4 else [])  # the back end knows nothing of it, and mails nobody


def test_a_block_of_which_no_rows_are_kept_is_no_news() -> None:
    with class_site(computers=0):
        assert service.allocate_block(a_call(block_time=0), CALLER) == 0
        assert kinds() == []


def test_a_block_that_is_kept_without_a_machine_is() -> None:
    with class_site(computers=0):
        tables.change({"update": {"image": [{"id": IMAGE, "ownerid": CALLER.user_id}]}}, ZONE)
        outcome = service.create_block(NewBlockCall(IMAGE, "10", START, END, 2, GROUP, True), CALLER)
        assert (outcome.allocated, outcome.unallocated) == (0, 2)
        news = News.objects.get()
        assert (news.block_time_id, news.wanted, news.usable) == (outcome.block_time_id, 2, 0)


# --- Mended -----------------------------------------------------------------------------------------


def short_site(**more: int) -> Any:
    return class_site(computers=5, **more)


def test_the_allocation_that_ends_a_shortage_says_so() -> None:
    with short_site():
        take(10)
        take(11)
        service.process_block_time(10, True, BACK_END)
        delete_reservations()
        service.process_block_time(10, True, STAFF)
        short, mended = News.objects.order_by("id")
        assert (short.kind, mended.kind) == ("short", "mended")
        assert (mended.wanted, mended.usable, mended.why, mended.since) == (4, 4, "", None)
        assert mended.tried == "taken: c10"
        assert mended.decision_id == Decision.objects.order_by("-id")[0].id
        assert Standing.objects.get().short == 0


def test_fewer_machines_than_the_class_wants_mend_nothing() -> None:
    with short_site():
        take(10)
        take(11)
        service.process_block_time(10, True, BACK_END)
        service.allocate(FillCall(10, True, machines=2), STAFF)
        assert kinds() == ["short"]


def test_a_class_one_of_whose_computers_has_failed_is_left_to_the_next_look() -> None:
    """The outcome counts it as any other."""
    with short_site():
        take(10)
        take(11)
        service.process_block_time(10, True, BACK_END)
        set_state(12, 5)  # failed
        delete_reservations()
        assert service.process_block_time(10, True, STAFF).unallocated == 0
        assert kinds() == ["short"]


def test_what_has_been_told_may_change_while_the_call_writes() -> None:
    """A look tells a shortage between the call's reading and its writing."""
    with class_site(computers=3):
        done: list[int] = []

        def after_a_look(send: Any) -> Any:
            rows = send()
            if not done:
                done.append(1)
                with connection.cursor() as cursor:
                    cursor.execute(
                        "INSERT INTO blockalloc_standing (block_time_id, start, short, held, begun, version) "
                        "VALUES (10, '2026-03-02 19:00:00', 1, 0, 0, 0)"
                    )
            return rows

        with around_statements("FROM blockalloc_standing s WHERE s.block_time_id", after_a_look):
            service.process_block_time(10, True, BACK_END)
        assert done
        assert kinds() == []
        assert Standing.objects.get().short == 1


# --- Released ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("act", [block_time_actions.release_block_time, block_time_actions.skip_block_time])
def test_who_releases_a_class_is_told_nothing_more(act: Any) -> None:
    with short_site():
        take(10)
        take(11)
        service.process_block_time(10, True, BACK_END)
        act(10, STAFF)
        standing = Standing.objects.get()
        assert (standing.short, standing.version) == (0, 1)
        if act is block_time_actions.skip_block_time:
            block_time_actions.unskip_block_time(10, STAFF)
        delete_reservations()
        service.process_block_time(10, True, STAFF)
        assert kinds() == ["short"]


# --- Cost -------------------------------------------------------------------------------------------


def statements_about_news(call: Any) -> list[str]:
    with CaptureQueriesContext(connection) as captured:
        service.allocate_block(call, CALLER)
    about = [query["sql"].rpartition(" FOR ")[2].split()[0] for query in captured if _is_about_news(query["sql"])]
    return sorted(about)


def _is_about_news(sql: str) -> bool:
    return "blockalloc_standing" in sql or "blockalloc_news" in sql or "blockalloc_watch" in sql


def test_a_complete_allocation_costs_one_statement_and_a_new_block_none() -> None:
    with class_site(computers=10):
        assert statements_about_news(a_call()) == ["SELECT"]
        assert statements_about_news(a_call()) == ["SELECT"]
        assert statements_about_news(a_call(block_time=0)) == []


def test_a_shortage_costs_four_when_it_is_news() -> None:
    with class_site(computers=3):
        assert statements_about_news(a_call()) == ["INSERT", "INSERT", "SELECT", "SELECT"]
        assert statements_about_news(a_call()) == ["SELECT", "SELECT"]
