"""The actions of staff on a block time: each has a permission of its own, is confirmed on a page, and is recorded."""

from collections.abc import Callable
from dataclasses import dataclass, replace

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.views.decorators.http import require_http_methods

from blockalloc import clock
from blockalloc.allocation import block_time_actions, service
from blockalloc.allocation.explanation import Explanation, InTheWay, findings_of
from blockalloc.contract.messages import Caller, FillCall, Refusal
from blockalloc.models import BlockTime, Request
from blockalloc.models.scope import Scope, scope_of
from blockalloc.pages.frame import page
from blockalloc.reports.decision import report
from blockalloc.reports.readiness import BlockTimeReadiness, read
from blockalloc.site_time import site_zone
from blockalloc.web.transport import client_address
from scheduling.ready_computer import ComputerFacts
from scheduling.state_ids import RELOAD

_COUNTED = "counted"  # the way to treat privileges that is not the back end's


@dataclass(frozen=True, slots=True)
class Action:
    """An action on a block time. `description` says what will be done; `run` does it."""

    name: str
    title: str
    permission: str
    description: str
    run: Callable[[HttpRequest, BlockTime, Caller], HttpResponse]
    asks_for_privileges: bool = False
    removes: bool = False
    when_skipped: bool | None = None  # offered for skipped block times (True), for others (False), for both (None)

    def fits(self, time: BlockTime) -> bool:
        """Whether the action is for block times like this one."""
        return self.when_skipped is None or self.when_skipped == bool(time.skip)


@require_http_methods(["GET", "HEAD", "POST"])
def act(request: HttpRequest, block_time_id: int, name: str) -> HttpResponse:
    """The page on which an action is confirmed, and the action itself (POST).

    Raises PermissionDenied, and Http404 for an unknown action or a block time that the person may not see.
    """
    action = ACTIONS.get(name)
    if action is None:
        raise Http404("no such action")
    if not (request.user.has_perm(action.permission) and request.user.has_perm("blockalloc.view_blocktime")):
        raise PermissionDenied
    time = _block_time(request, block_time_id)
    if request.method != "POST":
        return _confirmation_page(request, action, time)
    caller = service.system_caller("admin", request.user.get_username(), client_address(request))
    try:
        return action.run(request, time, caller)
    except Refusal as refusal:
        messages.error(request, f"Nothing was done. {refusal.text} (error {refusal.code})")
        return _back(time)


def offered_actions(request: HttpRequest, time: BlockTime) -> list[tuple[Action, str]]:
    """The actions that the person may take on the block time, each with its address."""
    return [
        (action, reverse("admin:blocktime_action", args=[time.pk, action.name]))
        for action in ACTIONS.values()
        if request.user.has_perm(action.permission) and action.fits(time)
    ]


def _block_time(request: HttpRequest, block_time_id: int) -> BlockTime:
    times = BlockTime.objects.visible_to(request.user).select_related("blockRequest")
    time = times.filter(pk=block_time_id).first()
    if time is None:
        raise Http404("no such block time")
    return time


def _confirmation_page(request: HttpRequest, action: Action, time: BlockTime) -> HttpResponse:
    (ready,) = read(BlockTime.objects.filter(pk=time.pk), clock.now())
    context = {"action": action, "time": time, "ready": ready, "computers": _computers(ready)}
    return page(request, "blockalloc/action.html", f"{action.title}: {time.blockRequest.name}", **context)


def _computers(ready: BlockTimeReadiness) -> list[tuple[str, str]]:
    """The computers by name, and what the action does to their reloads."""
    return [(each.facts.hostname, _effect_on_reload(each.facts)) for each in ready.readiness.computers]


def _effect_on_reload(computer: ComputerFacts) -> str:
    if not computer.reload_state:
        return "none any more"
    begun = (computer.reload_state, computer.reload_last_state) != (RELOAD, RELOAD)
    return "has begun: it will continue" if begun else "will be removed"


def _back(time: BlockTime) -> HttpResponse:
    return HttpResponseRedirect(reverse("admin:blockalloc_blocktime_change", args=[time.pk]))


# --- Allocate and dry run -----------------------------------------------------------------------


def _ignores_privileges(request: HttpRequest) -> bool:
    return request.POST.get("privileges") != _COUNTED


def _allocate(request: HttpRequest, time: BlockTime, caller: Caller) -> HttpResponse:
    outcome = service.allocate(FillCall(time.pk, _ignores_privileges(request)), caller).outcome
    number = f"The class has {outcome.allocated} of {time.blockRequest.numMachines} machines now"
    if outcome.unallocated:
        messages.warning(request, f"{number}. The history below has the reason why not more.")
    elif outcome.warning:
        messages.warning(request, f"{number}. Warning {outcome.warning[0]}: {outcome.warning[1]}.")
    else:
        messages.success(request, f"{number}.")
    return _back(time)


def _dry_run(request: HttpRequest, time: BlockTime, caller: Caller) -> HttpResponse:
    planned = service.dry_run(FillCall(time.pk, _ignores_privileges(request)), caller)
    findings = findings_of(planned.result) if planned.result else None
    context = {
        "time": time,
        "outcome": planned.outcome,
        "explanation": planned.explanation,
        "in_the_way": _in_the_way(planned.explanation, scope_of(request.user)),
        "report": report(findings) if findings else None,
        "decision_id": planned.decision_id,
        "zone": site_zone(),
    }
    return page(request, "blockalloc/dry_run.html", f"Dry run: {time.blockRequest.name}", **context)


def _in_the_way(why: Explanation | None, scope: Scope) -> list[InTheWay]:
    """The bookings in the way, without the names that the person may not see."""
    bookings = list(why.remedies.in_the_way) if why and why.remedies else []
    if not scope.is_limited:
        return bookings
    ids = {kind: [each.id for each in bookings if each.kind == kind] for kind in ("request", "block time")}
    users = Request.objects.filter(pk__in=ids["request"], user__affiliation=scope.affiliation_id)
    times = BlockTime.objects.within(scope).filter(pk__in=ids["block time"])
    visible = {("request", id_) for id_ in users.values_list("pk", flat=True)}
    visible |= {("block time", id_) for id_ in times.values_list("pk", flat=True)}
    return [
        each if (each.kind, each.id) in visible else replace(each, name="of another affiliation") for each in bookings
    ]


# --- Release, skip, unskip ----------------------------------------------------------------------


def _done_by(work: Callable[[int, Caller], str]) -> Callable[[HttpRequest, BlockTime, Caller], HttpResponse]:
    def run(request: HttpRequest, time: BlockTime, caller: Caller) -> HttpResponse:
        text = work(time.pk, caller)
        messages.success(request, f"{text[0].upper()}{text[1:]}.")
        return _back(time)

    return run


_ALL = (
    Action(
        "allocate",
        "Allocate now",
        "blockalloc.allocate_blocktime",
        "Chooses computers until the class (VCL: block time) has all its machines, and plans their reloads. VCL’s back "
        "end asks for the same some hours before the start.",
        _allocate,
        asks_for_privileges=True,
        when_skipped=False,
    ),
    Action(
        "dry-run",
        "Dry run",
        "blockalloc.dry_run_blocktime",
        "Shows which computers would be chosen for the class (VCL: block time) now, and why others would not. Nothing "
        "is changed.",
        _dry_run,
        asks_for_privileges=True,
        when_skipped=False,
    ),
    Action(
        "release",
        "Release",
        "blockalloc.release_blocktime",
        "Takes all computers from the class (VCL: block time), and removes the reloads that have not begun. Loads that "
        "have begun continue. Nobody asks for computers for the class any more: if it is to have some after all, use "
        "“Allocate now”. If the class does not take place, skip it.",
        _done_by(block_time_actions.release_block_time),
        removes=True,
    ),
    Action(
        "skip",
        "Skip",
        "blockalloc.skip_blocktime",
        "The class (VCL: block time) will not take place: takes all computers from it, removes the reloads that have "
        "not begun, and marks it as skipped.",
        _done_by(block_time_actions.skip_block_time),
        removes=True,
        when_skipped=False,
    ),
    Action(
        "unskip",
        "Do not skip",
        "blockalloc.skip_blocktime",
        "The class (VCL: block time) will take place after all: VCL’s back end will ask for its computers some hours "
        "before the start. If that is too late, use “Allocate now” as well.",
        _done_by(block_time_actions.unskip_block_time),
        when_skipped=True,
    ),
)
ACTIONS = {action.name: action for action in _ALL}
