"""Computers, with their bookings and loads."""

from datetime import datetime
from typing import Any

from django.contrib import admin
from django.db.models import Exists, OuterRef, Q, QuerySet
from django.http import HttpRequest
from django.utils.html import format_html

from blockalloc import clock
from blockalloc.admin import computer_loads
from blockalloc.admin.base import ReadOnlyAdmin
from blockalloc.admin.computer_tables import BlocksInline, ReservationsInline
from blockalloc.admin.counts import first
from blockalloc.admin.filters import ALL, Choice, ChoiceFilter, InUseFilter, LabFilter, RelatedFilter, now
from blockalloc.models import BlockComputer, BlockTime, Computer, ResourceGroup, State
from blockalloc.models.labs import computers_of
from blockalloc.models.scope import scope_of
from blockalloc.pages.columns import column, fact, in_words, link, link_to, moment, signal
from blockalloc.pages.short_names import short_names
from blockalloc.pages.vcl_words import STATES, TYPES, both, both_as_text
from blockalloc.store import load_history

# --- Facts of a computer ------------------------------------------------------------------------


@column("Computer", ordering="hostname")
def hostname(computer: Computer) -> str:
    """Its name, short where the domain is the site's."""
    return short_names().as_html(computer.hostname)


@column("Type", ordering="type")
def type_(computer: Computer) -> str:
    """Blade, lab or virtual machine."""
    return both(TYPES, computer.type)


@column("State", ordering="state__name")
def state(computer: Computer) -> str:
    """VCL's state of the computer."""
    words = both(STATES, computer.state.name)
    return signal("bad", words) if computer.state.name == "failed" else words


@column("Image now", ordering="currentimage__prettyname")
def image(computer: Computer) -> str | None:
    """The image that is loaded on it."""
    return link(computer.currentimage)


@column("Image revision")
def revision(computer: Computer) -> str:
    """The file that was loaded, and whether it is the one that would be loaded today."""
    loaded = computer.imagerevision
    return f"{loaded} – {'in production' if loaded.production else 'not in production'}"


@column("RAM", ordering="RAM")
def memory(computer: Computer) -> str:
    """Rules compare it with the minimum of the image."""
    return f"{computer.RAM} MB"


@column("Processors", ordering="procnumber")
def processors(computer: Computer) -> str:
    """Rules compare both with the minimum of the image."""
    return f"{computer.procnumber} × {computer.procspeed} MHz"


@column("Hardware", ordering="RAM")
def hardware(computer: Computer) -> str:
    """Its memory and its processors."""
    return format_html('<span class="nowrap">{}</span>', f"{computer.RAM / 1024:.3g} GB, {processors(computer)}")


@column("Network", ordering="network")
def network(computer: Computer) -> str:
    """Rules compare it with the minimum of the image."""
    return f"{computer.network} Mbit/s"


@column("VM host", ordering="vmhost__computer__hostname")
def vm_host(computer: Computer) -> str | None:
    """The computer that a virtual one runs on."""
    host = computer.vmhost.computer if computer.vmhost else None
    return link(host, short_names().as_html(host.hostname)) if host else None


@column("Class now or next")
def next_block(computer: Computer) -> str | None:
    """A link to the block time."""
    begins = fact(computer, "next_start")
    text = f"{fact(computer, 'next_name')}, {moment(begins)}" if begins else ""
    return link_to(BlockTime, fact(computer, "next_id"), text) if begins else None


@column("Platform")
def platform(computer: Computer) -> str:
    """An image runs only on computers of its own platform."""
    return computer.platform.name


@column("Provisioning")
def provisioning(computer: Computer) -> str:
    """The provisioning engine that loads it."""
    return computer.provisioning.prettyname


@column("Open")
def schedule(computer: Computer) -> str | None:
    """The schedule of the hours at which it is available."""
    return computer.schedule.name if computer.schedule else None


@column("Resource groups")
def groups(computer: Computer) -> str:
    """The resource groups by which it is mapped and granted."""
    rows = ResourceGroup.objects.filter(
        resourcegroupmember__resource__subid=computer.pk,
        resourcegroupmember__resource__resourcetype__name="computer",
    )
    return ", ".join(rows.order_by("name").values_list("name", flat=True))


@column("Address")
def address(computer: Computer) -> str:
    """The public IP address."""
    return computer.IPaddress


@column("Last check")
def last_check(computer: Computer) -> datetime | None:
    """The time at which a management node last checked it."""
    return computer.lastcheck


@column("Removed")
def removed(computer: Computer) -> str:
    """Whether it is deleted, and when: VCL keeps the row."""
    return f"yes, {in_words(computer.datedeleted)}" if computer.deleted else "no"


@column("Location")
def location(computer: Computer) -> str | None:
    return computer.location


@column("Notes")
def notes(computer: Computer) -> str | None:
    """Notes of VCL's staff, with the reason for a maintenance."""
    return computer.notes


# --- List and page ------------------------------------------------------------------------------


class TypeFilter(ChoiceFilter):
    """Bare metal or virtual."""

    title = "type"
    parameter_name = "type"

    def options(self) -> dict[str, Choice]:
        """The values of the column."""
        words = Computer._meta.get_field("type").words
        return {ALL: Choice("All", Q()), **{word: Choice(both_as_text(TYPES, word), Q(type=word)) for word in words}}


class StateFilter(RelatedFilter):
    """VCL's state of computers."""

    title = "state"
    parameter_name = "state"
    path = "state"

    def candidates(self) -> QuerySet[State]:
        """The states of computers; VCL has others, of requests."""
        computers = Computer.objects.filter(state=OuterRef("pk"))
        return State.objects.filter(Exists(computers)).order_by("name")

    def label(self, row: State) -> str:
        """In plain words, with VCL's."""
        return both_as_text(STATES, row.name)


class ComputerLabFilter(LabFilter):
    """Computers of a lab."""

    def condition(self, lab: int) -> Q:
        """The condition for the computers that are in the group."""
        return Q(pk__in=computers_of(lab))


class BlockFilter(ChoiceFilter):
    """Whether computers are booked for classes."""

    title = "class"
    parameter_name = "block"

    def options(self) -> dict[str, Choice]:
        """In a class now or to come, or in none."""
        coming = Exists(BlockComputer.objects.within(self.scope).to_come(now()).filter(computer=OuterRef("pk")))
        return {
            ALL: Choice("All", Q()),
            "yes": Choice("In a class now or to come", Q(coming)),
            "no": Choice("In no class", ~Q(coming)),
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


HARDWARE = "Hardware, network and place"


@admin.register(Computer)
class ComputerAdmin(ReadOnlyAdmin[Computer]):
    """Computers."""

    list_display = (hostname, state, image, next_block, type_, hardware, vm_host)
    list_filter = (ComputerLabFilter, TypeFilter, StateFilter, BlockFilter, InUseFilter)
    search_fields = ("hostname", "IPaddress", "currentimage__prettyname", "vmhost__computer__hostname")
    search_help_text = "Search by name, address, image now or VM host"
    ordering = ("hostname", "pk")
    sections = (
        (
            None,
            (
                (state, image, revision),
                (next_block, groups),
                notes,
            ),
        ),
        (
            HARDWARE,
            (
                (type_, memory, processors),
                (network, platform, vm_host),
                (provisioning, schedule, address),
                (location, last_check, removed),
            ),
        ),
    )
    folded = (HARDWARE,)
    only_for_all_blocks = (notes,)  # in them VCL names the person who put a computer into maintenance
    inlines = (BlocksInline, ReservationsInline)

    def get_queryset(self, request: HttpRequest) -> QuerySet[Computer]:
        """With the next block time. The computers' private keys are in the same table and are not read."""
        block_computers = BlockComputer.objects.visible_to(request.user).to_come(now()).filter(computer=OuterRef("pk"))
        soonest = block_computers.order_by("blockTime__start")
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
        """The next load of the computer, and its load history."""
        moment, scope = clock.now(), scope_of(request.user)
        history = load_history.loads(row.pk)
        load = load_history.next_load(row.pk, moment)
        return {
            "next_load": computer_loads.next_load(load, moment, scope),
            "is_loading": load is not None and bool(load.reload and load.begun),
            "loads": [computer_loads.row(each) for each in history],
            "failures": computer_loads.summary(history),
        }
