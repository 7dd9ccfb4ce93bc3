"""Until when a reload can be withdrawn (SPEC 8.15)."""

from scheduling.windows import MINUTE

# How long before its start a management node may have read a reload. With `preload` 0 it begins it 35 minutes early.
HEAD_START, HEAD_START_OF_PRELOAD = MINUTE, 36 * MINUTE


def is_withdrawable(start: int, preload: int, now: int) -> bool:
    """Whether no management node can have begun a waiting reload with this start (Unix seconds)."""
    return start > now + (HEAD_START if preload else HEAD_START_OF_PRELOAD)
