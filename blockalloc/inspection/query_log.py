"""A front end that loses its semaphores to its own query log."""

from collections.abc import Iterator

from blockalloc.inspection.findings import Finding
from blockalloc.store import query_log


def findings() -> Iterator[Finding]:
    """At most one, read in the caller's transaction. For databases that have VCL's table `querylog`.

    The branch develop logs each statement by a prepared one, which is closed after the logged statement: what the front
    end then reads as the number of changed rows is not that of the logged one. By that number it decides whether it has
    a semaphore.
    """
    seen = query_log.read()
    if seen is None:
        return
    text = (
        f"table querylog: the reservation {seen.logged} of VCL's log is in it, and a statement of {seen.prepared} was "
        "logged as only VCL's branch develop logs it"
    )
    subject = {"table": query_log.TABLE, "log": seen.logged, "logged_at": seen.prepared}
    yield Finding("query_log", subject, text, repairable=False)
