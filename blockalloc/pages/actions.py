"""The actions of staff on a block time: each has a permission of its own, is confirmed on a page, and is recorded."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse
from django.urls import reverse
from django.views.decorators.http import require_http_methods

from blockalloc import clock
from blockalloc.allocation import block_time_actions
from blockalloc.contract.messages import Caller, Refusal
from blockalloc.contract.staff_reason import LONGEST, cleaned
from blockalloc.models import BlockTime
from blockalloc.pages import allocating, putting_right, releasing
from blockalloc.pages.alike import effects
from blockalloc.pages.frame import page, page_of_block_time, staff_caller, visible_block_time, why_refused
from blockalloc.reports.readiness import BlockTimeReadiness, read
from blockalloc.upkeep import staff


@dataclass(frozen=True, slots=True)
class Action:
    """An action on a block time. `headline` says what will be done, `description` what that means; `run` does it.

    None is for a block time that is over. In the headline `{all}` stands for all computers of the class.

    `details`: further context for the page on which it is confirmed. `asks_for_reason`: the person has to say why;
    `check`: what else is wrong with the form, "" for nothing. The rest says for which block times it is offered:
    `when_skipped` for skipped ones (True), for others (False), for both (None); `when_to_come` only for those that will
    take place; `holds_stopped` by whether staff have stopped their holds, None whatever they did.
    """

    name: str
    title: str
    permission: str
    headline: str
    description: str
    run: Callable[[HttpRequest, BlockTime, Caller], HttpResponse]
    details: Callable[[HttpRequest, BlockTime, Caller], Mapping[str, object]] | None = None
    asks_for_privileges: bool = False
    asks_for_reason: bool = False
    check: Callable[[HttpRequest], str] | None = None
    removes: bool = False
    when_skipped: bool | None = None
    when_to_come: bool = False
    holds_stopped: bool | None = None

    @property
    def is_dangerous(self) -> bool:
        """Whether it takes something away."""
        return self.asks_for_reason

    def fits(self, time: BlockTime, *, holds_stopped: bool) -> bool:
        """Whether the action is for block times like this one."""
        if is_over(time) or (self.when_to_come and not time.block_status.is_current_or_upcoming(clock.now())):
            return False
        return self.when_skipped in (None, bool(time.skip)) and self.holds_stopped in (None, holds_stopped)


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
    time = visible_block_time(request, block_time_id)
    if is_over(time):
        too_late = "is over, so it is too late to change anything about it"
        messages.error(request, f"Nothing was done: {time.blockRequest.name} {too_late}.")
        return page_of_block_time(time)
    caller = staff_caller(request)
    problems = _problems(action, request) if request.method == "POST" else []
    if request.method != "POST" or problems:
        return _confirmation_page(request, action, time, caller, problems)
    try:
        return action.run(request, time, caller)
    except Refusal as refusal:
        messages.error(request, f"Nothing was done: {why_refused(refusal)}.")
        return page_of_block_time(time)


def is_over(time: BlockTime) -> bool:
    """Whether the block time has ended: nothing can be done about its computers any more."""
    return time.block_status.end <= clock.now()


def offered_actions(request: HttpRequest, time: BlockTime, *, holds_stopped: bool) -> list[tuple[Action, str]]:
    """The actions that the person may take on the block time, each with its address."""
    return [
        (action, reverse("admin:blocktime_action", args=[time.pk, action.name]))
        for action in ACTIONS.values()
        if request.user.has_perm(action.permission) and action.fits(time, holds_stopped=holds_stopped)
    ]


def _problems(action: Action, request: HttpRequest) -> list[str]:
    """What is wrong with the form: nothing is done then, and the page comes back with it."""
    problems = []
    if action.asks_for_reason:
        try:
            cleaned(request.POST.get("reason", ""))
        except ValueError as error:
            problems.append(str(error))
    if action.check and (problem := action.check(request)):
        problems.append(problem)
    return problems


def _confirmation_page(
    request: HttpRequest, action: Action, time: BlockTime, caller: Caller, problems: Sequence[str] = ()
) -> HttpResponse:
    (ready,) = read(BlockTime.objects.filter(pk=time.pk), clock.now())
    computers = _computers(ready)
    context = {"action": action, "time": time, "ready": ready, "computers": computers, "problems": problems}
    context |= {"headline": action.headline.format(all=_all(len(computers)))}
    context |= {"effects": effects(computers) if action.removes else []}
    context |= {"reason": request.POST.get("reason", ""), "longest_reason": LONGEST}
    details = action.details(request, time, caller) if action.details else {}
    return page(request, "blockalloc/action.html", f"{action.title}: {time.blockRequest.name}", **context, **details)


def _all(computers: int) -> str:
    """`all 18 computers`."""
    return (
        f"all {computers} computers"
        if computers > 1
        else "its only computer"
        if computers
        else "nothing, because it has no computers"
    )


def _computers(ready: BlockTimeReadiness) -> list[tuple[str, str]]:
    """The computers by name, and what the action does to their reloads."""
    facts = [each.facts for each in ready.readiness.computers]
    return [(each.hostname, releasing.effect_on_reload(each.reload_state, each.reload_last_state)) for each in facts]


def _done_by(
    work: Callable[[int, Caller], str], said: str = ""
) -> Callable[[HttpRequest, BlockTime, Caller], HttpResponse]:
    """An action that does `work`, and tells the person what it returns; with `said`, that instead."""

    def run(request: HttpRequest, time: BlockTime, caller: Caller) -> HttpResponse:
        text = work(time.pk, caller)
        messages.success(request, said or f"{text[0].upper()}{text[1:]}.")
        return page_of_block_time(time)

    return run


_ALL = (
    Action(
        "allocate",
        "Allocate now",
        "blockalloc.allocate_blocktime",
        "The class gets the machines that it is missing.",
        "Chooses computers until the class (VCL: block time) has all its machines, and plans when they are loaded. "
        "Computers of the class that will not be ready are exchanged, or loaded again. As a rule nobody has to do "
        "this: VCL’s back end asks for the computers of each class some hours before its start.",
        allocating.allocate,
        asks_for_privileges=True,
        when_skipped=False,
    ),
    Action(
        "dry-run",
        "Dry run",
        "blockalloc.dry_run_blocktime",
        "See what “Allocate now” would do, without changing anything.",
        "Shows what “Allocate now” would do for the class (VCL: block time): which computers would be chosen, "
        "exchanged or loaded again, and why others would not.",
        allocating.dry_run,
        asks_for_privileges=True,
        when_skipped=False,
    ),
    Action(
        "put-right",
        "Put right now",
        "blockalloc.put_right_blocktime",
        "Whatever keeps the class from being ready is put right, if possible.",
        "Does at once for the class (VCL: block time) what keep_ready does every minute for all classes of the next "
        "hours: exchanges computers that will not be ready, loads others again, and takes computers for the machines "
        "that are missing. If loading was stopped because the image had failed too often, it starts again.",
        putting_right.put_right,
        details=putting_right.details,
        when_skipped=False,
        when_to_come=True,
    ),
    Action(
        "release",
        "Release",
        "blockalloc.release_blocktime",
        "The class loses {all}.",
        "Takes all computers from the class (VCL: block time), and removes the reloads that have not begun. Loads that "
        "have begun continue. After that neither VCL’s back end nor keep_ready asks for computers for the class: if it "
        "needs some after all, use “Allocate now”. If the class will not take place, use “Skip” instead.",
        releasing.by_reason(block_time_actions.release_block_time),
        details=releasing.receiver,
        asks_for_reason=True,
        removes=True,
    ),
    Action(
        "release-some",
        "Release some",
        "blockalloc.release_blocktime",
        "The class loses the computers that you tick, and keeps the others.",
        "Takes the ticked computers from the class (VCL: block time). Those of their reloads that have not begun are "
        "removed; loads that have begun continue. Neither VCL’s back end nor keep_ready replaces these computers, "
        "until somebody uses “Allocate now”.",
        releasing.release_some,
        details=releasing.details,
        asks_for_reason=True,
        check=releasing.check,
    ),
    Action(
        "skip",
        "Skip",
        "blockalloc.skip_blocktime",
        "The class will not take place, and loses {all}.",
        "Marks the class (VCL: block time) as skipped, takes all computers from it, and removes the reloads that have "
        "not begun. Loads that have begun continue.",
        releasing.by_reason(block_time_actions.skip_block_time),
        asks_for_reason=True,
        removes=True,
        when_skipped=False,
    ),
    Action(
        "unskip",
        "Do not skip",
        "blockalloc.skip_blocktime",
        "The class will take place after all.",
        "The class (VCL: block time) is no longer marked as skipped: VCL’s back end will ask for its computers some "
        "hours before the start. If it is too late for that, use “Allocate now” as well.",
        _done_by(
            block_time_actions.unskip_block_time,
            "The class takes place after all. VCL’s back end will ask for its computers some hours before the start; "
            "if it is too late for that, use “Allocate now”.",
        ),
        when_skipped=True,
    ),
    Action(
        "stop-holding",
        "Stop holding",
        "blockalloc.hold_blocktime",
        "Its computers are no longer held while they load, so users can take them.",
        "From two minutes before a computer of the class (VCL: block time) begins to load, and until it is loaded, "
        "keep_ready holds it: VCL’s users cannot reserve it, and VCL’s pages refuse to change it. Without the holds, "
        "computers of the class can be changed, and users can take them, which ends their loads.",
        _done_by(staff.stop_holding),
        details=putting_right.held,
        when_to_come=True,
        holds_stopped=False,
    ),
    Action(
        "hold-again",
        "Hold again",
        "blockalloc.hold_blocktime",
        "Its computers are held again while they load, so users cannot take them.",
        "keep_ready holds computers of the class (VCL: block time) again, from two minutes before they begin to load "
        "until they are loaded: VCL’s users cannot reserve them, and VCL’s pages refuse to change them.",
        _done_by(staff.hold_again),
        when_to_come=True,
        holds_stopped=True,
    ),
)
ACTIONS = {action.name: action for action in _ALL}
