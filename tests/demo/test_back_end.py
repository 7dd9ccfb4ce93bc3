"""The double of the back end on the demo site, and the classes that begin soon."""

import os
import signal
import threading
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from io import StringIO
from random import Random

import pytest
import time_machine
from django.core.management import call_command

from blockalloc import clock
from blockalloc.demo.back_end import DemoBackEnd
from blockalloc.demo.walk_ins import NAME, book_if_none_is_near
from blockalloc.models import BlockComputer, BlockRequest, BlockTime, ComputerLoadLog, Decision, ManagementNode, Request
from blockalloc.reports import readiness
from simulation.back_end import states
from simulation.back_end.conditions import Result
from tests.support.sites.demo import load

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.usefixtures("demo_process"),
    pytest.mark.once(on="sqlite"),  # the demo's database
]

NOW = datetime(2026, 3, 3, 10, 2, 30, tzinfo=UTC)  # a Tuesday
MINUTE = 60


@pytest.fixture
def traveller() -> Iterator[time_machine.Traveller]:
    """The demo site, at NOW."""
    with time_machine.travel(NOW, tick=False) as traveller:
        load()
        yield traveller


def loaded(_computer: int, _image: int, _chance: Random) -> Result:
    return Result.LOADED


def rounds(back_end: DemoBackEnd, traveller: time_machine.Traveller, until: datetime, every: int = 20) -> None:
    """Rounds up to that moment."""
    while clock.now() < until.timestamp():
        traveller.shift(timedelta(seconds=every))
        back_end.round(clock.now())


def test_a_class_is_booked_when_none_begins_within_the_hour(traveller: time_machine.Traveller) -> None:
    BlockTime.objects.filter(start__lt=NOW + timedelta(hours=2)).delete()
    booked = book_if_none_is_near(clock.now())
    assert booked is not None
    assert (booked.blockRequest.name, booked.start, booked.processed) == (NAME, NOW.replace(minute=30, second=0), 0)
    assert book_if_none_is_near(clock.now()) is None
    traveller.move_to(booked.start)
    assert book_if_none_is_near(clock.now()) is not None


def test_a_class_that_is_near_is_enough(traveller: time_machine.Traveller) -> None:
    near = BlockTime.objects.accepted().not_skipped().filter(start__gt=NOW).earliest("start")
    assert book_if_none_is_near(int(near.start.timestamp()) - 3600) is None
    assert book_if_none_is_near(int(near.start.timestamp()) - 3601) is not None


def test_the_class_is_asked_for_and_loaded(traveller: time_machine.Traveller) -> None:
    booked = book_if_none_is_near(clock.now())
    assert booked is not None
    back_end = DemoBackEnd(loaded)
    back_end.round(clock.now())
    assert BlockComputer.objects.filter(blockTime=booked).count() == 12
    record = Decision.objects.filter(block_time_id=booked.pk).latest("pk")
    assert (record.door, record.address) == ("XMLRPCprocessBlockTime", "127.0.0.1")
    to_load = BlockComputer.objects.filter(blockTime=booked).exclude(computer__currentimage=booked.blockRequest.image)
    assert to_load.count() >= 2
    rounds(back_end, traveller, booked.start)
    (state,) = readiness.read(BlockTime.objects.filter(pk=booked.pk), clock.now())
    assert (state.readiness.ready, state.readiness.wanted) == (12, 12)
    rounds(back_end, traveller, booked.end + timedelta(minutes=3))
    assert not BlockTime.objects.filter(pk=booked.pk).exists()


def test_work_of_an_earlier_run_is_begun_anew(traveller: time_machine.Traveller) -> None:
    first = DemoBackEnd(loaded)
    booked = book_if_none_is_near(clock.now())
    assert booked is not None
    BlockTime.objects.filter(pk=booked.pk).update(start=NOW + timedelta(minutes=14))
    first.round(clock.now())
    rounds(first, traveller, NOW + timedelta(minutes=4))
    under_way = Request.objects.filter(state=states.PENDING, laststate=states.RELOAD)
    assert under_way.exists()
    BlockRequest.objects.filter(pk=booked.blockRequest_id).update(processing=1)
    computers = set(under_way.values_list("reservation__computer", flat=True))
    second = DemoBackEnd(loaded)
    assert not under_way.exists()
    assert not BlockRequest.objects.filter(processing=1).exists()
    rounds(second, traveller, NOW + timedelta(minutes=24))
    assert not Request.objects.filter(reservation__computer__in=computers, laststate=states.RELOAD).exists()
    assert not ComputerLoadLog.objects.filter(reservation__computer__in=computers).exists()


def test_the_command_works_until_it_is_stopped() -> None:
    load()
    ManagementNode.objects.update(lastcheckin=datetime(2026, 1, 1, tzinfo=UTC))
    before = signal.getsignal(signal.SIGTERM)
    threading.Timer(2, os.kill, (os.getpid(), signal.SIGTERM)).start()
    call_command("run_demo_back_end", stdout=StringIO())
    ages = [datetime.now(UTC) - node.lastcheckin for node in ManagementNode.objects.all() if node.lastcheckin]
    assert len(ages) == 2
    assert max(ages) < timedelta(seconds=10)
    soon = BlockTime.objects.accepted().filter(
        start__gt=datetime.now(UTC), start__lt=datetime.now(UTC) + timedelta(hours=1)
    )
    assert BlockComputer.objects.filter(blockTime__in=soon).exists()
    assert signal.getsignal(signal.SIGTERM) == before
