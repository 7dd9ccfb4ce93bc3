"""What tests of decided cases share: the calls of a case, and words for answers and rows."""

import logging
from collections.abc import Iterator
from xmlrpc.client import Fault

import pytest

from tests.golden.replay import Made, Scenario, play
from tests.test_recorded_cases import CASES, broken

TAGGED = {name for name, case in CASES.items() if "reference_bug" in case}
COMPLETED: dict[str, object] = {"status": "completed"}


@pytest.fixture
def case(request: pytest.FixtureRequest) -> Scenario:
    """The case of the test."""
    return CASES[request.node.callspec.params["calls"]]


@pytest.fixture
def calls(request: pytest.FixtureRequest) -> Iterator[list[Made]]:
    """The calls of a case, made; none breaks an invariant."""
    logging.disable(logging.WARNING)  # refusals are meant
    made = play(CASES[request.param])
    yield made
    logging.disable(logging.NOTSET)
    assert broken(CASES[request.param], made) == []


def success(allocated: int, unallocated: int = 0) -> dict[str, object]:
    """The answer of VCL 2.x for machines that were had."""
    return {"status": "success", "allocated": allocated, "unallocated": unallocated}


def nothing(unallocated: int) -> dict[str, object]:
    """Warning 14."""
    text = "unable to allocate any machines"
    return {"status": "warning", "warningcode": 14, "warningmsg": text, "allocated": 0, "unallocated": unallocated}


def error(code: int, text: str) -> dict[str, object]:
    """An error of VCL 2.x."""
    return {"status": "error", "errorcode": code, "errormsg": text}


def answers(calls: list[Made]) -> list[object]:
    """The answers; of a fault its code."""
    return [made.answer.faultCode if isinstance(made.answer, Fault) else made.answer for made in calls]


def taken(made: Made) -> list[int]:
    """Computers that a call added to blocks."""
    return sorted(row["computerid"] for row in made.new("blockComputers"))


def wrote_nothing(made: Made) -> bool:
    """Whether all rows are as they were."""
    return made.before == made.after


def reserved_by(case: Scenario, *users: int) -> list[int]:
    """Computers that these users had reserved in a case."""
    requests = {row["id"] for row in case["tables"]["request"] if row["userid"] in users}
    return sorted(row["computerid"] for row in case["tables"]["reservation"] if row["requestid"] in requests)


def reloads(made: Made) -> list[tuple[int, str, str]]:
    """(computer, start, end) of the reloads that a call added."""
    times = {row["id"]: (row["start"], row["end"]) for row in made.new("request")}
    return sorted((row["computerid"], *times[row["requestid"]]) for row in made.new("reservation"))
