"""How long an image takes to load, as VCL estimates it (SPEC 6)."""

from collections.abc import Iterable

SHORTEST = 120  # seconds; a load that took no longer was none
LONGEST = 1800  # seconds; one that took as long was stuck


def estimate(loads: Iterable[tuple[int, int]], reload_minutes: int) -> int:
    """Seconds that a load takes: the mean of past loads, cut to whole seconds.

    `loads` are (start, loaded) in Unix seconds of those log rows that count; of them only loads
    of more than 120 s and less than 1800 s are used. Without any: the image's `reload_minutes`.
    """
    seconds = [loaded - start for start, loaded in loads if SHORTEST < loaded - start < LONGEST]
    return sum(seconds) // len(seconds) if seconds else reload_minutes * 60
