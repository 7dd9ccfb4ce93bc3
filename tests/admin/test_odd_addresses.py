"""Addresses that nobody is led to get an answer all the same; and should one fail, the log says why."""

import io
import logging
import re

import pytest
from django.contrib.auth.models import User as StaffUser
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from blockalloc.models import BlockTime, Decision
from blockalloc.pages import site as staff_site
from tests.support.sites.staff_site import MONDAY, PAGES, Site, key_of, list_url, listed, page_url, state, text

pytestmark = pytest.mark.django_db
HUGE = "9" * 23


@pytest.fixture
def root(client: Client) -> Client:
    client.force_login(StaffUser.objects.create_superuser("root"))
    return client


def add_decisions(number: int) -> list[int]:
    """Records; their ids, the latest first."""
    made = [Decision(started=MONDAY, action="skip", outcome="done", duration=1) for _ in range(number)]
    Decision.objects.bulk_create(made)
    return list(Decision.objects.order_by("-pk").values_list("pk", flat=True))


def test_what_fails_is_in_the_log_with_its_traceback(client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    log, client.raise_request_exception = io.StringIO(), False
    (handler,) = (each for each in logging.getLogger("django.request").handlers if each.name == "stderr")
    monkeypatch.setattr(handler, "stream", log)
    client.get("/nowhere")
    assert log.getvalue() == ""
    monkeypatch.setattr(staff_site.StaffSite, "login_form", lambda *_args, **_kwargs: 1 // 0)
    assert client.get("/admin/login/").status_code == 500
    assert "Internal Server Error: /admin/login/" in log.getvalue()
    assert "Traceback" in log.getvalue()
    assert "ZeroDivisionError" in log.getvalue()


@pytest.mark.parametrize("query", ["p=0", "p=-1", "p=99", "p=x", "p=2", "o=4.-1"])
def test_the_export_of_decisions_has_no_pages(root: Client, monkeypatch: pytest.MonkeyPatch, query: str) -> None:
    monkeypatch.setattr("blockalloc.admin.decisions.ROWS_AT_ONCE", 20)
    keys = add_decisions(60)
    with CaptureQueriesContext(connection) as queries:
        response = root.get(f"{reverse('admin:decisions_csv')}?{query}")
        body = response.getvalue().decode()
    assert [int(line.split(",")[0]) for line in body.splitlines()[1:]] == keys
    read = [each["sql"] for each in queries if "blockalloc_decision" in each["sql"].replace("blockalloc_decision_", "")]
    assert len(read) == 4  # three full portions, and none
    assert all("LIMIT 20" in sql for sql in read)


def test_its_link_leaves_the_page_out(root: Client) -> None:
    add_decisions(60)
    page = root.get(list_url("decision", p=2, outcome="done")).content.decode()
    assert f"{reverse('admin:decisions_csv')}?outcome=done&quot;" in page.replace('">', "&quot;")


@pytest.mark.parametrize("value", ["0", "19", "999999999"])
def test_no_such_state_is_as_no_filter(root: Client, site: Site, value: str) -> None:
    site.computer("pc", site.ubuntu)
    assert listed(root, "computer", state=value) == ["pc"]
    assert listed(root, "computer", state=state("available").pk) == ["pc"]


@pytest.mark.parametrize("field", ["", "nothing", "hostname"])
@pytest.mark.parametrize("page", PAGES)
def test_pages_go_by_their_key_only(root: Client, cs101: BlockTime, page: str, field: str) -> None:
    answer = root.get(page_url(page, key_of(page)) + f"?_to_field={field}")
    assert answer.status_code == (400 if field else 200)


@pytest.mark.parametrize("page", [*PAGES, "decision", "message"])
@pytest.mark.parametrize("words", ["a " * 1000, "x" * 60_000])
def test_a_long_search_is_answered(root: Client, cs101: BlockTime, page: str, words: str) -> None:
    add_decisions(1)
    assert root.get(list_url(page, q=words)).status_code == 200


def test_twenty_words_count(root: Client, cs101: BlockTime) -> None:
    assert listed(root, "blocktime", q="cs101 " * 20 + "nothing") == ["CS101"]
    assert listed(root, "blocktime", q="cs101 " * 19 + "nothing") == []


@pytest.mark.parametrize("number", [HUGE, "9" * 5000, str(2**63)])
@pytest.mark.parametrize(
    "address",
    [
        "/admin/blockalloc/image/{}/load-times/",
        "/admin/blockalloc/image/{}/load-times.csv",
        "/admin/blockalloc/blocktime/{}/do/allocate/",
        "/admin/blockalloc/decision/{}/computers.csv",
        "/admin/blockalloc/message/{}/send-again/",
        "/feeds/group/{}/x.ics",
        "/admin/feeds/{}/revoke/",
    ],
)
def test_no_row_has_a_huge_id(root: Client, address: str, number: str) -> None:
    assert root.get(address.format(number)).status_code == 404


@pytest.mark.parametrize("page", PAGES)
def test_there_is_no_history_of_changes(root: Client, cs101: BlockTime, page: str) -> None:
    assert root.get(reverse(f"admin:blockalloc_{page}_history", args=[key_of(page)])).status_code == 404


# --- What pages say and offer ---------------------------------------------------------------------
def test_release_is_for_block_times_that_hold_computers(root: Client, site: Site, cs101: BlockTime) -> None:
    empty = site.time(site.request("Empty", site.ubuntu, None, 1), MONDAY)
    assert ">Release</a>" in root.get(page_url("blocktime", cs101.pk)).content.decode()
    page = root.get(page_url("blocktime", empty.pk)).content.decode()
    assert ">Release</a>" not in page
    assert ">Skip</a>" in page


def test_the_page_says_once_how_many_machines_are_ready(root: Client, cs101: BlockTime) -> None:
    assert "2 of 2 allocated On track" in text(root, list_url("blocktime"))
    assert "Machines ready" not in text(root, page_url("blocktime", cs101.pk))


def test_filters_of_decisions_read_well(root: Client) -> None:
    page = root.get(list_url("decision")).content.decode()
    for title in ("When", "What", "Computer"):
        assert re.search(f'<label for="filter-[a-z]+">{title}</label>', page), title
    for words in ("Try out (dry run)", "Undo a skip", "Had all already"):
        assert f">{words}</option>" in page
