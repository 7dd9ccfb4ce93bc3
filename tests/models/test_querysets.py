"""What query sets say in words of the domain, each compared with the same said of every row in Python."""

from collections.abc import Iterator
from datetime import datetime
from operator import attrgetter

import pytest
import time_machine
from django.contrib.auth.models import AnonymousUser
from django.contrib.auth.models import User as StaffUser
from pytest_django import Settings

from blockalloc.models import (
    Affiliation,
    BlockComputer,
    BlockRequest,
    BlockTime,
    Decision,
    ImageRevision,
    Request,
    Reservation,
)
from blockalloc.models.scope import Person, Scope, limit
from scheduling.block_status import is_expired
from tests.support.sites.staff_site import (
    DAY,
    HOUR,
    MONDAY,
    NEW_YORK,
    NOW,
    RELOAD,
    STRANGE,
    VCLRELOAD,
    Site,
    TwoAffiliations,
)

pytestmark = pytest.mark.django_db
STATUSES = ("requested", "accepted", "completed", "rejected", "deleted")


@pytest.fixture(autouse=True)
def _clock(settings: Settings) -> Iterator[None]:
    settings.TIME_ZONE = NEW_YORK.key
    with time_machine.travel(NOW, tick=False):
        yield


@pytest.fixture
def _site() -> None:
    """Block times of requests in every status, around now, skipped and not; with computers and without."""
    site = Site()
    for number, status in enumerate(STATUSES):
        time = site.class_(f"class {status}", NOW - HOUR + number * HOUR, status=status, expireTime=NOW)
        site.time(time.blockRequest, MONDAY, skip=1)
        site.time(time.blockRequest, NOW - DAY)
        site.time(time.blockRequest, NOW - 2 * HOUR)  # ends now
    site.request("past", site.ubuntu, None, 1, expireTime=NOW - HOUR)
    site.reserve(
        site.ubuntu,
        NOW - 3 * HOUR,
        NOW - HOUR,
        site.computer("lab-1", site.ubuntu),
        state_id=3,
        laststate_id=3,
        user_id=1,
    )


def person(scope: Scope) -> StaffUser:
    """Somebody who is signed in and sees these blocks."""
    user = StaffUser(username="x")
    limit(user, scope)
    return user


# --- Whose blocks -----------------------------------------------------------------------------
@pytest.mark.parametrize("who", ["a Django account", "NCSU", f"{STRANGE}-university", "Local", "nobody"])
def test_everything_that_belongs_to_a_block_is_visible_to_those_who_see_the_block(who: str) -> None:
    TwoAffiliations(Site())
    key = Affiliation.objects.filter(name=who).values_list("pk", flat=True).first() or 0
    users: dict[str, Person] = {"a Django account": StaffUser(username="root"), "nobody": AnonymousUser()}
    user = users.get(who) or person(Scope(key))

    def seen(request: BlockRequest) -> bool:
        return who == "a Django account" or request.owner.affiliation_id == key

    requests = set(BlockRequest.objects.all())
    times = BlockTime.objects.select_related("blockRequest__owner")
    computers = BlockComputer.objects.select_related("blockTime__blockRequest__owner")
    loading = {each.reloadrequestid for each in computers if seen(each.blockTime.blockRequest)}
    assert len({each.owner.affiliation_id for each in requests}) > 1
    assert set(BlockRequest.objects.visible_to(user)) == {each for each in requests if seen(each)}
    assert set(BlockTime.objects.visible_to(user)) == {each for each in times if seen(each.blockRequest)}
    assert set(BlockComputer.objects.visible_to(user)) == {
        each for each in computers if seen(each.blockTime.blockRequest)
    }
    reloads = Request.objects.reloads()
    visible = set(reloads.for_blocks_visible_to(user))
    assert visible == {each for each in reloads if each.pk in loading}


def test_decision_records_keep_whose_block_it_was() -> None:
    for affiliation in (1, 2, None):
        Decision.objects.create(
            started=NOW, action=Decision.ALLOCATE, outcome="success", duration=1, affiliation_id=affiliation
        )
    assert {each.affiliation_id for each in Decision.objects.visible_to(person(Scope(2)))} == {2}
    assert Decision.objects.visible_to(person(Scope())).count() == 3


# --- When and in what state -------------------------------------------------------------------
@pytest.mark.usefixtures("_site")
@pytest.mark.parametrize("now", [NOW - HOUR, NOW, NOW + HOUR, MONDAY + HOUR, MONDAY + 9 * DAY])
def test_block_times_by_their_status_and_hours(now: datetime) -> None:
    times = list(BlockTime.objects.select_related("blockRequest"))
    objects = BlockTime.objects
    assert set(objects.to_come(now)) == {each for each in times if each.end > now}
    assert set(objects.accepted()) == {each for each in times if each.blockRequest.status == "accepted"}
    assert set(objects.not_skipped()) == {each for each in times if not each.skip}
    moment = int(now.timestamp())
    assert {each for each in objects.accepted().not_skipped().to_come(now) if each.blockRequest.expireTime >= now} == {
        each for each in times if each.block_status.is_current_or_upcoming(moment)
    }
    last = now + 2 * HOUR
    assert set(objects.taking_place_between(now, last)) == {
        each
        for each in times
        if each.start < last and each.end > now and each.blockRequest.status not in ("rejected", "deleted")
    }
    computers = list(BlockComputer.objects.select_related("blockTime"))
    assert set(BlockComputer.objects.to_come(now)) == {each for each in computers if each.blockTime.end > now}
    reservations = list(Reservation.objects.select_related("request"))
    assert set(Reservation.objects.to_come(now)) == {
        each for each in reservations if each.request.end is not None and each.request.end > now
    }


@pytest.mark.usefixtures("_site")
def test_block_times_without_computers() -> None:
    having = set(BlockComputer.objects.values_list("blockTime", flat=True))
    found = list(BlockTime.objects.without_computers())
    assert len(having) == len(STATUSES)
    assert sorted(each.pk for each in found) == sorted(
        key for key in BlockTime.objects.values_list("pk", flat=True) if key not in having
    )


@pytest.mark.usefixtures("_site")
def test_block_requests_that_have_not_expired() -> None:
    requests = list(BlockRequest.objects.all())
    now = int(NOW.timestamp())
    unexpired = {each for each in requests if not is_expired(int(each.expireTime.timestamp()), now)}
    assert set(BlockRequest.objects.unexpired()) == unexpired
    assert 0 < len(unexpired) < len(requests)
    assert set(BlockRequest.objects.unexpired_after(NOW)) == set()
    assert set(BlockRequest.objects.unexpired_after(NOW - HOUR)) == unexpired


# --- Reloads and revisions --------------------------------------------------------------------
@pytest.mark.usefixtures("_site")
def test_reload_reservations_are_those_of_the_reload_user_that_load_or_loaded() -> None:
    image = ImageRevision.objects.get(imagename="file-Ubuntu 22.04-v2").image
    site = Site.__new__(Site)
    site.nodes = [Reservation.objects.all()[0].managementnode]
    hours = (NOW, NOW + HOUR)
    begun = site.reserve(image, *hours, state_id=14, laststate_id=RELOAD, user_id=VCLRELOAD)
    of_a_user = site.reserve(image, *hours, state_id=RELOAD, laststate_id=RELOAD, user_id=1)
    over = site.reserve(image, *hours, state_id=12, laststate_id=14, user_id=VCLRELOAD)
    found = set(Request.objects.reloads())
    assert begun in found
    assert not found & {of_a_user, over}
    assert {each.pk for each in found} == {
        begun.pk,
        *BlockComputer.objects.values_list("reloadrequestid", flat=True),
    }


@pytest.mark.usefixtures("_site")
def test_computers_come_with_their_reload_also_when_vcl_has_removed_it() -> None:
    gone, kept = BlockComputer.objects.order_by("blockTime")[:3:2]
    Request.objects.filter(pk=gone.reloadrequestid).delete()
    Reservation.objects.filter(request=gone.reloadrequestid).delete()
    by_computer = {each.computer_id: each for each in BlockComputer.objects.with_reload()}
    without, loaded = by_computer[gone.computer_id], by_computer[kept.computer_id]
    facts = attrgetter("reload_start", "reload_end", "reload_node", "production_id")
    production = ImageRevision.objects.get(image=kept.image_id, production=1)
    assert facts(without) == (None, None, None, production.pk)
    reload = Request.objects.get(pk=kept.reloadrequestid)
    assert facts(loaded) == (reload.start, reload.end, "mn0.edu", production.pk)
    assert reload.start is not None
    assert reload.start.astimezone(NEW_YORK).minute == 30
