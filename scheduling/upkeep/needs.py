"""What a block time needs now, so that it is complete and ready at its start (SPEC 9.1 to 9.4).

An example: a class of 20 at nine o'clock, whose image takes ten minutes to load. At 8:20 one computer has failed: it is
given up at once, and the class lacks a machine. On another one a user stays until nine: a substitute would have to
begin loading at 8:40 (load time and ten minutes' margin), so nothing is done until 8:38; the user may leave before.
Under policy `ready` the plan says when it would have to begin: on a node that is full from 8:20 on, before that.
"""

from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from operator import attrgetter
from zoneinfo import ZoneInfo

from scheduling import wording
from scheduling.machines import whole_machines
from scheduling.reload_plan import RELOAD_MARGIN, stagger
from scheduling.state_ids import RELOAD
from scheduling.upkeep.condition import SILENT_NODE, STAYS, Condition, Kind, condition
from scheduling.upkeep.facts import BlockTimeFacts, WatchedComputer
from scheduling.windows import HOUR, MINUTE
from scheduling.withdrawal import HEAD_START, HEAD_START_OF_PRELOAD

# The back end goes first: so long after a block time comes into the hours in which it asks, and while it works on it.
BACK_END_FIRST, BACK_END_AT_WORK = 2 * MINUTE, 5 * MINUTE
HOLD_AHEAD = 2 * MINUTE  # before a reload begins its computer is held
_SLACK = 2 * MINUTE  # a look may come a minute late, and the exchange itself takes its time
_NO_SURER = 2 * MINUTE  # what is on its way is not exchanged for what would be ready hardly sooner


@dataclass(frozen=True, slots=True)
class Needs:
    """What a block time needs. Computers are given by their conditions.

    `give_up`: they are to be exchanged, or left for good when there are enough others. `again`: they get a new reload.
    `missing`: whole machines that are wanting without those that are given up. `at_risk`: they may be late; it is too
    early to exchange them, or nothing would be gained. `waits_for_back_end`: machines are missing, and the back end is
    to ask for them first. `too_late`: whatever is loaded now would be ready after the middle of the block time.
    `exchanged_later` are those at risk on which somebody stays, and which are to be exchanged if they still do then.
    """

    conditions: Sequence[Condition]
    give_up: Sequence[Condition] = ()
    again: Sequence[Condition] = ()
    missing: int = 0
    at_risk: Sequence[Condition] = ()
    waits_for_back_end: bool = False
    too_late: bool = False
    exchanged_later: Sequence[Condition] = ()

    @property
    def is_met(self) -> bool:
        """Whether nothing has to be done."""
        return not (self.give_up or self.again or self.missing)

    @property
    def ready(self) -> int:
        """Computers that are ready, and that nobody else has before the class."""
        return sum(each.kind is Kind.READY and each.readiness.state != "booked before" for each in self.conditions)


def needs(block_time: BlockTimeFacts, now: int, *, hours: int = 6, is_asked_by_staff: bool = False) -> Needs:
    """What `block_time` needs at `now` (Unix seconds). The caller has made sure that it is to take place.

    `hours`: how long before the start keep_ready begins to look. `is_asked_by_staff`: the back end need not go first.
    """
    block = block_time.block
    conditions = [condition(computer, block_time, now) for computer in block_time.computers]
    wanted = block_time.target.machines
    too_late = is_too_late(block.start, block.end, block.load_seconds, now)
    if too_late or not wanted:
        return Needs(conditions, too_late=too_late, at_risk=_late(conditions))
    lost = [each for each in conditions if each.kind is Kind.LOST]
    doubtful = sorted(_late(conditions), key=attrgetter("ready_at"), reverse=True)
    give_up = [*lost, *_due(doubtful, block_time, now)]
    given_up = {each.computer.id for each in give_up}
    left = Counter(each.computer.facts.image_id for each in conditions if each.computer.id not in given_up)
    missing = max(wanted - whole_machines(block.image_ids, left), 0)
    waits = bool(missing) and not is_asked_by_staff and _back_end_goes_first(block_time, now, hours * HOUR)
    risky = [each for each in doubtful if each.computer.id not in given_up]
    if whole_machines(block.image_ids, left - Counter(each.computer.facts.image_id for each in risky)) >= wanted:
        risky = []  # spares make up for them
    if waits:
        return Needs(conditions, at_risk=[*lost, *doubtful], waits_for_back_end=True)
    again = [each for each in conditions if each.kind is Kind.TO_LOAD and each.computer.id not in given_up]
    return Needs(
        conditions,
        give_up=give_up,
        again=again,
        missing=missing,
        at_risk=risky,
        exchanged_later=[each for each in risky if _is_exchanged_later(each, block_time, now)],
    )


def at_risk(needed: Needs, zone: ZoneInfo, *, is_sure: bool = False) -> str:
    """Which computers may be late or will not be ready, and why, in words: `c11 and c12 (it is in state failed)`.

    `is_sure`: the class is as sure as it should be to have all its machines. That counts with computers that will be
    exchanged: they are no risk then.
    """
    names: dict[str, list[str]] = {}
    no_risk = {each.computer.id for each in needed.exchanged_later} if is_sure else ()
    for each in [*needed.give_up, *needed.at_risk]:
        if each.why is not None and each.computer.id not in no_risk:
            names.setdefault(each.why.describe(zone), []).append(each.hostname)
    return ", ".join(
        f"{wording.computers(theirs)} ({wording.said_of(len(theirs), why)})" for why, theirs in names.items()
    )


def is_too_late(start: int, end: int, load_seconds: int, now: int) -> bool:
    """Whether what is loaded from now on is of no use any more: it would be ready after the middle of the class."""
    return now > start and now + load_seconds > (start + end) // 2


def _late(conditions: Collection[Condition]) -> list[Condition]:
    return [each for each in conditions if each.kind is Kind.DOUBTFUL]


def _due(doubtful: Sequence[Condition], block_time: BlockTimeFacts, now: int) -> list[Condition]:
    """Those that have to be exchanged now, the least hopeful first, because later a substitute would have no time.

    Not all substitutes can begin to load at once: the more there are, the earlier the first.
    """
    block = block_time.block
    gain = [each for each in doubtful if each.ready_at > now + block.load_seconds + _NO_SURER]
    leads = reversed(_leads(block_time, len(gain)))
    return [
        each
        for each, lead in zip(gain, leads, strict=True)
        if now >= block.start - lead - _SLACK or _may_soon_have_begun(each, now)
    ]


def _leads(block_time: BlockTimeFacts, number: int) -> Sequence[int]:
    """Seconds before the start at which so many substitutes have to begin at the latest, the shortest first."""
    planned = block_time.guide.exchange_leads[:number] if block_time.guide else ()
    if planned:
        return [*planned, *[planned[-1]] * (number - len(planned))]
    seconds = block_time.block.load_seconds
    return [seconds + RELOAD_MARGIN + place * stagger(seconds) for place in range(number)]


def _is_exchanged_later(each: Condition, block_time: BlockTimeFacts, now: int) -> bool:
    """Whether it is to be exchanged when a substitute has just the time that it needs: till then they may leave."""
    gains = each.ready_at > now + block_time.block.load_seconds + _NO_SURER
    return gains and now < block_time.block.start and each.why is not None and each.why.rule == STAYS


def _may_soon_have_begun(each: Condition, now: int) -> bool:
    """Whether its reload waits on a silent node, and can soon be withdrawn no longer, so as to begin on another one."""
    facts = each.computer.facts
    if each.why is None or each.why.rule != SILENT_NODE or facts.reload_state != RELOAD:
        return False
    left = (facts.reload_start or 0) - (HEAD_START if facts.preload else HEAD_START_OF_PRELOAD) - now
    return 0 < left <= _SLACK


def _back_end_goes_first(block_time: BlockTimeFacts, now: int, ahead: int) -> bool:
    """Whether the back end is to ask for the machines that are missing, or is just doing so (SPEC 9.1)."""
    entered = block_time.block.start - ahead
    at_work = block_time.processing_seen is not None and now < block_time.processing_seen + BACK_END_AT_WORK
    return now < entered + BACK_END_FIRST or at_work


# --- Holds --------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Holding:
    """The holds of keep_ready on the computers of block times: to be set or renewed, and to be removed."""

    hold: Mapping[int, WatchedComputer]
    remove: frozenset[int]


def holding(looks: Collection[tuple[BlockTimeFacts, Needs]], now: int, held_before: Collection[int] = ()) -> Holding:
    """The holds at `now` (Unix seconds; SPEC 9.4): on computers about to load and loading, never on loaded ones.

    `held_before`: computers with a hold that a block time of an earlier look had; what is given up is held no longer.
    A computer that is to be exchanged and for which there was no substitute may be the best hope: its load goes on.
    """
    hold: dict[int, WatchedComputer] = {}
    remove = set(held_before)
    for block_time, needed in looks:
        for each in needed.conditions:
            computer = each.computer
            if not block_time.holds_stopped and _is_to_be_held(each, now):
                hold[computer.id] = computer
            elif computer.held:
                remove.add(computer.id)
    return Holding(hold, frozenset(remove - hold.keys()))


def _is_to_be_held(each: Condition, now: int) -> bool:
    facts = each.computer.facts
    if facts.current_image_id == facts.image_id or each.kind is Kind.LOST or each.computer.live_semaphore:
        return False
    if any(booking.is_occupying and booking.start <= now < booking.end for booking in each.computer.bookings):
        return False
    if facts.reload_state == RELOAD:
        return now >= (facts.reload_start or now) - HOLD_AHEAD
    return each.readiness.state == "loading"
