"""Who manages the blocks of one affiliation sees nothing of the others': by no list, page, search, filter or count."""

import html
import re
from collections.abc import Iterator
from urllib.parse import urljoin, urlsplit

import pytest
from django.contrib import admin
from django.contrib.auth.models import AnonymousUser
from django.contrib.contenttypes.models import ContentType
from django.db import connection
from django.db.models import ForeignKey
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from pytest_django import Settings

from blockalloc.models import BlockRequest, BlockTime, Computer, Image, Request, UserGroup
from blockalloc.models.scope import NOTHING, Scope, scope_of
from scheduling.news.kinds import Kind
from tests.support.https_client import Browser
from tests.support.sites.accounts import GLOBAL, OWN, manager, sign_in
from tests.support.sites.kept_forecast import forecast_run, foresee, has
from tests.support.sites.staff_site import (
    HOUR,
    MONDAY,
    NOW,
    PAGES,
    STRANGE,
    Site,
    TwoAffiliations,
    list_url,
    listed,
    page_url,
    rows,
    text,
)
from tests.support.sites.told import message, news

pytestmark = pytest.mark.django_db
INDEX = reverse("admin:index")


@pytest.fixture(autouse=True)
def _fast(settings: Settings) -> None:
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]


@pytest.fixture
def two(site: Site) -> TwoAffiliations:
    two = TwoAffiliations(site)
    add_messages(two)
    return two


def add_messages(two: TwoAffiliations) -> None:
    """To the owners and to the site, about classes of either affiliation and of both."""
    home, strange = (two.owner, "home-block0"), (two.stranger, f"{STRANGE}-block0")
    address = f"{STRANGE}-desk@example.edu"
    for classes in ([home], [strange], [home, strange]):
        for key in (f"vcl:{classes[-1][0].pk}", f"mail:{address}"):
            about = [news(Kind.SHORT, owner, block_name=name) for owner, name in classes]
            words = " and ".join(each.block_name for each in about)
            message(about, key, address=address, subject=f"About {words}", text=words, failed=NOW, problem=address)


@pytest.fixture
def scoped(client: Client, two: TwoAffiliations) -> Client:
    """Signed in as one who manages the blocks of NCSU."""
    manager("jdoe", "NCSU", OWN)
    assert sign_in(client, "jdoe@NCSU")
    return client


@pytest.fixture
def everywhere(two: TwoAffiliations) -> Client:
    """Signed in as one who manages all blocks."""
    client = Browser()
    manager("global", "NCSU", GLOBAL)
    assert sign_in(client, "global@NCSU")
    return client


def hidden_pages(two: TwoAffiliations) -> list[tuple[str, int]]:
    """Pages of the others, by name and key."""
    blocks = {time.blockRequest_id for time in two.others}
    return [
        *(("blockrequest", key) for key in blocks),
        *(("blocktime", time.pk) for time in two.others),
        *(("request", reload.pk) for reload in two.reloads[True]),
    ]


# --- Everything that can be reached --------------------------------------------------------------------
def addresses() -> Iterator[str]:
    """All addresses of the admin, with every key that there is and one that there is not."""
    yield from (INDEX, reverse("admin:app_list", args=["blockalloc"]), reverse("admin:jsi18n"))
    yield reverse("admin:password_change")
    registered = list(admin.site._registry)
    for model in registered:
        name = f"admin:{model._meta.app_label}_{model._meta.model_name}"
        yield reverse(f"{name}_changelist")
        yield reverse(f"{name}_add")
        for key in [*model._default_manager.values_list("pk", flat=True), 99999]:
            for action in ("change", "history", "delete"):
                yield reverse(f"{name}_{action}", args=[key])
            content_type = ContentType.objects.get_for_model(model)
            yield reverse("admin:view_on_site", args=[content_type.pk, key])
    for model in registered:
        for other in model._meta.related_objects:
            if isinstance(other.field, ForeignKey):
                target = {
                    "app_label": other.related_model._meta.app_label,
                    "model_name": other.related_model._meta.model_name,
                    "field_name": other.field.name,
                }
                yield reverse("admin:autocomplete", query=target)


def crawl(client: Client, *, further: bool = True) -> dict[str, str]:
    """What all addresses answer; and `further` those that their pages lead to, filters and orders one at a time."""
    found: dict[str, str] = {}
    todo = list(addresses())
    while todo:
        address = todo.pop()
        if address in found or "/logout" in address:
            continue
        response = client.get(address)
        body = response.getvalue()
        found[address] = body.decode()
        if response.status_code != 200 or urlsplit(address).query or not further:
            continue
        links = [urljoin(address, html.unescape(link)) for link in re.findall(r'href="([^"#]*)"', found[address])]
        todo.extend(link for link in links if link.startswith(INDEX))
        columns = len(re.findall(r'scope="col" class="[^"]*sortable', found[address]))
        todo.extend(f"{address}?o={number}" for number in range(1, columns + 1))
    return found


def around(body: str) -> list[str]:
    """What is said there of the others."""
    return re.findall(rf".{{80}}{STRANGE}.{{40}}", body, re.IGNORECASE | re.DOTALL)


def foresee_shortages(two: TwoAffiliations) -> None:
    """A class of each to come, in whose way are the other's and a reservation; and requests that await a decision."""
    site, later = two.site, []
    for owner, name in ((two.stranger, STRANGE), (two.owner, "home")):
        group = UserGroup.objects.get(name=f"{name}-group")
        request = site.request(f"{name}-later", site.ubuntu, group, 2, owner_id=owner.pk)
        later.append(site.time(request, MONDAY + 24 * HOUR))
        site.request(f"{name}-wish", site.ubuntu, group, 2, owner_id=owner.pk, status="requested")
    forecast_run()
    reservation = has(later[0], 1)._replace(kind="request", id=4711, name=str(two.stranger))
    for one, other in (later, later[::-1]):
        foresee(one, 0, f"{other.blockRequest.name} has 2 of the computers", has(other, 2), reservation)


@pytest.mark.once(on="sqlite")
def test_no_address_of_the_admin_names_anything_of_the_others(scoped: Client, two: TwoAffiliations) -> None:
    foresee_shortages(two)
    found = crawl(scoped)
    assert {address: around(body) for address, body in found.items() if STRANGE in body.lower()} == {}
    # It was a real look around.
    assert len(found) > 150
    seen = [address for address, body in found.items() if "home-block" in body]
    for part in ("/blocktime/", "/blockrequest/", "/image/", "/computer/", "/request/", "/message/", "autocomplete"):
        assert any(part in address for address in seen), part
    for part in ("/today/", "/week/", "/timeline/", "/semester/", "/plan-series/", "/feeds/", "/help/", "/roster/"):
        assert any(part in address for address in found), part
    assert "of another affiliation" in "".join(found.values())


@pytest.mark.once(on="sqlite")
def test_who_manages_all_blocks_sees_them_there(everywhere: Client) -> None:
    found = crawl(everywhere, further=False)
    seen = [address for address, body in found.items() if STRANGE in body.lower()]
    for part in ("/blocktime/", "/blockrequest/", "/image/", "/computer/", "/request/", "autocomplete"):
        assert any(part in address for address in seen), part


# --- Pages by their address -------------------------------------------------------------------------
def without_token(page: bytes) -> bytes:
    """The page without the token of its forms, which is another one in each answer."""
    return re.sub(rb'(csrfmiddlewaretoken" value=")\w+', rb"\1", page)


@pytest.mark.once(on="sqlite")
@pytest.mark.parametrize("action", ["change", "history", "delete"])
def test_pages_of_the_others_are_not_there(action: str, scoped: Client, two: TwoAffiliations) -> None:
    for page, key in hidden_pages(two):
        there, nowhere = (reverse(f"admin:blockalloc_{page}_{action}", args=[each]) for each in (key, 99_000 + key))
        answers = [scoped.get(there), scoped.get(nowhere)]
        assert {answer.status_code for answer in answers} == {404}, (page, action)
        assert without_token(answers[0].content) == without_token(answers[1].content)
        posts = [scoped.post(there, {}), scoped.post(nowhere, {})]
        assert posts[0].status_code == posts[1].status_code
        assert posts[0].status_code in (403, 404)


def test_own_pages_are(scoped: Client, two: TwoAffiliations) -> None:
    own = [("blocktime", time.pk) for time in two.own] + [("request", each.pk) for each in two.reloads[False]]
    for page, key in [*own, ("blockrequest", two.own[0].blockRequest_id), ("computer", two.shared[0].pk)]:
        assert scoped.get(page_url(page, key)).status_code == 200
        assert scoped.get(reverse(f"admin:blockalloc_{page}_history", args=[key])).status_code == 404


# --- Lists, search, filters, counts ------------------------------------------------------------------
def test_lists_hold_and_count_own_blocks_only(scoped: Client, two: TwoAffiliations) -> None:
    assert listed(scoped, "blocktime", day="all") == ["home-block1", "home-block0"]
    assert listed(scoped, "blockrequest") == ["home-block0", "home-block1"]
    assert len(listed(scoped, "request")) == 2
    for page, counted in (
        ("blocktime", "2 classes"),
        ("blockrequest", "2 current series"),
        ("request", "2 reloads"),
    ):
        assert f" {counted}" in text(scoped, list_url(page))


@pytest.mark.parametrize("page", ["blocktime", "blockrequest"])
@pytest.mark.parametrize("query", [STRANGE, f"{STRANGE}-block0", f"{STRANGE}-group", f"{STRANGE}-owner"])
def test_the_search_finds_nothing_of_the_others(page: str, query: str, scoped: Client, everywhere: Client) -> None:
    assert listed(scoped, page, q=query) == []
    if not (page == "blocktime" and query.endswith("owner")):  # which block times are not searched by
        assert listed(everywhere, page, q=query)


def test_the_search_by_a_shared_computer_finds_own_blocks(scoped: Client) -> None:
    assert set(listed(scoped, "blocktime", q="shared0")) == {"home-block0", "home-block1"}
    assert len(listed(scoped, "request", q="shared0")) == 2


@pytest.mark.parametrize("page", ["blocktime", "blockrequest"])
def test_filters_offer_own_groups_and_images(page: str, scoped: Client, two: TwoAffiliations) -> None:
    # Of the others only: an image and a group.
    image = two.site.windows
    BlockRequest.objects.filter(owner=two.stranger).update(image=image)
    strange, own = UserGroup.objects.get(name=f"{STRANGE}-group"), UserGroup.objects.get(name="home-group")
    for query in ({}, {"group": strange.pk}):
        said = text(scoped, list_url(page, **query))
        assert strange.name not in said
        assert image.prettyname not in said
    # With a choice to make, the own ones are offered.
    extra = two.site.request("home-block2", image, two.site.group("home-other"), 1, owner_id=two.owner.pk)
    two.site.time(extra, two.own[0].start)
    said = text(scoped, list_url(page))
    for name in (own.name, "home-other", image.prettyname):
        assert name in said


def test_the_filter_by_node_offers_those_of_own_reloads(
    scoped: Client, everywhere: Client, two: TwoAffiliations
) -> None:
    two.site.node()
    two.site.hold(two.others[0], two.site.computer("theirs", two.site.windows))
    name = two.site.nodes[-1].hostname
    assert name in text(everywhere, list_url("request"))
    assert name not in text(scoped, list_url("request"))


def test_images_count_own_blocks(scoped: Client, everywhere: Client, two: TwoAffiliations) -> None:
    two.site.request(f"{STRANGE}-alone", two.site.windows, None, 1, owner_id=two.stranger.pk)
    counts = [
        dict(zip(listed(each, "image"), rows(each, list_url("image"), "open_blocks"), strict=True))
        for each in (scoped, everywhere)
    ]
    assert counts == [{"Ubuntu 22.04": "2", "Windows 11": "0"}, {"Ubuntu 22.04": "4", "Windows 11": "1"}]
    assert listed(scoped, "image", blocks="yes") == ["Ubuntu 22.04"]
    assert listed(scoped, "image", blocks="no") == ["Windows 11"]
    assert "open series (2)" in text(scoped, page_url("image", two.site.ubuntu.pk)).lower()


def test_owners_of_images_are_named_within_the_affiliation(
    scoped: Client, everywhere: Client, two: TwoAffiliations
) -> None:
    assert "odette@NCSU" in text(scoped, page_url("image", two.site.ubuntu.pk))
    assert "somebody else" in text(scoped, page_url("image", two.site.windows.pk))
    assert f"{STRANGE}-owner" in text(everywhere, page_url("image", two.site.windows.pk))


# --- Computers -----------------------------------------------------------------------------------------
def test_computers_tell_own_blocks_only(scoped: Client, everywhere: Client, two: TwoAffiliations) -> None:
    (computer, *_) = two.shared
    assert rows(scoped, list_url("computer", q="shared0"), "next_block")[0].startswith("home-block0")
    assert rows(everywhere, list_url("computer", q="shared0"), "next_block")[0].startswith(f"{STRANGE}-block0")
    page = page_url("computer", computer.pk)
    assert rows(scoped, page, 'block(?=")') == ["home-block0", "home-block1"]
    assert len(rows(everywhere, page, 'block(?=")')) == 4


def test_computers_say_when_they_are_taken_but_not_by_which_strangers(
    scoped: Client, everywhere: Client, two: TwoAffiliations
) -> None:
    page = page_url("computer", two.shared[0].pk)
    assert sorted(rows(scoped, page, "reserved_for")) == ["reload"] * 4 + ["somebody else"]
    assert sorted(rows(everywhere, page, "reserved_for")) == ["reload"] * 4 + [str(two.stranger)]
    links = set(re.findall(r"/request/(\d+)/change/", scoped.get(page).content.decode()))
    assert links == {str(each.pk) for each in two.reloads[False]}
    links = set(re.findall(r"/request/(\d+)/change/", everywhere.get(page).content.decode()))
    assert links == {str(each.pk) for both in two.reloads.values() for each in both}


def test_computers_of_others_count_as_in_no_block(scoped: Client, everywhere: Client, two: TwoAffiliations) -> None:
    two.site.hold(two.others[0], two.site.computer("theirs", two.site.windows))
    assert listed(scoped, "computer", block="yes") == ["shared0", "shared1"]
    assert listed(everywhere, "computer", block="yes") == ["shared0", "shared1", "theirs"]


def test_notes_are_for_those_who_see_all(scoped: Client, everywhere: Client, two: TwoAffiliations) -> None:
    page = page_url("computer", two.shared[0].pk)
    assert "broken fan" in text(everywhere, page)
    assert "broken fan" not in text(scoped, page)


# --- Who has which scope ---------------------------------------------------------------------------------
@pytest.mark.once(on="sqlite")
def test_djangos_accounts_see_all(viewer: Client, two: TwoAffiliations) -> None:
    assert len(listed(viewer, "blocktime", day="all")) == 4
    assert viewer.get(page_url("blocktime", 99_999)).status_code == 302


def test_the_scope_takes_no_statement(scoped: Client) -> None:
    user = scoped.get(INDEX).wsgi_request.user
    assert user.is_authenticated
    with CaptureQueriesContext(connection) as queries:
        assert scope_of(user).is_limited
        assert scope_of(AnonymousUser()) == NOTHING
    assert len(queries) == 0


def test_nobody_sees_nothing(two: TwoAffiliations) -> None:
    assert not BlockTime.objects.within(NOTHING).exists()
    assert not Request.objects.for_blocks_within(NOTHING).exists()
    assert BlockTime.objects.within(Scope()).count() == 4


def test_a_block_that_changes_hands_goes_with_its_owner(scoped: Client, two: TwoAffiliations) -> None:
    BlockRequest.objects.filter(pk=two.own[0].blockRequest_id).update(owner=two.stranger)
    assert listed(scoped, "blockrequest") == ["home-block1"]
    assert scoped.get(page_url("blocktime", two.own[0].pk)).status_code == 404


def test_this_week_asks_once_for_what_programs_left(scoped: Client, two: TwoAffiliations) -> None:
    """The last forecast and the last look together; what looks and calls have said together."""
    scoped.get("/admin/week/")
    with CaptureQueriesContext(connection) as queries:
        assert scoped.get("/admin/week/").status_code == 200
    for table in ("blockalloc_forecast_run", "blockalloc_heartbeat", "blockalloc_watch"):
        of_table = [each["sql"] for each in queries if table in each["sql"]]
        assert len(of_table) <= (2 if table == "blockalloc_heartbeat" else 1), table
    assert len(queries) <= 18


@pytest.mark.parametrize("others", ["group=99999", "group=99999&image=99999", "day=all&group=99999"])
def test_an_id_that_is_no_option_takes_no_further_statement(others: str, scoped: Client, two: TwoAffiliations) -> None:
    counts = []
    for query in ("day=all&" if "day" in others else "", others):
        url = f"{list_url('blocktime')}?{query}"
        scoped.get(url)
        with CaptureQueriesContext(connection) as queries:
            assert scoped.get(url).status_code == 200
        counts.append(len(queries))
    assert counts[0] == counts[1] <= 18


@pytest.mark.parametrize("page", PAGES)
def test_scoped_pages_take_few_queries(page: str, scoped: Client, two: TwoAffiliations) -> None:
    keys = {
        "blockrequest": two.own[0].blockRequest_id,
        "blocktime": two.own[0].pk,
        "computer": two.shared[0].pk,
        "image": two.site.ubuntu.pk,
        "request": two.reloads[False][0].pk,
    }
    for url in (list_url(page), page_url(page, keys[page])):
        with CaptureQueriesContext(connection) as queries:
            assert scoped.get(url).status_code == 200
        assert len(queries) < 20, url
    assert Computer.objects.exists()
    assert Image.objects.exists()
