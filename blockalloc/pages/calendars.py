"""Block times as a calendar in the format iCalendar (RFC 5545)."""

from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from functools import lru_cache

from django.urls import reverse
from icalendar import Calendar, Event, vDuration
from icalendar.enums import STATUS, TRANSP

from blockalloc.reports.readiness import BlockTimeReadiness

REFRESH = timedelta(minutes=15)
_END = b"END:VCALENDAR"
_NEVER = 0  # Unix seconds
_PAGE, _ANY = "admin:blockalloc_blocktime_change", 987654321  # the id for which those of the block times are put in
_EVENTS_KEPT = 8192  # texts, of half a kilobyte each
PRODID = "-//Block allocations for Apache VCL//Block times//EN"


def calendar_of(
    block_times: Sequence[BlockTimeReadiness],
    name: str,
    uid: str,
    now: int,
    host: str,
    absolute_url: Callable[[str], str],
    short: Mapping[int, str],
) -> bytes:
    """The calendar's text. `uid` is its id, `host` makes the ids of its events unique; `now` in Unix seconds.

    `short`: block times (ids) that will be short, with the machines that they will get (`48 of 50`). Why is not said,
    since that may name people.
    """
    calendar = Calendar.new(
        prodid=PRODID,
        name=name,
        description="Classes (block times of Apache VCL), and how many of their machines are ready",
        uid=uid,
        refresh_interval=REFRESH,
    )
    # RFC 7986 requires the type of the value, which the library omits; Outlook has a property of its own.
    calendar["REFRESH-INTERVAL"].params["VALUE"] = "DURATION"
    calendar.add("x-published-ttl", vDuration(REFRESH))
    head, end, rest = calendar.to_ical().rpartition(_END)
    # All events have the same time stamp: it is put into texts that are otherwise cached.
    before, _, after = absolute_url(reverse(_PAGE, args=[_ANY])).rpartition(f"{_ANY}")
    events = b"".join(
        _event(each, short.get(each.id, ""), now, host, f"{before}{each.id}{after}") for each in block_times
    )
    events = events.replace(_stamp(_NEVER), _stamp(now))
    return b"".join([head, events, end, rest])


def _event(block_time: BlockTimeReadiness, short: str, now: int, host: str, url: str) -> bytes:
    """The event of a block time, whose page is at `url`. Its id stays the same, whatever changes."""
    return _event_text(
        uid=f"blocktime-{block_time.id}@{host}",
        start=block_time.start,
        end=block_time.end,
        summary=_summary(block_time, short, now),
        description=_description(block_time, short),
        status=STATUS.CANCELLED if block_time.skip else STATUS.CONFIRMED,
        url=url,
    )


@lru_cache(_EVENTS_KEPT)
def _event_text(*, uid: str, start: int, end: int, summary: str, description: str, status: STATUS, url: str) -> bytes:
    """The event's lines, with `_NEVER` as its time stamp. Few events of a term change between two requests."""
    event = Event.new(
        uid=uid,
        stamp=_utc(_NEVER),
        start=_utc(start),
        end=_utc(end),
        summary=summary,
        description=description,
        status=status,
        transparency=TRANSP.TRANSPARENT,  # people who subscribe to a class are not busy during it
        url=url,
    )
    text: bytes = event.to_ical()
    return text


def _stamp(instant: int) -> bytes:
    """The line with an event's time stamp; no other line of an event begins like it."""
    return b"\r\nDTSTAMP:" + f"{_utc(instant):%Y%m%dT%H%M%SZ}".encode() + b"\r\n"


def _summary(block_time: BlockTimeReadiness, short: str, now: int) -> str:
    """`CS101: 18/20 ready`; `CS101: 48 of 50 foreseen` while it has no computers and will be short.

    Without numbers for a past block time, which has no computers any more.
    """
    if block_time.skip:
        return f"{block_time.block}: skipped"
    if not block_time.is_current_or_upcoming(now):
        return block_time.block
    if short:
        return f"{block_time.block}: {short} foreseen"
    return f"{block_time.block}: {block_time.readiness.ready}/{block_time.readiness.wanted} ready"


def _description(block_time: BlockTimeReadiness, short: str) -> str:
    lines = [f"Image: {block_time.image}", *([f"User group: {block_time.group}"] if block_time.group else [])]
    ahead = [f"{short} machines foreseen"] if short else []
    return "\n".join([*lines, *block_time.readiness.signal.words, *ahead])


def _utc(instant: int) -> datetime:
    return datetime.fromtimestamp(instant, UTC)
