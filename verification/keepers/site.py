"""The site of the campaign: that of verification.allocations, with classes in the next hours, on the real clock.

The first classes begin in 21 minutes, so that their reloads begin in the first minute; none begins while the
campaign lasts, so no exception for the start of a class applies.
"""

import random

from verification.allocations.site import Site, site

MINUTE = 60
FIRST_START = 21 * MINUTE
HOURS = 5  # in which classes begin; keep_ready looks six hours ahead
COMPUTERS, BLOCK_TIMES = 240, 20
LAST = 15 * MINUTE  # the longest campaign


def rows(seed: int, begun: int) -> Site:
    """The rows, and the block times, of a campaign that began at `begun` (Unix seconds)."""
    return site(BLOCK_TIMES, COMPUTERS, HOURS, random.Random(seed), first_start=begun + FIRST_START)
