"""The use cases: the one way in, for every caller."""

from collections.abc import Sequence
from dataclasses import astuple, dataclass
from hashlib import sha256

from blockalloc import checks
from blockalloc.allocation import AllocationCall, Remembered, Result
from blockalloc.calls import BlockAllocationCall, Caller, NewBlockCall, Outcome
from blockalloc.site_time import site_zone
from blockalloc.store import idempotency, rows
from scheduling.plan import Machine

SYSTEM_USER = ("vclsystem", "Local")


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
class Obstacle:
    """A rule that kept computers from the block: how many, and one of them with its reason in words."""

    rule: str
    computers: int
    example: str
    reason: str


@dataclass(frozen=True, slots=True)
class Allocation:
    """The outcome of a call and the machines that it took.

    When machines are missing, `stopped_by` tells what ended the search, and `obstacles` what kept
    the other computers of the site from the block, the most frequent rule first.
    """

    outcome: Outcome
    machines: Sequence[PlannedMachine]
    stopped_by: str = ""
    obstacles: Sequence[Obstacle] = ()


def allocate_block(call: BlockAllocationCall, caller: Caller) -> int:
    """XMLRPCblockAllocation with seven parameters: machines that the block time has now (SPEC 2.1).

    Raises Refusal; nothing was written then.
    """
    return allocate(call, caller).outcome.allocated


def allocate(call: BlockAllocationCall, caller: Caller, *, dry_run: bool = False) -> Allocation:
    """The same with all that is known of it. A dry run plans and writes nothing. Raises Refusal."""
    memory = _Memory(call, caller)
    work = AllocationCall(
        lambda now: checks.seven_parameters(call, now), caller, memory.subject, memory.look_up, memory.keep
    )
    try:
        result = work.dry_run() if dry_run else work.run()
    except Remembered as earlier:
        return Allocation(earlier.outcome, ())
    machines = [_in_words(machine) for machine in result.machines]
    if not result.outcome.unallocated:
        return Allocation(result.outcome, machines)
    shortfall = result.plan.shortfall
    stopped_by = shortfall.told(site_zone()) if shortfall else ""
    return Allocation(result.outcome, machines, stopped_by, _obstacles(result))


def process_block_time(block_time_id: int | None, ignore_privileges: bool | None, caller: Caller) -> Outcome:
    """XMLRPCprocessBlockTime: fill a block time to the machines of its request (SPEC 2.2). Raises Refusal."""
    work = AllocationCall(lambda now: checks.process_block_time(block_time_id, ignore_privileges, now), caller)
    return work.run().outcome


def create_block(call: NewBlockCall, caller: Caller) -> Outcome:
    """XMLRPCblockAllocation with five or six parameters: a new block, filled (SPEC 2.2). Raises Refusal.

    The block is kept even when no machine can be had for it.
    """
    work = AllocationCall(lambda now: checks.five_or_six_parameters(call, caller, now), caller)
    return work.run().outcome


def system_caller(door: str) -> Caller:
    """The calling account of everything that does not come over XML-RPC (SPEC 2.1).

    Raises LookupError when the database has no such user.
    """
    name, affiliation = SYSTEM_USER
    user_id = rows.user_id(name, affiliation)
    if user_id is None:
        raise LookupError(f"there is no user {name}@{affiliation} in this database: it is part of every VCL database")
    return Caller(user_id, f"{name}@{affiliation}", door=door)


class _Memory:
    """What the idempotency key of a call remembers; without a key, or with a block time, nothing."""

    def __init__(self, call: BlockAllocationCall, caller: Caller) -> None:
        self._user = caller.name
        self._key = call.idempotency_key if call.block_time_id == 0 else None
        self._parameters = repr(astuple(call)[:7])
        # Stands for user and key in the name of a claim, whatever characters they have.
        self.subject = f"key-{sha256(repr((self._user, self._key)).encode()).hexdigest()[:32]}" if self._key else ""

    def look_up(self, now: int) -> None:
        """Raises Remembered when the call was answered before, Refusal 204 when the key was used otherwise."""
        if not self._key:
            return
        found = idempotency.remembered(self._user, self._key, self._parameters, now)
        if found is not None:
            allocated, block_time_id = found
            raise Remembered(Outcome("completed", allocated, 0, block_time_id))

    def keep(self, outcome: Outcome, now: int) -> None:
        """Remember an answer above 0."""
        if self._key and outcome.allocated:
            idempotency.remember(self._user, self._key, self._parameters, outcome.allocated, outcome.block_time_id, now)


def _obstacles(result: Result) -> list[Obstacle]:
    """Why computers were passed over, by rule."""
    by_rule: dict[str, list[int]] = {}
    for computer_id, reason in result.plan.passed_over.items():
        by_rule.setdefault(reason.rule, []).append(computer_id)
    return [
        Obstacle(
            rule,
            len(computers),
            result.site.computers[computers[0]].hostname,
            result.plan.passed_over[computers[0]].told(site_zone()),
        )
        for rule, computers in sorted(by_rule.items(), key=lambda item: (-len(item[1]), item[0]))
    ]


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
