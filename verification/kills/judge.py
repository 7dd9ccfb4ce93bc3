"""What is left of a call that was killed."""

from collections import Counter

from tests.golden import tables
from tests.support.invariants import Change, Rows, broken
from tests.support.sites.class_site import NOW

# VCL's tables that a call writes rows into.
_WRITTEN = "blockRequest blockTimes blockWebDate blockWebTime request reservation blockComputers".split()
_USERS = 13  # state of a reservation that a user made


def rows() -> Rows:
    """All rows of VCL's tables but the claims, and but the reservations of users: those are somebody else's."""
    found = tables.read()
    users = {row["id"] for row in found["request"] if row["stateid"] == _USERS}
    found["request"] = [row for row in found["request"] if row["id"] not in users]
    found["reservation"] = [row for row in found["reservation"] if row["requestid"] not in users]
    return found


def added(before: Rows, after: Rows) -> Counter[str]:
    """How many rows each table got."""
    return Counter({table: len(after[table]) - len(before[table]) for table in _WRITTEN})


def verdict(before: Rows, after: Rows, whole: Counter[str]) -> str:
    """ "none", "all", or what is wrong. `whole` counts the rows of the same call when nobody kills it."""
    if after == before:
        return "none"
    if (found := added(before, after)) != whole:
        return f"partial: {dict(found)} instead of {dict(whole)}"
    return "; ".join(broken(Change(before, after, NOW, None, ignore_privileges=True))) or "all"
