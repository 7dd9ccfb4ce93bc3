"""Why a class gets fewer machines, and why not this computer: on the shell and over XML-RPC."""

import json
import xmlrpc.client
from collections.abc import Iterator
from datetime import UTC, datetime
from io import StringIO
from itertools import pairwise
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.db import DatabaseError
from pytest_django import Settings

from blockalloc.allocation import service
from blockalloc.models import Computer, Decision, LocalAuth, Request, Reservation, User
from blockalloc.site_time import site_zone
from scheduling.funnel import STAGES
from tests.golden import tables
from tests.support.rpc_calls import call
from tests.support.sites.accounts import give_password
from tests.support.sites.demo import demo_site

pytestmark = pytest.mark.django_db(transaction=True)

# For tests of what is typed and read, on the same rows; each of them loads the demo site.
words = pytest.mark.once(on="sqlite")
CLASS, START, END = 101, 1796047200, 1796054400  # the demo's class of next Monday, 9 to 11; 20 machines
MANY = ["--image", "Ubuntu 22.04", "--group", "CS101@Local", "--machines", "70"]
MANY += ["--start", "2026-11-30 09:00", "--end", "2026-11-30 11:00", "--dry-run", "--explain"]


@pytest.fixture(autouse=True)
def demo() -> Iterator[None]:
    """The demo site on a Wednesday; next Monday is 30 November."""
    with demo_site():
        yield


def run(command: str, *options: str) -> tuple[int, str]:
    """Exit status and output."""
    output = StringIO()
    try:
        call_command(command, *options, stdout=output)
    except SystemExit as end:
        return int(str(end.code)), output.getvalue()
    return 0, output.getvalue()


def refused(command: str, *options: str) -> str:
    """What the command says when it does nothing."""
    with pytest.raises(CommandError) as error:
        call_command(command, *options, stdout=StringIO())
    assert error.value.returncode == 2
    return str(error.value)


# --- allocate_block --explain -----------------------------------------------------------------
def test_what_is_missing_is_explained_from_all_computers_to_those_of_the_block() -> None:
    status, output = run("allocate_block", *MANY)
    assert status == 1
    funnel, why, remedies = output.split("\n\n")[-3:]
    lines = [line.split(maxsplit=1) for line in funnel.splitlines()]
    assert lines[0] == [str(Computer.objects.filter(deleted=0).count()), "computers"]
    left = [int(number) for number, _ in lines]
    assert [int(text.rpartition("(-")[2].rstrip(")")) for _, text in lines[1:]] == [
        before - after for before, after in pairwise(left)
    ]
    assert f"{left[-1]} of 70 machines" in output
    assert why.startswith("Why not more: no further computer passes all rules for image Ubuntu 22.04\n")
    assert sum(int(line.split()[0]) for line in why.splitlines()[1:]) == left[0] - left[-1]
    assert remedies.startswith(f"What would help:\n  ask for fewer: {left[-1]} could be allocated at this time\n")
    assert (
        "\n  beginning later does not help: up to 2026-12-07 09:00, there is no start at which all could be" in remedies
    )


def test_a_later_start_and_whose_booking_is_in_the_way() -> None:
    image = ["--image", "Ubuntu 22.04", "--group", "CS101@Local", "--dry-run", "--json", "--explain"]
    when = ["--start", "2026-11-30 09:00", "--end", "2026-11-30 11:00"]
    possible = json.loads(run("allocate_block", *image, *when, "--machines", "70")[1])["allocated"]
    chosen = Computer.objects.get(hostname="cs-24.example.edu")
    booked = _book(chosen.pk)
    answer = json.loads(run("allocate_block", *image, *when, "--machines", str(possible))[1])
    assert answer["unallocated"] == 1
    remedies = answer["remedies"]
    assert remedies["possible"] == possible - 1
    assert booked in [each["id"] for each in remedies["in_the_way"]]
    assert remedies["earliest_start"] > START
    assert {each["kind"] for each in remedies["in_the_way"]} <= {"request", "block time"}
    assert answer["funnel"][0]["label"] == "computers"
    later = datetime.fromtimestamp(remedies["earliest_start"], UTC).astimezone(site_zone()).strftime("%Y-%m-%d %H:%M")
    _, text = run("allocate_block", *image[:5], "--explain", *when, "--machines", str(possible))
    assert f"  begin later: from {later} all could be allocated, for the same length" in text
    assert f"request {booked} (vclsystem@Local), 2026-11-30 09:00 to 2026-11-30 10:00" in text


def _book(computer: int) -> int:
    times = {"start": "2026-11-30 09:00:00", "end": "2026-11-30 10:00:00", "daterequested": "2026-11-25 09:00:00"}
    zone = "America/New_York"
    tables.insert("request", [{"stateid": 13, "laststateid": 13, "userid": 3, **times}], zone)
    request = int(Request.objects.latest("id").pk)
    model = Reservation.objects.first()
    assert model is not None
    row = {"requestid": request, "computerid": computer, "imageid": model.image_id, "managementnodeid": 1}
    other = tables.read()["reservation"][0]
    row |= {name: other[name] for name in ("imagerevisionid", "managementnodeid")}
    tables.insert("reservation", [row], zone)
    return request


@words
def test_nothing_is_missing_and_it_was_asked_for() -> None:
    status, output = run("allocate_block", "--block-time", str(CLASS), "--dry-run", "--explain")
    assert status == 0
    assert "20 in the class (-" in output
    assert "Why not more" not in output
    assert "What would help" not in output


# --- explain_computer -------------------------------------------------------------------------
@words
def test_a_computer_that_is_chosen_by_any_of_its_names() -> None:
    _, answer = run("allocate_block", "--block-time", str(CLASS), "--dry-run", "--json")
    full = json.loads(answer)["computers_taken"][-1]["computer"]
    Decision.objects.all().delete()
    for name in (full, full.split(".")[0].upper(), f" {full} "):
        status, output = run("explain_computer", name, "--block-time", str(CLASS))
        assert status == 0
        verdict, _, image, place, members, rules = output.splitlines()
        assert verdict.startswith(f"{full}: chosen on behalf of ")
        assert (image, rules) == ("For image Ubuntu 22.04:", "  no rule excludes it")
        assert place.startswith("  it is number ")
        assert members == "  30 of the 30 members of the user group may use it"
    assert not Decision.objects.exists()


@words
def test_what_is_said_of_the_class(settings: Settings) -> None:
    command = ("explain_computer", "cs-04", "--block-time", str(CLASS))
    assert " sure " not in run(*command)[1]
    assert json.loads(run(*command, "--json")[1])["outlook"] is None
    settings.VCL_RELOAD_POLICY = "ready"
    explained = run("allocate_block", "--block-time", str(CLASS), "--dry-run", "--explain")[1]
    sentence = explained.partition("\n\n")[0].splitlines()[-1]
    assert "% sure that all 20 are ready at 09:00" in sentence
    outlook = json.loads(run(*command, "--json")[1])["outlook"]
    assert f"{outlook['words']}." == sentence
    assert outlook["machines"] == 20
    assert run(*command)[1].splitlines()[1] == f"The class: {sentence[0].lower()}{sentence[1:-1]}"


@words
def test_a_members_own_reservation_speaks_for_its_computer() -> None:
    status, output = run("explain_computer", "cs-04", "--block-time", str(CLASS))
    assert status == 0
    assert ", with their own reservation, request 131\n" in output
    assert output.endswith("  no rule excludes it\n")


@words
def test_a_computer_that_is_passed_over_has_all_reasons() -> None:
    Computer.objects.filter(hostname="cs-24.example.edu").update(RAM=16)
    _book(Computer.objects.get(hostname="cs-24.example.edu").pk)
    status, output = run("explain_computer", "cs-24", "--block-time", str(CLASS))
    assert status == 1
    assert output.startswith("cs-24.example.edu: not chosen: RAM 16 MB is below the image's ")
    assert "  excluded by rule memory: RAM 16 MB is below the image's " in output
    assert "\n  excluded by rule reservation: reserved by request " in output
    status, text = run("explain_computer", "cs-24", "--block-time", str(CLASS), "--json")
    answer = json.loads(text)
    assert (status, answer["in_block"], answer["computer"]) == (1, False, "cs-24.example.edu")
    assert [each["rule"] for each in answer["images"][0]["against"]] == ["memory", "reservation"]
    assert answer["images"][0]["image"] == "Ubuntu 22.04"


@words
def test_a_block_that_has_all_its_machines() -> None:
    run("allocate_block", "--block-time", str(CLASS))
    status, output = run("explain_computer", "cs-04", "--block-time", str(CLASS))
    assert (status, output.splitlines()[0]) == (0, "cs-04.example.edu: in the block already")
    status, output = run("explain_computer", "eng-01", "--block-time", str(CLASS))
    assert (status, output.splitlines()[0]) == (
        1,
        "eng-01.example.edu: not looked at: the block has all its machines",
    )


@words
def test_names_that_are_none_or_several() -> None:
    assert "computer 'cs-99': there is none" in refused("explain_computer", "cs-99", "--block-time", str(CLASS))
    assert "there is none" in refused("explain_computer", "", "--block-time", str(CLASS))
    Computer.objects.filter(hostname="cs-26.example.edu").update(hostname="cs-24.example.org")
    text = refused("explain_computer", "cs-24", "--block-time", str(CLASS))
    assert text == "computer 'cs-24': there are 2, give the whole name: cs-24.example.edu, cs-24.example.org"
    assert run("explain_computer", "cs-24.example.org", "--block-time", str(CLASS))[1].startswith("cs-24.example.org: ")


@words
def test_what_else_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    assert "there is no block time 9999" in refused("explain_computer", "cs-24", "--block-time", "9999")
    assert refused("explain_computer", "cs-24").startswith("missing: --image, ")
    text = refused("explain_computer", "cs-24", "--block-time", str(CLASS), "--machines", "99")
    assert text.endswith("(error 64)")
    monkeypatch.setattr(service, "explain_computer", _no_database)
    assert "the database does not answer as VCL's: gone" in refused("explain_computer", "cs-24", "--block-time", "101")


def _no_database(*_args: object) -> None:
    raise DatabaseError("gone")


# --- XML-RPC ----------------------------------------------------------------------------------
_FIGURES = {"ready", "late", "minutes"}


def _explained(*parameters: object) -> Any:
    LocalAuth.objects.filter(user_id=3).delete()
    give_password(User.objects.get(unityid="vclsystem"), b"p4ss")
    return call("XMLRPCexplainBlockAllocation", *parameters)


def _values(value: Any) -> Iterator[Any]:
    if isinstance(value, dict):
        value = list(value.values())
    if isinstance(value, list):
        for each in value:
            yield from _values(each)
        return
    yield value


def test_the_struct_is_whole_and_nothing_is_written_but_the_record() -> None:
    decisions = Decision.objects.count()
    before = {name: rows for name, rows in tables.read(leave_out=()).items() if name != "localauth"}
    answer = _explained(101, START, END, 70, 101, 0, 0)
    assert set(answer) == {
        "status", "allocated", "unallocated", "warningcode", "warningmsg", "computers", "funnel", "machines",
        "stoppedby", "obstacles", "remedies",
    }  # fmt: skip
    assert len(answer["machines"]) == answer["allocated"] == 70 - answer["unallocated"]
    assert answer["funnel"][-1]["left"] == answer["allocated"]
    assert {stage["rule"] for stage in answer["funnel"]} <= STAGES.keys()
    assert sum(each["computers"] for each in answer["obstacles"]) == answer["computers"] - answer["allocated"]
    assert set(answer["remedies"]) == {"possible", "earlieststart", "searcheduntil", "intheway"}
    for value in _values(answer):
        assert isinstance(value, (int, str))
        assert isinstance(value, str) or abs(value) < 2**31
    after = {name: rows for name, rows in tables.read(leave_out=()).items() if name != "localauth"}
    assert after == before
    assert Decision.objects.count() == decisions + 1
    assert Decision.objects.latest("pk").action == "dry run"


@words
def test_under_policy_ready_it_says_how_sure_the_class_is(settings: Settings) -> None:
    policy_vcl = _explained(101, START, END, 20, 101, 0, CLASS)
    settings.VCL_RELOAD_POLICY = "ready"
    answer = _explained(101, START, END, 20, 101, 0, CLASS)
    assert answer.keys() - policy_vcl.keys() == {"ready", "late", "minutes"}
    record = Decision.objects.latest("pk")
    assert record.ready is not None
    assert record.late is not None
    assert (answer["ready"], answer["late"]) == (round(record.ready, 3), round(record.late, 2))
    assert answer["minutes"] == record.minutes
    assert answer["minutes"] > 0


@words
def test_so_do_the_other_methods_that_answer_with_a_struct(settings: Settings) -> None:
    LocalAuth.objects.filter(user_id=3).delete()
    give_password(User.objects.get(unityid="vclsystem"), b"p4ss")
    new = ("XMLRPCblockAllocation", 101, "2026-12-01 09:00:00", "2026-12-01 11:00:00", 3, 101, 1)
    policy_vcl: Any = call(*new)
    assert not _FIGURES & policy_vcl.keys()
    settings.VCL_RELOAD_POLICY = "ready"
    answers: list[Any] = [call("XMLRPCprocessBlockTime", CLASS, 1), call(*new)]
    for answer in answers:
        assert answer.keys() >= _FIGURES
        assert 0 <= answer["ready"] <= 1
        assert isinstance(answer["late"], float)
        assert isinstance(answer["minutes"], int)
    assert call("XMLRPCblockAllocation", 101, START, END, 20, 101, 1, CLASS) == 20  # an int has no members


@words
def test_all_are_there_or_one_booking_lasts_for_ever() -> None:
    answer = _explained(101, START, END, 20, 101, 0, CLASS)
    assert (answer["unallocated"], answer["stoppedby"], answer["remedies"]) == (0, "", {})
    for hostname in ("cs-24.example.edu", "cs-26.example.edu"):
        _book(Computer.objects.get(hostname=hostname).pk)
    tables.change(
        {"update": {"request": [{"id": Request.objects.latest("id").pk, "end": "2099-01-01 00:00:00"}]}}, "UTC"
    )
    answer = _explained(101, START, END, 70, 101, 0, 0)
    assert max(each["end"] for each in answer["remedies"]["intheway"]) == 2**31 - 1


@words
def test_faults_are_those_of_the_call_that_it_explains() -> None:
    for parameters, code in (((101, START, END, 20, 101, 0, 9999), 8), ((101, START, END, 0, 101, 0, 0), 64)):
        with pytest.raises(xmlrpc.client.Fault) as fault:
            _explained(*parameters)
        assert fault.value.faultCode == code
