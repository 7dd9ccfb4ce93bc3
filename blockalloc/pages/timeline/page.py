"""The timeline: the classes of a day or a week with their computers, or the bookings of each computer."""

from collections.abc import Mapping, Sequence
from datetime import date, datetime
from typing import Any, NamedTuple

from django.http import HttpRequest, HttpResponse, HttpResponseRedirect, QueryDict
from django.urls import reverse
from django.views.decorators.http import require_safe

from blockalloc import clock
from blockalloc.models import BlockTime
from blockalloc.models.scope import scope_of
from blockalloc.pages import labs
from blockalloc.pages.columns import list_link
from blockalloc.pages.frame import page, require_permission
from blockalloc.pages.short_names import short_names
from blockalloc.pages.timeline import choices, classes, computers, drawing, words
from blockalloc.pages.timeline.ahead import Ahead, ahead
from blockalloc.pages.timeline.axis import DAY, HOURS, WEEK, Axis, Hours, axis_of
from blockalloc.pages.timeline.choices import BY_CLASS, BY_COMPUTER, PAGE, Choices, Option
from blockalloc.pages.timeline.classes import Shown
from blockalloc.pages.timeline.row import Row
from blockalloc.pages.timeline.words import Reader, counted, listed
from blockalloc.reports import readiness
from blockalloc.reports.forecasts import Forecasts
from blockalloc.site_time import site_zone
from blockalloc.store import timeline as store
from blockalloc.store import timeline_classes
from blockalloc.store.timeline import Bookings, BookingsOfAll, Closed, LoadTimes, Machine
from blockalloc.store.timeline_classes import Class, Overlap

_ZOOMS = ((HOURS, "06–22"), (DAY, "24 hours"), (WEEK, "Week"))
_ROWS = ((BY_CLASS, "By class"), (BY_COMPUTER, "By computer"))


class View(NamedTuple):
    """What a page of the timeline is made for."""

    request: HttpRequest
    chosen: Choices
    axis: Axis
    reader: Reader
    now: int
    load_times: LoadTimes


class Rows(NamedTuple):
    """The rows of the page, and a sentence about them for people who cannot see the drawing.

    `hours` are those of all bookings of the days, whether in view or not. `paging`: which computers of
    how many are shown, and the ways to the others.
    """

    rows: Sequence[Row]
    summary: str
    hours: Sequence[Hours]
    paging: Mapping[str, Any]


@require_safe
@require_permission("blockalloc.view_blocktime")
def timeline(request: HttpRequest) -> HttpResponse:
    if "group" in request.GET:  # as addresses of before have it
        return HttpResponseRedirect(reverse("admin:timeline", query=_with_lab(request.GET)))
    now, zone = clock.now(), site_zone()
    today = datetime.fromtimestamp(now, zone).date()
    chosen = choices.read(request.GET, today, labs.chosen(request))
    axis = axis_of(chosen.zoom, chosen.day, zone, now)
    reader = Reader(
        scope_of(request.user),
        sees_computers=request.user.has_perm("blockalloc.view_computer"),
        sees_reloads=request.user.has_perm("blockalloc.view_request"),
    )
    view = View(request, chosen, axis, reader, now, LoadTimes(now))
    return page(request, "blockalloc/timeline.html", _title(axis, today), **_context(view, today))


def _with_lab(query: QueryDict) -> dict[str, str]:
    """The same choices, with the lab for the group of computers."""
    return {"lab" if name == "group" else name: query.get(name, "") for name in query}


def _context(view: View, today: date) -> Mapping[str, Any]:
    """The context of the template."""
    chosen, axis, reader, now = view.chosen, view.axis, view.reader, view.now
    closed = store.closed(axis.first, axis.last)
    in_view = [each for each in closed if each.start < axis.end and each.end > axis.start]
    shown = _classes(view, in_view) if chosen.by == BY_CLASS else _computers(view, in_view)
    to_come = ahead(Forecasts(now, reader.scope), chosen, axis, reader)
    since = datetime.fromtimestamp(axis.first, site_zone())
    bands = [words.band(each) for each in closed]
    images, series = choices.images(chosen.image, since), choices.blocks(chosen.block, since, reader.scope)
    is_empty = chosen.by == BY_COMPUTER and not shown.rows
    addresses = [chosen.address(zoom=HOURS, day=day) if axis.zoom == WEEK else None for day in axis.days]
    return {
        "chosen": chosen,
        "zooms": [(name, chosen.address(zoom=zoom), zoom == chosen.zoom) for zoom, name in _zooms(axis)],
        "ways": [(name, chosen.address(by=by), by == chosen.by) for by, name in _ROWS],
        "kept": [(name, value) for name, value in chosen.query() if name in ("zoom", "by")],
        "labs": labs.choice(view.request),
        "images": images,
        "blocks": series,
        "is_filtered": chosen.busy or any(each is not None for each in (chosen.lab, chosen.image, chosen.block)),
        "unfiltered": chosen.address(lab=None, image=None, block=None, busy=False),
        "by_computer": chosen.by == BY_COMPUTER,
        "earlier": chosen.moved(-1),
        "later": chosen.moved(1),
        "today": "" if today in axis.days else chosen.address(day=today),
        "unknown_day": view.request.GET.get("day", "") if choices.day_in(view.request.GET) is None else "",
        "change_of_clock": _change_of_clock(axis),
        "summary": _no_computer(chosen, images, series) if is_empty else shown.summary,
        "outside": _outside([*shown.hours, *to_come.hours], closed, view),
        "all_hours": chosen.address(zoom=DAY),
        "undrawn": _undrawn(view) if chosen.by == BY_CLASS else "",
        "lists": _lists(axis),
        "legend": [(drawing.sample(kind), name) for kind, name in _legend(reader, to_come)],
        "ahead": to_come,
        "band": drawing.band_sample(),
        "closed": [words.maintenance(each) for each in in_view],
        "head": drawing.head(axis, bands, now, addresses),
        "grid": drawing.grid(axis, bands),
        "line_of_now": drawing.line_of_now(axis, now),
        "rows": shown.rows,
        **shown.paging,
    }


# --- By class -----------------------------------------------------------------------------------


def _classes(view: View, closed: Sequence[Closed]) -> Rows:
    """The classes of the axis; the computers of the one that is open."""
    chosen, axis, reader = view.chosen, view.axis, view.reader
    found = timeline_classes.classes(axis.first, axis.last, chosen.lab, view.load_times)
    found = [each for each in found if classes.is_chosen(each, chosen, reader)]
    in_view = [each for each in found if each.begins < axis.end and each.end > axis.start]
    overlaps = timeline_classes.overlaps(axis.start, axis.end, view.now, lab=chosen.lab) if in_view else []
    shown = Shown(
        axis=axis,
        reader=reader,
        names=short_names(),
        chosen=chosen,
        overlaps=overlaps,
        readiness=_readiness(in_view, view) if axis.zoom != WEEK else {},
        computers=_of_open_class(in_view, overlaps, view),
        now=view.now,
        # Once, since there are hundreds of rows.
        opens=chosen.address(opened=0).removesuffix("0"),
        closes=chosen.address(),
    )
    rows = classes.rows(in_view, shown)
    return Rows(
        rows, _summary_of_classes(in_view, closed), [Hours(each.begins, each.end) for each in found], {"none": not rows}
    )


def _readiness(found: Sequence[Class], view: View) -> dict[int, readiness.BlockTimeReadiness]:
    """Block time -> its readiness, of those that the person may see."""
    times = BlockTime.objects.visible_to(view.request.user).filter(pk__in=[each.block_time_id for each in found])
    read = readiness.read(times, view.now, closed=False) if found else []
    return {each.id: each for each in read}


def _of_open_class(found: Sequence[Class], overlaps: Sequence[Overlap], view: View) -> list[Row]:
    """The computers of the row that is open, one by one."""
    opened = [each for each in found if classes.key_of(each, view.axis) == view.chosen.opened]
    ids = [each.block_time_id for each in opened if view.reader.owns(each)]
    if not ids:
        return []
    machines = sorted(store.machines(view.chosen.lab, classes=ids), key=computers.natural)[:PAGE]
    bookings = store.bookings(view.axis.first, view.axis.last, [each.id for each in machines], view.load_times)
    return computers.rows(machines, bookings, overlaps, view.axis, view.reader, short_names(), None)


def _summary_of_classes(found: Sequence[Class], closed: Sequence[Closed]) -> str:
    parts = [
        *([counted(len(found), "class", "classes")] if found else []),
        *([counted(len(closed), "site maintenance")] if closed else []),
    ]
    return f"{listed(parts, 'No class with computers')}."


# --- By computer --------------------------------------------------------------------------------


def _computers(view: View, closed: Sequence[Closed]) -> Rows:
    """The computers of the page with their bookings; those that are alike in one row."""
    chosen, axis, reader = view.chosen, view.axis, view.reader
    machines = sorted(_matching(view), key=computers.natural)
    shown = _cut(machines, chosen.page)
    bookings, overlaps = _bookings(shown, view)
    rows = computers.rows(shown, bookings, overlaps, axis, reader, short_names(), chosen)
    summary = _summary(shown, _in_view(bookings, axis), closed)
    return Rows(rows, summary, _distinct(bookings), _paging(chosen, shown, len(machines)))


def _bookings(machines: Sequence[Machine], view: View) -> tuple[Bookings, list[Overlap]]:
    """The bookings of the whole days, and what overlaps of them in view."""
    axis, ids = view.axis, [each.id for each in machines]
    bookings = store.bookings(axis.first, axis.last, ids, view.load_times)
    if not bookings.block_computers:
        return bookings, []
    return bookings, timeline_classes.overlaps(axis.start, axis.end, view.now, computers=ids)


def _matching(view: View) -> list[Machine]:
    """The computers that the filters leave."""
    chosen, axis = view.chosen, view.axis
    if not chosen.busy and chosen.image is None and chosen.block is None:
        return store.machines(chosen.lab)
    if chosen.image is None and chosen.block is None:
        return store.machines(chosen.lab, store.booked_computers(axis.start, axis.end, view.load_times))
    bookings = store.bookings_of_all(axis.start, axis.end, view.load_times, chosen.block)
    return store.machines(chosen.lab, _matching_computers(bookings, chosen, view.reader))


def _matching_computers(bookings: BookingsOfAll, chosen: Choices, reader: Reader) -> set[int]:
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
    return ids | {computer for computer, image in bookings.reserved if chosen.image in (None, image)}


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


def _in_view(bookings: Bookings, axis: Axis) -> Bookings:
    return Bookings(
        [each for each in bookings.block_computers if each.begins < axis.end and each.end > axis.start],
        [each for each in bookings.reserved if each.start < axis.end and each.end > axis.start],
    )


def _distinct(bookings: Bookings) -> list[Hours]:
    """The bookings, whatever the number of their computers."""
    begins: dict[tuple[str, int], Hours] = {}
    for held in bookings.block_computers:
        known = begins.get(("class", held.block_time_id))
        begins["class", held.block_time_id] = Hours(min(held.begins, known.begins if known else held.begins), held.end)
    for each in bookings.reserved:
        begins["request", each.request_id] = Hours(each.start, each.end)
    return [*begins.values()]


# --- Words of the page --------------------------------------------------------------------------


def _title(axis: Axis, today: date) -> str:
    first, last = axis.days[0], axis.days[-1]
    year = "" if last.year == today.year else f" {last.year}"
    if first == last:
        return f"Timeline of {_day_name(first)}{year}"
    return f"Timeline of {first.day} {first:%b} to {last.day} {last:%b}{year}"


def _day_name(day: date) -> str:
    return f"{day:%A} {day.day} {day:%b}"


def _change_of_clock(axis: Axis) -> str:
    """A sentence for a day or week with a clock change, else ""."""
    if not axis.extra_hours:
        return ""
    hours = f"{(axis.last - axis.first) / 3600:g} hours"
    what = "week" if axis.zoom == WEEK else "day"
    how = "goes back: some time is shown twice" if axis.extra_hours > 0 else "goes forward: some time is skipped"
    return f"The site's clock {how}. This {what} has {hours}."


def _zooms(axis: Axis) -> list[tuple[str, str]]:
    """The zooms with their names; the hours of classes by those that are in view, which now may have widened."""
    if axis.zoom != HOURS:
        return [*_ZOOMS]
    start, end = (datetime.fromtimestamp(each, site_zone()) for each in (axis.start, axis.end))
    last = "24" if axis.end == axis.last else f"{end:%H}"
    return [(HOURS, f"{start:%H}–{last}"), *_ZOOMS[1:]]


def _outside(hours: Sequence[Hours], closed: Sequence[Closed], view: View) -> list[str]:
    """What of a day is before or after the hours in view: `2 classes before 06:00`, `site maintenance before 06:00`."""
    axis = view.axis
    if axis.zoom != HOURS:
        return []
    names = ("class", "classes") if view.chosen.by == BY_CLASS else ("booking", "bookings")
    before, after = (f"{datetime.fromtimestamp(each, site_zone()):%H:%M}" for each in (axis.start, axis.end))
    numbers = zip(axis.outside(hours), (f"before {before}", f"after {after}"), strict=True)
    said = [f"{counted(number, *names)} {when}" for number, when in numbers if number]
    if any(each.end <= axis.start for each in closed):
        said.append(f"site maintenance before {before}")
    if any(each.start >= axis.end for each in closed):
        said.append(f"site maintenance after {after}")
    return said


def _undrawn(view: View) -> str:
    """The classes that are over and had no computers: they have no row. "" for none."""
    chosen, axis = view.chosen, view.axis
    first, last, now = (datetime.fromtimestamp(each, site_zone()) for each in (axis.first, axis.last, view.now))
    times = BlockTime.objects.visible_to(view.request.user).in_lab(chosen.lab).not_skipped().without_computers()
    times = times.taking_place_between(first, last).filter(end__lte=now)
    if chosen.image is not None:
        times = times.filter(blockRequest__image=chosen.image)
    if chosen.block is not None:
        times = times.filter(blockRequest=chosen.block)
    number = times.count()
    return f"{counted(number, 'class', 'classes')} without computers" if number else ""


def _no_computer(chosen: Choices, images: Sequence[Option], series: Sequence[Option]) -> str:
    """Why there is no row: which conditions no computer meets."""
    given = [
        _condition("image", images) if chosen.image is not None else "",
        _condition("series", series) if chosen.block is not None else "",
    ]
    conditions = " and ".join(filter(None, given))
    of_lab = " of the chosen lab" if chosen.lab is not None else ""
    if not conditions and not chosen.busy:
        return "The chosen lab has no computers." if of_lab else "There are no computers."
    return f"No computer{of_lab} is booked in this time{f' for {conditions}' if conditions else ''}."


def _condition(name: str, options: Sequence[Option]) -> str:
    """The image or series that was chosen; the address may have one that its form does not."""
    label = next((each.label for each in options if each.chosen), None)
    if label is None:
        return f"the {name} in this address, which does not exist or is hidden from you"
    return f"the {name} “{label}”"


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
    """Links to the lists of classes, day by day."""
    if len(axis.days) == 1:
        return [list_link(BlockTime, "Classes as a list", day=f"{axis.days[0]}")]
    return [list_link(BlockTime, f"{day:%a} {day.day}", day=f"{day}") for day in axis.days]


def _legend(reader: Reader, to_come: Ahead) -> list[tuple[str, str]]:
    kinds = [each for each in drawing.LEGEND if each[0] != drawing.FOREIGN or reader.scope.affiliation_id is not None]
    return [*kinds, *(each for each in drawing.LEGEND_AHEAD if each[0] in to_come.kinds)]
