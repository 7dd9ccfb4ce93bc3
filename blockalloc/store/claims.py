"""Semaphore rows: how VCL's front end and other callers are kept off the chosen computers (SPEC 8.7).

A claim is made while a call plans, and stops everybody. When the call has written its rows the
claim is turned into a held row, which stops the front end (it may have listed its candidates
before) but never our own calls: those see the rows themselves.
"""

from collections.abc import Sequence

from django.conf import settings
from django.db import connection

from blockalloc.store.times import to_utc
from scheduling.plan import Assignment

CLAIM = "blockalloc:"
HELD = "blockalloc-held:"
_OURS = "blockalloc%:%"


def purge(now: int) -> None:
    """Remove our own rows that have expired; foreign ones are their owners' business."""
    _execute("DELETE FROM semaphore WHERE expires < %s AND procid LIKE %s", [to_utc(now), _OURS])


def claim(call_id: str, assignments: Sequence[Assignment], now: int) -> None:
    """Claim computers for a call in flight."""
    _insert(f"{CLAIM}{call_id}", assignments, now)


def hold(call_id: str, computer_ids: Sequence[int], now: int) -> None:
    """Turn the claims on these computers into held rows, with a new time to expire."""
    marks = ", ".join(str(id_) for id_ in computer_ids)
    _execute(
        f"UPDATE semaphore SET procid = %s, expires = %s WHERE procid = %s AND computerid IN ({marks})",
        [f"{HELD}{call_id}", to_utc(now + settings.VCL_SEMAPHORE_SECONDS), f"{CLAIM}{call_id}"],
    )


def release(call_id: str) -> None:
    """Give up what is left of a call's claims."""
    _execute("DELETE FROM semaphore WHERE procid = %s", [f"{CLAIM}{call_id}"])


def _insert(procid: str, assignments: Sequence[Assignment], now: int) -> None:
    expires = to_utc(now + settings.VCL_SEMAPHORE_SECONDS)
    values: list[object] = []
    for assignment in assignments:
        image = assignment.image
        values += [assignment.computer.id, image.id, image.revision_id, assignment.management_node.id, expires, procid]
    rows = ", ".join(["(%s, %s, %s, %s, %s, %s)"] * len(assignments))
    columns = "computerid, imageid, imagerevisionid, managementnodeid, expires, procid"
    _execute(f"INSERT INTO semaphore ({columns}) VALUES {rows}", values)


def _execute(sql: str, params: Sequence[object]) -> None:
    with connection.cursor() as cursor:
        cursor.execute(sql, list(params))
