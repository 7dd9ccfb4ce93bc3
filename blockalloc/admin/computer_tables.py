"""The tables on a computer's page: its blocks, its reservations and reloads."""

from datetime import datetime

from django.db.models import BooleanField, ExpressionWrapper, Q, QuerySet
from django.http import HttpRequest

from blockalloc.admin.base import ReadOnlyInline
from blockalloc.admin.filters import now
from blockalloc.admin.reloads import reload_link
from blockalloc.models import BlockComputer, Computer, Request, Reservation
from blockalloc.models.querysets import loads_for_blocks
from blockalloc.models.scope import scope_of
from blockalloc.pages.columns import column, fact, link, link_to, person, until, when


@column("Block")
def block(held: BlockComputer) -> str | None:
    """To the page of the block time."""
    return link(held.blockTime, held.blockTime.blockRequest.name)


@column("User group")
def block_group(held: BlockComputer) -> str | None:
    """Whose members use it."""
    found = held.blockTime.blockRequest.group
    return str(found) if found else None


@column("Image")
def block_image(held: BlockComputer) -> str | None:
    """What it is to hold."""
    return link(held.image)


@column("Start")
def block_start(held: BlockComputer) -> datetime:
    """When the block begins."""
    return held.blockTime.start


@column("End")
def block_end(held: BlockComputer) -> str | None:
    """When the block ends."""
    return until(held.blockTime.start, held.blockTime.end)


@column("Reload starts")
def block_reload(held: BlockComputer) -> str | None:
    """A link to the reload; nothing once VCL has removed it."""
    begins = fact(held, "reload_start")
    return link_to(Request, held.reloadrequestid, when(begins)) if begins else None


class BlocksInline(ReadOnlyInline[BlockComputer, Computer]):
    """The blocks that the computer is in, now and to come."""

    model = BlockComputer
    verbose_name_plural = "blocks now and to come"
    columns = (block, block_group, block_image, block_start, block_end, block_reload)

    def get_queryset(self, request: HttpRequest) -> QuerySet[BlockComputer]:
        """The next one first."""
        held = BlockComputer.objects.visible_to(request.user).to_come(now())
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
        return held.select_related(*related).only(*columns).with_reload().order_by("blockTime__start")


@column("For")
def reserved_for(reservation: Reservation) -> str:
    """A reload leads to its page, if that is to be seen."""
    shown = bool(fact(reservation, "reload_shown"))
    by_reload = reload_link(reservation.request, "reload", to_be_seen=shown)
    return by_reload or person(reservation, reservation.request.user)


@column("Image")
def reserved_image(reservation: Reservation) -> str | None:
    """What it is to hold."""
    return link(reservation.image)


@column("Start")
def reserved_from(reservation: Reservation) -> datetime | None:
    """When the reservation begins."""
    return reservation.request.start


@column("End")
def reserved_until(reservation: Reservation) -> str | None:
    """When the reservation ends."""
    return until(reservation.request.start, reservation.request.end)


@column("State")
def reserved_state(reservation: Reservation) -> str:
    """How far the back end is."""
    return reservation.request.state.name


@column("Management node")
def reserved_node(reservation: Reservation) -> str:
    """Whose back end sees to it."""
    return reservation.managementnode.hostname


class ReservationsInline(ReadOnlyInline[Reservation, Computer]):
    """Who has the computer now and later, reloads included."""

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
        shown = ExpressionWrapper(Q(pk__isnull=False) & loads_for_blocks(scope, "request"), BooleanField())
        coming = Reservation.objects.to_come(now()).annotate(reload_shown=shown, only_affiliation=scope.as_column())
        return coming.select_related(*related).only(*columns).order_by("request__start", "pk")
