"""Why a computer is not in a block, in words that staff can read, and whom that is about."""

from datetime import datetime
from typing import ClassVar, NamedTuple
from zoneinfo import ZoneInfo


class Instant(int):
    """A figure that is a point in time: Unix seconds, described in site time."""


class RequestId(int):
    """A figure that is the id of a user's request or of a reload request."""

    kind: ClassVar = "request"


class BlockTimeId(int):
    """A figure that is the id of a block time."""

    kind: ClassVar = "block time"


class HostName(str):
    """A figure that is the name of a VM host."""

    __slots__ = ()
    kind: ClassVar = "VM host"


# Numbers of different kinds can be equal: as a key a subject needs its `kind` beside it.
Subject = RequestId | BlockTimeId | HostName


class Reason(NamedTuple):
    """A rule that excludes a computer, and a sentence with its figures; put into words only when it is read.

    `rule` names the rule (the functions of `rules` have the same names), `text` is a format string
    for `figures`.
    """

    rule: str
    text: str
    figures: tuple[object, ...] = ()

    def __str__(self) -> str:
        return self.text.format(*self.figures)

    def describe(self, zone: ZoneInfo) -> str:
        """The sentence with its times in `zone`."""
        return self.text.format(*(_described(figure, zone) for figure in self.figures))

    @property
    def about(self) -> Subject | None:
        """Whose booking it is, or which VM host; None for a rule about the computer or the image itself."""
        return next((figure for figure in self.figures if isinstance(figure, Subject)), None)

    @property
    def times(self) -> list[Instant]:
        """The points in time that it names: of a booking its start and its end."""
        return [figure for figure in self.figures if isinstance(figure, Instant)]


def _described(figure: object, zone: ZoneInfo) -> object:
    if not isinstance(figure, Instant):
        return figure
    try:
        return f"{datetime.fromtimestamp(figure, zone):%Y-%m-%d %H:%M}"
    except (ValueError, OverflowError):  # 9999-12-31 is how rows say "for ever", and in the west it is past that
        return "the end of the calendar"
