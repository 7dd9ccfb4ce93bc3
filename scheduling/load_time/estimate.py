"""How long an image takes to load, as VCL estimates it (SPEC 6)."""

from collections.abc import Sequence

SHORTEST = 120  # seconds; a reservation that was ready as soon as this found the image loaded already
LONGEST = 1800  # seconds; a load that took as long as this was stuck


def estimated_load_seconds(seconds: int, loads: int, reload_minutes: int) -> int:
    """The mean of the past `loads`, which took `seconds` together, in whole seconds (rounded down).

    Only loads of more than SHORTEST and less than LONGEST seconds count. Without any, the estimate is the image's
    `reload_minutes`.
    """
    return seconds // loads if loads else reload_minutes * 60


_FEW = 200  # loads: fewer say little about how long the longest ones take
_STUCK_SHARE = 0.995


def longest_load(lengths: Sequence[tuple[int, int]], estimate: int) -> int:
    """After how many seconds a load counts as stuck (SPEC 9.2).

    `lengths` are (seconds, number of loads) of past loads that count, the shortest first; `estimate` is their mean, or
    what stands for it.
    """
    total = sum(number for _, number in lengths)
    if total < _FEW:
        return 2 * estimate + 5 * 60
    rank = total * _STUCK_SHARE
    for seconds, number in lengths:
        rank -= number
        if rank <= 0:
            return max(seconds, estimate + estimate // 2)
    raise ValueError("the loads of all lengths together are fewer than their number")
