"""Plans of series on pages: what can be had on each date, links to what is in the way, what a person may see."""

import csv
import html
import io
import re
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from django.contrib.auth.models import Permission
from django.contrib.auth.models import User as StaffUser
from django.db import connection
from django.http import StreamingHttpResponse
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from pytest_django import Settings

from blockalloc.models import Affiliation, BlockRequest, BlockTime, BlockWebDate, Image
from tests.support.scoped import limit_to
from tests.support.sites.demo import demo_site

pytestmark = pytest.mark.django_db(transaction=True)
URL = reverse("admin:plan_series")
MONDAYS = {
    "image": "ubuntu 22.04", "machines": "60", "privileges": "ignored", "days": ["0"], "begin": "09:00", "end": "11:00",
    "first": "2026-11-30", "weeks": "3",
}  # fmt: skip
LAB = "CS101 programming lab"


@pytest.fixture(autouse=True)
def demo(wednesday_noon: None) -> Iterator[None]:
    """The demo site on a Wednesday, without its exam; next Monday is 30 November."""
    with demo_site(has_exam=False):
        yield


@pytest.fixture
def planner(client: Client) -> Client:
    """One of the staff who may view everything and try out allocations."""
    user = StaffUser.objects.create_user("planner", is_staff=True)
    permissions = Permission.objects.filter(codename__startswith="view_") | Permission.objects.filter(
        codename="dry_run_blocktime"
    )
    user.user_permissions.set(permissions)
    client.force_login(user)
    return client


def shown(client: Client, **given: Any) -> str:
    response = client.get(URL, {**MONDAYS, **given})
    assert response.status_code == 200
    return response.content.decode()


def dates(page: str) -> list[list[str]]:
    """The dates as one reads them: day, hours, machines, what becomes of it and what would help."""
    body = re.search(r'<ol class="plan-dates">(.*?)</ol>', page, re.DOTALL)
    assert body is not None
    return [
        [
            " ".join(html.unescape(re.sub(r"<[^>]*>", " ", part[1])).split())
            for name in ("day", "hours", "machines", "what")
            if (
                part := re.search(
                    rf'<\w+ class="{name}">(.*?)(?:</b>|</span></div>|</span> *</div>|</div>)', row, re.DOTALL
                )
            )
        ]
        for row in re.split(r'<li class="\w+">', body[1])[1:]
    ]


def lab() -> BlockTime:
    return BlockTime.objects.filter(blockRequest__name=LAB, start__gte="2026-11-30T00:00-05:00").order_by("start")[0]


def test_each_date_with_what_is_in_the_way_and_what_would_help(planner: Client) -> None:
    page = shown(planner)
    assert "0 of 3 dates possible" in page
    assert "All 3 dates are possible on Mon from" in page
    rows = dates(page)
    assert [row[:3] for row in rows[:2]] == [
        ["Mon 30 Nov", "09:00–11:00", "48 of 60"],
        ["Mon 7 Dec", "09:00–11:00", "48 of 60"],
    ]
    what, _, helps = rows[1][3].partition(" What would help (")
    assert what == f"Short collides with {LAB}"
    assert re.match(r"\d\) ask for 48 the same day from ", helps)
    link = reverse("admin:blockalloc_blocktime_change", args=[lab().pk])
    assert f'<a href="{link}">{LAB}</a>' in page


def test_all_dates_are_possible(planner: Client) -> None:
    page = shown(planner, machines="20")
    assert '<span class="signal good">3 of 3 dates possible</span>' in page
    assert dates(page)[0] == ["Mon 30 Nov", "09:00–11:00", "20 of 20", "Possible"]


def test_a_link_has_the_plan_in_it_and_a_file_for_spreadsheets(planner: Client) -> None:
    page = shown(planner)
    (link,) = re.findall(r'<a href="(\?[^"]*format=csv[^"]*)" class="button">', page)
    response = planner.get(URL + html.unescape(link))
    assert isinstance(response, StreamingHttpResponse)
    assert response["Content-Type"].startswith("text/csv")
    lines = list(csv.reader(io.StringIO(response.getvalue().decode())))
    assert lines[0][:6] == ["Date", "From", "To", "Machines wanted", "Machines possible", "Status"]
    assert lines[2][:7] == ["2026-12-07", "09:00", "11:00", "60", "48", "short", f"collides with {LAB}"]
    assert len(lines) == 4


def test_the_link_to_vcls_own_page(planner: Client, settings: Settings) -> None:
    settings.VCL_FRONT_END_URL = "https://vcl.example.edu/vcl/index.php"
    address = 'href="https://vcl.example.edu/vcl/index.php?mode=blockAllocations"'
    assert f'<a {address} class="button primary">Book it on VCL’s page</a>' in shown(planner)
    request = BlockRequest.objects.get(status="requested")
    page = planner.get(reverse("admin:blockalloc_blockrequest_change", args=[request.pk])).content.decode()
    assert f'<a {address} class="button primary">Accept or reject it on VCL’s page</a>' in page
    settings.VCL_FRONT_END_URL = ""
    assert "Series are booked on VCL’s own pages" in shown(planner)


def test_a_refusal_is_beside_its_field(planner: Client) -> None:
    Image.objects.filter(prettyname="Ubuntu 22.04").update(maxconcurrent=None)
    page = shown(planner, group="CS101", privileges="counted", machines="71")
    assert 'id="id_machines_error"' in page
    assert "give a whole number from 1 to 70" in page
    assert 'id="result"' not in page


def test_names_of_another_affiliation_are_hidden(planner: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    limit_to(Affiliation.objects.create(name="Elsewhere").pk, monkeypatch)
    page = shown(planner)
    assert "CS101" not in page
    assert "collides with a class of another affiliation" in page
    assert f'href="{reverse("admin:blockalloc_blocktime_change", args=[lab().pk])}"' not in page


def test_the_number_of_statements_does_not_grow_with_dates(planner: Client) -> None:
    shown(planner)
    counts = []
    for weeks in ("1", "15"):
        with CaptureQueriesContext(connection) as sent:
            shown(planner, weeks=weeks)
        counts.append(len(sent))
    assert counts[0] == counts[1]
    assert counts[0] <= 24


# --- Requests that await a decision -----------------------------------------------------------------
def of_request(client: Client) -> str:
    request = BlockRequest.objects.get(status="requested")
    response = client.get(reverse("admin:blockalloc_blockrequest_change", args=[request.pk]))
    assert response.status_code == 200
    return response.content.decode()


def test_the_plan_is_on_the_page_of_a_request_that_awaits_its_decision(planner: Client) -> None:
    page = of_request(planner)
    assert "3 of 3 dates possible" in page
    assert [row[:3] for row in dates(page)] == [
        [f"Wed {day}", "10:00–12:00", "15 of 15"] for day in ("2 Dec", "9 Dec", "16 Dec")
    ]
    accepted = BlockRequest.objects.filter(status="accepted")[0]
    other = planner.get(reverse("admin:blockalloc_blockrequest_change", args=[accepted.pk])).content.decode()
    assert "plan-dates" not in other


def test_a_request_that_cannot_be_planned_says_why(planner: Client) -> None:
    request = BlockRequest.objects.get(status="requested")
    BlockWebDate.objects.filter(blockRequest=request).delete()
    assert f"Block request {request.pk}: no date is given: " in of_request(planner)
    Image.objects.filter(pk=request.image_id).update(deleted=1)
    assert "give the id of an image that exists and is not deleted" in of_request(planner)


def test_the_plan_of_a_request_is_for_those_who_may_try_out(viewer: Client) -> None:
    assert "plan-dates" not in of_request(viewer)


def test_the_list_has_a_filter_for_requests_that_await_a_decision(planner: Client) -> None:
    page = planner.get(reverse("admin:blockalloc_blockrequest_changelist")).content.decode()
    assert "Awaits a decision" in page
    chosen = planner.get(reverse("admin:blockalloc_blockrequest_changelist", query={"status": "requested"}))
    assert "BIO150 statistics" in chosen.content.decode()
    assert LAB not in chosen.content.decode()


def test_the_number_of_statements_of_a_request_does_not_grow_with_its_dates(planner: Client) -> None:
    of_request(planner)
    counts = []
    for more in (0, 10):
        request = BlockRequest.objects.get(status="requested")
        row = BlockWebDate.objects.get(blockRequest=request)
        BlockWebDate.objects.filter(blockRequest=request).update(end=row.end + timedelta(weeks=more))
        with CaptureQueriesContext(connection) as sent:
            of_request(planner)
        counts.append(len(sent))
    assert counts[0] == counts[1]
