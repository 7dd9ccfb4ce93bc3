"""The roster of a class: its computers with their addresses, how ready each is, and who uses it now."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from blockalloc.models import BlockTime, Computer, Reservation
from blockalloc.models.scope import Scope
from blockalloc.reports.readiness import read
from scheduling.occupancy import is_occupying
from scheduling.ready_computer import ComputerReadiness
from scheduling.vcl_names import RELOAD_USER

SOMEBODY = "somebody else"  # a user outside the affiliation that is visible


@dataclass(frozen=True, slots=True)
class RosterRow:
    """A computer of the class. Addresses are as VCL has them, "" for none; `used_by`: who has reserved it now."""

    computer_id: int
    hostname: str
    address: str
    private_address: str
    state: str
    image: str
    used_by: str


def roster(block_time: BlockTime, scope: Scope, now: int) -> list[RosterRow]:
    """The computers of a block time at `now` (Unix seconds), by name. A fixed number of statements."""
    (ready,) = read(BlockTime.objects.filter(pk=block_time.pk), now)
    judged = ready.readiness.computers
    ids = [each.facts.id for each in judged]
    columns = ("IPaddress", "privateIPaddress", "currentimage__prettyname")
    computers = Computer.objects.select_related("currentimage").only(*columns).in_bulk(ids)
    users = _users(ids, scope, now)
    return [_row(each, computers[each.facts.id], users) for each in judged if each.facts.id in computers]


def _row(each: ComputerReadiness, computer: Computer, users: dict[int, str]) -> RosterRow:
    return RosterRow(
        computer_id=computer.pk,
        hostname=each.facts.hostname,
        address=computer.IPaddress,
        private_address=computer.privateIPaddress or "",
        state=_state(each),
        image=computer.currentimage.prettyname if computer.currentimage else "",
        used_by=users.get(computer.pk, ""),
    )


def _state(each: ComputerReadiness) -> str:
    if each.fault:
        return each.fault.one
    return f"{each.state}{' (old revision)' if each.old_revision else ''}"


def _users(computers: Sequence[int], scope: Scope, now: int) -> dict[int, str]:
    """Computer -> who has reserved it at this moment, as far as the person may know."""
    moment = datetime.fromtimestamp(now, UTC)
    reservations = (
        Reservation.objects.filter(computer__in=computers, request__start__lte=moment, request__end__gt=moment)
        .select_related("request__user__affiliation")
        .only("computer", "request__state", "request__laststate", "request__user__unityid",
              "request__user__affiliation__name")
        .order_by("pk")
    )  # fmt: skip
    users: dict[int, str] = {}
    for each in reservations:
        user = each.request.user
        is_reload = (user.unityid, user.affiliation.name) == RELOAD_USER
        if not is_reload and is_occupying(each.request.state_id, each.request.laststate_id):
            users[each.computer_id] = str(user) if scope.affiliation_id in (None, user.affiliation_id) else SOMEBODY
    return users
