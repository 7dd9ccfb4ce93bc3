"""The timeline: what each computer is booked for in a day or a week."""

import re
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from datetime import date, datetime
from functools import lru_cache
from typing import Any, NamedTuple

from django.http import HttpRequest, HttpResponse
from django.views.decorators.http import require_safe

from blockalloc import clock
from blockalloc.models import BlockTime
from blockalloc.models.scope import scope_of
from blockalloc.pages.columns import list_link
from blockalloc.pages.frame import needs, page
from blockalloc.pages.timeline import choices, drawing, words
from blockalloc.pages.timeline.axis import DAY, WEEK, Axis, axis_of
from blockalloc.pages.timeline.choices import PAGE, Choices
from blockalloc.pages.timeline.drawing import Bar
from blockalloc.pages.timeline.words import Reader, counted, listed
from blockalloc.site_time import site_zone
from blockalloc.store import timeline as store
from blockalloc.store.timeline import Bookings, LoadTimes, Machine

_NAMES_KEPT = 20_000  # of computers, as they are sorted: they are the same from one page to the next
# States of computers that staff look after, and how grave they are.
_MARKS = {"maintenance": "watch", "failed": "bad"}


class Row(NamedTuple):
    """A computer of the page."""

    name: str
    domain: str
    address: str | None
    marks: list[tuple[str, str]]  # (word, class)
    drawing: str


@require_safe
@needs("blockalloc.view_blocktime")
def timeline(request: HttpRequest) -> HttpResponse:
    """The page."""
    now, zone = clock.now(), site_zone()
    today = datetime.fromtimestamp(now, zone).date()
    chosen = choices.read(request.GET, today)
    axis = axis_of(chosen.zoom, chosen.day, zone)
    reader = Reader(
        scope_of(request.user),
        sees_computers=request.user.has_perm("blockalloc.view_computer"),
        sees_reloads=request.user.has_perm("blockalloc.view_request"),
    )
    return page(
        request, "blockalloc/timeline.html", _title(axis), **_context(request, chosen, axis, reader, now, today)
    )


def _context(
    request: HttpRequest, chosen: Choices, axis: Axis, reader: Reader, now: int, today: date
) -> Mapping[str, Any]:
    """What the template tells."""
    found, booked, number = _found(chosen, axis, reader, now)
    closed = store.closed(axis.start, axis.end)
    since = datetime.fromtimestamp(axis.start, site_zone())
    addresses = [chosen.address(zoom=DAY, day=day) for day in axis.days]
    return {
        "chosen": chosen,
        "zooms": [(zoom, name, zoom == chosen.zoom) for zoom, name in ((DAY, "Day"), (WEEK, "Week"))],
        "groups": choices.groups(chosen.group),
        "images": choices.images(chosen.image, since),
        "blocks": choices.blocks(chosen.block, since, reader.scope),
        "earlier": chosen.moved(-1),
        "later": chosen.moved(1),
        "today": chosen.address(day=today),
        "unknown_day": request.GET.get("day", "") if choices.day_in(request.GET) is None else "",
        "change_of_clock": _change_of_clock(axis),
        "summary": _summary(found, booked, closed),
        "lists": _lists(axis),
        "legend": [(drawing.sample(kind), name) for kind, name in _legend(reader)],
        "band": drawing.band_sample(),
        "closed": [words.band(each).title for each in closed],
        "head": drawing.head(axis, [words.band(each) for each in closed], now, addresses),
        "rows": _rows(found, booked, axis, reader),
        **_paging(chosen, found, number),
    }


def _found(chosen: Choices, axis: Axis, reader: Reader, now: int) -> tuple[list[Machine], Bookings, int]:
    """The computers of the page with their bookings, and how many computers there are on all pages."""
    machines, load_times = store.machines(chosen.group), LoadTimes(now)
    if chosen.busy or chosen.image is not None or chosen.block is not None:
        asked = _asked_for(store.bookings_of_all(axis.start, axis.end, load_times, chosen.block), chosen, reader)
        machines = [machine for machine in machines if machine.id in asked]
    machines.sort(key=_natural)
    shown = _of_page(machines, chosen.page)
    ids = [machine.id for machine in shown]
    return shown, store.bookings(axis.start, axis.end, ids, load_times), len(machines)


def _asked_for(booked: Bookings, chosen: Choices, reader: Reader) -> set[int]:
    """The computers that the filters leave. Nobody learns by them what another affiliation's blocks are."""
    by_block = chosen.block is not None
    ids = {
        held.computer_id
        for held in booked.held
        if chosen.image in (None, held.image_id if reader.owns(held) else 0)
        and (not by_block or (held.request_id == chosen.block and reader.owns(held)))
    }
    if by_block:
        return ids
    return ids | {found.computer_id for found in booked.reserved if chosen.image in (None, found.image_id)}


def _of_page(machines: Sequence[Machine], number: int) -> list[Machine]:
    """The computers of a page; of the last one, when there are not so many."""
    begin = (_page_number(len(machines), number) - 1) * PAGE
    return list(machines[begin : begin + PAGE])


def _page_number(machines: int, asked: int) -> int:
    return min(max(asked, 1), max(-(-machines // PAGE), 1))


def _paging(chosen: Choices, shown: Sequence[Machine], number: int) -> dict[str, Any]:
    """Which of how many computers, in words, and the ways to the others."""
    here = _page_number(number, chosen.page)
    first = (here - 1) * PAGE
    return {
        "range": f"computers {first + 1:,}–{first + len(shown):,} of {number:,}" if number > PAGE else "",
        "none": not shown,
        "previous": chosen.address(page=here - 1) if here > 1 else None,
        "next": chosen.address(page=here + 1) if first + len(shown) < number else None,
        "size": PAGE,
    }


def _rows(machines: Iterable[Machine], booked: Bookings, axis: Axis, reader: Reader) -> list[Row]:
    """The computers with their bars in the order of time, which is the order of the Tab key."""
    names = {machine.id: machine.hostname for machine in machines}
    bars: dict[int, list[Bar]] = defaultdict(list)
    for held in booked.held:
        bars[held.computer_id] += words.bars_of_block(held, reader, names[held.computer_id])
    for found in booked.reserved:
        bars[found.computer_id].append(words.bar_of_reservation(found, reader, names[found.computer_id]))
    return [
        Row(
            *_parts(machine.hostname),
            reader.computer(machine.id),
            _marks(machine),
            drawing.line(axis, sorted(_visible(bars[machine.id], axis), key=lambda bar: (bar.start, bar.end))),
        )
        for machine in machines
    ]


def _visible(bars: Iterable[Bar], axis: Axis) -> Iterable[Bar]:
    return (bar for bar in bars if bar.start < axis.end and bar.end > axis.start)


def _parts(hostname: str) -> tuple[str, str]:
    """`vm1` and `.example.edu`, of which a phone shows the first; an address is left whole."""
    name, dot, domain = hostname.partition(".")
    return (hostname, "") if name.isdecimal() else (name, dot + domain)


def _marks(machine: Machine) -> list[tuple[str, str]]:
    state = [(machine.state, _MARKS[machine.state])] if machine.state in _MARKS else []
    return [*state, *([("removed", "bad")] if machine.removed else [])]


def _natural(machine: Machine) -> tuple[list[str | int], int]:
    """vm2 before vm10."""
    return _by_turns(machine.hostname), machine.id


@lru_cache(_NAMES_KEPT)
def _by_turns(hostname: str) -> list[str | int]:
    """Texts and numbers."""
    parts = re.split("([0-9]+)", hostname.lower())
    return [int(part) if place % 2 else part for place, part in enumerate(parts)]


# --- Words of the page --------------------------------------------------------------------------


def _title(axis: Axis) -> str:
    first, last = axis.days[0], axis.days[-1]
    if first == last:
        return f"Timeline of {_named(first)} {first.year}"
    return f"Timeline of {_named(first)} to {_named(last)} {last.year}"


def _named(day: date) -> str:
    return f"{day:%A} {day.day} {day:%B}"


def _change_of_clock(axis: Axis) -> str:
    """Why the hours along the axis are not those of every day."""
    if not axis.extra_hours:
        return ""
    hours = f"{(axis.end - axis.start) / 3600:g} hours"
    how = "goes back: some time is shown twice" if axis.extra_hours > 0 else "goes forward: some time is skipped"
    return f"The site's clock {how}. This {axis.zoom} has {hours}."


def _summary(machines: Sequence[Machine], booked: Bookings, closed: Sequence[object]) -> str:
    """The drawing in a sentence, for who cannot see it."""
    busy = {row.computer_id for row in booked.held} | {row.computer_id for row in booked.reserved}
    blocks = len({held.block_time_id for held in booked.held})
    users = len({found.request_id for found in booked.reserved if not found.reload})
    reloads = len({found.request_id for found in booked.reserved if found.reload and not found.for_block})
    parts = [
        *([counted(blocks, "block")] if blocks else []),
        *([counted(users, "reservation of users", "reservations of users")] if users else []),
        *([counted(reloads, "reload for no block", "reloads for no block")] if reloads else []),
        *([counted(len(closed), "site maintenance")] if closed else []),
    ]
    number = counted(len(machines), "computer")
    return f"{number} shown, {len(busy):,} of them booked: {listed(parts, 'nothing in this time')}."


def _lists(axis: Axis) -> list[str]:
    """The same as lists, day by day."""
    return [list_link(BlockTime, _named(day), day=f"{day}") for day in axis.days]


def _legend(reader: Reader) -> list[tuple[str, str]]:
    return [each for each in drawing.LEGEND if each[0] != drawing.FOREIGN or reader.scope.affiliation_id is not None]
