"""`manage.py plan_series`: which dates of a series are possible."""

import json
from collections.abc import Iterator
from datetime import datetime
from io import StringIO

import pytest
from django.core.management import CommandError, call_command

from blockalloc.models import BlockRequest
from tests.support.sites.demo import demo_site

pytestmark = pytest.mark.django_db(transaction=True)
WHAT = ["--image", "Ubuntu 22.04", "--ignore-privileges"]
TWO = [*WHAT, "--machines", "2"]
WHEN = ["--days", "mon", "--from", "09:00", "--to", "11:00", "--first", "2026-11-30", "--weeks", "3"]


@pytest.fixture(autouse=True)
def demo() -> Iterator[None]:
    """The demo site on a Wednesday, without the exam; next Monday is 30 November."""
    with demo_site(has_exam=False):
        yield


def run(*options: str) -> tuple[int, str]:
    """Exit status and output."""
    output = StringIO()
    try:
        call_command("plan_series", *options, stdout=output)
    except SystemExit as end:
        return int(str(end.code)), output.getvalue()
    return 0, output.getvalue()


def refused(*options: str) -> str:
    """What the command says when it plans nothing."""
    with pytest.raises(CommandError) as error:
        call_command("plan_series", *options, stdout=StringIO())
    assert error.value.returncode == 2
    return str(error.value)


def test_all_dates_are_possible() -> None:
    status, output = run(*WHAT, "--machines", "30", *WHEN)
    assert status == 0
    assert output.splitlines() == [
        "3 of 3 dates possible: 30 machines with Ubuntu 22.04.",
        "Nothing was booked: series are booked on VCL's own pages.",
        "",
        "Mon 30 Nov 09:00 to 11:00        30",
        "Mon 7 Dec 09:00 to 11:00         30",
        "Mon 14 Dec 09:00 to 11:00        30",
    ]


def test_dates_that_are_not_and_what_would_help() -> None:
    status, output = run(*WHAT, "--machines", "60", *WHEN)
    assert status == 1
    lines = output.splitlines()
    assert lines[0] == "0 of 3 dates possible: 60 machines with Ubuntu 22.04."
    assert lines[2].startswith("What would help the whole series: all 3 dates are possible on Mon from ")
    date = lines.index("Mon 7 Dec 09:00 to 11:00         48: collides with CS101 programming lab")
    helps = [line.strip() for line in lines[date + 1 :] if line.startswith(" ")]
    assert helps[0] == "- ask for 48"
    assert any(each.startswith("- the same day from ") for each in helps)
    assert any("back in service: +" in each for each in helps)


def test_the_answer_in_json() -> None:
    status, output = run(*WHAT, "--machines", "60", *WHEN, "--json")
    answer = json.loads(output)
    assert status == 1
    assert (answer["summary"], answer["is_possible"], answer["possible"]) == ("0 of 3 dates possible", False, 0)
    first = answer["dates"][0]
    assert first["start"] == "2026-11-30T09:00:00-05:00"
    assert (first["status"], first["wanted"], first["possible"]) == ("short", 60, 48)
    assert first["words"].startswith("48: collides with CS101 programming lab")
    assert first["collisions"][0]["name"] == "CS101 programming lab"
    assert datetime.fromisoformat(answer["whole"]["start"]).hour != 9
    assert {each["kind"] for each in first["suggestions"]} >= {"fewer", "hour"}


def test_a_list_of_dates_and_counted_privileges() -> None:
    dates = ["--date", "2026-12-02 10:00-12:00", "--date", "2026-12-03 10:00-12:00"]
    status, output = run("--image", "ubuntu 22.04", "--group", "CS101", "--machines", "10", *dates)
    assert status == 0
    assert output.startswith("2 of 2 dates possible: 10 machines with Ubuntu 22.04, granted to CS101@Local.\n")


def test_a_request_that_awaits_its_decision() -> None:
    request = BlockRequest.objects.get(status="requested").pk
    status, output = run("--request", str(request))
    assert (status, output.partition("\n")[0]) == (0, "3 of 3 dates possible: 15 machines with Windows 10 Office.")


@pytest.mark.parametrize(
    ("options", "text"),
    [
        (["--image", "Ubuntu 22.04"], "missing: --machines, --days, --from, --to, --first, --weeks, "
             "--group or --ignore-privileges ("),
        ([*TWO, *WHEN, "--image", "Ubuntu 22"], "there is no image 'Ubuntu 22'; did you mean"),
        ([*WHAT, "--machines", "71", *WHEN], "--machines: 71: give a whole number from 1 to 70 (error 64)"),
        ([*TWO, *WHEN, "--days", "mon,someday"], "--days: 'mon,someday': give weekdays, such as mon,wed"),
        ([*TWO, *WHEN, "--from", "25"], "--from: '25': give a time of day, such as 09:00"),
        ([*TWO, *WHEN, "--to", "08:00"], "give an end after the start, 2026-11-30 09:00 (error 36)"),
        ([*TWO, *WHEN, "--first", "soon"], "--first: 'soon': give a day, such as 2027-01-11"),
        ([*TWO, *WHEN, "--first", "2026-01-01"], "all are past"),
        ([*TWO, *WHEN, "--weeks", "201"], "201 dates: give at most 200"),
        ([*TWO, "--date", "tomorrow"], "--date: 'tomorrow': give a day and its hours"),
        (["--request", "4711"], "there is no block request 4711: give the id of one that awaits its decision"),
    ],
)  # fmt: skip
def test_bad_input_is_named(options: list[str], text: str) -> None:
    assert text in refused(*options)
