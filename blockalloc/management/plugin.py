"""What a plugin of Nagios or Icinga answers, by the guidelines for plugins: status, ranges, figures, an end in time."""

import math
import os
import re
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from enum import IntEnum

_NUMBER = r"-?\d+(?:\.\d+)?"
_RANGE = re.compile(rf"(?P<inside>@)?(?:(?P<low>{_NUMBER}|~)?(?P<colon>:))?(?P<high>{_NUMBER})?", re.ASCII)


class Status(IntEnum):
    """The exit status of a plugin."""

    OK = 0
    WARNING = 1
    CRITICAL = 2
    UNKNOWN = 3


@dataclass(frozen=True, slots=True)
class Range:
    """The values that are in order, from `low` to `high`; with `inside`, those that are not. `text` is as given."""

    low: float
    high: float
    inside: bool
    text: str

    def alerts(self, value: float) -> bool:
        """Whether a value is not in order."""
        return (self.low <= value <= self.high) == self.inside


def read_range(text: str) -> Range:
    """A range as plugins take it: `10` (0 to 10), `10:` (10 or more), `~:10` (10 or less), `@10:20` (alert inside).

    Raises ValueError.
    """
    match = _RANGE.fullmatch(text)
    if match is None or not (match["low"] or match["high"]):
        raise ValueError(f"{text!r} is not a range: write 10 (alert above 10), 10: (alert below 10), 5:10 or @5:10")
    low = -math.inf if match["low"] == "~" else float(match["low"] or 0)
    high = math.inf if match["high"] is None else float(match["high"])
    if low > high:
        raise ValueError(f"{text!r} is not a range: it begins above its end")
    return Range(low, high, bool(match["inside"]), text)


def status_of(value: float, warning: Range | None, critical: Range | None) -> Status:
    """What a value means by its thresholds."""
    if critical is not None and critical.alerts(value):
        return Status.CRITICAL
    return Status.WARNING if warning is not None and warning.alerts(value) else Status.OK


@dataclass(frozen=True, slots=True)
class Figure:
    """A figure for a graph: a label without spaces, its value and unit ("", "s", "%"), thresholds and bounds."""

    label: str
    value: float
    unit: str = ""
    warning: str = ""
    critical: str = ""
    most: float | None = None

    def __str__(self) -> str:
        most = "" if self.most is None else _short(self.most)
        text = f"{self.label}={_short(self.value)}{self.unit};{self.warning};{self.critical};0;{most}"
        return text.rstrip(";")


def _short(value: float) -> str:
    return f"{value:.1f}".removesuffix(".0")


def answer(service: str, status: Status, text: str, figures: Sequence[Figure] = (), more: Sequence[str] = ()) -> str:
    """The whole output: the line that is shown, with the figures, and further lines."""
    first = f"{service} {status.name} - {plain(text)}"
    if figures:
        first += f" | {' '.join(map(str, figures))}"
    return "\n".join([first, *map(plain, more)])


def plain(text: str) -> str:
    """Text in one line, without what would end it for a monitoring system."""
    printable = "".join(each if each.isprintable() else " " for each in text.replace("|", "/"))
    return " ".join(printable.split())


@contextmanager
def ended_after(seconds: float, service: str) -> Iterator[None]:
    """End the process with status UNKNOWN when what is inside takes longer, whatever it waits for."""

    def end() -> None:
        print(answer(service, Status.UNKNOWN, f"no answer within {seconds:g} seconds"), flush=True)
        os._exit(Status.UNKNOWN)  # a thread that waits for the database cannot be interrupted

    timer = threading.Timer(seconds, end)
    timer.daemon = True
    timer.start()
    try:
        yield
    finally:
        timer.cancel()
