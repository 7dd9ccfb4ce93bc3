"""Whether a block time may be filled, and whether it takes place: one answer everywhere, to the second."""

from datetime import timedelta

import pytest
import time_machine

from blockalloc import clock
from blockalloc.admin.class_rows import class_row
from blockalloc.allocation import service
from blockalloc.contract import refusals
from blockalloc.contract.messages import Refusal
from blockalloc.inspection import reading
from blockalloc.inspection.shortages import is_due
from blockalloc.models import BlockRequest, BlockTime
from blockalloc.reports import readiness
from tests.support.sites.class_site import BLOCK_TIME, CALLER, class_site


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
        "list of block times": class_row(ready, now).label != "Request expired",
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
