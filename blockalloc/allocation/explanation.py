"""What a plan did and why, in words: for the shell, for XML-RPC, for staff."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from blockalloc.allocation.look import look_ahead
from blockalloc.allocation.result import Result
from blockalloc.contract.hostnames import matching
from blockalloc.contract.messages import Caller
from blockalloc.site_time import site_zone
from blockalloc.store import rows
from blockalloc.store.decisions import NamedFindings
from blockalloc.store.findings import Chosen, Findings
from scheduling import one_computer, remedies
from scheduling.facts import Computer
from scheduling.funnel import NOT_NEEDED, Stage, funnel
from scheduling.plan import Plan
from scheduling.reasons import Reason
from scheduling.reloads.outlook import Outlook

MOST_OBSTACLES, MOST_IN_THE_WAY = 30, 10  # obstacles and bookings in an explanation


@dataclass(frozen=True, slots=True)
class Obstacle:
    """A reason that kept computers from the block: its rule, how many, one of them, and the reason in words."""

    rule: str
    computers: int
    example: str
    reason: str


@dataclass(frozen=True, slots=True)
class InTheWay:
    """A booking of computers that the block could have had: whose, when (Unix seconds), of how many."""

    kind: str  # "request" or "block time"
    id: int
    name: str
    start: int
    end: int
    computers: int


@dataclass(frozen=True, slots=True)
class Remedies:
    """What would help when machines are missing; see scheduling.remedies.

    `possible`: how many of the machines that the call wanted could be allocated at this time.
    """

    possible: int
    earliest_start: int | None
    searched_until: int
    in_the_way: Sequence[InTheWay]


@dataclass(frozen=True, slots=True)
class Explanation:
    """How the block comes by its computers: from all `computers` of the site, stage by stage.

    `stopped_by` is what ended the search when machines are missing, `obstacles` what kept the
    other computers from the block, the most frequent reason first.
    """

    computers: int
    funnel: Sequence[Stage]
    stopped_by: str
    obstacles: Sequence[Obstacle]
    remedies: Remedies | None


@dataclass(frozen=True, slots=True)
class OneComputer:
    """A computer and a block: whether the plan has it, and if not why not; and what each rule says.

    `outlook` and `said` (`Result.said`): how sure it is that the class is ready at its start, None and "" where nothing
    is said.
    """

    hostname: str
    in_block: bool
    verdict: str
    images: Sequence[one_computer.ForImage]
    outlook: Outlook | None
    said: str


def explain(result: Result, would_help: Remedies | None = None) -> Explanation:
    """The explanation of a result."""
    computers, reasons = result.site.computers, _reasons(result)
    by_reason: dict[Reason, list[int]] = {}
    for id_, reason in reasons.items():
        by_reason.setdefault(reason, []).append(id_)
    obstacles = [
        Obstacle(reason.rule, len(ids), computers[ids[0]].hostname, reason.describe(site_zone()))
        for reason, ids in sorted(by_reason.items(), key=lambda item: (-len(item[1]), str(item[0])))
        if reason.rule != NOT_NEEDED
    ]
    return Explanation(
        computers=len(computers),
        funnel=funnel(len(computers), Counter(reason.rule for reason in reasons.values())),
        stopped_by=result.stopped_by(),
        obstacles=obstacles[:MOST_OBSTACLES],
        remedies=would_help,
    )


def explain_computer(result: Result, hostname: str) -> OneComputer:
    """One computer of the site by its name. Raises LookupError when there is none."""
    computer = _named(result.site.computers, hostname)
    order, plan = result.order, result.plan
    reason, in_block = _reasons(result).get(computer.id), computer.id in _inside(result)
    images = one_computer.judge(result.site, order.block, computer, plan, ignore_privileges=order.ignore_privileges)
    verdict = _verdict(result, computer, reason)
    return OneComputer(computer.hostname, in_block, verdict, images, plan.outlook, result.said())


def _named(computers: Mapping[int, Computer], hostname: str) -> Computer:
    """A computer by its name in any case, also without its domain where that is enough."""
    ids = matching({id_: each.hostname for id_, each in computers.items()}, hostname)
    if not ids:
        raise LookupError(f"computer {hostname!r}: there is none, or it is deleted: give the name that VCL has for it")
    if len(ids) > 1:
        names = ", ".join(sorted(computers[id_].hostname for id_ in ids)[:5])
        raise LookupError(f"computer {hostname!r}: there are {len(ids)}, give the whole name: {names}")
    return computers[ids[0]]


def _verdict(result: Result, computer: Computer, reason: Reason | None) -> str:
    if reason is not None:
        return f"not chosen: {reason.describe(site_zone())}"
    if computer.id in result.computers_before:
        return "in the block already"
    for machine in result.machines:
        if any(each.computer.id == computer.id for each in machine.assignments):
            own = f", with their own reservation, request {machine.adopted_request}" if machine.adopted_request else ""
            return f"chosen on behalf of {machine.member.name}{own}"
    return "not looked at: the block has all its machines"


def _reasons(result: Result) -> dict[int, Reason]:
    """Why each computer is not in the block, in the order of the site's computers."""
    plan = result.plan
    inside = _inside(result)
    why = {**plan.excluded, **result.reasons_of_given_up, **result.lost}
    if plan.had_before >= plan.wanted:
        return {}
    return {id_: why.get(id_, result.default_reason) for id_ in result.site.computers if id_ not in inside}


def _inside(result: Result) -> set[int]:
    """The computers that the block has then."""
    return result.computers_before | result.computers_taken


def remedies_for(result: Result, caller: Caller) -> Remedies | None:
    """What would help a call, as of the time of the call; None when no machines are missing."""
    if not result.outcome.unallocated:
        return None
    order, plan = result.order, result.plan
    ahead = look_ahead(order, caller, result.site.now, remedies.HORIZON)
    block = replace(order.block, block_time_id=result.outcome.block_time_id)  # a new one has its computers by now
    start = remedies.earliest_start(ahead, block, plan.load_seconds, ignore_privileges=order.ignore_privileges)
    until = order.block.start + remedies.HORIZON
    return Remedies(result.outcome.allocated, start, until, _in_the_way(plan))


def findings_of(result: Result) -> NamedFindings | None:
    """What a record of the result says of computers; None when none was looked at."""
    if not result.looked_at_computers:
        return None
    reasons = _reasons(result)
    place = {reason: number for number, reason in enumerate(dict.fromkeys(reasons.values()))}
    chosen = [Chosen.of(machine, each) for machine in result.machines for each in machine.assignments]
    names = dict(sorted(result.site.computers.columns("id", "hostname")))
    before = [id_ for id_ in names if id_ in result.computers_before]  # not those that VCL has deleted since
    findings = Findings(chosen, before, list(place), {id_: place[why] for id_, why in reasons.items()})
    return NamedFindings(findings, names)


def _in_the_way(plan: Plan) -> list[InTheWay]:
    bookings = remedies.in_the_way(plan)[:MOST_IN_THE_WAY]
    names = {
        "request": rows.users_of_requests([each.id for each in bookings if each.kind == "request"]),
        "block time": rows.names_of_block_times([each.id for each in bookings if each.kind == "block time"]),
    }
    return [
        InTheWay(each.kind, each.id, names[each.kind].get(each.id, ""), each.start, each.end, each.computers)
        for each in bookings
    ]
