"""May a block time be filled, and is it to take place? One answer, to the second, wherever it is asked."""

from datetime import timedelta

import pytest
import time_machine

from blockalloc import clock
from blockalloc.admin.block_times import status_in_words, with_counts
from blockalloc.allocation import service
from blockalloc.contract import refusals
from blockalloc.contract.messages import Refusal
from blockalloc.inspection import reading
from blockalloc.inspection.shortages import is_due
from blockalloc.models import BlockRequest, BlockTime
from blockalloc.reports import readiness
from scheduling.block_status import BlockStatus, is_expired, is_scheduled
from scheduling.vcl_names import RELOAD_USER, SYSTEM_USER
from tests.support.sites.class_site import BLOCK_TIME, CALLER, class_site

NOW = 1_000_000
OPEN = BlockStatus(skip=False, status="accepted", end=NOW + 1, expires=NOW)


class TestOneBlockTime:
    def test_it_may_be_filled_until_the_second_of_its_expiry(self) -> None:
        assert OPEN.obstacle_to_filling(NOW) is None
        assert OPEN.obstacle_to_filling(NOW + 1) == "expired"

    def test_one_that_is_over_may_be_filled_but_is_not_to_take_place(self) -> None:
        over = OPEN._replace(end=NOW)
        assert over.obstacle_to_filling(NOW) is None
        assert over.obstacle_to_taking_place(NOW) == "over"
        assert not over.is_current_or_upcoming(NOW)

    def test_the_second_of_expiry_is_open(self) -> None:
        assert OPEN.is_current_or_upcoming(NOW)
        assert OPEN._replace(end=NOW + 9).obstacle_to_taking_place(NOW + 1) == "expired"

    def test_the_order_of_obstacles(self) -> None:
        everything = BlockStatus(skip=True, status="deleted", end=NOW, expires=NOW - 1)
        assert everything.obstacle_to_taking_place(NOW) == everything.obstacle_to_filling(NOW) == "skipped"
        refused = everything._replace(skip=False)
        assert refused.obstacle_to_taking_place(NOW) == refused.obstacle_to_filling(NOW) == "not accepted"
        accepted = refused._replace(status="accepted")
        assert (accepted.obstacle_to_taking_place(NOW), accepted.obstacle_to_filling(NOW)) == ("over", "expired")

    def test_whatever_the_time(self) -> None:
        assert is_scheduled(skip=False, status="accepted")
        assert not is_scheduled(skip=True, status="accepted")
        assert not is_scheduled(skip=False, status="requested")

    def test_an_expiry_is_past_one_second_later(self) -> None:
        assert [is_expired(NOW, moment) for moment in (NOW - 1, NOW, NOW + 1)] == [False, False, True]


def test_users_are_named_as_vcl_names_them() -> None:
    assert (str(RELOAD_USER), str(SYSTEM_USER)) == ("vclreload@Local", "vclsystem@Local")


@pytest.mark.parametrize(("seconds_late", "is_open"), [(0, True), (1, False)])
@pytest.mark.django_db(transaction=True)
def test_every_door_gives_the_same_answer(seconds_late: int, is_open: bool) -> None:
    """At the second of expiry, and a second later: a call, the pages, the feeds, the filters, check_vcl."""
    with class_site(computers=5):
        time = BlockTime.objects.select_related("blockRequest").get(pk=BLOCK_TIME)
        BlockRequest.objects.filter(pk=time.blockRequest_id).update(expireTime=time.start)
        with time_machine.travel(time.start + timedelta(seconds=seconds_late, milliseconds=500), tick=False):
            answers = _answers()
    assert answers == dict.fromkeys(answers, is_open)


def _answers() -> dict[str, bool]:
    now = clock.now()
    times = BlockTime.objects.filter(pk=BLOCK_TIME)
    (ready,) = readiness.read(times, now)
    return {
        "list of block times": status_in_words(with_counts(times).get()) != "request expired",
        "readiness": ready.is_current_or_upcoming(now) and str(ready.readiness.signal) != "request expired",
        "filter of block requests": BlockRequest.objects.unexpired().filter(blocktime=BLOCK_TIME).exists(),
        "check_vcl": is_due(reading.read(now, ()).times[BLOCK_TIME], now),
        "call": _may_be_filled(),
    }


def _may_be_filled() -> bool:
    try:
        service.process_block_time(BLOCK_TIME, True, CALLER)
    except Refusal as refusal:
        return refusal.code != refusals.EXPIRED
    return True
