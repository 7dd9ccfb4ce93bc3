"""Words that several texts for staff are made of."""

from collections.abc import Sequence
from datetime import datetime
from functools import lru_cache
from zoneinfo import ZoneInfo

from scheduling.windows import HOUR, MINUTE

_OF_SEVERAL = {
    "it is ": "they are ",
    "it has ": "they have ",
    "it holds ": "they hold ",
    "it does not ": "they do not ",
    "its reload ": "their reloads ",
    "its management node ": "their management node ",
}


def span(seconds: int) -> str:
    """How long something takes, as one says it: `40 s`, `38 min`, `2 h 10 min`, `30 h`, `3 days`."""
    if seconds < MINUTE:
        return f"{seconds} s"
    if seconds < HOUR:
        return f"{seconds // MINUTE} min"
    if seconds < 48 * HOUR:
        hours, minutes = divmod(seconds // MINUTE, 60)
        return f"{hours} h" + (f" {minutes} min" if minutes and hours < 10 else "")
    return f"{seconds // (24 * HOUR)} days"


def at(instant: int, now: int, zone: ZoneInfo) -> str:
    """When something happened, on the site's clock: `at 08:12`; on another day `on Fri 27 Nov at 08:12`."""
    day, time = _day_and_time(instant, now, zone)
    return f"on {day} at {time}" if day else f"at {time}"


def date_and_time(instant: int, now: int, zone: ZoneInfo) -> str:
    """The same after a comma: `08:12`; on another day `Fri 27 Nov 08:12`."""
    return " ".join(filter(None, _day_and_time(instant, now, zone)))


def _day_and_time(instant: int, now: int, zone: ZoneInfo) -> tuple[str, str]:
    """`Fri 27 Nov` and `08:12`; "" for the day if it is that of `now`, with the year if that is another one."""
    local, today = (datetime.fromtimestamp(moment, zone) for moment in (instant, now))
    year = "" if local.year == today.year else f" {local.year}"
    day = "" if local.date() == today.date() else f"{local:%a} {local.day} {local:%b}{year}"
    return day, f"{local:%H:%M}"


def listed(names: Sequence[str]) -> str:
    """The names of a few, and how many more there are."""
    if len(names) > 3:
        return f"{names[0]}, {names[1]} and {len(names) - 2} more"
    return " and ".join([", ".join(names[:-1]), names[-1]] if len(names) > 1 else names)


def computers(hostnames: Sequence[str]) -> str:
    """The computers' names, listed; without their domain, as long as they can be told apart so."""
    short = [_without_domain(name) for name in hostnames]
    return listed(short if len(set(short)) == len(set(hostnames)) else hostnames)


@lru_cache(maxsize=20_000)  # a page of a week names the same thousands again and again
def _without_domain(hostname: str) -> str:
    return hostname if hostname.replace(".", "").isdecimal() else hostname.partition(".")[0]


def said_of(number: int, reason: str) -> str:
    """A reason that begins with "it" or "its", said of one computer or of several: `they are in state failed`."""
    if number == 1:
        return reason
    beginning = next((each for each in _OF_SEVERAL if reason.startswith(each)), "")
    return f"{_OF_SEVERAL[beginning]}{reason.removeprefix(beginning)}" if beginning else reason


def plural(number: int, what: str) -> str:
    """`1 machine`, `2 machines`."""
    return f"{number} {what}{'' if number == 1 else 's'}"


def and_spares(number: int) -> str:
    """What follows a number of machines: ` and 2 spares`; "" for none."""
    return f" and {plural(number, 'spare')}" if number > 0 else ""


# --- Machines of a class ------------------------------------------------------------------------


def of_wanted(number: int, wanted: int) -> str:
    """`18 of 20 machines`."""
    return f"{number} of {plural(wanted, 'machine')}"


def allocated(number: int, wanted: int, spares: int = 0) -> str:
    """What a class has: `18 of 20 machines`, `20 of 20 machines and 2 spares`."""
    return f"{of_wanted(number, wanted)}{and_spares(spares)}"


def of_asked(number: int, asked: int, wanted: int) -> str:
    """What a class has of what the last call asked for, which is not always what its series wants.

    `18 of 20 machines`; `18 of 18 machines asked for, of 20 that the series wants`.
    """
    if asked == wanted:
        return of_wanted(number, wanted)
    return f"{of_wanted(number, asked)} asked for, of {wanted} that the series wants"


def missing(number: int, wanted: int, failed: int = 0) -> str:
    """`2 of 20 machines missing`. `failed`: how many of them are allocated, and have a failed computer."""
    those = "" if not failed or failed == number else f" ({failed} of them with a failed computer)"
    return f"{of_wanted(number, wanted)} missing{those}"


def usable(number: int, wanted: int) -> str:
    """What a class has that it can use: `17 of 20 machines are usable`."""
    return f"{of_wanted(number, wanted)} {'is' if 1 in (number, wanted) else 'are'} usable"


def could_be_allocated(number: int, wanted: int) -> str:
    """What a class could have, of all computers of the site: `18 of 20 machines could be allocated`."""
    return f"{of_wanted(number, wanted)} could be allocated"
