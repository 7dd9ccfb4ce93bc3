"""How sure a class is, on Today, This week and the page of the class: as a look said it, or the allocation."""

from datetime import datetime, timedelta
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from pytest_django import Settings

from blockalloc.models import BlockComputer, BlockTime, Computer, Decision, Heartbeat, Request, Watch
from tests.support.cards import cards
from tests.support.sites.staff_site import DAY, HOUR, NOW, Site, page_url, revision, text

pytestmark = pytest.mark.django_db

TODAY, WEEK = reverse("admin:today"), reverse("admin:week")
MINUTES = timedelta(minutes=1)
SAID = "that all 3 are ready at 14:00"


@pytest.fixture(autouse=True)
def _policy(settings: Settings) -> None:
    settings.VCL_RELOAD_POLICY = "ready"


@pytest.fixture
def cs101(site: Site) -> BlockTime:
    """A class of three at two o'clock; one computer has the image, two wait for their reloads. It is noon."""
    return site.class_("CS101", NOW + 2 * HOUR, 3)


def decide(time: BlockTime, at: datetime, ready: float | None = 0.97, **values: Any) -> Decision:
    """The record of an allocation of all machines."""
    usual: dict[str, Any] = {"action": Decision.ALLOCATE, "outcome": "success", "duration": 1, "door": "admin"}
    usual |= {"wanted": 3, "had": 0, "allocated": 3, "block_start": time.start}
    usual |= {} if ready is None else {"late": 0.1, "minutes": 60}
    return Decision.objects.create(started=at, block_time_id=time.pk, ready=ready, **{**usual, **values})


def look(time: BlockTime, at: datetime, ready: float = 0.98, late: float = 0.0) -> None:
    """What a look said."""
    Watch.objects.update_or_create(
        pk=time.pk,
        defaults={"first_seen": at, "ready": ready, "late": late, "minutes": 60, "outlook_at": at},
    )
    Heartbeat.objects.update_or_create(pk=1, defaults={"at": at, "host": "mn0", "milliseconds": 1})


def pages(client: Client, time: BlockTime) -> list[str]:
    """The texts of the three pages."""
    return [text(client, url) for url in (TODAY, WEEK, page_url("blocktime", time.pk))]


def signal(client: Client, time: BlockTime, words: str, today: str = "") -> None:
    """The words are on all three pages; on Today those of `today`, if it has them in another way."""
    for page, expected in zip(pages(client, time), (today or words, words, words), strict=True):
        assert expected in page


def nothing(client: Client, time: BlockTime) -> None:
    for page in pages(client, time):
        assert "sure that" not in page


def test_where_keep_ready_never_ran_it_is_what_was_said_at_the_allocation(viewer: Client, cs101: BlockTime) -> None:
    decide(cs101, NOW - 7 * HOUR)
    sure = f"97 % sure {SAID} (said at the allocation, 05:00)"
    today = f"1 of 3 ready 1 loaded 2 waiting all ready by 13:40; {sure}"
    signal(viewer, cs101, f"1 of 3 machines ready, all by 13:40; {sure}", today)


def test_the_day_is_named_if_it_was_another_one(viewer: Client, cs101: BlockTime) -> None:
    decide(cs101, NOW - 5 * DAY)
    signal(viewer, cs101, f"97 % sure {SAID} (said at the allocation, Fri 20 Nov 12:00)")


def test_the_machines_are_those_of_the_allocation(viewer: Client, cs101: BlockTime) -> None:
    decide(cs101, NOW - 7 * HOUR, allocated=2)
    signal(viewer, cs101, "97 % sure that both machines are ready at 14:00 (said at the allocation, 05:00)")


@pytest.mark.parametrize(
    ("ago", "when"),
    [
        (1 * MINUTES, ""),
        (10 * MINUTES, ""),
        (11 * MINUTES, " (said at 11:49)"),
        (3 * HOUR, " (said at 09:00)"),
        (DAY, " (said on Tue 24 Nov at 12:00)"),
    ],
)
def test_what_a_look_said_has_its_time_if_it_is_old(
    viewer: Client, cs101: BlockTime, ago: timedelta, when: str
) -> None:
    decide(cs101, NOW - 2 * DAY)
    look(cs101, NOW - ago)
    signal(viewer, cs101, f"98 % sure {SAID}{when}")
    assert all(("(said" in page) == bool(when) for page in pages(viewer, cs101))


def test_an_allocation_since_the_look_counts(viewer: Client, cs101: BlockTime) -> None:
    look(cs101, NOW - 2 * HOUR)
    decide(cs101, NOW - HOUR)
    signal(viewer, cs101, f"97 % sure {SAID} (said at the allocation, 11:00)")


@pytest.mark.parametrize(("ago", "when"), [(5 * MINUTES, ""), (20 * MINUTES, " (said at 11:40)")])
def test_what_put_right_now_said_is_as_that_of_a_look(
    viewer: Client, cs101: BlockTime, ago: timedelta, when: str
) -> None:
    decide(cs101, NOW - 2 * HOUR)
    decide(cs101, NOW - ago, 0.96, action=Decision.KEEP_READY)
    signal(viewer, cs101, f"96 % sure {SAID}{when}")
    assert all(("(said" in page) == bool(when) for page in pages(viewer, cs101))


@pytest.mark.parametrize(
    "values",
    [
        {"action": Decision.DRY_RUN, "ready": 0.5},
        {"action": Decision.HOLDING, "outcome": Decision.DONE, "had": None},
        {"outcome": Decision.REFUSED, "had": None},
        {"outcome": Decision.FAILED, "had": None},
        {"action": Decision.RELEASE, "outcome": Decision.REFUSED, "had": None},
        {"text": "answered as before: its idempotency key is known", "had": None},
    ],
)
def test_calls_that_chose_no_computers_do_not_count(viewer: Client, cs101: BlockTime, values: dict[str, Any]) -> None:
    decide(cs101, NOW - 2 * HOUR)
    decide(cs101, NOW - HOUR, **{"ready": None, **values})
    signal(viewer, cs101, f"97 % sure {SAID} (said at the allocation, 10:00)")


@pytest.mark.parametrize(
    "values",
    [
        {"action": Decision.RELEASE, "outcome": Decision.DONE, "had": None},
        {"action": Decision.SKIP, "outcome": Decision.DONE, "had": None},
        {},  # an allocation that said nothing: under policy `vcl`
    ],
)
def test_what_was_said_before_the_computers_changed_is_no_longer_said(
    viewer: Client, cs101: BlockTime, values: dict[str, Any]
) -> None:
    decide(cs101, NOW - 2 * HOUR)
    decide(cs101, NOW - HOUR, None, **values)
    nothing(viewer, cs101)


def test_a_class_that_is_not_sure_enough_is_to_be_watched(viewer: Client, cs101: BlockTime) -> None:
    decide(cs101, NOW - HOUR, 0.62, late=0.5)
    words = f"62 % sure {SAID}, 1 machine expected late (said at the allocation, 11:00)"
    signal(viewer, cs101, words)
    card = cards(viewer)["CS101"]
    assert card.startswith("Watch ")
    soon = "1 ready now, 2 more by 13:40"
    lacks_nothing = "No machine is missing: 2 loads may end late. It should be 95 % sure."
    assert f"{words} {soon} {lacks_nothing} What would help" in card
    Decision.objects.update(ready=0.4, late=0.4)
    card = cards(viewer)["CS101"]
    assert card.startswith("At risk ")
    assert f"40 % sure {SAID} (said at the allocation, 11:00) {soon} No machine is missing" in card


def test_when_all_is_loaded_it_is_no_longer_said(viewer: Client, cs101: BlockTime, site: Site) -> None:
    decide(cs101, NOW - HOUR, 0.96)
    Computer.objects.filter(blockcomputer__blockTime=cs101).update(
        currentimage=site.ubuntu, imagerevision=revision(site.ubuntu, 2)
    )
    # Until their reloads begin, others may use the computers.
    sure = f"96 % sure {SAID} (said at the allocation, 11:00)"
    signal(viewer, cs101, f"all 3 machines ready; {sure}", f"3 of 3 ready 3 loaded {sure}")
    Decision.objects.update(ready=0.62)
    card = cards(viewer)["CS101"]
    assert card.startswith("Watch ")
    assert f"62 % sure {SAID}" in card
    assert "No machine is missing: a computer may fail." in card
    Request.objects.all().delete()
    nothing(viewer, cs101)
    assert cards(viewer)["CS101"].startswith("Ready 14:00–16:00 CS101")


def test_only_a_look_of_these_minutes_knows_of_reloads_that_wait(viewer: Client, cs101: BlockTime) -> None:
    Request.objects.update(start=NOW + 2 * HOUR - 3 * MINUTES)
    late = "2 loads will end after the start"
    look(cs101, NOW - 11 * MINUTES)
    assert late not in text(viewer, TODAY)
    look(cs101, NOW - 13 * MINUTES)
    assert late in text(viewer, TODAY)
    Watch.objects.all().delete()
    decide(cs101, NOW - MINUTES)
    assert late in text(viewer, TODAY)


def test_nothing_is_said_of_classes_without_computers_or_that_have_begun(viewer: Client, site: Site) -> None:
    empty, on = site.class_("empty", NOW + 2 * HOUR, 3), site.class_("on", NOW - HOUR, 3)
    BlockComputer.objects.filter(blockTime=empty).delete()
    for time in (empty, on):
        decide(time, NOW - 3 * HOUR)
        look(time, NOW)
        nothing(viewer, time)


def test_policy_vcl_shows_nothing_of_it(viewer: Client, cs101: BlockTime, settings: Settings) -> None:
    settings.VCL_RELOAD_POLICY = "vcl"
    decide(cs101, NOW - HOUR, 0.4)
    nothing(viewer, cs101)
    look(cs101, NOW)
    nothing(viewer, cs101)
    assert cards(viewer)["CS101"].startswith("On track 14:00–16:00 CS101")
    assert cards(viewer)["CS101"].endswith("all ready by 13:40")


def test_the_statements_are_as_many_for_many_classes(viewer: Client, site: Site) -> None:
    counts = []
    for number in range(4):
        time = site.class_(f"CS{number}", NOW + 2 * HOUR, 3)
        decide(time, NOW - 3 * HOUR)
        if number % 2:
            look(time, NOW)
        with CaptureQueriesContext(connection) as queries:
            viewer.get(TODAY)
        counts.append(len(queries))
    assert counts[1:] == [counts[1]] * 3
