"""What is said about a class: how sure it is that its machines are ready at the start."""

from datetime import datetime
from typing import NamedTuple
from zoneinfo import ZoneInfo

from scheduling.wording import plural

_NEARLY_CERTAIN, _NEARLY_IMPOSSIBLE = 0.99, 0.01  # probabilities: a plan is played too few times to say more


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

    def rounded(self) -> "Outlook":
        """The same, with as many digits as answers of the service have."""
        return self._replace(ready=round(self.ready, 3), late=round(self.late, 2))


def sureness(ready: float) -> str:
    """How sure something is, for people: `97 % sure`; never `0 % sure` or `100 % sure`."""
    if ready > _NEARLY_CERTAIN:
        return "more than 99 % sure"
    if ready < _NEARLY_IMPOSSIBLE:
        return "less than 1 % sure"
    return f"{_nearest(100 * ready)} % sure"


def in_words(ready: float, late: float, machines: int, start: int, zone: ZoneInfo) -> str:
    """What is said about a class that starts at `start`: `97 % sure that all 20 are ready at 09:00`.

    "" for a class without machines. Of a single machine, `late` says no more than `ready` does.
    """
    if machines < 1:
        return ""
    what = {1: "the machine is", 2: "both machines are"}.get(machines, f"all {machines} are")
    late_ones = _nearest(late) if machines > 1 else 0
    more = f", {plural(late_ones, 'machine')} expected late" if late_ones else ""
    return f"{sureness(ready)} that {what} ready at {datetime.fromtimestamp(start, zone):%H:%M}{more}"


def in_full(words: str, minutes: int) -> str:
    """What `in_words` says, as a sentence with the minutes: `…; 240 computer-minutes taken before the start`."""
    if not words:
        return ""
    return f"{words[0].upper()}{words[1:]}; {plural(minutes, 'computer-minute')} taken before the start"


def _nearest(number: float) -> int:
    """The nearest whole number to one that is not negative; a half is rounded up."""
    return int(number + 1 / 2)
