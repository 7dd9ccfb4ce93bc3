"""The current time. Read through Python, so that freezing a process's clock freezes the service's time."""

import time


def now() -> int:
    """The current time, Unix seconds."""
    return int(time.time())
