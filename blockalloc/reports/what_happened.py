"""What happened to block times that lack machines: the records of many of them in a fixed number of statements."""

import json
from collections import defaultdict
from collections.abc import Collection, Mapping
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

Calls = Mapping[int, list[tuple[int, Call]]]  # block time -> (decision, call), the oldest first


def read(present: Mapping[int, Collection[int]]) -> dict[int, Record]:
    """Block time id -> what is on record about it; `present` has the ids of its computers now. Three statements.

    Decision records name the computers that they chose, even if these are gone. Planned reloads name the computers of
    block times without a decision record.
    """
    if not present:
        return {}
    calls: dict[int, list[tuple[int, Call]]] = defaultdict(list)
    released: dict[int, tuple[int, set[int]]] = {}
    for row in what_happened.decisions(present):
        parameters = json.loads(row.parameters) if row.parameters else {}
        calls[row.block_time_id].append((row.id, _call(row, parameters)))
        if row.action == Decision.RELEASE_SOME and row.outcome == Decision.DONE:
            released[row.id] = (row.block_time_id, set(parameters.get("computers", ())))
    had = _had(calls, released, present)
    gone = _gone({computer for block_time, ids in had.items() for computer in ids - set(present[block_time])})
    place = {id_: number for number, id_ in enumerate(gone)}  # they are by name
    lost = {
        block_time: sorted((had.get(block_time, set()) & gone.keys()).difference(now_present), key=place.__getitem__)
        for block_time, now_present in present.items()
    }
    return {
        block_time: Record(
            [call for _, call in calls.get(block_time, ())], [gone[computer] for computer in lost[block_time]]
        )
        for block_time in present
    }


def _call(row: DecisionRow, parameters: Mapping[str, Any]) -> Call:
    done = row.outcome not in (Decision.REFUSED, Decision.FAILED)
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


def _had(calls: Calls, released: Mapping[int, tuple[int, set[int]]], present: Collection[int]) -> dict[int, set[int]]:
    """Block time id -> ids of the computers that it had at some time since the last release, and did not give up.

    `released`: by decision, the block time and the computers that staff have taken from it by "release some".
    """
    decisions: list[int] = []
    not_released = set(present)  # nor skipped
    for block_time, of_block_time in calls.items():
        for id_, call in reversed(of_block_time):
            if call.done and call.action in (Decision.RELEASE, Decision.SKIP, Decision.UNSKIP):
                not_released.discard(block_time)
                break
            if call.done and call.allocated and id_ not in released:
                decisions.append(id_)
    computers: dict[int, set[int]] = defaultdict(set)
    changes: dict[int, tuple[int, Collection[int], Collection[int]]]
    changes = {id_: (block_time, (), ids) for id_, (block_time, ids) in released.items()}
    for row in what_happened.had(decisions, not_released):
        if row.findings is None:
            computers[row.block_time_id].add(row.computer)
        else:
            changes[row.decision] = (row.block_time_id, *changed_ids(bytes(row.findings)))
    for _, (block_time, chosen, given_up) in sorted(changes.items()):
        computers[block_time].difference_update(given_up)
        computers[block_time].update(chosen)
    return computers


def _gone(ids: Collection[int]) -> dict[int, Gone]:
    """These computers, by name."""
    computers = what_happened.computers(ids) if ids else {}
    return {id_: Gone(computer.hostname, computer.state_id == FAILED) for id_, computer in computers.items()}
