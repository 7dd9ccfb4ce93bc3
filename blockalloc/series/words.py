"""What a plan says of a date, in words: why there are not more machines, and what would help."""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from blockalloc.series.answer import Status, in_a_row
from blockalloc.series.dates import Date, local
from blockalloc.series.search import Advice
from blockalloc.site_time import site_zone
from scheduling.facts import Site
from scheduling.forecast.facts import ClassForecast
from scheduling.occupancy import SCHEDULE

MOST_NAMED = 5  # computers in a sentence
_MAINTENANCE = "maintenance"
_LIMIT = "concurrent_use"
_NOT_GRANTED = "granted"


class Said(NamedTuple):
    """What becomes of a date, and why there are not more machines; `collides`: bookings are a reason, too."""

    status: Status
    reason: str = ""
    collides: bool = False


def said(forecast: ClassForecast) -> Said:
    """What a plan says of a date."""
    if not forecast.missing:
        return Said(Status.POSSIBLE)
    stopped, lost = forecast.stopped_by, forecast.lost
    none = Status.SHORT if forecast.machines else Status.CLOSED
    if stopped and stopped.rule == _MAINTENANCE:
        return Said(none, f"maintenance {spell(*stopped.times)}")
    closed, in_the_way = lost.get(SCHEDULE, 0), sum(each.computers for each in forecast.in_the_way)
    if closed > in_the_way:
        few = f"only {forecast.fit - closed} of {computers(forecast.fit)} are open at these hours"
        return Said(none, few if forecast.machines else "no computer is open at these hours")
    reasons = "; ".join(filter(None, [_too_few(forecast), _limit(forecast), _not_granted(forecast)]))
    if in_the_way:
        return Said(Status.SHORT, reasons, collides=True)
    return Said(Status.SHORT, reasons or _stopped(forecast))


def _too_few(forecast: ClassForecast) -> str:
    """Where the site has too few computers, whatever they are booked for."""
    block = forecast.asked.block
    if forecast.fit >= block.machines * len(block.images):
        return ""
    return f"{computers(forecast.fit) if forecast.fit else 'no computer'} can run the image"


def _limit(forecast: ClassForecast) -> str:
    stopped = forecast.stopped_by
    return stopped.describe(site_zone()) if stopped and stopped.rule == _LIMIT else ""


def _not_granted(forecast: ClassForecast) -> str:
    number = forecast.lost.get(_NOT_GRANTED, 0)
    return f"{computers(number)} {'is' if number == 1 else 'are'} not granted to the user group" if number else ""


def _stopped(forecast: ClassForecast) -> str:
    stopped = forecast.stopped_by
    return stopped.describe(site_zone()) if stopped else "no further computer could be allocated"


def advice(each: Advice, had: int, site: Site, groups: Mapping[int, str]) -> str:
    """Advice in words; on a date that `had` so many machines without it. `groups`: the names of resource groups."""
    gain = f"+{each.machines - had}"
    match each.kind:
        case "fewer":
            return f"ask for {each.machines}"
        case "hour":
            return f"the same day from {_hours(each.date)}: all {each.machines}"
        case "day":
            return f"{spell(*each.date)}: all {each.machines}"
        case "service":
            return f"put {in_a_row(_hostnames(each, site))} back in service: {gain}"
        case "mapping":
            where = f" ({_on_hosts(each, site)})" if _on_hosts(each, site) else ""
            return f"map the image to the computers of group {groups.get(each.group_id, each.group_id)}{where}: {gain}"
    return _whole(each.dates)


def _whole(dates: Sequence[Date]) -> str:
    """When a whole series would be possible: `all 15 dates are possible on Tue and Thu from 10:00 to 12:00`."""
    days = sorted({(local(each.start).weekday(), f"{local(each.start):%a}") for each in dates})
    hours = sorted({_hours(each) for each in dates})
    when = f"on {in_a_row([name for _, name in days])} from {in_a_row(hours)}"
    return f"all {len(dates)} dates are possible {when}"


def spell(start: int, end: int) -> str:
    """`Mon 11 Jan 08:00 to 12:00`; with the other day when it ends on one."""
    first, last = local(start), local(end)
    day = "" if first.date() == last.date() else f"{last:%a} {last.day} {last:%b} "
    return f"{first:%a} {first.day} {first:%b} {first:%H:%M} to {day}{last:%H:%M}"


def _hours(date: Date) -> str:
    return f"{local(date.start):%H:%M} to {local(date.end):%H:%M}"


def _hostnames(each: Advice, site: Site) -> list[str]:
    names = sorted(site.computers[id_].hostname.partition(".")[0] for id_ in each.computers)
    more = len(names) - MOST_NAMED
    return names if more <= 0 else [*names[:MOST_NAMED], f"{more} more"]


def _on_hosts(each: Advice, site: Site) -> str:
    """The VM hosts of the computers; "" where there is none."""
    hosts = {host for id_ in each.computers if (host := site.computers[id_].host_computer_id) is not None}
    names = sorted(site.computers[id_].hostname.partition(".")[0] for id_ in hosts if id_ in site.computers)
    more = len(names) - MOST_NAMED
    return f"on {in_a_row(names if more <= 0 else [*names[:MOST_NAMED], f'{more} more'])}" if names else ""


def computers(number: int) -> str:
    """`1 computer`, `22 computers`."""
    return f"{number} computer{'' if number == 1 else 's'}"
