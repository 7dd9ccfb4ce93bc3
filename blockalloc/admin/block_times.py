"""Block times with their computers: for people, classes."""

from datetime import datetime
from typing import Any

from django.conf import settings
from django.contrib import admin
from django.contrib.admin.views.main import ChangeList
from django.db.models import Exists, OuterRef, Q, QuerySet
from django.http import HttpRequest, HttpResponse
from django.urls import reverse

from blockalloc import clock
from blockalloc.admin.base import KeysFirstList, ReadOnlyAdmin
from blockalloc.admin.block_time_tables import HEADINGS, computers_of, readiness_of_page
from blockalloc.admin.class_rows import (
    ClassRow,
    class_rows,
    machines,
    state,
)
from blockalloc.admin.counts import computers_of_machine, first, lacks_machines, to_count_machines
from blockalloc.admin.filters import (
    ALL,
    Choice,
    ChoiceFilter,
    DayFilter,
    GroupFilter,
    ImageFilter,
    LabFilter,
    latest_first,
)
from blockalloc.admin.forecasts import ForecastFilter, foreseen, section_of, texts_of
from blockalloc.admin.history import block_time_history
from blockalloc.models import BlockComputer, BlockTime, ImageRevision, Request, SubImage
from blockalloc.models.labs import class_in_lab
from blockalloc.models.scope import scope_of
from blockalloc.pages import classes_over
from blockalloc.pages.actions import offered_actions
from blockalloc.pages.block_days import can_be_helped, clock_time
from blockalloc.pages.class_page.attention import matters
from blockalloc.pages.class_page.head import head
from blockalloc.pages.class_page.inner_words import inner_words
from blockalloc.pages.class_page.moments import hours
from blockalloc.pages.class_page.offered import offers
from blockalloc.pages.class_page.seats import seat_map
from blockalloc.pages.columns import NOTHING, account, column, fact, link, list_link, reachable, times, until
from blockalloc.pages.duty import REFRESH_SECONDS
from blockalloc.pages.putting_right import PERMISSION as PUT_RIGHT
from blockalloc.pages.segments import segments
from blockalloc.pages.short_names import short_names
from blockalloc.pages.subjects import subjects
from blockalloc.reports import upkeep
from blockalloc.reports.forecasts import with_outlook
from blockalloc.reports.readiness import BlockTimeReadiness
from scheduling.vcl_names import ACCEPTED
from scheduling.windows import HOUR


class TimeGroupFilter(GroupFilter):
    """Block times for a user group."""

    path = "blockRequest__group"


class TimeImageFilter(ImageFilter):
    """Block times for an image."""

    path = "blockRequest__image"


class TimeLabFilter(LabFilter):
    """Block times of a lab."""

    def condition(self, lab: int) -> Q:
        """The condition for classes of the lab."""
        return class_in_lab(lab)


class AllocationFilter(ChoiceFilter):
    """How far the allocation of block times is, on whatever day: their state is not known to the database."""

    title = "allocation"
    parameter_name = "status"

    def options(self) -> dict[str, Choice]:
        """What staff look for."""
        open_ = Q(skip=0, blockRequest__status=ACCEPTED)
        has_computers = Q(Exists(BlockComputer.objects.filter(blockTime=OuterRef("pk"))))
        begun = Q(processed__gt=0) | has_computers
        return {
            ALL: Choice("All", Q()),
            "complete": Choice("All machines allocated", open_ & ~lacks_machines()),
            "short": Choice("Machines not allocated", open_ & begun & lacks_machines()),
            "waiting": Choice("Not asked for yet (not processed)", open_ & Q(processed=0) & ~has_computers),
            "skipped": Choice("Skipped", Q(skip__gt=0)),
            "not-accepted": Choice("Series not accepted", ~Q(blockRequest__status=ACCEPTED)),
        }


@column("Class", ordering="blockRequest__name")
def block_name(time: BlockTime) -> str:
    """The name of its series; the list links it to the block time's page."""
    return time.blockRequest.name


@column("Series")
def block_link(time: BlockTime) -> str | None:
    """A link to the page of the block request."""
    return link(time.blockRequest)


@column("User group", ordering="blockRequest__group__name")
def group_of_time(time: BlockTime) -> str | None:
    """The group whose members use it."""
    return account(str(time.blockRequest.group)) if time.blockRequest.group else None


@column("Image", ordering="blockRequest__image__prettyname")
def image_of_time(time: BlockTime) -> str | None:
    """The image that is loaded for it."""
    return link(time.blockRequest.image)


@column("Start", ordering="start")
def start(row: BlockTime | Request) -> datetime | None:
    return row.start


@column("End", ordering="end")
def end(row: BlockTime | Request) -> str | None:
    return until(row.start, row.end)


@column("When", ordering="start")
def when_(row: BlockTime | Request) -> str | None:
    """From when to when."""
    return times(row.start, row.end)


@column("Machines wanted")
def machines_of_time(time: BlockTime) -> str:
    """Their number; for a cluster, also how many computers make one."""
    each = fact(time, "per_machine")
    return f"{time.blockRequest.numMachines}{f', each of {each} computers' if each > 1 else ''}"


def _put_right_address(time: BlockTime, row: ClassRow) -> str:
    """Where a block time of the next hours is put right that lacks machines, or has failed computers; "" for others."""
    now = clock.now()
    is_due = time.start.timestamp() <= now + settings.VCL_KEEP_READY_HOURS * HOUR
    if row.is_whole or not (is_due and time.block_status.is_current_or_upcoming(now)):
        return ""
    return reverse("admin:blocktime_action", args=[time.pk, "put-right"])


@column("Owner")
def owner_of_time(time: BlockTime) -> str:
    """The person who asked for its series, and how to reach them."""
    return reachable(time.blockRequest.owner)


@column("Other classes")
def other_times(time: BlockTime) -> str:
    """A link to the block times of the same user group."""
    group = time.blockRequest.group_id
    return list_link(BlockTime, "all classes of this user group", day=ALL, group=group) if group else ""


_FACTS = (block_link, image_of_time, machines_of_time, group_of_time, owner_of_time, other_times)


def _hours(row: BlockTime) -> str:
    """`Mon 30 Nov 09:00–11:00`."""
    return hours(int(row.start.timestamp()), int(row.end.timestamp()), clock.now())


def _needs_help(seen: BlockTimeReadiness, now: int) -> bool:
    """Whether to look for what would help: it is near and in trouble, or will lack machines."""
    will_be_short = seen.readiness.numbers.missing > 0 and seen.readiness.signal.level in ("bad", "watch")
    return can_be_helped(seen, now) or (will_be_short and seen.is_current_or_upcoming(now))


def _images_of_machine(row: BlockTime) -> tuple[int, ...]:
    """The images of the computers of one machine. One statement for a cluster, none for others."""
    image = row.blockRequest.image
    if fact(row, "per_machine") == 1:
        return (image.pk,)
    return (image.pk, *SubImage.objects.filter(imagemeta=image.imagemeta_id).values_list("image_id", flat=True))


class BlockTimeList(KeysFirstList):
    """The list, with the numbers of the classes, what is foreseen, and links to put them right."""

    def get_results(self, request: HttpRequest) -> None:
        """Read the rows of the page, and their numbers."""
        super().get_results(request)
        of_classes = class_rows([row.pk for row in self.result_list])
        may_put_right = request.user.has_perm(PUT_RIGHT)
        for row in self.result_list:
            of_class = of_classes.get(row.pk)
            row.class_row = of_class.as_text() if of_class else ""
            row.put_right = _put_right_address(row, of_class) if of_class and may_put_right else ""
        ahead = texts_of(self.result_list)
        for row in self.result_list:
            row.foreseen = ahead.get(row.pk, "")
        if not any(foreseen(row) != NOTHING for row in self.result_list):
            self.list_display = [each for each in self.list_display if each is not foreseen]


@admin.register(BlockTime)
class BlockTimeAdmin(ReadOnlyAdmin[BlockTime]):
    """Block times, the next one first."""

    list_title = "Classes"
    counted = ("class", "classes")
    list_display = (block_name, when_, group_of_time, image_of_time, machines, state, foreseen)
    list_filter = (DayFilter, TimeLabFilter, AllocationFilter, ForecastFilter, TimeGroupFilter, TimeImageFilter)
    search_fields = (
        "blockRequest__name",
        "blockRequest__group__name",
        "blockRequest__image__prettyname",
        "blockRequest__image__name",
        "blockcomputer__computer__hostname",
    )
    search_help_text = "Search by class, user group, image or computer"
    change_form_template = "admin/blockalloc/block_time.html"
    change_list_template = "admin/blockalloc/block_times.html"

    def heading(self, row: BlockTime) -> str:
        """Its name and hours."""
        return f"{row.blockRequest.name}, {_hours(row)}"

    def more(self, request: HttpRequest, row: BlockTime) -> dict[str, Any]:
        """How ready it is, what needs attention, its seats, the actions that are offered, what is foreseen, history."""
        seen, now = readiness_of_page(request), clock.now()
        assert seen is not None, "get_object has read the row"
        is_to_come = row.block_status.is_current_or_upcoming(now)
        kept = upkeep.of_block_time(row.pk, now) if is_to_come else upkeep.NOTHING
        actions = offered_actions(request, row, holds_stopped=kept.holds_stopped)
        forecast = section_of(seen, request)
        if forecast:
            seen = with_outlook(seen, forecast.foreseen)
        short = short_names().of
        has_seats = is_to_come and bool(seen.readiness.computers)
        computers = computers_of(seen)
        # In them VCL names the person who put a computer into maintenance.
        notes = {} if scope_of(request.user).is_limited else computers.notes
        found, history = matters(seen, kept, now, short, notes), block_time_history(request, row)
        texts = [str(seen.readiness.signal), *(each.text for each in history.get("history", ()))]
        return {
            "ready": seen,
            "hours": _hours(row),
            "head": head(seen, now, classes_over.of_class(row, now)),
            "bar": segments(seen.readiness.numbers, fact(row, "per_machine")) if has_seats else None,
            "matters": found,
            "seats": seat_map(seen, _images_of_machine(row), short) if has_seats else None,
            "upkeep": kept.lines,
            "offers": offers(actions, seen, now, is_looked_after=kept.is_alive),
            "needs_help": _needs_help(seen, now),
            "forecast": forecast,
            "facts": [(getattr(each, "short_description"), each(row)) for each in _FACTS],  # noqa: B009
            "timeline": reverse("admin:timeline", query={"day": f"{row.start:%Y-%m-%d}", "block": row.blockRequest_id}),
            "inner": inner_words(row),
            "headings": HEADINGS,
            "computers": computers.rows,
            "updated": clock_time(now),
            "refresh_seconds": REFRESH_SECONDS,
            **history,
            "subjects": subjects(request, texts),
        }

    def changelist_view(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        """The list, with a link to put several right, for people who may."""
        context = {"may_put_right": request.user.has_perm(PUT_RIGHT), "hours": settings.VCL_KEEP_READY_HOURS}
        return super().changelist_view(request, {**context, **(extra_context or {})})

    def get_changelist(self, request: HttpRequest, **kwargs: Any) -> type[ChangeList]:
        """The list that says what happened."""
        return BlockTimeList

    def get_queryset(self, request: HttpRequest) -> QuerySet[BlockTime]:
        """Those that the person may see, with the columns of the list and of the page."""
        times = BlockTime.objects.select_related(
            "blockRequest__image", "blockRequest__group__affiliation", "blockRequest__owner__affiliation"
        ).only(
            "start",
            "end",
            "processed",
            "skip",
            *request_columns("blockRequest__"),
            *(f"blockRequest__owner__{name}" for name in ("firstname", "lastname", "preferredname", "email")),
        )
        revision = first(ImageRevision.objects.in_production_for("blockRequest__image"), "imagename")
        per_machine = computers_of_machine("blockRequest__image__imagemeta")
        visible = to_count_machines(times.visible_to(request.user))
        return visible.annotate(revision_name=revision, per_machine=per_machine)

    def get_ordering(self, request: HttpRequest) -> tuple[str, ...]:
        """By start; in lists of past ones, the latest first."""
        return ("-start", "-pk") if latest_first(request) else ("start", "pk")


def request_columns(path: str) -> list[str]:
    """The columns of block requests that pages need, below `path`; others have long texts."""
    names = (
        "name",
        "numMachines",
        "status",
        "expireTime",
        "repeating",
        "image__prettyname",
        "image__imagemeta",
        "group__name",
    )
    people = ("group__affiliation__name", "owner__unityid", "owner__affiliation__name")
    return [path + name for name in (*names, *people)]
