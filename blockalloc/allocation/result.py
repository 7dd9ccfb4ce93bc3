"""What comes of a call: the answer, and all that explains it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from zoneinfo import ZoneInfo

from blockalloc.allocation.validation import Order
from blockalloc.contract.messages import WARNING_LATE, WARNING_NOTHING_ALLOCATED, Outcome, Status
from scheduling import wording
from scheduling.facts import Site
from scheduling.funnel import GIVEN_UP
from scheduling.mending import GivenUp
from scheduling.plan import Assignment, Machine, Plan
from scheduling.reasons import Reason
from scheduling.reloads.outlook import in_full, in_words
from scheduling.rules import UNUSABLE_STATES

_NO_TIME = Reason("no_time", "others changed what the call had seen, twice: call again")
# How the text about each kind of change begins.
_GIVEN_UP, _LOADED_AGAIN, _TAKEN = "given up: ", "loaded again: ", "taken: "
_NO_OTHER, _NOT_AGAIN = "no other computer for: ", "not loaded again: "


@dataclass(frozen=True, slots=True)
class Result:
    """What a call took, or a dry run would take, and what explains it: order, facts and plan.

    `lost`: the planned computers that somebody else got meanwhile, with the reason. `rosters`: the rosters that the
    record of the call may refer to (see store.snapshot). `again`: the new reloads of computers that the block time has;
    `given_up`: the computers that it has no longer (SPEC 9.2, 9.3). `spares`: how many of the machines are spares. They
    count in no answer.
    """

    outcome: Outcome
    machines: Sequence[Machine]
    plan: Plan
    site: Site
    order: Order
    rosters: frozenset[int]
    lost: Mapping[int, Reason] = field(default_factory=dict)
    again: Sequence[Machine] = ()
    given_up: Mapping[int, GivenUp] = field(default_factory=dict)
    spares: int = 0

    def and_spares(self) -> str:
        """` and 2 spares`, after a number of machines; "" for none."""
        return wording.and_spares(self.spares)

    def stopped_by(self) -> str:
        """Why there are not more machines, in words; "" when none is missing."""
        if self.plan.stopped_by:
            return self.plan.stopped_by.describe(self.site.zone)
        if self._stopped_by_lost_reloads:
            by_reason = _by_reason(self.plan.not_loaded, self.site.zone)
            return "; ".join(f"{self._names(ids)} cannot be loaded again: {why}" for why, ids in by_reason.items())
        if self.outcome.unallocated and self.lost:
            return f"somebody else was faster: computers lost after they were chosen: {len(self.lost)}"
        return str(self.default_reason) if self.outcome.unallocated else ""

    @property
    def _stopped_by_lost_reloads(self) -> bool:
        """Whether machines are missing only because computers cannot be loaded again."""
        return bool(not self.plan.stopped_by and self.outcome.unallocated and self.plan.not_loaded)

    def said(self) -> str:
        """How sure it is that the class is ready at its start, as a sentence without a full stop; "" under `vcl`."""
        outlook, start = self.plan.outlook, self.order.block.start
        if outlook is None:
            return ""
        return in_full(in_words(outlook.ready, outlook.late, outlook.machines, start, self.site.zone), outlook.minutes)

    @property
    def changed(self) -> bool:
        """Whether the block time's computers or their reloads are others than before."""
        return bool(self.machines or self.again or self.given_up)

    def changes(self) -> str:
        """What was done about the computers that the block time had, and what could not be, in words.

        "" where they stay as they are.
        """
        done = [
            self._because(_GIVEN_UP, {id_: each.why for id_, each in self.given_up.items()}),
            self._because(_LOADED_AGAIN, self.reasons_of_again),
        ]
        left = [
            self._because(_NO_OTHER, self._without_substitute),
            "" if self._stopped_by_lost_reloads else self._because(_NOT_AGAIN, self._not_again),
        ]
        return "; ".join(filter(None, [*done, self.taken() if any(done) else "", *left]))

    def taken(self) -> str:
        """The computers that were taken, in words; "" for none."""
        names = [each.computer.hostname for each in assignments(self.machines)]
        return f"{_TAKEN}{wording.computers(names)}" if names else ""

    @property
    def reasons_of_again(self) -> dict[int, Reason]:
        """Why computers were loaded again."""
        why = self.order.mending.why_again if self.order.mending else {}
        return {each.computer.id: why[each.computer.id] for each in assignments(self.again)}

    @property
    def reasons_of_given_up(self) -> dict[int, Reason]:
        """Why computers were given up, as findings say it."""
        reasons = ((id_, each.why) for id_, each in self.given_up.items())
        return {id_: Reason(GIVEN_UP, f"given up: {why.text}", why.figures) for id_, why in reasons}

    @property
    def _without_substitute(self) -> Mapping[int, Reason]:
        """Why the computers that stay as the best hope will not be ready."""
        mending = self.order.mending
        given_up = mending.given_up.items() if mending else ()
        return {id_: each.why for id_, each in given_up if id_ not in self.given_up}

    @property
    def _not_again(self) -> Mapping[int, Reason]:
        """Why computers were not loaded again: by the plan, or since somebody was faster."""
        planned = {each.computer.id for each in assignments(self.plan.again)}
        return {**self.plan.not_loaded, **{id_: self.lost[id_] for id_ in planned & self.lost.keys()}}

    @property
    def computers_before(self) -> set[int]:
        """The computers that the block time had before the call, those that it has given up aside."""
        own = self.order.block.block_time_id
        has = {each.computer_id for each in self.site.block_computers if each.block_time_id == own}
        stay = self.order.mending.given_up.keys() - self.given_up.keys() if self.order.mending else set()
        return has | stay

    @property
    def counts_all(self) -> bool:
        """Whether the class can use what the outcome counts, and nothing more.

        Not so when computers stay for which there was no other one, or when one of the class has failed.
        """
        computers = [self.site.computers.get(id_) for id_ in self.computers_before]
        usable = all(each is not None and not each.deleted and each.state not in UNUSABLE_STATES for each in computers)
        return usable and not self._without_substitute

    def _because(self, what: str, reasons: Mapping[int, Reason]) -> str:
        parts = [
            f"{self._names(ids)} ({wording.said_of(len(ids), why)})"
            for why, ids in _by_reason(reasons, self.site.zone).items()
        ]
        return f"{what}{', '.join(parts)}" if parts else ""

    def _names(self, ids: Sequence[int]) -> str:
        given_up = self.order.mending.given_up if self.order.mending else {}
        names = [given_up[id_].hostname if id_ in given_up else self.site.computers[id_].hostname for id_ in ids]
        return wording.computers(names)

    @property
    def computers_taken(self) -> set[int]:
        """The computers of `machines`."""
        return {each.computer.id for each in assignments(self.machines)}

    @property
    def default_reason(self) -> Reason:
        """The reason given for computers that have none of their own."""
        if self.outcome.unallocated and self.plan.stopped_by is None:
            return _NO_TIME
        return self.plan.default_reason

    @property
    def looked_at_computers(self) -> bool:
        """Whether any computer had to be looked at: not so when the block time had all its machines."""
        return self.plan.had_before < self.plan.wanted


@dataclass(frozen=True, slots=True)
class Answer:
    """The outcome of a call, with its result and the id of its record.

    There is no result when an earlier call with the same idempotency key was answered so.
    """

    outcome: Outcome
    result: Result | None = None
    decision_id: int | None = None


def without_changes(text: str) -> str:
    """The text of a record without the sentence that says what was changed: why machines are missing, or ""."""
    return (
        text.partition(". ")[2] if text.startswith((_GIVEN_UP, _LOADED_AGAIN, _TAKEN, _NO_OTHER, _NOT_AGAIN)) else text
    )


def _by_reason(reasons: Mapping[int, Reason], zone: ZoneInfo) -> dict[str, list[int]]:
    """Reason in words -> the computers that it is given for."""
    ids: dict[str, list[int]] = {}
    for id_, why in reasons.items():
        ids.setdefault(why.describe(zone), []).append(id_)
    return ids


def outcome_of(plan: Plan, machines: Sequence[Machine], block_time_id: int, allocated: int) -> Outcome:
    """The answer for a block time that has `allocated` whole machines, with `machines` new ones (SPEC 2.2, 6)."""
    missing = plan.wanted - allocated

    def outcome(status: Status, warning: tuple[int, str] | None = None) -> Outcome:
        return Outcome(status, allocated, missing, block_time_id, warning, plan.outlook)

    if not machines and not missing:
        return outcome("completed")
    if not machines:
        return outcome("warning", WARNING_NOTHING_ALLOCATED)
    if plan.late:
        return outcome("warning", WARNING_LATE)
    return outcome("success")


def assignments(machines: Sequence[Machine]) -> list[Assignment]:
    """The computers of machines, each with its image and management node."""
    return [assignment for machine in machines for assignment in machine.assignments]
