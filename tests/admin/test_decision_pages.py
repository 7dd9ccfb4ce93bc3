"""The pages of decisions: lists, what is found in them, one decision, exports. Nobody changes a record."""

import csv
import html
import io
import re
from contextlib import suppress
from typing import Any

import pytest
from django.contrib.auth.models import User as StaffUser
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from pytest_django import Settings

from blockalloc.allocation import service
from blockalloc.contract.messages import Refusal
from blockalloc.models import BlockRequest, Computer, Decision
from blockalloc.reports.decision import UNKNOWN
from tests.support.scoped import limit_to
from tests.support.sites.class_site import BLOCK_TIME, CALLER, a_call, class_site, grant_to_group, reserve
from tests.support.sites.staff_site import list_url, page_url, rows, text
from vclsite.logs import request_id

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def root(client: Client) -> Client:
    client.force_login(StaffUser.objects.create_superuser("root"))
    return client


def decide(machines: int = 4, **call: Any) -> Decision:
    """Make a call; its record."""
    with suppress(Refusal):
        service.allocate(a_call(machines, **call), CALLER)
    return Decision.objects.latest("pk")


def test_the_list_shows_calls_and_their_results(root: Client) -> None:
    with class_site(computers=3):
        decide()
        decide(5)  # more than the request has
        assert rows(root, list_url("decision"), "came_out") == ["refused VCL code 64", "1 of 4 machines missing"]
        assert rows(root, list_url("decision"), "machines") == ["–", "3 of 4"]
        assert rows(root, list_url("decision"), "who_and_how") == ["vclsystem@Local "] * 2
        assert rows(root, list_url("decision", outcome="refused"), "came_out") == ["refused VCL code 64"]
        assert rows(root, list_url("decision", outcome="short"), "came_out") == ["1 of 4 machines missing"]


def test_the_page_says_who_called_when_and_for_which_hours(root: Client) -> None:
    with class_site():
        shown = text(root, page_url("decision", decide().pk))
    assert re.search(
        r"Called \w{3} \d+ \w{3} \d\d:\d\d by \S+ · for .+?, \w{3} \d+ \w{3} \d\d:\d\d–\d\d:\d\d · ", shown
    )
    assert "<span" not in html.unescape(shown)


def test_spares_are_shown_beside_the_machines(root: Client, settings: Settings) -> None:
    settings.VCL_RELOAD_POLICY, settings.VCL_SPARES, settings.VCL_READY_TARGET = "ready", "auto", 0.99
    with class_site(computers=8):
        record = decide()
        assert record.spares == 1
        assert rows(root, list_url("decision"), "machines") == ["4 of 4 and 1 spare"]
        assert "4 of 4 and 1 spare" in text(root, page_url("decision", record.pk))
        assert "4 of 4 machines and 1 spare" in text(root, page_url("blocktime", BLOCK_TIME))
        head, line = exported(root, reverse("admin:decisions_csv"))
        assert dict(zip(head, line, strict=True))["spares"] == "1"


def test_it_is_found_by_what_it_is_about(root: Client) -> None:
    with class_site(blocks=2, computers=12):
        decide()
        decide(block_time=BLOCK_TIME + 1)
        assert named(root, list_url("decision", q="block 11")) == ["block 11"]
        assert named(root, list_url("decision", q="VCLSYSTEM")) == ["block 11", "block 10"]
        assert named(root, list_url("decision", q="☃")) == []
        assert named(root, list_url("decision", block_time=BLOCK_TIME)) == ["block 10"]
        assert named(root, list_url("decision", block_time="x")) == []
        assert named(root, list_url("decision", day="2026-03-02")) == ["block 11", "block 10"]
        assert named(root, list_url("decision", day="2026-03-03")) == []
        assert named(root, list_url("decision", called="day")) == ["block 11", "block 10"]


def named(client: Client, address: str) -> list[str]:
    """The classes that a list is about, without their starts."""
    return [cell.partition(" Mon")[0] for cell in rows(client, address, "class_")]


def shown(client: Client, **query: str) -> str:
    return client.get(list_url("decision", **query)).content.decode()


def test_why_a_computer_was_not_used(root: Client) -> None:
    with class_site():
        reserve(10, "2026-03-02 14:00:00", "2026-03-02 16:00:00")
        decide()
        decide(5)  # refused: no computer was looked at
        reason = "reserved by admin@Local (request 1) from Mon 2 Mar 14:00 to 16:00"
        assert rows(root, list_url("decision", computer="C10"), "about") == [reason]
        assert rows(root, list_url("decision", computer="c11"), "about") == ["chosen"]
        assert rows(root, list_url("decision", computer="c15"), "about") == [
            "not needed: enough machines were found before its turn"
        ]
        assert rows(root, list_url("decision", computer="c99"), "about") == [UNKNOWN]
        (address,) = re.findall(r'<th class="field-called[^>]*><a href="([^"]*)"', shown(root, computer="C10"))
        assert f"C10 : {reason}" in text(root, html.unescape(address))
        assert "Excluded computers that are booked: 1 for admin@Local (request 1) ." in text(
            root, html.unescape(address)
        )
        assert f"c10 : {reason}" in text(root, page_url("decision", Decision.objects.all()[0].pk) + "?computer=c10")


def test_the_page_of_a_series_has_its_decisions(root: Client) -> None:
    with class_site(computers=3):
        decide()
        said = text(root, page_url("blockrequest", BlockRequest.objects.get().pk))
    assert re.search(
        r"History .* vclsystem@Local asked for computers .*: 3 of 4 machines 1 of 4 machines missing ", said
    )


def test_a_decision_shows_all_findings(root: Client) -> None:
    with class_site():
        grant_to_group()
        reserve(10, "2026-03-02 14:00:00", "2026-03-02 16:00:00")
        page = text(root, page_url("decision", decide(ignore=False).pk))
        for part in (
            "6 at the site",
            "5 free of reservations 1 excluded",
            "4 in the class 1 not needed",
            "4 computers chosen",
            "not needed",
        ):
            assert part in page
        assert "1 computer not free of reservations" in page
        markup = root.get(page_url("decision", Decision.objects.latest("pk").pk)).content.decode()
        assert '<li class="step most' not in markup  # nothing is missing


def test_a_class_that_holds_computers_from_different_minutes_is_one_reason(root: Client) -> None:
    with class_site(computers=6, machines=6, blocks=2):
        decide(5)
        page = text(root, page_url("decision", decide(5, block_time=11).pk))
    (line,) = re.findall(r"(\d+) held by block 10 \(block time 10\) from (Mon 2 Mar [\d:]+) to 16:00", page)
    assert line == ("5", "Mon 2 Mar 13:36")


def test_names_are_those_of_then(root: Client) -> None:
    with class_site():
        decision = decide()
        Computer.objects.filter(pk=10).update(hostname="renamed")
        BlockRequest.objects.filter(pk=10).update(name="renamed")
        page = text(root, page_url("decision", decision.pk))
        assert "c10" in page
        assert "renamed" not in page
        assert rows(root, list_url("decision", computer="renamed"), "about") == [UNKNOWN]


def test_nobody_changes_or_removes_one(root: Client) -> None:
    with class_site():
        key = decide().pk
        before = Decision.objects.values().get()
        for action in ("change", "delete"):
            root.post(reverse(f"admin:blockalloc_decision_{action}", args=[key]), {"text": "x", "post": "yes"})
        root.post(list_url("decision"), {"action": "delete_selected", "_selected_action": [key], "post": "yes"})
        assert root.get(reverse("admin:blockalloc_decision_add")).status_code == 403
        assert Decision.objects.values().get() == before


def exported(client: Client, address: str) -> list[list[str]]:
    response = client.get(address)
    assert response.status_code == 200
    assert response["Content-Type"] == "text/csv; charset=utf-8"
    return list(csv.reader(io.StringIO(response.getvalue().decode())))


def test_the_list_as_csv_is_the_list(root: Client) -> None:
    with class_site():
        decide()
        decide(5)
        head, *lines = exported(root, reverse("admin:decisions_csv") + "?outcome=refused")
        found = [dict(zip(head, line, strict=True)) for line in lines]
        assert [(row["outcome"], row["code"], row["block_name"]) for row in found] == [("refused", "64", "block 10")]
        assert found[0]["started"] == "2026-03-02 08:00:00"  # the site's clock
        assert len(exported(root, reverse("admin:decisions_csv"))) == 3


def test_it_is_found_by_its_request_id(root: Client) -> None:
    with class_site(blocks=2, computers=12):
        with request_id.within("from-nginx_1"):
            decide()
        other = decide(block_time=BLOCK_TIME + 1)
        assert other.request_id is None
        assert named(root, list_url("decision", q=" from-nginx_1 ")) == ["block 10"]
        assert named(root, list_url("decision", q="from-nginx")) == []  # a part of it
        assert named(root, list_url("decision", q="from-nginx_1", outcome="refused")) == []
        assert "Request id from-nginx_1" in text(root, page_url("decision", other.pk - 1))
        head, *lines = exported(root, reverse("admin:decisions_csv"))
        assert [dict(zip(head, line, strict=True))["request_id"] for line in lines] == ["", "from-nginx_1"]


def test_a_user_group_that_could_be_an_id_is_found_as_before(root: Client) -> None:
    with class_site(), request_id.within("vclsystem"):
        decide()
        assert named(root, list_url("decision", q="vclsystem")) == ["block 10"]
        assert named(root, list_url("decision", q="vclsys")) == ["block 10"]


def test_what_staff_do_has_the_id_of_their_request(root: Client) -> None:
    with class_site():
        decide()
        answer = root.post(reverse("admin:blocktime_action", args=[BLOCK_TIME, "release"]), {"reason": "closed"})
        record = Decision.objects.latest("pk")
        assert (record.action, record.request_id) == (Decision.RELEASE, answer["X-Request-Id"])


FIGURES = ("ready", "late", "minutes", "outlook")


def test_a_decision_says_how_sure_the_class_is(root: Client, settings: Settings) -> None:
    settings.VCL_RELOAD_POLICY = "ready"
    with class_site():
        decision = decide()
        assert decision.ready is not None
        Decision.objects.update(ready=0.874, late=0.6, minutes=61)
        said = "87 % sure that all 4 are ready at 14:00, 1 machine expected late; 61 computer-minutes taken before the"
        assert f"Ready at the start {said} start" in text(root, page_url("decision", decision.pk))
        head, line = exported(root, reverse("admin:decisions_csv"))
        row = dict(zip(head, line, strict=True))
        assert tuple(row[name] for name in FIGURES) == ("0.874", "0.6", "61", f"{said} start")


def test_what_is_said_is_of_the_machines_that_the_class_has(root: Client, settings: Settings) -> None:
    settings.VCL_RELOAD_POLICY = "ready"
    with class_site(computers=1):
        assert re.search(
            "Ready at the start (more than )?[0-9]+ % sure that the machine is ready at 14:00; "
            "[0-9]+ computer-minutes? taken before the start",
            text(root, page_url("decision", decide().pk)),
            re.IGNORECASE,
        )


def test_nothing_is_said_under_policy_vcl_or_by_a_refused_call(root: Client, settings: Settings) -> None:
    with class_site():
        decisions = [decide()]
        settings.VCL_RELOAD_POLICY = "ready"
        decisions.append(decide(5))
        assert [decision.outcome for decision in decisions] == ["success", "refused"]
        for decision in decisions:
            assert "Ready at the start" not in text(root, page_url("decision", decision.pk))
        head, *lines = exported(root, reverse("admin:decisions_csv"))
        assert {tuple(line[head.index(name)] for name in FIGURES) for line in lines} == {("", "", "", "")}


def test_no_cell_of_it_is_a_formula(root: Client) -> None:
    with class_site():
        BlockRequest.objects.filter(pk=10).update(name="=cmd|calc")
        decide()
        head, line = exported(root, reverse("admin:decisions_csv"))
        assert line[head.index("block_name")] == "'=cmd|calc"


def test_the_computers_as_csv(root: Client) -> None:
    with class_site():
        decision = decide()
        lines = exported(root, reverse("admin:decision_csv", args=[decision.pk]))
        assert lines[:2] == [["computer", "finding"], ["c10", "chosen"]]
        assert len(lines) == 7
        refused = decide(5)
        assert root.get(reverse("admin:decision_csv", args=[refused.pk])).status_code == 404


def test_who_sees_one_affiliations_blocks_sees_no_other_decisions(
    root: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    with class_site():
        decision = decide()
        own = decision.affiliation_id
        assert own
        limit_to(own + 1, monkeypatch)
        assert named(root, list_url("decision")) == []
        assert named(root, list_url("decision", q="block")) == []
        assert len(exported(root, reverse("admin:decisions_csv"))) == 1
        assert root.get(reverse("admin:decision_csv", args=[decision.pk])).status_code == 404
        assert root.get(page_url("decision", decision.pk)).status_code != 200
        limit_to(own, monkeypatch)
        assert named(root, list_url("decision")) == ["block 10"]


@pytest.mark.parametrize("query", [{}, {"computer": "c10"}, {"q": "block"}, {"day": "2026-03-02"}])
def test_queries_do_not_grow_with_decisions(root: Client, query: dict[str, str]) -> None:
    with class_site(computers=20):
        counts = []
        for machines in (1, 2, 3, 4):
            decide(machines)
            root.get(list_url("decision", **query))
            with CaptureQueriesContext(connection) as queries:
                root.get(list_url("decision", **query))
            counts.append(len(queries))
        assert counts[0] == counts[-1] < 20


def test_the_title_tells_the_time_of_the_class_from_that_of_the_call(root: Client) -> None:
    with class_site(computers=3):
        page = text(root, page_url("decision", decide().pk))
        assert re.search(r"^Allocate: .* of Mon 2 Mar 14:00, called Mon 2 Mar 08:00 \|", page)
        assert " Details " in text(root, list_url("decision"))
