"""Judges the rows that a killed call has left."""

from collections import Counter

from django.conf import settings

from tests.golden import tables
from tests.support.invariants import Change, Rows, broken
from tests.support.sites.class_site import NOW

# VCL's tables that a call writes rows into.
_WRITTEN = "blockRequest blockTimes blockWebDate blockWebTime request reservation blockComputers".split()
_USERS = 13  # state of a reservation that a user made


def rows() -> Rows:
    """All rows of VCL's tables but the claims and the reservations of users, which are not ours."""
    rows_by_table = tables.read()
    users = {row["id"] for row in rows_by_table["request"] if row["stateid"] == _USERS}
    rows_by_table["request"] = [row for row in rows_by_table["request"] if row["id"] not in users]
    rows_by_table["reservation"] = [row for row in rows_by_table["reservation"] if row["requestid"] not in users]
    return rows_by_table


def added(before: Rows, after: Rows) -> Counter[str]:
    """How many rows each table got."""
    return Counter({table: len(after[table]) - len(before[table]) for table in _WRITTEN})


def verdict(before: Rows, after: Rows, whole: Counter[str]) -> str:
    """ "none", "all", or what is wrong. `whole` counts the rows of the same call when it is not killed."""
    if after == before:
        return "none"
    if (new := added(before, after)) != whole:
        return f"partial: {dict(new)} instead of {dict(whole)}"
    change = Change(before, after, NOW, None, ignore_privileges=True, policy=settings.VCL_RELOAD_POLICY)
    return "; ".join(broken(change)) or "all"
