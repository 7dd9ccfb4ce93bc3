"""The tables on a computer's page: its block times, its reservations and reloads."""

from datetime import datetime

from django.db.models import BooleanField, ExpressionWrapper, Q, QuerySet
from django.http import HttpRequest

from blockalloc.admin.base import ReadOnlyInline
from blockalloc.admin.filters import now
from blockalloc.admin.reloads import reload_link
from blockalloc.models import BlockComputer, Computer, Request, Reservation
from blockalloc.models.querysets import loads_for_blocks
from blockalloc.models.scope import scope_of
from blockalloc.pages.columns import column, fact, link, link_to, moment, person, until
from blockalloc.pages.short_names import short_names
from blockalloc.pages.vcl_words import STATES, both


@column("Class")
def block(block_computer: BlockComputer) -> str | None:
    """A link to the page of the block time."""
    return link(block_computer.blockTime, block_computer.blockTime.blockRequest.name)


@column("User group")
def block_group(block_computer: BlockComputer) -> str | None:
    """The group whose members use it."""
    group = block_computer.blockTime.blockRequest.group
    return str(group) if group else None


@column("Image")
def block_image(block_computer: BlockComputer) -> str | None:
    """The image that the computer must have."""
    return link(block_computer.image)


@column("Start")
def block_start(block_computer: BlockComputer) -> datetime:
    """The start of the block time."""
    return block_computer.blockTime.start


@column("End")
def block_end(block_computer: BlockComputer) -> str | None:
    """The end of the block time."""
    return until(block_computer.blockTime.start, block_computer.blockTime.end)


@column("Reload starts")
def block_reload(block_computer: BlockComputer) -> str | None:
    """A link to the reload; nothing once VCL has removed it."""
    begins = fact(block_computer, "reload_start")
    return link_to(Request, block_computer.reloadrequestid, moment(begins)) if begins else None


class BlocksInline(ReadOnlyInline[BlockComputer, Computer]):
    """The block times that have the computer, now and to come."""

    model = BlockComputer
    verbose_name_plural = "classes now and to come"
    columns = (block, block_group, block_image, block_start, block_end, block_reload)

    def get_queryset(self, request: HttpRequest) -> QuerySet[BlockComputer]:
        """The next one first."""
        block_computers = BlockComputer.objects.visible_to(request.user).to_come(now())
        related = ("image", "blockTime__blockRequest__group__affiliation")
        columns = (
            "computer",
            "reloadrequestid",
            "image__prettyname",
            "blockTime__start",
            "blockTime__end",
            "blockTime__blockRequest__name",
            "blockTime__blockRequest__group__name",
            "blockTime__blockRequest__group__affiliation__name",
        )
        return block_computers.select_related(*related).only(*columns).with_reload().order_by("blockTime__start")


@column("For")
def reserved_for(reservation: Reservation) -> str:
    """The user, or a reload with a link to its page, if the person may see that."""
    visible = bool(fact(reservation, "reload_visible"))
    by_reload = reload_link(reservation.request, "reload", visible=visible)
    return by_reload or person(reservation, reservation.request.user)


@column("Image")
def reserved_image(reservation: Reservation) -> str | None:
    """The image that is reserved."""
    return link(reservation.image)


@column("Start")
def reserved_from(reservation: Reservation) -> datetime | None:
    """The start of the reservation."""
    return reservation.request.start


@column("End")
def reserved_until(reservation: Reservation) -> str | None:
    """The end of the reservation."""
    return until(reservation.request.start, reservation.request.end)


@column("State")
def reserved_state(reservation: Reservation) -> str:
    """VCL's state of the request."""
    return both(STATES, reservation.request.state.name)


@column("Management node")
def reserved_node(reservation: Reservation) -> str:
    """The node whose back end handles it."""
    return short_names().as_html(reservation.managementnode.hostname)


class ReservationsInline(ReadOnlyInline[Reservation, Computer]):
    """The reservations of the computer now and to come, with reloads."""

    model = Reservation
    verbose_name_plural = "reservations and reloads now and to come"
    columns = (reserved_for, reserved_image, reserved_from, reserved_until, reserved_state, reserved_node)

    def get_queryset(self, request: HttpRequest) -> QuerySet[Reservation]:
        """The next one first. Passwords of sessions are in the same table and are not read."""
        related = ("request__state", "request__user__affiliation", "image", "managementnode")
        columns = (
            "computer",
            "request__start",
            "request__end",
            "request__state__name",
            "request__laststate",
            "request__user__unityid",
            "request__user__affiliation__name",
            "image__prettyname",
            "managementnode__hostname",
        )
        scope = scope_of(request.user)
        visible = ExpressionWrapper(Q(pk__isnull=False) & loads_for_blocks(scope, "request"), BooleanField())
        coming = Reservation.objects.to_come(now()).annotate(reload_visible=visible, only_affiliation=scope.as_column())
        return coming.select_related(*related).only(*columns).order_by("request__start", "pk")
