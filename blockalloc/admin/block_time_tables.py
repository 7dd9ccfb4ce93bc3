"""The computers of a block time: what each is at this moment, and its reload."""

from collections.abc import Collection
from datetime import datetime

from django.db.models import Case, CharField, QuerySet, Value, When
from django.http import HttpRequest
from django.utils.html import format_html

from blockalloc import clock
from blockalloc.admin.base import ReadOnlyInline
from blockalloc.models import BlockComputer, BlockTime, Request
from blockalloc.pages.columns import column, fact, link, link_to, signal, until, when
from blockalloc.reports.readiness import ReadyTime, read
from blockalloc.site_time import site_zone
from scheduling.ready_computer import ComputerReadiness
from scheduling.vcl_names import ACCEPTED

_READY = "_blockalloc_ready_time"


@column("Computer")
def computer_link(held: BlockComputer) -> str | None:
    """To the page of the computer."""
    return link(held.computer)


@column("Type")
def computer_type(held: BlockComputer) -> str:
    """Blade, lab or virtual machine."""
    return held.computer.type


@column("State now")
def computer_state(held: BlockComputer) -> str:
    """What the computer is doing."""
    return held.computer.state.name


@column("Image now")
def image_now(held: BlockComputer) -> str:
    """What the computer holds, and whether in an old revision."""
    computer = held.computer
    outdated = computer.currentimage_id == held.image_id and computer.imagerevision_id != fact(held, "production_id")
    return format_html("{}{}", link(computer.currentimage), " (old revision)" if outdated else "")


@column("Image wanted")
def image_wanted(held: BlockComputer) -> str | None:
    """What it is to hold when the block begins."""
    return link(held.image)


@column("Loading")
def loading(held: BlockComputer) -> str:
    """What it is at this moment (see scheduling.ready_computer), in the colour of how good that is."""
    level, words = str(fact(held, "readiness")).split(":", 1)
    return signal(level, words)


@column("Reload starts")
def reload_start(held: BlockComputer) -> str | None:
    """A link to the reload; nothing once VCL has removed it."""
    begins = fact(held, "reload_start")
    return link_to(Request, held.reloadrequestid, when(begins)) if begins else None


@column("Reload ends")
def reload_end(held: BlockComputer) -> str | None:
    """By then the computer is loaded."""
    return until(fact(held, "reload_start"), fact(held, "reload_end"))


@column("Reloaded by")
def reload_node(held: BlockComputer) -> str | None:
    """The management node."""
    name: str | None = fact(held, "reload_node")
    return name


class ComputersInline(ReadOnlyInline[BlockComputer, BlockTime]):
    """The computers of a block time."""

    model = BlockComputer
    verbose_name_plural = "computers"
    columns = (
        computer_link,
        computer_type,
        computer_state,
        image_now,
        image_wanted,
        loading,
        reload_start,
        reload_end,
        reload_node,
    )

    def get_queryset(self, request: HttpRequest) -> QuerySet[BlockComputer]:
        """By name, with their reloads."""
        held = BlockComputer.objects.select_related("computer__state", "computer__currentimage", "image").only(
            "blockTime",
            "reloadrequestid",
            "image__prettyname",
            "computer__hostname",
            "computer__type",
            "computer__imagerevision",
            "computer__state__name",
            "computer__currentimage__prettyname",
        )
        return held.with_reload().annotate(readiness=_told(request)).order_by("computer__hostname")


def signals(keys: Collection[int]) -> dict[int, str]:
    """What is said of these block times, those of accepted requests that are not over: the words of their signals."""
    if not keys:
        return {}
    now = clock.now()
    found = read(BlockTime.objects.filter(pk__in=keys), now)
    return {each.id: str(each.readiness.signal) for each in found if each.end > now and each.status == ACCEPTED}


def _told(request: HttpRequest) -> Case | Value:
    """For each computer of the page's block time "level:words": columns look at rows only."""
    found = ready_time(request)
    whens = [
        When(computer=each.facts.id, then=Value(":".join(_in_words(each))))
        for each in (found.readiness.computers if found else ())
    ]
    nothing = Value("plain:not known")
    return Case(*whens, default=nothing, output_field=CharField()) if whens else nothing


def _in_words(computer: ComputerReadiness) -> tuple[str, str]:
    """The level and the words for what a computer is."""
    if computer.state == "failed":
        return "bad", computer.fault.one if computer.fault else "failed"
    if computer.state == "overdue":
        return "bad", "its load should have begun"
    if computer.state == "waiting":
        return "plain", "must load"
    if computer.state == "loading":
        at = f", done about {_clock(computer.ready_at)}" if computer.ready_at else ""
        return "watch", f"loading{at}"
    return "good", f"{computer.state}{' (old revision)' if computer.old_revision else ''}"


def _clock(instant: int) -> str:
    return f"{datetime.fromtimestamp(instant, site_zone()):%H:%M}"


def ready_time(request: HttpRequest) -> ReadyTime | None:
    """How ready the block time of the page is; read once a request. None when there is no such block time."""
    key = request.resolver_match.kwargs.get("object_id", "") if request.resolver_match else ""
    if not (key.isdecimal() and len(key) < 10):
        return None
    if not hasattr(request, _READY):
        found = read(BlockTime.objects.filter(pk=int(key)), clock.now())
        setattr(request, _READY, found[0] if found else None)
    ready: ReadyTime | None = getattr(request, _READY)
    return ready
