"""Block times as an iCalendar (RFC 5545)."""

from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from functools import cache, lru_cache

from django.urls import reverse
from icalendar import Calendar, Event, vDuration
from icalendar.enums import STATUS, TRANSP

from blockalloc.reports.readiness import ReadyTime

REFRESH = timedelta(minutes=15)
_END = b"END:VCALENDAR"
_NEVER = 0  # Unix seconds
_EVENTS_KEPT = 8192  # texts, of half a kilobyte each
PRODID = "-//Block allocations for Apache VCL//Block times//EN"


def calendar_of(found: Sequence[ReadyTime], name: str, now: int, host: str, absolute: Callable[[str], str]) -> bytes:
    """The calendar's text. `host` makes the ids of its events unique, `absolute` a full address of a path."""
    calendar = Calendar.new(
        prodid=PRODID,
        name=name,
        description="Block times of Apache VCL, and how many of their machines are ready",
        uid=f"{name}@{host}",
        refresh_interval=REFRESH,
    )
    # RFC 7986 wants the kind of value named, which the library leaves out; a second name for it is Outlook's.
    calendar["REFRESH-INTERVAL"].params["VALUE"] = "DURATION"
    calendar.add("x-published-ttl", vDuration(REFRESH))
    head, end, rest = calendar.to_ical().rpartition(_END)
    # All events are told at the same moment: it is written into texts that are otherwise the same as the last time.
    events = b"".join(_event(each, now, host, absolute) for each in found).replace(_stamp(_NEVER), _stamp(now))
    return b"".join([head, events, end, rest])


def _event(found: ReadyTime, now: int, host: str, absolute: Callable[[str], str]) -> bytes:
    """A block time. Its id stays the same whatever becomes of it."""
    return _event_text(
        uid=f"blocktime-{found.id}@{host}",
        start=found.start,
        end=found.end,
        summary=_summary(found, now),
        description=_description(found),
        status=STATUS.CANCELLED if found.skip else STATUS.CONFIRMED,
        url=absolute(_address(found.id)),
    )


@lru_cache(_EVENTS_KEPT)
def _event_text(*, uid: str, start: int, end: int, summary: str, description: str, status: STATUS, url: str) -> bytes:
    """The event's lines, its time stamp that of `_NEVER`. Few of a term's events change between two requests."""
    event = Event.new(
        uid=uid,
        stamp=_utc(_NEVER),
        start=_utc(start),
        end=_utc(end),
        summary=summary,
        description=description,
        status=status,
        transparency=TRANSP.TRANSPARENT,  # whoever watches over a class is not busy with it
        url=url,
    )
    text: bytes = event.to_ical()
    return text


def _stamp(instant: int) -> bytes:
    """The line of an event that says when it was told; texts of events have no line that begins so."""
    return b"\r\nDTSTAMP:" + f"{_utc(instant):%Y%m%dT%H%M%SZ}".encode() + b"\r\n"


def _address(block_time: int) -> str:
    """The path of the block time's page."""
    return _addresses().replace("0", str(block_time), 1)


@cache
def _addresses() -> str:
    """The same with a 0 in the place of the id."""
    return reverse("admin:blockalloc_blocktime_change", args=[0])


def _summary(found: ReadyTime, now: int) -> str:
    """`CS101: 18/20 ready`. What is over has given its computers back: nothing about it is ready or not."""
    if found.skip:
        return f"{found.block}: skipped"
    if not found.is_current_or_upcoming(now):
        return found.block
    return f"{found.block}: {found.readiness.ready}/{found.readiness.wanted} ready"


def _description(found: ReadyTime) -> str:
    lines = [f"Image: {found.image}", *([f"User group: {found.group}"] if found.group else [])]
    return "\n".join([*lines, *found.readiness.signal.words])


def _utc(instant: int) -> datetime:
    return datetime.fromtimestamp(instant, UTC)
