"""What happened to block times that lack machines: the records of many of them in a fixed number of statements."""

import json
from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from typing import Any

from blockalloc.allocation.result import without_changes
from blockalloc.contract.warnings import without_warning
from blockalloc.models import Decision
from blockalloc.store import times, what_happened
from blockalloc.store.findings import changed_ids
from blockalloc.store.what_happened import DecisionRow
from scheduling.state_ids import FAILED
from scheduling.what_happened import HELD_BACK, Call, Gone, Record

_LONGEST = 160  # characters of a reason; the page of the decision has the full text

Rows = Mapping[int, Sequence[DecisionRow]]  # block time -> the decisions about it, the oldest first

_IN_VAIN = (Decision.REFUSED, Decision.FAILED)
_TAKES_ALL = (Decision.RELEASE, Decision.SKIP, Decision.UNSKIP)  # whatever it had before is no longer its own


def read(present: Mapping[int, Collection[int]]) -> dict[int, Record]:
    """Block time id -> what is on record about it; `present` has the ids of its computers now. Three statements.

    Decision records name the computers that they chose, even if these are gone. Planned reloads name the computers of
    block times without a decision record.
    """
    if not present:
        return {}
    rows: dict[int, list[DecisionRow]] = defaultdict(list)
    for row in what_happened.decisions(present):
        rows[row.block_time_id].append(row)
    had = _had(rows, present)
    gone = _gone({computer for block_time, ids in had.items() for computer in ids.difference(present[block_time])})
    place = {id_: number for number, id_ in enumerate(gone)}  # they are by name
    known = set(gone)
    lost = {
        block_time: sorted(known.intersection(ids).difference(present[block_time]), key=place.__getitem__)
        for block_time, ids in had.items()
    }
    return {
        block_time: Record(
            [call_of(row) for row in since_asked(rows.get(block_time, ()))],
            [gone[computer] for computer in lost.get(block_time, ())],
        )
        for block_time in present
    }


def since_asked(rows: Sequence[DecisionRow]) -> Sequence[DecisionRow]:
    """The decisions from the last allocation on that came to something, all if there is none.

    Nothing that a record is asked for goes further back; some classes have hundreds of decisions.
    """
    for place in range(len(rows) - 1, -1, -1):
        if rows[place].action == Decision.ALLOCATE and _is_done(rows[place]):
            return rows[place:]
    return rows


def _is_done(row: DecisionRow) -> bool:
    return row.outcome not in _IN_VAIN


def call_of(row: DecisionRow) -> Call:
    """The decision as the rules of `scheduling` read it."""
    parameters = _parameters(row)
    done = _is_done(row)
    why = row.text
    if done:
        why = without_changes(without_warning(row.code, why))
    why = why if len(why) <= _LONGEST else f"{why[: _LONGEST - 1]}…"
    at = times.from_utc(row.started) or 0
    action = HELD_BACK if row.action == Decision.KEEP_READY and done and row.allocated is None else row.action
    return Call(
        at, action, done, row.person, row.wanted or 0, row.allocated or 0, why,
        reason=str(parameters.get("reason", "")), computers=len(parameters.get("computers", ())),
    )  # fmt: skip


def _parameters(row: DecisionRow) -> Mapping[str, Any]:
    parameters: Mapping[str, Any] = json.loads(row.parameters) if row.parameters else {}
    return parameters


def _had(rows: Rows, present: Collection[int]) -> dict[int, set[int]]:
    """Block time id -> ids of the computers that it had at some time since the last release, and did not give up."""
    decisions: list[int] = []
    not_released = set(present)  # nor skipped
    changes: dict[int, tuple[int, Collection[int], Collection[int]]] = {}
    for block_time, of_block_time in rows.items():
        for row in of_block_time:
            if row.action == Decision.RELEASE_SOME and row.outcome == Decision.DONE:
                changes[row.id] = (block_time, (), _parameters(row).get("computers", ()))
        for row in reversed(of_block_time):
            if row.action in _TAKES_ALL and _is_done(row):
                not_released.discard(block_time)
                break
            if row.allocated and row.id not in changes and _is_done(row):
                decisions.append(row.id)
    computers: dict[int, set[int]] = defaultdict(set)
    for found in what_happened.had(decisions, not_released):
        if found.findings is None:
            computers[found.block_time_id].add(found.computer)
        else:
            changes[found.decision] = (found.block_time_id, *changed_ids(bytes(found.findings)))
    for _, (block_time, chosen, given_up) in sorted(changes.items()):
        computers[block_time].difference_update(given_up)
        computers[block_time].update(chosen)
    return computers


def _gone(ids: Collection[int]) -> dict[int, Gone]:
    """These computers, by name."""
    computers = what_happened.computers(ids) if ids else {}
    return {id_: Gone(computer.hostname, computer.state_id == FAILED) for id_, computer in computers.items()}
