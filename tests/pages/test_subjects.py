"""Texts that name a class or a reload by its number link to its page, where the person may see it."""

import pytest
from django.contrib.auth.models import Permission
from django.contrib.auth.models import User as StaffUser
from django.db import connection
from django.test import Client, RequestFactory
from django.test.utils import CaptureQueriesContext

from blockalloc.models import BlockTime, Decision
from blockalloc.models.scope import Scope, limit
from blockalloc.pages.subjects import subjects
from tests.support.sites.staff_site import Site, TwoAffiliations, page_url

pytestmark = pytest.mark.django_db


def linked(text: str, *permissions: str, affiliation: int | None = None) -> str:
    request = RequestFactory().get("/")
    user = StaffUser.objects.create_user("anna", is_staff=True)
    user.user_permissions.set(Permission.objects.filter(codename__in=permissions or ["view_blocktime", "view_request"]))
    if affiliation is not None:
        limit(user, Scope(affiliation))
    request.user = user
    return str(subjects(request, [text]).linked(text))


def test_a_class_is_named(cs101: BlockTime) -> None:
    text = f"held by block time {cs101.pk} from 09:00 to 11:00"
    link = f'<a href="{page_url("blocktime", cs101.pk)}">CS101</a>'
    number = f'<span class="quiet nowrap">(block time {cs101.pk})</span>'
    assert linked(text) == f"held by {link} {number} from 09:00 to 11:00"


def test_a_reload_has_a_page_and_a_users_request_has_a_name(site: Site, cs101: BlockTime) -> None:
    reload = site.hold(cs101, site.computer("pc", site.ubuntu))
    users = site.reserve(
        site.ubuntu, cs101.start, cs101.end, site.computer("pc2", site.ubuntu), state_id=13, laststate_id=13, user_id=1
    )
    link = f'<a href="{page_url("request", reload.pk)}">{reload.pk}</a>'
    text = f"reload request {reload.pk} is left over; request {users.pk} has it"
    number = f'<span class="quiet nowrap">(request {users.pk})</span>'
    assert linked(text) == f"reload request {link} is left over; admin@Local {number} has it"
    StaffUser.objects.all().delete()
    assert f"; somebody {number} has it" in linked(text, affiliation=cs101.blockRequest.owner.affiliation_id)


def test_all_else_is_escaped_and_left_as_it_is(cs101: BlockTime) -> None:
    cs101.blockRequest.name = "<b>CS</b>"
    cs101.blockRequest.save()
    assert "&lt;i&gt;" in linked("<i> & block time 99999999")
    StaffUser.objects.all().delete()
    assert "&lt;b&gt;CS&lt;/b&gt;" in linked(f"block time {cs101.pk}")


@pytest.mark.parametrize("text", ["block time 0", "block time 12345678901", "request x", "block times 1", ""])
def test_what_is_no_subject(text: str, cs101: BlockTime) -> None:
    assert linked(text) == text


def test_without_permission_there_is_no_link(cs101: BlockTime) -> None:
    text = f"held by block time {cs101.pk}"
    assert linked(text, "view_decision") == text


def test_the_class_of_another_affiliation_has_no_name(site: Site) -> None:
    both = TwoAffiliations(site)
    own, other, gone = both.own[0], both.others[0], 99999
    text = f"block time {own.pk}, block time {other.pk}, block time {gone}, request {both.reloads[True][0].pk}"
    found = linked(text, affiliation=both.owner.affiliation_id)
    assert f'>home-block0</a> <span class="quiet nowrap">(block time {own.pk})</span>, ' in found
    stranger = f'a class of another affiliation <span class="quiet nowrap">(block time {other.pk})</span>'
    assert f"{stranger}, block time {gone}, " in found
    assert "strangers" not in found


def test_the_history_of_a_class_and_of_its_series_has_links(viewer: Client, site: Site, cs101: BlockTime) -> None:
    Decision.objects.create(
        started=cs101.start, action="allocate", outcome="warning", duration=1, block_time_id=cs101.pk,
        text=f"held by block time {cs101.pk}", allocated=1, wanted=2,
    )  # fmt: skip
    Decision.objects.update(block_request_id=cs101.blockRequest_id)
    for url in (page_url("blocktime", cs101.pk), page_url("blockrequest", cs101.blockRequest_id)):
        page = viewer.get(url).content.decode()
        link = (
            f'<a href="{page_url("blocktime", cs101.pk)}">CS101</a> <span class="quiet nowrap">(block time {cs101.pk})'
        )
        assert f"held by {link}" in page.partition('id="history"')[2]


def test_two_statements_whatever_the_number(site: Site, cs101: BlockTime) -> None:
    other = site.class_("other")
    request = RequestFactory().get("/")
    request.user = StaffUser.objects.create_superuser("root")
    texts = [f"block time {time.pk}, request {number}" for time in (cs101, other) for number in range(1, 9)]
    with CaptureQueriesContext(connection) as queries:
        subjects(request, texts)
    assert len(queries) == 2
    with CaptureQueriesContext(connection) as queries:
        assert subjects(request, ["no computer is free"]).of == {}
    assert len(queries) == 0
