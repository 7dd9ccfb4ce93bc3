"""Block requests with their times."""

from datetime import datetime
from typing import Any

from django.contrib import admin
from django.db.models import Case, CharField, OuterRef, Q, QuerySet, Value, When
from django.http import HttpRequest

from blockalloc.admin.base import ReadOnlyAdmin, ReadOnlyInline
from blockalloc.admin.block_time_tables import signals
from blockalloc.admin.block_times import (
    allocated,
    end,
    loaded_now,
    of_request,
    processed,
    skip,
    status,
    with_counts,
)
from blockalloc.admin.counts import first, number_of
from blockalloc.admin.filters import ALL, Choice, ChoiceFilter, GroupFilter, ImageFilter, OpenFilter, now
from blockalloc.admin.history import history_of_request
from blockalloc.models import BlockRequest, BlockTime
from blockalloc.pages.columns import column, fact, link, link_to, when

_TOLD = "_blockalloc_told"


def with_next_time(requests: QuerySet[BlockRequest]) -> QuerySet[BlockRequest]:
    """With the time that comes next."""
    coming = BlockTime.objects.filter(blockRequest=OuterRef("pk")).to_come(now()).not_skipped()
    soonest = coming.order_by("start", "pk")
    return requests.annotate(
        next_start=first(soonest, "start"),
        next_id=first(soonest, "pk"),
        times_to_come=number_of(coming, "blockRequest"),
    )


@column("Block", ordering="name")
def name(request: BlockRequest) -> str:
    """What the request is called."""
    return request.name


@column("User group", ordering="group__name")
def group(request: BlockRequest) -> str | None:
    """Whose members use it."""
    return str(request.group) if request.group else None


@column("Image", ordering="image__prettyname")
def image(request: BlockRequest) -> str | None:
    """What is loaded for it."""
    return link(request.image)


@column("Machines", ordering="numMachines")
def machines(request: BlockRequest) -> int:
    """How many each time wants."""
    return request.numMachines


@column("Status", ordering="status")
def request_status(request: BlockRequest) -> str:
    """What staff decided."""
    return request.status


@column("Repeats", ordering="repeating")
def repeating(request: BlockRequest) -> str:
    """How its times were entered."""
    return {"list": "listed dates"}.get(request.repeating, request.repeating)


@column("Owner", ordering="owner__unityid")
def owner(request: BlockRequest) -> str:
    """Who asked for it."""
    return str(request.owner)


@column("Next time", ordering="next_start")
def next_time(request: BlockRequest) -> str | None:
    """A link to the one that is on, or comes next."""
    begins = fact(request, "next_start")
    return link_to(BlockTime, fact(request, "next_id"), when(begins)) if begins else None


@column("Times to come")
def times_to_come(request: BlockRequest) -> int:
    """Including one that is on, without those to skip."""
    return int(fact(request, "times_to_come"))


@column("Expires", ordering="expireTime")
def expires(request: BlockRequest) -> datetime:
    """When its last time is over."""
    return request.expireTime


@column("Management node")
def managementnode(request: BlockRequest) -> str | None:
    """Whose back end processes the block; the reloads may be other nodes'."""
    return request.managementnode.hostname if request.managementnode else None


@column("Comments")
def comments(request: BlockRequest) -> str | None:
    """What was said about it."""
    return request.comments


class RequestStatusFilter(ChoiceFilter):
    """What was decided about requests."""

    title = "status"
    parameter_name = "status"

    def options(self) -> dict[str, Choice]:
        """The words that the column has."""
        words = BlockRequest._meta.get_field("status").words
        return {ALL: Choice("All", Q()), **{word: Choice(word.capitalize(), Q(status=word)) for word in words}}


class RequestGroupFilter(GroupFilter):
    """Requests for a user group."""

    path = "group"


class RequestImageFilter(ImageFilter):
    """Requests for an image."""

    path = "image"


@column("Start")
def time_link(time: BlockTime) -> str | None:
    """To the page of the time."""
    return link(time, when(time.start))


class TimesInline(ReadOnlyInline[BlockTime, BlockRequest]):
    """The times of a block request."""

    model = BlockTime
    columns = (time_link, end, allocated, loaded_now, status, processed, skip)

    def get_queryset(self, request: HttpRequest) -> QuerySet[BlockTime]:
        """All of them, in order."""
        times = BlockTime.objects.select_related("blockRequest").only(
            "start",
            "end",
            "processed",
            "skip",
            "blockRequest__numMachines",
            "blockRequest__status",
            "blockRequest__expireTime",
        )
        return with_counts(times).annotate(told=_told(request)).order_by("start", "pk")


def _told(request: HttpRequest) -> Case | Value:
    """What happened to each of the page's times that have no computers: columns look at rows only."""
    key = request.resolver_match.kwargs.get("object_id", "") if request.resolver_match else ""
    if not (key.isdecimal() and len(key) < 10):
        return Value("")
    if not hasattr(request, _TOLD):
        times = BlockTime.objects.filter(blockRequest=int(key)).without_computers()
        setattr(request, _TOLD, signals(list(times.values_list("pk", flat=True))))
    whens = [When(pk=time, then=Value(words)) for time, words in getattr(request, _TOLD).items()]
    return Case(*whens, default=Value(""), output_field=CharField()) if whens else Value("")


@admin.register(BlockRequest)
class BlockRequestAdmin(ReadOnlyAdmin[BlockRequest]):
    """Blocks, each with all its times."""

    list_display = (name, group, image, machines, request_status, next_time, times_to_come, owner)
    list_filter = (OpenFilter, RequestStatusFilter, RequestGroupFilter, RequestImageFilter)
    search_fields = ("name", "group__name", "image__prettyname", "image__name", "owner__unityid")
    search_help_text = "Search by block, user group, image or owner"
    ordering = ("name", "pk")
    sections = (
        (
            None,
            (
                (name, request_status),
                (image, machines),
                (group, owner),
                (next_time, times_to_come),
                (repeating, expires),
                managementnode,
                comments,
            ),
        ),
    )
    inlines = (TimesInline,)
    change_form_template = "admin/blockalloc/block_request.html"

    def more(self, request: HttpRequest, row: BlockRequest) -> dict[str, Any]:
        """What was decided about its times, and done to them."""
        return history_of_request(request, row)

    def get_queryset(self, request: HttpRequest) -> QuerySet[BlockRequest]:
        """Those that are to be seen, with all that list and page show."""
        related = ("image", "group__affiliation", "owner__affiliation", "managementnode")
        requests = BlockRequest.objects.visible_to(request.user).select_related(*related)
        return with_next_time(requests.only("comments", "managementnode__hostname", *of_request("")))
