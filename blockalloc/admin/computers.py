"""Computers with what they are booked for."""

from datetime import datetime
from typing import Any

from django.contrib import admin
from django.db.models import Exists, OuterRef, Q, QuerySet
from django.http import HttpRequest

from blockalloc import clock
from blockalloc.admin import computer_loads
from blockalloc.admin.base import ReadOnlyAdmin
from blockalloc.admin.computer_tables import BlocksInline, ReservationsInline
from blockalloc.admin.counts import first
from blockalloc.admin.filters import ALL, Choice, ChoiceFilter, InUseFilter, RelatedFilter, now
from blockalloc.models import BlockComputer, BlockTime, Computer, ResourceGroup, State
from blockalloc.models.scope import scope_of
from blockalloc.pages.columns import column, fact, in_words, link, link_to, when
from blockalloc.store import load_history

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
        coming = Exists(BlockComputer.objects.within(self.scope).to_come(now()).filter(computer=OuterRef("pk")))
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
        held = BlockComputer.objects.visible_to(request.user).to_come(now()).filter(computer=OuterRef("pk"))
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

    def more(self, request: HttpRequest, row: Computer) -> dict[str, Any]:
        """What the computer loads next, and how its loads went."""
        moment, scope = clock.now(), scope_of(request.user)
        history = load_history.loads(row.pk)
        return {
            "next_load": computer_loads.next_load(load_history.next_load(row.pk, moment), moment, scope),
            "loads": [computer_loads.row(each) for each in history],
            "often": computer_loads.summary(history),
        }
