"""What the forecast sees is news once, when it has been seen twice, and never what people know already."""

from dataclasses import replace
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scheduling.news import standing as rules
from scheduling.news.foreseeing import AGAIN, AHEAD, CONFIRMED, Outlook, Seen, step
from scheduling.news.kinds import Kind
from scheduling.news.standing import Standing, View
from scheduling.readiness import ASKED_AHEAD

pytestmark = [pytest.mark.no_database, pytest.mark.once(on="mariadb")]

MINUTE, HOUR, DAY = 60, 3600, 86400
START = 1_000_000_000


class Told:
    """A class of 20 machines whose forecasts follow one another; `left` are minutes before its start."""

    def __init__(self) -> None:
        self.outlook = Outlook(START, 0)
        self.news: list[tuple[int, Kind, int]] = []

    def see(self, missing: int, *lefts: int) -> list[tuple[int, Kind, int]]:
        """Forecasts of so many missing machines; all that was told so far, with the number."""
        for left in lefts:
            outlook = replace(self.outlook, missing=missing)
            kind, seen = step(outlook, START - left * MINUTE)
            self.outlook = replace(outlook, before=seen)
            if kind is not None:
                self.news.append((left, kind, missing))
                told_at = START - left * MINUTE if missing else outlook.told_at
                self.outlook = replace(self.outlook, known=missing, told_at=told_at, foreseen=missing > 0)
        return self.news


def test_two_forecasts_ten_minutes_apart_are_news_once() -> None:
    assert Told().see(2, 5000, 4999, 4991, 4990, 4989, 4000, 1000) == [(4990, Kind.FORESEEN, 2)]


def test_what_passes_is_no_news() -> None:
    told = Told()
    told.see(2, 5000, 4991)
    told.see(0, 4990)
    assert told.see(2, 4989, 4980) == []
    assert told.see(2, 4979) == [(4979, Kind.FORESEEN, 2)]


def test_nothing_is_told_more_than_a_week_or_less_than_six_hours_ahead() -> None:
    week, six_hours = AHEAD // MINUTE, ASKED_AHEAD // MINUTE
    assert Told().see(2, week + 200, week + 100, week + 1) == []
    assert Told().see(2, week, week - 10) == [(week - 10, Kind.FORESEEN, 2)]
    assert Told().see(2, six_hours, six_hours - 10, 1) == []
    assert Told().see(2, six_hours + 11, six_hours + 1) == [(six_hours + 1, Kind.FORESEEN, 2)]


def test_while_more_and_more_are_missing_it_waits() -> None:
    told = Told()
    told.see(2, 5000)
    told.see(5, 4990)
    assert told.news == []
    assert told.see(4, 4980) == [(4980, Kind.FORESEEN, 4)]  # both see four


def test_more_are_told_after_a_day() -> None:
    told = Told()
    told.see(2, 5000, 4990)
    told.see(5, 4980, 4970, 4990 - AGAIN // MINUTE + 1)
    assert len(told.news) == 1
    assert told.see(5, 4990 - AGAIN // MINUTE)[1:] == [(4990 - AGAIN // MINUTE, Kind.FORESEEN, 5)]
    assert told.see(4, 1000, 900, 800)[2:] == []


def test_that_it_is_over_is_told_once() -> None:
    told = Told()
    told.see(2, 5000, 4990)
    told.see(1, 4900, 4880)
    told.see(0, 4800, 4791)
    assert len(told.news) == 1
    assert told.see(0, 4790, 4780, 4000)[1:] == [(4790, Kind.FORESEEN_OVER, 0)]


def test_a_shortage_that_comes_and_goes_is_told_once_a_day() -> None:
    told = Told()
    for hour in range(24):
        told.see(2, 6000 - hour * 60, 5985 - hour * 60)
        told.see(0, 5970 - hour * 60, 5955 - hour * 60)
    assert [kind for _, kind, _ in told.news] == [Kind.FORESEEN, Kind.FORESEEN_OVER]


def test_of_machines_that_were_asked_for_only_the_end_is_told() -> None:
    seen = Seen(START - 2 * DAY, 2)
    asked = Outlook(START, 2, is_asked=True, before=seen)
    assert step(asked, START - DAY) == (None, None)
    over = Outlook(START, 0, known=2, foreseen=True, is_asked=True, before=replace_seen(seen, 0))
    assert step(over, START - DAY).kind is Kind.FORESEEN_OVER


def replace_seen(seen: Seen, missing: int) -> Seen:
    return seen._replace(missing=missing)


@pytest.mark.parametrize("known", [2, 5])
def test_what_people_know_from_elsewhere_is_no_news(known: int) -> None:
    """An allocation days ahead came short, and that was told."""
    outlook = Outlook(START, 2, known=known, told_at=START - 3 * DAY, before=Seen(START - 2 * DAY, 2))
    assert step(outlook, START - DAY) == (None, None)
    assert step(replace(outlook, missing=0), START - DAY) == (None, None)  # an allocation or a look tells its end
    assert step(replace(outlook, missing=7, before=Seen(START - 2 * DAY, 7)), START - DAY).kind is Kind.FORESEEN


# --- Beside what allocations and looks tell ---------------------------------------------------------


def after_foreseen(missing: int = 2, at: int = START - 3 * DAY) -> Standing:
    return rules.foreseen(Standing(START), START, missing, at)


def call(missing: int) -> View:
    return View(START, wanted=20, usable=20 - missing)


def test_the_shortage_that_was_foreseen_is_not_told_by_the_allocation() -> None:
    asked = START - 350 * MINUTE
    for missing in (1, 2):
        assert rules.step(after_foreseen(), call(missing), asked)[1] is None
    standing, kind = rules.step(after_foreseen(), call(3), asked)
    assert (kind, standing.short) == (Kind.SHORT, 3)
    standing, kind = rules.step(after_foreseen(), call(0), asked)
    assert (kind, standing.short) == (Kind.MENDED, 0)


def test_when_it_was_over_the_allocation_has_nothing_to_mend() -> None:
    standing = rules.foreseen(after_foreseen(), START, 0, START - 2 * DAY)
    assert standing == Standing(START)
    assert rules.step(standing, call(0), START - 350 * MINUTE)[1] is None


def test_that_nobody_has_asked_yet_is_no_shortage() -> None:
    """A look meets the class within a day of its start, since there is something to take back."""
    early = View(START, wanted=20, usable=0, ready=0, is_early=True)
    for left in (26 * HOUR, 24 * HOUR, 12 * HOUR, 6 * HOUR):
        assert rules.step(after_foreseen(), early, START - left) == (after_foreseen(), None)


def test_a_class_that_is_moved_keeps_what_was_foreseen() -> None:
    moved = rules.foreseen(after_foreseen(), START + DAY, 5, START - 2 * DAY)
    assert (moved.start, moved.short) == (START + DAY, 5)


# --- Properties -------------------------------------------------------------------------------------
@given(st.lists(st.tuples(st.integers(1, 300), st.integers(0, 4)), max_size=60))
def test_every_news_differs_from_what_people_know_and_two_forecasts_say_so(runs: list[tuple[int, int]]) -> None:
    told, left, history = Told(), 9000, list[tuple[int, int]]()
    for minutes, missing in runs:
        left -= minutes
        known, before = told.outlook.known, len(told.news)
        told.see(missing, left)
        history.append((left, missing))
        if len(told.news) == before:
            continue
        _, kind, number = told.news[-1]
        earlier = [said for at, said in history if at - left >= CONFIRMED // MINUTE]
        if kind is Kind.FORESEEN:
            assert number > known
            assert any(said >= number for said in earlier)
        else:
            assert (number, known > 0) == (0, True)
            assert 0 in earlier
    shortages = [at for at, kind, _ in told.news if kind is Kind.FORESEEN]
    assert all(first - second >= AGAIN // MINUTE for first, second in pairwise(shortages))
