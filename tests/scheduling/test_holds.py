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
BESIDE = block(2, TEN, TWELVE, {4, 5})
BRIEF, LONG = 5, 45


def found(
    got: BlockTimeComputers, others: list[BlockTimeComputers], now: int = EARLY, held: dict[int, int] | None = None
) -> Holds:
    """What is held, with times that are seconds from `now` on."""
    decided = holds(got, others, {id_: now + ends for id_, ends in (held or {}).items()}, now, Seconds(BRIEF, LONG))
    expires = {id_: ends - now for id_, ends in decided.expires.items()}
    return Holds(expires, decided.beside, decided.until - now)


def test_what_nobody_waits_for_is_held_for_long_and_nothing_beside_it() -> None:
    assert found(block(1, NINE, ELEVEN, {1, 2}), [BESIDE]) == Holds({1: LONG, 2: LONG}, frozenset(), -1)


def test_what_is_loaded_is_held_for_a_moment_and_so_is_what_overlaps() -> None:
    assert found(OURS, [BESIDE]) == Holds({1: BRIEF, 2: BRIEF, 3: LONG}, frozenset({4, 5}), BRIEF)


def test_a_block_that_touches_is_not_beside() -> None:
    assert found(OURS, [block(2, ELEVEN, ONE, {4})]).beside == frozenset()


def test_what_the_call_got_is_not_held_twice() -> None:
    """A computer of ours that the block beside has too, at other hours: it is held with ours."""
    assert found(OURS, [block(2, TEN, TWELVE, {3, 4})]).beside == {4}


def test_no_hold_is_shortened_and_what_is_beside_is_held_as_long() -> None:
    assert found(OURS, [BESIDE], held={1: 30, 3: 60}) == Holds({1: 30, 2: BRIEF, 3: 60}, frozenset({4, 5}), 30)


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
    decided = found(OURS, [BESIDE], now)
    assert decided.expires == ({1: BRIEF, 2: BRIEF, 3: LONG} if held else {3: LONG})
    assert bool(decided.beside) == held


def test_what_an_earlier_call_holds_then_is_held_on_and_what_is_beside_with_it() -> None:
    assert found(OURS, [BESIDE], NINE, held={2: 20}) == Holds({2: 20, 3: LONG}, frozenset({4, 5}), 20)


def test_members_who_are_kept_off_their_own_computers_must_not_get_ours() -> None:
    """The class beside was allocated two seconds ago; ours begins now."""
    beside = block(2, TEN, TWELVE, {4, 5}, loaded={4})
    assert found(OURS, [beside], NINE, held={4: 3}) == Holds({1: 3, 2: 3, 3: LONG}, frozenset({4, 5}), 3)


def test_a_computer_that_is_loaded_for_another_class_is_as_dear_to_that_one() -> None:
    """Ours comes in the afternoon; the class of nine o'clock, for which the computer stands loaded, is beside 2."""
    afternoon = block(9, ONE, ONE + 3600, {1, 7})
    decided = found(afternoon, [OURS, BESIDE, block(3, ONE, ONE + 600, {6})])
    assert decided == Holds({1: BRIEF, 7: LONG}, frozenset({4, 5}), BRIEF)


def test_who_is_held_loaded_for_our_sake_must_not_be_sent_on_either() -> None:
    """Block 2 overlaps ours and is loaded: its members would get what block 3 has, which does not overlap ours."""
    loaded = block(2, TEN, TWELVE, {4, 5}, loaded={4})
    later = block(3, ELEVEN + MINUTE, ONE, {6})
    assert found(OURS, [loaded, later]).beside == {4, 5, 6}
    assert found(OURS, [BESIDE, later]).beside == {4, 5}


def test_what_the_block_had_before_is_held_when_members_of_others_could_get_it() -> None:
    """A top-up: those of class 2 are kept off theirs for the sake of what it has just got."""
    before = block(1, NINE, ELEVEN, {8, 9}, loaded={8})
    beside = block(2, TEN, TWELVE, {4, 5}, loaded={4})
    assert found(OURS, [before, beside]).beside == {4, 5, 8, 9}
    assert found(OURS, [before, BESIDE]).beside == {4, 5}
    assert found(OURS, [before]).beside == frozenset()


def test_chains_that_come_round_end() -> None:
    around = [block(id_, NINE, ELEVEN, {id_ * 10}, loaded={id_ * 10}) for id_ in range(2, 8)]
    assert found(OURS, around).beside == {id_ * 10 for id_ in range(2, 8)}


def _slowly(got: BlockTimeComputers, others: list[BlockTimeComputers]) -> frozenset[int]:
    """Step by step: from each exposed class to all that overlap it, and on from those of them that are loaded."""
    exposed = [each for each in [got, *others] if each.loaded & got.computers]
    seen = {each.id for each in exposed}
    reached: set[int] = set()
    while exposed:
        here = exposed.pop()
        for other in others:
            if other.id != here.id and here.start < other.end and other.start < here.end:
                reached |= other.computers
                if other.loaded and other.id not in seen:
                    seen.add(other.id)
                    exposed.append(other)
    return frozenset(reached) - got.computers


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

    got = made(1, hours, computers, loaded)
    others = [made(number, *each) for number, each in enumerate(drawn, 2)]
    assert found(got, others).beside == _slowly(got, others)
