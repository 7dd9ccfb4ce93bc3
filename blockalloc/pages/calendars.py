"""Block times as an iCalendar (RFC 5545)."""

from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta

from django.urls import reverse
from icalendar import Calendar, Event, vDuration
from icalendar.enums import STATUS, TRANSP

from blockalloc.readiness import ReadyTime

REFRESH = timedelta(minutes=15)
PRODID = "-//Block allocations for Apache VCL//Block times//EN"


def calendar_of(found: Sequence[ReadyTime], name: str, now: int, host: str, absolute: Callable[[str], str]) -> bytes:
    """The calendar's text. `host` makes the ids of its events unique, `absolute` a full address of a path."""
    calendar = Calendar.new(
        prodid=PRODID,
        name=name,
        description="Block times of Apache VCL, and how many of their machines are ready",
        uid=f"{name}@{host}",
        refresh_interval=REFRESH,
        subcomponents=[_event(each, now, host, absolute) for each in found],
    )
    # RFC 7986 wants the kind of value named, which the library leaves out; a second name for it is Outlook's.
    calendar["REFRESH-INTERVAL"].params["VALUE"] = "DURATION"
    calendar.add("x-published-ttl", vDuration(REFRESH))
    text: bytes = calendar.to_ical()
    return text


def _event(found: ReadyTime, now: int, host: str, absolute: Callable[[str], str]) -> Event:
    """A block time. Its id stays the same whatever becomes of it."""
    return Event.new(
        uid=f"blocktime-{found.id}@{host}",
        stamp=_utc(now),
        start=_utc(found.start),
        end=_utc(found.end),
        summary=_summary(found, now),
        description=_description(found),
        status=STATUS.CANCELLED if found.skip else STATUS.CONFIRMED,
        transparency=TRANSP.TRANSPARENT,  # whoever watches over a class is not busy with it
        url=absolute(reverse("admin:blockalloc_blocktime_change", args=[found.id])),
    )


def _summary(found: ReadyTime, now: int) -> str:
    """`CS101: 18/20 ready`. What is over has given its computers back: nothing about it is ready or not."""
    if found.skip:
        return f"{found.block}: skipped"
    if not found.is_open(now):
        return found.block
    return f"{found.block}: {found.readiness.ready}/{found.readiness.wanted} ready"


def _description(found: ReadyTime) -> str:
    lines = [f"Image: {found.image}", *([f"User group: {found.group}"] if found.group else [])]
    return "\n".join([*lines, *found.readiness.signal.words])


def _utc(instant: int) -> datetime:
    return datetime.fromtimestamp(instant, UTC)
