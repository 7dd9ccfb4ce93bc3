"""What is held after a commit, and for how long: so that no member of a class is sent to another's (SPEC 8.7)."""

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


def found(
    just_taken: BlockTimeComputers,
    others: list[BlockTimeComputers],
    now: int = EARLY,
    held: dict[int, int] | None = None,
    written: int = 0,
) -> Holds:
    """The holds, with times that are seconds from `now` on; they are written so many seconds later."""
    existing = {id_: now + ends for id_, ends in (held or {}).items()}
    decided = holds(just_taken, others, existing, now, Seconds(BRIEF, LONG), now + written)
    expires = {id_: ends - now for id_, ends in decided.expires.items()}
    until = decided.substitutes_until
    return Holds(expires, decided.substitutes, None if until is None else until - now)


def test_what_nobody_waits_for_is_held_for_long_and_has_no_substitutes() -> None:
    assert found(block(1, NINE, ELEVEN, {1, 2}), [OTHER]) == Holds({1: LONG, 2: LONG})


def test_what_is_loaded_is_held_for_a_moment_and_so_is_what_overlaps() -> None:
    assert found(OURS, [OTHER]) == Holds({1: BRIEF, 2: BRIEF, 3: LONG}, frozenset({4, 5}), BRIEF)


def test_a_block_that_touches_has_no_substitutes() -> None:
    assert found(OURS, [block(2, ELEVEN, ONE, {4})]).substitutes == frozenset()


def test_what_the_call_got_is_not_held_twice() -> None:
    """A computer of ours that the other block has too, at other hours: it is held with ours."""
    assert found(OURS, [block(2, TEN, TWELVE, {3, 4})]).substitutes == {4}


def test_no_hold_is_shortened_and_substitutes_are_held_as_long() -> None:
    assert found(OURS, [OTHER], held={1: 30, 3: 60}) == Holds({1: 30, 2: BRIEF, 3: 60}, frozenset({4, 5}), 30)


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
def test_nothing_that_is_loaded_is_held_while_its_members_come(now: int, held: bool) -> None:
    decided = found(OURS, [OTHER], now)
    assert decided.expires == ({1: BRIEF, 2: BRIEF, 3: LONG} if held else {3: LONG})
    assert bool(decided.substitutes) == held


def test_what_an_earlier_call_holds_then_is_held_on_and_its_substitutes_with_it() -> None:
    assert found(OURS, [OTHER], NINE, held={2: 20}) == Holds({2: 20, 3: LONG}, frozenset({4, 5}), 20)


def test_members_who_are_kept_off_their_own_computers_must_not_get_ours() -> None:
    """The other class was allocated two seconds ago; ours begins now. As substitutes 4 and 5 are held anew."""
    other = block(2, TEN, TWELVE, {4, 5}, loaded={4})
    for ends, held in ((3, BRIEF), (20, 20)):
        decided = found(OURS, [other], NINE, held={4: ends})
        assert decided == Holds({1: held, 2: held, 3: LONG}, frozenset({4, 5}), held)


def test_a_hold_that_has_run_out_is_not_put_back() -> None:
    """While the call waited, say. An expired row would let the front end in, whatever the other rows say."""
    assert found(OURS, [OTHER], NINE, held={1: -1}) == Holds({3: LONG})
    assert found(OURS, [block(2, TEN, TWELVE, {4, 5}, loaded={4})], NINE, held={4: -1}) == Holds({3: LONG})


def test_a_computer_that_is_loaded_for_another_class_is_as_dear_to_that_one() -> None:
    """Ours comes in the afternoon; the class of nine o'clock, for which the computer is loaded, overlaps class 2."""
    afternoon = block(9, ONE, ONE + 3600, {1, 7})
    decided = found(afternoon, [OURS, OTHER, block(3, ONE, ONE + 600, {6})])
    assert decided == Holds({1: BRIEF, 7: LONG}, frozenset({4, 5}), BRIEF)


def test_who_is_held_loaded_for_our_sake_must_not_be_sent_on_either() -> None:
    """Block 2 overlaps ours and is loaded: its members would get what block 3 has, which does not overlap ours."""
    loaded = block(2, TEN, TWELVE, {4, 5}, loaded={4})
    later = block(3, ELEVEN + MINUTE, ONE, {6})
    assert found(OURS, [loaded, later]).substitutes == {4, 5, 6}
    assert found(OURS, [OTHER, later]).substitutes == {4, 5}


def test_what_the_block_had_before_is_held_when_members_of_others_could_get_it() -> None:
    """A top-up: those of class 2 are kept off theirs for the sake of what it has just got."""
    before = block(1, NINE, ELEVEN, {8, 9}, loaded={8})
    other = block(2, TEN, TWELVE, {4, 5}, loaded={4})
    assert found(OURS, [before, other]).substitutes == {4, 5, 8, 9}
    assert found(OURS, [before, OTHER]).substitutes == {4, 5}
    assert found(OURS, [before]).substitutes == frozenset()


def test_what_the_call_got_is_held_as_long_as_the_others_that_members_could_get() -> None:
    """A class of the evening gets 4 and 6 of two classes in the morning; 4 has had a hold since before its load ended.

    Members of class 2 are kept off 4 and 5 until that is over: 6, of a class at the same hours, is not free before.
    """
    evening = block(9, ONE, ONE + 3600, {4, 6})
    morning = [block(2, TEN, TWELVE, {4, 5}, loaded={4, 5}), block(3, NINE, ELEVEN, {6}, loaded={6})]
    assert found(evening, morning, held={4: 15}) == Holds({4: 15, 6: 15}, frozenset({5}), 15)


def test_what_is_written_seconds_after_the_look_frees_nothing_before_the_substitutes() -> None:
    """Members of class 2 are kept off 4 until the hold on it ends, and could get ours, which overlaps, till then."""
    other = block(2, TEN, TWELVE, {4, 5}, loaded={4})
    assert found(OURS, [other], written=3) == Holds({1: 8, 2: 8, 3: LONG}, frozenset({4, 5}), 8)
    alone = found(OURS, [OTHER], written=3)
    assert alone == Holds({1: BRIEF, 2: BRIEF, 3: LONG}, frozenset({4, 5}), 8)


def test_chains_that_come_round_end() -> None:
    around = [block(id_, NINE, ELEVEN, {id_ * 10}, loaded={id_ * 10}) for id_ in range(2, 8)]
    assert found(OURS, around).substitutes == {id_ * 10 for id_ in range(2, 8)}


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
def test_the_sweep_finds_what_step_by_step_is_found(
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
    assert found(just_taken, others).substitutes == _slowly(just_taken, others)
