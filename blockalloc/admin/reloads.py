"""Reload reservations: the images to load for block times, with their times and management nodes."""

from datetime import datetime
from typing import cast

from django.contrib import admin
from django.db.models import Exists, OuterRef, Prefetch, Q, QuerySet
from django.http import HttpRequest
from django.utils.html import format_html_join

from blockalloc.admin.base import ReadOnlyAdmin, ReadOnlyInline
from blockalloc.admin.counts import first
from blockalloc.admin.filters import DayFilter, RelatedFilter, latest_first
from blockalloc.models import BlockComputer, BlockTime, ManagementNode, Request, Reservation
from blockalloc.pages.columns import column, fact, link, link_to, moment, until
from blockalloc.pages.short_names import short_names
from blockalloc.pages.vcl_words import STATES, both
from scheduling.state_ids import PENDING, RELOAD
from scheduling.vcl_names import RELOAD_USER

# VCL's table has requests of all kinds; the staff's pages show reloads only, and have to say so.
Request._meta.verbose_name = "reload"
Request._meta.verbose_name_plural = "reloads"


ALREADY_LOADED = "already loaded"


def reload_link(request: Request, text: str, *, visible: bool = True) -> str | None:
    """A link to the page of a reload, or its text if the page is not `visible`; None for another kind of request.

    The user of the request must be fetched.
    """
    user = request.user
    by_reload_user = (user.unityid, user.affiliation.name) == RELOAD_USER
    if not (by_reload_user and RELOAD in (request.state_id, request.laststate_id)):
        return None
    return link(request, text) if visible else text


@column("Load begins", ordering="start")
def begins(request: Request) -> datetime | None:
    """From when on the management node may load."""
    return request.start


@column("Reserved until", ordering="end")
def reserved_until(request: Request) -> str | None:
    """The end of the reservation: the load is to be over before."""
    return until(request.start, request.end)


@column("Computers")
def computers(request: Request) -> str:
    """Links to the computers: several for a cluster."""
    computers = (each.computer for each in _reservations(request))
    return format_html_join(", ", "{}", ((link(each, short_names().as_html(each.hostname)),) for each in computers))


@column("Image")
def images(request: Request) -> str:
    """The images to load."""
    return ", ".join(dict.fromkeys(each.image.prettyname for each in _reservations(request)))


@column("Management node")
def nodes(request: Request) -> str:
    """The node that loads the computer."""
    hostnames = dict.fromkeys(each.managementnode.hostname for each in _reservations(request))
    return format_html_join(", ", "{}", ((short_names().as_html(each),) for each in hostnames))


@column("State")
def state(request: Request) -> str:
    """The progress of the reload."""
    if request.state_id == RELOAD and all(has_revision(each) for each in _reservations(request)):
        return ALREADY_LOADED
    return {RELOAD: "waiting", PENDING: "loading"}.get(request.state_id) or both(STATES, request.state.name)


@column("Class")
def block(request: Request) -> str | None:
    """A link to the page of the block time."""
    begins = fact(request, "block_start")
    text = f"{fact(request, 'block_name')}, {moment(begins)}" if begins else ""
    return link_to(BlockTime, fact(request, "block_time_id"), text) if begins else None


def _reservations(request: Request) -> list[Reservation]:
    return cast("list[Reservation]", fact(request, "computers_to_load"))


@column("Computer")
def computer(reservation: Reservation) -> str | None:
    return link(reservation.computer, short_names().as_html(reservation.computer.hostname))


@column("State now")
def computer_state(reservation: Reservation) -> str:
    """VCL's state of the computer."""
    return both(STATES, reservation.computer.state.name)


@column("Image to load")
def image(reservation: Reservation) -> str | None:
    return link(reservation.image)


@column("Image revision to load")
def revision(reservation: Reservation) -> str:
    """The file to load."""
    return reservation.imagerevision.imagename


@column("Loading")
def loading(reservation: Reservation) -> str:
    """Whether the computer has the image revision already."""
    return ALREADY_LOADED if has_revision(reservation) else "must load"


def has_revision(reservation: Reservation) -> bool:
    """Whether the computer has the image revision that is to be loaded."""
    return reservation.computer.imagerevision_id == reservation.imagerevision_id


@column("Management node")
def node(reservation: Reservation) -> str:
    """The node that loads the computer."""
    return short_names().as_html(reservation.managementnode.hostname)


class ReservationsInline(ReadOnlyInline[Reservation, Request]):
    """The computers of a reload."""

    model = Reservation
    verbose_name_plural = "computers"
    columns = (computer, computer_state, image, revision, loading, node)

    def get_queryset(self, request: HttpRequest) -> QuerySet[Reservation]:
        """In the order of their ids."""
        return _with_names(Reservation.objects.all())


class NodeFilter(RelatedFilter):
    """Reloads of a management node."""

    title = "management node"
    parameter_name = "node"

    def condition(self, row: ManagementNode) -> Q:
        """The condition for reloads of which the node loads a computer."""
        return Q(Exists(Reservation.objects.filter(request=OuterRef("pk"), managementnode=row)))

    def candidates(self) -> QuerySet[ManagementNode]:
        """The nodes with reloads that the person may see."""
        reloads = Request.objects.reloads().for_blocks_within(self.scope)
        of_node = reloads.filter(reservation__managementnode=OuterRef("pk"))
        return ManagementNode.objects.filter(Exists(of_node)).only("hostname").order_by("hostname")

    def other_row(self, key: int) -> QuerySet[ManagementNode]:
        """Any node, without its keys."""
        return ManagementNode.objects.filter(pk=key).only("hostname")


@admin.register(Request)
class ReloadAdmin(ReadOnlyAdmin[Request]):
    """Reloads, the next one first."""

    list_display = (begins, reserved_until, computers, images, state, block, nodes)
    list_filter = (DayFilter, NodeFilter)
    search_fields = (
        "reservation__computer__hostname",
        "reservation__image__prettyname",
        "reservation__managementnode__hostname",
    )
    search_help_text = "Search by computer, image or management node"
    sections = ((None, ((begins, reserved_until), (block, state))),)
    inlines = (ReservationsInline,)

    def heading(self, row: Request) -> str:
        """Its computers and its start."""
        names = ", ".join(short_names().of(each.computer.hostname) for each in _reservations(row))
        return f"Reload of {names}, {moment(row.start) if row.start else 'without a time'}"

    def get_queryset(self, request: HttpRequest) -> QuerySet[Request]:
        """With the computers and the block time of each reload."""
        # The column reloadrequestid has no index: the query goes by the computer.
        visible = BlockComputer.objects.visible_to(request.user)
        block_computers = visible.filter(computer__reservation__request=OuterRef("pk"), reloadrequestid=OuterRef("pk"))
        by_block_time = block_computers.order_by("blockTime")
        reservations = Prefetch("reservation_set", _with_names(Reservation.objects.all()), to_attr="computers_to_load")
        return (
            Request.objects.reloads()
            .for_blocks_visible_to(request.user)
            .select_related("state")
            .only("start", "end", "state__name")
            .prefetch_related(reservations)
            .annotate(
                block_time_id=first(by_block_time, "blockTime_id"),
                block_start=first(by_block_time, "blockTime__start"),
                block_name=first(by_block_time, "blockTime__blockRequest__name"),
            )
        )

    def get_ordering(self, request: HttpRequest) -> tuple[str, ...]:
        """By start; in lists of past ones, the latest first."""
        return ("-start", "-pk") if latest_first(request) else ("start", "pk")


def _with_names(reservations: QuerySet[Reservation]) -> QuerySet[Reservation]:
    """With the columns that pages show. Passwords of sessions are in the same table and are not read."""
    related = ("computer__state", "image", "imagerevision", "managementnode")
    columns = (
        "request",
        "computer__hostname",
        "computer__imagerevision",
        "computer__state__name",
        "image__prettyname",
        "imagerevision__imagename",
        "managementnode__hostname",
    )
    return reservations.select_related(*related).only(*columns).order_by("pk")
