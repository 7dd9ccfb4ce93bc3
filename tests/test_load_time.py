"""How long an image takes to load (SPEC 6)."""

import pytest

from scheduling.load_time import estimate

RELOAD_MINUTES = 12


def loads(*seconds: int) -> list[tuple[int, int]]:
    """Loads that took so long, begun at any time."""
    begins = 1_700_000_000
    return [(begins + 10_000 * place, begins + 10_000 * place + took) for place, took in enumerate(seconds)]


def test_the_mean_of_past_loads_is_cut_to_whole_seconds() -> None:
    assert estimate(loads(300, 301), RELOAD_MINUTES) == 300
    assert estimate(loads(200, 300, 401), RELOAD_MINUTES) == 300
    assert estimate(loads(599), RELOAD_MINUTES) == 599


@pytest.mark.parametrize(("took", "counts"), [(120, False), (121, True), (1799, True), (1800, False), (-50, False)])
def test_only_loads_of_more_than_two_and_less_than_thirty_minutes_count(took: int, counts: bool) -> None:
    assert estimate(loads(took), RELOAD_MINUTES) == (took if counts else RELOAD_MINUTES * 60)


def test_loads_that_do_not_count_do_not_move_the_mean() -> None:
    assert estimate(loads(60, 400, 500, 5000), RELOAD_MINUTES) == 450


def test_without_any_load_the_images_own_reload_time_holds() -> None:
    assert estimate([], RELOAD_MINUTES) == 720
    assert estimate(loads(10, 3000), RELOAD_MINUTES) == 720


def test_any_iterable_will_do() -> None:
    assert estimate(iter(loads(300, 500)), RELOAD_MINUTES) == 400
