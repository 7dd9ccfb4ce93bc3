"""Semaphore rows: how VCL's front end and other callers are kept off the chosen computers (SPEC 8.7).

A claim is made while a call plans, and stops everybody. When the call has written its rows the
claim is turned into a held row, which stops the front end (it may have listed its candidates
before) but never our own calls: those see the rows themselves.

No statement here waits for a lock: a transaction that has locked semaphore rows and waits for a
front end, which waits for these rows, is a deadlock, and the front end's small statement would be
its victim. Ours fails instead, and its transaction is tried again; see blockalloc.store.guard.
"""

from collections.abc import Collection, Sequence

from django.conf import settings

from blockalloc.store.sql import Value, execute, insert
from blockalloc.store.times import to_utc
from scheduling.plan import Assignment

CLAIM = "blockalloc:"
HELD = "blockalloc-held:"
_OURS = "blockalloc%:%"


def claim(call_id: str, assignments: Sequence[Assignment], held: Collection[int], now: int) -> None:
    """Claim computers for a call in flight; what it claimed before is replaced.

    The front end lets a computer through when one of its rows is past, whatever the others say. So
    no row that expires earlier stays beside the claim: neither one that expired, whoever left it,
    nor a held one of an earlier call of ours. Our own expired rows on other computers go too. Where
    there is a held one (`held`, computer ids) it is made anew: it outlives a claim that is given up.

    `now` is the time of the facts that the plan rests on, so that whoever came in after them has a
    row that lives as long as the claim.
    """
    if not assignments:
        release(call_id)
        return
    chosen = ", ".join(str(found.computer.id) for found in assignments)
    execute(
        "DELETE FROM semaphore WHERE (expires < %s AND procid LIKE %s) OR procid = %s "
        f"OR (computerid IN ({chosen}) AND (expires < %s OR procid LIKE %s))",
        [to_utc(now), _OURS, f"{CLAIM}{call_id}", to_utc(now), f"{HELD}%"],
        wait=False,
    )
    expires = to_utc(now + settings.VCL_SEMAPHORE_SECONDS)
    rows: list[list[Value]] = [
        [found.computer.id, found.image.id, found.image.revision_id, found.management_node.id, expires, kind + call_id]
        for found in assignments
        for kind in ([CLAIM, HELD] if found.computer.id in held else [CLAIM])
    ]
    columns = ["computerid", "imageid", "imagerevisionid", "managementnodeid", "expires", "procid"]
    insert("semaphore", columns, rows, wait=False)


def hold(call_id: str, assignments: Sequence[Assignment], now: int) -> None:
    """Turn the claims on these computers into held rows; all held ones there get a new time to expire.

    `now` is the time of the look that let the claims stand.
    """
    if not assignments:
        return
    chosen = ", ".join(str(found.computer.id) for found in assignments)
    execute(
        f"UPDATE semaphore SET procid = %s, expires = %s WHERE procid IN (%s, %s) AND computerid IN ({chosen})",
        [
            f"{HELD}{call_id}",
            to_utc(now + settings.VCL_SEMAPHORE_SECONDS),
            f"{CLAIM}{call_id}",
            f"{HELD}{call_id}",
        ],
        wait=False,
    )


def margin() -> int:
    """Seconds that a claim must have left when its call looks again: the time to write the rows and commit."""
    return int(settings.VCL_SEMAPHORE_SECONDS) // 4


def too_slow(looked: int, now: int) -> bool:
    """Whether writing took so long, since the look, that claims might run out before the commit is done."""
    return now - looked > margin() // 2


def release(call_id: str) -> None:
    """Give up what is left of a call's claims."""
    execute("DELETE FROM semaphore WHERE procid = %s", [f"{CLAIM}{call_id}"], wait=False)
