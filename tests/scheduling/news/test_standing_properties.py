"""Whatever is seen of a class, in whatever order: people are told each change once."""

from collections.abc import Iterator, Sequence
from dataclasses import replace

import pytest
from hypothesis import event, given
from hypothesis import strategies as st

from scheduling.news.kinds import Kind
from scheduling.news.standing import AHEAD, DEEPENING, Standing, View, step
from tests.support.properties import PROFILE

pytestmark = [pytest.mark.no_database, pytest.mark.once(on="mariadb")]

START = 1_000_000_000
WANTED = 5


@st.composite
def views(draw: st.DrawFn) -> View:
    """A class as it may be: not more ready than usable, and where nothing is known, nothing is said."""
    start = START + draw(st.sampled_from([0, 0, 0, 0, 0, 0, 3600, 2 * AHEAD]))
    is_closed = draw(st.sampled_from([False] * 9 + [True]))
    usable = draw(st.sampled_from([WANTED, WANTED, WANTED, WANTED - 1, WANTED - 2, 0]))
    if draw(st.booleans()) and draw(st.booleans()):
        return View(start, WANTED, usable, is_closed=is_closed)
    ready = draw(st.sampled_from([usable, usable, max(usable - 1, 0), 0]))
    is_risk = draw(st.booleans()) and ready < usable
    is_bad = is_risk or (usable < WANTED and draw(st.booleans()))
    return View(start, WANTED, usable, ready, is_bad=is_bad, is_risk=is_risk, is_closed=is_closed)


@st.composite
def histories(draw: st.DrawFn) -> list[tuple[int, View]]:
    """Views, each with its moment: minutes apart as a rule, sometimes at once, or hours later."""
    now, history = START - draw(st.sampled_from([2 * AHEAD, AHEAD, 7200, 1800])), []
    for view in draw(st.lists(views(), min_size=1, max_size=25)):
        now += draw(st.sampled_from([0, 5, 60, 60, 60, 60, 300, 3600]))
        history.append((now, view))
    return history


def steps(history: Sequence[tuple[int, View]]) -> Iterator[tuple[int, View, Standing, Standing, Kind | None]]:
    """Each view with the standing before it and after it, and what was told."""
    standing = Standing(history[0][1].start)
    for now, view in history:
        before = standing
        standing, kind = step(standing, view, now)
        if kind is not None:
            event(f"told: {kind}")
        yield now, view, before, standing, kind


@PROFILE
@given(histories())
def test_nothing_is_told_again_before_it_was_over(history: list[tuple[int, View]]) -> None:
    """By what a reader of the messages knows, and nothing else."""
    missing, is_risk, not_ready_at = 0, False, set[int]()
    for _, view, _, _, kind in steps(history):
        if view.is_closed:
            assert kind is None
            missing, is_risk, not_ready_at = 0, False, set()
        elif kind is Kind.SHORT:
            assert view.missing > missing
            missing = view.missing
            is_risk = is_risk or view.is_risk  # it says so
        elif kind is Kind.AT_RISK:
            assert not is_risk
            is_risk = True
        elif kind is Kind.NOT_READY:
            assert view.start not in not_ready_at
            not_ready_at.add(view.start)
            is_risk, missing = True, max(missing, view.missing)
        elif kind is Kind.MENDED:
            assert missing
            assert not view.missing
            missing = 0
        elif kind is Kind.READY:
            assert is_risk
            assert view.is_all_ready
            missing, is_risk = 0, False


@PROFILE
@given(histories())
def test_a_shortage_that_grows_is_told_now_and_then(history: list[tuple[int, View]]) -> None:
    """Not one computer after another, but all of it in the end; and at once when there is nothing left."""
    last: int | None = None
    for now, view, before, after, kind in steps(history):
        if view.is_closed or kind in (Kind.MENDED, Kind.READY):
            last = None
        if kind is Kind.SHORT:
            assert last is None or not view.usable or now - last >= DEEPENING
            event("grown" if last is not None else "first")
        if kind is Kind.SHORT or (kind is Kind.NOT_READY and after.short > before.short):
            last = now
        if view.missing > after.short > 0 and not view.is_closed:  # a look that sees it twice tells it later
            later = now + DEEPENING
            if view.start - later <= AHEAD and later < view.start:
                look = replace(view, ready=0, is_bad=True, is_risk=False)
                again, _ = step(after, look, later - 60)
                assert again.short < view.missing
                assert step(again, look, later)[1] is Kind.SHORT


@PROFILE
@given(histories())
def test_what_was_told_is_taken_back_once_when_all_are_ready(history: list[tuple[int, View]]) -> None:
    for now, view, before, after, kind in steps(history):
        if not view.is_all_ready or view.is_closed or view.start - now > AHEAD:
            continue
        is_told = bool(before.short) or before.at_risk is not None or before.not_ready is not None
        assert (kind in (Kind.READY, Kind.MENDED)) is is_told
        assert (after.short, after.troubled, after.at_risk, after.not_ready) == (0, None, None, None)
        event("taken back" if is_told else "nothing to take back")


@PROFILE
@given(histories())
def test_the_same_view_again_makes_no_news(history: list[tuple[int, View]]) -> None:
    """But for what follows good news: a class is complete again, and at risk."""
    for now, view, _, after, kind in steps(history):
        again, more = step(after, view, now)
        if kind is Kind.MENDED:
            assert more in (None, Kind.AT_RISK, Kind.NOT_READY)
            again, more = step(again, view, now)
        assert more is None
        assert step(again, view, now) == (again, None)


@PROFILE
@given(histories())
def test_a_day_ahead_a_class_is_short_once(history: list[tuple[int, View]]) -> None:
    early = [(START - 3 * AHEAD, replace(view, start=START, is_closed=False)) for _, view in history]
    kinds = [kind for *_, kind in steps(early) if kind is not None]
    assert kinds in ([], [Kind.SHORT])


@PROFILE
@given(st.lists(st.booleans(), min_size=1, max_size=200))
def test_a_signal_that_flaps_is_told_once(risks: list[bool]) -> None:
    """Before the start and after it, as long as not all machines are ready."""
    view = View(START, WANTED, WANTED, WANTED - 1)
    history = [
        (START - 7200 + 60 * minute, replace(view, is_bad=is_bad, is_risk=is_bad))
        for minute, is_bad in enumerate(risks)
    ]
    kinds = [kind for *_, kind in steps(history) if kind is not None]
    assert kinds.count(Kind.AT_RISK) <= 1
    assert kinds.count(Kind.NOT_READY) == (len(risks) > 120)
    assert len(kinds) <= 2
