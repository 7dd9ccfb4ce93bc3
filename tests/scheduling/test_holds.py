"""Which computers are held after a commit, and for how long (SPEC 8.7).

Holds keep members of one class from being sent to another's computers.
"""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scheduling.holds import BlockTimeComputers, Holds, Seconds, holds

pytestmark = [pytest.mark.no_database, pytest.mark.once(on="sqlite")]

NINE, TEN, ELEVEN, TWELVE, ONE = (hour * 3600 for hour in (9, 10, 11, 12, 13))
MINUTE = 60
EARLY = 3 * 3600  # when the block of nine o'clock is asked for


def block(id_: int, start: int, end: int, computers: set[int], loaded: set[int] | None = None) -> BlockTimeComputers:
    """A block time that has these computers."""
    return BlockTimeComputers(id_, start, end, frozenset(computers), frozenset(loaded or ()))


OURS = block(1, NINE, ELEVEN, {1, 2, 3}, loaded={1, 2})
OTHER = block(2, TEN, TWELVE, {4, 5})
BRIEF, LONG = 5, 45


def decide(
    got: BlockTimeComputers, others: list[BlockTimeComputers], now: int = EARLY, current: dict[int, int] | None = None
) -> Holds:
    """The holds after a call, with times in seconds from `now` on; `current` are those of earlier calls."""
    decided = holds(got, others, {id_: now + ends for id_, ends in (current or {}).items()}, now, Seconds(BRIEF, LONG))
    expires = {id_: ends - now for id_, ends in decided.expires.items()}
    until = decided.substitutes_until
    return Holds(expires, decided.substitutes, None if until is None else until - now)


def test_computers_that_are_not_loaded_are_held_for_long_and_nothing_beside_them() -> None:
    assert decide(block(1, NINE, ELEVEN, {1, 2}), [BESIDE]) == Holds({1: LONG, 2: LONG}, frozenset(), -1)


def test_loaded_computers_are_held_briefly_and_so_are_those_of_overlapping_classes() -> None:
    assert decide(OURS, [BESIDE]) == Holds({1: BRIEF, 2: BRIEF, 3: LONG}, frozenset({4, 5}), BRIEF)


def test_a_block_that_touches_is_not_beside() -> None:
    assert decide(OURS, [block(2, ELEVEN, ONE, {4})]).beside == frozenset()


def test_computers_of_the_call_are_not_held_twice() -> None:
    """A computer of ours that the block beside has too, at other hours: it is held with ours."""
    assert decide(OURS, [block(2, TEN, TWELVE, {3, 4})]).beside == {4}


def test_no_hold_is_shortened_and_those_beside_last_as_long() -> None:
    assert decide(OURS, [BESIDE], current={1: 30, 3: 60}) == Holds({1: 30, 2: BRIEF, 3: 60}, frozenset({4, 5}), 30)


@pytest.mark.parametrize(
    ("now", "held"),
    [
        (NINE - 5 * MINUTE - 1, True),
        (NINE - 5 * MINUTE, False),
        (NINE, False),
        (NINE + 15 * MINUTE, False),
        (NINE + 15 * MINUTE + 1, True),
    ],
)
def test_loaded_computers_are_not_held_while_members_sign_in(now: int, held: bool) -> None:
    decided = decide(OURS, [BESIDE], now)
    assert decided.expires == ({1: BRIEF, 2: BRIEF, 3: LONG} if held else {3: LONG})
    assert bool(decided.substitutes) == held


def test_holds_of_an_earlier_call_stay_and_those_beside_with_them() -> None:
    assert decide(OURS, [BESIDE], NINE, current={2: 20}) == Holds({2: 20, 3: LONG}, frozenset({4, 5}), 20)


def test_members_who_are_kept_off_their_own_computers_must_not_get_ours() -> None:
    """The class beside was allocated two seconds ago; ours begins now."""
    beside = block(2, TEN, TWELVE, {4, 5}, loaded={4})
    assert decide(OURS, [beside], NINE, current={4: 3}) == Holds({1: 3, 2: 3, 3: LONG}, frozenset({4, 5}), 3)


def test_a_computer_that_is_loaded_for_another_class_is_protected_for_that_one() -> None:
    """Ours comes in the afternoon; the class of nine o'clock, for which the computer is loaded, is beside 2."""
    afternoon = block(9, ONE, ONE + 3600, {1, 7})
    decided = decide(afternoon, [OURS, BESIDE, block(3, ONE, ONE + 600, {6})])
    assert decided == Holds({1: BRIEF, 7: LONG}, frozenset({4, 5}), BRIEF)


def test_members_of_a_loaded_class_beside_ours_must_not_be_sent_on_either() -> None:
    """Block 2 overlaps ours and is loaded: its members would get computers of block 3, which does not overlap ours."""
    loaded = block(2, TEN, TWELVE, {4, 5}, loaded={4})
    later = block(3, ELEVEN + MINUTE, ONE, {6})
    assert decide(OURS, [loaded, later]).beside == {4, 5, 6}
    assert decide(OURS, [BESIDE, later]).beside == {4, 5}


def test_earlier_computers_of_the_block_are_held_when_members_of_others_could_get_them() -> None:
    """A top-up: members of class 2 are kept off their own computers to protect the new ones."""
    before = block(1, NINE, ELEVEN, {8, 9}, loaded={8})
    beside = block(2, TEN, TWELVE, {4, 5}, loaded={4})
    assert decide(OURS, [before, beside]).beside == {4, 5, 8, 9}
    assert decide(OURS, [before, BESIDE]).beside == {4, 5}
    assert decide(OURS, [before]).beside == frozenset()


def test_chains_that_come_round_end() -> None:
    around = [block(id_, NINE, ELEVEN, {id_ * 10}, loaded={id_ * 10}) for id_ in range(2, 8)]
    assert decide(OURS, around).beside == {id_ * 10 for id_ in range(2, 8)}


def _slowly(just_taken: BlockTimeComputers, others: list[BlockTimeComputers]) -> frozenset[int]:
    """Step by step: from each class that is kept off to all that overlap it, and on from those that are loaded."""
    kept_off = [each for each in [just_taken, *others] if each.loaded & just_taken.computers]
    seen = {each.id for each in kept_off}
    reached: set[int] = set()
    while kept_off:
        here = kept_off.pop()
        for other in others:
            if other.id != here.id and here.start < other.end and other.start < here.end:
                reached |= other.computers
                if other.loaded and other.id not in seen:
                    seen.add(other.id)
                    kept_off.append(other)
    return frozenset(reached) - just_taken.computers


_HOURS = st.tuples(st.integers(0, 12), st.integers(1, 4))
_COMPUTERS = st.frozensets(st.integers(1, 6), min_size=1, max_size=3)


@given(st.lists(st.tuples(_HOURS, _COMPUTERS, st.booleans()), max_size=8), _HOURS, _COMPUTERS, st.booleans())
def test_the_sweep_agrees_with_a_search_step_by_step(
    drawn: list[tuple[tuple[int, int], frozenset[int], bool]],
    hours: tuple[int, int],
    computers: frozenset[int],
    loaded: bool,
) -> None:
    def made(id_: int, hours: tuple[int, int], computers: frozenset[int], loaded: bool) -> BlockTimeComputers:
        start = NINE + hours[0] * 600
        return BlockTimeComputers(id_, start, start + hours[1] * 600, computers, computers if loaded else frozenset())

    just_taken = made(1, hours, computers, loaded)
    others = [made(number, *each) for number, each in enumerate(drawn, 2)]
    assert decide(got, others).beside == _slowly(got, others)
