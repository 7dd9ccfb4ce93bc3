"""The pages "Notifications": what was sent, waits and failed, for whom; sending again."""

import re
from typing import Any

import pytest
from django.contrib.auth.models import Permission
from django.contrib.auth.models import User as StaffUser
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from pytest_django import Settings

from blockalloc.models import LoopSeen, Message, News, Recipient, User
from blockalloc.notifications.unsubscribing import address_of
from scheduling.news.kinds import Kind
from tests.support.sites.accounts import GLOBAL, OWN, sign_in
from tests.support.sites.staff_site import HOUR, NOW, list_url, listed, page_url, rows, text
from tests.support.sites.told import message, news, teacher, vcl_staff

pytestmark = pytest.mark.django_db
LIST = list_url("message")


@pytest.fixture(autouse=True)
def _fast(settings: Settings) -> None:
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
    settings.VCL_SERVICE_URL = "https://blocks.example.edu"


def subjects(client: Client, **query: object) -> list[str]:
    """Those in the list, from the top."""
    return [re.sub(r"<[^>]*>", "", each) for each in rows(client, list_url("message", **query), "subject")]


def again(key: int) -> str:
    return reverse("admin:send_message_again", args=[key])


# --- The list and the page --------------------------------------------------------------------------
def test_the_list_says_how_far_each_has_come(staff: Client) -> None:
    message(subject="first", sent=NOW)
    message(subject="second")
    message(subject="third", attempts=3, problem="mail.example.edu does not answer")
    message(subject="fourth", attempts=9, failed=NOW, problem="550 no such user")
    assert subjects(staff) == ["fourth", "third", "second", "first"]
    assert rows(staff, LIST, "state") == ["failed", "waits, tried 3×", "waits", "sent"]
    assert rows(staff, LIST, "problem") == ["550 no such user", "mail.example.edu does not answer", "–", "–"]
    assert rows(staff, LIST, "address") == ["desk@example.edu"] * 4
    assert subjects(staff, state="failed") == ["fourth"]
    assert subjects(staff, state="waiting") == ["third", "second"]
    assert subjects(staff, state="sent") == ["first"]
    assert subjects(staff, q="thir") == ["third"]
    assert len(subjects(staff, q="desk@")) == 4


def test_webhooks_apart_from_mails(staff: Client) -> None:
    message(subject="a mail")
    body = '{"type": "class.short", "name": "Größe"}'
    made = message(
        key="webhook:" + "0" * 32, channel="webhook", address="hooks.example.com", subject="a post", text="", body=body
    )
    assert subjects(staff, channel="webhook") == ["a post"]
    assert subjects(staff, channel="mail") == ["a mail"]
    page = text(staff, page_url("message", made.pk))
    assert "&quot;name&quot;: &quot;Größe&quot;" in page
    assert "To hooks.example.com" in page


def test_the_page_has_the_text_but_not_the_way_to_unsubscribe(staff: Client) -> None:
    address = address_of("mail:desk@example.edu")
    made = message(
        text=f"<b>2 of 20</b> machines are missing.\n\nUnsubscribe: {address}\n", unsubscribe=address, html=address
    )
    page = staff.get(page_url("message", made.pk)).content.decode()
    assert "&lt;b&gt;2 of 20&lt;/b&gt; machines are missing.\n\nUnsubscribe: …\n" in page
    assert address.split("/")[-2] not in page
    assert "in the next round of notify" in page
    Recipient.objects.update(next_try=NOW + HOUR)
    assert "Wed 25 Nov 13:00" in text(staff, page_url("message", made.pk))


def test_texts_are_escaped(staff: Client) -> None:
    evil = "<script>alert(1)</script>"
    made = message(subject=evil, problem=evil, text=evil, address=evil, failed=NOW)
    for url in (LIST, page_url("message", made.pk)):
        assert evil not in staff.get(url).content.decode()


def test_it_says_whether_somebody_sends(staff: Client) -> None:
    assert "notify has never run: nothing is sent" in text(staff, LIST)
    LoopSeen.objects.create(name="notify", host="mn1", at=NOW - 2 * HOUR)
    assert "notify has not been seen for 2 h: nothing is sent" in text(staff, LIST)
    LoopSeen.objects.update(at=NOW)
    assert "notify was at work 0 s ago" in text(staff, LIST)


def test_who_may_look(client: Client) -> None:
    made = message()
    user = StaffUser.objects.create_user("other", is_staff=True)
    client.force_login(user)
    for url in (LIST, page_url("message", made.pk), again(made.pk)):
        assert client.get(url).status_code == 403
    user.user_permissions.add(Permission.objects.get(codename="view_message"))
    assert client.get(LIST).status_code == 200
    assert client.get(again(made.pk)).status_code == 403
    assert client.post(again(made.pk)).status_code == 403


def test_few_statements_and_no_long_columns(staff: Client) -> None:
    counts = []
    for number in (2, 20):
        for each in range(number):
            message(key=f"mail:desk{number}-{each}@example.edu")
        staff.get(LIST)
        with CaptureQueriesContext(connection) as queries:
            assert len(listed(staff, "message")) > 0 or subjects(staff)
        counts.append(len(queries))
        assert not any('"html"' in each["sql"].replace("`", '"') for each in queries)
        assert not any('"body"' in each["sql"].replace("`", '"') for each in queries)
    assert counts[0] == counts[1] < 20


def test_an_address_that_exists_no_longer_is_to_be_removed(staff: Client) -> None:
    said = "Remove the address from VCL_WEBHOOK_URL"
    for status, is_gone in ((410, True), (400, False)):
        made = message(
            key=f"webhook:{status}", channel=Recipient.WEBHOOK, failed=NOW, problem=f"x answered with status {status}"
        )
        assert (said in text(staff, page_url("message", made.pk))) == is_gone


# --- Sending again ----------------------------------------------------------------------------------
@pytest.fixture
def chief(client: Client) -> Client:
    """Signed in as one who manages all blocks."""
    vcl_staff("chief", "NCSU", GLOBAL)
    assert sign_in(client, "chief@NCSU")
    return client


def test_what_failed_can_be_sent_again(chief: Client) -> None:
    made = message(failed=NOW, attempts=12, problem="550 no such user")
    Recipient.objects.update(next_try=NOW + HOUR, failures=7)
    assert f'href="{again(made.pk)}">Send again</a>' in chief.get(page_url("message", made.pk)).content.decode()
    assert "sent unchanged and may be out of date" in (asked := text(chief, again(made.pk)))
    assert f"It goes to {made.address}" in asked
    assert Message.objects.given_up().exists()  # asking changed nothing
    answer = chief.post(again(made.pk), follow=True)
    assert "It will be sent again in the next round of notify." in answer.content.decode()
    assert "Send again</a>" not in answer.content.decode()
    made.refresh_from_db()
    assert (made.failed, made.sent, made.key, made.attempts) == (None, None, "m-1", 12)
    assert made.created == NOW  # it has a day from now on
    assert Recipient.objects.get().next_try is None


@pytest.mark.parametrize("values", [{"sent": NOW}, {}, {"sent": NOW, "failed": NOW}])
def test_nothing_else_can(values: dict[str, Any], chief: Client) -> None:
    made = message(**values)
    before = Message.objects.filter(pk=made.pk).values().get()
    assert "Send again</a>" not in chief.get(page_url("message", made.pk)).content.decode()
    assert "There is nothing to do" in text(chief, again(made.pk))
    assert "Nothing was done" in chief.post(again(made.pk), follow=True).content.decode()
    assert Message.objects.filter(pk=made.pk).values().get() == before
    assert chief.post(again(9999)).status_code == 404
    assert chief.put(again(made.pk)).status_code == 405


# --- A limited scope --------------------------------------------------------------------------------
@pytest.fixture
def own(client: Client) -> User:
    """Signed in as one who manages the blocks of NCSU."""
    user = vcl_staff("own", "NCSU", OWN)
    assert sign_in(client, "own@NCSU")
    return user


def test_a_scope_has_its_own_messages_and_those_about_its_classes_alone(client: Client, own: User) -> None:
    owners = {"ours": teacher("ours", "NCSU"), "theirs": teacher("theirs", "Elsewhere"), "nobody's": None}

    def about(*names: str) -> list[News]:
        return [news(Kind.SHORT, owners[name]) for name in names]

    to_me = [
        message(about("ours", "theirs"), f"vcl:{own.pk}", subject="to me"),
        message([], f"vcl:{own.pk}", subject="my summary", kind=Message.SUMMARY),
    ]
    about_ours = message(about("ours"), subject="about ours", failed=NOW, problem="550 <desk@example.edu> unknown")
    hidden = [
        message(about("theirs"), subject="about theirs", failed=NOW),
        message(about("ours", "theirs"), subject="about both", failed=NOW),
        message(about("ours", "nobody's"), subject="about ours and one of nobody", failed=NOW),
        message([], subject="the site's summary", failed=NOW),
        message(about("theirs"), f"vcl:{own.pk}0", subject="to another", failed=NOW),
    ]
    assert subjects(client) == ["about ours", "my summary", "to me"]
    assert rows(client, LIST, "address") == ["somebody else", *[f"vcl:{own.pk}@example.edu"] * 2]
    for each in (*to_me, about_ours):
        assert client.get(page_url("message", each.pk)).status_code == 200
    for each in hidden:
        assert client.get(page_url("message", each.pk)).status_code == 404
        assert client.post(again(each.pk)).status_code == 404
    assert Message.objects.given_up().count() == 6
    client.post(again(about_ours.pk))
    assert Message.objects.given_up().count() == 5
    # Of other people they learn no address: by no page, no search, no order.
    page = client.get(page_url("message", about_ours.pk)).content.decode() + client.get(LIST).content.decode()
    assert "desk@example.edu" not in page
    assert "550 &lt;…&gt; unknown" in page
    assert subjects(client, q="desk") == []
    assert subjects(client, q="ours") == ["about ours"]
