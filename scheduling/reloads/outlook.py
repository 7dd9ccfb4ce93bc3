"""What is said about a class: how sure it is that its machines are ready at the start."""

from datetime import datetime
from typing import NamedTuple
from zoneinfo import ZoneInfo

from scheduling.wording import plural

_HARDLY_MORE_SURE = 0.99


class Outlook(NamedTuple):
    """How sure it is that a class has its machines at its start.

    `ready`: the probability that all `machines` (that it has) are ready at the start. `late`: how many machines are
    expected to be late, on average. `minutes`: from the begin of the reloads to the start, summed over all computers.
    `mended`: whether keep_ready runs, which makes up for what fails.
    """

    machines: int
    ready: float
    late: float
    minutes: int
    mended: bool


def sureness(ready: float) -> str:
    """How sure something is, for people: `97 % sure`; never `100 % sure`."""
    if ready > _HARDLY_MORE_SURE:
        return "more than 99 % sure"
    return f"{ready:.0%}".replace("%", " % sure") if ready >= 1 - _HARDLY_MORE_SURE else "less than 1 % sure"


def in_words(ready: float, late: float, machines: int, start: int, zone: ZoneInfo) -> str:
    """What is said about a class that starts at `start`: `97 % sure that all 20 are ready at 09:00`."""
    clock = f"{datetime.fromtimestamp(start, zone):%H:%M}"
    what = f"all {machines} are ready" if machines != 1 else "it is ready"
    more = f", {plural(round(late), 'machine')} expected late" if late >= 1 / 2 else ""
    return f"{sureness(ready)} that {what} at {clock}{more}"
