"""What counts as a number, a flag or a time, and how the methods hand parameters and answers on."""

import logging
import xmlrpc.client
from datetime import UTC, datetime

import pytest
from pytest_django import Settings

from blockalloc.contract.messages import BlockAllocationCall, Caller, NewBlockCall, Outcome, Refusal
from blockalloc.rpc.arguments import flag, local_seconds, text, whole_number
from tests.support.rpc_calls import SIGNED_IN, StubService, call, document, fault_of, post

pytestmark = [pytest.mark.no_database, pytest.mark.once(on="sqlite")]

CALLER = Caller(3, "vclsystem@Local", "127.0.0.1")


@pytest.fixture
def service(monkeypatch: pytest.MonkeyPatch) -> StubService:
    """A stand-in for the service, and a caller who is signed in."""
    stub = StubService()
    monkeypatch.setattr("blockalloc.rpc.methods.service", stub)
    monkeypatch.setattr("blockalloc.rpc.endpoint.sign_in", lambda _request, _address: CALLER)
    return stub


# --- Reading values ---------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("value", "number"),
    [
        (12, 12),
        (0, 0),
        (-10, -10),
        ("12", 12),
        (" 11\r\n", 11),
        ("007", 7),
        ("0" * 50 + "5", 5),
        ("0" * 60000 + "5", 5),
        ("0" * 60000, 0),
        (3.0, 3),
        (-3.0, -3),
        (2**63 - 1, 2**63 - 1),
    ],
)
def test_numbers_are_read_in_every_form_that_callers_send(value: object, number: int) -> None:
    assert whole_number(value) == number


@pytest.mark.parametrize(
    "value",
    [
        "", " ", "x", "10x", "1e0", "2.5", "-1", "+1", "1_000", "0x10", "٣", "1 0", "\u00a07",
        2.5, 0.5, float("inf"), float("-inf"), float("nan"), 1e300,
        True, False, None, [], [1], {}, b"12",
        datetime(2026, 3, 2, tzinfo=UTC), 2**63, -(2**63) - 1, "9" * 20, "9" * 5000,
    ],
)  # fmt: skip
def test_anything_else_is_no_number(value: object) -> None:
    assert whole_number(value) is None


@pytest.mark.parametrize("value", [True, 1, "1", " 1 ", 1.0])
def test_a_flag_that_is_set(value: object) -> None:
    assert flag(value) is True


@pytest.mark.parametrize("value", [False, 0, "0", " 0 ", 0.0])
def test_a_flag_that_is_not_set(value: object) -> None:
    assert flag(value) is False


@pytest.mark.parametrize("value", [2, -1, "x", "", "no", "true", 0.5, None, [], {}, b"1"])
def test_anything_else_is_no_flag(value: object) -> None:
    assert flag(value) is None


@pytest.mark.parametrize("value", ["2026-03-02 13:00:00", datetime.fromisoformat("2026-03-02T13:00:00")])
def test_local_times_are_text_in_one_form_or_a_date_time(value: object, settings: Settings) -> None:
    settings.TIME_ZONE = "America/New_York"
    assert local_seconds(value) == datetime(2026, 3, 2, 18, 0, tzinfo=UTC).timestamp()


@pytest.mark.parametrize(
    ("value", "seconds"),
    [("2026-11-01 01:30:00", 1793511000), ("2026-03-08 02:30:00", 1772955000)],
)
def test_repeated_and_skipped_local_times_have_one_meaning(value: str, seconds: int, settings: Settings) -> None:
    """The first occurrence of a repeated time; a skipped one is an hour later on the clock."""
    settings.TIME_ZONE = "America/New_York"
    assert local_seconds(value) == seconds


@pytest.mark.parametrize(
    "value",
    [
        "", "tomorrow", "2026-9-1 10:00:00", "2026-09-01 10:00", "2026-09-01T10:00:00", "2026-09-01 10:00:00 ",
        "2026-09-01", "a-b-c d:e:f", "2026-13-01 10:00:00", "2026-02-29 10:00:00", "2026-09-01 24:00:00",
        "2026-09-01 10:00:60", "0000-00-00 00:00:00", "0001-01-01 00:00:00\n", "2026-09-01 10:00:0٣",
        1772478000, 1772478000.0, True, None, [], {}, b"2026-09-01 10:00:00",
    ],
)  # fmt: skip
def test_anything_else_is_no_local_time(value: object) -> None:
    assert local_seconds(value) is None


@pytest.mark.parametrize("value", ["0001-01-01 00:00:00", "9999-12-31 23:59:59"])
@pytest.mark.parametrize("zone", ["Pacific/Kiritimati", "Pacific/Pago_Pago"])
def test_the_ends_of_the_calendar_break_nothing(value: str, zone: str, settings: Settings) -> None:
    settings.TIME_ZONE = zone
    seconds = local_seconds(value)
    assert seconds is None or isinstance(seconds, int)


@pytest.mark.parametrize(
    ("value", "written"),
    [("x", "x"), (999, "999"), (10.0, "10"), (2.5, "2.5"), (True, "1"), ([1], None), ({}, None), (b"x", None)],
)
def test_text_is_what_the_caller_wrote(value: object, written: str | None) -> None:
    assert text(value) == written


# --- Handing parameters on --------------------------------------------------------------------
def test_seven_parameters_reach_the_service_and_an_int_comes_back(service: StubService) -> None:
    assert call("XMLRPCblockAllocation", 10, 1772478000, 1772485200, 4, 11, 1, 12) == 2
    (asked, caller) = service.asked[0]
    assert asked == BlockAllocationCall(10, 1772478000, 1772485200, 4, 11, True, 12)
    assert caller == Caller(3, "vclsystem@Local", "127.0.0.1", "XMLRPCblockAllocation")


def test_what_cannot_be_read_reaches_the_service_as_none(service: StubService) -> None:
    call("XMLRPCblockAllocation", "x", "", None, 2.5, [1], "maybe", {"a": 1})
    assert service.asked[0][0] == BlockAllocationCall(None, None, None, None, None, None, None)


def test_big_numbers_travel_as_i8(service: StubService) -> None:
    values = "".join(
        f"<param><value><i8>{number}</i8></value></param>" for number in (10, 2**33, 2**33 + 1, 1, 1, 0, 5)
    )
    body = f"<methodCall><methodName>XMLRPCblockAllocation</methodName><params>{values}</params></methodCall>"
    assert b"<int>2</int>" in post(body).content
    assert service.asked[0][0] == BlockAllocationCall(10, 2**33, 2**33 + 1, 1, 1, False, 5)


def test_untyped_values_are_text(service: StubService) -> None:
    body = (
        "<methodCall><methodName>XMLRPCprocessBlockTime</methodName>"
        "<params><param><value> 10 </value></param></params></methodCall>"
    )
    post(body)
    assert service.asked[0][:2] == (10, False)


def test_six_parameters_create_a_block_and_answer_with_its_id(service: StubService, settings: Settings) -> None:
    settings.TIME_ZONE = "America/New_York"
    service.outcome = Outcome("success", 2, 0, 77)
    answer = call("XMLRPCblockAllocation", "10", "2026-03-02 13:00:00", "2026-03-02 15:00:00", 2, 11, 1)
    assert answer == {"status": "success", "allocated": 2, "unallocated": 0, "blockTimesid": 77}
    assert service.asked[0][0] == NewBlockCall(10, "10", 1772474400, 1772481600, 2, 11, True)


def test_with_five_parameters_privileges_count(service: StubService) -> None:
    call("XMLRPCblockAllocation", "x", "", "", "2.5", 11)
    assert service.asked[0][0] == NewBlockCall(None, "x", None, None, None, 11, False)


def test_a_date_time_is_taken_for_a_local_time(service: StubService, settings: Settings) -> None:
    settings.TIME_ZONE = "America/New_York"
    start, end = xmlrpc.client.DateTime("20260302T13:00:00"), xmlrpc.client.DateTime("2026-03-02T15:00:00")
    call("XMLRPCblockAllocation", 10, start, end, 2, 11)
    assert service.asked[0][0] == NewBlockCall(10, "10", 1772474400, 1772481600, 2, 11, False)


@pytest.mark.parametrize(
    ("parameters", "read"),
    [((10,), (10, False)), (("10", "1"), (10, True)), ((10, 1, "extra", []), (10, True)), ((11.5, 0.5), (None, None))],
)
def test_process_block_time_takes_one_parameter_or_more(
    parameters: tuple[object, ...], read: tuple[object, ...], service: StubService
) -> None:
    call("XMLRPCprocessBlockTime", *parameters)
    assert service.asked[0][:2] == read


@pytest.mark.parametrize(
    ("outcome", "struct"),
    [
        (Outcome("success", 3, 0, 10), {"status": "success", "allocated": 3, "unallocated": 0}),
        (Outcome("completed", 3, 0, 10), {"status": "completed", "allocated": 3, "unallocated": 0}),
        (
            Outcome("warning", 0, 2, 10, (14, "unable to allocate any machines")),
            {
                "status": "warning",
                "warningcode": 14,
                "warningmsg": "unable to allocate any machines",
                "allocated": 0,
                "unallocated": 2,
            },
        ),
    ],
)
def test_structs_have_exactly_the_members_of_vcl(
    outcome: Outcome, struct: dict[str, object], service: StubService
) -> None:
    service.outcome = outcome
    assert call("XMLRPCprocessBlockTime", 10, 1) == struct


# --- Errors of the service --------------------------------------------------------------------
SEVEN = (10, 1772478000, 1772485200, 4, 11, 1, 12)
SIX = (10, "2026-03-02 13:00:00", "2026-03-02 15:00:00", 2, 11, 1)


def test_seven_parameters_get_refusals_as_faults(service: StubService) -> None:
    service.error = Refusal(64, "machinecount: 99, at most 70 are allowed", "vcl's own words")
    assert fault_of(post(document("XMLRPCblockAllocation", *SEVEN))) == (64, "machinecount: 99, at most 70 are allowed")


@pytest.mark.parametrize(("method", "parameters"), [("XMLRPCblockAllocation", SIX), ("XMLRPCprocessBlockTime", (10,))])
def test_the_methods_of_old_get_refusals_as_structs_in_words_of_vcl(
    method: str, parameters: tuple[object, ...], service: StubService
) -> None:
    service.error = Refusal(8, "blockTimesid: 10 does not exist", "unknown blockTimesid")
    assert call(method, *parameters) == {"status": "error", "errorcode": 8, "errormsg": "unknown blockTimesid"}


@pytest.mark.parametrize("code", [205, 206])
@pytest.mark.parametrize(
    ("method", "parameters"),
    [("XMLRPCblockAllocation", SEVEN), ("XMLRPCblockAllocation", SIX), ("XMLRPCprocessBlockTime", (10,))],
)
def test_busy_is_a_fault_in_every_method(
    method: str, parameters: tuple[object, ...], code: int, service: StubService
) -> None:
    service.error = Refusal(code, "try again")
    assert fault_of(post(document(method, *parameters))) == (code, "try again")


@pytest.mark.parametrize("error", [TypeError("secret"), ValueError("secret"), RecursionError("secret")])
def test_an_error_of_our_own_is_logged_and_never_sent(
    error: Exception, service: StubService, caplog: pytest.LogCaptureFixture
) -> None:
    service.error = error
    assert fault_of(post(document("XMLRPCblockAllocation", *SEVEN))) == (206, "internal error (logged)")
    assert "secret" in caplog.text


def test_an_answer_that_is_no_xml_rpc_is_an_error_of_our_own(
    service: StubService, caplog: pytest.LogCaptureFixture
) -> None:
    service.count = 2**40
    assert fault_of(post(document("XMLRPCblockAllocation", *SEVEN))) == (206, "internal error (logged)")
    assert "internal error" in caplog.text


@pytest.mark.parametrize(
    ("method", "parameters", "reason"),
    [
        ("XMLRPCblockAllocation", SEVEN, "XMLRPCblockAllocation: 8, blockTimeid: there is none"),
        ("XMLRPCblockAllocation", SIX, "XMLRPCblockAllocation: 8, blockTimeid: there is none"),
        ("XMLRPCprocessBlockTime", (10,), "XMLRPCprocessBlockTime: 8, blockTimeid: there is none"),
        ("XMLRPCprocessBlockTime", (), "XMLRPCprocessBlockTime: -32602, 0 parameters given: call"),
        ("XMLRPCtest", ([],), "XMLRPCtest: -32602, the parameter must be a string"),
        ("XMLRPCnoSuchThing", (), '-32601, Method not found: "XMLRPCnoSuchThing"'),
        ("system.methodHelp", ("x\u2028y",), 'system.methodHelp: -32601, Method not found: "x\\u2028y"'),
    ],
)
def test_every_refusal_is_logged_once_with_who_from_where_and_why(
    method: str, parameters: tuple[object, ...], reason: str, service: StubService, caplog: pytest.LogCaptureFixture
) -> None:
    service.error = Refusal(8, "blockTimeid: there is none", "vcl's own words")
    post(document(method, *parameters))
    (record,) = [record for record in caplog.records if record.name.startswith("blockalloc")]
    assert record.levelno == logging.WARNING
    assert record.getMessage().startswith(f"refused 'vclsystem@Local' from 127.0.0.1: {reason}")


def test_what_the_log_repeats_of_a_caller_is_on_one_line_and_bounded(
    service: StubService, caplog: pytest.LogCaptureFixture
) -> None:
    service.error = Refusal(8, "x\r\n2026-01-01 INFO all is well\x1b[31myyy" + "\u2028" * 5000)
    post(document("XMLRPCprocessBlockTime", 10))
    (record,) = [record for record in caplog.records if record.name.startswith("blockalloc")]
    assert "x\\r\\n2026-01-01 INFO all is well\\x1b[31myyy" in record.getMessage()
    assert len(record.getMessage()) < 500


def test_what_an_error_repeats_of_a_caller_is_bounded(service: StubService) -> None:
    post(document("XMLRPCblockAllocation", "x" * 5000, *SIX[1:]))
    assert isinstance(asked := service.asked[0][0], NewBlockCall)
    assert asked.image_text == "x" * 100
    code, said = fault_of(post(document("system.methodHelp", "x" * 5000)))
    assert code == -32601
    assert len(said) < 200


# --- Numbers of parameters --------------------------------------------------------------------
@pytest.mark.parametrize("count", [0, 1, 4, 8, 50])
def test_a_wrong_number_of_parameters_is_answered_with_the_right_ones(count: int, service: StubService) -> None:
    code, said = fault_of(post(document("XMLRPCblockAllocation", *range(count))))
    assert code == -32602
    assert said.startswith(f"{count} parameters given")
    assert (
        "XMLRPCblockAllocation(imageid, start, end, machinecount, usergroupid, ignoreprivileges, blockTimeid)" in said
    )
    assert "(imageid, start, end, numMachines, usergroupid[, ignoreprivileges])" in said
    assert not service.asked


def test_process_block_time_needs_a_block_time(service: StubService) -> None:
    code, said = fault_of(post(document("XMLRPCprocessBlockTime")))
    assert (code, said) == (
        -32602,
        "0 parameters given: call XMLRPCprocessBlockTime(blockTimesid[, ignoreprivileges])",
    )
    assert not service.asked


# --- The idempotency key ----------------------------------------------------------------------
@pytest.mark.parametrize(("header", "key"), [("k" * 200, "k" * 200), ("", None), ("  ", None), (" a b ", "a b")])
def test_the_idempotency_key_goes_with_a_call_for_a_new_block(
    header: str, key: str | None, service: StubService
) -> None:
    call("XMLRPCblockAllocation", *SEVEN[:6], 0, headers={**SIGNED_IN, "X-Idempotency-Key": header})
    assert isinstance(asked := service.asked[0][0], BlockAllocationCall)
    assert asked.idempotency_key == key


def test_a_call_for_an_existing_block_time_needs_no_key(service: StubService) -> None:
    call("XMLRPCblockAllocation", *SEVEN, headers={**SIGNED_IN, "X-Idempotency-Key": "k" * 201})
    assert isinstance(asked := service.asked[0][0], BlockAllocationCall)
    assert asked.idempotency_key is None


# --- Trying out and looking up ----------------------------------------------------------------
@pytest.mark.parametrize(("sent", "back"), [("Grüße ☃ & <b>", "Grüße ☃ & <b>"), (20, "20"), ("a\r\nb", "a\r\nb")])
def test_the_test_method_answers_with_its_string(sent: object, back: str, service: StubService) -> None:
    body = document("XMLRPCtest", sent).replace("\r", "&#13;")
    expected = {"status": "success", "message": "RPC call worked successfully", "string": back}
    assert xmlrpc.client.loads(post(body).content)[0] == (expected,)


@pytest.mark.parametrize("parameters", [(), ("a", "b"), ([],), (None,), (b"x",)])
def test_the_test_method_takes_one_string(parameters: tuple[object, ...], service: StubService) -> None:
    assert fault_of(post(document("XMLRPCtest", *parameters)))[0] == -32602


def test_the_methods_can_be_looked_up(service: StubService) -> None:
    assert call("system.listMethods") == [
        "XMLRPCblockAllocation",
        "XMLRPCexplainBlockAllocation",
        "XMLRPCplanBlockSeries",
        "XMLRPCprocessBlockTime",
        "XMLRPCtest",
        "system.listMethods",
        "system.methodHelp",
        "system.methodSignature",
    ]
    assert "status is success, warning, completed" in str(call("system.methodHelp", "XMLRPCprocessBlockTime"))
    assert call("system.methodSignature", "XMLRPCblockAllocation") == [
        ["int"] * 8,
        ["struct", "int", "string", "string", "int", "int", "int"],
        ["struct", "int", "string", "string", "int", "int"],
    ]


@pytest.mark.parametrize(
    ("method", "parameters"),
    [("XMLRPCnoSuchThing", (10,)), ("system.multicall", ([],)), ("system.methodHelp", ("XMLRPCnoSuchThing",))],
)
def test_unknown_methods(method: str, parameters: tuple[object, ...], service: StubService) -> None:
    assert fault_of(post(document(method, *parameters)))[0] == -32601
