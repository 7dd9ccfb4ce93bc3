"""The kinds of news about a class."""

from enum import StrEnum


class Kind(StrEnum):
    """What has changed.

    Trouble: the class lacks machines; it has them, but may not be ready at its start; it was not ready at its start.
    And that it is over: all machines are there again; all that were at risk, or late, are ready.
    """

    SHORT = "short"
    AT_RISK = "at risk"
    NOT_READY = "not ready"
    MENDED = "mended"
    READY = "ready"

    @property
    def is_trouble(self) -> bool:
        """Whether it is bad news."""
        return self in (Kind.SHORT, Kind.AT_RISK, Kind.NOT_READY)
