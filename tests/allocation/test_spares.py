"""Calls that take spares: more machines than wanted, which count in no answer."""

import json
from collections.abc import Iterator
from io import StringIO

import pytest
from django.core.management import call_command
from django.db import connection
from pytest_django import Settings

from blockalloc.allocation import service
from blockalloc.allocation.service import Allocation
from blockalloc.contract.messages import FillCall
from blockalloc.models import BlockComputer, Decision, Request
from blockalloc.store import awaited, rows
from scheduling.facts import Block
from tests.golden import tables
from tests.golden.replay import PASSWORD
from tests.support.claim_and_confirm import Between
from tests.support.rpc_calls import call
from tests.support.sites.class_site import (
    BLOCK_TIME,
    CALLER,
    END,
    IMAGE,
    NOW,
    START,
    ZONE,
    class_site,
    computers_of,
    reserve,
)

pytestmark = pytest.mark.django_db(transaction=True)
SIGNED_IN = {"X-User": "vclsystem", "X-Pass": PASSWORD, "X-APIVERSION": "2"}
CLASS = ("2026-03-02 14:00:00", "2026-03-02 16:00:00")


@pytest.fixture(autouse=True)
def site(settings: Settings) -> Iterator[None]:
    """A class of four on a site of twelve computers, where keep_ready does not run: nothing makes up for a failure."""
    settings.VCL_RELOAD_POLICY, settings.VCL_SPARES, settings.VCL_READY_TARGET = "ready", "auto", 0.99
    with class_site(computers=12, blocks=2):
        yield


def change(sql: str, *params: int) -> None:
    with connection.cursor() as cursor:
        cursor.execute(sql, params)


def allocate(block_time: int = BLOCK_TIME, machines: int | None = None) -> Allocation:
    return service.allocate(FillCall(block_time, ignore_privileges=True, machines=machines), CALLER)


def spares_of(allocation: Allocation) -> int:
    assert allocation.result is not None
    return allocation.result.spares


def image_limit(computers: int) -> None:
    change("UPDATE image SET maxconcurrent = %s WHERE id = %s", computers, IMAGE)


class TestTaken:
    def test_a_class_that_nothing_mends_gets_a_spare_with_its_reload(self) -> None:
        done = allocate()
        assert spares_of(done) == 1
        assert computers_of() == [10, 11, 12, 13, 14]
        reloads = BlockComputer.objects.filter(blockTime=BLOCK_TIME).values_list("reloadrequestid", flat=True)
        assert Request.objects.filter(pk__in=[*reloads], state=19, preload=1).count() == 5

    def test_none_is_taken_when_they_are_off(self, settings: Settings) -> None:
        settings.VCL_SPARES = "off"
        done = allocate()
        assert (spares_of(done), computers_of()) == (0, [10, 11, 12, 13])
        assert done.outcome.outlook is not None
        assert done.outcome.outlook.ready < 0.99

    def test_none_is_taken_under_policy_vcl(self, settings: Settings) -> None:
        settings.VCL_RELOAD_POLICY = "vcl"
        assert spares_of(allocate()) == 0
        assert computers_of() == [10, 11, 12, 13]

    def test_none_is_taken_beyond_the_limit_of_the_image(self) -> None:
        image_limit(4)
        assert (spares_of(allocate()), computers_of()) == (0, [10, 11, 12, 13])

    def test_a_spare_counts_for_the_limit_of_the_image(self) -> None:
        image_limit(5)
        assert spares_of(allocate()) == 1
        done = allocate(11)
        assert done.outcome.allocated == 0
        assert done.result is not None
        assert "5 of at most 5" in done.result.stopped_by()

    def test_none_is_taken_that_another_class_at_these_hours_will_need(self) -> None:
        change("UPDATE computer SET deleted = 1 WHERE id >= 18")
        assert spares_of(allocate()) == 0
        assert allocate(11).outcome.allocated == 4

    def test_none_is_taken_from_a_user(self) -> None:
        for computer in (14, 15, 16, 17, 18, 19, 20, 21):
            reserve(computer, "2026-03-02 08:30:00", "2026-03-02 14:00:00")
        assert (spares_of(allocate()), computers_of()) == (0, [10, 11, 12, 13])

    def test_a_class_that_is_short_gets_all_there_are_and_no_spare(self) -> None:
        change("UPDATE computer SET deleted = 1 WHERE id >= 13")
        done = allocate()
        assert (done.outcome.allocated, done.outcome.unallocated, spares_of(done)) == (3, 1, 0)

    def test_a_second_call_takes_no_more(self) -> None:
        allocate()
        done = allocate()
        assert (done.outcome.status, done.outcome.allocated, spares_of(done)) == ("completed", 4, 0)
        assert len(computers_of()) == 5

    def test_a_call_for_fewer_machines_than_the_request_has_gets_spares_for_these(self) -> None:
        done = allocate(machines=2)
        assert done.outcome.allocated == 2
        assert len(computers_of()) == 2 + spares_of(done)


class TestAnswers:
    def test_the_struct_counts_no_spare(self) -> None:
        answer = call("XMLRPCprocessBlockTime", BLOCK_TIME, 1, headers=SIGNED_IN)
        assert isinstance(answer, dict)
        assert (answer["status"], answer["allocated"], answer["unallocated"]) == ("success", 4, 0)
        assert answer["ready"] >= 0.99
        assert set(answer) == {"status", "allocated", "unallocated", "ready", "late", "minutes"}
        assert len(computers_of()) == 5

    def test_seven_parameters_count_no_spare(self) -> None:
        assert call("XMLRPCblockAllocation", IMAGE, START, END, 4, 20, 1, BLOCK_TIME, headers=SIGNED_IN) == 4
        assert len(computers_of()) == 5

    def test_the_record_says_how_many_were_taken(self) -> None:
        allocate()
        record = Decision.objects.get()
        assert (record.wanted, record.had, record.allocated, record.spares) == (4, 0, 4, 1)
        assert record.ready is not None
        assert record.ready >= 0.99

    def test_the_record_has_none_where_none_was_taken(self, settings: Settings) -> None:
        settings.VCL_SPARES = "off"
        allocate()
        assert Decision.objects.get().spares is None

    def test_the_command_names_them_apart(self) -> None:
        output = StringIO()
        call_command("allocate_block", "--block-time", str(BLOCK_TIME), "--ignore-privileges", stdout=output)
        lines = output.getvalue().splitlines()
        assert lines[0] == "The class has 4 of 4 machines and 1 spare now."
        assert "sure that all 4 are ready at 14:00" in lines[1]
        assert any("4 of 4 machines and 1 spare" in line for line in lines[2:])

    def test_the_command_in_json(self) -> None:
        output = StringIO()
        call_command("allocate_block", "--block-time", str(BLOCK_TIME), "--ignore-privileges", "--json", stdout=output)
        answer = json.loads(output.getvalue())
        assert (answer["allocated"], answer["unallocated"], answer["spares"]) == (4, 0, 1)
        assert (answer["block_time"]["allocated"], answer["block_time"]["spares"]) == (4, 1)


class TestConfirmed:
    """Somebody else gets a computer between the two transactions."""

    def test_a_spare_that_was_lost_is_not_made_up_for(self, between_claim_and_confirm: Between) -> None:
        between_claim_and_confirm(lambda: reserve(14, *CLASS))
        done = allocate()
        assert (done.outcome.allocated, spares_of(done)) == (4, 0)
        assert computers_of() == [10, 11, 12, 13]
        record = Decision.objects.get()
        assert (record.retries, record.spares) == (0, None)

    def test_a_spare_takes_the_place_of_a_machine_that_was_lost(self, between_claim_and_confirm: Between) -> None:
        between_claim_and_confirm(lambda: reserve(12, *CLASS))
        done = allocate()
        assert (done.outcome.allocated, spares_of(done)) == (4, 0)
        assert computers_of() == [10, 11, 13, 14]
        assert Decision.objects.get().retries == 0

    def test_when_more_was_lost_than_there_were_spares_the_call_plans_again(
        self, between_claim_and_confirm: Between
    ) -> None:
        def others_come() -> None:
            reserve(12, *CLASS)
            reserve(13, *CLASS)

        between_claim_and_confirm(others_come)
        done = allocate()
        assert (done.outcome.allocated, spares_of(done)) == (4, 1)
        assert len(computers_of()) == 5
        assert BlockComputer.objects.filter(computer__in=(12, 13)).count() == 0


class TestAwaited:
    """How many computers other classes lack at the hours of a block."""

    @staticmethod
    def computers(start: int = START, end: int = END) -> int:
        images = [each.image for each in rows.images(IMAGE)]
        return awaited.computers(Block(BLOCK_TIME, start, end, None, images, 4), int(NOW.timestamp()))

    def test_what_it_has_already_does_not_count(self) -> None:
        assert self.computers() == 4
        allocate(11, machines=3)
        change("DELETE FROM blockComputers WHERE computerid > 12")
        assert self.computers() == 1

    def test_spares_of_another_class_do_not_make_up_for_a_third_one(self) -> None:
        allocate(11)
        assert len(computers_of(11)) == 5
        assert self.computers() == 0

    @pytest.mark.parametrize(
        "sql",
        [
            "UPDATE blockTimes SET skip = 1 WHERE id = 11",
            "UPDATE blockRequest SET status = 'deleted' "
            "WHERE id = (SELECT blockRequestid FROM blockTimes WHERE id = 11)",
            "UPDATE blockTimes SET start = '2026-03-03 14:00:00', `end` = '2026-03-03 16:00:00' WHERE id = 11",
        ],
    )
    def test_a_class_that_needs_none_at_these_hours_does_not_count(self, sql: str) -> None:
        change(sql)
        assert self.computers() == 0

    def test_a_class_whose_image_needs_other_computers_does_not_count(self) -> None:
        tables.insert("platform", [{"id": 77, "name": "other"}], ZONE)
        change("UPDATE image SET platformid = 77 WHERE id = %s", IMAGE)
        images = [each.image._replace(platform_id=1) for each in rows.images(IMAGE)]
        block = Block(BLOCK_TIME, START, END, None, images, 4)
        assert awaited.computers(block, int(NOW.timestamp())) == 0

    def test_each_computer_of_a_cluster_counts(self) -> None:
        meta = {"id": 50, "subimages": 1}
        tables.insert("imagemeta", [meta], ZONE)
        tables.insert("subimages", [{"imagemetaid": 50, "imageid": IMAGE}, {"imagemetaid": 50, "imageid": IMAGE}], ZONE)
        change("UPDATE image SET imagemetaid = 50 WHERE id = %s", IMAGE)
        assert self.computers() == 12
