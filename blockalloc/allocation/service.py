"""The use cases: the one way in, for every caller."""

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from hashlib import sha256

from django.core.cache import cache

from blockalloc import clock
from blockalloc.allocation import explanation
from blockalloc.allocation.claim_and_confirm import ClaimAndConfirm
from blockalloc.allocation.explanation import Explanation, OneComputer
from blockalloc.allocation.idempotency import key_of
from blockalloc.allocation.journal import Journal
from blockalloc.allocation.look import Mender
from blockalloc.allocation.look import dry_run as dry_run_result
from blockalloc.allocation.result import Answer, Result
from blockalloc.contract.messages import BlockAllocationCall, Call, Caller, FillCall, NewBlockCall, Outcome, Refusal
from blockalloc.measures import calls
from blockalloc.models import Decision
from blockalloc.store import rows
from scheduling.plan import Machine
from scheduling.vcl_names import SYSTEM_USER

log = logging.getLogger(__name__)

_SECONDS_BETWEEN_RECORDED_REFUSALS = 60


@dataclass(frozen=True, slots=True)
class PlannedComputer:
    """A computer of a planned machine, in words."""

    hostname: str
    type: str
    image_name: str
    already_loaded: bool
    management_node: str


@dataclass(frozen=True, slots=True)
class PlannedMachine:
    """A machine that a call allocated, or would: its computers and its reload (Unix seconds)."""

    computers: Sequence[PlannedComputer]
    reload_start: int
    reload_end: int


@dataclass(frozen=True, slots=True)
class Allocation:
    """The outcome of a call, the machines that it took, and what explains it.

    There is an explanation when one was asked for, and when machines are missing. There is no result when an earlier
    call with the same idempotency key was answered so.
    """

    outcome: Outcome
    machines: Sequence[PlannedMachine]
    explanation: Explanation | None = None
    decision_id: int | None = None  # of its record
    result: Result | None = None

    @property
    def said(self) -> str:
        """How sure it is that the class is ready at its start (`Result.said`); "" where nothing is said."""
        return self.result.said() if self.result else ""


def allocate_block(call: BlockAllocationCall, caller: Caller) -> int:
    """XMLRPCblockAllocation with seven parameters: machines that the block time has now (SPEC 2.1).

    Raises Refusal; nothing was written then but the record of the call.
    """
    return _allocate(call, caller).outcome.allocated


def process_block_time(block_time_id: int | None, ignore_privileges: bool | None, caller: Caller) -> Outcome:
    """XMLRPCprocessBlockTime: fill a block time to the machines of its request (SPEC 2.2). Raises Refusal."""
    return _allocate(FillCall(block_time_id, ignore_privileges, id_name="blockTimesid"), caller).outcome


def create_block(call: NewBlockCall, caller: Caller) -> Outcome:
    """XMLRPCblockAllocation with five or six parameters: a new block, filled (SPEC 2.2). Raises Refusal.

    The block is kept even when no machine can be had for it.
    """
    return _allocate(call, caller).outcome


def allocate(call: Call, caller: Caller, *, explain: bool = False, mender: Mender | None = None) -> Allocation:
    """Allocate for any kind of call; gives the machines, the explanation and the record's id as well. Raises Refusal.

    `explain`: explain also when nothing is missing, and say what would help when machines are. `mender`: exchange and
    load again what will not be ready (SPEC 9.2, 9.3).
    """
    answer = _allocate(call, caller, mender)
    result = answer.result
    if result is None:
        return Allocation(answer.outcome, ())
    why = None
    if explain or answer.outcome.unallocated:
        why = _explained(result, caller, with_remedies=explain)
    return Allocation(answer.outcome, list(map(_in_words, result.machines)), why, answer.decision_id, result)


def dry_run(call: Call, caller: Caller, *, explain: bool = True, mender: Mender | None = None) -> Allocation:
    """What a call would do now; nothing is written but the record of the dry run. Raises Refusal.

    `explain` and `mender` are as in `allocate`.
    """
    journal = Journal(Decision.DRY_RUN, caller, call.parameters())
    with calls.counted(caller.door, calls.Method.DRY_RUN), journal.recording_failures():
        result = dry_run_result(call, caller, journal.now, mender)
    decision_id = journal.record_dry_run(result)
    why = None
    if explain or result.outcome.unallocated:
        why = explanation.explain(result, explanation.remedies_for(result, caller) if explain else None)
    machines = list(map(_in_words, result.machines))
    return Allocation(result.outcome, machines, why, decision_id, result)


def explain_computer(call: Call, hostname: str, caller: Caller) -> OneComputer:
    """Why the call would take a computer or exclude it: what each rule says, and the plan. Nothing is written.

    Raises Refusal, and LookupError when no computer has that name.
    """
    return explanation.explain_computer(dry_run_result(call, caller, clock.now()), hostname)


def record_refusal(caller: Caller, parameters: Mapping[str, object], refusal: Refusal, *, dry_run: bool) -> None:
    """Record a call by an account that is not allowed to call; the log has all such calls.

    At most one record per account and minute, because any VCL account with a password can cause one.
    """
    name = sha256(caller.name.encode("utf-8", "replace")).hexdigest()[:32]
    if cache.add(f"refused:{name}", 1, timeout=_SECONDS_BETWEEN_RECORDED_REFUSALS):
        Journal(Decision.DRY_RUN if dry_run else Decision.ALLOCATE, caller, parameters).record_refusal(refusal)


def system_caller(door: str, person: str = "", address: str = "") -> Caller:
    """The calling account of everything that does not come over XML-RPC (SPEC 2.1).

    Raises LookupError when the database has no such user.
    """
    user_id = rows.user_id(*SYSTEM_USER)
    if user_id is None:
        raise LookupError(f"there is no user {SYSTEM_USER} in this database: it is part of every VCL database")
    return Caller(user_id, str(SYSTEM_USER), address, door, person)


def _allocate(call: Call, caller: Caller, mender: Mender | None = None) -> Answer:
    """Allocate, and keep the record of the call. Raises Refusal."""
    journal = Journal(Decision.ALLOCATE, caller, call.parameters(), key_of(call, caller))
    with calls.counted(caller.door) as counted, journal.recording_failures():
        answer = ClaimAndConfirm(call, caller, journal, mender).run()
        counted.outcome = calls.outcome_of(answer.outcome)
    journal.finish(answer)
    return answer


def _explained(result: Result, caller: Caller, *, with_remedies: bool) -> Explanation | None:
    """The explanation of a committed allocation. An error must not reach the caller, who would call again."""
    try:
        return explanation.explain(result, explanation.remedies_for(result, caller) if with_remedies else None)
    except Exception:
        log.exception("what was allocated is written, but could not be explained")
        return None


def _in_words(machine: Machine) -> PlannedMachine:
    computers = [
        PlannedComputer(
            hostname=each.computer.hostname,
            type=each.computer.type,
            image_name=each.image.name,
            already_loaded=each.already_loaded,
            management_node=each.management_node.hostname,
        )
        for each in machine.assignments
    ]
    return PlannedMachine(computers, machine.reload.start, machine.reload.end)
