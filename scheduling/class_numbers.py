"""The numbers of a class: what its pages, messages and commands say of its machines and of its computers.

They are counted here and nowhere else. Machines are whole machines: a cluster counts once. Computers are counted by
their state, and each computer has one.
"""

from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from scheduling.machines import whole_machines
from scheduling.ready_computer import BlockFacts, ComputerReadiness, State
from scheduling.windows import HOUR

# So long before the start the back end asks for a block time's computers (SPEC 1). Before that, members of other
# classes and everybody else may still use them: no machine is ready yet.
ASKED_AHEAD = 6 * HOUR
# The states of the tables, which sum up to the computers: a computer that waits for its load, that should be loading,
# or that others use before the class, is still to be loaded for it.
TO_LOAD: frozenset[State] = frozenset({"waiting", "overdue", "booked before"})


@dataclass(frozen=True, slots=True)
class ClassNumbers:
    """The numbers of a class at a moment.

    In machines: `wanted` by its block request; `allocated`, those that it has, whatever has become of their computers;
    `usable`, those of them without a failed computer; `ready`, those of them that can be used now and will stay so
    until the start, as far as is known: none more than `ASKED_AHEAD` before the start, nor one that others have before
    the class; `late`, the usable ones that are expected to be ready after the start only. None of these counts more
    than are wanted: `spares` are the machines beyond.

    `computers` has the number of computers by state. Together they are all computers of the class, spares among them.
    """

    wanted: int
    allocated: int = 0
    usable: int = 0
    ready: int = 0
    late: int = 0
    spares: int = 0
    computers: Mapping[State, int] = field(default_factory=dict)

    @property
    def missing(self) -> int:
        """The machines that the class cannot use: they are not allocated, or a computer of theirs has failed."""
        return self.wanted - self.usable

    @property
    def failed(self) -> int:
        """The machines that are allocated, and lack a computer that has not failed."""
        return self.allocated - self.usable

    def count(self, *states: State) -> int:
        """How many computers are in these states."""
        return sum(self.computers.get(state, 0) for state in states)

    @property
    def to_load(self) -> int:
        """How many computers are still to be loaded for the class."""
        return self.count(*TO_LOAD)


def numbers_of(
    block: BlockFacts, computers: Sequence[ComputerReadiness], now: int, *, plan_is_known: bool = False
) -> ClassNumbers:
    """The numbers of a block time with these computers at `now` (Unix seconds).

    `plan_is_known`: keep_ready has just said when the loads that wait will end, so nothing is late by this count.
    """
    if not computers:  # most of a term's block times have none yet
        return ClassNumbers(block.machines)
    usable = [each for each in computers if each.state != "failed"]
    late = {each.facts.id for each in late_loads(block.start, computers, plan_is_known=plan_is_known)}
    has, of_use = _machines(block, computers), _machines(block, usable)
    in_time = _machines(block, [each for each in usable if each.facts.id not in late])
    ready = _machines(block, [each for each in computers if each.is_ready]) if _is_near(block, now) else 0
    wanted = block.machines
    return ClassNumbers(
        wanted=wanted,
        allocated=min(has, wanted),
        usable=min(of_use, wanted),
        ready=min(ready, wanted),
        late=min(of_use, wanted) - min(in_time, wanted),
        spares=max(has - wanted, 0),
        computers=Counter(each.state for each in computers),
    )


def late_loads(
    start: int, computers: Iterable[ComputerReadiness], *, plan_is_known: bool = False
) -> list[ComputerReadiness]:
    """The computers whose load is expected to end after the start (Unix seconds) of their class.

    A reload may wait behind another load of the same image (SPEC 9). With `plan_is_known`, those that wait don't count.
    """
    states: Collection[State] = {"loading", "overdue"} if plan_is_known else {"loading", *TO_LOAD}
    return [each for each in computers if each.state in states and (each.ready_at or 0) > start]


def allocated_and_spares(image_ids: Iterable[int], by_image: Mapping[int, int], wanted: int) -> tuple[int, int]:
    """How many of the wanted machines so many computers by image make, and how many machines beyond."""
    machines = whole_machines(image_ids, by_image)
    return min(machines, wanted), max(machines - wanted, 0)


def _is_near(block: BlockFacts, now: int) -> bool:
    return block.start - now <= ASKED_AHEAD


def _machines(block: BlockFacts, computers: Iterable[ComputerReadiness]) -> int:
    return whole_machines(block.image_ids, Counter(each.facts.image_id for each in computers))
