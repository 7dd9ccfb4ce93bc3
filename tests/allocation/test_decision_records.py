"""Each call leaves one decision record, whatever its outcome, and the record is true."""

import json
import logging
import time
import xmlrpc.client
from collections.abc import Iterator
from contextlib import ExitStack
from datetime import UTC, datetime, timedelta
from io import StringIO
from typing import Any

import pytest
import time_machine
from django.core.cache import cache
from django.core.management import call_command
from django.db import OperationalError, connection
from django.test import override_settings

from blockalloc.allocation import explanation, service
from blockalloc.contract.messages import BlockAllocationCall, Caller, NewBlockCall, Refusal
from blockalloc.models import Decision, Roster
from blockalloc.store import claims, commit, decisions, findings, snapshot
from blockalloc.store.decisions import NamedFindings
from blockalloc.version import VERSION
from tests.golden import tables
from tests.golden.replay import PASSWORD
from tests.support.claim_and_confirm import Between
from tests.support.connections import another_connection
from tests.support.rpc_calls import call, document, post
from tests.support.sites.class_site import (
    CALLER,
    END,
    GROUP,
    IMAGE,
    NOW,
    START,
    ZONE,
    a_call,
    class_site,
    computers_of,
    grant_to_group,
    reserve,
)  # fmt: skip
from tests.support.statements import Send, at_the_guard, without_table

pytestmark = pytest.mark.django_db(transaction=True)
SIGNED_IN = {"X-User": "vclsystem", "X-Pass": PASSWORD, "X-APIVERSION": "2"}
SEVEN = (IMAGE, START, END, 4, GROUP, 1, 10)
LOCAL = ("2026-03-03 14:00:00", "2026-03-03 16:00:00")
CLASS = ("2026-03-02 14:00:00", "2026-03-02 16:00:00")


@pytest.fixture(autouse=True)
def site() -> Iterator[None]:
    """A class of four machines on a site of six computers, which one caller may use."""
    with class_site():
        tables.change({"update": {"image": [{"id": IMAGE, "ownerid": CALLER.user_id}]}}, ZONE)
        yield


def the_record() -> Decision:
    """The only decision record."""
    records = list(Decision.objects.all())
    assert [each.outcome for each in records] == [records[0].outcome] if records else []
    assert len(records) == 1
    return records[0]


def _shown(dry_run: service.Allocation) -> NamedFindings:
    """The findings that the page of a dry run shows."""
    assert dry_run.result is not None
    findings = explanation.findings_of(dry_run.result)
    assert findings is not None
    return findings


def findings_of(record: Decision) -> NamedFindings:
    """Its findings about computers, with names."""
    return decisions.findings_of([record])[record.pk]


def rpc(method: str, *parameters: object, **headers: str) -> object:
    """A call over the endpoint."""
    return call(method, *parameters, headers=SIGNED_IN | headers)


def _boom(*_args: object, **_options: object) -> None:
    raise RuntimeError("boom")


# --- The id of the request --------------------------------------------------------------------
def test_its_request_id_is_that_of_the_answer() -> None:
    answers = [post(document("XMLRPCblockAllocation", *SEVEN), headers=SIGNED_IN) for _ in range(2)]
    records = Decision.objects.order_by("pk")
    assert [record.request_id for record in records] == [answer["X-Request-Id"] for answer in answers]


def test_so_is_that_of_a_refusal_and_of_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    refused = post(document("XMLRPCprocessBlockTime", 999, 1), headers=SIGNED_IN)
    monkeypatch.setattr(snapshot, "read", _boom)
    failed = post(document("XMLRPCprocessBlockTime", 10, 1), headers=SIGNED_IN)
    found = list(Decision.objects.order_by("pk").values_list("outcome", "request_id"))
    assert found == [("refused", refused["X-Request-Id"]), ("failed", failed["X-Request-Id"])]


def test_a_record_of_the_version_before_has_none() -> None:
    """It names its columns, and not this one: while versions change, both write."""
    service.allocate(a_call(), CALLER)
    columns = [field.attname for field in Decision._meta.fields if field.attname not in ("id", "request_id")]
    with connection.cursor() as cursor:
        names = ", ".join(columns)
        cursor.execute(f"INSERT INTO blockalloc_decision ({names}) SELECT {names} FROM blockalloc_decision")  # noqa: S608
    assert Decision.objects.latest("pk").request_id is None


# --- One for each call ------------------------------------------------------------------------
def test_a_call_with_seven_parameters() -> None:
    assert rpc("XMLRPCblockAllocation", *SEVEN) == 4
    record = the_record()
    assert (record.action, record.door, record.outcome, record.code) == (
        "allocate",
        "XMLRPCblockAllocation",
        "success",
        None,
    )
    assert (record.caller, record.person, record.address) == ("vclsystem@Local", "", "127.0.0.1")
    assert json.loads(record.parameters) == {
        "imageid": IMAGE, "start": START, "end": END, "machinecount": 4, "usergroupid": GROUP,
        "ignoreprivileges": True, "blockTimeid": 10, "key": None,
    }  # fmt: skip
    assert (record.block_time_id, record.block_request_id, record.block_name) == (10, 10, "block 10")
    assert (record.image_id, record.image_name) == (IMAGE, "Image 10")
    group = next(row for row in tables.read()["usergroup"] if row["id"] == GROUP)
    assert record.user_group == f"{group['name']}@Local"
    assert "@Local" in record.owner
    assert record.affiliation_id == 1
    assert record.started == NOW
    assert (record.block_start, record.block_end) == (
        datetime.fromtimestamp(START, UTC),
        datetime.fromtimestamp(END, UTC),
    )
    assert (record.wanted, record.had, record.allocated, record.retries, record.waits) == (4, 0, 4, 0, 0)
    assert 0 <= record.duration < 10_000
    assert record.version.startswith(f"{VERSION} (Django ")
    assert [each.computer_id for each in findings_of(record).findings.chosen] == computers_of() == [10, 11, 12, 13]
    assert findings_of(record).names == {id_: f"c{id_}" for id_ in range(10, 16)}


def test_calls_of_the_older_forms() -> None:
    answer = rpc("XMLRPCblockAllocation", IMAGE, *LOCAL, 3, GROUP, 1)
    assert isinstance(answer, dict)
    record = the_record()
    assert (record.outcome, record.block_time_id, record.allocated) == ("success", answer["blockTimesid"], 3)
    assert (record.block_name, record.owner) == (f"API:{LOCAL[0]}", "vclreload@Local")
    assert record.block_request_id == max(row["id"] for row in tables.read()["blockRequest"])
    rpc("XMLRPCprocessBlockTime", 10, 1)
    assert Decision.objects.get(block_time_id=10).door == "XMLRPCprocessBlockTime"
    assert Decision.objects.count() == 2


def test_a_new_block_without_machines_says_that_none_was_kept() -> None:
    tables.change({"update": {"image": [{"id": IMAGE, "minram": 10**6}]}}, ZONE)
    assert rpc("XMLRPCblockAllocation", IMAGE, START, END, 4, GROUP, 1, 0) == 0
    record = the_record()
    assert (record.outcome, record.code, record.block_time_id, record.block_request_id) == ("warning", 14, None, None)
    assert record.text.startswith("no machine could be allocated. no further computer passes all rules for image ")


def test_the_command_and_the_person_who_ran_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("getpass.getuser", lambda: "operator")
    for options, action in ((["--dry-run"], "dry run"), ([], "allocate")):
        Decision.objects.all().delete()
        call_command("allocate_block", "--block-time", "10", "--ignore-privileges", *options, stdout=StringIO())
        record = the_record()
        assert (record.action, record.door, record.person, record.address) == (action, "allocate_block", "operator", "")
        assert (record.outcome, record.allocated) == ("success", 4)


def test_an_explanation_and_a_dry_run_write_nothing_else() -> None:
    before = tables.read(leave_out=())
    rpc("XMLRPCexplainBlockAllocation", *SEVEN)
    assert (the_record().action, the_record().allocated) == ("dry run", 4)
    assert tables.read(leave_out=()) == before
    assert len(findings_of(the_record()).findings.chosen) == 4


def test_a_dry_run_reports_what_its_record_says_even_of_a_computer_whose_row_is_gone() -> None:
    row = {"blockTimeid": 10, "imageid": IMAGE, "reloadrequestid": 0}
    with connection.constraint_checks_disabled():
        tables.insert("blockComputers", [{**row, "computerid": 10}, {**row, "computerid": 999}], ZONE)
        planned = service.dry_run(a_call(), CALLER)
        shown = _shown(planned)
        recorded = findings_of(the_record())
        assert shown.findings.before == recorded.findings.before == [10]
        assert shown.names == recorded.names
        tables.change({"delete": {"blockComputers": [{"computerid": 999}]}}, ZONE)


def test_the_record_of_a_complete_block_has_no_findings() -> None:
    service.allocate_block(a_call(), CALLER)
    service.allocate_block(a_call(), CALLER)
    again = Decision.objects.latest("id")
    assert (again.outcome, again.had, again.allocated, again.findings, again.roster_id) == (
        "completed",
        4,
        4,
        None,
        None,
    )
    assert decisions.findings_of([again]) == {}


def test_an_answer_that_is_given_again() -> None:
    for _ in range(2):
        service.allocate_block(a_call(block_time=0, key="monday"), CALLER)
    first, again = Decision.objects.order_by("id")
    assert (again.outcome, again.allocated, again.block_time_id) == ("completed", 4, first.block_time_id)
    assert again.text == "answered as before: its idempotency key is known"
    assert json.loads(again.parameters)["key"] == "monday"


REFUSED: list[tuple[int, tuple[Any, ...]]] = [
    (8, (IMAGE, START, END, 4, GROUP, 1, 999)),
    (10, (999, START, END, 4, GROUP, 1, 0)),
    (10, (IMAGE + 1, START, END, 4, GROUP, 1, 10)),
    (64, (IMAGE, START, END, 999, GROUP, 1, 10)),
    (64, (IMAGE, START, END, "many", GROUP, 1, 10)),
    (4, (IMAGE, "x", END, 4, GROUP, 1, 0)),
    (36, (IMAGE, START, START, 4, GROUP, 1, 0)),
    (67, (IMAGE, START, END, 4, 999, 0, 0)),
    (86, (IMAGE, START, END, 4, GROUP, "maybe", 0)),
    (77, (IMAGE, START, END, 4, GROUP, 1, "ten")),
    (201, (IMAGE, START + 60, END, 4, GROUP, 1, 10)),
    (8, (2**62, -(2**62), 2**62, 2**62, 2**62, 1, 2**62)),
    (64, (2**62, -(2**62), 2**62, -(2**62), 2**62, 1, 2**62)),
    (10, (2**62, 2**62, -(2**62), 2**62, 2**62, 1, 0)),
]


@pytest.mark.parametrize(("code", "parameters"), REFUSED)
@pytest.mark.parametrize("method", ["XMLRPCblockAllocation", "XMLRPCexplainBlockAllocation"])
def test_a_refusal_is_a_record(method: str, code: int, parameters: tuple[Any, ...]) -> None:
    before = tables.read(leave_out=())
    with pytest.raises(xmlrpc.client.Fault) as fault:
        rpc(method, *map(_sent, parameters))
    assert fault.value.faultCode == code
    record = the_record()
    assert (record.outcome, record.code, record.text) == ("refused", code, fault.value.faultString)
    assert record.action == ("allocate" if method == "XMLRPCblockAllocation" else "dry run")
    assert (record.findings, record.allocated) == (None, None)
    assert json.loads(record.parameters)["machinecount"] == (parameters[3] if isinstance(parameters[3], int) else None)
    if parameters[-1] == 10:
        assert (record.block_name, record.wanted, record.block_end) == ("block 10", 4, datetime.fromtimestamp(END, UTC))
        assert record.image_name
    assert tables.read(leave_out=()) == before


def _sent(value: object) -> object:
    """Python's client can't send long integers."""
    return str(value) if isinstance(value, int) and value > 2**31 else 0.0 + value if isinstance(value, int) else value


@pytest.mark.parametrize(
    ("changed", "code"),
    [
        ({"blockTimes": [{"id": 10, "skip": 1}]}, 202),
        ({"blockRequest": [{"id": 10, "status": "requested"}]}, 203),
        ({"blockRequest": [{"id": 10, "expireTime": "2026-03-01 00:00:00"}]}, 9),
        ({"imagerevision": [{"id": 10, "production": 0}]}, 10),
    ],
)
def test_refusals_because_of_rows_in_both_forms(changed: dict[str, Any], code: int) -> None:
    tables.change({"update": changed}, ZONE)
    answer = rpc("XMLRPCprocessBlockTime", 10, 1)
    assert isinstance(answer, dict)
    assert answer["errorcode"] == the_record().code == code
    assert (the_record().block_name, the_record().outcome) == ("block 10", "refused")
    with pytest.raises(Refusal):
        service.allocate_block(a_call(), CALLER)
    assert list(Decision.objects.values_list("code", flat=True)) == [code, code]


def test_a_group_without_members_and_a_key_that_is_too_long() -> None:
    tables.change({"delete": {"usergroupmembers": [{"usergroupid": GROUP}]}}, ZONE)
    for refused, code in ((a_call(ignore=False), 11), (a_call(block_time=0, key="☃" * 3000), 204)):
        Decision.objects.all().delete()
        with pytest.raises(Refusal):
            service.allocate_block(refused, CALLER)
        assert the_record().code == code
        assert json.loads(the_record().parameters)["machinecount"] == 4  # whole, whatever its length
    assert the_record().wanted == 4


def test_an_account_that_is_not_on_the_list_leaves_a_record_of_the_attempt() -> None:
    with override_settings(VCL_BLOCK_API_USERS=["other@Local"]):
        for method in ("XMLRPCblockAllocation", "XMLRPCexplainBlockAllocation"):
            for _ in range(3):  # one a minute: anybody with a password could fill the table
                with pytest.raises(xmlrpc.client.Fault, match="access denied"):
                    rpc(method, *SEVEN)
            cache.clear()  # the minute is over
        answer = rpc("XMLRPCprocessBlockTime", 10)
        assert isinstance(answer, dict)
        with pytest.raises(xmlrpc.client.Fault):
            rpc("XMLRPCtest", "x")
        with pytest.raises(xmlrpc.client.Fault):
            rpc("XMLRPCblockAllocation", 1, 2)
    records = list(Decision.objects.order_by("id"))
    assert [(each.action, each.door, each.code) for each in records] == [
        ("allocate", "XMLRPCblockAllocation", 34),
        ("dry run", "XMLRPCexplainBlockAllocation", 34),
        ("allocate", "XMLRPCprocessBlockTime", 34),
    ]
    assert str(START) in json.loads(records[0].parameters)["unread"]


def test_a_request_that_is_no_call_leaves_no_record() -> None:
    seven = document("XMLRPCblockAllocation", *SEVEN)
    for body, headers in (
        (seven, {}),
        (seven, SIGNED_IN | {"X-Pass": "wrong"}),
        (seven, SIGNED_IN | {"X-User": "nobody"}),
        (seven, {"X-User": "vclsystem", "X-Pass": PASSWORD}),
        (seven[:-20], SIGNED_IN),
        ("<nonsense/>", SIGNED_IN),
        (document("XMLRPCblockAllocation", *SEVEN, 1), SIGNED_IN),
        (document("XMLRPCprocessBlockTime"), SIGNED_IN),
        (document("XMLRPCexplainBlockAllocation", *SEVEN[:6]), SIGNED_IN),
        (document("XMLRPCaddRequest", *SEVEN), SIGNED_IN),
        (document("XMLRPCtest", "x"), SIGNED_IN),
        (document("system.listMethods"), SIGNED_IN),
    ):
        assert post(body, headers=headers).status_code == 200
    assert not Decision.objects.exists()


# --- Errors -----------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("module", "name"),
    [(commit, "write_machines"), (snapshot, "read_again"), (snapshot, "read"),
     (findings, "encode"), (decisions, "write")],
    ids=lambda each: getattr(each, "__name__", each),
)  # fmt: skip
def test_an_error_in_the_middle_is_one_record_of_failure(
    module: object, name: str, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    before = tables.read(leave_out=())
    with monkeypatch.context() as patch:
        once = iter([True])
        usual = getattr(module, name)
        patch.setattr(module, name, lambda *args, **more: _boom() if next(once, False) else usual(*args, **more))
        with pytest.raises(xmlrpc.client.Fault) as fault:
            rpc("XMLRPCblockAllocation", *SEVEN)
    assert fault.value.faultCode == 206
    record = the_record()
    assert (record.outcome, record.text, record.code) == ("failed", "RuntimeError: the log has the rest", None)
    assert (record.block_name, record.wanted) == ("block 10", 4)
    assert tables.read(leave_out=()) == before
    assert "boom" in caplog.text


def test_an_error_after_the_record_takes_it_back(monkeypatch: pytest.MonkeyPatch) -> None:
    """The record of success is of the transaction that writes."""
    monkeypatch.setattr(claims, "too_slow", _boom)
    with pytest.raises(RuntimeError):
        service.allocate_block(a_call(), CALLER)
    assert the_record().outcome == "failed"
    assert computers_of() == []


def _conflict_at_commit(
    monkeypatch: pytest.MonkeyPatch, number: int, error: tuple[int, str] = (1213, "Deadlock")
) -> None:
    """Let the COMMIT with this number be lost to another transaction."""
    usual, commits = connection.commit, 0

    def lost() -> None:
        nonlocal commits
        commits += 1
        if commits == number:
            connection.connection.rollback()
            raise OperationalError(*error)
        usual()

    monkeypatch.setattr(connection, "commit", lost)


@pytest.mark.parametrize("number", [1, 2])
def test_a_transaction_that_is_tried_again_leaves_one_record_that_counts_it(
    number: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    _conflict_at_commit(monkeypatch, number)
    assert service.allocate_block(a_call(), CALLER) == 4
    assert (the_record().outcome, the_record().retries) == ("success", 1)
    assert len(findings_of(the_record()).findings.chosen) == 4  # the roster was written again too


def test_a_second_round_counts_and_its_plan_is_recorded(between_claim_and_confirm: Between) -> None:
    between_claim_and_confirm(lambda: reserve(11, *CLASS))
    assert service.allocate_block(a_call(), CALLER) == 4
    record = the_record()
    reason = findings_of(record).findings.reason_of(11)
    assert (record.retries, record.allocated) == (1, 4)
    assert [each.computer_id for each in findings_of(record).findings.chosen] == computers_of() == [10, 12, 13, 14]
    assert reason is not None
    assert reason.rule == "reservation"


def test_a_computer_lost_in_the_last_round_has_its_reason_in_the_record(between_claim_and_confirm: Between) -> None:
    between_claim_and_confirm(lambda: reserve(10, *CLASS), lambda: reserve(14, *CLASS))
    assert service.allocate_block(a_call(), CALLER) == 3
    record = the_record()
    lost = findings_of(record).findings.reason_of(14)
    assert lost is not None
    assert (lost.rule, record.allocated, record.wanted) == ("reservation", 3, 4)
    assert record.text == "somebody else was faster: computers lost after they were chosen: 1"


def test_a_call_that_waits_for_another_one_counts_it(monkeypatch: pytest.MonkeyPatch) -> None:
    claim: dict[str, object] = {"computerid": 10, "imageid": IMAGE, "imagerevisionid": 10, "managementnodeid": 10}
    claim |= {"expires": "2026-03-02 09:00:00", "procid": "blockalloc:10.other"}
    tables.insert("semaphore", [claim], ZONE)

    def other_ends(_seconds: float) -> None:
        tables.change({"delete": {"semaphore": [{"computerid": 10}]}}, ZONE)

    monkeypatch.setattr("time.sleep", other_ends)
    assert service.allocate_block(a_call(), CALLER) == 4
    assert (the_record().waits, the_record().retries) == (1, 0)


def test_a_busy_call_is_a_record() -> None:
    def locked(_send: Send) -> None:
        raise OperationalError(1205, "Lock wait timeout exceeded")

    with override_settings(VCL_GUARD_WAIT_SECONDS=0.2), at_the_guard(locked), pytest.raises(Refusal):
        service.allocate_block(a_call(), CALLER)
    record = the_record()
    assert (record.outcome, record.code, record.block_name) == ("refused", 205, "block 10")
    assert record.retries >= 1


def test_a_connection_that_is_lost_is_a_record_on_the_next_one(monkeypatch: pytest.MonkeyPatch) -> None:
    usual = commit.write_machines

    def lost(*args: Any) -> None:
        usual(*args)
        if connection.vendor == "mysql":
            connection.connection.close()
        connection.errors_occurred = True
        raise OperationalError(2006, "Server has gone away")

    monkeypatch.setattr(commit, "write_machines", lost)
    with pytest.raises(OperationalError):
        service.allocate_block(a_call(), CALLER)
    assert (the_record().outcome, the_record().text) == ("failed", "OperationalError: the log has the rest")
    assert computers_of() == []


def test_a_last_commit_without_an_answer_leaves_both_records(monkeypatch: pytest.MonkeyPatch) -> None:
    """The rows are there, and the caller got an error: both are in the records."""
    usual, commits = connection.commit, 0

    def lost() -> None:
        nonlocal commits
        usual()
        commits += 1
        if commits == 2:
            raise OperationalError(2013, "Lost connection during query")

    monkeypatch.setattr(connection, "commit", lost)
    with pytest.raises(OperationalError):
        service.allocate_block(a_call(), CALLER)
    assert list(Decision.objects.order_by("id").values_list("outcome", flat=True)) == ["success", "failed"]


@pytest.mark.parametrize("refused", [True, False])
def test_a_record_that_cannot_be_written_changes_no_answer(refused: bool, caplog: pytest.LogCaptureFixture) -> None:
    if refused:
        with without_table("blockalloc_decision"), pytest.raises(Refusal) as refusal:
            service.allocate_block(a_call(machines=999), CALLER)
        assert refusal.value.code == 64
    else:
        with without_table("blockalloc_decision"):
            assert service.dry_run(a_call(), CALLER, explain=False).outcome.allocated == 4
    (line,) = [each for each in caplog.records if each.levelno == logging.ERROR]
    assert "a decision could not be recorded" in line.getMessage()
    assert "vclsystem@Local" in line.getMessage()
    assert not Decision.objects.exists()
    assert service.allocate_block(a_call(), CALLER) == 4  # the connection is as good as before


def test_a_locked_table_delays_no_call_for_long(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(decisions, "SECONDS_TO_WRITE", 1.0)
    mysql, usual = connection.vendor == "mysql", findings.encode
    with ExitStack() as stack:

        def locked(*args: Any) -> bytes:
            """SQLite's other connection has locked everything as soon as it is there."""
            cursor = stack.enter_context(another_connection())
            if mysql:
                cursor.execute("LOCK TABLES blockalloc_decision WRITE")
            return usual(*args)

        monkeypatch.setattr(findings, "encode", locked)
        begun = time.monotonic()
        answer = service.dry_run(a_call(), CALLER, explain=False)
        assert time.monotonic() - begun < 5
    assert answer.outcome.allocated == 4
    assert not Decision.objects.exists()


# --- Names outlive rows -----------------------------------------------------------------------
def test_a_record_says_the_same_when_its_rows_are_gone() -> None:
    service.allocate_block(a_call(3), CALLER)
    before, kept = the_record(), findings_of(the_record())
    with connection.constraint_checks_disabled():
        for table in ("blockComputers", "blockTimes", "blockRequest", "reservation", "request"):
            _empty(table)
        tables.change({"delete": {"computer": [{"id": 10}]}}, ZONE)
    tables.change({"update": {"computer": [{"id": 11, "hostname": "renamed"}, {"id": 14, "deleted": 1}]}}, ZONE)
    tables.change({"update": {"image": [{"id": IMAGE, "prettyname": "renamed"}]}}, ZONE)
    tables.change({"update": {"usergroup": [{"id": GROUP, "name": "renamed"}]}}, ZONE)
    assert findings_of(the_record()) == kept
    assert kept.names[11] == "c11"
    again = the_record()
    for name in ("block_name", "image_name", "user_group", "owner", "block_start"):
        assert getattr(again, name) == getattr(before, name) != "renamed"


def _empty(table: str) -> None:
    with connection.cursor() as cursor:
        cursor.execute(f"DELETE FROM {table}")  # noqa: S608 - names are our own


def test_long_and_non_ascii_texts_are_cut_to_fit() -> None:
    caller = Caller(3, "ü☃" * 200, "fe80::1%" + "x" * 100, "allocate_block", "☃" * 300)
    service.allocate_block(a_call(), caller)
    record = the_record()
    assert record.caller == caller.name[:190]
    assert record.person == caller.person[:190]
    assert record.address == caller.address[:60]


def test_the_unreadable_parameters_of_the_older_form() -> None:
    call_ = NewBlockCall(None, "x", None, None, None, None, None)
    with pytest.raises(Refusal):
        service.create_block(call_, CALLER)
    assert set(json.loads(the_record().parameters).values()) == {None}
    assert the_record().image_id is None


# --- Rosters ----------------------------------------------------------------------------------
def test_rosters_are_shared_until_a_computer_changes_its_name_or_the_set_does() -> None:
    def dry_run() -> int:
        service.dry_run(a_call(block_time=0), CALLER, explain=False)
        return int(Decision.objects.latest("id").roster_id or 0)

    first = dry_run()
    tables.change({"update": {"computer": [{"id": 12, "RAM": 1, "stateid": 5}]}}, ZONE)
    assert dry_run() == first
    service.allocate_block(a_call(), CALLER)
    assert Decision.objects.latest("id").roster_id == first
    tables.change({"update": {"computer": [{"id": 12, "hostname": "renamed"}]}}, ZONE)
    renamed = dry_run()
    tables.change({"update": {"computer": [{"id": 12, "deleted": 1}]}}, ZONE)
    fewer = dry_run()
    assert len({first, renamed, fewer}) == 3 == Roster.objects.count()
    everything = decisions.findings_of(Decision.objects.all())
    assert [each.names.get(12) for _, each in sorted(everything.items())] == ["c12", "c12", "c12", "renamed", None]


def test_a_roster_is_marked_as_seen_once_a_month(monkeypatch: pytest.MonkeyPatch) -> None:
    kept: list[int] = []
    usual = decisions.RosterOf.keep

    def keep(roster: decisions.RosterOf, now: int) -> None:
        kept.append(now)
        usual(roster, now)

    monkeypatch.setattr(decisions.RosterOf, "keep", keep)
    days = (0, 1, 29, 31, 60, 62)
    for day in days:
        with time_machine.travel(NOW + timedelta(days=day), tick=False):
            fresh = {"lastcheckin": (NOW + timedelta(days=day)).strftime("%Y-%m-%d %H:%M:%S")}
            tables.change({"update": {"managementnode": [{"id": 10, **fresh}]}}, ZONE)
            call_ = BlockAllocationCall(IMAGE, START + 100 * 86400, END + 100 * 86400, 1, GROUP, True, 0)
            service.dry_run(call_, CALLER, explain=False)
    assert [round((now - NOW.timestamp()) / 86400) for now in kept] == [0, 31, 62]
    assert Roster.objects.get().seen == NOW + timedelta(days=62)


@pytest.mark.parametrize("machines", [2, 6])
def test_a_dry_run_shows_what_its_record_says(machines: int) -> None:
    """The page comes from the result, the record from what is written: both must agree about each computer."""
    with class_site(computers=5, machines=6):
        tables.change({"update": {"computer": [{"id": 10, "stateid": 10}]}}, ZONE)
        reserve(11, "2026-03-02 14:00:00", "2026-03-02 16:00:00")
        planned = service.dry_run(a_call(machines), CALLER)
        recorded = decisions.findings_of([Decision.objects.get(pk=planned.decision_id or 0)])[planned.decision_id or 0]
        shown = _shown(planned)
        assert (shown.names, shown.findings.chosen) == (recorded.names, recorded.findings.chosen)
        assert shown.findings.before == recorded.findings.before
        assert len(set(map(str, recorded.findings.reasons))) > 1
        assert {id_: shown.findings.reason_of(id_) for id_ in shown.names} == {
            id_: recorded.findings.reason_of(id_) for id_ in recorded.names
        }


# --- Pruning ----------------------------------------------------------------------------------
def _old(days: float, roster: int | None = None, number: int = 1) -> None:
    started = NOW - timedelta(days=days)
    Decision.objects.bulk_create(
        Decision(started=started, action="dry run", duration=0, roster_id=roster) for _ in range(number)
    )


def test_old_records_are_pruned_in_portions_and_younger_ones_stay(settings: Any) -> None:
    settings.VCL_DECISION_DAYS = 30
    _old(31, number=7)
    _old(29.99, number=3)
    assert decisions.prune(int(NOW.timestamp()), 5) == 5
    assert Decision.objects.count() == 5
    assert decisions.prune(int(NOW.timestamp()), 5) == 2
    assert decisions.prune(int(NOW.timestamp()), 5) == 0
    assert Decision.objects.count() == 3


def test_rosters_are_pruned_when_they_are_old_and_no_decision_refers_to_them(settings: Any) -> None:
    settings.VCL_DECISION_DAYS = 30
    for id_, days in ((1, 100), (2, 100), (3, 89)):
        Roster.objects.create(id=id_, seen=NOW - timedelta(days=days), names=b"")
    _old(29, roster=2)
    decisions.prune(int(NOW.timestamp()), 5)
    assert sorted(Roster.objects.values_list("id", flat=True)) == [2, 3]


@pytest.mark.parametrize("kind", ["written", "apart"])
def test_every_so_many_decisions_prune(kind: str, settings: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    settings.VCL_DECISION_DAYS = 30
    monkeypatch.setattr(decisions, "PRUNE_EVERY", 3)
    monkeypatch.setattr(decisions, "PRUNE_AT_ONCE", 4)
    _old(31, number=10)
    left = []
    for _ in range(6):
        if kind == "apart":
            with pytest.raises(Refusal):
                service.allocate_block(a_call(999), CALLER)
        else:
            service.allocate_block(a_call(), CALLER)
        left.append(Decision.objects.filter(started__lt=NOW - timedelta(days=30)).count())
    assert left[-1] == 2
    assert sorted(set(left)) in ([2, 6], [2, 6, 10])


def test_ids_of_a_cluster_that_grow_by_the_number_of_nodes_prune_too() -> None:
    for nodes in range(1, 20):
        for offset in range(nodes):
            assert any(id_ % decisions.PRUNE_EVERY == 0 for id_ in range(offset, offset + 120 * nodes, nodes))


def test_pruning_that_fails_changes_no_answer(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(decisions, "PRUNE_EVERY", 1)
    with without_table("blockalloc_roster"), pytest.raises(Refusal) as refusal:
        service.allocate_block(a_call(999), CALLER)
    assert refusal.value.code == 64
    assert "could not be pruned" in caplog.text
    assert the_record().code == 64


def test_reading_many_records_takes_one_statement(django_assert_num_queries: Any) -> None:
    grant_to_group()
    for _ in range(4):
        service.dry_run(a_call(), CALLER, explain=False)
    records = list(Decision.objects.all())
    with django_assert_num_queries(1):
        assert len(decisions.findings_of(records)) == 4
