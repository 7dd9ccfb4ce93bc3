"""Why a computer was passed over, in words that staff can read."""

from datetime import datetime
from typing import NamedTuple
from zoneinfo import ZoneInfo


class Instant(int):
    """A figure that is a point in time: Unix seconds, told as the site's clock shows it."""


class Reason(NamedTuple):
    """The rule that decided, and a sentence with its figures; put into words only when it is read.

    `rule` names the rule (the functions of `rules` have the same names), `text` is a format string
    for `figures`.
    """

    rule: str
    text: str
    figures: tuple[object, ...] = ()

    def __str__(self) -> str:
        return self.text.format(*self.figures)

    def told(self, zone: ZoneInfo) -> str:
        """The sentence with its times in `zone`."""
        return self.text.format(*(_told(figure, zone) for figure in self.figures))


def _told(figure: object, zone: ZoneInfo) -> object:
    if not isinstance(figure, Instant):
        return figure
    try:
        return f"{datetime.fromtimestamp(figure, zone):%Y-%m-%d %H:%M}"
    except (ValueError, OverflowError):  # 9999-12-31 is how rows say "for ever", and in the west it is past that
        return "the end of the calendar"
