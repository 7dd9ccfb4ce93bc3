"""What is above the lists: the filters in one form, and what is chosen, by name, each with a way to take it back."""

import html
import re

import pytest
from django.contrib.auth.models import Group
from django.contrib.auth.models import User as StaffUser
from django.test import Client
from django.urls import reverse

from blockalloc.models import BlockTime, Computer, Decision, State
from tests.support.scoped import limit_to
from tests.support.sites.labs import lab
from tests.support.sites.staff_site import DAY, MONDAY, NOW, Site, list_url, listed, page_url, rows, text

pytestmark = pytest.mark.django_db


def chips(client: Client, address: str) -> dict[str, str]:
    """What is chosen, and the query without it."""
    page = client.get(address).content.decode()
    found = re.findall(r'<a class="chip" href="([^"]*)"><span>(.*?)</span>', page)
    return {html.unescape(re.sub("<[^>]*>", "", name)): html.unescape(query) for query, name in found}


def options(client: Client, address: str, name: str) -> list[str]:
    """The options of a select."""
    page = client.get(address).content.decode()
    select = re.search(rf'<select id="filter-{name}".*?</select>', page, re.DOTALL)
    return [html.unescape(each) for each in re.findall(r"<option[^>]*>(.*?)</option>", select[0])] if select else []


def decision(time: BlockTime, **values: object) -> Decision:
    about = {"block_time_id": time.pk, "block_name": time.blockRequest.name, "block_start": time.start}
    known = {"affiliation_id": 1, "started": NOW, "duration": 1, "parameters": "{}", "action": "allocate"}
    return Decision.objects.create(**{**about, **known, "outcome": "success", **values})


# --- What is chosen ---------------------------------------------------------------------------------


def test_what_is_chosen_is_said_by_name(viewer: Client, site: Site, cs101: BlockTime) -> None:
    group, image = cs101.blockRequest.group_id, site.ubuntu.pk
    address = list_url("blocktime", group=group, image=image, status="complete", q="cs1", p="1")
    assert chips(viewer, address) == {
        "Search: “cs1”": f"?group={group}&image={image}&status=complete",
        "Allocation: All machines allocated": f"?group={group}&image={image}&q=cs1",
        "User group: CS101@Local": f"?image={image}&status=complete&q=cs1",
        "Image: Ubuntu 22.04": f"?group={group}&status=complete&q=cs1",
    }
    page = text(viewer, address)
    assert "1 class, now and to come" in page
    assert "Clear all" in page


def test_one_chip_needs_no_clear_all(viewer: Client, cs101: BlockTime) -> None:
    assert "Clear all" not in text(viewer, list_url("blocktime", day="all"))
    assert chips(viewer, list_url("blocktime", day="all")) == {"Day: All": "?"}
    assert chips(viewer, list_url("blocktime")) == {}


def test_a_class_in_a_link_is_said_by_name(viewer: Client, site: Site, cs101: BlockTime) -> None:
    decision(cs101)
    decision(site.class_("Math", MONDAY + DAY))
    address = list_url("decision", block_time=cs101.pk)
    assert chips(viewer, address) == {"Class: CS101, Mon 30 Nov 09:00": "?"}
    assert "1 decision " in text(viewer, address)
    assert 'name="block_time"' in viewer.get(address).content.decode()  # a search keeps it
    assert 'id="filter-block_time"' not in viewer.get(address).content.decode()
    unknown = chips(viewer, list_url("decision", block_time="99999"))
    assert list(unknown) == ["Class: 99999, of which there are no decisions"]


def test_a_class_of_others_has_no_name(viewer: Client, cs101: BlockTime, monkeypatch: pytest.MonkeyPatch) -> None:
    decision(cs101, affiliation_id=2)
    limit_to(1, monkeypatch)
    found = chips(viewer, list_url("decision", block_time=cs101.pk))
    assert list(found) == [f"Class: {cs101.pk}, of which there are no decisions"]


def test_the_order_is_said_and_can_be_taken_back(viewer: Client, site: Site) -> None:
    site.computer("pc", site.ubuntu)
    assert chips(viewer, list_url("computer", o="-2", state="")) == {"Sorted by: Image now, from the end": "?"}
    page = viewer.get(list_url("computer", o="2")).content.decode()
    assert re.search(r'<th scope="col"[^>]*column-image[^>]* aria-sort="ascending"><a href="\?o=-2">Image now', page)


def test_a_name_is_no_markup(viewer: Client, site: Site) -> None:
    site.class_("<b>")
    found = chips(viewer, list_url("blocktime", q='"><script>'))
    assert list(found) == ['Search: “"><script>”']
    assert "<script>”" not in viewer.get(list_url("blocktime", q='"><script>')).content.decode()
    assert "&lt;b&gt;" in viewer.get(list_url("blocktime")).content.decode()


def test_nothing_that_matches_is_said(viewer: Client, cs101: BlockTime) -> None:
    assert "0 classes, now and to come" in text(viewer, list_url("blocktime", q="nothing"))
    assert "Nothing matches. Show the usual list" in text(viewer, list_url("blocktime", q="nothing"))


# --- Labs ---------------------------------------------------------------------------------------------


def test_lists_can_be_narrowed_to_a_lab(viewer: Client, site: Site, cs101: BlockTime) -> None:
    math = site.class_("Math", MONDAY + DAY)
    north = lab("North", *Computer.objects.filter(hostname__contains="cs101"))
    lab("South", *Computer.objects.filter(hostname__contains="math"))
    decision(cs101)
    decision(math)
    assert listed(viewer, "blocktime", lab=north) == ["CS101"]
    assert listed(viewer, "blockrequest", lab=north) == ["CS101"]
    assert set(listed(viewer, "computer", lab=north)) == {
        each.hostname for each in Computer.objects.filter(hostname__contains="cs101")
    }
    assert rows(viewer, list_url("decision", lab=north), "class_") == ["CS101 Mon 30 Nov 09:00"]
    for page in ("blocktime", "blockrequest", "computer", "decision"):
        assert options(viewer, list_url(page), "lab") == ["All", "North", "South"]
        assert list(chips(viewer, list_url(page, lab=north))) == ["Lab: North"]


def test_with_one_lab_there_is_no_filter(viewer: Client, site: Site, cs101: BlockTime) -> None:
    lab("North", *Computer.objects.filter(hostname__contains="cs101"))
    assert options(viewer, list_url("blocktime"), "lab") == []


# --- Fields -------------------------------------------------------------------------------------------


def test_a_default_is_no_parameter(viewer: Client, cs101: BlockTime) -> None:
    page = viewer.get(list_url("blocktime")).content.decode()
    assert '<option value="" selected>Now and to come</option>' in page
    assert listed(viewer, "blocktime", day="", status="", q="") == ["CS101"]


def test_states_have_plain_words_beside_vcls(viewer: Client, site: Site) -> None:
    host = State.objects.get(name="vmhostinuse")
    computer = site.computer("host", site.ubuntu, type="virtualmachine")
    Computer.objects.filter(pk=computer.pk).update(state=host)
    assert rows(viewer, list_url("computer"), "state") == ["VM host in use (vmhostinuse)"]
    assert rows(viewer, list_url("computer"), "type_") == ["virtual machine (virtualmachine)"]
    assert "VM host in use (vmhostinuse)" in options(viewer, list_url("computer"), "state")
    assert "virtual machine (virtualmachine)" in options(viewer, list_url("computer"), "type")
    assert "VM host in use (vmhostinuse)" in text(viewer, page_url("computer", computer.pk))


def test_djangos_own_lists_have_the_same_form(client: Client) -> None:
    root = StaffUser.objects.create_superuser("root")
    client.force_login(root)
    crew = Group.objects.create(name="crew")
    root.groups.add(crew)
    address = reverse("admin:auth_user_changelist")
    assert options(client, address, "is_staff__exact") == ["All", "Yes", "No"]
    assert list(chips(client, f"{address}?is_staff__exact=1")) == ["Staff status: Yes"]
    assert list(chips(client, f"{address}?groups__id__exact={crew.pk}")) == ["Groups: crew"]
    assert "1 user" in text(client, address)


# --- Rows that stack ----------------------------------------------------------------------------------


def test_cells_have_the_names_of_their_columns(viewer: Client, cs101: BlockTime) -> None:
    page = viewer.get(list_url("blocktime")).content.decode()
    assert '<td class="field-when_" data-label="When" role="cell">' in page
    assert '<th class="field-block_name" data-label="Class" role="rowheader">' in page
    assert page.count('role="columnheader"') == 6
