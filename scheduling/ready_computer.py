"""What each computer of a block time is at a moment: in use, loaded, booked before, loading, waiting … or failed."""

from dataclasses import dataclass
from typing import Literal, NamedTuple

from scheduling.block_status import BlockStatus
from scheduling.rules import UNUSABLE_STATES
from scheduling.state_ids import FAILED, PENDING, RELOAD
from scheduling.windows import MINUTE

# "booked before": it has the image now, but others have it before the class, and it is loaded again after them.
State = Literal["in use", "loaded", "booked before", "loading", "waiting", "overdue", "failed"]

# When the back end begins a reload with `preload` 0 before its start, whatever holds the computer then (SPEC 8.14). One
# that it has not taken up in this time, or that was written after it, begins at its start.
EARLY, EARLY_ENDS = 35 * MINUTE + 29, 24 * MINUTE + 30
GRACE = 2 * MINUTE  # a management node looks for reloads every few seconds, and counts in rounded minutes
# Steps of VCL's `computerloadstate` that end a load badly; and steps in between, or after the end, that say nothing
# about it: a process of the back end logs "exited" whether it loaded the computer or not.
FAILED_STEPS = frozenset({"loadimagefailed", "failed"})
SILENT_STEPS = ("info", "WARNING", "exited", "repeat")
LOADING = "reloading"
BUSY_STATES = frozenset({"inuse", "reserved", "timeout"})


class ComputerFacts(NamedTuple):
    """A computer of a block time, and its reload. Instants are Unix seconds, an id is the row's id in VCL's table."""

    id: int
    hostname: str
    image_id: int  # what it is to have loaded
    production_id: int  # that image's production revision; 0: it has none
    state: str  # VCL's: "available", "reloading", "inuse" …
    deleted: bool
    current_image_id: int  # what it has loaded
    revision_id: int
    reload_state: int = 0  # of the reload request; 0 when the back end has deleted it
    reload_last_state: int = 0
    reload_start: int | None = None
    preload: bool = True  # the reload begins at its start; without it the back end may begin early
    target_revision_id: int | None = None  # what the reload is to load
    log_step: str = ""  # the last step of the reload in the load log, without the silent ones
    load_begun: int | None = None  # its first step
    has_user: bool = False  # a user's reservation occupies it now
    user_until: int | None = None  # the end of that reservation; None where it is not known
    booked_until: int | None = None  # the end of what others have it for before the class; None where nobody has


class BlockFacts(NamedTuple):
    """A block time. `image_ids` make one machine: one image or, with a cluster, one for each computer of it."""

    start: int
    end: int
    processed: bool
    skip: bool
    status: str  # of the block request
    expires: int
    machines: int
    image_ids: tuple[int, ...]
    load_seconds: int  # how long the image takes to load, as estimated

    @property
    def block_status(self) -> BlockStatus:
        """What decides whether it is to take place."""
        return BlockStatus(self.skip, self.status, self.end, self.expires)


class Fault(NamedTuple):
    """What is wrong with a computer, in words for one and for several."""

    one: str
    many: str


@dataclass(frozen=True, slots=True)
class ComputerReadiness:
    """The state of a computer. `ready_at` is when its load is expected to end, None where nothing is to be loaded.

    `fault` is what is wrong with a failed one. `old_revision`: the one that it has loaded is not the production one.
    """

    facts: ComputerFacts
    state: State
    ready_at: int | None = None
    begun: int | None = None  # when the load that is running began
    fault: Fault | None = None
    old_revision: bool = False

    @property
    def is_ready(self) -> bool:
        """Whether it can be used, or is."""
        return self.state in ("loaded", "in use")


LOAD_FAULT = Fault("failed to load", "failed to load")


def computer_readiness(computer: ComputerFacts, block: BlockFacts, now: int) -> ComputerReadiness:
    """The state of a computer of the block time at `now` (Unix seconds)."""
    if fault := unusable(computer):
        return ComputerReadiness(computer, "failed", fault=fault)
    has_image = computer.revision_id in {computer.production_id, computer.target_revision_id} - {0, None}
    old = computer.revision_id != computer.production_id and computer.current_image_id == computer.image_id
    if _in_use(computer, has_image=has_image or old, on=block.start <= now < block.end):
        if computer.user_until is not None and now < computer.user_until <= block.start:
            # Somebody else has what the class needs, and VCL loads the computer again when they have gone.
            return ComputerReadiness(computer, "overdue", ready_at=computer.user_until + block.load_seconds)
        return ComputerReadiness(computer, "in use", old_revision=old)
    free = computer.state == "available"
    if free and (has_image or old) and computer.booked_until is not None and now < block.start:
        after = _after_others(computer, block, now)
        return ComputerReadiness(computer, "booked before", ready_at=after, old_revision=old)
    if free and has_image:
        return ComputerReadiness(computer, "loaded", old_revision=old)
    if by_reload := _by_reload(computer, block, now):
        return by_reload
    # No reload is left. A revision that was replaced since is the one that the class was promised.
    if free and old:
        return ComputerReadiness(computer, "loaded", old_revision=True)
    text = "not hold the image, and nothing will load it"
    return ComputerReadiness(computer, "failed", fault=Fault(f"does {text}", f"do {text}"))


def unusable(computer: ComputerFacts) -> Fault | None:
    """What rules a computer out by its own state, whatever its reload does; None when nothing does."""
    if computer.deleted or computer.state == "deleted":
        return Fault("is deleted", "are deleted")
    if computer.state == "failed" and load_failed(computer):
        return LOAD_FAULT
    if computer.state in UNUSABLE_STATES:
        return Fault(f"is in state {computer.state}", f"are in state {computer.state}")
    return None


def _in_use(computer: ComputerFacts, *, has_image: bool, on: bool) -> bool:
    """Whether a member of the class has it. `on`: the block time has begun.

    Before that, the user of a computer that is still to be loaded is no member: their time is over before the reload.
    Whoever has reserved a computer that is being loaded has to wait for it.
    """
    somebody = computer.has_user or computer.state in BUSY_STATES
    if on:
        return somebody and computer.state != LOADING
    to_load = computer.reload_state == RELOAD or _is_loading(computer)
    return somebody and has_image and not to_load


def _by_reload(computer: ComputerFacts, block: BlockFacts, now: int) -> ComputerReadiness | None:
    """The state of a computer that does not have the image loaded, by its reload; None when that is over or deleted."""
    if computer.reload_state == RELOAD:
        start = block.start if computer.reload_start is None else computer.reload_start
        state: State = "waiting" if now <= start + GRACE else "overdue"
        return ComputerReadiness(computer, state, ready_at=_begins(start, computer.preload, now) + block.load_seconds)
    if load_failed(computer):
        return ComputerReadiness(computer, "failed", fault=LOAD_FAULT)
    if _is_loading(computer) or computer.state == LOADING:
        # Until it has logged a step, one that began before its start began just now.
        begun = computer.load_begun or min(computer.reload_start or now, now)
        # One that takes longer than expected is not ready the next moment either.
        expected = max(begun + block.load_seconds, now + MINUTE)
        return ComputerReadiness(computer, "loading", ready_at=expected, begun=begun)
    return None


def _after_others(computer: ComputerFacts, block: BlockFacts, now: int) -> int:
    """When a computer is loaded again that others have before the class: by its reload, or by VCL when they leave."""
    begins = computer.booked_until or now
    if computer.reload_state == RELOAD and computer.reload_start is not None:
        begins = _begins(computer.reload_start, computer.preload, now)
    return begins + block.load_seconds


def _begins(start: int, preload: bool, now: int) -> int:
    """When a reload that has not begun will begin."""
    if preload or now > start - EARLY_ENDS:
        return max(start, now)
    return max(start - EARLY, now)


def _is_loading(computer: ComputerFacts) -> bool:
    return (computer.reload_state, computer.reload_last_state) == (PENDING, RELOAD)


def load_failed(computer: ComputerFacts) -> bool:
    """Whether the load of its reload has ended badly."""
    return computer.reload_state == FAILED or (_is_loading(computer) and computer.log_step in FAILED_STEPS)
