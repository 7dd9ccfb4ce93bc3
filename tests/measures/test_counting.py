"""Where calls, waits, sign-ins and looks are counted, and as what. Counts are those of this process."""

import threading
import time
from collections.abc import Iterator
from typing import Any

import pytest
from django.contrib.auth.models import User as StaffUser
from django.db import OperationalError
from django.test import Client
from django.urls import reverse
from pytest_django import Settings

from blockalloc.allocation import service
from blockalloc.contract import refusals
from blockalloc.contract.messages import FillCall, Outcome, Refusal
from blockalloc.measures import deliveries
from blockalloc.models import LocalAuth, User
from blockalloc.store.guard import Deadline
from blockalloc.store.turns import Turns
from blockalloc.upkeep.passes import run_pass
from tests.support.counts import counting, number
from tests.support.rpc_calls import SIGNED_IN, TEST, StubService, document, post, signing_in
from tests.support.servers.front_end_server import FrontEndServer, well_behaved
from tests.support.sites.accounts import give_password
from tests.support.sites.back_end_stage import C0
from tests.support.sites.class_site import BLOCK_TIME
from tests.support.sites.still_morning import StillMorning, still_morning

SEVEN = (1, 1772478000, 1772485200, 4, 10, 1, 10)


@pytest.fixture
def vclsystem(db: None) -> LocalAuth:
    return give_password(User.objects.get(unityid="vclsystem"), SIGNED_IN["X-Pass"].encode())


@pytest.fixture
def stub(monkeypatch: pytest.MonkeyPatch, vclsystem: LocalAuth) -> StubService:
    """Stands in for the service: the outcome of a call is the test's."""
    stub = StubService()
    monkeypatch.setattr("blockalloc.rpc.methods.service", stub)
    return stub


def grown_by(method: str, *parameters: object, **more: Any) -> dict[str, float]:
    """What a call over XML-RPC has counted as calls."""
    with counting() as grown:
        post(document(method, *parameters), **more)
    return {key: each for key, each in grown.items() if key.startswith("blockalloc_call")}


def once(method: str, outcome: str) -> dict[str, float]:
    """One call, counted and timed."""
    return {
        f'blockalloc_calls_total{{method="{method}",outcome="{outcome}"}}': 1,
        f'blockalloc_call_duration_seconds_count{{method="{method}"}}': 1,
    }


# --- Calls over XML-RPC -------------------------------------------------------------------------
@pytest.mark.parametrize(("count", "outcome"), [(4, "complete"), (3, "short"), (0, "short")])
def test_a_call_with_seven_parameters(stub: StubService, count: int, outcome: str) -> None:
    stub.count = count
    assert grown_by("XMLRPCblockAllocation", *SEVEN) == once("block_allocation", outcome)


@pytest.mark.parametrize(("missing", "outcome"), [(0, "complete"), (2, "short")])
def test_a_block_time_that_is_processed(stub: StubService, missing: int, outcome: str) -> None:
    stub.outcome = Outcome("success", 2, missing, 10)
    assert grown_by("XMLRPCprocessBlockTime", 10, 1) == once("process_block_time", outcome)


def test_a_call_that_allocates_nothing(stub: StubService) -> None:
    assert grown_by("XMLRPCtest", "x") == once("other", "done")
    assert grown_by("system.listMethods") == once("other", "done")


@pytest.mark.parametrize(
    ("method", "parameters", "label"),
    [
        ("XMLRPCblockAllocation", SEVEN, "block_allocation"),  # a fault
        ("XMLRPCprocessBlockTime", (10, 1), "process_block_time"),  # a struct
    ],
)
def test_refusals_and_errors(stub: StubService, method: str, parameters: tuple[int, ...], label: str) -> None:
    for error, outcome in (
        (refusals.busy(), "refused"),
        (Refusal(8, "there is no such block time"), "refused"),  # 8 is also a code of the sign-in
        (RuntimeError("a bug"), "failed"),
        (OperationalError(2006, "server has gone away"), "failed"),
    ):
        stub.error = error
        assert grown_by(method, *parameters) == once(label, outcome)


def test_wrong_parameters_and_unknown_methods(stub: StubService) -> None:
    assert grown_by("XMLRPCblockAllocation", 1) == once("block_allocation", "refused")
    assert grown_by("XMLRPCnobodyKnowsThis") == once("other", "refused")


def test_who_is_not_let_in(stub: StubService, settings: Settings) -> None:
    for headers in ({}, signing_in(password="wrong"), signing_in(version="1"), signing_in(version="9")):
        assert grown_by("XMLRPCblockAllocation", *SEVEN, headers=headers) == once("other", "denied")
    settings.VCL_BLOCK_API_USERS = ["somebody@Local"]
    assert grown_by("XMLRPCprocessBlockTime", 10, 1) == once("process_block_time", "denied")


def test_a_call_at_a_wrong_address(stub: StubService) -> None:
    assert grown_by("XMLRPCtest", "x", path="/nowhere") == once("other", "refused")


# --- Sign-ins -----------------------------------------------------------------------------------
def test_sign_ins_that_fail(stub: StubService, settings: Settings) -> None:
    settings.VCL_LOCKOUT_FAILURES = 2
    with counting() as grown:
        for password in ("wrong", "wronger", "after the lock-out"):
            post(TEST, headers=signing_in(password=password))
    assert grown['blockalloc_sign_in_failures_total{door="xmlrpc"}'] == 2
    assert grown['blockalloc_lockouts_total{door="xmlrpc"}'] == 1
    assert grown['blockalloc_calls_total{method="other",outcome="denied"}'] == 3


@pytest.mark.django_db
def test_staff_who_fail_to_sign_in() -> None:
    StaffUser.objects.create_user("jdoe", password="right", is_staff=True)
    with counting() as grown:
        for password in ("wrong", "right"):
            form = {"username": "jdoe", "password": password}
            Client().post(reverse("admin:login"), form, secure=True)
    assert grown == {'blockalloc_sign_in_failures_total{door="staff"}': 1}


# --- Calls that are passed on -------------------------------------------------------------------
@pytest.fixture
def front_end(vclsystem: LocalAuth, settings: Settings) -> Iterator[FrontEndServer]:
    with FrontEndServer(well_behaved) as server:
        settings.VCL_FRONT_END_URL, settings.VCL_FRONT_END_METHODS = server.url, ["XMLRPCautoCapture"]
        yield server


# --- Real allocations and looks -----------------------------------------------------------------
@pytest.fixture
def morning(transactional_db: None) -> Iterator[StillMorning]:
    """The class at nine wants four machines; there are eight computers."""
    with still_morning() as stage:
        yield stage


def machines(grown: dict[str, float], method: str) -> tuple[float, float, float]:
    """The machines that were counted: wanted, allocated, short."""
    names = ("wanted", "allocated", "short")
    wanted, allocated, short = (
        grown.get(f'blockalloc_machines_{name}_total{{method="{method}"}}', 0) for name in names
    )
    return wanted, allocated, short


@pytest.mark.parametrize(("door", "method"), [("allocate_block", "command"), ("admin", "page")])
def test_calls_by_other_doors(morning: StillMorning, door: str, method: str) -> None:
    caller, fill = service.system_caller(door), FillCall(BLOCK_TIME, True)
    with counting() as grown:
        service.dry_run(fill, caller)
    assert grown == once("dry_run", "done")
    with counting() as grown:
        service.allocate(fill, caller)
    assert grown.items() >= once(method, "complete").items()
    assert machines(grown, method) == (4, 4, 0)
    assert grown["blockalloc_guard_wait_seconds_count"] == 1
    with counting() as grown, pytest.raises(Refusal):
        service.allocate(FillCall(999, True), caller)
    assert grown.items() >= once(method, "refused").items()
    assert machines(grown, method) == (0, 0, 0)


def test_a_class_that_is_short(morning: StillMorning) -> None:
    morning.send(
        "DELETE FROM resourcegroupmembers WHERE resourceid IN (SELECT id FROM resource WHERE subid > %s)", C0 + 2
    )
    morning.send("UPDATE computer SET deleted = 1 WHERE id > %s", C0 + 2)
    with counting() as grown:
        service.allocate(FillCall(BLOCK_TIME, True), service.system_caller("allocate_block"))
    assert grown.items() >= once("command", "short").items()
    assert machines(grown, "command") == (4, 3, 1)


def test_looks_and_what_they_change(morning: StillMorning) -> None:
    morning.allocate()
    with counting() as grown:
        morning.look_at("09:00")
    assert grown['blockalloc_looks_total{outcome="done"}'] == 1
    assert not [key for key in grown if "replaced" in key or "loaded_again" in key]
    morning.fail(C0 + 1)
    with counting() as grown:
        morning.look_at("09:01")
    assert grown["blockalloc_computers_replaced_total"] == 1
    assert grown.items() >= once("keep_ready", "complete").items()
    assert machines(grown, "keep_ready") == (4, 4, 0)


@pytest.mark.django_db
def test_a_look_that_fails(monkeypatch: pytest.MonkeyPatch) -> None:
    def away(_now: int) -> None:
        raise OperationalError(2002, "Can't connect")

    monkeypatch.setattr("blockalloc.upkeep.trust.look", away)
    with counting() as grown, pytest.raises(OperationalError):
        run_pass()
    assert grown == {'blockalloc_looks_total{outcome="failed"}': 1, "blockalloc_look_duration_seconds_count": 1}


# --- Waits --------------------------------------------------------------------------------------
def test_a_turn_that_has_to_be_waited_for() -> None:
    turns, inside, deadline = Turns(), threading.Event(), Deadline(5)

    def holder() -> None:
        with turns.turn(Deadline(5)):
            inside.set()
            time.sleep(0.2)

    thread = threading.Thread(target=holder)
    thread.start()
    inside.wait(5)
    with turns.turn(deadline):
        pass
    thread.join()
    assert 0.1 < deadline.waited < 5


def test_deliveries_have_known_labels() -> None:
    before = number("blockalloc_deliveries_total", channel="mail", outcome="delivered")
    deliveries.count("mail", "delivered", 0.3)
    assert number("blockalloc_deliveries_total", channel="mail", outcome="delivered") == before + 1
    for wrong in (("pigeon", "delivered"), ("mail", "lost")):
        with pytest.raises(ValueError, match=r"pigeon|lost"):
            deliveries.count(*wrong, 0.1)


def test_calls_that_are_passed_on(front_end: FrontEndServer, settings: Settings) -> None:
    with counting() as grown:
        post(document("XMLRPCautoCapture", 17))
    assert grown == {
        'blockalloc_passed_on_calls_total{outcome="answered"}': 1,
        "blockalloc_passed_on_call_duration_seconds_count": 1,
    }
    settings.VCL_FRONT_END_URL = "http://127.0.0.1:9"
    with counting() as grown:
        post(document("XMLRPCautoCapture", 17))
    assert grown['blockalloc_passed_on_calls_total{outcome="unanswered"}'] == 1
    with counting() as grown:
        post(document("XMLRPCautoCapture", 17), headers={**SIGNED_IN, "X-User": "y\u00fc"})
    assert grown['blockalloc_passed_on_calls_total{outcome="refused"}'] == 1
