"""What is on record of block times: calls, what staff did, reloads that were planned; and the computers in it now.

Times are as the database gives them.
"""

from collections.abc import Collection, Iterable, Mapping
from typing import NamedTuple

from blockalloc.models import Decision
from blockalloc.store import times
from blockalloc.store.planned_reloads import TABLE as PLANNED_RELOADS
from blockalloc.store.sql import fetch, listed_ids

_DECISIONS = Decision._meta.db_table


class DecisionRow(NamedTuple):
    """A call about a block time, or what staff did to it. `findings` are encoded, None where nobody asked for them.

    `parameters` (JSON) are those of releases and skips, None of other calls.
    """

    id: int
    block_time_id: int
    started: times.Stored
    action: str
    outcome: str
    caller: str
    person: str
    code: int | None
    text: str
    wanted: int | None
    allocated: int | None
    parameters: str | None
    findings: bytes | None


_OF_BLOCK_TIMES = f"""
SELECT id, block_time_id, started, action, outcome, caller, person, code, text, wanted, allocated,
       CASE WHEN action IN (%s, %s, %s) THEN parameters END, {{findings}}
FROM {_DECISIONS} WHERE block_time_id IN ({{block_times}}) AND action NOT IN (%s, %s)
  AND NOT (action = %s AND outcome = %s) ORDER BY id
"""
# What keep_ready has let go, or corrected, has the outcome "done".
_LETTING_GO = [Decision.RELEASE, Decision.RELEASE_SOME, Decision.SKIP]
_NOT_ABOUT_MACHINES = [Decision.DRY_RUN, Decision.HOLDING, Decision.KEEP_READY, Decision.DONE]
# Most records of a class that stays short took no computer: of those findings are not worth reading.
_FINDINGS_OF_COMPUTERS = "CASE WHEN allocated > had THEN findings END"

_FINDINGS = f"""
SELECT block_time_id, id, 0, findings FROM {_DECISIONS} WHERE id IN ({{decisions}}) AND findings IS NOT NULL
"""
_PLANNED = f"SELECT block_time_id, 0, computer_id, NULL FROM {PLANNED_RELOADS} WHERE block_time_id IN ({{block_times}})"
_COMPUTERS = "SELECT id, hostname, stateid FROM computer WHERE id IN ({computers}) ORDER BY hostname"


class Computer(NamedTuple):
    """A computer as it is now."""

    hostname: str
    state_id: int


def decisions(block_time_ids: Iterable[int], *, findings: bool = False) -> list[DecisionRow]:
    """The decisions about the machines of these block times, dry runs aside, the oldest first.

    With `findings`, those come too where computers were taken.
    """
    sql = _OF_BLOCK_TIMES.format(
        block_times=listed_ids(block_time_ids), findings=_FINDINGS_OF_COMPUTERS if findings else "NULL"
    )
    return [*map(DecisionRow._make, fetch(sql, [*_LETTING_GO, *_NOT_ABOUT_MACHINES]))]


class Had(NamedTuple):
    """A computer that a block time had by a planned reload; or a decision that took some, by its encoded findings."""

    block_time_id: int
    decision: int
    computer: int
    findings: bytes | None


def had(decision_ids: Collection[int], block_time_ids: Collection[int]) -> list[Had]:
    """The findings of these decisions, and the planned reloads of these block times. At most one statement."""
    parts = [
        *([_FINDINGS.format(decisions=listed_ids(decision_ids))] if decision_ids else []),
        *([_PLANNED.format(block_times=listed_ids(block_time_ids))] if block_time_ids else []),
    ]
    return [*map(Had._make, fetch("UNION ALL ".join(parts)))] if parts else []


def computers(ids: Iterable[int]) -> Mapping[int, Computer]:
    """These computers by id, in the order of their names."""
    rows = fetch(_COMPUTERS.format(computers=listed_ids(ids)))
    return {id_: Computer(hostname, state) for id_, hostname, state in rows}
