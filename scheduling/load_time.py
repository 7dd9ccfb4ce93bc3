"""How long an image takes to load, as VCL estimates it (SPEC 6)."""

from collections.abc import Iterable

SHORTEST = 120  # seconds; a load that took no longer was none
LONGEST = 1800  # seconds; one that took as long was stuck


def estimate(loads: Iterable[tuple[int, int]], reload_minutes: int) -> int:
    """Seconds that a load takes, by past loads as (start, loaded) in Unix seconds: see `mean`."""
    return mean(((loaded - start, 1) for start, loaded in loads), reload_minutes)


def mean(lengths: Iterable[tuple[int, int]], reload_minutes: int) -> int:
    """Seconds that a load takes: the mean of past loads, cut to whole seconds.

    `lengths` are (seconds, number of loads) of those log rows that count; of them only loads of
    more than 120 s and less than 1800 s are used. Without any: the image's `reload_minutes`.
    """
    counted = [(seconds, number) for seconds, number in lengths if SHORTEST < seconds < LONGEST]
    loads = sum(number for _, number in counted)
    return sum(seconds * number for seconds, number in counted) // loads if loads else reload_minutes * 60
