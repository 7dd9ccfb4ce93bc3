"""The timeline: the bookings of each computer in a day or a week."""

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
from blockalloc.pages.frame import page, require_permission
from blockalloc.pages.timeline import choices, drawing, words
from blockalloc.pages.timeline.ahead import Ahead, ahead
from blockalloc.pages.timeline.axis import DAY, WEEK, Axis, axis_of
from blockalloc.pages.timeline.choices import PAGE, Choices
from blockalloc.pages.timeline.drawing import Bar
from blockalloc.pages.timeline.words import Reader, counted, listed
from blockalloc.reports.forecasts import Forecasts
from blockalloc.site_time import site_zone
from blockalloc.store import timeline as store
from blockalloc.store.timeline import Bookings, LoadTimes, Machine

_NAMES_KEPT = 20_000  # sort keys of computers, which are the same from one page to the next
# States of computers that staff look into, with their levels.
_MARKS = {"maintenance": "watch", "failed": "bad"}


class Row(NamedTuple):
    """A computer of the page."""

    name: str
    domain: str
    address: str | None
    marks: list[tuple[str, str]]  # (text, level)
    drawing: str


@require_safe
@require_permission("blockalloc.view_blocktime")
def timeline(request: HttpRequest) -> HttpResponse:
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
    """The context of the template."""
    machines, bookings, number = _of_page(chosen, axis, reader, now)
    closed = store.closed(axis.start, axis.end)
    to_come = ahead(Forecasts(now, reader.scope), chosen, axis, reader)
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
        "summary": _summary(machines, bookings, closed),
        "lists": _lists(axis),
        "legend": [(drawing.sample(kind), name) for kind, name in _legend(reader, to_come)],
        "ahead": to_come,
        "band": drawing.band_sample(),
        "closed": [words.band(each).title for each in closed],
        "head": drawing.head(axis, [words.band(each) for each in closed], now, addresses),
        "rows": _rows(machines, bookings, axis, reader),
        **_paging(chosen, machines, number),
    }


def _of_page(chosen: Choices, axis: Axis, reader: Reader, now: int) -> tuple[list[Machine], Bookings, int]:
    """The computers of the page with their bookings, and the number of computers on all pages."""
    machines, load_times = store.machines(chosen.group), LoadTimes(now)
    if chosen.busy or chosen.image is not None or chosen.block is not None:
        bookings = store.bookings_of_all(axis.start, axis.end, load_times, chosen.block)
        matching = _matching_computers(bookings, chosen, reader)
        machines = [machine for machine in machines if machine.id in matching]
    machines.sort(key=_natural)
    shown = _cut(machines, chosen.page)
    ids = [machine.id for machine in shown]
    return shown, store.bookings(axis.start, axis.end, ids, load_times), len(machines)


def _matching_computers(bookings: Bookings, chosen: Choices, reader: Reader) -> set[int]:
    """The ids of the computers that the filters leave. They reveal nothing about another affiliation's block times."""
    by_block = chosen.block is not None
    ids = {
        each.computer_id
        for each in bookings.block_computers
        if chosen.image in (None, each.image_id if reader.owns(each) else 0)
        and (not by_block or (each.request_id == chosen.block and reader.owns(each)))
    }
    if by_block:
        return ids
    return ids | {each.computer_id for each in bookings.reserved if chosen.image in (None, each.image_id)}


def _cut(machines: Sequence[Machine], number: int) -> list[Machine]:
    """The computers of a page; of the last one, if `number` is too high."""
    begin = (_page_number(len(machines), number) - 1) * PAGE
    return list(machines[begin : begin + PAGE])


def _page_number(machines: int, number: int) -> int:
    return min(max(number, 1), max(-(-machines // PAGE), 1))


def _paging(chosen: Choices, shown: Sequence[Machine], number: int) -> dict[str, Any]:
    """The range of computers in words, and the addresses of the pages before and after."""
    here = _page_number(number, chosen.page)
    first = (here - 1) * PAGE
    return {
        "range": f"computers {first + 1:,}–{first + len(shown):,} of {number:,}" if number > PAGE else "",
        "none": not shown,
        "previous": chosen.address(page=here - 1) if here > 1 else None,
        "next": chosen.address(page=here + 1) if first + len(shown) < number else None,
        "size": PAGE,
    }


def _rows(machines: Iterable[Machine], bookings: Bookings, axis: Axis, reader: Reader) -> list[Row]:
    """The computers with their bars by start, which is the order of the Tab key."""
    names = {machine.id: machine.hostname for machine in machines}
    bars: dict[int, list[Bar]] = defaultdict(list)
    for booking in bookings.block_computers:
        bars[booking.computer_id] += words.bars_of_block(booking, reader, names[booking.computer_id])
    for reserved in bookings.reserved:
        bars[reserved.computer_id].append(words.bar_of_reservation(reserved, reader, names[reserved.computer_id]))
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
    """`vm1` and `.example.edu`, of which a phone shows the first; an IP address stays in one part."""
    name, dot, domain = hostname.partition(".")
    return (hostname, "") if name.isdecimal() else (name, dot + domain)


def _marks(machine: Machine) -> list[tuple[str, str]]:
    state = [(machine.state, _MARKS[machine.state])] if machine.state in _MARKS else []
    return [*state, *([("removed", "bad")] if machine.removed else [])]


def _natural(machine: Machine) -> tuple[list[str | int], int]:
    """The sort key that puts vm2 before vm10."""
    return _texts_and_numbers(machine.hostname), machine.id


@lru_cache(_NAMES_KEPT)
def _texts_and_numbers(hostname: str) -> list[str | int]:
    """The parts of a hostname, text and number by turns."""
    parts = re.split("([0-9]+)", hostname.lower())
    return [int(part) if index % 2 else part for index, part in enumerate(parts)]


# --- Words of the page --------------------------------------------------------------------------


def _title(axis: Axis) -> str:
    first, last = axis.days[0], axis.days[-1]
    if first == last:
        return f"Timeline of {_day_name(first)} {first.year}"
    return f"Timeline of {_day_name(first)} to {_day_name(last)} {last.year}"


def _day_name(day: date) -> str:
    return f"{day:%A} {day.day} {day:%B}"


def _change_of_clock(axis: Axis) -> str:
    """A sentence for a day or week with a clock change, else ""."""
    if not axis.extra_hours:
        return ""
    hours = f"{(axis.end - axis.start) / 3600:g} hours"
    how = "goes back: some time is shown twice" if axis.extra_hours > 0 else "goes forward: some time is skipped"
    return f"The site's clock {how}. This {axis.zoom} has {hours}."


def _summary(machines: Sequence[Machine], bookings: Bookings, closed: Sequence[object]) -> str:
    """The drawing in a sentence, for people who cannot see it."""
    busy = {each.computer_id for each in bookings.block_computers} | {each.computer_id for each in bookings.reserved}
    classes = len({each.block_time_id for each in bookings.block_computers})
    users = len({each.request_id for each in bookings.reserved if not each.reload})
    reloads = len({each.request_id for each in bookings.reserved if each.reload and not each.for_block})
    parts = [
        *([counted(classes, "class", "classes")] if classes else []),
        *([counted(users, "reservation of users", "reservations of users")] if users else []),
        *([counted(reloads, "reload for no class", "reloads for no class")] if reloads else []),
        *([counted(len(closed), "site maintenance")] if closed else []),
    ]
    number = counted(len(machines), "computer")
    return f"{number} shown, {len(busy):,} of them booked: {listed(parts, 'nothing in this time')}."


def _lists(axis: Axis) -> list[str]:
    """Links to the lists of block times, day by day."""
    return [list_link(BlockTime, _day_name(day), day=f"{day}") for day in axis.days]


def _legend(reader: Reader, to_come: Ahead) -> list[tuple[str, str]]:
    kinds = [each for each in drawing.LEGEND if each[0] != drawing.FOREIGN or reader.scope.affiliation_id is not None]
    return [*kinds, *(drawing.LEGEND_AHEAD if to_come.rows else ())]
