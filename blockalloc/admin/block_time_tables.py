"""The computers of a block time: how ready each is at this moment, and its reload."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import NamedTuple

from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.html import format_html

from blockalloc import clock
from blockalloc.models import BlockComputer, BlockTime, Request
from blockalloc.pages.class_page.moments import moment
from blockalloc.pages.columns import column, fact, link, link_to, signal, until
from blockalloc.reports.readiness import BlockTimeReadiness, read
from blockalloc.site_time import site_zone
from scheduling.ready_computer import ComputerReadiness

_READINESS = "_blockalloc_readiness"  # where a request caches it


@column("Computer")
def computer_link(block_computer: BlockComputer) -> str | None:
    return link(block_computer.computer)


@column("Type")
def computer_type(block_computer: BlockComputer) -> str:
    """Blade, lab or virtual machine."""
    return block_computer.computer.type


@column("State now")
def computer_state(block_computer: BlockComputer) -> str:
    """VCL's state of the computer."""
    return block_computer.computer.state.name


@column("Image now")
def image_now(block_computer: BlockComputer) -> str:
    """The image that is loaded on the computer, and whether in an old revision."""
    computer = block_computer.computer
    production_id = fact(block_computer, "production_id")
    outdated = computer.currentimage_id == block_computer.image_id and computer.imagerevision_id != production_id
    return format_html("{}{}", link(computer.currentimage), " (old revision)" if outdated else "")


@column("Image wanted")
def image_wanted(block_computer: BlockComputer) -> str | None:
    """The image that it must have when the class begins."""
    return link(block_computer.image)


@column("Loading")
def loading(block_computer: BlockComputer) -> str:
    """How ready it is at this moment (see scheduling.ready_computer), in the colour of its level."""
    level, text = str(fact(block_computer, "readiness")).split(":", 1)
    return signal(level, text)


@column("Reload starts")
def reload_start(block_computer: BlockComputer) -> str | None:
    """A link to the reload; nothing once VCL has removed it."""
    begins = fact(block_computer, "reload_start")
    return (
        link_to(Request, block_computer.reloadrequestid, moment(int(begins.timestamp()), clock.now()))
        if begins
        else None
    )


@column("Reload ends")
def reload_end(block_computer: BlockComputer) -> str | None:
    """The time by which the computer is loaded."""
    return until(fact(block_computer, "reload_start"), fact(block_computer, "reload_end"))


@column("Reloaded by")
def reload_node(block_computer: BlockComputer) -> str | None:
    """The management node that loads the computer."""
    name: str | None = fact(block_computer, "reload_node")
    return name


class Cell(NamedTuple):
    """A cell of the table of computers; `text` may be HTML."""

    name: str
    text: str


COLUMNS = (
    computer_link, computer_type, computer_state, image_now, image_wanted, loading, reload_start, reload_end,
    reload_node,
)  # fmt: skip
HEADINGS = tuple(str(getattr(each, "short_description")) for each in COLUMNS)  # noqa: B009 - Django adds it


class Computers(NamedTuple):
    """The computers of a class by name, each as a row of COLUMNS; and VCL's notes on them by id, where it has any."""

    rows: Sequence[Sequence[Cell]]
    notes: Mapping[int, str]


def computers_of(seen: BlockTimeReadiness) -> Computers:
    """The computers of a class. One statement, none for a class without computers."""
    if not seen.readiness.computers:
        return Computers((), {})
    texts = {each.facts.id: ":".join(_level_and_text(each)) for each in seen.readiness.computers}
    found = list(_block_computers().filter(blockTime=seen.id))
    for row in found:
        vars(row)["readiness"] = texts.get(row.computer_id, "plain:not known")
    rows = [[Cell(each.__name__, each(row)) for each in COLUMNS] for row in found]
    return Computers(rows, {row.computer_id: row.computer.notes for row in found if row.computer.notes})


def _block_computers() -> QuerySet[BlockComputer]:
    """With their reloads, by name."""
    block_computers = BlockComputer.objects.select_related("computer__state", "computer__currentimage", "image").only(
        "blockTime",
        "reloadrequestid",
        "image__prettyname",
        "computer__hostname",
        "computer__type",
        "computer__notes",
        "computer__imagerevision",
        "computer__state__name",
        "computer__currentimage__prettyname",
    )
    return block_computers.with_reload().order_by("computer__hostname")


def _level_and_text(computer: ComputerReadiness) -> tuple[str, str]:
    """The level of a computer's readiness, and a text for it, which begins with the column that counts it."""
    if computer.state == "failed":
        return "bad", f"failed{f': {computer.fault.one}' if computer.fault else ''}"
    if computer.state == "overdue":
        return "bad", "waiting: its load should have begun"
    if computer.state == "waiting":
        return "plain", "waiting: must load"
    if computer.state == "booked before":
        until = computer.facts.booked_until
        return "plain", f"waiting: loaded now, booked for others until {_day_and_time(until)}" if until else ""
    if computer.state == "loading":
        expected = f", done about {_clock_time(computer.ready_at)}" if computer.ready_at else ""
        return "watch", f"loading{expected}"
    return "good", f"{computer.state}{' (old revision)' if computer.old_revision else ''}"


def _day_and_time(instant: int) -> str:
    return f"{datetime.fromtimestamp(instant, site_zone()):%a %H:%M}"


def _clock_time(instant: int) -> str:
    return f"{datetime.fromtimestamp(instant, site_zone()):%H:%M}"


def readiness_of_page(request: HttpRequest) -> BlockTimeReadiness | None:
    """The readiness of the page's block time, read once a request. None when there is no such block time."""
    key = request.resolver_match.kwargs.get("object_id", "") if request.resolver_match else ""
    if not (key.isdecimal() and len(key) < 10):
        return None
    if not hasattr(request, _READINESS):
        block_times = read(BlockTime.objects.filter(pk=int(key)), clock.now())
        setattr(request, _READINESS, block_times[0] if block_times else None)
    readiness: BlockTimeReadiness | None = getattr(request, _READINESS)
    return readiness
