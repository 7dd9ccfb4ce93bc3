"""What tests on the recorded cases share: the cases, what their calls broke, and words for answers and rows."""

import json
from pathlib import Path
from xmlrpc.client import Fault

import pytest

from blockalloc.models import Guard
from tests.golden.decided import OTHERWISE
from tests.golden.replay import Made, Scenario, now_of, read_case
from tests.support import invariants

FOLDER = Path(__file__).parents[1] / "golden"
CASES = {path.stem: read_case(path) for path in sorted(FOLDER.glob("*.json"))}
RIGHT = [name for name, case in CASES.items() if "reference_bug" not in case and name not in OTHERWISE]
TAGGED = [name for name, case in CASES.items() if "reference_bug" in case]
SEVEN = {
    name: calls
    for name, calls in json.loads((FOLDER.parent / "golden_seven.json").read_text())["cases"].items()
    if name not in OTHERWISE
}


@pytest.fixture(autouse=True, name="_rows_as_migrated")
def no_rows_but_the_cases(transactional_db: None) -> None:
    """For modules whose tests load sites of their own: of a new site's rows (conftest.py) only the guard's."""
    Guard.objects.update_or_create(id=Guard.ROW, defaults={"n": 0})


def change_of(case: Scenario, made: Made) -> invariants.Change:
    """A call as the invariants look at it."""
    place = {"XMLRPCprocessBlockTime": 1, "XMLRPCblockAllocation": 5}.get(made.method, 99)
    ignore = made.params[place] if len(made.params) > place else 0
    return invariants.Change(made.before, made.after, now_of(case), made.answer, ignore in (1, "1"))


def broken(case: Scenario, calls: list[Made]) -> list[str]:
    """Every invariant that calls of a case broke."""
    return [f"{made}: {text}" for made in calls for text in invariants.broken(change_of(case, made))]


def success(allocated: int, unallocated: int = 0) -> dict[str, object]:
    """The answer of VCL 2.x when machines were allocated."""
    return {"status": "success", "allocated": allocated, "unallocated": unallocated}


def completed(allocated: int) -> dict[str, object]:
    """The answer when nothing was wanted any more (SPEC 8.17)."""
    return {"status": "completed", "allocated": allocated, "unallocated": 0}


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
