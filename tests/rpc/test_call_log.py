"""The log of calls: one line for each call, INFO when it was answered, WARNING when it was refused."""

import json
from datetime import datetime

import pytest

from blockalloc.contract.messages import Outcome, Refusal
from blockalloc.models import User
from tests.support.rpc_calls import TEST, StubService, document, post, signing_in
from tests.support.sites.accounts import give_password
from vclsite.logs.formats import JsonLines

pytestmark = [pytest.mark.django_db, pytest.mark.once(on="sqlite")]

SEVEN = document("XMLRPCblockAllocation", 101, 1800284400, 1800291600, 20, 101, 0, 101)
PROCESS = document("XMLRPCprocessBlockTime", 10)
WHO = {"user": "vclsystem@Local", "address": "127.0.0.1"}


@pytest.fixture(autouse=True)
def service(monkeypatch: pytest.MonkeyPatch) -> StubService:
    """A stand-in for the service."""
    stub = StubService()
    monkeypatch.setattr("blockalloc.rpc.methods.service", stub)
    return stub


@pytest.fixture(autouse=True)
def vclsystem() -> None:
    """Its password."""
    give_password(User.objects.get(unityid="vclsystem"), b"p4ss")


def lines(caplog: pytest.LogCaptureFixture) -> list[tuple[str, str, dict[str, object]]]:
    """Level, text and fields of each line; how long it took is checked here."""
    found = []
    for record in caplog.records:
        if record.name not in ("blockalloc.rpc.call_log", "blockalloc.rpc.refusal_log"):
            continue
        fields = json.loads(JsonLines().format(record))
        assert datetime.fromisoformat(fields.pop("time"))
        took = fields.pop("duration_ms")
        assert 0 < took < 60_000
        text = fields.pop("message").replace(f"{took:.1f} ms", "n ms")
        for name in ("level", "logger", "exception"):
            fields.pop(name, None)
        found.append((record.levelname, text, fields))
    return found


def test_a_number_of_machines(caplog: pytest.LogCaptureFixture) -> None:
    post(SEVEN)
    assert lines(caplog) == [
        (
            "INFO",
            "answered 'vclsystem@Local' from 127.0.0.1: XMLRPCblockAllocation: 2 machines, n ms",
            {**WHO, "method": "XMLRPCblockAllocation", "outcome": "answered", "machines": 2},
        )
    ]


def test_a_struct_with_a_warning(service: StubService, caplog: pytest.LogCaptureFixture) -> None:
    service.outcome = Outcome("warning", 1, 3, 10, (13, "possibly insufficient time to load machines"))
    post(PROCESS)
    ((level, text, fields),) = lines(caplog)
    assert (level, text.partition(": ")[2]) == ("INFO", "XMLRPCprocessBlockTime: warning 13, 1 machine, n ms")
    assert fields == {**WHO, "method": "XMLRPCprocessBlockTime", "outcome": "warning", "code": 13, "machines": 1}


def test_a_dry_run_without_a_warning(monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture) -> None:
    """Its struct has no nil: 0 stands for no warning."""
    struct = {"status": "success", "allocated": 4, "warningcode": 0}
    monkeypatch.setattr("blockalloc.rpc.methods.service.dry_run", lambda *_call: None, raising=False)
    monkeypatch.setattr("blockalloc.rpc.methods.explanation_struct", lambda _allocation: struct)
    post(document("XMLRPCexplainBlockAllocation", 101, 1800284400, 1800291600, 20, 101, 0, 101))
    ((_, text, fields),) = lines(caplog)
    assert text.partition(": ")[2] == "XMLRPCexplainBlockAllocation: success, 4 machines, n ms"
    assert "code" not in fields


def test_anything_else(caplog: pytest.LogCaptureFixture) -> None:
    post(document("system.listMethods"))
    ((level, text, fields),) = lines(caplog)
    assert (level, text.partition(": ")[2]) == ("INFO", "system.listMethods: answered, n ms")
    assert fields == {**WHO, "method": "system.listMethods", "outcome": "answered"}


@pytest.mark.parametrize("body", [SEVEN, PROCESS], ids=["a fault", "a struct with an error"])
def test_a_refusal_is_the_line_of_its_call(body: str, service: StubService, caplog: pytest.LogCaptureFixture) -> None:
    service.error = Refusal(8, "blockTimeid: 10 is none")
    post(body)
    method = "XMLRPCblockAllocation" if body is SEVEN else "XMLRPCprocessBlockTime"
    assert lines(caplog) == [
        (
            "WARNING",
            f"refused 'vclsystem@Local' from 127.0.0.1: {method}: 8, blockTimeid: 10 is none",
            {**WHO, "method": method, "outcome": "refused", "code": 8},
        )
    ]


def test_a_wrong_password(caplog: pytest.LogCaptureFixture) -> None:
    post(TEST, headers=signing_in("vclsystem", "s3cret"))
    ((level, text, fields),) = lines(caplog)
    assert (level, text) == ("WARNING", "refused 'vclsystem' from 127.0.0.1: 3, wrong password")
    assert fields == {"user": "vclsystem", "address": "127.0.0.1", "outcome": "refused", "code": 3}


def test_an_error_of_our_own(service: StubService, caplog: pytest.LogCaptureFixture) -> None:
    service.error = RuntimeError("a fault of the program")
    post(SEVEN)
    ((level, text, fields),) = lines(caplog)
    assert (level, text.partition(": ")[2]) == ("INFO", "XMLRPCblockAllocation: fault 206, n ms")
    assert fields == {**WHO, "method": "XMLRPCblockAllocation", "outcome": "fault", "code": 206}


def test_parameters_and_passwords_are_not_in_it(caplog: pytest.LogCaptureFixture) -> None:
    post(document("XMLRPCtest", "s3cret parameter"))
    ((_, text, fields),) = lines(caplog)
    assert "s3cret" not in text + json.dumps(fields)
    assert "p4ss" not in text + json.dumps(fields)
