"""Semaphore rows: how VCL's front end and other callers are kept off the chosen computers (SPEC 8.7).

A claim is made while a call plans, and stops everybody. When the call has written its rows the
claim is turned into a hold, which stops the front end (it may have listed its candidates
before) but never our own calls: those see the rows themselves. How long it stays depends on whether
the computer is loaded for a class: see scheduling.holds.

The front end lets a computer through when one of its rows is past, whatever the others say. So no row
that expires earlier stays beside one of ours, and ours is never put beside one that expires later.

No statement here waits for a lock: a transaction that has locked semaphore rows and waits for a
front end, which waits for these rows, is a deadlock, and the front end's small statement would be
its victim. Ours fails instead, and its transaction is tried again; see blockalloc.store.guard.
"""

import logging
from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from typing import NamedTuple

from django.conf import settings
from django.db import OperationalError

from blockalloc.store.guard import is_conflict
from blockalloc.store.sql import Value, execute, fetch, insert, listed_ids
from blockalloc.store.times import from_utc, to_utc
from scheduling.holds import Holds, Seconds
from scheduling.plan import Assignment

log = logging.getLogger(__name__)

CLAIM = "blockalloc:"
HELD = "blockalloc-held:"
UPKEEP_HOLD = f"{HELD}keep_ready."  # of keep_ready, on a computer that waits for its load or is loading (SPEC 9.4)
_OURS = "blockalloc%:%"
_COLUMNS = ("computerid", "imageid", "imagerevisionid", "managementnodeid", "expires", "procid")

Expiries = Mapping[int, int]  # computer -> when the last hold of ours there expires, Unix seconds


def claim(call_id: str, assignments: Sequence[Assignment], earlier_holds: Expiries, now: int) -> None:
    """Claim computers for a call in flight; earlier claims of the call are replaced.

    No row that expires earlier stays beside the claim: neither an expired one of anybody's, nor a hold of an earlier
    call of ours. Our own expired rows on other computers go too. Where there is a hold (`earlier_holds`) it is made
    anew, to live as long as the claim; it is put back when the claim is given up.

    `now` is the time at which the facts were read that the plan rests on: a claim lives for its full time from there.
    """
    if not assignments:
        release(call_id, earlier_holds)
        return
    chosen = listed_ids(assignment.computer.id for assignment in assignments)
    execute(
        "DELETE FROM semaphore WHERE (expires < %s AND procid LIKE %s) OR procid = %s "
        f"OR (computerid IN ({chosen}) AND (expires < %s OR procid LIKE %s))",
        [to_utc(now), _OURS, f"{CLAIM}{call_id}", to_utc(now), f"{HELD}%"],
        wait=False,
    )
    expires = now + settings.VCL_SEMAPHORE_SECONDS
    rows = [
        _row(
            assignment,
            assignment.computer.id,
            max(expires, earlier_holds.get(assignment.computer.id, 0)),
            kind + call_id,
        )
        for assignment in assignments
        for kind in ([CLAIM, HELD] if assignment.computer.id in earlier_holds else [CLAIM])
    ]
    insert("semaphore", _COLUMNS, rows, wait=False)


def hold(call_id: str, holds: Holds) -> None:
    """Turn the claims on computers into holds, for as long as `holds` says; other holds of ours there live as long."""
    by_expiry: dict[int, list[int]] = defaultdict(list)
    for computer_id, expires in holds.expires.items():
        by_expiry[expires].append(computer_id)
    if not by_expiry:
        return
    cases = " ".join(f"WHEN computerid IN ({listed_ids(ids)}) THEN %s" for ids in by_expiry.values())
    execute(
        f"UPDATE semaphore SET procid = %s, expires = CASE {cases} END "
        f"WHERE (procid = %s OR procid LIKE %s) AND computerid IN ({listed_ids(holds.expires)})",
        [f"{HELD}{call_id}", *map(to_utc, by_expiry), f"{CLAIM}{call_id}", f"{HELD}%"],
        wait=False,
    )


class SemaphoreRows(NamedTuple):
    """The semaphore rows of others: until when anybody's row on a computer is live, and until when a hold of ours is;
    and the computers on which somebody left an expired row.
    """

    live: Expiries
    holds: Expiries
    expired: Collection[int]


def hold_substitutes(call_id: str, like: Assignment, holds: Holds, there: SemaphoreRows, now: int) -> None:
    """Hold computers of other block times (`holds.substitutes`), for as long as those of the call at least.

    `like` lends the rows its image and management node. `now` is the time at which this is written.
    """
    until = holds.substitutes_until or now
    wanted = sorted(id_ for id_ in holds.substitutes if there.holds.get(id_, 0) < until)
    if not wanted:
        return
    # What expires before would let the front end in: it goes, but for the live rows of others.
    if stale := [id_ for id_ in wanted if id_ in there.expired or id_ in there.holds]:
        execute(
            f"DELETE FROM semaphore WHERE computerid IN ({listed_ids(stale)}) AND (expires < %s OR procid LIKE %s)",
            [to_utc(now), f"{HELD}%"],
            wait=False,
        )
    # A row of somebody else may go at any moment; where it does not, ours must not be past before it.
    rows = [_row(like, id_, max(until, there.live.get(id_, 0)), f"{HELD}{call_id}") for id_ in wanted]
    insert("semaphore", _COLUMNS, rows, wait=False)


def purge_expired(now: int) -> int:
    """Remove our own expired rows; returns how many. They would let the front end through beside a live row of its own.

    One statement where there are none. The DELETE is in a transaction of its own: it holds no lock while it meets one,
    and fails at once then. Rows that somebody has locked are left to the next time.
    """
    expired = "FROM semaphore WHERE expires < %s AND procid LIKE %s"
    if not fetch(f"SELECT 1 {expired} LIMIT 1", [to_utc(now), _OURS]):
        return 0
    try:
        return execute(f"DELETE {expired}", [to_utc(now), _OURS], wait=False)
    except OperationalError as error:
        if not is_conflict(error):
            raise
        log.info("expired semaphore rows are left to the next time: %s", error)
        return 0


def last_expiry() -> int | None:
    """When the last of our own rows expires, or has expired, in Unix seconds; None where there is none."""
    ((expires,),) = fetch("SELECT MAX(expires) FROM semaphore WHERE procid LIKE %s", [_OURS])
    return from_utc(expires)


def _row(assignment: Assignment, computer_id: int, expires: int, procid: str) -> list[Value]:
    return [
        computer_id,
        assignment.image.id,
        assignment.image.revision_id,
        assignment.management_node.id,
        to_utc(expires),
        procid,
    ]


def seconds() -> Seconds:
    """How long holds live."""
    return Seconds(settings.VCL_LISTING_SECONDS, settings.VCL_SEMAPHORE_SECONDS)


def margin() -> int:
    """Seconds that a claim must have left when its call looks again: the time to write the rows and commit."""
    return int(settings.VCL_SEMAPHORE_SECONDS) // 4


def too_slow(looked: int, now: int) -> bool:
    """Whether writing took so long, since the look, that claims might run out before the commit is done."""
    return now - looked > margin() // 2


def release(call_id: str, earlier_holds: Expiries, kept: Collection[int] = ()) -> None:
    """Give up the claims of a call that are left; holds of earlier calls (`earlier_holds`) are put back.

    `kept` are computers that the call holds.
    """
    execute("DELETE FROM semaphore WHERE procid = %s", [f"{CLAIM}{call_id}"], wait=False)
    by_expiry: dict[int, list[int]] = defaultdict(list)
    for computer_id, expires in earlier_holds.items():
        if computer_id not in kept:
            by_expiry[expires].append(computer_id)
    for expires, ids in by_expiry.items():
        execute(
            f"UPDATE semaphore SET expires = %s WHERE procid = %s AND computerid IN ({listed_ids(ids)})",
            [to_utc(expires), f"{HELD}{call_id}"],
            wait=False,
        )
