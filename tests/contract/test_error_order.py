"""A call with several faults is told the first in VCL's order, and a refused call writes nothing.

Each list holds the faults of one form of call in the order in which they are looked for. A call is made
with each of them, and with each pair of neighbours: of the two it gets the earlier.
"""

import copy
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any
from xmlrpc.client import Fault

import pytest

from tests.golden import tables
from tests.golden.replay import Scenario, in_process, make_call, on_site
from tests.support.recorded import CASES, no_rows_but_the_cases  # noqa: F401 - a fixture

pytestmark = pytest.mark.django_db(transaction=True)

EMPTY_GROUP, UNKNOWN = 11, 999
START, END = 1772478000, 1772485200  # 2026-03-02 14:00 and 16:00; it is 08:00
ANSWERED = 0  # no fault: the block has all machines already
Given = Mapping[str, Any]


@dataclass(frozen=True)
class Wrong:
    """What is wrong with a call: parameters given otherwise, columns of all rows of a table set otherwise."""

    code: int
    begins: str  # of the fault's text: the parameter's name
    given: Given = field(default_factory=dict)
    rows: Mapping[str, Given] = field(default_factory=dict)
    beside: bool = True  # can be wrong together with the one before it in the list

    def __str__(self) -> str:
        return str(self.code)


SEVEN: Given = {
    "imageid": 10, "start": START, "end": END, "machinecount": 4, "usergroupid": 10, "ignoreprivileges": 1,
    "blockTimeid": 10,
}  # fmt: skip
SEVEN_NEW: Given = {**SEVEN, "blockTimeid": 0}
SIX: Given = {
    "imageid": 10, "start": "2026-03-02 14:00:00", "end": "2026-03-02 16:00:00", "numMachines": 4,
    "usergroupid": 10, "ignoreprivileges": 1,
}  # fmt: skip
PROCESS: Given = {"blockTimesid": 10, "ignoreprivileges": 1}

DELETED_IMAGE = {"image": {"deleted": 1}}
NO_PRODUCTION = {"imagerevision": {"production": 0}}
SILENT_NODE = {"managementnode": {"lastcheckin": "2026-03-02 06:59:59"}}
NO_MEMBERS = {"usergroupmembers": {"usergroupid": 3}}
SKIPPED, REQUESTED = {"blockTimes": {"skip": 1}}, {"blockRequest": {"status": "requested"}}
EXPIRED = {"blockRequest": {"expireTime": "2026-03-02 07:59:59"}}
FULL = {"blockComputers": {"blockTimeid": 10}}  # the site has four rows for it, of another block time
COUNTING = {"ignoreprivileges": 0}

ORDER_NEW = [
    Wrong(10, "imageid", {"imageid": UNKNOWN}),
    Wrong(4, "start", {"start": -1}),
    Wrong(36, "end", {"end": "later"}),
    Wrong(64, "machinecount", {"machinecount": 0}),
    Wrong(67, "usergroupid", {"usergroupid": UNKNOWN, **COUNTING}),
    Wrong(86, "ignoreprivileges", {"ignoreprivileges": 2}, beside=False),  # 67 needs a flag of 0
    Wrong(12, "blockTimeid", rows=SILENT_NODE),
    Wrong(11, "usergroupid", {"usergroupid": EMPTY_GROUP, **COUNTING}),
]
ORDER_BLOCK_TIME = [
    Wrong(77, "blockTimeid", {"blockTimeid": "eleven"}),
    Wrong(86, "ignoreprivileges", {"ignoreprivileges": 0.5}),
    Wrong(64, "machinecount", {"machinecount": 0}),
    Wrong(8, "blockTimeid", {"blockTimeid": UNKNOWN}),
    Wrong(202, "blockTimeid", rows=SKIPPED, beside=False),  # an unknown block time has no flag
    Wrong(203, "blockTimeid", rows=REQUESTED),
    Wrong(9, "blockTimeid", rows=EXPIRED),
    Wrong(10, "imageid", rows=DELETED_IMAGE),
    Wrong(201, "start", {"start": START + 60}),
    Wrong(64, "machinecount", {"machinecount": 5}),
    Wrong(ANSWERED, "", rows=FULL),
    Wrong(11, "usergroupid", COUNTING, NO_MEMBERS),
]
ORDER_PROCESS = [
    Wrong(77, "", {"blockTimesid": "eleven"}),
    Wrong(86, "", {"ignoreprivileges": 2}),
    Wrong(8, "", {"blockTimesid": UNKNOWN}),
    Wrong(202, "", rows=SKIPPED, beside=False),
    Wrong(203, "", rows=REQUESTED),
    Wrong(9, "", rows=EXPIRED),
    Wrong(10, "", rows=DELETED_IMAGE),
    Wrong(ANSWERED, "", rows=FULL),
    Wrong(11, "", COUNTING, NO_MEMBERS),
]
ORDER_SIX = [
    Wrong(3, "", {"imageid": UNKNOWN}),
    Wrong(4, "", {"start": "soon"}),
    Wrong(36, "", {"end": "2026-03-02 13:00:00"}),
    Wrong(64, "", {"numMachines": 71}),
    Wrong(67, "", {"usergroupid": UNKNOWN}),
    Wrong(86, "", {"ignoreprivileges": 2}),
    Wrong(12, "", rows=SILENT_NODE),
    Wrong(10, "", rows=NO_PRODUCTION),
    Wrong(11, "", {"usergroupid": EMPTY_GROUP, **COUNTING}),
]
FORMS = {
    "new": ("XMLRPCblockAllocation", SEVEN_NEW, ORDER_NEW),
    "block-time": ("XMLRPCblockAllocation", SEVEN, ORDER_BLOCK_TIME),
    "process": ("XMLRPCprocessBlockTime", PROCESS, ORDER_PROCESS),
    "six": ("XMLRPCblockAllocation", SIX, ORDER_SIX),
}


def calls() -> Iterator[Any]:
    """Every fault alone, and every pair of neighbours that can be wrong together."""
    for form, (_, _, order) in FORMS.items():
        for place, wrong in enumerate(order):
            yield pytest.param(form, [wrong], id=f"{form}-{place}-{wrong}")
        for place, (first, second) in enumerate(pairwise(order)):
            if second.beside:
                yield pytest.param(form, [first, second], id=f"{form}-{place}-{first}-before-{second}")


# Pairs that are no neighbours, where neighbours can't be wrong together.
FURTHER = [
    ("new", [ORDER_NEW[4], ORDER_NEW[6]]),  # 67 before 12
    ("block-time", [ORDER_BLOCK_TIME[2], ORDER_BLOCK_TIME[4]]),  # 64 before 202
    ("block-time", [ORDER_BLOCK_TIME[3], Wrong(10, "", {"imageid": UNKNOWN})]),
    ("block-time", [ORDER_BLOCK_TIME[3], ORDER_BLOCK_TIME[8]]),  # 8 before 201
    ("block-time", [ORDER_BLOCK_TIME[3], ORDER_BLOCK_TIME[9]]),  # 8 before the second 64
    ("block-time", [ORDER_BLOCK_TIME[7], Wrong(4, "", {"start": -1})]),  # 10 before what can't be a time
    ("process", [ORDER_PROCESS[1], ORDER_PROCESS[3]]),  # 86 before 202
]


def site(wrongs: list[Wrong]) -> Scenario:
    """A site with a block time, an empty group, and rows of the block's four computers; with all that is wrong."""
    case = copy.deepcopy(CASES["basic-0"])
    rows = case["tables"]
    _add_like_the_last(rows["usergroup"], id=EMPTY_GROUP, name="nobody")
    _add_like_the_last(rows["blockTimes"], id=11, start="2026-03-09 14:00:00", end="2026-03-09 16:00:00")
    computers = [row["id"] for row in rows["computer"]][:4]
    rows["blockComputers"] = [{"blockTimeid": 11, "computerid": id_, "imageid": 10} for id_ in computers]
    for row in rows["image"]:
        row["ownerid"] = 3  # of the calling account: the five- and six-parameter form asks
    for wrong in wrongs:
        for table, columns in wrong.rows.items():
            for row in rows[table]:
                row.update(columns)
    return case


def _add_like_the_last(rows: list[tables.Row], **values: object) -> None:
    rows.append({**rows[-1], **values})


def answer_of(form: str, wrongs: list[Wrong]) -> object:
    """The answer to a call with all that is wrong; no table is changed by it."""
    method, right, _ = FORMS[form]
    given = dict(right)
    for wrong in reversed(wrongs):  # what is looked for first stays wrong
        given |= wrong.given
    with on_site(site(wrongs)):
        before = tables.read(leave_out=())
        answer = make_call(in_process, method, list(given.values()))
        assert tables.read(leave_out=()) == before
    return answer


@pytest.mark.parametrize(("form", "wrongs"), [*calls(), *FURTHER])
def test_the_first_fault_is_the_answer(form: str, wrongs: list[Wrong]) -> None:
    answer = answer_of(form, wrongs)
    if wrongs[0].code == ANSWERED:
        assert answer == (4 if form == "block-time" else {"status": "completed", "allocated": 4, "unallocated": 0})
    elif form in ("new", "block-time"):
        assert isinstance(answer, Fault), answer
        assert answer.faultCode == wrongs[0].code, answer
        assert answer.faultString.startswith(f"{wrongs[0].begins}: ")
    else:
        assert isinstance(answer, dict), answer
        assert (answer["status"], answer["errorcode"]) == ("error", wrongs[0].code), answer
        assert set(answer) == {"status", "errorcode", "errormsg"}


@pytest.mark.parametrize("form", FORMS)
def test_the_call_is_right_otherwise(form: str) -> None:
    method, given, _ = FORMS[form]
    with on_site(site([])):
        answer = make_call(in_process, method, list(given.values()))
    assert answer == 4 or (isinstance(answer, dict) and answer["status"] == "success"), answer


def test_all_faults_of_the_contract_are_reached() -> None:
    seven = {wrong.code for wrong in (*ORDER_NEW, *ORDER_BLOCK_TIME)} - {ANSWERED}
    assert seven == {77, 9, 8, 202, 203, 10, 4, 36, 64, 67, 86, 12, 11, 201}  # 204 is below


@pytest.mark.parametrize(
    ("given", "begins"),
    [
        ({"start": "soon"}, "start: "),
        ({"start": -1}, "start: "),
        ({"start": 2145934800 + 1}, "start: "),  # 2038-01-01 00:00:00 there, and a second
        ({"end": START}, "end: "),
        ({"start": START - 90000, "end": START - 36000}, "end: "),  # over
        ({"machinecount": 71}, "machinecount: "),
        ({"machinecount": 2.5}, "machinecount: "),
        ({"imageid": "10 "}, ""),
    ],
)
def test_values_of_a_new_block(given: Given, begins: str) -> None:
    wrong = Wrong(0, "", given)
    if begins:
        answer = answer_of("new", [wrong])
        assert isinstance(answer, Fault)
        assert answer.faultString.startswith(begins)
        return
    with on_site(site([])):
        assert make_call(in_process, "XMLRPCblockAllocation", list({**SEVEN_NEW, **given}.values())) == 4


@pytest.mark.parametrize(
    ("given", "told"),
    [
        ({"imageid": 1}, ("imageid: given 1", "stored 10")),
        ({"start": START + 60}, ("start: given 2026-03-02 14:01:00", "stored 2026-03-02 14:00:00")),
        ({"end": END - 1}, ("end: given 2026-03-02 15:59:59", "stored 2026-03-02 16:00:00")),
        ({"usergroupid": EMPTY_GROUP, **COUNTING}, (f"usergroupid: given {EMPTY_GROUP}", "stored 10")),
    ],
)
def test_a_contradiction_says_what_differs(given: Given, told: tuple[str, str]) -> None:
    answer = answer_of("block-time", [Wrong(201, "", given)])
    assert isinstance(answer, Fault)
    assert answer.faultCode == 201
    assert answer.faultString.startswith(told[0])
    assert told[1] in answer.faultString


def test_a_key_is_for_one_call() -> None:
    def with_key(key: str, **given: object) -> object:
        def transport(body: bytes, headers: dict[str, str]) -> bytes:
            return in_process(body, {**headers, "X-Idempotency-Key": key})

        return make_call(transport, "XMLRPCblockAllocation", list({**SEVEN_NEW, **given}.values()))

    with on_site(site([])):
        assert with_key("monday", machinecount=2) == 2
        before = tables.read(leave_out=())
        assert with_key("monday", machinecount=2) == 2
        for key, count in (("monday", 3), ("k" * 201, 2)):
            refused = with_key(key, machinecount=count)
            assert isinstance(refused, Fault)
            assert (refused.faultCode, refused.faultString[:19]) == (204, "X-Idempotency-Key: ")
        assert tables.read(leave_out=()) == before
