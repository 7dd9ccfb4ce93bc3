"""What is told of a class, view by view (SPEC 9.6)."""

from dataclasses import replace

import pytest

from scheduling.news.kinds import Kind
from scheduling.news.standing import AHEAD, AT_ONCE, Standing, View, step

pytestmark = [pytest.mark.no_database, pytest.mark.once(on="mariadb")]

MINUTE, HOUR = 60, 3600
START = 1_000_000_000
GOOD = View(START, wanted=20, usable=20, ready=5)
READY = replace(GOOD, ready=20)
RISK = replace(GOOD, is_bad=True, is_risk=True)
CLOSED = replace(GOOD, is_closed=True)


def short(missing: int, ready: int = 5) -> View:
    """As a look sees it."""
    return replace(GOOD, usable=20 - missing, ready=ready, is_bad=True)


def call(missing: int = 0) -> View:
    """As an allocation knows it."""
    return View(START, wanted=20, usable=20 - missing)


def told(*views: tuple[int, View]) -> list[tuple[int, Kind]]:
    """What is told, each with its minutes before START (below 0: after), of views with theirs."""
    standing, news = Standing(START), []
    for left, view in views:
        standing, kind = step(standing, view, START - left * MINUTE)
        if kind is not None:
            news.append((left, kind))
    return news


# --- Short and mended -------------------------------------------------------------------------------


def test_an_allocation_that_comes_short_is_told_at_once_and_once() -> None:
    assert told((350, call(2)), (349, call(2)), (348, call(1)), (347, call(2))) == [(350, Kind.SHORT)]


def test_more_missing_machines_than_told_are_told() -> None:
    assert told((350, call(2)), (335, call(3)), (320, call(3))) == [(350, Kind.SHORT), (335, Kind.SHORT)]


def test_computers_that_are_lost_one_after_another_are_not_told_one_by_one() -> None:
    """As they are where an image fails to load, for calls and for looks alike."""
    for lost in (call, short):
        views = [(100 - minute, lost(min(minute, 9))) for minute in range(30)]
        assert told(*views) == [(99, Kind.SHORT), (84, Kind.SHORT)]


def test_that_nothing_is_left_is_told_at_once() -> None:
    assert told((350, call(2)), (349, call(3)), (348, call(20)), (347, call(20))) == [
        (350, Kind.SHORT),
        (348, Kind.SHORT),
    ]


def test_a_look_tells_what_calls_have_not_told_yet() -> None:
    views = [(350, call(2)), (349, call(5)), *((left, short(5)) for left in range(348, 320, -1))]
    assert told(*views) == [(350, Kind.SHORT), (335, Kind.SHORT)]


def test_what_grows_and_shrinks_meanwhile_is_no_news() -> None:
    assert told((350, call(2)), (345, call(5)), (340, call(2)), (330, short(2)), (329, short(2))) == [(350, Kind.SHORT)]


def test_after_it_was_mended_a_shortage_is_told_at_once() -> None:
    assert [kind for _, kind in told((350, call(2)), (349, call()), (348, call(1)))] == [
        Kind.SHORT, Kind.MENDED, Kind.SHORT,
    ]  # fmt: skip


def test_a_shortage_that_has_grown_a_day_ahead_waits_no_less() -> None:
    early = replace(short(5), is_bad=False)
    views = [(DAYS + 5, call(2)), (DAYS + 4, call(5)), *((DAYS - minute, early) for minute in range(20))]
    assert told(*views) == [(DAYS + 5, Kind.SHORT), (DAYS - 10, Kind.SHORT)]


def test_it_is_mended_when_none_is_missing() -> None:
    assert told((350, call(2)), (340, call(1)), (330, call()), (320, call())) == [(350, Kind.SHORT), (330, Kind.MENDED)]


def test_a_complete_allocation_is_no_news() -> None:
    assert told((350, call()), (200, GOOD), (10, READY), (0, READY), (-5, READY)) == []


def test_a_look_tells_a_shortage_when_it_sees_it_again() -> None:
    assert told((200, short(2)), (199, short(2)), (198, short(2))) == [(199, Kind.SHORT)]


def test_a_shortage_that_the_next_look_does_not_see_is_no_news() -> None:
    assert told((200, short(2)), (199, GOOD), (198, short(2))) == []


def test_what_an_allocation_told_no_look_tells_again() -> None:
    assert told((200, call(2)), (199, short(2)), (198, short(2)), (197, GOOD)) == [
        (200, Kind.SHORT),
        (197, Kind.MENDED),
    ]


def test_machines_that_are_missing_are_no_shortage_before_they_are_bad() -> None:
    early = replace(short(20, ready=0), is_bad=False)
    assert told((1000, early), (400, early), (361, early)) == []


def test_after_it_was_mended_nothing_is_told_when_all_are_ready() -> None:
    assert told((200, call(2)), (190, call()), (20, READY), (0, READY)) == [(200, Kind.SHORT), (190, Kind.MENDED)]


def test_a_shortage_is_looked_at_twice_shortly_before_the_start_too() -> None:
    """Meanwhile keep_ready may have found another computer."""
    assert told((13, short(1)), (12, GOOD), (11, short(1)), (10, short(1)), (9, short(1))) == [(10, Kind.SHORT)]


# --- At risk and ready ------------------------------------------------------------------------------


def test_a_risk_is_told_when_two_looks_have_seen_it() -> None:
    assert told((50, RISK), (49, RISK), (48, RISK)) == [(49, Kind.AT_RISK)]


def test_two_looks_within_a_minute_are_one() -> None:
    standing, kind = step(Standing(START), RISK, START - HOUR)
    assert kind is None
    assert step(standing, RISK, START - HOUR + 59)[1] is None
    assert step(standing, RISK, START - HOUR + 60)[1] is Kind.AT_RISK


@pytest.mark.parametrize(("before", "kind"), [(AT_ONCE, None), (AT_ONCE - 1, Kind.AT_RISK), (1, Kind.AT_RISK)])
def test_shortly_before_the_start_one_look_is_enough(before: int, kind: Kind | None) -> None:
    assert step(Standing(START), RISK, START - before)[1] is kind


def test_a_risk_that_comes_and_goes_is_told_once() -> None:
    views = [(left, RISK if left % 5 else GOOD) for left in range(60, 16, -1)]
    assert told(*views) == [(58, Kind.AT_RISK)]


def test_a_risk_that_is_over_is_no_news_before_all_are_ready() -> None:
    assert told((50, RISK), (49, RISK), (40, GOOD), (30, GOOD), (20, READY), (10, READY)) == [
        (49, Kind.AT_RISK),
        (20, Kind.READY),
    ]


def test_machines_that_are_ready_now_and_expected_to_be_late_are_not_ready() -> None:
    """Somebody else is to use them until the class's own load."""
    assert told((50, RISK), (49, RISK), (40, replace(READY, is_bad=True))) == [(49, Kind.AT_RISK)]


def test_ready_is_told_of_trouble_only() -> None:
    assert told((50, RISK), (49, GOOD), (20, READY)) == []


def test_after_it_was_ready_it_may_be_at_risk_again() -> None:
    again = [(50, RISK), (49, RISK), (40, READY), (30, RISK), (29, RISK), (20, READY)]
    assert [kind for _, kind in told(*again)] == [Kind.AT_RISK, Kind.READY, Kind.AT_RISK, Kind.READY]


def test_a_shortage_is_worse_than_a_risk() -> None:
    assert told((50, RISK), (49, RISK), (48, short(1)), (40, GOOD), (20, READY)) == [
        (49, Kind.AT_RISK),
        (48, Kind.SHORT),
        (40, Kind.MENDED),
        (20, Kind.READY),
    ]


def test_of_a_class_that_is_short_a_risk_is_told_too() -> None:
    both = replace(short(2), is_risk=True)
    assert told((200, call(2)), (50, both), (49, both), (48, both)) == [(200, Kind.SHORT), (49, Kind.AT_RISK)]


def test_a_shortage_and_a_risk_that_are_seen_together_are_one_news() -> None:
    both = replace(short(2), is_risk=True)
    assert told((50, both), (49, both), (48, both)) == [(49, Kind.SHORT)]


def test_when_all_are_ready_both_are_over() -> None:
    assert told((200, call(2)), (50, RISK), (49, RISK), (20, READY), (19, READY)) == [
        (200, Kind.SHORT),
        (50, Kind.MENDED),
        (49, Kind.AT_RISK),
        (20, Kind.READY),
    ]


# --- The start --------------------------------------------------------------------------------------


def test_the_first_look_after_the_start_sees_what_is_not_ready() -> None:
    late = replace(GOOD, ready=18, is_bad=True)
    assert told((1, GOOD), (0, late), (-1, late), (-6, READY), (-7, READY)) == [(0, Kind.NOT_READY), (-6, Kind.READY)]


def test_a_class_that_was_told_to_be_at_risk_is_told_to_be_not_ready() -> None:
    late = replace(GOOD, ready=18, is_bad=True)
    assert told((50, RISK), (49, RISK), (-1, late), (-6, READY)) == [
        (49, Kind.AT_RISK),
        (-1, Kind.NOT_READY),
        (-6, Kind.READY),
    ]


def test_a_computer_that_is_loaded_again_in_the_class_is_no_news() -> None:
    used = replace(GOOD, ready=19, is_bad=True)
    assert told((1, READY), (0, READY), (-1, used), (-5, used), (-50, used)) == []


@pytest.mark.parametrize(("after", "news"), [(10, [(-10, Kind.NOT_READY)]), (11, [])])
def test_a_look_that_missed_the_start_says_nothing_about_it(after: int, news: list[tuple[int, Kind]]) -> None:
    assert told((5, GOOD), (-after, replace(GOOD, ready=18))) == news


def test_a_shortage_that_was_told_is_no_second_news_at_the_start() -> None:
    assert told((200, call(2)), (0, short(2, ready=18)), (-1, short(2, ready=18))) == [(200, Kind.SHORT)]


def test_beside_a_shortage_others_may_be_late_at_the_start() -> None:
    assert told((200, call(2)), (0, short(2, ready=10))) == [(200, Kind.SHORT), (0, Kind.NOT_READY)]


def test_what_is_told_at_the_start_has_the_shortage_in_it() -> None:
    assert told((0, short(2, ready=10)), (-1, short(2, ready=12)), (-2, short(3, ready=12)), (-15, short(3))) == [
        (0, Kind.NOT_READY),
        (-15, Kind.SHORT),
    ]


def test_after_the_start_nothing_is_at_risk() -> None:
    assert told((0, READY), (-1, RISK), (-2, RISK), (-3, RISK)) == []


# --- More than a day ahead --------------------------------------------------------------------------

DAYS = 24 * 60  # minutes


def test_a_day_ahead_only_the_first_shortage_is_told() -> None:
    assert told((3 * DAYS, call(2)), (3 * DAYS - 1, call(3)), (2 * DAYS, call()), (2 * DAYS - 1, call(1))) == [
        (3 * DAYS, Kind.SHORT)
    ]


def test_a_shortage_that_has_grown_is_told_a_day_ahead() -> None:
    early = replace(short(5), is_bad=False)
    assert told((3 * DAYS, call(2)), (2 * DAYS, call(5)), (DAYS, early), (DAYS - 1, early)) == [
        (3 * DAYS, Kind.SHORT),
        (DAYS, Kind.SHORT),
    ]


def test_a_shortage_that_is_over_is_told_a_day_ahead() -> None:
    assert told((3 * DAYS, call(2)), (2 * DAYS, call(5)), (2 * DAYS, call()), (DAYS, GOOD), (DAYS - 1, GOOD)) == [
        (3 * DAYS, Kind.SHORT),
        (DAYS, Kind.MENDED),
    ]


def test_what_had_grown_and_is_as_it_was_is_no_news() -> None:
    early = replace(short(2), is_bad=False)
    assert told((3 * DAYS, call(2)), (2 * DAYS, call(5)), (DAYS, early), (DAYS - 1, early)) == [(3 * DAYS, Kind.SHORT)]


def test_a_look_tells_nothing_so_early() -> None:
    assert step(Standing(START), RISK, START - AHEAD - 1)[1] is None
    assert step(Standing(START), short(20), START - AHEAD - 1)[1] is None


# --- What is closed or moved ------------------------------------------------------------------------


def test_of_a_class_that_does_not_take_place_nothing_is_told() -> None:
    assert told((50, replace(RISK, is_closed=True)), (49, CLOSED), (0, replace(short(5), is_closed=True))) == []


def test_a_class_that_was_closed_begins_anew() -> None:
    assert told((200, call(2)), (190, CLOSED), (180, call()), (20, READY)) == [(200, Kind.SHORT)]
    assert told((200, call(2)), (190, CLOSED), (180, call(2))) == [(200, Kind.SHORT), (180, Kind.SHORT)]


def moved(view: View, hours: int) -> View:
    return replace(view, start=START + hours * HOUR)


def test_what_was_told_of_a_class_that_is_moved_is_taken_back_once() -> None:
    assert told((50, RISK), (49, RISK), (48, moved(GOOD, 3)), (47, moved(READY, 3)), (46, moved(READY, 3))) == [
        (49, Kind.AT_RISK),
        (47, Kind.READY),
    ]
    assert told((50, call(2)), (48, moved(call(2), 3)), (47, moved(call(), 3))) == [
        (50, Kind.SHORT),
        (47, Kind.MENDED),
    ]


def test_a_class_that_is_moved_has_its_start_to_come() -> None:
    late = replace(GOOD, ready=18)
    assert told((0, late), (-1, moved(late, 1)), (-60, moved(late, 1)), (-66, moved(READY, 1))) == [
        (0, Kind.NOT_READY),
        (-60, Kind.NOT_READY),
        (-66, Kind.READY),
    ]


def test_trouble_that_was_seen_before_it_moved_is_seen_anew() -> None:
    assert told((50, RISK), (49, moved(RISK, 3))) == []


def test_what_nothing_is_to_be_said_of_has_no_standing() -> None:
    assert step(Standing(START), GOOD, START - HOUR) == (Standing(START), None)
    assert step(Standing(START), call(), START - HOUR) == (Standing(START), None)
    assert step(Standing(START, short=2, at_risk=1, begun=True), CLOSED, START) == (Standing(START), None)
