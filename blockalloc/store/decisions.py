"""Writes decision records, reads their findings about computers, prunes old ones."""

import json
import logging
import zlib
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from hashlib import blake2b
from typing import NamedTuple, TypeVar

from django.conf import settings
from django.db import transaction

from blockalloc.contract.hostnames import matching
from blockalloc.models import Decision, Roster
from blockalloc.store.findings import Findings, decode
from blockalloc.store.past import Past
from blockalloc.store.sql import Value, execute, insert, waiting_at_most
from blockalloc.store.times import to_utc
from scheduling.facts import Fleet
from scheduling.windows import DAY

T = TypeVar("T")

log = logging.getLogger(__name__)

# A roster is seen again before decisions that refer to it are a month apart, and kept for two months
# longer than they are: no decision is ever written that refers to one about to go.
ROSTER_FRESH_SECONDS = 30 * DAY
_ROSTER_MARGIN = 60 * DAY
# Decisions. What is old goes in small portions. A prime: on a cluster ids grow by the number of its nodes, and
# those of one node must meet its multiples all the same.
PRUNE_EVERY, PRUNE_AT_ONCE = 101, 1000
SECONDS_TO_WRITE = 2.0  # for records of calls that wrote nothing else: their answer waits for it
_DECISIONS, _ROSTERS = Decision._meta.db_table, Roster._meta.db_table


@dataclass(frozen=True, slots=True)
class RosterOf:
    """The names of computers, sorted by id. `id` is made of them: the same names, the same id."""

    id: int
    computer_ids: Sequence[int]
    names: Sequence[str]

    @classmethod
    def site(cls, computers: Fleet) -> "RosterOf":
        """The roster of all computers that a snapshot has."""
        hostnames = sorted(computers.columns("id", "hostname"))
        ids, names = [id_ for id_, _ in hostnames], [name for _, name in hostnames]
        digest = blake2b("\n".join([str(ids), *names]).encode(), digest_size=8).digest()
        return cls(int.from_bytes(digest) >> 1, ids, names)  # a BIGINT has a sign

    def packed(self) -> bytes:
        """The names as they are stored."""
        names = json.dumps(list(zip(self.computer_ids, self.names, strict=True)), ensure_ascii=False)
        return zlib.compress(names.encode())

    def keep(self, now: int) -> None:
        """Write it, or move on when it was seen last."""
        # REPLACE is what both kinds of database call it.
        execute(
            f"REPLACE INTO {_ROSTERS} (id, seen, names) VALUES (%s, %s, %s)",
            [self.id, to_utc(now), self.packed()],
        )


def write(columns: Mapping[str, Value]) -> int:
    """Insert a decision in the caller's transaction; returns its id."""
    (id_,) = insert(_DECISIONS, list(columns), [list(columns.values())], returning=True)
    return id_


def write_apart(columns: Mapping[str, Value], now: int, roster: RosterOf | None = None) -> int | None:
    """Insert a decision in a transaction of its own, with the roster where it has to be written; returns its id.

    A record that can't be written is logged (None then): the answer goes on.
    """
    try:
        with waiting_at_most(lambda: SECONDS_TO_WRITE), transaction.atomic():
            if roster is not None:
                roster.keep(now)
            return write(columns)
    except Exception as error:  # whatever it is, it must not take the place of the answer
        readable = {name: value for name, value in columns.items() if not isinstance(value, bytes)}
        log.error("a decision could not be recorded (%s): %s", error, readable)
        return None


def if_it_answers(read: Callable[[], T]) -> T | None:
    """What `read` reads for a record; None when the database does not answer."""
    try:
        with waiting_at_most(lambda: SECONDS_TO_WRITE):
            return read()
    except Exception as error:
        log.warning("a record goes without what the database would say: %s", error)
        return None


def prune_now_and_then(decision_id: int, now: int) -> bool:
    """After each 101st decision remove what is older than VCL_DECISION_DAYS, a portion at a time.

    Returns whether it was such a one.
    """
    if decision_id % PRUNE_EVERY:
        return False
    try:
        with waiting_at_most(lambda: SECONDS_TO_WRITE), transaction.atomic():
            prune(now, PRUNE_AT_ONCE)
    except Exception as error:
        log.warning("old decisions could not be pruned, the next try is %d decisions away: %s", PRUNE_EVERY, error)
    return True


def prune(now: int, at_most: int) -> int:
    """Remove up to so many of the oldest decisions that are too old, and the rosters that nothing refers to any more.

    Returns the number of decisions removed.
    """
    removed = past(now).remove(at_most)
    past_rosters(now).remove(at_most)
    return removed


def past(now: int) -> Past:
    """Decisions that are older than VCL_DECISION_DAYS at `now` (Unix seconds)."""
    return Past(_DECISIONS, "started < %s", [to_utc(now - settings.VCL_DECISION_DAYS * DAY)], since="started")


def past_rosters(now: int) -> Past:
    """Rosters that no decision has referred to for so long that none will again, and to which none is left."""
    unseen = now - settings.VCL_DECISION_DAYS * DAY - _ROSTER_MARGIN
    condition = f"seen < %s AND NOT EXISTS (SELECT 1 FROM {_DECISIONS} d WHERE d.roster_id = {_ROSTERS}.id)"
    return Past(_ROSTERS, condition, [to_utc(unseen)], since="seen", looks_elsewhere=True)


@dataclass(frozen=True, slots=True)
class NamedFindings:
    """The findings of a decision, with the names that the computers had then."""

    findings: Findings
    names: Mapping[int, str]


def findings_of(decisions: Iterable[Decision]) -> dict[int, NamedFindings]:
    """The findings of these decisions, by their ids; a decision that looked at no computer has none.

    One statement for the rosters, whatever the number of decisions (their findings must have been read).
    """
    with_findings, names = _with_rosters(decisions)
    return {each.pk: _findings(each, names[each.roster_id]) for each in with_findings if each.roster_id in names}


def findings_about(decisions: Iterable[Decision], name: str) -> dict[int, NamedFindings]:
    """The same about the computers of this name alone (see contract.hostnames): a list of decisions needs no others."""
    with_findings, names = _with_rosters(decisions)
    places = {}
    for roster_id, of_roster in names.items():
        wanted = set(matching(of_roster, name))
        places[roster_id] = {id_: place for place, id_ in enumerate(of_roster) if id_ in wanted}
    return {
        each.pk: _findings_about(each, names[each.roster_id], places[each.roster_id])
        for each in with_findings
        if each.roster_id in names
    }


def _with_rosters(decisions: Iterable[Decision]) -> tuple[list[Decision], dict[int | None, dict[int, str]]]:
    """Those of the decisions that have findings, and the names of the computers by roster."""
    with_findings = [decision for decision in decisions if decision.findings is not None]
    rosters = Roster.objects.in_bulk({decision.roster_id for decision in with_findings})
    return with_findings, {id_: dict(json.loads(zlib.decompress(roster.names))) for id_, roster in rosters.items()}


def _findings(decision: Decision, names: dict[int, str]) -> NamedFindings:
    return NamedFindings(decode(bytes(decision.findings or b""), list(names)), names)


def _findings_about(decision: Decision, names: dict[int, str], places: Mapping[int, int]) -> NamedFindings:
    found = decode(bytes(decision.findings or b""), (), places)
    return NamedFindings(found, {id_: names[id_] for id_ in places})


class Said(NamedTuple):
    """What was said of a block time at `at` (Unix seconds), of so many machines: see scheduling.reloads.outlook.

    `is_allocation`: whether a call said it that allocated, and not keep_ready.
    """

    ready: float
    late: float
    machines: int
    at: int
    is_allocation: bool


def since(now: int) -> str:
    """Rosters that were seen after this need not be written again."""
    return to_utc(now - ROSTER_FRESH_SECONDS)
