"""The kinds of news about a class."""

from enum import StrEnum


class Kind(StrEnum):
    """What has changed.

    Trouble: the class lacks machines; it has them, but may not be ready at its start; it was not ready at its start.
    And that it is over: all machines are there again; all that were at risk, or late, are ready. Days ahead the
    forecast sees that the class will lack machines, and that it will have them all after all.
    """

    SHORT = "short"
    AT_RISK = "at risk"
    NOT_READY = "not ready"
    MENDED = "mended"
    READY = "ready"
    FORESEEN = "foreseen"
    FORESEEN_OVER = "foreseen over"

    @property
    def is_trouble(self) -> bool:
        """Whether it is bad news."""
        return self in (Kind.SHORT, Kind.AT_RISK, Kind.NOT_READY, Kind.FORESEEN)

    @property
    def is_of_forecast(self) -> bool:
        """Whether it is about machines that the class will have, by the forecast, and not about those that it has."""
        return self in (Kind.FORESEEN, Kind.FORESEEN_OVER)
