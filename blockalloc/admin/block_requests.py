"""Block requests with their block times: for people, series of classes."""

from datetime import datetime
from typing import Any

from django.contrib import admin
from django.db.models import Case, IntegerField, OuterRef, Q, QuerySet, TextField, Value, When
from django.http import HttpRequest
from django.urls import reverse
from django.utils.html import format_html

from blockalloc.admin.base import ReadOnlyAdmin, ReadOnlyInline, without
from blockalloc.admin.block_times import request_columns
from blockalloc.admin.class_rows import machines as machines_of_class
from blockalloc.admin.class_rows import rows_of, state
from blockalloc.admin.counts import first, number_of
from blockalloc.admin.filters import ALL, Choice, ChoiceFilter, GroupFilter, ImageFilter, LabFilter, OpenFilter, now
from blockalloc.admin.forecasts import (
    SeriesForecastFilter,
    foreseen,
    foreseen_of_request,
    foreseen_of_series,
    with_forecast,
)
from blockalloc.admin.history import block_request_history
from blockalloc.contract.messages import Refusal
from blockalloc.models import BlockRequest, BlockTime
from blockalloc.models.labs import series_in_lab
from blockalloc.models.scope import scope_of
from blockalloc.pages.columns import NOTHING, account, column, fact, link, link_to, moment, signal, times
from blockalloc.pages.plan_series import PERMISSION, plan_context, vcl_page
from blockalloc.pages.subjects import subjects
from blockalloc.series import question, service
from scheduling.vcl_names import REQUESTED

AWAITS = "Awaits a decision"
_INNER = "How VCL has it"  # a section of the page
_CLASS_ROWS = "_blockalloc_class_rows"  # where a request caches it


def with_next_time(requests: QuerySet[BlockRequest]) -> QuerySet[BlockRequest]:
    """With the block time that is on or comes next, and the number of those to come."""
    coming = BlockTime.objects.filter(blockRequest=OuterRef("pk")).to_come(now()).not_skipped()
    soonest = coming.order_by("start", "pk")
    return requests.annotate(
        next_start=first(soonest, "start"),
        next_id=first(soonest, "pk"),
        times_to_come=number_of(coming, "blockRequest"),
    )


@column("Series", ordering="name")
def name(request: BlockRequest) -> str:
    return request.name


@column("User group", ordering="group__name")
def group(request: BlockRequest) -> str | None:
    """The group whose members use it."""
    return account(str(request.group)) if request.group else None


@column("Image", ordering="image__prettyname")
def image(request: BlockRequest) -> str | None:
    """The image that is loaded for it."""
    return link(request.image)


@column("Machines", ordering="numMachines")
def machines(request: BlockRequest) -> int:
    """How many each class wants."""
    return request.numMachines


@column("Status", ordering="status")
def decided(request: BlockRequest) -> str:
    """The decision of VCL's staff; of one that they have yet to make, that it is awaited."""
    return signal("watch", AWAITS.lower()) if request.status == REQUESTED else request.status


@column("Repeats", ordering="repeating")
def repeating(request: BlockRequest) -> str:
    """The way in which its block times were entered."""
    return {"list": "listed dates"}.get(request.repeating, request.repeating)


@column("Owner", ordering="owner__unityid")
def owner(request: BlockRequest) -> str:
    """The person who asked for it."""
    return account(str(request.owner))


@column("Next class", ordering="next_start")
def next_time(request: BlockRequest) -> str | None:
    """A link to the class that is on, or comes next."""
    begins = fact(request, "next_start")
    return link_to(BlockTime, fact(request, "next_id"), moment(begins)) if begins else None


@column("Next class", ordering="next_start")
def next_times(request: BlockRequest) -> str | None:
    """The same, and how many are to come after it."""
    following = int(fact(request, "times_to_come")) - 1
    more = format_html(' <span class="quiet nowrap">and {} more</span>', following) if following > 0 else ""
    return (
        format_html('<span class="when">{}</span>{}', next_time(request), more)
        if next_time(request) != NOTHING
        else None
    )


@column("Classes to come")
def times_to_come(request: BlockRequest) -> int:
    """Their number, with one that is on, without skipped ones."""
    return int(fact(request, "times_to_come"))


@column("Expires", ordering="expireTime")
def expires(request: BlockRequest) -> datetime:
    """The time at which its last class is over."""
    return request.expireTime


@column("Management node")
def managementnode(request: BlockRequest) -> str | None:
    """The node whose back end processes its block times; the reloads may be on other nodes."""
    return request.managementnode.hostname if request.managementnode else None


@column("So far")
def so_far(request: BlockRequest) -> str:
    """A link to the report of its classes of the last months."""
    address = reverse("admin:semester", query={"series": request.pk})
    return format_html('<a href="{}">what its classes asked for, had and used</a>', address)


@column("Comments")
def comments(request: BlockRequest) -> str | None:
    return request.comments


class RequestStatusFilter(ChoiceFilter):
    """The status of block requests."""

    title = "status"
    parameter_name = "status"

    def options(self) -> dict[str, Choice]:
        """The values of the column."""
        words = BlockRequest._meta.get_field("status").words
        labels = {word: AWAITS if word == REQUESTED else word.capitalize() for word in words}
        return {ALL: Choice("All", Q()), **{word: Choice(labels[word], Q(status=word)) for word in words}}


class RequestLabFilter(LabFilter):
    """Block requests with classes of a lab."""

    def condition(self, lab: int) -> Q:
        """The condition for block requests of the lab."""
        return series_in_lab(lab)


class RequestGroupFilter(GroupFilter):
    """Block requests for a user group."""

    path = "group"


class RequestImageFilter(ImageFilter):
    """Block requests for an image."""

    path = "image"


@column("When")
def time_link(time: BlockTime) -> str | None:
    """A link to the page of the class."""
    return link(time, times(time.start, time.end) or "")


class TimesInline(ReadOnlyInline[BlockTime, BlockRequest]):
    """The block times of a block request."""

    model = BlockTime
    verbose_name_plural = "classes"
    template = "admin/blockalloc/series_classes.html"
    columns = (time_link, machines_of_class, state, foreseen)

    def get_queryset(self, request: HttpRequest) -> QuerySet[BlockTime]:
        """All of them, by start, those that are over at the end."""
        times = BlockTime.objects.select_related("blockRequest").only(
            "start",
            "end",
            "processed",
            "skip",
            "blockRequest__numMachines",
            "blockRequest__status",
            "blockRequest__expireTime",
        )
        texts = {"class_row": _class_rows(request), "foreseen": foreseen_of_series(request)}
        is_over = Case(When(end__lte=now(), then=Value(1)), default=Value(0), output_field=IntegerField())
        return times.annotate(is_over=is_over, **texts).order_by(is_over, "start", "pk")


def _class_rows(request: HttpRequest) -> Case | Value:
    """The numbers of each block time, as a column: functions of columns get rows only."""
    key = request.resolver_match.kwargs.get("object_id", "") if request.resolver_match else ""
    if not (key.isdecimal() and len(key) < 10):
        return Value("")
    if not hasattr(request, _CLASS_ROWS):
        setattr(request, _CLASS_ROWS, rows_of(BlockTime.objects.filter(blockRequest=int(key))))
    whens = [When(pk=time, then=Value(row.as_text())) for time, row in getattr(request, _CLASS_ROWS).items()]
    return Case(*whens, default=Value(""), output_field=TextField()) if whens else Value("")


def _plan(request: HttpRequest, row: BlockRequest) -> dict[str, Any]:
    """The plan of a block request that awaits its decision, or why there is none."""
    if row.status != REQUESTED or not request.user.has_perm(PERMISSION):
        return {}
    context = {"awaits": True, "vcl_page": vcl_page()}
    try:
        plan = service.plan(question.of_request(row), scope_of(request.user), door="admin")
    except Refusal as refusal:
        return {**context, "no_plan": refusal.text}
    return {**context, **plan_context(request, plan)}


@admin.register(BlockRequest)
class BlockRequestAdmin(ReadOnlyAdmin[BlockRequest]):
    """Block requests, each with all its block times."""

    list_title = "Series"
    counted = ("series", "series")
    folded = (_INNER,)
    list_display = (name, next_times, group, image, machines, owner, decided, foreseen_of_request)
    list_filter = (
        OpenFilter,
        RequestLabFilter,
        RequestStatusFilter,
        SeriesForecastFilter,
        RequestGroupFilter,
        RequestImageFilter,
    )
    search_fields = ("name", "group__name", "image__prettyname", "image__name", "owner__unityid")
    search_help_text = "Search by series, user group, image or owner"
    ordering = ("name", "pk")
    sections = (
        (
            None,
            (
                (next_time, times_to_come),
                (foreseen_of_request, decided),
                (image, machines),
                (group, owner, so_far),
                comments,
            ),
        ),
        (
            _INNER,
            (
                (name, repeating),
                (expires, managementnode),
            ),
        ),
    )
    inlines = (TimesInline,)
    change_form_template = "admin/blockalloc/block_request.html"

    def get_fieldsets(self, request: HttpRequest, obj: BlockRequest | None = None) -> Any:
        """The sections, without what there is nothing to say of."""
        asked = (next_time, foreseen_of_request, comments)
        empty = [each for each in asked if obj is not None and each(obj) == NOTHING]
        return without(super().get_fieldsets(request, obj), empty)

    def more(self, request: HttpRequest, row: BlockRequest) -> dict[str, Any]:
        """The history of its block times; for a request that awaits its decision, whether its dates are possible."""
        history = block_request_history(request, row)
        texts = [each.text for each in history.get("history", ())]
        return {**history, "subjects": subjects(request, texts), **_plan(request, row)}

    def get_queryset(self, request: HttpRequest) -> QuerySet[BlockRequest]:
        """Those that the person may see, with the columns of the list and of the page."""
        related = ("image", "group__affiliation", "owner__affiliation", "managementnode")
        requests = BlockRequest.objects.visible_to(request.user).select_related(*related)
        return with_forecast(
            with_next_time(requests.only("comments", "managementnode__hostname", *request_columns("")))
        )
