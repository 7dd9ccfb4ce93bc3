"""The idempotency key of a call that makes a new block (SPEC 2.1)."""

import json
from dataclasses import replace

import pytest
import time_machine

from blockalloc.allocation import service
from blockalloc.contract.messages import Caller, Refusal
from blockalloc.models import IdempotencyKey
from tests.golden import tables
from tests.support.sites.class_site import CALLER, END, GROUP, IMAGE, NOW, START, a_call, class_site

pytestmark = pytest.mark.django_db(transaction=True)


def _blocks() -> int:
    return len(tables.read()["blockRequest"])


def test_the_same_key_and_parameters_give_the_same_answer_and_nothing_new() -> None:
    with class_site():
        call = a_call(3, block_time=0, key="monday")
        assert service.allocate_block(call, CALLER) == 3
        before = tables.read()
        assert service.allocate_block(call, CALLER) == 3
        assert tables.read() == before


def test_the_same_key_with_other_parameters_is_refused() -> None:
    with class_site():
        service.allocate_block(a_call(2, block_time=0, key="monday"), CALLER)
        with pytest.raises(Refusal) as refused:
            service.allocate_block(a_call(3, block_time=0, key="monday"), CALLER)
        assert refused.value.code == 204
        assert _blocks() == 2


def test_the_parameters_are_remembered_by_name() -> None:
    with class_site():
        service.allocate_block(a_call(2, block_time=0, key="monday"), CALLER)
        assert json.loads(IdempotencyKey.objects.get().parameters) == {
            "imageid": IMAGE,
            "start": START,
            "end": END,
            "machinecount": 2,
            "usergroupid": GROUP,
            "ignoreprivileges": True,
            "blockTimeid": 0,
            "key": "monday",
        }


def test_a_key_remembered_by_an_earlier_version_makes_no_second_block() -> None:
    with class_site():
        call = a_call(2, block_time=0, key="monday")
        service.allocate_block(call, CALLER)
        before = tables.read()
        IdempotencyKey.objects.update(parameters=f"({IMAGE}, {START}, {END}, 2, {GROUP}, True, 0)")  # its form
        with pytest.raises(Refusal, match="earlier version") as refused:
            service.allocate_block(call, CALLER)
        assert refused.value.code == 204
        assert tables.read() == before


def test_without_a_key_every_call_is_a_new_block() -> None:
    with class_site():
        for _ in range(2):
            assert service.allocate_block(a_call(2, block_time=0), CALLER) == 2
        assert _blocks() == 3


def test_a_key_counts_for_its_user_only() -> None:
    with class_site():
        call = a_call(2, block_time=0, key="monday")
        service.allocate_block(call, CALLER)
        service.allocate_block(call, Caller(1, "admin@Local"))
        assert _blocks() == 3


def test_an_answer_of_0_is_not_remembered() -> None:
    with class_site(computers=2):
        tables.change({"update": {"computer": [{"id": 10, "stateid": 10}, {"id": 11, "stateid": 10}]}}, "UTC")
        call = a_call(2, block_time=0, key="monday")
        assert service.allocate_block(call, CALLER) == 0
        tables.change({"update": {"computer": [{"id": 10, "stateid": 2}]}}, "UTC")
        assert service.allocate_block(call, CALLER) == 1


def test_a_key_is_forgotten_after_some_days() -> None:
    with class_site(computers=8):
        call = a_call(1, block_time=0, key="monday")
        service.allocate_block(call, CALLER)
        tables.change({"update": {"managementnode": [{"id": 10, "lastcheckin": "2026-03-20 08:00:00"}]}}, "UTC")
        later = NOW.timestamp() + 8 * 86400
        start = int(later) + 6 * 3600
        again = replace(call, start=start, end=start + 7200)
        with time_machine.travel(later, tick=False):
            assert service.allocate_block(again, CALLER) == 1
        assert _blocks() == 3


def test_with_a_block_time_the_key_means_nothing() -> None:
    with class_site():
        assert service.allocate_block(a_call(2, key="monday"), CALLER) == 2
        assert service.allocate_block(a_call(3, key="monday"), CALLER) == 3


def test_a_key_of_more_than_200_characters_is_refused() -> None:
    with class_site():
        with pytest.raises(Refusal) as refused:
            service.allocate_block(a_call(2, block_time=0, key="k" * 201), CALLER)
        assert refused.value.code == 204
        assert refused.value.text.startswith("X-Idempotency-Key: 201 characters, at most 200")
        assert _blocks() == 1
        assert service.allocate_block(a_call(2, block_time=0, key="k" * 200), CALLER) == 2
