"""Predictions of classes and how these began: the page and the command."""

import json
import re
from datetime import datetime, timedelta
from io import StringIO
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from blockalloc.models import ClassHeld, SeenLoad
from tests.support.scoped import limit_to
from tests.support.sites.staff_site import DAY, HOUR, NOW, Site, text

pytestmark = pytest.mark.django_db
PAGE = reverse("admin:predictions")


def held(key: int, site: Site, start: datetime = NOW - 4 * HOUR, **values: Any) -> None:
    """The closing row of a class of ten machines, all ready, of which 0.96 and then 0.99 was said."""
    usual: dict[str, Any] = {"block_request_id": 1, "block_name": "CS101", "image_id": site.ubuntu.pk}
    usual |= {"image_name": site.ubuntu.prettyname, "user_group": "CS101@NCSU", "owner": "odette@NCSU"}
    usual |= {"affiliation_id": 1, "end": start + 2 * HOUR, "wanted": 10, "had": 10, "ready_at_start": 10}
    usual |= {"said_at_allocation": 0.96, "said_last": 0.99}
    ClassHeld.objects.create(block_time_id=key, start=start, **{**usual, **values})


def load(number: int, site: Site, minutes: float, begun: datetime, block_time: int | None = None) -> None:
    end = begun + timedelta(minutes=minutes)
    SeenLoad.objects.create(
        request_id=number,
        computer_id=1,
        hostname="pc-1",
        image_id=site.ubuntu.pk,
        revision_id=1,
        node_id=site.nodes[0].pk,
        block_time_id=block_time,
        begun=begun,
        at_work=end,
        over=end,
        outcome=SeenLoad.LOADED,
    )


def slower_loads(site: Site, block_time: int | None = None) -> None:
    """Ten loads of this week that took 14 minutes, and ten of last month that took 10."""
    for number in range(10):
        load(number, site, 14 + number / 10, NOW - 3 * DAY, block_time)
        load(100 + number, site, 10 + number / 10, NOW - 30 * DAY, block_time)


def report(*options: str) -> str:
    output = StringIO()
    call_command("readiness_report", *options, stdout=output)
    return output.getvalue()


def test_the_page_has_the_numbers(viewer: Client, site: Site) -> None:
    held(1, site)
    held(2, site, ready_at_start=8)
    held(3, site, ready_at_start=None)
    load(1, site, 10, NOW - 5 * HOUR, 1)
    page = text(viewer, PAGE)
    name, node = site.ubuntu.prettyname, site.nodes[0].hostname
    assert (
        "3 classes began, 2 of them were checked at the start. 18 of 20 machines were ready at the start (90.0 %)."
        in page
    )
    assert "95 to 98 % at allocation 2 96.0 % 1 (50.0 %) 9.5 to 90.5 % too optimistic 18 of 20" in page
    assert "98 to 100 % half an hour before 2 99.0 % 1 (50.0 %) 9.5 to 90.5 % too optimistic 18 of 20" in page
    assert f"{name} half an hour before 2 99.0 % 1 (50.0 %)" in page
    assert f"{node} half an hour before 1 99.0 % 1 (100.0 %)" in page
    assert "style=" not in viewer.get(PAGE).content.decode().partition("content-main")[2].partition("</main>")[0]


def test_the_page_says_that_the_tables_have_only_classes_with_a_prediction(viewer: Client, site: Site) -> None:
    held(1, site)
    assert "The tables have only" not in text(viewer, PAGE)
    held(2, site, said_at_allocation=None, said_last=None)
    page = text(viewer, PAGE)
    assert "2 classes began" in page
    assert "The tables have only the 1 class of these for which a prediction was made." in page
    assert "All at allocation 1 96.0 %" in page


def test_the_page_names_images_that_load_more_slowly(viewer: Client, site: Site) -> None:
    slower_loads(site)
    assert f"{site.ubuntu.prettyname}: loads now typically take 14 minutes, previously 10" in text(viewer, PAGE)


@pytest.mark.parametrize(
    ("values", "words"),
    [
        (None, "No class with machines is on record for the last 90 days"),
        ({"start": NOW - 91 * DAY}, "No class with machines is on record for the last 90 days"),
        ({"ready_at_start": None}, "1 class began, but none was checked at the start"),
        (
            {"said_at_allocation": None, "said_last": None},
            "1 class began, but nothing had been predicted for any of them",
        ),
    ],
)
def test_what_is_missing(viewer: Client, site: Site, values: dict[str, Any] | None, words: str) -> None:
    if values is not None:
        held(1, site, **values)
    assert words in text(viewer, PAGE)
    assert words in report()


def test_people_see_the_classes_of_their_scope(viewer: Client, site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    held(1, site)
    held(2, site, affiliation_id=2, ready_at_start=0)
    slower_loads(site, block_time=2)
    assert "2 classes began" in text(viewer, PAGE)
    assert "loads now typically take 14 minutes" in text(viewer, PAGE)
    limit_to(1, monkeypatch)
    page = text(viewer, PAGE)
    assert "1 class began" in page
    assert "10 of 10 machines were ready" in page
    assert "loads now typically take 14 minutes" not in page


def test_without_the_permission_there_is_no_page(client: Client, site: Site) -> None:
    assert client.get(PAGE).status_code == 302


def test_the_statements_are_as_many_for_many_classes(viewer: Client, site: Site) -> None:
    numbers = []
    for key in (1, 2, 3):
        held(key, site)
        load(key, site, 10, NOW - 5 * HOUR, key)
        with CaptureQueriesContext(
            connection,
        ) as queries:
            viewer.get(PAGE)
        numbers.append(len(queries))
    assert numbers[1] == numbers[2]


def test_the_command_prints_tables(site: Site) -> None:
    held(1, site)
    slower_loads(site, block_time=1)
    lines = [" ".join(line.split()) for line in report().splitlines()]
    assert lines[0] == "Classes of the last 90 days: 1 began, checked at the start: 1."
    assert "98 to 100 % half an hour before 1 99.0 % 1 (100.0 %) 20.7 to 100.0 % 10 of 10 accurate" in lines
    assert f"{site.nodes[0].hostname} at allocation 1 96.0 % 1 (100.0 %) 20.7 to 100.0 % 10 of 10 accurate" in lines
    assert lines[-1] == f"- {site.ubuntu.prettyname}: loads now typically take 14 minutes, previously 10"


def test_the_command_answers_in_json_for_days_and_an_image(site: Site) -> None:
    held(1, site)
    held(2, site, image_id=77, image_name="Gone", ready_at_start=5)
    held(3, site, start=NOW - 8 * DAY)
    everything = json.loads(report("--json", "--days", "7"))
    assert (everything["days"], everything["begun"], everything["missing"]) == (7, 2, "")
    assert everything["by_image"]["Gone"]["last"]["all"]["came"] == 0
    assert everything["all"]["last"]["bins"][5]["tally"]["classes"] == 2
    one = json.loads(report("--json", "--image", site.ubuntu.prettyname))
    assert (one["begun"], list(one["by_image"])) == (2, [site.ubuntu.prettyname])


@pytest.mark.parametrize("days", ["0", "-1", "x", "3651", "²"])
def test_bad_days_are_refused(days: str) -> None:
    with pytest.raises(CommandError, match="is not a number of days from 1 to 3650"):
        report(f"--days={days}")


def test_an_unknown_image_is_refused(site: Site) -> None:
    with pytest.raises(CommandError) as error:
        report("--image", "Nonesuch")
    assert error.value.returncode == 2


def test_each_number_has_its_name_where_rows_are_cards(viewer: Client, site: Site) -> None:
    held(1, site)
    page = viewer.get(PAGE).content.decode()
    row = page.partition("<tbody")[2].partition("</tr>")[0]
    heads = [
        re.sub(r"<[^>]*>", "", each) for each in re.findall(r"<th scope=\"col\".*?</th>", page.partition("</thead>")[0])
    ]
    assert re.findall(r'data-label="([^"]*)"', row) == heads[1:]
