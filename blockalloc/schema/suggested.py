"""Indexes that VCL's tables lack and that make our statements faster. A site has them if its operator wants them."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class SuggestedIndex:
    """An index of ours on a table of VCL's.

    `wins` says in words what is gained by it, with the numbers that the SELECT `counts` gives in its only row.
    """

    table: str
    name: str
    columns: tuple[str, ...]
    counts: str
    wins: str


SUGGESTED = (
    SuggestedIndex(
        "log",
        "blockalloc_log_loads",
        # `wasavailable` comes after the range: statements hide it (store.loads).
        ("imageid", "start", "loaded", "wasavailable", "nowfuture", "ending"),
        counts="SELECT COALESCE(SUM(number), 0), COALESCE(MAX(number), 0) "
        "FROM (SELECT COUNT(*) AS number FROM `log` GROUP BY imageid) AS images",
        wins="log has {0:,} rows; an image's mean load time is computed from all rows of the image, up to {1:,}. With "
        "the index, only index entries of the last 12 months are read, and no rows.",
    ),
    SuggestedIndex(
        "request",
        "blockalloc_request_times",
        # Most calls are for the next hours: few requests begin before those, and nearly all end after them.
        ("start", "end", "stateid", "laststateid", "userid"),
        counts="SELECT COUNT(*) FROM `request`",
        wins="request has {0:,} rows; to find the reservations around a class, an allocation reads all of them, or all "
        "that begin before the class ends. With the index, it reads index entries only, and no rows.",
    ),
)
