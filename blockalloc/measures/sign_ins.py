"""Sign-ins that failed, and lock-outs because of them."""

from blockalloc.measures.registry import counter

XMLRPC, STAFF = "xmlrpc", "staff"
_DOORS = {"VCL": XMLRPC, "staff": STAFF}  # by the realm of accounts.lockout

_FAILURES = counter("blockalloc_sign_in_failures_total", "Sign-ins that failed.", "door")
_LOCKOUTS = counter("blockalloc_lockouts_total", "Lock-outs that began.", "door")
for _door in _DOORS.values():
    _FAILURES.labels(_door)
    _LOCKOUTS.labels(_door)


def count_failure(realm: str, *, locks_out: bool) -> None:
    """Count a wrong name or password; `locks_out`: a lock-out begins with it."""
    _FAILURES.labels(_DOORS[realm]).inc()
    if locks_out:
        _LOCKOUTS.labels(_DOORS[realm]).inc()
