"""The use cases: the one way in, for every caller."""

import logging
from collections.abc import Mapping, Sequence
from dataclasses import astuple, dataclass, replace
from hashlib import sha256

from django.core.cache import cache

from blockalloc.allocation import explanation, validation
from blockalloc.allocation.audit import Recorder
from blockalloc.allocation.claim_and_confirm import AllocationCall, Remembered, Result
from blockalloc.allocation.explanation import Explanation, OneComputer
from blockalloc.contract import refusals
from blockalloc.contract.messages import BlockAllocationCall, Caller, NewBlockCall, Outcome, Refusal
from blockalloc.models import BlockTime, Decision
from blockalloc.store import idempotency, rows
from scheduling.plan import Machine
from scheduling.vcl_names import SYSTEM_USER

IDEMPOTENCY_KEY_LENGTH = 200  # characters, at most
log = logging.getLogger(__name__)

_SECONDS_BETWEEN_REFUSALS = 60


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

    There is an explanation when one was asked for, and when machines are missing.
    """

    outcome: Outcome
    machines: Sequence[PlannedMachine]
    explanation: Explanation | None = None
    decision_id: int | None = None  # its record


def allocate_block(call: BlockAllocationCall, caller: Caller) -> int:
    """XMLRPCblockAllocation with seven parameters: machines that the block time has now (SPEC 2.1).

    Raises Refusal; nothing was written then but the record of the call.
    """
    return _allocate(call, caller)[0].outcome.allocated


def allocate(call: BlockAllocationCall, caller: Caller, *, dry_run: bool = False, explain: bool = False) -> Allocation:
    """The same with all that is known of it. A dry run plans and writes nothing. Raises Refusal.

    `explain`: also when nothing is missing, and with remedies when something is.
    """
    allocation, result, work = _allocate(call, caller, dry_run=dry_run)
    if result is None or not (explain or result.outcome.unallocated):
        return allocation
    return replace(allocation, explanation=_explained(result, work if explain else None, dry_run=dry_run))


def _allocate(
    call: BlockAllocationCall, caller: Caller, *, dry_run: bool = False
) -> tuple[Allocation, Result | None, AllocationCall]:
    """The allocation, and what explains it: nothing when an idempotency key gave the answer."""
    memory = _Memory(call, caller)
    work = AllocationCall(
        lambda now: validation.seven_parameters(call, now), caller, memory.subject, memory.look_up, memory.keep
    )
    recorder = Recorder(Decision.DRY_RUN if dry_run else Decision.ALLOCATE, caller, _parameters(call))
    try:
        result = _run(work, recorder, dry_run=dry_run)
    except Remembered as earlier:
        recorder.answered_before(earlier.outcome.allocated, earlier.outcome.block_time_id)
        return Allocation(earlier.outcome, ()), None, work
    machines = [_in_words(machine) for machine in result.machines]
    return Allocation(result.outcome, machines, decision_id=recorder.decision_id), result, work


def _explained(result: Result, work: AllocationCall | None, *, dry_run: bool) -> Explanation | None:
    """The explanation. Of what is written and committed it must not fail: the caller would call again."""
    try:
        return explanation.of(result, work)
    except Exception:
        if dry_run:
            raise
        log.exception("what was allocated is written, but could not be explained")
        return None


def stored_call(time: BlockTime, *, ignore_privileges: bool) -> BlockAllocationCall:
    """The call that fills a block time to the machines of its request."""
    request = time.blockRequest
    return BlockAllocationCall(
        image_id=request.image_id,
        start=int(time.start.timestamp()),
        end=int(time.end.timestamp()),
        machines=request.numMachines,
        user_group_id=request.group_id or 0,  # none: the checks say whether that will do
        ignore_privileges=ignore_privileges,
        block_time_id=time.pk,
    )


def process_block_time(block_time_id: int | None, ignore_privileges: bool | None, caller: Caller) -> Outcome:
    """XMLRPCprocessBlockTime: fill a block time to the machines of its request (SPEC 2.2). Raises Refusal."""
    work = AllocationCall(lambda now: validation.process_block_time(block_time_id, ignore_privileges, now), caller)
    given = {"blockTimeid": block_time_id, "ignoreprivileges": ignore_privileges}
    return _run(work, Recorder(Decision.ALLOCATE, caller, given)).outcome


def create_block(call: NewBlockCall, caller: Caller) -> Outcome:
    """XMLRPCblockAllocation with five or six parameters: a new block, filled (SPEC 2.2). Raises Refusal.

    The block is kept even when no machine can be had for it.
    """
    work = AllocationCall(lambda now: validation.five_or_six_parameters(call, caller, now), caller)
    return _run(work, Recorder(Decision.ALLOCATE, caller, _parameters(call))).outcome


def record_refusal(caller: Caller, given: Mapping[str, object], refusal: Refusal, *, dry_run: bool = False) -> None:
    """The record of a call by somebody who may make none: one a minute for each, for anybody with a password can call.

    The log has all of them.
    """
    name = sha256(caller.name.encode("utf-8", "replace")).hexdigest()[:32]
    if cache.add(f"refused:{name}", 1, timeout=_SECONDS_BETWEEN_REFUSALS):
        Recorder(Decision.DRY_RUN if dry_run else Decision.ALLOCATE, caller, given).refused(refusal)


def explain_computer(call: BlockAllocationCall, hostname: str, caller: Caller) -> OneComputer:
    """Why the call would take a computer or pass it over: what each rule says, and the plan. Nothing is written.

    Raises Refusal, and LookupError when no computer has that name.
    """
    work = AllocationCall(lambda now: validation.seven_parameters(call, now), caller)
    return explanation.of_computer(work.dry_run(), hostname)


def system_caller(door: str, person: str = "", address: str = "") -> Caller:
    """The calling account of everything that does not come over XML-RPC (SPEC 2.1).

    Raises LookupError when the database has no such user.
    """
    user_id = rows.user_id(*SYSTEM_USER)
    if user_id is None:
        raise LookupError(f"there is no user {SYSTEM_USER} in this database: it is part of every VCL database")
    return Caller(user_id, str(SYSTEM_USER), address, door, person)


def _run(work: AllocationCall, recorder: Recorder, *, dry_run: bool = False) -> Result:
    """Make the call and its record. Raises Refusal and Remembered."""
    work.record = recorder.write
    try:
        result = work.dry_run() if dry_run else work.run()
    except Remembered:
        raise
    except Refusal as refusal:
        recorder.refused(refusal, work)
        raise
    except Exception as error:
        recorder.failed(error, work)
        raise
    if dry_run:
        recorder.write_apart(result, work)
    else:
        recorder.finish()
    return result


# What XML-RPC calls the parameters (SPEC 2.1), in their order.
_NAMES = ("imageid", "start", "end", "machinecount", "usergroupid", "ignoreprivileges", "blockTimeid", "key")


def _parameters(call: BlockAllocationCall | NewBlockCall) -> dict[str, object]:
    """What the caller gave, for the record."""
    if isinstance(call, BlockAllocationCall):
        return dict(zip(_NAMES, astuple(call), strict=True))
    image, _text, start, end, machines, group, ignore = astuple(call)
    return dict(zip(_NAMES, (image, start, end, machines, group, ignore), strict=False))


class _Memory:
    """What the idempotency key of a call remembers; without a key, or with a block time, nothing."""

    def __init__(self, call: BlockAllocationCall, caller: Caller) -> None:
        self._user = caller.name
        self._key = call.idempotency_key if call.block_time_id == 0 else None
        self._parameters = repr(astuple(call)[:7])
        # Stands for user and key in the name of a claim, whatever characters they have.
        self.subject = f"key-{sha256(repr((self._user, self._key)).encode()).hexdigest()[:32]}" if self._key else ""

    def look_up(self, now: int) -> None:
        """Raises Remembered when the call was answered before.

        Refusal 204 when the key is too long, or was used with other parameters.
        """
        if not self._key:
            return
        if len(self._key) > IDEMPOTENCY_KEY_LENGTH:
            raise refusals.key_too_long(len(self._key), IDEMPOTENCY_KEY_LENGTH)
        found = idempotency.remembered(self._user, self._key, self._parameters, now)
        if found is not None:
            allocated, block_time_id = found
            raise Remembered(Outcome("completed", allocated, 0, block_time_id))

    def keep(self, outcome: Outcome, now: int) -> None:
        """Remember an answer above 0."""
        if self._key and outcome.allocated:
            idempotency.remember(self._user, self._key, self._parameters, outcome.allocated, outcome.block_time_id, now)


def _in_words(machine: Machine) -> PlannedMachine:
    computers = [
        PlannedComputer(
            hostname=found.computer.hostname,
            type=found.computer.type,
            image_name=found.image.name,
            already_loaded=found.already_loaded,
            management_node=found.management_node.hostname,
        )
        for found in machine.assignments
    ]
    return PlannedMachine(computers, machine.reload.start, machine.reload.end)
