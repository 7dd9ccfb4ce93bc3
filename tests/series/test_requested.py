"""The dates of block requests that await their decision, as VCL makes block times of them."""

from datetime import date, datetime, time
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from blockalloc.contract.messages import Refusal
from blockalloc.models import BlockRequest, BlockTime, BlockWebDate, BlockWebTime
from blockalloc.series import question, requested
from blockalloc.site_time import instant_to_local
from tests.support.sites.staff_site import Site

pytestmark = pytest.mark.django_db
NEW_YORK = ZoneInfo("America/New_York")


@pytest.fixture
def request_(settings: Any) -> BlockRequest:
    """A request without dates."""
    settings.TIME_ZONE = "America/New_York"
    made = Site().class_("BIO150").blockRequest
    BlockTime.objects.all().delete()
    made.status = "requested"
    made.save()
    return made


def enter(made: BlockRequest, repeating: str, start: str, end: str, days: int, weeknum: int | None = None) -> None:
    """What VCL's form writes of days."""
    BlockRequest.objects.filter(pk=made.pk).update(repeating=repeating)
    made.repeating = repeating
    days_ = {"start": date.fromisoformat(start), "end": date.fromisoformat(end), "days": days, "weeknum": weeknum}
    BlockWebDate.objects.bulk_create([BlockWebDate(blockRequest=made, **days_)])


def hours(made: BlockRequest, start: tuple[int, int, str], end: tuple[int, int, str], order: int = 0) -> None:
    """What VCL's form writes of hours."""
    begin = dict(zip(("starthour", "startminute", "startmeridian"), start, strict=True))
    stop = dict(zip(("endhour", "endminute", "endmeridian"), end, strict=True))
    BlockWebTime.objects.bulk_create([BlockWebTime(blockRequest=made, order=order, **begin, **stop)])


def local_dates(made: BlockRequest) -> list[tuple[date, time, time]]:
    found = []
    for each in requested.dates_of(made):
        start, end = (instant_to_local(datetime.fromtimestamp(instant, NEW_YORK)) for instant in each)
        assert start.date() == end.date()
        found.append((start.date(), start.time(), end.time()))
    return found


def test_weekly_the_first_and_the_last_day_are_included_and_bit_0_is_sunday(request_: BlockRequest) -> None:
    enter(
        request_, "weekly", "2027-03-10", "2027-03-17", 0b0001001
    )  # Sundays and Wednesdays, over a change of the clock
    hours(request_, (12, 30, "pm"), (2, 0, "pm"))
    hours(request_, (9, 0, "am"), (11, 45, "am"), order=1)
    morning, noon = (time(9), time(11, 45)), (time(12, 30), time(14))
    days = [date(2027, 3, 10), date(2027, 3, 14), date(2027, 3, 17)]
    assert local_dates(request_) == [(day, *each) for day in days for each in (morning, noon)]


@pytest.mark.parametrize(
    ("weeknum", "days"),
    [(1, ["2027-01-01", "2027-02-05"]), (2, ["2027-01-08", "2027-02-12"]), (5, ["2027-01-29"])],
)
def test_monthly_on_a_weekday_of_a_week_of_the_month(request_: BlockRequest, weeknum: int, days: list[str]) -> None:
    enter(request_, "monthly", "2027-01-01", "2027-02-28", 6, weeknum)  # Sunday is 1: Fridays
    hours(request_, (12, 0, "am"), (12, 0, "pm"))
    assert local_dates(request_) == [(date.fromisoformat(day), time(0), time(12)) for day in days]


def test_a_list_has_hours_for_each_of_its_days(request_: BlockRequest) -> None:
    enter(request_, "list", "2027-01-20", "2027-01-20", 1)
    enter(request_, "list", "2027-01-12", "2027-01-12", 0)
    hours(request_, (9, 0, "am"), (11, 0, "am"), order=0)
    hours(request_, (1, 15, "pm"), (2, 0, "pm"), order=1)
    assert local_dates(request_) == [
        (date(2027, 1, 12), time(9), time(11)),
        (date(2027, 1, 20), time(13, 15), time(14)),
    ]


def test_hours_that_are_none_are_refused(request_: BlockRequest) -> None:
    enter(request_, "weekly", "2027-01-12", "2027-01-20", 2)
    hours(request_, (40, 0, "am"), (11, 0, "am"))
    with pytest.raises(Refusal, match=f"block request {request_.pk}: its hours: give times of a day"):
        requested.dates_of(request_)


def test_the_question_of_a_request_is_what_its_rows_say(request_: BlockRequest) -> None:
    enter(request_, "weekly", "2027-01-12", "2027-01-20", 2)
    hours(request_, (9, 0, "am"), (11, 0, "am"))
    asked = question.of_request(requested.awaiting(request_.pk))
    assert asked.image_id == request_.image_id
    assert asked.machines == request_.numMachines
    assert asked.user_group_id == request_.group_id
    assert asked.ignore_privileges
    assert len(asked.dates) == 1


def test_only_requests_that_await_their_decision(request_: BlockRequest) -> None:
    with pytest.raises(LookupError, match="there is no block request 4711"):
        requested.awaiting(4711)
    BlockRequest.objects.filter(pk=request_.pk).update(status="accepted")
    with pytest.raises(
        LookupError, match=f"block request {request_.pk}: it is accepted: give the id of one that awaits"
    ):
        requested.awaiting(request_.pk)
