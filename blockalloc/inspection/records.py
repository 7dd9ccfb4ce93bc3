"""What this service has on record about block times: its calls, and what staff did.

Only the block times that there is a finding about are looked up, in a fixed number of statements.
"""

import json
from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from blockalloc.contract.warnings import without_warning
from blockalloc.inspection.facts import Facts
from blockalloc.models import Decision
from blockalloc.store import times, what_happened
from blockalloc.store.findings import Changes, decode_changes
from blockalloc.store.what_happened import Computer, DecisionRow


class Record(NamedTuple):
    """A call about a block time, or what staff did to it.

    `chosen` are the computers that it took, `given_up` those that it gave up, or that staff released. `at` is Unix
    seconds; `wanted` and `allocated` are machines, None where the call did not come so far. `text` is without VCL's
    words of a warning.
    """

    action: str
    outcome: str
    who: str
    text: str
    wanted: int | None
    allocated: int | None
    at: int
    chosen: Sequence[int]
    given_up: Sequence[int] = ()


@dataclass(frozen=True, slots=True)
class History:
    """What is on record. `kept`: whether there are records at all.

    `of` are the records of a block time, the oldest first, `planned` the computers of which a reload for it is on
    record; `computers` are those that either names.
    """

    kept: bool
    of: Mapping[int, Sequence[Record]]
    planned: Mapping[int, Collection[int]]
    computers: Mapping[int, Computer]

    def taken_at(self, block_time_id: int, computer_id: int) -> int:
        """When a computer was last taken for a block time; 0 where it is not known."""
        records = self.of.get(block_time_id, ())
        return max((record.at for record in records if computer_id in record.chosen), default=0)


def read(block_time_ids: Collection[int], facts: Facts, own_tables: Collection[str]) -> History:
    """What is on record of these block times, in the caller's transaction."""
    kept = Decision._meta.db_table in own_tables
    records = _records(block_time_ids) if kept else {}
    chosen = {id_ for of_block_time in records.values() for record in of_block_time for id_ in record.chosen}
    planned: dict[int, set[int]] = defaultdict(set)
    for each in facts.planned:
        if each.block_time_id in block_time_ids:
            planned[each.block_time_id].add(each.computer_id)
    return History(kept, records, planned, what_happened.computers(chosen.union(*planned.values())))


def _records(block_time_ids: Collection[int]) -> dict[int, list[Record]]:
    records: dict[int, list[Record]] = defaultdict(list)
    for row in what_happened.decisions(block_time_ids, findings=True):
        changes = decode_changes(bytes(row.findings)) if row.findings else Changes([], _released(row))
        records[row.block_time_id].append(
            Record(
                action=row.action,
                outcome=row.outcome,
                who=row.person or row.caller,
                text=without_warning(row.code, row.text),
                wanted=row.wanted,
                allocated=row.allocated,
                at=times.from_utc(row.started) or 0,
                chosen=[each.computer_id for each in changes.chosen],
                given_up=changes.given_up,
            )
        )
    return dict(records)


def _released(row: DecisionRow) -> Sequence[int]:
    """The computers that staff have taken from the block time and left it others."""
    if row.action != Decision.RELEASE_SOME or row.outcome != Decision.DONE or not row.parameters:
        return ()
    released: Sequence[int] = json.loads(row.parameters).get("computers", ())
    return released
