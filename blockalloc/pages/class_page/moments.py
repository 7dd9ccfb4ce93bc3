"""Times on the page of a class."""

from datetime import UTC, datetime

from blockalloc.site_time import instant_to_local, site_zone


def moment(instant: int, now: int) -> str:
    """`Mon 30 Nov 09:00` in site time, with the year if it is not that of `now`; both are Unix seconds."""
    local, today = (datetime.fromtimestamp(each, site_zone()) for each in (instant, now))
    return f"{local:%a} {local.day} {local:%b}{'' if local.year == today.year else f' {local.year}'} {local:%H:%M}"


def hours(start: int, end: int, now: int) -> str:
    """`Mon 30 Nov 09:00–11:00`; an end on another day has its day too."""
    first, last = (datetime.fromtimestamp(each, site_zone()) for each in (start, end))
    ends = f"{last:%H:%M}" if first.date() == last.date() else moment(end, now)
    return f"{moment(start, now)}–{ends}"


def clock_time(instant: int, near: int) -> str:
    """`09:06`; `Tue 09:06` when that is not on the day of `near`."""
    local, other = (instant_to_local(datetime.fromtimestamp(each, UTC)) for each in (instant, near))
    return f"{local:%H:%M}" if local.date() == other.date() else f"{local:%a %H:%M}"
