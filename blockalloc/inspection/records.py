"""What this service has on record about block times: its calls, and what staff did.

Only the block times that something is to be told of are looked up, in a fixed number of statements.
"""

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from blockalloc.inspection.facts import Facts
from blockalloc.models import Decision
from blockalloc.store import times
from blockalloc.store.findings import decode_chosen
from blockalloc.store.sql import fetch, listed_ids

_ACTIONS = (Decision.ALLOCATE, Decision.RELEASE, Decision.SKIP, Decision.UNSKIP)

# What was found is read only where computers were taken: most records of a class that stays short took none.
_DECISIONS = """
SELECT id, block_time_id, action, outcome, caller, person, text, wanted, allocated, started,
       CASE WHEN allocated > had THEN findings ELSE NULL END
FROM blockalloc_decision
WHERE block_time_id IN ({times}) AND action IN (%s, %s, %s, %s)
ORDER BY id
"""

_COMPUTERS = "SELECT id, hostname, stateid FROM computer WHERE id IN ({computers})"


class Record(NamedTuple):
    """A call about a block time, or what staff did to it. `chosen` are the computers that it took.

    `at` is Unix seconds; `wanted` and `allocated` are machines, None where the call did not come so far.
    """

    action: str
    outcome: str
    who: str
    text: str
    wanted: int | None
    allocated: int | None
    at: int
    chosen: Sequence[int]


class Computer(NamedTuple):
    """A computer as it is now."""

    hostname: str
    state_id: int


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
        """When a computer was last taken for a block time; 0 where nothing tells."""
        records = self.of.get(block_time_id, ())
        return max((record.at for record in records if computer_id in record.chosen), default=0)


def read(block_time_ids: Collection[int], facts: Facts, own_tables: Collection[str]) -> History:
    """What is on record of these block times, in the caller's transaction."""
    kept = Decision._meta.db_table in own_tables
    records = _records(listed_ids(block_time_ids)) if kept else {}
    named = {computer for found in records.values() for record in found for computer in record.chosen}
    planned: dict[int, set[int]] = defaultdict(set)
    for each in facts.planned:
        if each.block_time_id in block_time_ids:
            planned[each.block_time_id].add(each.computer_id)
    return History(kept, records, planned, _computers(named.union(*planned.values())))


def _records(listed: str) -> dict[int, list[Record]]:
    found: dict[int, list[Record]] = defaultdict(list)
    for _, id_, action, outcome, caller, person, text, wanted, allocated, started, data in fetch(
        _DECISIONS.format(times=listed), _ACTIONS
    ):
        chosen = [chosen.computer_id for chosen in decode_chosen(bytes(data))] if data else []
        at = times.known(times.from_utc(started))
        found[id_].append(Record(action, outcome, person or caller, text, wanted, allocated, at, chosen))
    return dict(found)


def _computers(ids: Collection[int]) -> dict[int, Computer]:
    return {id_: Computer(name, state) for id_, name, state in fetch(_COMPUTERS.format(computers=listed_ids(ids)))}
