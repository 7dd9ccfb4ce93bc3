"""What is on record of block times that lack machines: facts of any number of them in a fixed number of statements."""

from collections import defaultdict
from collections.abc import Collection, Mapping

from blockalloc.contract.messages import LATE, NOTHING
from blockalloc.models import Decision
from blockalloc.store import times
from blockalloc.store.findings import decode_chosen
from blockalloc.store.sql import fetch, listed_ids
from scheduling.what_happened import Call, Gone, Record

_WARNINGS = dict((LATE, NOTHING))
_LONGEST = 160  # letters of a reason; the decision's page has all of it
_FAILED = "failed"  # VCL's state of a computer after a load that failed

_CALLS = """
SELECT d.id, d.block_time_id, d.started, d.action, d.outcome, d.person, d.code, d.text, d.wanted, d.allocated
FROM blockalloc_decision d WHERE d.block_time_id IN ({times}) AND d.action <> 'dry run' ORDER BY d.id
"""
_FINDINGS = "SELECT block_time_id, findings FROM blockalloc_decision WHERE id IN ({decisions}) AND findings IS NOT NULL"
_PLANNED = "SELECT block_time_id, computer_id FROM blockalloc_planned_reload WHERE block_time_id IN ({times})"
_COMPUTERS = """
SELECT c.id, c.hostname, s.name FROM computer c JOIN state s ON s.id = c.stateid
WHERE c.id IN ({computers}) ORDER BY c.hostname
"""


def read(present: Mapping[int, Collection[int]]) -> dict[int, Record]:
    """Block time -> what is on record of it; `present` are the computers that each has now. Four statements at most.

    The decisions name the computers that they chose, however long these have gone. Our records of planned reloads
    know the computers of a block time of which no decision is kept.
    """
    if not present:
        return {}
    calls: dict[int, list[tuple[int, Call]]] = defaultdict(list)
    for id_, block_time, *columns in fetch(_CALLS.format(times=listed_ids(present))):
        calls[block_time].append((id_, _call(*columns)))
    had = _had(calls, present)
    names = _names({computer for block_time, ids in had.items() for computer in ids - set(present[block_time])})
    return {
        block_time: Record(
            [call for _, call in calls.get(block_time, ())],
            [gone for id_, gone in names.items() if id_ in had.get(block_time, ()) and id_ not in here],
        )
        for block_time, here in present.items()
    }


def _call(
    started: times.Stored, action: str, outcome: str, person: str, code: int | None, text: str, wanted: int | None,
    allocated: int | None,
) -> Call:  # fmt: skip
    done = outcome not in (Decision.REFUSED, Decision.FAILED)
    why = text.removeprefix(_WARNINGS.get(code or 0, "")).removeprefix(". ") if done else text
    why = why if len(why) <= _LONGEST else f"{why[: _LONGEST - 1]}…"
    at = times.known(times.from_utc(started))
    return Call(at, action, done, person, wanted or 0, allocated or 0, why)


def _had(calls: Mapping[int, list[tuple[int, Call]]], present: Mapping[int, Collection[int]]) -> Mapping[int, set[int]]:
    """Block time -> computers that it had at some time since the last release."""
    found: dict[int, set[int]] = defaultdict(set)
    decisions: list[int] = []
    untold = set(present)  # nobody has released or skipped them
    for block_time, told in calls.items():
        for id_, call in reversed(told):
            if call.done and call.action != Decision.ALLOCATE:
                untold.discard(block_time)
                break
            if call.done and call.had:
                decisions.append(id_)
    for block_time, findings in fetch(_FINDINGS.format(decisions=listed_ids(decisions))) if decisions else []:
        found[block_time].update(chosen.computer_id for chosen in decode_chosen(bytes(findings)))
    for block_time, computer in fetch(_PLANNED.format(times=listed_ids(untold))) if untold else []:
        found[block_time].add(computer)
    return found


def _names(computers: Collection[int]) -> dict[int, Gone]:
    """These computers, by name."""
    rows = fetch(_COMPUTERS.format(computers=listed_ids(computers))) if computers else []
    return {id_: Gone(hostname, state == _FAILED) for id_, hostname, state in rows}
