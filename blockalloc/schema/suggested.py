"""Indexes that VCL's tables lack and our statements win by. A site has them when its operator wants them."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class SuggestedIndex:
    """An index of ours on a table of VCL's.

    `wins` says in a sentence what it is good for, with the numbers that the SELECT `counts` gives in its only row.
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
        # `wasavailable` stands behind the range: statements hide it (store.loads).
        ("imageid", "start", "loaded", "wasavailable", "nowfuture", "ending"),
        counts="SELECT COALESCE(SUM(number), 0), COALESCE(MAX(number), 0) "
        "FROM (SELECT COUNT(*) AS number FROM `log` GROUP BY imageid) AS images",
        wins="log has {0:,} rows; the mean load time of an image reads all of its own, {1:,} of the image that has "
        "most. With the index it reads none of the rows themselves, and no entry of more than 12 months ago.",
    ),
    SuggestedIndex(
        "request",
        "blockalloc_request_times",
        # Most calls are for the next hours: few requests begin before those, and nearly all end after them.
        ("start", "end", "stateid", "laststateid", "userid"),
        counts="SELECT COUNT(*) FROM `request`",
        wins="request has {0:,} rows; to find what is booked around a class, an allocation reads all of them, or all "
        "that begin before the class ends. With the index it reads none of the rows themselves.",
    ),
)
