"""How long the search for remedies may take: plans are dear on large sites."""

import time


class Budget:
    """So many seconds from now on."""

    def __init__(self, seconds: float) -> None:
        self._until = time.monotonic() + seconds
        self.is_exceeded = False

    def allows(self) -> bool:
        """Whether there is time for one more plan; notes if there is none."""
        if time.monotonic() < self._until:
            return True
        self.is_exceeded = True
        return False
