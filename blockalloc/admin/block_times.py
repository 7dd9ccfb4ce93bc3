"""Block times with their computers."""

from datetime import datetime
from typing import Any

from django.contrib import admin
from django.contrib.admin.views.main import ChangeList
from django.db.models import ExpressionWrapper, F, IntegerField, OuterRef, Q, QuerySet
from django.http import HttpRequest
from django.utils.html import format_html

from blockalloc import clock
from blockalloc.admin.base import KeysFirst, ReadOnlyAdmin
from blockalloc.admin.block_time_tables import ComputersInline, ready_time, signals
from blockalloc.admin.counts import computers_of_machine, first, loaded, number_of
from blockalloc.admin.filters import (
    ALL,
    Choice,
    ChoiceFilter,
    DayFilter,
    GroupFilter,
    ImageFilter,
    latest_first,
)
from blockalloc.admin.history import history_of_time
from blockalloc.models import BlockComputer, BlockTime, ImageRevision, Request
from blockalloc.pages.actions import offered
from blockalloc.pages.columns import column, fact, link, list_link, strong, until, when
from scheduling.vcl_names import ACCEPTED

# --- Block times --------------------------------------------------------------------------------


def with_counts(times: QuerySet[BlockTime]) -> QuerySet[BlockTime]:
    """With the numbers of computers that each time wants, has, and has loaded."""
    held = BlockComputer.objects.filter(blockTime=OuterRef("pk"))
    per_machine = computers_of_machine("blockRequest__image__imagemeta")
    return times.annotate(
        held=number_of(held, "blockTime"),
        loaded=number_of(loaded(held), "blockTime"),
        per_machine=per_machine,
        wanted=ExpressionWrapper(F("blockRequest__numMachines") * per_machine, IntegerField()),
    )


def status_in_words(time: BlockTime) -> str:
    """How far a block time is."""
    match time.block_status.obstacle_to_taking_place(clock.now()):
        case "skipped":
            return getattr(time, "told", "") or "skipped"
        case "not accepted":
            return f"request {time.blockRequest.status}"
        case "over":
            return "over"
        case "expired":
            return "request expired"
    return _allocated_in_words(fact(time, "wanted") - fact(time, "held"), time)


def _allocated_in_words(missing: int, time: BlockTime) -> str:
    if missing <= 0:
        return "complete"
    if fact(time, "held"):
        return f"short of {missing} computer{'s' if missing > 1 else ''}"
    return getattr(time, "told", "") or ("no computers" if time.processed else "not processed yet")


class TimeGroupFilter(GroupFilter):
    """Times for a user group."""

    path = "blockRequest__group"


class TimeImageFilter(ImageFilter):
    """Times for an image."""

    path = "blockRequest__image"


class StatusFilter(ChoiceFilter):
    """How far block times are, whatever their day."""

    title = "status"
    parameter_name = "status"

    def options(self) -> dict[str, Choice]:
        """What staff look for."""
        open_ = Q(skip=0, blockRequest__status=ACCEPTED)
        begun = Q(processed__gt=0) | Q(held__gt=0)
        return {
            ALL: Choice("All", Q()),
            "complete": Choice("Complete", open_ & Q(held__gte=F("wanted"))),
            "short": Choice("Short of computers", open_ & begun & Q(held__lt=F("wanted"))),
            "waiting": Choice("Not processed yet", open_ & Q(processed=0, held=0)),
            "skipped": Choice("Skipped", Q(skip__gt=0)),
            "not-accepted": Choice("Request not accepted", ~Q(blockRequest__status=ACCEPTED)),
        }


@column("Block", ordering="blockRequest__name")
def block_name(time: BlockTime) -> str:
    """As the time's own link in the list."""
    return time.blockRequest.name


@column("Block request")
def block_link(time: BlockTime) -> str | None:
    """To the page of the request."""
    return link(time.blockRequest)


@column("User group", ordering="blockRequest__group__name")
def group_of_time(time: BlockTime) -> str | None:
    """Whose members use the block."""
    return str(time.blockRequest.group) if time.blockRequest.group else None


@column("Image", ordering="blockRequest__image__prettyname")
def image_of_time(time: BlockTime) -> str | None:
    """What is loaded for it."""
    return link(time.blockRequest.image)


@column("Image revision to load")
def revision_of_time(time: BlockTime) -> str | None:
    """The one that is in production now."""
    return fact(time, "revision_name") or "none in production"


@column("Start", ordering="start")
def start(row: BlockTime | Request) -> datetime | None:
    """When it begins."""
    return row.start


@column("End", ordering="end")
def end(row: BlockTime | Request) -> str | None:
    """When it ends."""
    return until(row.start, row.end)


@column("Machines wanted")
def machines_of_time(time: BlockTime) -> str:
    """A machine of a cluster is several computers."""
    each = fact(time, "per_machine")
    return f"{time.blockRequest.numMachines}{f', each of {each} computers' if each > 1 else ''}"


@column("Allocated")
def allocated(time: BlockTime) -> str:
    """Computers that the block time has and wants."""
    return f"{fact(time, 'held')} of {fact(time, 'wanted')}"


@column("Loaded now")
def loaded_now(time: BlockTime) -> int:
    """Of these, those that hold the production revision now."""
    return int(fact(time, "loaded"))


@column("Status")
def status(time: BlockTime) -> str:
    """How far it is."""
    found = status_in_words(time)
    if not found.startswith(("short", "no ", "never ")):
        return found
    what, comma, why = found.partition(", ")
    return format_html("{}{}{}", strong(what), comma, why)


@column("Processed", ordering="processed")
def processed(time: BlockTime) -> bool:
    """Whether computers have been asked for."""
    return bool(time.processed)


@column("Skip", ordering="skip")
def skip(time: BlockTime) -> bool:
    """Whether the block does not take place this time."""
    return bool(time.skip)


@column("Owner")
def owner_of_time(time: BlockTime) -> str:
    """Who asked for the block."""
    return str(time.blockRequest.owner)


@column("Other times")
def other_times(time: BlockTime) -> str:
    """The way to the times of the same group."""
    group = time.blockRequest.group_id
    return list_link(BlockTime, "all times of this user group", day=ALL, group=group) if group else ""


class BlockTimeList(KeysFirst):
    """The list, with what happened to the times that have no computers."""

    def get_results(self, request: HttpRequest) -> None:
        """The rows of the page."""
        super().get_results(request)
        told = signals([row.pk for row in self.result_list if not fact(row, "held")])
        for row in self.result_list:
            row.told = told.get(row.pk, "")


@admin.register(BlockTime)
class BlockTimeAdmin(ReadOnlyAdmin[BlockTime]):
    """Sessions of blocks, those to come first."""

    list_display = (
        block_name,
        start,
        end,
        group_of_time,
        image_of_time,
        allocated,
        loaded_now,
        status,
        processed,
    )
    list_filter = (DayFilter, StatusFilter, TimeGroupFilter, TimeImageFilter)
    search_fields = (
        "blockRequest__name",
        "blockRequest__group__name",
        "blockRequest__image__prettyname",
        "blockRequest__image__name",
        "blockcomputer__computer__hostname",
    )
    search_help_text = "Search by block, user group, image or computer"
    sections = (
        (
            None,
            (
                (block_link, status),
                (start, end),
                (image_of_time, revision_of_time),
                (allocated, machines_of_time),
                (group_of_time, owner_of_time, other_times),
                (processed, skip),
            ),
        ),
    )
    inlines = (ComputersInline,)
    change_form_template = "admin/blockalloc/block_time.html"

    def heading(self, row: BlockTime) -> str:
        """What and when."""
        return f"{row.blockRequest.name}, {when(row.start)}"

    def more(self, request: HttpRequest, row: BlockTime) -> dict[str, Any]:
        """How ready it is, what may be done to it, and what was."""
        held = fact(row, "held")
        actions = [each for each in offered(request, row) if held or each[0].name != "release"]
        return {"ready": ready_time(request), "offered": actions, **history_of_time(request, row)}

    def get_object(self, request: HttpRequest, object_id: str, from_field: str | None = None) -> BlockTime | None:
        """With the beginning of what is said of one without computers: the rest is above it."""
        found = super().get_object(request, object_id, from_field)
        ready = ready_time(request) if found is not None and not fact(found, "held") else None
        if ready is not None and ready.readiness.signal.words:
            vars(found)["told"] = str(ready.readiness.signal).partition(", ")[0]
        return found

    def get_changelist(self, request: HttpRequest, **kwargs: Any) -> type[ChangeList]:
        """The list that tells what happened."""
        return BlockTimeList

    def get_queryset(self, request: HttpRequest) -> QuerySet[BlockTime]:
        """Those that are to be seen, with all that list and page show."""
        times = BlockTime.objects.select_related(
            "blockRequest__image", "blockRequest__group__affiliation", "blockRequest__owner__affiliation"
        ).only(
            "start",
            "end",
            "processed",
            "skip",
            *of_request("blockRequest__"),
        )
        revision = first(ImageRevision.objects.in_production_for("blockRequest__image"), "imagename")
        return with_counts(times.visible_to(request.user)).annotate(revision_name=revision)

    def get_ordering(self, request: HttpRequest) -> tuple[str, ...]:
        """The next one first, or the latest of those that are over."""
        return ("-start", "-pk") if latest_first(request) else ("start", "pk")


def of_request(path: str) -> list[str]:
    """The columns that pages about a block request need; others hold long texts."""
    names = ("name", "numMachines", "status", "expireTime", "repeating", "image__prettyname", "group__name")
    people = ("group__affiliation__name", "owner__unityid", "owner__affiliation__name")
    return [path + name for name in (*names, *people)]
