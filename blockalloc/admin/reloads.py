"""Reload reservations: what the back ends are to load for blocks, when, and which of them does it."""

from typing import cast

from django.contrib import admin
from django.db.models import Exists, OuterRef, Prefetch, Q, QuerySet
from django.http import HttpRequest
from django.utils.html import format_html_join

from blockalloc.admin.base import ReadOnlyAdmin, ReadOnlyInline
from blockalloc.admin.block_times import end, start
from blockalloc.admin.counts import first
from blockalloc.admin.filters import DayFilter, RelatedFilter, latest_first
from blockalloc.models import BlockComputer, BlockTime, ManagementNode, Request, Reservation
from blockalloc.pages.columns import column, fact, link, link_to, when
from scheduling.state_ids import PENDING, RELOAD
from scheduling.vcl_names import RELOAD_USER

# VCL's table holds all requests. Only reloads are shown here, and menus and headings are to say so.
Request._meta.verbose_name = "reload reservation"
Request._meta.verbose_name_plural = "reload reservations"


def reload_link(request: Request, text: str, *, to_be_seen: bool = True) -> str | None:
    """To the page of the reload, or the text alone; None for another kind of request. The user must be fetched."""
    owner = request.user
    ours = (owner.unityid, owner.affiliation.name) == RELOAD_USER
    if not (ours and RELOAD in (request.state_id, request.laststate_id)):
        return None
    return link(request, text) if to_be_seen else text


@column("Computers")
def computers(request: Request) -> str:
    """Links; more than one for a cluster."""
    return format_html_join(", ", "{}", ((link(each.computer),) for each in _reservations(request)))


@column("Image")
def images(request: Request) -> str:
    """What is loaded."""
    return ", ".join(dict.fromkeys(each.image.prettyname for each in _reservations(request)))


@column("Management node")
def nodes(request: Request) -> str:
    """Who loads it."""
    return ", ".join(dict.fromkeys(each.managementnode.hostname for each in _reservations(request)))


@column("State")
def state(request: Request) -> str:
    """How far it is."""
    return {RELOAD: "waiting", PENDING: "loading"}.get(request.state_id, request.state.name)


@column("Block")
def block(request: Request) -> str | None:
    """To the page of the block time."""
    begins = fact(request, "block_start")
    text = f"{fact(request, 'block_name')}, {when(begins)}" if begins else ""
    return link_to(BlockTime, fact(request, "block_time_id"), text) if begins else None


def _reservations(request: Request) -> list[Reservation]:
    return cast("list[Reservation]", fact(request, "found_reservations"))


@column("Computer")
def computer(reservation: Reservation) -> str | None:
    """To the page of the computer."""
    return link(reservation.computer)


@column("State now")
def computer_state(reservation: Reservation) -> str:
    """What the computer is doing."""
    return reservation.computer.state.name


@column("Image to load")
def image(reservation: Reservation) -> str | None:
    """To the page of the image."""
    return link(reservation.image)


@column("Image revision to load")
def revision(reservation: Reservation) -> str:
    """The file."""
    return reservation.imagerevision.imagename


@column("Loading")
def loading(reservation: Reservation) -> str:
    """What the reload will find."""
    return "loaded" if reservation.computer.imagerevision_id == reservation.imagerevision_id else "must load"


@column("Management node")
def node(reservation: Reservation) -> str:
    """Who loads it."""
    return reservation.managementnode.hostname


class ReservationsInline(ReadOnlyInline[Reservation, Request]):
    """The computers of a reload."""

    model = Reservation
    verbose_name_plural = "computers"
    columns = (computer, computer_state, image, revision, loading, node)

    def get_queryset(self, request: HttpRequest) -> QuerySet[Reservation]:
        """In the order in which they were taken."""
        return _named(Reservation.objects.all())


class NodeFilter(RelatedFilter):
    """Reloads of a management node."""

    title = "management node"
    parameter_name = "node"

    def condition(self, row: ManagementNode) -> Q:
        """Some computer of the reload is loaded by the node."""
        return Q(Exists(Reservation.objects.filter(request=OuterRef("pk"), managementnode=row)))

    def candidates(self) -> QuerySet[ManagementNode]:
        """Those that have reloads, of those that are to be seen."""
        reloads = Request.objects.reloads().for_blocks_within(self.scope)
        theirs = reloads.filter(reservation__managementnode=OuterRef("pk"))
        return ManagementNode.objects.filter(Exists(theirs)).only("hostname").order_by("hostname")

    def named(self, key: int) -> QuerySet[ManagementNode]:
        """Without the keys."""
        return ManagementNode.objects.filter(pk=key).only("hostname")


@admin.register(Request)
class ReloadAdmin(ReadOnlyAdmin[Request]):
    """Reloads, the next first."""

    list_display = (start, end, computers, images, nodes, state, block)
    list_filter = (DayFilter, NodeFilter)
    search_fields = (
        "reservation__computer__hostname",
        "reservation__image__prettyname",
        "reservation__managementnode__hostname",
    )
    search_help_text = "Search by computer, image or management node"
    sections = ((None, ((start, end), (block, state))),)
    inlines = (ReservationsInline,)

    def heading(self, row: Request) -> str:
        """What and when."""
        names = ", ".join(each.computer.hostname for each in _reservations(row))
        return f"Reload of {names}, {when(row.start) if row.start else 'without a time'}"

    def get_queryset(self, request: HttpRequest) -> QuerySet[Request]:
        """With the computers and the block that each reload is for."""
        # The column reloadrequestid has no index: the way to the block is by the computer.
        computers = BlockComputer.objects.visible_to(request.user)
        loaded = computers.filter(computer__reservation__request=OuterRef("pk"), reloadrequestid=OuterRef("pk"))
        held = loaded.order_by("blockTime")
        reservations = Prefetch("reservation_set", _named(Reservation.objects.all()), to_attr="found_reservations")
        return (
            Request.objects.reloads()
            .for_blocks_visible_to(request.user)
            .select_related("state")
            .only("start", "end", "state__name")
            .prefetch_related(reservations)
            .annotate(
                block_time_id=first(held, "blockTime_id"),
                block_start=first(held, "blockTime__start"),
                block_name=first(held, "blockTime__blockRequest__name"),
            )
        )

    def get_ordering(self, request: HttpRequest) -> tuple[str, ...]:
        """The next one first, or the latest of those that are over."""
        return ("-start", "-pk") if latest_first(request) else ("start", "pk")


def _named(reservations: QuerySet[Reservation]) -> QuerySet[Reservation]:
    """With what the pages say about each. Passwords of sessions are in the same table and are not read."""
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
