"""What staff do to block times: who may, what is asked first, what is done, what is on record."""

import html
import json
import time
from collections.abc import Callable
from datetime import timedelta

import pytest
from django.contrib.auth.models import Permission
from django.contrib.auth.models import User as StaffUser
from django.test import Client
from django.urls import reverse
from pytest_django import Settings

from blockalloc.models import BlockComputer, BlockTime, Decision, Request, Reservation
from blockalloc.reports import readiness
from tests.golden import tables
from tests.support.scoped import limit_to
from tests.support.sites.class_site import BLOCK_TIME, class_site, grant_to_group

pytestmark = pytest.mark.django_db(transaction=True)

ACTIONS = {
    "allocate": "allocate",
    "dry-run": "dry_run",
    "put-right": "put_right",
    "release": "release",
    "release-some": "release",
    "skip": "skip",
    "unskip": "skip",
    "stop-holding": "hold",
    "hold-again": "hold",
}


@pytest.fixture
def sign_in(client: Client) -> Callable[..., Client]:
    """Sign in as one of the staff with these permissions besides that to look."""

    def signed_in(*codenames: str) -> Client:
        user = StaffUser.objects.create_user("wanda", is_staff=True)
        names = ["view_blocktime", "view_decision", *(f"{name}_blocktime" for name in codenames)]
        user.user_permissions.set(Permission.objects.filter(codename__in=names))
        client.force_login(user)
        return client

    return signed_in


def address(name: str, key: int = BLOCK_TIME) -> str:
    return reverse("admin:blocktime_action", args=[key, name])


def page_of_time() -> str:
    return reverse("admin:blockalloc_blocktime_change", args=[BLOCK_TIME])


def said(client: Client, name: str, **form: str) -> str:
    """What the page says after the action was confirmed."""
    response = client.post(address(name), form, follow=True)
    assert response.status_code == 200
    return response.content.decode()


def block_computers() -> int:
    return BlockComputer.objects.filter(blockTime=BLOCK_TIME).count()


def recorded() -> list[tuple[str, str, str, str, str]]:
    return list(Decision.objects.order_by("pk").values_list("action", "person", "door", "outcome", "address"))


@pytest.mark.parametrize("name", ACTIONS)
def test_each_has_a_permission_of_its_own(name: str, sign_in: Callable[..., Client]) -> None:
    with class_site():
        client = sign_in(*(set(ACTIONS.values()) - {ACTIONS[name]}))
        assert client.get(address(name)).status_code == 403
        assert client.post(address(name)).status_code == 403
        assert address(name) not in client.get(page_of_time()).content.decode()
        assert recorded() == []


@pytest.mark.parametrize("name", ACTIONS)
def test_nothing_is_done_before_it_is_confirmed(name: str, sign_in: Callable[..., Client]) -> None:
    with class_site():
        client = sign_in(*ACTIONS.values())
        before = tables.read()
        assert client.get(address(name)).status_code == 200
        assert tables.read() == before
        assert recorded() == []


def test_a_form_of_another_site_does_nothing(sign_in: Callable[..., Client]) -> None:
    with class_site():
        client = sign_in(*ACTIONS.values())
        client.handler.enforce_csrf_checks = True
        assert client.post(address("allocate")).status_code == 403
        assert (block_computers(), recorded()) == (0, [])


def test_missing_objects_are_not_found(sign_in: Callable[..., Client]) -> None:
    with class_site():
        client = sign_in(*ACTIONS.values())
        assert client.get(address("allocate", 999)).status_code == 404
        assert client.get(address("destroy")).status_code == 404
        assert client.put(address("allocate")).status_code == 405


def test_allocate_ignores_privileges_as_the_back_end_does(sign_in: Callable[..., Client]) -> None:
    with class_site():
        client = sign_in("allocate")
        assert "The class has 4 of 4 machines now." in said(client, "allocate", privileges="ignored")
        assert block_computers() == 4
        assert recorded() == [("allocate", "wanda", "admin", "success", "127.0.0.1")]


@pytest.mark.parametrize("name", ["allocate", "dry-run"])
def test_both_say_how_sure_the_class_is_under_policy_ready(
    name: str, sign_in: Callable[..., Client], settings: Settings
) -> None:
    with class_site():
        client = sign_in("allocate", "dry_run")
        assert " sure that " not in said(client, "dry-run", privileges="ignored")
        settings.VCL_RELOAD_POLICY = "ready"
        page = said(client, name, privileges="ignored")
        decision = Decision.objects.latest("pk")
        assert decision.ready is not None
        minutes = f"{decision.minutes} computer-minutes taken before the start."
        assert f"{decision.ready:.0%}"[:-1] + f" % sure that all 4 are ready at 14:00; {minutes}" in page


def test_allocate_can_count_privileges(sign_in: Callable[..., Client]) -> None:
    with class_site():
        client = sign_in("allocate")
        text = said(client, "allocate", privileges="counted")
        assert "The class has 0 of 4 machines now" in text
        assert "Why not more?" in text
        grant_to_group()
        assert "4 of 4" in said(client, "allocate", privileges="counted")


def test_a_refusal_is_told_and_recorded(sign_in: Callable[..., Client]) -> None:
    with class_site():
        client = sign_in("allocate")
        BlockTime.objects.filter(pk=BLOCK_TIME).update(skip=1)
        assert "Nothing was done: block time 10 is marked to be skipped" in said(client, "allocate")
        assert recorded() == [("allocate", "wanda", "admin", "refused", "127.0.0.1")]


@pytest.mark.parametrize("name", ACTIONS)
def test_a_class_that_is_over_is_left_alone(name: str, sign_in: Callable[..., Client]) -> None:
    """Whoever has the address, or the page still open, is told why."""
    with class_site():
        client = sign_in(*ACTIONS.values())
        said(client, "allocate")
        row = BlockTime.objects.get(pk=BLOCK_TIME)
        day = timedelta(days=1)
        BlockTime.objects.filter(pk=BLOCK_TIME).update(start=row.start - day, end=row.end - day)
        before = tables.read()
        assert address(name) not in client.get(page_of_time()).content.decode()
        form = {"reason": "no teacher", "computer": "10"}
        for response in (client.get(address(name), follow=True), client.post(address(name), form, follow=True)):
            assert response.redirect_chain == [(page_of_time(), 302)]
            told = "Nothing was done: block 10 is over, so it is too late to change anything about it."
            assert told in response.content.decode()
        assert tables.read() == before
        assert [action for action, *_ in recorded()] == ["allocate"]


def test_a_dry_run_shows_all_and_changes_nothing(sign_in: Callable[..., Client]) -> None:
    with class_site(computers=3):
        client = sign_in("dry_run")
        before = tables.read()
        text = said(client, "dry-run", privileges="ignored")
        assert tables.read() == before
        assert "would give the class <strong>3 of 4 machines</strong>" in text
        assert "At this time, 3 of 4 machines could be allocated." in text
        assert "3 computers chosen" in text
        assert recorded() == [("dry run", "wanda", "admin", "success", "127.0.0.1")]


def test_release_takes_the_computers_and_removes_reloads_that_have_not_begun(sign_in: Callable[..., Client]) -> None:
    with class_site():
        client = sign_in("allocate", "release")
        said(client, "allocate")
        loading = BlockComputer.objects.filter(blockTime=BLOCK_TIME).order_by("computer")[0].reloadrequestid
        Request.objects.filter(pk=loading).update(state=14)
        confirm = client.get(address("release")).content.decode()
        assert confirm.count("<td>its reload will be removed</td>") == 3
        assert confirm.count("<td>its load continues</td>") == 1
        assert "<b>3 computers</b>: their reloads will be removed" in confirm
        done = "Released 4 computers: c10, c11, c12 and c13. 3 reloads were removed. The load of c10 goes on."
        assert done in said(client, "release", reason="the room is closed")
        assert block_computers() == 0
        assert list(Request.objects.values_list("pk", flat=True)) == [loading]
        assert list(Reservation.objects.values_list("request", flat=True)) == [loading]
        assert recorded()[1] == ("release", "wanda", "admin", "done", "127.0.0.1")
        assert "computers released: 4" in client.get(page_of_time()).content.decode()  # in its history


@pytest.mark.parametrize("name", ["release", "skip", "release-some"])
@pytest.mark.parametrize(
    ("reason", "problem"),
    [("", "say why"), (" \n ", "say why"), ("x" * 501, "the reason has 501 characters: at most 500 are kept")],
)
def test_without_a_reason_nothing_is_done(name: str, reason: str, problem: str, sign_in: Callable[..., Client]) -> None:
    with class_site():
        client = sign_in("allocate", "release", "skip")
        said(client, "allocate")
        page = said(client, name, reason=reason, computer="10")
        assert f"Nothing was done: {problem}" in page
        assert (block_computers(), len(recorded())) == (4, 1)
        if name == "release-some":
            assert page.count(" checked>") == 1, "what was chosen stays chosen"


@pytest.mark.parametrize("name", ["release", "skip"])
def test_the_reason_is_kept_and_shown_but_not_in_calendars(name: str, sign_in: Callable[..., Client]) -> None:
    reason = "Räume 4–6 <closed> 🚧 " + "☃" * 478
    with class_site():
        client = sign_in("allocate", "release", "skip")
        said(client, "allocate")
        said(client, name, reason=f"  {reason}\n")
        decision = Decision.objects.latest("pk")
        assert json.loads(decision.parameters) == {"blockTimeid": BLOCK_TIME, "reason": reason}
        assert decision.text.startswith(f"reason: {reason}; ")
        page = html.unescape(client.get(page_of_time()).content.decode())
        assert f"by wanda at 08:00: {reason}" in page
        history = page.partition('id="history"')[2]
        assert f"reason: {reason}; " in history
        read = readiness.read(BlockTime.objects.filter(pk=BLOCK_TIME), int(time.time()), people=False)
        assert reason not in str(read[0].readiness.signal)


def test_skip_releases_and_unskip_lets_the_back_end_ask_again(sign_in: Callable[..., Client]) -> None:
    with class_site():
        client = sign_in("allocate", "skip")
        said(client, "allocate")
        BlockTime.objects.filter(pk=BLOCK_TIME).update(processed=1)
        done = "Skipped. Released 4 computers: c10, c11, c12 and c13. 4 reloads were removed."
        assert done in said(client, "skip", reason="no teacher")
        time = BlockTime.objects.get(pk=BLOCK_TIME)
        assert (block_computers(), Request.objects.count(), time.skip, time.processed) == (0, 0, 1, 1)
        page = client.get(page_of_time()).content.decode()
        assert address("unskip") in page
        assert address("skip") not in page
        assert "The class takes place after all. VCL’s back end will ask" in said(client, "unskip")
        time = BlockTime.objects.get(pk=BLOCK_TIME)
        assert (time.skip, time.processed) == (0, 0)
        assert [action for action, *_ in recorded()] == ["allocate", "skip", "unskip"]


@pytest.mark.parametrize(("skip", "name"), [(1, "skip"), (0, "unskip")])
def test_done_already_is_refused(skip: int, name: str, sign_in: Callable[..., Client]) -> None:
    with class_site():
        client = sign_in("skip")
        BlockTime.objects.filter(pk=BLOCK_TIME).update(skip=skip)
        assert "Nothing was done: block time 10 is " in said(client, name, reason="no teacher")
        assert [outcome for *_, outcome, _ in recorded()] == ["refused"]


def test_who_manages_one_affiliations_blocks_acts_on_no_others(
    sign_in: Callable[..., Client], monkeypatch: pytest.MonkeyPatch
) -> None:
    with class_site():
        client = sign_in(*ACTIONS.values())
        own = BlockTime.objects.get(pk=BLOCK_TIME).blockRequest.owner.affiliation_id
        assert own is not None
        limit_to(own + 1, monkeypatch)
        for name in ACTIONS:
            assert client.get(address(name)).status_code == 404
            assert client.post(address(name)).status_code == 404
        assert (block_computers(), recorded()) == (0, [])
        limit_to(own, monkeypatch)
        assert client.get(address("allocate")).status_code == 200
