"""The dates of a series, as local times of the site."""

from datetime import date, datetime, time
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from blockalloc.contract.messages import Refusal
from blockalloc.series import dates
from blockalloc.series.dates import Date, Hours

pytestmark = pytest.mark.no_database
NEW_YORK = ZoneInfo("America/New_York")
NINE = Hours(time(9), time(11))
NOW = int(datetime(2026, 11, 25, 12, tzinfo=NEW_YORK).timestamp())


@pytest.fixture(autouse=True)
def in_new_york(settings: Any) -> None:
    settings.TIME_ZONE = "America/New_York"


def at(text: str) -> int:
    return int(datetime.fromisoformat(text).replace(tzinfo=NEW_YORK).timestamp())


def day(text: str, start: str = "09:00", end: str = "11:00") -> Date:
    return Date(at(f"{text} {start}"), at(f"{text} {end}"))


def refused(dates_: list[Date]) -> str:
    with pytest.raises(Refusal) as refusal:
        dates.check(dates_, NOW)
    return refusal.value.text


def test_weekly_dates_begin_on_the_first_day_and_go_on_for_whole_weeks() -> None:
    found = dates.weekly(date(2027, 1, 12), {0, 2}, NINE, 2)  # from a Tuesday on
    assert found == [day("2027-01-13"), day("2027-01-18"), day("2027-01-20"), day("2027-01-25")]


def test_nine_is_nine_on_both_sides_of_a_change_of_the_clock() -> None:
    saturdays = dates.weekly(date(2027, 3, 8), {0}, NINE, 2)  # the clock is put forward on 14 March
    assert saturdays == [day("2027-03-08"), day("2027-03-15")]
    assert saturdays[1].start - saturdays[0].start == 7 * 86400 - 3600


def test_a_time_that_comes_twice_is_its_first_occurrence_and_a_skipped_one_an_hour_later() -> None:
    twice = dates.on(date(2026, 11, 1), Hours(time(1, 30), time(4)))
    assert twice.end - twice.start == int(3.5 * 3600)
    skipped = dates.on(date(2027, 3, 14), Hours(time(2, 30), time(4)))
    assert skipped == day("2027-03-14", "03:30", "04:00")


def test_an_end_that_the_change_of_the_clock_puts_before_the_start() -> None:
    assert "the end 2027-03-14 03:15: give an end after the start, 2027-03-14 03:30" in refused(
        [dates.on(date(2027, 3, 14), Hours(time(2, 30), time(3, 15)))]
    )


@pytest.mark.parametrize(
    "line", ["2027-01-11 09:00-11:00", "2027-01-11 9:00 - 11:00", "2027-01-11 09:00 to 11:00", "2027-01-11T09:00 11:00"]
)
def test_dates_of_a_list(line: str) -> None:
    assert dates.listed(f"\n{line}\n\n2027-01-13 09:00-11:00\n") == [day("2027-01-11"), day("2027-01-13")]


@pytest.mark.parametrize("line", ["2027-02-30 09:00-11:00", "tomorrow", "2027-01-11 25:00-26:00", "2027-01-11"])
def test_a_line_that_is_no_date_is_named(line: str) -> None:
    with pytest.raises(Refusal) as refusal:
        dates.listed(f"2027-01-13 09:00-11:00\n{line}", "--date")
    assert refusal.value.text == f"--date: {line!r}: give a day and its hours, such as 2027-01-11 09:00-11:00"


def test_weekdays_by_their_names() -> None:
    assert dates.weekdays_in("wed, MON monday") == [0, 2]
    for wrong in ("mo", "mondy", "someday"):
        with pytest.raises(ValueError, match=wrong):
            dates.weekdays_in(f"tue,{wrong}")


def test_dates_come_in_order_each_once_and_some_may_be_past() -> None:
    past, later, last = day("2026-11-23"), day("2026-11-30"), day("2026-12-07")
    assert dates.check([last, past, later, last], NOW) == [past, later, last]


def test_what_is_wrong_with_dates() -> None:
    assert refused([]).startswith("dates: no date is given: ")
    assert refused([day("2026-11-24")]) == (
        "dates: all are past, the last one ended at 2026-11-24 11:00: give dates of which one at least is to come"
    )
    assert refused([day("2026-11-30", "11:00", "09:00")]).startswith(
        "dates: the end 2026-11-30 09:00: give an end after"
    )
    assert "1970 to 2038" in refused([Date(-1, at("2026-11-30 11:00"))])
    assert "1970 to 2038" in refused([Date(at("2026-11-30 11:00"), 2**40)])
    second_pass = at("2027-11-07 01:30") + 3600
    assert "second pass" in refused([Date(second_pass, second_pass + 7200)])


def test_no_more_dates_than_a_plan_is_made_of() -> None:
    most = [
        Date(at("2027-01-11 09:00") + 7200 * number, at("2027-01-11 10:00") + 7200 * number) for number in range(201)
    ]
    assert refused(most) == "dates: 201 dates: give at most 200, and the rest in another call"
    assert len(dates.check(most[:200], NOW)) == 200
    with pytest.raises(Refusal, match="give at most 200"):
        dates.weekly(date(2027, 1, 11), range(7), NINE, 10**9)
    with pytest.raises(Refusal, match="weeks: 0: give a number of weeks from 1 on"):
        dates.weekly(date(2027, 1, 11), {0}, NINE, 0)
