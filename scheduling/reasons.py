"""Why a computer is not in a block, in words that staff can read, and whom that is about."""

from datetime import datetime
from typing import ClassVar, NamedTuple
from zoneinfo import ZoneInfo


class Instant(int):
    """A figure of a Reason: a point in time, in Unix seconds. It is described in site time."""


class RequestId(int):
    """A figure of a Reason: the id of a user's request or of a reload request."""

    kind: ClassVar = "request"


class BlockTimeId(int):
    """A figure of a Reason: the id of a block time."""

    kind: ClassVar = "block time"


class HostName(str):
    """A figure of a Reason: the name of a VM host."""

    __slots__ = ()
    kind: ClassVar = "VM host"


# A request and a block time can have equal ids: a dictionary of subjects needs their `kind` in its keys.
Subject = RequestId | BlockTimeId | HostName


class Reason(NamedTuple):
    """A rule that excludes a computer, and a sentence about it, which is put together only when it is read.

    `rule` names the rule (the functions of `rules` have the same names). `figures` are the values, numbers as well as
    names, that belong into the format string `text`.
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
        """The booking or the VM host that excludes the computer; None for a rule about the computer or the image."""
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
