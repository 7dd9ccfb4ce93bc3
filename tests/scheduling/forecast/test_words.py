"""Why a class will lack machines, in one line."""

from collections.abc import Mapping, Sequence
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from scheduling.forecast.facts import ClassAsked, ClassForecast
from scheduling.forecast.words import why
from scheduling.reasons import Instant, Reason
from scheduling.remedies import InTheWay
from tests.support.sites import facts
from tests.support.sites.facts import END, HOUR, START

pytestmark = [pytest.mark.no_database, pytest.mark.once(on="sqlite")]

NONE_LEFT = Reason("no_computer", "no further computer passes all rules for image {}", ("Ubuntu",))
EXAM = InTheWay("block time", 7, START, END, 49)
PERSON, OTHER = InTheWay("request", 8, START, END, 3), InTheWay("request", 9, START, END, 1)


def said(
    stopped_by: Reason | None = NONE_LEFT, in_the_way: Sequence[InTheWay] = (), *, machines: int = 1, fit: int = 68,
    lost: Mapping[str, int] | None = None, **names: Any,
) -> str:  # fmt: skip
    """The words for a class of 50."""
    asked = ClassAsked(facts.block(50), 1, "CS101", START - 6 * HOUR)
    made = ClassForecast(asked, machines, 0, fit, stopped_by, in_the_way, lost or {})
    return why(made, {7: names.get("exam", "CS420 midterm exam")}, ZoneInfo("America/New_York"))


def test_nothing_of_a_class_that_lacks_none() -> None:
    assert said(machines=50, stopped_by=None, in_the_way=[EXAM]) == ""


def test_the_class_that_has_the_computers() -> None:
    assert said(in_the_way=[EXAM, PERSON]) == "CS420 midterm exam has 49 of the computers"


def test_a_class_without_a_name() -> None:
    assert said(in_the_way=[EXAM], exam="") == "block time 7 has 49 of the computers"


def test_peoples_reservations() -> None:
    assert said(in_the_way=[PERSON]) == "1 reservation has 3 of the computers"
    assert said(in_the_way=[PERSON, OTHER]) == "2 reservations have 4 of the computers"


def test_more_than_there_are() -> None:
    assert said(fit=49, in_the_way=[EXAM]) == "49 computers can run the image"
    assert said(fit=1) == "1 computer can run the image"


def test_site_maintenance_with_its_times() -> None:
    text = "site maintenance from {} to {}"
    begin = facts.at("2026-03-02 08:00", "America/New_York")
    until_noon = Reason("maintenance", text, (Instant(begin), Instant(begin + 4 * HOUR)))
    assert said(until_noon) == "site maintenance from Mon 08:00 to 12:00"
    for_long = Reason("maintenance", text, (Instant(begin), Instant(begin + 28 * HOUR)))
    assert said(for_long) == "site maintenance from Mon 08:00 to Tue 12:00"


def test_the_limit_of_the_image() -> None:
    limit = Reason("concurrent_use", "{} of at most {} of image {} are in use already", (5, 5, "Ubuntu"))
    assert said(limit, [EXAM]) == "5 of at most 5 of image Ubuntu are in use already"


def test_the_rule_that_excludes_most_of_the_computers_that_fit() -> None:
    assert said(lost={"platform": 900, "schedule": 30, "host_memory": 4}) == "30 computers are not open at that time"
    assert said(lost={"platform": 900, "schedule": 1}) == "1 computer is not open at that time"


def test_nothing_known() -> None:
    assert said(lost={"platform": 900, "no_computer": 4}) == "no further computer could be allocated"
