"""`manage.py allocate_block`: what operators type, what they read, what scripts get."""

import json
import re
from collections.abc import Iterator
from datetime import UTC, datetime
from io import StringIO
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from pytest_django import Settings

from blockalloc.allocation import service
from blockalloc.allocation.service import Allocation
from blockalloc.contract.messages import BlockAllocationCall, Call, FillCall, Outcome, Refusal
from blockalloc.models import BlockComputer, BlockRequest, BlockTime, Decision, Image, Request, UserGroup
from blockalloc.reports import block_time
from blockalloc.reports.block_time import allocation_report, as_text
from tests.support.sites.demo import demo_site

pytestmark = pytest.mark.django_db(transaction=True)

# For tests of what is typed and read, on the same rows; each of them loads the demo site.
words = pytest.mark.once(on="sqlite")

CLASS = 101  # the demo's block time of next Monday, 20 machines; nothing is allocated to it yet
CLUSTER = "Hadoop cluster (head and two workers)"


@pytest.fixture(autouse=True)
def demo() -> Iterator[None]:
    """The demo site on a Wednesday; next Monday is 30 November."""
    with demo_site():
        yield


@pytest.fixture
def seen(monkeypatch: pytest.MonkeyPatch) -> list[Call]:
    """The calls that reach the service, which then does nothing."""
    calls: list[Call] = []

    def allocate(call: Call, _caller: object, *, explain: bool) -> Allocation:
        calls.append(call)
        return Allocation(Outcome("success", call.machines or 0, 0, 0), ())

    monkeypatch.setattr(service, "allocate", allocate)
    return calls


def run(*options: str) -> tuple[int, str]:
    """Exit status and output of the command."""
    output = StringIO()
    try:
        call_command("allocate_block", *options, stdout=output)
    except SystemExit as end:
        return int(str(end.code)), output.getvalue()
    return 0, output.getvalue()


def refused(*options: str) -> str:
    """What the command says when it does nothing."""
    with pytest.raises(CommandError) as error:
        call_command("allocate_block", *options, stdout=StringIO())
    assert error.value.returncode == 2
    return str(error.value)


def names(machines: int = 5) -> list[str]:
    """Options for a new block, by names and local times."""
    when = ["--start", "2026-12-01 09:00", "--end", "2026-12-01 11:00"]
    return ["--image", "Ubuntu 22.04", "--group", "CS101@Local", *when, "--machines", str(machines)]


# --- What is asked for ------------------------------------------------------------------------
@words
def test_names_and_local_times_become_the_parameters_of_a_call(seen: list[Call]) -> None:
    run(*names())
    start = int(datetime(2026, 12, 1, 14, 0, tzinfo=UTC).timestamp())
    image, group = Image.objects.get(prettyname="Ubuntu 22.04"), UserGroup.objects.get(name="CS101")
    assert seen == [BlockAllocationCall(image.pk, start, start + 7200, 5, group.pk, False, 0)]


@words
def test_a_block_time_says_what_is_left_out(seen: list[Call]) -> None:
    run("--block-time", str(CLASS))
    run("--block-time", str(CLASS), "--machines", "3", "--ignore-privileges")
    assert seen == [
        FillCall(CLASS, ignore_privileges=False, id_name="--block-time"),
        FillCall(CLASS, ignore_privileges=True, machines=3, id_name="--block-time"),
    ]


@words
def test_a_block_request_without_group_needs_none() -> None:
    BlockRequest.objects.filter(blocktime=CLASS).update(group=None)
    assert run("--block-time", str(CLASS), "--ignore-privileges")[0] == 0


@words
@pytest.mark.parametrize(
    ("text", "instant"),
    [
        ("1795424400", datetime.fromtimestamp(1795424400, UTC)),
        ("2026-12-01 09:00:30", datetime(2026, 12, 1, 14, 0, 30, tzinfo=UTC)),
        ("2027-03-14 02:30", datetime(2027, 3, 14, 7, 30, tzinfo=UTC)),  # skipped: 03:30
        ("2026-11-01 01:30", datetime(2026, 11, 1, 5, 30, tzinfo=UTC)),  # comes twice: the first
    ],
)
def test_times(text: str, instant: datetime, seen: list[Call]) -> None:
    run("--block-time", str(CLASS), "--start", text)
    assert seen[0].start == instant.timestamp()


# --- What is answered -------------------------------------------------------------------------
def test_a_dry_run_shows_the_plan_and_writes_nothing() -> None:
    before = Request.objects.count(), BlockComputer.objects.count(), BlockTime.objects.count()
    status, output = run(*names(), "--dry-run")
    assert status == 0
    verdict, _blank, heading, _rule, *rows = output.splitlines()
    assert verdict == "Dry run, nothing was changed: the class would have 5 of 5 machines."
    assert heading.split()[:3] == ["computer", "type", "image"]
    assert len(rows) == 5
    assert all("Ubuntu 22.04" in row and "2026-12-01 09:00:00" in row for row in rows)
    assert (Request.objects.count(), BlockComputer.objects.count(), BlockTime.objects.count()) == before


def test_a_class_gets_its_machines_and_the_report_shows_them() -> None:
    status, output = run("--block-time", str(CLASS))
    assert status == 0
    assert output.startswith("The class has 20 of 20 machines now.\n")
    assert (
        "Block time 101, CS101 programming lab: Ubuntu 22.04 for CS101@Local, "
        "2026-11-30 09:00–11:00 (America/New_York), 20 of 20 machines"
    ) in output
    held = BlockComputer.objects.filter(blockTime=CLASS).values_list("computer__hostname", flat=True)
    assert len(held) == 20
    assert all(f"\n{hostname} " in output for hostname in held)
    status, again = run("--block-time", str(CLASS))
    assert (status, again.splitlines()[0]) == (
        0,
        "Nothing to do: the class already has the 20 machines asked for, or more.",
    )


@words
def test_missing_machines_are_exit_status_1() -> None:
    status, output = run(*names(machines=70), "--json", "--dry-run")
    answer = json.loads(output)
    assert status == 1
    assert answer["unallocated"] == 70 - answer["allocated"] > 0


@words
def test_too_little_time_to_load_is_said() -> None:
    """The demo site is of Wednesday at noon; VCL's warning 14 says only what the first line says."""
    soon = ["--start", "2026-11-25 12:02", "--end", "2026-11-25 14:00", "--machines", "20", "--ignore-privileges"]
    output = run("--image", "CentOS 7 base", "--group", "CS101@Local", *soon)[1]
    assert output.splitlines()[1] == "There may be too little time to load all machines (VCL's warning 13)."


@words
def test_no_machine_at_all_for_a_new_block_is_said_and_nothing_kept() -> None:
    Image.objects.filter(prettyname="Ubuntu 22.04").update(minram=10**6)
    blocks = BlockTime.objects.count()
    status, output = run(*names())
    assert status == 1
    answer, why = output.split("\n\n")
    assert answer == "No machine could be allocated: nothing was written."
    assert why.splitlines()[0] == "Why not more: no further computer passes all rules for image Ubuntu 22.04"
    assert "RAM 8192 MB is below the image's 1000000 MB (cs-01.example.edu)" in why
    assert BlockTime.objects.count() == blocks


def test_json_has_the_outcome_and_the_whole_block_time() -> None:
    status, output = run("--block-time", str(CLASS), "--machines", "3", "--json")
    answer = json.loads(output)
    assert status == 0
    block = answer["block_time"]
    assert {name: answer[name] for name in ("status", "allocated", "unallocated", "block_time_id", "dry_run")} == {
        "status": "success",
        "allocated": 3,
        "unallocated": 0,
        "block_time_id": CLASS,
        "dry_run": False,
    }
    assert (block["wanted"], block["allocated"], block["start"]) == (20, 3, "2026-11-30T09:00:00-05:00")
    assert sorted(row["computer"] for row in answer["computers_taken"]) == sorted(
        row["computer"] for row in block["rows"]
    )


# --- How sure the class is --------------------------------------------------------------------
SENTENCE = re.compile(
    r"(\d\d|More than 99|Less than 1) % sure that all 20 are ready at 09:00(, \d+ machines? expected late)?; "
    r"(\d+) computer-minutes taken before the start\."
)


@words
def test_a_line_above_the_computers_says_how_sure_the_class_is(settings: Settings) -> None:
    settings.VCL_RELOAD_POLICY = "ready"
    for options in (["--dry-run"], [], []):  # the last one has nothing to do
        _, output = run("--block-time", str(CLASS), *options)
        assert SENTENCE.fullmatch(output.partition("\n\n")[0].splitlines()[-1])


@words
def test_json_has_the_figures_and_the_sentence(settings: Settings) -> None:
    settings.VCL_RELOAD_POLICY = "ready"
    answer = json.loads(run("--block-time", str(CLASS), "--json")[1])
    outlook, record = answer["outlook"], Decision.objects.latest("pk")
    assert set(outlook) == {"machines", "ready", "late", "minutes", "mended", "words"}
    assert record.ready is not None
    assert record.late is not None
    figures = (20, round(record.ready, 3), round(record.late, 2), record.minutes, False)
    assert tuple(outlook[name] for name in ("machines", "ready", "late", "minutes", "mended")) == figures
    sentence = SENTENCE.fullmatch(f"{outlook['words']}.")
    assert sentence
    assert int(sentence[3]) == record.minutes


@words
def test_policy_vcl_says_nothing_of_it() -> None:
    assert " sure " not in run("--block-time", str(CLASS))[1]
    assert json.loads(run(*names(), "--json")[1])["outlook"] is None


# --- What is refused --------------------------------------------------------------------------
@words
def test_what_is_missing_is_named() -> None:
    text = refused("--image", "Ubuntu 22.04", "--machines", "3")
    assert text == "missing: --group, --start, --end (or --block-time, whose rows have all of them)"
    assert "--group" not in refused("--ignore-privileges")


@words
@pytest.mark.parametrize(
    ("options", "text"),
    [
        (["--image", "Ubunto 22.04"], "there is no image 'Ubunto 22.04'; did you mean 101 (Ubuntu 22.04, "),
        (["--group", "CS1O1"], "there is no user group 'CS1O1'; did you mean "),
        (["--start", "30.11.2026 9:00"], "'30.11.2026 9:00' is not a time: write 2026-11-30 09:00"),
        (["--end", "2026-02-30 09:00"], "'2026-02-30 09:00' is not a time"),
        (["--block-time", "9999"], "--block-time: there is no block time 9999"),
        (["--block-time", "-1"], "--block-time: there is no block time -1"),
    ],
)
def test_bad_input_is_explained(options: list[str], text: str) -> None:
    assert text in refused(*names(), *options)


@words
def test_a_contradiction_of_the_block_time_is_refused_and_nothing_written() -> None:
    assert refused("--block-time", str(CLASS), "--image", "CentOS 7 base").endswith("(error 201)")
    assert not BlockComputer.objects.filter(blockTime=CLASS).exists()


@words
@pytest.mark.parametrize("time", ["9999-12-31 23:59", "99999999999999", "9" * 18])
@pytest.mark.parametrize(("option", "error"), [("--start", "(error 4)"), ("--end", "(error 36)")])
def test_a_time_beyond_the_calendar_is_refused_for_a_block_time_too(option: str, error: str, time: str) -> None:
    text = refused("--block-time", str(CLASS), option, time)
    assert "give a time from 1970 to 2038-01-01 00:00:00" in text
    assert text.endswith(error)


@words
def test_a_busy_service_is_a_refusal(monkeypatch: pytest.MonkeyPatch) -> None:
    def allocate(*_args: object, **_options: object) -> Allocation:
        raise Refusal(205, "busy: try again")

    monkeypatch.setattr(service, "allocate", allocate)
    assert refused("--block-time", str(CLASS)) == "busy: try again (error 205)"


# --- The report -------------------------------------------------------------------------------
@words
def test_a_report_takes_two_queries(django_assert_num_queries: Any) -> None:
    run("--block-time", str(CLASS))
    with django_assert_num_queries(2):
        assert len(allocation_report(CLASS).rows) == 20


def test_a_report_tells_loaded_computers_and_reloads_in_their_order() -> None:
    run("--block-time", str(CLASS))
    found = allocation_report(CLASS)
    for row in found.rows:
        held = BlockComputer.objects.get(blockTime=CLASS, computer__hostname=row.computer)
        reload = Request.objects.get(pk=held.reloadrequestid)
        holds = held.computer.imagerevision
        assert row.already_loaded == (holds.image_id == held.image_id and holds.production == 1)
        assert (row.reload_start, row.reload_end) == (reload.start, reload.end)
        assert row.management_node
    starts = [row.reload_start for row in found.rows]
    assert starts == sorted(start for start in starts if start)
    assert {row.loading for row in found.rows} == {"already loaded", "must load"}


def test_a_reload_that_is_over_leaves_a_dash() -> None:
    run("--block-time", str(CLASS), "--machines", "1")
    BlockComputer.objects.filter(blockTime=CLASS).update(reloadrequestid=0)
    found = allocation_report(CLASS)
    assert [row.reload_start for row in found.rows] == [None]
    assert as_text(found).splitlines()[-1].split()[-3:] == ["-", "-", "-"]


def test_a_cluster_is_one_machine() -> None:
    block_time = BlockTime.objects.filter(blockRequest__image__prettyname=CLUSTER, blockcomputer=None).earliest("start")
    run("--block-time", str(block_time.pk), "--machines", "2")
    found = allocation_report(block_time.pk)
    assert (len(found.rows), found.allocated, found.wanted) == (6, 2, 4)


@words
def test_a_block_time_without_computers_is_a_heading_only() -> None:
    found = allocation_report(CLASS)
    assert as_text(found).endswith("0 of 20 machines")
    assert not found.rows


@words
def test_columns_line_up() -> None:
    run("--block-time", str(CLASS))
    lines = block_time.table(allocation_report(CLASS).rows)
    places = [lines[0].index(name) for name in ("type", "image now", "reload starts", "management node")]
    assert all(line[place - 1] == " " and line[place] != " " for line in lines for place in places)
