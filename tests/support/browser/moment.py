"""Fills a database with the demo site as it is on Monday at 8:40, twenty minutes before CS101 at 9.

Calls of the service decide; what the back end would have done since is written into the rows. CS101 has 18 of its 20
machines, because an exam has the others: most are loaded, some load, some wait, one has failed. Tuesday's design studio
was released by a person. Run it with the settings of `tests.support.browser.settings`.
"""

from collections.abc import Callable
from datetime import datetime, timedelta

import time_machine
from django.contrib.auth.models import Permission
from django.contrib.auth.models import User as StaffUser
from django.core.management import call_command
from django.test import override_settings

from blockalloc.accounts.vcl_accounts import MANAGES_BLOCKS_OF_AFFILIATION
from blockalloc.allocation import service
from blockalloc.allocation.block_time_actions import release_block_time
from blockalloc.contract.messages import BlockAllocationCall, Caller, FillCall
from blockalloc.demo.database import check_in_management_nodes, read_mark
from blockalloc.demo.images import SPECS, UBUNTU
from blockalloc.forecasting.forecasts import refresh
from blockalloc.models import (
    BlockComputer,
    BlockRequest,
    BlockTime,
    Computer,
    ComputerLoadLog,
    ComputerLoadState,
    Decision,
    Heartbeat,
    Image,
    ManagementNode,
    Request,
    Reservation,
    State,
    User,
    UserGroup,
)
from tests.support.browser.monday_morning import (
    CARETAKER,
    ENGINEER,
    EVENING,
    EXAM,
    LAB,
    LOADED,
    MOMENT,
    SIGNALS,
    STUDIO,
    TUTORIAL,
    VIEWER,
    ZONE,
)
from tests.support.browser.past_classes import add_feeds, add_past_classes
from tests.support.browser.told import add_messages
from tests.support.sites.accounts import manager

HAS = 17  # machines that the exam leaves to CS101; with a computer that a member has reserved already, it has 18 of 20


def build(*, people: bool) -> None:
    """All of it, in the order in which it happened; `people` adds the accounts that the tests sign in with.

    Reloads of the morning begin by policy `vcl`, one after the other: at that moment some have been made, some go on,
    some wait. Those of the tutorial are planned by policy `ready`, which says how sure that class is.
    """
    with override_settings(VCL_RELOAD_POLICY="vcl"):
        _build(people=people)
    add_past_classes()
    add_feeds()
    at(MOMENT, add_messages)
    at(MOMENT, lambda: refresh(int(MOMENT.timestamp())))
    Heartbeat.objects.create(pk=1, at=MOMENT - timedelta(seconds=20), host="mn1", milliseconds=140, zone=ZONE.key)


def _build(*, people: bool) -> None:
    at(LOADED, lambda: call_command("load_demo_site", verbosity=0))
    if people:
        add_people()
    at(LOADED + timedelta(hours=3), lambda: allocate(first(STUDIO), "demo"))
    at(MOMENT.replace(hour=1, minute=0), exam)
    at(MOMENT.replace(hour=3, minute=0), lambda: allocate(first(LAB)))
    at(MOMENT.replace(hour=3, minute=30), lambda: allocate(first(SIGNALS)))
    at(MOMENT.replace(hour=8, minute=5), lambda: allocate(first(EVENING), "demo"))
    at(MOMENT.replace(hour=8, minute=10), tutorial)
    at(MOMENT.replace(hour=8, minute=20), lambda: release_block_time(first(STUDIO).pk, caller("demo")))
    at(MOMENT, back_end)


def at(moment: datetime, work: Callable[[], object]) -> None:
    """Do the work with the clock stopped at that moment, when the management nodes have just checked in."""
    with time_machine.travel(moment, tick=False):
        mark = read_mark()
        if mark:
            check_in_management_nodes(moment, mark)
        work()


def first(name: str) -> BlockTime:
    """The first block time of that name after MOMENT."""
    times = BlockTime.objects.select_related("blockRequest").filter(blockRequest__name=name)
    return times.filter(start__gt=MOMENT).order_by("start")[0]


def caller(person: str = "") -> Caller:
    """The back end, or a person at the staff's pages."""
    return service.system_caller("admin" if person else "XMLRPCblockAllocation", person, "10.20.9.1")


def allocate(time: BlockTime, person: str = "") -> None:
    """Allocate a block time: the back end asks some hours before, a person at any time."""
    service.allocate(FillCall(time.pk, ignore_privileges=True), caller(person))
    if not person:  # the back end marks that it has asked
        BlockTime.objects.filter(pk=time.pk).update(processed=1)


def exam() -> None:
    """A block at the time of CS101, after which too few computers are left for CS101."""
    lab = first(LAB)
    request, hours = lab.blockRequest, (int(lab.start.timestamp()), int(lab.end.timestamp()))
    wanted = BlockAllocationCall(request.image_id, *hours, 70, request.group_id, True, 0)
    possible = service.dry_run(wanted, caller(), explain=False).outcome.allocated
    Decision.objects.filter(action=Decision.DRY_RUN).delete()  # nobody asked for it
    request = BlockRequest.objects.create(
        name=EXAM,
        image=Image.objects.get(prettyname=UBUNTU),
        numMachines=possible - HAS,
        group=UserGroup.objects.get(name="CS420"),
        repeating="list",
        owner=User.objects.get(usergroup__name="CS420"),
        managementnode=ManagementNode.objects.order_by("pk")[0],
        expireTime=MOMENT + timedelta(hours=3),
    )
    start = MOMENT.replace(hour=8, minute=0)
    allocate(BlockTime.objects.create(blockRequest=request, start=start, end=start + timedelta(hours=2, minutes=30)))


def tutorial() -> None:
    """An allocation under policy `ready`."""
    with override_settings(VCL_RELOAD_POLICY="ready"):
        allocate(first(TUTORIAL), "demo")


# --- What the back end did ----------------------------------------------------------------------


def back_end() -> None:
    """Remove what is over, load what is due; one load fails."""
    over = BlockTime.objects.filter(end__lte=MOMENT)
    BlockComputer.objects.filter(blockTime__in=over).delete()
    over.delete()
    for block_computer in (
        BlockComputer.objects.filter(reloadrequestid__gt=0).select_related("image").order_by("reloadrequestid")
    ):
        load(block_computer)
    over_too = Request.objects.filter(end__lte=MOMENT)
    users = over_too.exclude(user__unityid="vclreload").values("pk")
    Computer.objects.filter(reservation__request__in=users).update(state=state("available"))
    for request in over_too:
        remove(request)
    fail(BlockComputer.objects.filter(blockTime=first(LAB), reloadrequestid=0).order_by("computer")[3].computer_id)


def load(block_computer: BlockComputer) -> None:
    """Bring a computer's reload to where it is at MOMENT."""
    reservation = Reservation.objects.select_related("request").get(
        request=block_computer.reloadrequestid, computer=block_computer.computer_id
    )
    begins = reservation.request.start
    assert begins is not None
    if begins > MOMENT:
        return
    computer = Computer.objects.get(pk=block_computer.computer_id)
    if begins + timedelta(seconds=SPECS[block_computer.image.prettyname].load_seconds) > MOMENT:
        Request.objects.filter(pk=reservation.request_id).update(state=state("pending"), laststate=state("reload"))
        begin = ComputerLoadState.objects.get(loadstatename="begin")
        ComputerLoadLog.objects.create(
            reservation_id=reservation.pk, computer_id=computer.pk, loadstate=begin, timestamp=begins
        )
        Computer.objects.filter(pk=computer.pk).update(state=state("reloading"))
        return
    Computer.objects.filter(pk=computer.pk).update(
        currentimage=block_computer.image, imagerevision=reservation.imagerevision_id, state=state("available")
    )
    BlockComputer.objects.filter(computer=computer, blockTime=block_computer.blockTime_id).update(reloadrequestid=0)
    remove(reservation.request)


def fail(computer_id: int) -> None:
    """Let a loaded computer break down, with a note as VCL's pages write it."""
    note = "admin 2026-11-30 08:31:07@Does not answer since 8:20, power supply replaced last week. Ticket 4711"
    Computer.objects.filter(pk=computer_id).update(state=state("failed"), notes=note)


def remove(request: Request) -> None:
    """As the back end removes what is over."""
    Reservation.objects.filter(request=request).delete()
    request.delete()


def state(name: str) -> State:
    """The row of a state."""
    return State.objects.get(name=name)


# --- Accounts -----------------------------------------------------------------------------------


def add_people() -> None:
    """Two of the staff, who may only look at everything and at computers and images; and an account of VCL that manages
    the blocks of its own affiliation.

    The password of each is "demo". ENG240's blocks belong to that affiliation.
    """
    viewer = StaffUser.objects.create_user(VIEWER, password="demo", is_staff=True)
    viewer.user_permissions.set(Permission.objects.filter(codename__startswith="view_"))
    caretaker = StaffUser.objects.create_user(CARETAKER, password="demo", is_staff=True)
    caretaker.user_permissions.set(Permission.objects.filter(codename__in=("view_computer", "view_image")))
    name, affiliation = ENGINEER.split("@")
    engineer = manager(name, affiliation, MANAGES_BLOCKS_OF_AFFILIATION, password="demo")
    owners = BlockRequest.objects.filter(name__startswith="ENG240").values("owner")
    User.objects.filter(pk__in=owners).update(affiliation=engineer.affiliation)
