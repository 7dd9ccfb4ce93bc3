"""`manage.py check_vcl` as an operator and a script see it."""

import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from django.db import OperationalError, connection

from blockalloc import inspection
from blockalloc.inspection import KINDS
from blockalloc.inspection.repairs import REPAIRS
from tests.golden import tables
from tests.support.commands import check_vcl
from tests.support.servers.own_process import ROOT
from tests.support.sites.class_site import class_site
from tests.support.sites.disorder import C, add_block_computer, add_with_reload, change, reload

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def site() -> Iterator[None]:
    """Block times 10 and 11 from 14:00 to 16:00. It is 8:00."""
    with class_site(machines=1, blocks=2):
        yield


def some_disorder() -> None:
    """Two orphaned reloads, one of which is past repair, and a row of yesterday; a block time that is in order."""
    add_with_reload(11, C)
    reload("13:00", "13:20", C + 1)
    reload("07:00", "07:20", C + 2)
    change("blockTimes", id=10, start="2026-03-01 14:00:00", end="2026-03-01 16:00:00")
    add_block_computer(10, C + 3)


@pytest.mark.usefixtures("site")
class TestTold:
    """What is printed, and the exit status."""

    def test_order(self) -> None:
        status, text = check_vcl()
        assert status == 0
        assert text.startswith("Checked at 2026-03-02 08:00:00 (America/New_York).\nEverything is in order.\n")
        status, text = check_vcl("--kind", *set(KINDS) - {"schema_drift"})
        assert (status, text) == (0, "Checked at 2026-03-02 08:00:00 (America/New_York).\nEverything is in order.\n")

    def test_findings_are_grouped_with_counts_and_advice(self) -> None:
        add_with_reload(10, C)
        add_with_reload(11, C)
        reload("13:00", "13:20", C + 1)
        reload("13:00", "13:20", C + 2)
        status, text = check_vcl()
        assert status == 1
        lines = text.splitlines()
        assert "Computers promised twice (double_booking): 1" in lines
        assert "Reloads that no class needs, or that no management node has taken (orphaned_reload): 2" in lines
        assert sum(line.startswith("* reload request") for line in lines) == 2
        assert sum(line.startswith("  What to do: ") for line in lines) == 2
        assert any(line.startswith("manage.py check_vcl --repair") for line in lines)

    def test_only_some_kinds(self) -> None:
        some_disorder()
        _, text = check_vcl("--kind", "orphaned_reload", "double_booking")
        assert "ended_block_time" not in text
        assert "orphaned_reload" in text
        assert check_vcl("--kind", "stuck_processing")[0] == 0

    def test_json(self) -> None:
        some_disorder()
        status, text = check_vcl("--json")
        answer = json.loads(text)
        assert status == 1
        assert answer["checked_at"] == "2026-03-02 08:00:00"
        assert answer["counts"] == {"orphaned_reload": 2, "ended_block_time": 1}
        assert {key: type(value) for key, value in answer["findings"][0].items()} == {
            "kind": str,
            "subject": dict,
            "text": str,
            "repairable": bool,
        }
        assert answer["left"] == answer["findings"]
        assert answer["repairs"] == []
        assert answer["problem"] == ""

    def test_json_in_order(self) -> None:
        status, text = check_vcl("--json")
        assert status == 0
        assert json.loads(text)["findings"] == []


@pytest.mark.usefixtures("site")
class TestRepair:
    """--repair and --dry-run."""

    @pytest.mark.parametrize("options", [["--dry-run"], ["--dry-run", "--repair"], ["--dry-run", "--repair", "--json"]])
    def test_a_dry_run_shows_what_a_repair_does_and_writes_nothing(self, options: list[str]) -> None:
        some_disorder()
        before = tables.read(leave_out=())
        status, text = check_vcl(*options)
        assert status == 1
        assert tables.read(leave_out=()) == before
        _, done = check_vcl("--repair", *(["--json"] if "--json" in options else []))
        if "--json" in options:
            assert [found["action"] for found in json.loads(text)["repairs"]] == [
                found["action"] for found in json.loads(done)["repairs"]
            ]
        else:
            would = [line.removeprefix("would be done: ") for line in text.splitlines() if "would be done: " in line]
            assert len(would) == 2
            assert would == [line.removeprefix("done: ") for line in done.splitlines() if line.startswith("done: ")]
            assert "Dry run: nothing was written." in text

    def test_what_is_left_decides_the_status(self) -> None:
        some_disorder()
        status, text = check_vcl("--repair")
        assert status == 1
        assert "1 finding is left." in text
        status, text = check_vcl("--repair")
        assert status == 1
        assert "done" not in text

    def test_nothing_left(self) -> None:
        reload("13:00", "13:20", C + 1)
        status, text = check_vcl("--repair")
        assert status == 0
        assert "Nothing is left." in text
        assert tables.read()["request"] == []
        assert check_vcl()[0] == 0

    def test_only_some_kinds(self) -> None:
        some_disorder()
        assert check_vcl("--repair", "--kind", "ended_block_time")[0] == 0
        assert check_vcl("--kind", "orphaned_reload")[0] == 1
        assert len(tables.read()["request"]) == 3

    def test_a_repair_that_comes_too_late_says_so(self, monkeypatch: pytest.MonkeyPatch) -> None:
        reload("13:00", "13:20", C + 1)
        monkeypatch.setattr(inspection, "repair", lambda _: False)
        status, text = check_vcl("--repair")
        assert status == 1
        assert "left alone, it has changed in the meantime: delete reload request" in text

    def test_a_crash_in_the_middle_leaves_whole_repairs(self, monkeypatch: pytest.MonkeyPatch) -> None:
        for computer in (C, C + 1, C + 2):
            reload("13:00", "13:20", computer)
        repair, calls = inspection.repair, []

        def second_fails(finding: Any) -> bool:
            calls.append(finding)
            if len(calls) == 2:
                raise OperationalError(2013, "Lost connection to server during query")
            return repair(finding)

        monkeypatch.setattr(inspection, "repair", second_fails)
        status, text = check_vcl("--repair")
        assert status == 2
        assert "stopped at the first repair that failed" in text
        assert "done: delete reload request" in text
        rows = tables.read()
        assert [row["requestid"] for row in rows["reservation"]] == [row["id"] for row in rows["request"]]
        assert len(rows["request"]) == 2


@pytest.mark.usefixtures("site")
class TestSitesWithoutOurTables:
    """A VCL site on which our migrations never ran: reading works, repairs ask for `migrate`."""

    @pytest.fixture(autouse=True)
    def no_guard(self, site: None) -> Iterator[None]:
        with connection.cursor() as cursor:
            cursor.execute("ALTER TABLE blockalloc_guard RENAME TO kept_guard")
        yield
        with connection.cursor() as cursor:
            cursor.execute("ALTER TABLE kept_guard RENAME TO blockalloc_guard")

    def test_reading(self) -> None:
        reload("13:00", "13:20", C + 1)
        status, text = check_vcl("--kind", "orphaned_reload")
        assert status == 1
        assert "* reload request" in text

    @pytest.mark.parametrize("options", [["--repair"], ["--dry-run"]])
    def test_repairing(self, options: list[str]) -> None:
        reload("13:00", "13:20", C + 1)
        before = tables.read(leave_out=())
        status, text = check_vcl(*options)
        assert status == 2
        assert "nothing was repaired: our own tables are missing: run manage.py migrate first" in text
        assert tables.read(leave_out=()) == before


def test_the_page_has_each_kind_and_each_repair() -> None:
    page = (ROOT / "docs" / "check_vcl.md").read_text(encoding="utf-8")
    _, found, repairs = (part.split("\n## ")[0] for part in re.split(r"\n## (?=What is found|Repairs)", page))
    rows = {kind: line for kind in KINDS for line in found.splitlines() if line.startswith(f"| `{kind}` |")}
    assert rows.keys() == KINDS.keys()
    repaired = re.findall(r"^\| `(\w+)` \|", repairs, re.MULTILINE)
    assert set(repaired) == set(REPAIRS) == {kind for kind, line in rows.items() if "| yes" in line}


@pytest.mark.once(on="sqlite")
class TestFromOutside:
    """The process's own exit status and its one-line errors."""

    @staticmethod
    def manage(url: str, *options: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "manage.py", "check_vcl", *options],
            cwd=ROOT,
            env={**os.environ, "DATABASE_URL": url},
            capture_output=True,
            text=True,
            check=False,
        )

    def test_a_database_that_is_down(self) -> None:
        done = self.manage("mysql://nobody@127.0.0.1:1/vcl")
        assert done.returncode == 2
        # Told by the command, or before it by a check of a newer Django's that asks the server.
        assert "error: the database does not answer" in done.stderr.lower()
        assert "Traceback" not in done.stderr

    def test_a_database_of_somebody_else(self, tmp_path: Path) -> None:
        done = self.manage(f"sqlite:///{tmp_path / 'empty.sqlite3'}")
        assert done.returncode == 2
        assert "this database has no table of VCL" in done.stdout
        assert "the rows were not checked" in done.stderr
        assert "Traceback" not in done.stderr

    @pytest.mark.parametrize("options", [["--kind", "nonsense"], ["--kind"], ["--fix"]])
    def test_bad_options(self, options: list[str]) -> None:
        done = self.manage("sqlite:///:memory:", *options)
        assert done.returncode == 2
        assert "usage: " in done.stderr
