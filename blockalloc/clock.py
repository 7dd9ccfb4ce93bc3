"""The wall clock. Read through Python, so that stopping a process's clock stops the service's time."""

import time


def now() -> int:
    """The current time, Unix seconds."""
    return int(time.time())
