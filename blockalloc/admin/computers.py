"""Computers with what they are booked for."""

from datetime import datetime

from django.contrib import admin
from django.db.models import BooleanField, Exists, ExpressionWrapper, OuterRef, Q, QuerySet
from django.http import HttpRequest

from blockalloc.admin.base import ReadOnlyAdmin, ReadOnlyInline
from blockalloc.admin.columns import column, fact, in_words, link, link_to, person, until, when
from blockalloc.admin.counts import first, with_reload
from blockalloc.admin.filters import ALL, Choice, ChoiceFilter, InUseFilter, RelatedFilter, now
from blockalloc.admin.reloads import reload_link
from blockalloc.models import BlockComputer, BlockTime, Computer, Request, Reservation, ResourceGroup, State
from blockalloc.scope import Scope, scope_of

# --- Facts of a computer ------------------------------------------------------------------------


@column("Computer", ordering="hostname")
def hostname(computer: Computer) -> str:
    """What it is called."""
    return computer.hostname


@column("Type", ordering="type")
def type_(computer: Computer) -> str:
    """Blade, lab or virtual machine."""
    return computer.type


@column("State", ordering="state__name")
def state(computer: Computer) -> str:
    """What it is doing."""
    return computer.state.name


@column("Image now", ordering="currentimage__prettyname")
def image(computer: Computer) -> str | None:
    """What it holds."""
    return link(computer.currentimage)


@column("Image revision")
def revision(computer: Computer) -> str:
    """The file that was loaded, and whether it is what would be loaded today."""
    loaded = computer.imagerevision
    return f"{loaded} – {'in production' if loaded.production else 'not in production'}"


@column("RAM", ordering="RAM")
def memory(computer: Computer) -> str:
    """Compared with the image's least."""
    return f"{computer.RAM} MB"


@column("Processors", ordering="procnumber")
def processors(computer: Computer) -> str:
    """Both are compared with the image's least."""
    return f"{computer.procnumber} × {computer.procspeed} MHz"


@column("Network", ordering="network")
def network(computer: Computer) -> str:
    """Compared with the image's least."""
    return f"{computer.network} Mbit/s"


@column("VM host", ordering="vmhost__computer__hostname")
def vm_host(computer: Computer) -> str | None:
    """The computer that a virtual one runs on."""
    return link(computer.vmhost.computer) if computer.vmhost else None


@column("Next block")
def next_block(computer: Computer) -> str | None:
    """A link to the block time."""
    begins = fact(computer, "next_start")
    text = f"{fact(computer, 'next_name')}, {when(begins)}" if begins else ""
    return link_to(BlockTime, fact(computer, "next_id"), text) if begins else None


@column("Platform")
def platform(computer: Computer) -> str:
    """An image runs on its own platform only."""
    return computer.platform.name


@column("Provisioning")
def provisioning(computer: Computer) -> str:
    """What loads images on it."""
    return computer.provisioning.prettyname


@column("Open")
def schedule(computer: Computer) -> str | None:
    """When in the week it can be had."""
    return computer.schedule.name if computer.schedule else None


@column("Resource groups")
def groups(computer: Computer) -> str:
    """By which images, nodes and users get to it."""
    found = ResourceGroup.objects.filter(
        resourcegroupmember__resource__subid=computer.pk,
        resourcegroupmember__resource__resourcetype__name="computer",
    )
    return ", ".join(found.order_by("name").values_list("name", flat=True))


@column("Address")
def address(computer: Computer) -> str:
    """The public one."""
    return computer.IPaddress


@column("Last check")
def last_check(computer: Computer) -> datetime | None:
    """When a management node last looked at it."""
    return computer.lastcheck


@column("Removed")
def removed(computer: Computer) -> str:
    """VCL keeps the row."""
    return f"yes, {in_words(computer.datedeleted)}" if computer.deleted else "no"


@column("Location")
def location(computer: Computer) -> str | None:
    """Where it stands."""
    return computer.location


@column("Notes")
def notes(computer: Computer) -> str | None:
    """What staff wrote about it, and why it is in maintenance."""
    return computer.notes


# --- Its blocks and reservations ----------------------------------------------------------------


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


def _coming(scope: Scope) -> QuerySet[BlockComputer]:
    """Computers of block times now and to come, of those that are to be seen."""
    return BlockComputer.objects.filter(scope.of("blockTime__blockRequest__"), blockTime__end__gt=now())


class BlocksInline(ReadOnlyInline[BlockComputer, Computer]):
    """The blocks that the computer is in, now and to come."""

    model = BlockComputer
    verbose_name_plural = "blocks now and to come"
    columns = (block, block_group, block_image, block_start, block_end, block_reload)

    def get_queryset(self, request: HttpRequest) -> QuerySet[BlockComputer]:
        """The next one first."""
        held = _coming(scope_of(request.user)).select_related("image", "blockTime__blockRequest__group__affiliation")
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
        return with_reload(held.only(*columns)).order_by("blockTime__start")


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
        shown = ExpressionWrapper(Q(pk__isnull=False) & scope.of_reloads("request"), BooleanField())
        coming = Reservation.objects.filter(request__end__gt=now()).annotate(
            reload_shown=shown, only_affiliation=scope.as_column()
        )
        return coming.select_related(*related).only(*columns).order_by("request__start", "pk")


# --- List and page ------------------------------------------------------------------------------


class TypeFilter(ChoiceFilter):
    """Bare metal or virtual."""

    title = "type"
    parameter_name = "type"

    def options(self) -> dict[str, Choice]:
        """The words that the column has."""
        words = Computer._meta.get_field("type").words
        return {ALL: Choice("All", Q()), **{word: Choice(word, Q(type=word)) for word in words}}


class StateFilter(RelatedFilter):
    """What computers are doing."""

    title = "state"
    parameter_name = "state"
    path = "state"

    def candidates(self) -> QuerySet[State]:
        """States that some computer is in; others belong to requests."""
        there = Computer.objects.filter(state=OuterRef("pk"))
        return State.objects.filter(Exists(there)).order_by("name")


class BlockFilter(ChoiceFilter):
    """Whether computers are booked for blocks."""

    title = "block"
    parameter_name = "block"

    def options(self) -> dict[str, Choice]:
        """In a block now or to come, or in none."""
        coming = Exists(_coming(self.scope).filter(computer=OuterRef("pk")))
        return {
            ALL: Choice("All", Q()),
            "yes": Choice("In a block now or to come", Q(coming)),
            "no": Choice("In no block", ~Q(coming)),
        }


_RELATED = (
    "state",
    "currentimage",
    "imagerevision",
    "platform",
    "provisioning",
    "schedule",
    "vmhost__computer",
)
_COLUMNS = (
    *"hostname type RAM procnumber procspeed network IPaddress lastcheck deleted datedeleted location notes".split(),
    "state__name",
    "currentimage__prettyname",
    *("imagerevision__imagename", "imagerevision__revision", "imagerevision__production"),
    "platform__name",
    "provisioning__prettyname",
    "schedule__name",
    "vmhost__computer__hostname",
)


@admin.register(Computer)
class ComputerAdmin(ReadOnlyAdmin[Computer]):
    """Computers."""

    list_display = (hostname, type_, state, image, memory, processors, vm_host, next_block)
    list_filter = (TypeFilter, StateFilter, BlockFilter, InUseFilter)
    search_fields = ("hostname", "IPaddress", "currentimage__prettyname", "vmhost__computer__hostname")
    search_help_text = "Search by name, address, image now or VM host"
    ordering = ("hostname", "pk")
    sections = (
        (
            None,
            (
                (type_, state),
                (image, revision),
                (memory, processors),
                (network, platform),
                (vm_host, provisioning),
                (schedule, groups),
                (address, location),
                (last_check, removed),
                next_block,
                notes,
            ),
        ),
    )
    only_for_all_blocks = (notes,)  # VCL writes into them who put a computer into maintenance
    inlines = (BlocksInline, ReservationsInline)

    def get_queryset(self, request: HttpRequest) -> QuerySet[Computer]:
        """With the next block. The computers' private keys are in the same table and are not read."""
        held = _coming(scope_of(request.user)).filter(computer=OuterRef("pk"))
        soonest = held.order_by("blockTime__start")
        return (
            Computer.objects.select_related(*_RELATED)
            .only(*_COLUMNS)
            .annotate(
                next_start=first(soonest, "blockTime__start"),
                next_id=first(soonest, "blockTime_id"),
                next_name=first(soonest, "blockTime__blockRequest__name"),
            )
        )
