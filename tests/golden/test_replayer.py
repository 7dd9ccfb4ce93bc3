"""The replayer of recorded cases sees every kind of difference: it can't pass by comparing nothing."""

import copy
import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.golden.replay import Scenario, replay
from tests.support.recorded import CASES, FOLDER, SEVEN

pytestmark = pytest.mark.once(on="sqlite")

ROOT = FOLDER.parent.parent
SEVEN_FILE = str(FOLDER.parent / "golden_seven.json")
Expect = dict[str, Any]


def wrong_computer(expect: Expect) -> None:
    """Another computer than the one that is taken."""
    row = next(row for row in expect["new_rows"]["blockComputers"] if row["computerid"] == 13)
    row["computerid"] = 11


def row_too_many(expect: Expect) -> None:
    """A row that is not written."""
    expect["new_rows"]["reservation"].append({**expect["new_rows"]["reservation"][0], "id": 99, "computerid": 11})


def row_too_few(expect: Expect) -> None:
    """A row that is written and was not recorded."""
    expect["new_rows"]["blockComputers"].pop()


def nothing_written(expect: Expect) -> None:
    """No new rows at all."""
    del expect["new_rows"]


def wrong_time(expect: Expect) -> None:
    """A reload that begins a minute later."""
    row = next(row for row in expect["new_rows"]["request"] if row["start"] == "2026-03-02 13:40:00")
    row["start"] = "2026-03-02 13:41:00"


def column_left_out(expect: Expect) -> None:
    """A column that does not have the schema's default: it would have to be there."""
    del expect["new_rows"]["request"][0]["daterequested"]


def unknown_column(expect: Expect) -> None:
    """A column that the table does not have."""
    expect["new_rows"]["request"][0]["colour"] = "blue"


def wrong_reload(expect: Expect) -> None:
    """Computers of a block whose reloads are exchanged."""
    first, second = expect["new_rows"]["blockComputers"][:2]
    first["reloadrequestid"], second["reloadrequestid"] = second["reloadrequestid"], first["reloadrequestid"]


def wrong_allocated(expect: Expect) -> None:
    """One machine more in the answer."""
    expect["response"]["allocated"] += 1


def wrong_status(expect: Expect) -> None:
    """A warning instead of success."""
    expect["response"]["status"] = "warning"


def key_too_many(expect: Expect) -> None:
    """A member of the answer that is not there."""
    expect["response"]["blockTimesid"] = 10


def change_missing(expect: Expect) -> None:
    """A change of a row that does not happen."""
    expect["changed"] = {"computer": [{"id": 10, "stateid": 19}]}


def removal_missing(expect: Expect) -> None:
    """A row that is not removed."""
    expect["removed"] = {"computer": [{"id": 10}]}


def fault_instead(expect: Expect) -> None:
    """A fault where there is an answer."""
    del expect["response"]
    expect["fault"] = {"faultCode": 1}


FALSIFIED: dict[Callable[[Expect], None], str] = {
    wrong_computer: "new rows: blockComputers",
    row_too_many: "new rows: reservation",
    row_too_few: "new rows: blockComputers",
    nothing_written: "new rows: request",
    wrong_time: "new rows: request",
    column_left_out: "new rows: request",
    unknown_column: "new rows: request",
    wrong_reload: "new rows: blockComputers",
    wrong_allocated: "answer: ",
    wrong_status: "answer: ",
    key_too_many: "answer: ",
    change_missing: "changed: computer",
    removal_missing: "removed: computer",
    fault_instead: "answer: ",
}


@pytest.mark.django_db(transaction=True)
class TestDifferences:
    """A case whose expectation was falsified differs, and says where."""

    @pytest.mark.parametrize("falsify", FALSIFIED, ids=lambda falsify: falsify.__name__)
    def test_falsified(self, falsify: Callable[[Expect], None]) -> None:
        case = copy.deepcopy(CASES["basic-0"])
        falsify(case["calls"][0]["expect"])
        differences = replay(case)
        assert any(FALSIFIED[falsify] in text for text in differences), differences

    def test_as_it_is(self) -> None:
        assert replay(CASES["basic-0"]) == []

    def test_a_default_may_be_left_out(self) -> None:
        case = copy.deepcopy(CASES["basic-0"])
        for row in case["calls"][0]["expect"]["new_rows"]["request"]:
            del row["checkuser"], row["logid"]
        assert replay(case) == []

    def test_wrong_fault(self) -> None:
        case = _errors("fault", {"faultCode": 8})
        assert replay(case) == [f"{_FIRST}: answer: recorded fault 8, here {_WRONG}"]
        assert replay(_errors("fault", {"faultCode": 3})) == []

    def test_fault_instead_of_an_answer(self) -> None:
        answer = {"status": "success", "allocated": 2, "unallocated": 0}
        assert replay(_errors("response", answer)) == [f"{_FIRST}: answer: recorded {answer}, here {_WRONG}"]

    @pytest.mark.parametrize("false", [{"answer": 3}, {"fault": 64}, {"answer": 0}])
    def test_seven_parameters(self, false: Expect) -> None:
        calls = copy.deepcopy(SEVEN["basic-0"])
        assert replay(CASES["basic-0"], seven=calls) == []
        calls[0] = {"params": calls[0]["params"], **false}
        assert any("answer: " in text for text in replay(CASES["basic-0"], seven=calls))

    def test_only_columns_that_a_case_names_are_left_out(self) -> None:
        case = copy.deepcopy(CASES["basic-0"])
        wrong_computer(case["calls"][0]["expect"])
        case["nondeterministic"] = ["calls[0].expect.new_rows.blockComputers[*].computerid"]
        assert replay(case) == []
        wrong_allocated(case["calls"][0]["expect"])
        assert len(replay(case)) == 1


_FIRST = "call 0 XMLRPCprocessBlockTime(10, 1)"
_WRONG = "<Fault 3: 'Access denied'>"


def _errors(key: str, value: object) -> Scenario:
    """The first call of the cases about access: a wrong password."""
    case = copy.deepcopy(CASES["errors-access-0"])
    del case["calls"][1:]
    case["calls"][0]["expect"] = {key: value}
    return case


class TestCommand:
    """`python -m tests.golden`, from outside."""

    def test_a_folder(self, tmp_path: Path) -> None:
        false = copy.deepcopy(CASES["basic-0"])
        wrong_computer(false["calls"][0]["expect"])
        malformed = {**CASES["basic-0"], "tables": {"computer": [{"no": "column"}]}}
        for name, text in (
            ("a-equal", json.dumps(CASES["ties-0"])),
            ("b-false", json.dumps(false)),
            ("c-tagged", json.dumps(CASES["adopt-running-0"])),
            ("d-cut-off", json.dumps(false)[:1000]),
            ("e-malformed", json.dumps(malformed)),
            ("f-refused", json.dumps(CASES["api-access-0"])),
        ):
            (tmp_path / f"{name}.json").write_text(text)
        done = _golden(str(tmp_path))
        lines = done.stdout.splitlines()
        assert done.returncode == 1
        assert lines[-1] == "2 equal, 3 differ (1 tagged, not compared)"
        assert lines[0].startswith("basic-0: Plain block")
        assert "    only recorded: blockTimeid=10, computerid=11, imageid=10, reloadrequestid=new 3" in lines
        assert "    only here: blockTimeid=10, computerid=13, imageid=10, reloadrequestid=new 3" in lines
        assert any(line.startswith(f"{tmp_path / 'd-cut-off.json'}: not JSON: ") for line in lines)
        assert "e-malformed: it can't be replayed" in lines
        assert done.stderr == ""

    def test_nothing_compared_is_no_success(self) -> None:
        done = _golden(str(FOLDER), "--only", "adopt-running")
        assert (done.returncode, done.stdout) == (1, "0 equal, 0 differ (1 tagged, not compared)\n")

    def test_seven_parameters(self, tmp_path: Path) -> None:
        calls = {"basic-0": SEVEN["basic-0"], "deleted-computers-0": [{**SEVEN["deleted-computers-0"][0], "answer": 5}]}
        (tmp_path / "seven.json").write_text(json.dumps({"cases": calls}))
        done = _golden(str(FOLDER), "--seven", str(tmp_path / "seven.json"))
        assert done.returncode == 1
        assert done.stdout.splitlines()[1:] == [
            "  call 0 XMLRPCblockAllocation(10, 1772478000, 1772485200, 5, 10, 1, 10): answer: recorded 5, here 4",
            "1 equal, 1 differ",
        ]

    @pytest.mark.parametrize(
        ("arguments", "message"),
        [
            (["nowhere"], "nowhere: there is no such folder"),
            (["."], ".: no recorded cases (*.json) there"),
            ([str(FOLDER), "--only", "unheard-of"], "--only unheard-of: none of the 187 cases"),
            ([str(FOLDER), "--seven", "nothing.json"], "--seven nothing.json: not a file of seven-parameter calls"),
            (
                [str(FOLDER), "--only", "errors-method", "--seven", str(FOLDER.parent / "golden_seven.json")],
                "--seven: ",
            ),
            ([], "the following arguments are required: directory"),
        ],
    )
    def test_wrong_arguments_are_named(self, arguments: list[str], message: str, tmp_path: Path) -> None:
        done = _golden(*arguments, cwd=tmp_path)
        assert (done.returncode, done.stdout) == (2, "")
        assert message in done.stderr
        assert "Traceback" not in done.stderr


def _golden(*arguments: str, cwd: Path = ROOT) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "tests.golden", *arguments],
        cwd=cwd,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=False,
    )
