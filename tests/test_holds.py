"""What is held after a commit, and for how long: so that no member of a class is sent to another's (SPEC 8.7)."""

import pytest

from scheduling.holds import HeldBlock, Holds, holds

NINE, TEN, ELEVEN, TWELVE, ONE = (hour * 3600 for hour in (9, 10, 11, 12, 13))
MINUTE = 60
EARLY = 3 * 3600  # when the block of nine o'clock is asked for


def block(id_: int, start: int, end: int, computers: set[int], loaded: set[int] | None = None) -> HeldBlock:
    """A block time that has these computers."""
    return HeldBlock(id_, start, end, frozenset(computers), frozenset(loaded or ()))


OURS = block(1, NINE, ELEVEN, {1, 2, 3}, loaded={1, 2})
BESIDE = block(2, TEN, TWELVE, {4, 5})


def test_what_nobody_waits_for_is_held_for_long_and_nothing_beside_it() -> None:
    assert holds(block(1, NINE, ELEVEN, {1, 2}), [BESIDE], EARLY) == Holds()


def test_what_is_loaded_is_held_for_a_moment_and_so_is_what_overlaps() -> None:
    assert holds(OURS, [BESIDE], EARLY) == Holds(brief=frozenset({1, 2}), beside=frozenset({4, 5}))


def test_a_block_that_touches_is_not_beside() -> None:
    assert holds(OURS, [block(2, ELEVEN, ONE, {4})], EARLY).beside == frozenset()


def test_what_the_call_got_is_not_held_twice() -> None:
    """A computer of ours that the block beside has too, at other hours: it is held with ours."""
    assert holds(OURS, [block(2, TEN, TWELVE, {3, 4})], EARLY).beside == {4}


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
    found = holds(OURS, [BESIDE], now)
    assert bool(found.brief) == bool(found.beside) == held
    assert found.free == (frozenset() if held else OURS.loaded)


def test_a_computer_that_is_loaded_for_another_class_is_as_dear_to_that_one() -> None:
    """Ours comes in the afternoon; the class of nine o'clock, for which the computer stands loaded, is beside 2."""
    afternoon = block(9, ONE, ONE + 3600, {1, 7})
    found = holds(afternoon, [OURS, BESIDE, block(3, ONE, ONE + 600, {6})], EARLY)
    assert found == Holds(brief=frozenset({1}), beside=frozenset({4, 5}))


def test_who_is_held_loaded_for_our_sake_must_not_be_sent_on_either() -> None:
    """Block 2 overlaps ours and is loaded: its members would get what block 3 has, which does not overlap ours."""
    loaded = block(2, TEN, TWELVE, {4, 5}, loaded={4})
    later = block(3, ELEVEN + MINUTE, ONE, {6})
    assert holds(OURS, [loaded, later], EARLY).beside == {4, 5, 6}
    assert holds(OURS, [BESIDE, later], EARLY).beside == {4, 5}


def test_chains_that_come_round_end() -> None:
    around = [block(id_, NINE, ELEVEN, {id_ * 10}, loaded={id_ * 10}) for id_ in range(2, 8)]
    assert holds(OURS, around, EARLY).beside == {id_ * 10 for id_ in range(2, 8)}
