"""The judge: what the rows and records of VCL and of the service have to say once everybody has stopped.

Rows are read with SQL of its own. Of the service only the packed findings of decision records are unpacked.
"""

import re
from collections import Counter, defaultdict
from collections.abc import Collection, Iterator
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any

from django.db import connection

from blockalloc.inspection import inspect
from blockalloc.models import Decision
from blockalloc.store.decisions import findings_of

_BEGUN = 61  # seconds before its start from which a reload can't be withdrawn any more
# What may be there because a class lost something to users, staff or a failed load; and what says nothing about us.
# Reloads without their block computer are judged here.
_NOT_OURS = {"abandoned_reload", "short_class", "reload_overlap", "no_reload", "schema_drift", "stuck_processing"}

_BLOCK_COMPUTERS = """
SELECT b.blockTimeid, b.computerid, b.imageid, b.reloadrequestid, UNIX_TIMESTAMP(q.start), UNIX_TIMESTAMP(p.start),
       UNIX_TIMESTAMP(t.start), UNIX_TIMESTAMP(t.`end`), p.id IS NOT NULL
FROM blockComputers b JOIN blockTimes t ON t.id = b.blockTimeid
LEFT JOIN request q ON q.id = b.reloadrequestid
LEFT JOIN blockalloc_planned_reload p
    ON p.block_time_id = b.blockTimeid AND p.computer_id = b.computerid AND p.request_id = b.reloadrequestid
"""
_WAITING = """
SELECT q.id, v.computerid, UNIX_TIMESTAMP(q.start), p.block_time_id, b.blockTimeid
FROM request q JOIN user u ON u.id = q.userid AND u.unityid = 'vclreload' LEFT JOIN reservation v ON v.requestid = q.id
LEFT JOIN blockalloc_planned_reload p ON p.request_id = q.id AND p.computer_id = v.computerid
LEFT JOIN blockComputers b ON b.reloadrequestid = q.id AND b.computerid = v.computerid
WHERE q.stateid = 19 AND q.laststateid = 19
"""
_TAKEN_BY_USERS = """
SELECT b.blockTimeid, b.computerid, q.id FROM blockComputers b JOIN blockTimes t ON t.id = b.blockTimeid
JOIN blockRequest r ON r.id = t.blockRequestid JOIN reservation v ON v.computerid = b.computerid
JOIN request q ON q.id = v.requestid AND q.start < t.`end` AND q.`end` > t.start
WHERE q.stateid NOT IN (1, 5, 12, 19) AND NOT (q.stateid = 14 AND q.laststateid = 19)
  AND NOT EXISTS (SELECT 1 FROM usergroupmembers m WHERE m.userid = q.userid AND m.usergroupid = r.groupid)
"""
_TOO_MANY = """
SELECT t.id, COUNT(*), r.numMachines FROM blockComputers b JOIN blockTimes t ON t.id = b.blockTimeid
JOIN blockRequest r ON r.id = t.blockRequestid WHERE b.imageid = r.imageid AND r.imageid <> 12
GROUP BY t.id, r.numMachines HAVING COUNT(*) > r.numMachines
"""
_SEEN_TWICE = """
SELECT request_id, computer_id, COUNT(*) FROM blockalloc_seen_load GROUP BY request_id, computer_id HAVING COUNT(*) > 1
"""
_SEMAPHORES = "SELECT computerid, expires < UTC_TIMESTAMP(), procid FROM semaphore WHERE procid LIKE 'blockalloc%'"
_WATCHES = "SELECT block_time_id, replaced + added, loaded_again FROM blockalloc_watch"


@dataclass
class Verdict:
    """What is wrong, in words, and how much there was to judge."""

    wrong: list[str] = field(default_factory=list)
    counts: Counter[str] = field(default_factory=Counter)


def judge(now: int, removed: Collection[int]) -> Verdict:
    """Judge the rows; nobody is at work any more at `now` (Unix seconds).

    `removed`: computers that the back end has taken out of all block times, since a load failed. It leaves the reloads
    that other block times had planned on them.
    """
    verdict = Verdict()
    for rule in (_twice, _taken_by_users, _too_many, _records, _counts, _claims):
        verdict.wrong += [f"{rule.__name__[1:]}: {text}" for text in rule(now)]
    verdict.wrong += [f"half done: {text}" for text in _halves(now, removed)]
    verdict.wrong += [f"check_vcl: {each.text}" for each in inspect(now) if each.kind not in _NOT_OURS]
    verdict.counts = Counter(
        {
            "block computers": len(_rows("SELECT computerid FROM blockComputers")),
            "reloads planned": len(_rows("SELECT id FROM blockalloc_planned_reload")),
            "loads seen": len(_rows("SELECT id FROM blockalloc_seen_load")),
            "records": Decision.objects.count(),
            "records of keep_ready": Decision.objects.filter(action=Decision.KEEP_READY).count(),
        }
    )
    return verdict


def _rows(sql: str) -> list[tuple[Any, ...]]:
    with connection.cursor() as cursor:
        cursor.execute(sql)
        return list(cursor.fetchall())


# --- No computer is promised twice ---------------------------------------------------------------


def _twice(_now: int) -> Iterator[str]:
    """A computer is with one block time, from when its load was planned to its end."""
    spans: dict[int, list[tuple[int, int, int]]] = defaultdict(list)
    for time, computer, _, _, reload, planned, start, end, _ in _rows(_BLOCK_COMPUTERS):
        since = planned if planned is not None else reload if reload is not None else start
        spans[computer].append((since, end, time))
    for computer, theirs in spans.items():
        theirs.sort()
        for (_, end, time), (since, _, other) in pairwise(theirs):
            if since < end:
                yield f"computer {computer} is in block times {time} and {other}"


def _taken_by_users(_now: int) -> Iterator[str]:
    for time, computer, request in _rows(_TAKEN_BY_USERS):
        yield f"request {request} has computer {computer} in the hours of block time {time}"


def _too_many(_now: int) -> Iterator[str]:
    for time, has, wanted in _rows(_TOO_MANY):
        yield f"block time {time} has {has} of {wanted} machines"


# --- Nothing is half done ------------------------------------------------------------------------


def _halves(now: int, removed: Collection[int]) -> Iterator[str]:
    """Block computers, their reloads and our records of these belong together."""
    for time, computer, _, request, reload, planned, _, _, recorded in _rows(_BLOCK_COMPUTERS):
        if request and not recorded:
            yield f"computer {computer} of block time {time}: its reload {request} is not on record"
        if request and reload is None and planned is not None and planned > now:
            yield f"computer {computer} of block time {time}: its reload {request} is gone before it was to begin"
    for request, computer, start, of, named in _rows(_WAITING):
        if computer is None:
            yield f"reload {request} is of no computer"
        elif of is None:
            yield f"reload {request} of computer {computer} is not on record"
        elif named is None and start > now + _BEGUN and computer not in removed:
            yield f"reload {request} of computer {computer} is of no block time any more"


def _claims(_now: int) -> Iterator[str]:
    """Nobody is at work: no claims are left, and on each computer keep_ready has one row, with none beside it."""
    by_computer: dict[int, list[tuple[int, str]]] = defaultdict(list)
    for computer, is_past, procid in _rows(_SEMAPHORES):
        by_computer[computer].append((is_past, procid))
        if procid.startswith("blockalloc:"):
            yield f"a claim is left on computer {computer}: {procid}"
    for computer, theirs in by_computer.items():
        if len(theirs) > 1 and any(":keep_ready." in procid for _, procid in theirs):
            yield f"a hold of keep_ready is not alone on computer {computer}: {theirs}"


# --- No record twice -----------------------------------------------------------------------------


def _records(_now: int) -> Iterator[str]:
    """Each reload that was ever planned is in one record, and no record says again what the last one said."""
    planned = Counter(_rows("SELECT block_time_id, computer_id FROM blockalloc_planned_reload"))
    hostnames = {name: id_ for id_, name in _rows("SELECT id, hostname FROM computer")}
    decisions = list(Decision.objects.exclude(action=Decision.DRY_RUN).order_by("pk"))
    named = findings_of(decisions)
    recorded: Counter[tuple[Any, ...]] = Counter()
    last: dict[int | None, tuple[Any, ...]] = {}
    for each in decisions:
        chosen = [c.computer_id for c in named[each.pk].findings.chosen] if each.pk in named else []
        again = [hostnames[name] for name in _loaded_again(each.text)]
        recorded.update((each.block_time_id, computer) for computer in [*chosen, *again])
        if each.action == Decision.KEEP_READY:
            news = each.text, each.had, each.allocated, each.outcome
            changed = chosen or again or "given up" in each.text or each.outcome == Decision.DONE
            if not changed and last.get(each.block_time_id) == news:
                yield f"recorded twice of block time {each.block_time_id}: {each.text}"
            last[each.block_time_id] = news
        else:
            last.pop(each.block_time_id, None)
    for key in planned.keys() | recorded.keys():
        if planned[key] != recorded[key]:
            yield f"(block time, computer) {key}: {planned[key]} reloads were planned, {recorded[key]} are in records"
    for request, computer, number in _rows(_SEEN_TWICE):
        yield f"the load of computer {computer} for request {request} was noted {number} times"


def _counts(_now: int) -> Iterator[str]:
    """What is counted of a block time is what the records of keep_ready say."""
    taken, again = Counter[int | None](), Counter[int | None]()
    decisions = list(Decision.objects.filter(action=Decision.KEEP_READY))
    named = findings_of(decisions)
    for each in decisions:
        taken[each.block_time_id] += len(named[each.pk].findings.chosen) if each.pk in named else 0
        again[each.block_time_id] += len(_loaded_again(each.text))
    for time, added, loaded in _rows(_WATCHES):
        if (added, loaded) != (taken[time], again[time]):
            yield f"block time {time}: counted {added}, {loaded}; in records {taken[time]}, {again[time]}"


def _loaded_again(text: str) -> list[str]:
    """The host names that a record gives after "loaded again"; this site's computers are called c and their id."""
    match = re.search(r"(?<!not )loaded again: (.*?)(; taken: |; no |; not |[.] |$)", text)
    return re.findall(r"\bc\d+\b", match[1]) if match else []
