"""A question about a series, from the rows to the answer, on the demo site."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import date, datetime, time, timedelta
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from pytest_django import Settings

from blockalloc import clock
from blockalloc.contract.messages import Refusal
from blockalloc.models import (
    Affiliation,
    BlockRequest,
    BlockTime,
    Decision,
    Image,
    ImageRevision,
    SiteMaintenance,
    UserGroup,
    UserGroupMember,
)
from blockalloc.models.scope import Scope
from blockalloc.series import dates, question, requested, service
from blockalloc.series.answer import SeriesPlan, Status
from blockalloc.series.dates import Hours
from blockalloc.series.question import Question
from blockalloc.site_time import local_to_instant
from blockalloc.store import forecast_facts
from scheduling.forecast.engine import forecast
from tests.golden import tables
from tests.support.sites.demo import demo_site

pytestmark = pytest.mark.django_db(transaction=True)
MONDAY = date(2026, 11, 30)
NINE = Hours(time(9), time(11))
WEEK = timedelta(days=7)


@pytest.fixture(autouse=True)
def demo() -> Iterator[None]:
    """The demo site on a Wednesday, without the exam; next Monday is 30 November."""
    with demo_site(has_exam=False):
        yield


def asked(machines: int = 60, weeks: int = 3, **changes: Any) -> Question:
    """Ubuntu on Mondays at nine, beside CS101's 20: 68 computers can run it."""
    series = dates.weekly(MONDAY, {0}, NINE, weeks)
    image = Image.objects.get(prettyname="Ubuntu 22.04").pk
    return replace(Question(image, machines, 0, True, series), **changes)


def plan(question_: Question, scope: Scope = service.EVERYTHING) -> SeriesPlan:
    return service.plan(question_, scope, door="admin")


def refused(**changes: Any) -> tuple[int, str]:
    with pytest.raises(Refusal) as refusal:
        plan(asked(**changes))
    return refusal.value.code, refusal.value.text


def test_another_date_in_the_way_has_its_number_in_the_series_with_those_that_are_past() -> None:
    past, first = (dates.on(day, NINE) for day in (MONDAY - WEEK, MONDAY))
    second = dates.on(MONDAY, Hours(time(10), time(12)))
    answer = plan(asked(45, dates=[past, first, second]))
    collisions = [(each.kind, each.id) for each in answer.dates[2].collisions if each.kind == "date"]
    assert collisions == [("date", 2)]


def test_what_could_be_had_beside_accepted_classes() -> None:
    answer = plan(asked())
    assert answer.summary == "0 of 3 dates possible"
    assert not answer.is_possible
    for each in answer.dates:
        assert (each.status, each.wanted) == (Status.SHORT, 60)
        assert "collides with CS101 programming lab" in each.words
        assert [one.kind for one in each.suggestions][:2] == ["fewer", "hour"]
    assert answer.whole is not None
    assert plan(asked(machines=20)).summary == "3 of 3 dates possible"


def test_a_series_that_is_booked_then_gets_what_the_plan_said() -> None:
    answer = plan(asked())
    template = BlockRequest.objects.get(name="CS101 programming lab")
    booked = BlockRequest.objects.create(
        name="new", image=template.image, numMachines=60, group=template.group, owner=template.owner,
        managementnode=template.managementnode, expireTime=template.expireTime + 10 * WEEK, status="accepted",
    )  # fmt: skip
    for each in answer.dates:
        start, end = (datetime.fromtimestamp(instant).astimezone() for instant in (each.start, each.end))
        BlockTime.objects.create(blockRequest=booked, start=start, end=end)
    made = forecast(forecast_facts.read(clock.now(), answer.dates[-1].end))
    got = {each.asked.block.start: each.machines for each in made if each.asked.request_id == booked.pk}
    assert got == {each.start: each.possible for each in answer.dates}


def test_nothing_is_written_held_or_recorded() -> None:
    before, records = tables.read(), Decision.objects.count()
    plan(asked())
    assert tables.read() == before
    assert Decision.objects.count() == records


def test_the_number_of_statements_does_not_grow_with_dates() -> None:
    counts = []
    for weeks in (1, 12):
        with CaptureQueriesContext(
            connection,
        ) as sent:
            plan(asked(weeks=weeks))
        counts.append(len(sent))
    assert counts[0] == counts[1]
    assert counts[0] <= 17, [each["sql"][:80] for each in sent]


def test_reservations_after_the_last_accepted_class_count() -> None:
    """What is promised is read up to the last date, not up to the last class."""
    later = MONDAY + 30 * WEEK
    question_ = asked(dates=dates.weekly(later, {0}, NINE, 1))
    assert plan(question_).dates[0].possible == 60
    start = local_to_instant(datetime.combine(later, time(8)))
    SiteMaintenance.objects.create(
        start=start, end=start + timedelta(hours=4), created=start, ownerid=1, usermessage="", informhoursahead=0,
        allowreservations=0,
    )  # fmt: skip
    assert plan(question_).dates[0].words == "closed: maintenance Mon 28 Jun 08:00 to 12:00"


def test_dates_that_are_past_do_not_count() -> None:
    answer = plan(asked(machines=20, dates=dates.weekly(MONDAY - WEEK, {0}, NINE, 2)))
    assert [each.words for each in answer.dates] == ["past", "20"]
    assert answer.summary == "1 of 1 date possible, 1 is past"
    assert answer.is_possible


def test_privileges_count_when_they_are_to() -> None:
    group = UserGroup.objects.get(name="CS101").pk
    answer = plan(asked(machines=20, user_group_id=group, ignore_privileges=False))
    assert (answer.group, answer.is_possible) == ("CS101@Local", True)
    assert plan(asked(machines=70, user_group_id=group, ignore_privileges=False)).dates[0].possible < 48


def test_an_image_and_a_group_that_no_class_has() -> None:
    """What a class to come does not need is read for the question."""
    BlockTime.objects.all().delete()
    group = UserGroup.objects.get(name="CS101").pk
    assert plan(asked(machines=20, user_group_id=group, ignore_privileges=False)).is_possible


def test_a_request_that_awaits_its_decision() -> None:
    request = BlockRequest.objects.get(status="requested")
    answer = plan(question.of_request(requested.awaiting(request.pk)))
    assert (answer.image, answer.machines) == (request.image.prettyname, request.numMachines)
    assert answer.summary == "3 of 3 dates possible"
    BlockRequest.objects.filter(pk=request.pk).update(numMachines=90)  # more than calls of ours may ask for
    assert plan(question.of_request(requested.awaiting(request.pk))).machines == 90


def test_bad_input_is_refused_by_its_name(settings: Settings) -> None:
    gone = Image.objects.get(prettyname="Ubuntu 22.04")
    assert refused(image_id=4711) == (10, "imageid: 4711: give the id of an image that exists and is not deleted")
    assert refused(image_id=None)[0] == 10
    assert refused(machines=71) == (64, "machinecount: 71: give a whole number from 1 to 70")
    assert refused(machines=None)[0] == 64
    assert refused(user_group_id=4711) == (67, "usergroupid: 4711: give the id of a user group that exists")
    assert refused(user_group_id=None)[0] == 67
    assert refused(ignore_privileges=None) == (86, "ignoreprivileges: must be 0 or 1")
    assert refused(dates=[])[0] == 4
    assert refused(ignore_privileges=False)[0] == 11
    group = UserGroup.objects.get(name="CS101").pk
    UserGroupMember.objects.filter(usergroup=group).delete()
    assert refused(user_group_id=group, ignore_privileges=False) == (
        11, f"usergroupid: user group {group} has no members, and privileges count: add members or ignore privileges",
    )  # fmt: skip
    ImageRevision.objects.filter(image=gone).update(production=0)
    assert "has no production revision" in refused()[1]
    Image.objects.filter(pk=gone.pk).update(deleted=1)
    assert refused()[1] == f"imageid: {gone.pk}: give the id of an image that exists and is not deleted"


def test_names_of_another_affiliation_are_hidden() -> None:
    open_ = plan(asked()).dates[0]
    assert {each.name for each in open_.collisions if each.kind == "block time"} == {"CS101 programming lab"}
    hidden = plan(asked(), Scope(Affiliation.objects.create(name="Elsewhere").pk)).dates[0]
    assert {each.label for each in hidden.collisions} <= {
        "a class of another affiliation",
        "a reservation of another affiliation",
    }
    assert "CS101" not in repr(hidden)
    assert [each.id for each in hidden.collisions] == [each.id for each in open_.collisions]
