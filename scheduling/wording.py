"""Words that several texts for staff are made of."""

from collections.abc import Sequence
from datetime import datetime
from zoneinfo import ZoneInfo

from scheduling.windows import HOUR, MINUTE


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
    short = [name if name.replace(".", "").isdecimal() else name.partition(".")[0] for name in hostnames]
    return listed(short if len(set(short)) == len(set(hostnames)) else hostnames)


def plural(number: int, what: str) -> str:
    """`1 machine`, `2 machines`."""
    return f"{number} {what}{'' if number == 1 else 's'}"


def and_spares(number: int) -> str:
    """What follows a number of machines: ` and 2 spares`; "" for none."""
    return f" and {plural(number, 'spare')}" if number > 0 else ""
