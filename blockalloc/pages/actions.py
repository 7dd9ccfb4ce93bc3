"""What staff do to a block time: each with a permission of its own, confirmed on a page, and recorded."""

from collections.abc import Callable
from dataclasses import dataclass, replace

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.views.decorators.http import require_http_methods

from blockalloc import clock
from blockalloc.allocation import block_time_actions, service
from blockalloc.allocation.explanation import Explanation, InTheWay
from blockalloc.contract.messages import Caller, FillCall, Refusal
from blockalloc.models import BlockTime, Request
from blockalloc.models.scope import Scope, scope_of
from blockalloc.pages.frame import page
from blockalloc.reports.decision import report
from blockalloc.reports.readiness import ReadyTime, read
from blockalloc.site_time import site_zone
from blockalloc.web.transport import client_address
from scheduling.ready_computer import ComputerFacts
from scheduling.state_ids import RELOAD

_COUNTED = "counted"  # of the two ways to treat privileges the one that is not the back end's


@dataclass(frozen=True, slots=True)
class Action:
    """One thing to do with a block time. `what` says what will be done; `run` does it."""

    name: str
    title: str
    permission: str
    what: str
    run: Callable[[HttpRequest, BlockTime, Caller], HttpResponse]
    asks_for_privileges: bool = False
    removes: bool = False
    when_skipped: bool | None = None  # offered for skipped ones, for others, for both

    def fits(self, time: BlockTime) -> bool:
        """Whether it can be done to a block time as that is now."""
        return self.when_skipped is None or self.when_skipped == bool(time.skip)


@require_http_methods(["GET", "HEAD", "POST"])
def act(request: HttpRequest, block_time_id: int, name: str) -> HttpResponse:
    """The page that asks whether it is to be done, and the doing."""
    action = ACTIONS.get(name)
    if action is None:
        raise Http404("no such action")
    if not (request.user.has_perm(action.permission) and request.user.has_perm("blockalloc.view_blocktime")):
        raise PermissionDenied
    time = _block_time(request, block_time_id)
    if request.method != "POST":
        return _ask(request, action, time)
    caller = service.system_caller("admin", request.user.get_username(), client_address(request))
    try:
        return action.run(request, time, caller)
    except Refusal as refusal:
        messages.error(request, f"Nothing was done. {refusal.text} (error {refusal.code})")
        return _back(time)


def offered(request: HttpRequest, time: BlockTime) -> list[tuple[Action, str]]:
    """What the person may do to the block time, with the address of each action."""
    return [
        (action, reverse("admin:blocktime_action", args=[time.pk, action.name]))
        for action in ACTIONS.values()
        if request.user.has_perm(action.permission) and action.fits(time)
    ]


def _block_time(request: HttpRequest, block_time_id: int) -> BlockTime:
    times = BlockTime.objects.visible_to(request.user).select_related("blockRequest")
    found = times.filter(pk=block_time_id).first()
    if found is None:
        raise Http404("no such block time")
    return found


def _ask(request: HttpRequest, action: Action, time: BlockTime) -> HttpResponse:
    (ready,) = read(BlockTime.objects.filter(pk=time.pk), clock.now())
    context = {"action": action, "time": time, "ready": ready, "computers": _computers(ready)}
    return page(request, "blockalloc/action.html", f"{action.title}: {time.blockRequest.name}", **context)


def _computers(ready: ReadyTime) -> list[tuple[str, str]]:
    """The computers by name, and what becomes of their reloads."""
    return [(each.facts.hostname, _becomes(each.facts)) for each in ready.readiness.computers]


def _becomes(computer: ComputerFacts) -> str:
    if not computer.reload_state:
        return "has no reload any more"
    begun = (computer.reload_state, computer.reload_last_state) != (RELOAD, RELOAD)
    return "has begun to load: that goes on" if begun else "its reload is removed"


def _back(time: BlockTime) -> HttpResponse:
    return HttpResponseRedirect(reverse("admin:blockalloc_blocktime_change", args=[time.pk]))


# --- Allocate and dry run -----------------------------------------------------------------------


def _ignores_privileges(request: HttpRequest) -> bool:
    return request.POST.get("privileges") != _COUNTED


def _allocate(request: HttpRequest, time: BlockTime, caller: Caller) -> HttpResponse:
    outcome = service.allocate(FillCall(time.pk, _ignores_privileges(request)), caller).outcome
    number = f"The block time has {outcome.allocated} of {time.blockRequest.numMachines} machines now"
    if outcome.unallocated:
        messages.warning(request, f"{number}. The record below says what kept the others from it.")
    elif outcome.warning:
        messages.warning(request, f"{number}. Warning {outcome.warning[0]}: {outcome.warning[1]}.")
    else:
        messages.success(request, f"{number}.")
    return _back(time)


def _dry_run(request: HttpRequest, time: BlockTime, caller: Caller) -> HttpResponse:
    planned = service.dry_run(FillCall(time.pk, _ignores_privileges(request)), caller)
    context = {
        "time": time,
        "outcome": planned.outcome,
        "explanation": planned.explanation,
        "in_the_way": _in_the_way(planned.explanation, scope_of(request.user)),
        "report": report(planned.findings) if planned.findings else None,
        "decision_id": planned.decision_id,
        "zone": site_zone(),
    }
    return page(request, "blockalloc/dry_run.html", f"Dry run: {time.blockRequest.name}", **context)


def _in_the_way(why: Explanation | None, scope: Scope) -> list[InTheWay]:
    """The bookings in the way, without names that are not to be seen."""
    found = list(why.remedies.in_the_way) if why and why.remedies else []
    if not scope.is_limited:
        return found
    ids = {kind: [each.id for each in found if each.kind == kind] for kind in ("request", "block time")}
    users = Request.objects.filter(pk__in=ids["request"], user__affiliation=scope.affiliation_id)
    times = BlockTime.objects.within(scope).filter(pk__in=ids["block time"])
    seen = {("request", id_) for id_ in users.values_list("pk", flat=True)}
    seen |= {("block time", id_) for id_ in times.values_list("pk", flat=True)}
    return [each if (each.kind, each.id) in seen else replace(each, name="of another affiliation") for each in found]


# --- Release, skip, unskip ----------------------------------------------------------------------


def _done_by(work: Callable[[int, Caller], str]) -> Callable[[HttpRequest, BlockTime, Caller], HttpResponse]:
    def run(request: HttpRequest, time: BlockTime, caller: Caller) -> HttpResponse:
        done = work(time.pk, caller)
        messages.success(request, f"{done[0].upper()}{done[1:]}.")
        return _back(time)

    return run


_ALL = (
    Action(
        "allocate",
        "Allocate now",
        "blockalloc.allocate_blocktime",
        "Computers are chosen and kept for the block time until it has all its machines, and their reloads are "
        "planned: what the back end asks for some hours before the start.",
        _allocate,
        asks_for_privileges=True,
        when_skipped=False,
    ),
    Action(
        "dry-run",
        "Dry run",
        "blockalloc.dry_run_blocktime",
        "Shows which computers would be chosen now and why others would not. Nothing is changed.",
        _dry_run,
        asks_for_privileges=True,
        when_skipped=False,
    ),
    Action(
        "release",
        "Release",
        "blockalloc.release_blocktime",
        "All computers are taken from the block time, and reloads that have not begun are removed. Loads that have "
        "begun go on. A back end that has not asked for the block time yet will do so: to keep it off, skip the block "
        "time. One that has asked does not ask again: for other computers, use “Allocate now”.",
        _done_by(block_time_actions.release_block_time),
        removes=True,
    ),
    Action(
        "skip",
        "Skip",
        "blockalloc.skip_blocktime",
        "The block time does not take place: all its computers are taken from it, reloads that have not begun are "
        "removed, and it is marked to be skipped.",
        _done_by(block_time_actions.skip_block_time),
        removes=True,
        when_skipped=False,
    ),
    Action(
        "unskip",
        "Do not skip",
        "blockalloc.skip_blocktime",
        "The block time takes place after all: the back end will ask for its computers some hours before the start. "
        "If that is sooner, use “Allocate now” as well.",
        _done_by(block_time_actions.unskip_block_time),
        when_skipped=True,
    ),
)
ACTIONS = {action.name: action for action in _ALL}
