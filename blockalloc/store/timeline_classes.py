"""The classes of a stretch of time with the number of their computers, for the timeline; and what overlaps.

Instants are Unix seconds; ids are those of VCL's rows.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, NamedTuple

from blockalloc.store import times
from blockalloc.store.planned_reloads import TABLE as PLANNED_RELOADS
from blockalloc.store.rows import full_name
from blockalloc.store.sql import Value, fetch, listed_ids
from blockalloc.store.timeline import LoadTimes
from blockalloc.store.timeline_rows import LEAD, OF_LAB, SLACK
from scheduling.occupancy import is_occupying, occupied_from
from scheduling.vcl_names import ACCEPTED

# As timeline_rows has it for each computer, summed up for each class: when the first of its reloads begins.
_CLASSES = f"""
SELECT t.id, t.start, t.`end`, t.skip, r.id, r.name, r.status, r.imageid, COALESCE(i.prettyname, ''),
       COALESCE(g.name, ''), COALESCE(a.name, ''), u.affiliationid, x.computers, x.reload, x.planned, x.bare
FROM (
    SELECT b.blockTimeid AS id, COUNT(DISTINCT b.computerid) AS computers, MIN(q.start) AS reload,
           MIN(CASE WHEN q.start IS NULL THEN p.start END) AS planned,
           SUM(CASE WHEN q.start IS NULL AND p.start IS NULL THEN 1 ELSE 0 END) AS bare
    FROM blockTimes w JOIN blockComputers b ON b.blockTimeid = w.id
    LEFT JOIN request q ON q.id = b.reloadrequestid
    LEFT JOIN {PLANNED_RELOADS} p
        ON p.block_time_id = w.id AND p.computer_id = b.computerid AND p.request_id = b.reloadrequestid
    WHERE w.start < %s AND w.`end` > %s {{of_lab}}
    GROUP BY b.blockTimeid
) x JOIN blockTimes t ON t.id = x.id JOIN blockRequest r ON r.id = t.blockRequestid
LEFT JOIN image i ON i.id = r.imageid LEFT JOIN user u ON u.id = r.ownerid
LEFT JOIN usergroup g ON g.id = r.groupid LEFT JOIN affiliation a ON a.id = g.affiliationid
"""

# Two classes at the same hours on a computer; and a reservation in a class's hours, unless it is the class's own use,
# by a member of its group and in its hours only. Classes that do not take place overlap with nothing.
_IS_MEMBER = "EXISTS (SELECT 1 FROM usergroupmembers m WHERE m.userid = q.userid AND m.usergroupid = r.groupid)"
_HELD = "t.skip = 0 AND r.status = %s AND r.expireTime > %s"
# CROSS JOIN: SQLite takes these in the order in which they are written, MariaDB as it likes.
_OVERLAPS = f"""
SELECT b.computerid, c.hostname, t.id, r.name, u.affiliationid, t.start, t.`end`,
       o.id, s.name, w.affiliationid, 0, 0, 0, o.start, o.`end`, '', '', 0
FROM blockTimes t CROSS JOIN blockRequest r ON r.id = t.blockRequestid
CROSS JOIN blockComputers b ON b.blockTimeid = t.id
CROSS JOIN blockComputers d ON d.computerid = b.computerid AND d.blockTimeid > b.blockTimeid
CROSS JOIN blockTimes o ON o.id = d.blockTimeid CROSS JOIN blockRequest s ON s.id = o.blockRequestid
CROSS JOIN computer c ON c.id = b.computerid
LEFT JOIN user u ON u.id = r.ownerid LEFT JOIN user w ON w.id = s.ownerid
WHERE t.start < %s AND t.`end` > %s AND {_HELD} AND o.start < t.`end` AND o.`end` > t.start
  AND o.skip = 0 AND s.status = %s AND s.expireTime > %s {{of_computers}}
UNION ALL
SELECT b.computerid, c.hostname, t.id, r.name, u.affiliationid, t.start, t.`end`,
       0, '', NULL, q.id, q.stateid, q.laststateid, q.start, q.`end`, n.unityid, COALESCE(a.name, ''),
       CASE WHEN {_IS_MEMBER} THEN 1 ELSE 0 END
FROM blockTimes t CROSS JOIN blockRequest r ON r.id = t.blockRequestid
CROSS JOIN blockComputers b ON b.blockTimeid = t.id
CROSS JOIN reservation v ON v.computerid = b.computerid CROSS JOIN request q ON q.id = v.requestid
CROSS JOIN user n ON n.id = q.userid LEFT JOIN affiliation a ON a.id = n.affiliationid
CROSS JOIN computer c ON c.id = b.computerid LEFT JOIN user u ON u.id = r.ownerid
WHERE t.start < %s AND t.`end` > %s AND {_HELD} AND q.start < t.`end` AND q.`end` > t.start
  AND q.id <> b.reloadrequestid AND (q.start < t.start OR q.`end` > t.`end` OR NOT {_IS_MEMBER}) {{of_computers}}
"""


@dataclass(frozen=True, slots=True)
class Class:
    """A block time that has computers, so many of them; the first of them is taken for it from `begins` on."""

    block_time_id: int
    start: int
    end: int
    skip: bool
    request_id: int
    name: str
    status: str
    image_id: int
    image: str
    group: str
    affiliation_id: int | None  # of the block request's owner
    computers: int
    begins: int
    reload_id: None = None  # its computers have one each


class Side(NamedTuple):
    """A class that overlaps with something."""

    block_time_id: int
    name: str
    affiliation_id: int | None
    start: int
    end: int


class Overlap(NamedTuple):
    """Two uses of a computer at the same time: a class, and another one (`other`) or a reservation by `user`.

    `is_member`: the user is in the class's group.
    """

    computer_id: int
    hostname: str
    of: Side
    other: Side | None
    request_id: int
    start: int
    end: int
    user: str
    is_member: bool


def classes(start: int, end: int, lab: int | None, load_times: LoadTimes) -> list[Class]:
    """The classes that take place between two instants and have computers (of the lab), lead times included."""
    rows = fetch(_CLASSES.format(of_lab=_in_lab(lab, "b.computerid")), _around(start, end, lead=True))
    to_load = {row[7] for row in rows if row[15]}
    seconds = load_times.of(to_load) if to_load else {}
    found = (_class(row, seconds.get(row[7], 0)) for row in rows)
    return sorted((each for each in found if each.begins < end and each.end > start), key=lambda each: each.start)


def _class(row: tuple[Any, ...], load_seconds: int) -> Class:
    (id_, starts, ends, skip, request, name, status, image, pretty, group, affiliation, owner, computers,
     reload, planned, bare) = row  # fmt: skip
    start = times.from_local(starts) or 0
    known = (times.from_local(reload), times.from_utc(planned))
    begins = [occupied_from(start, each, None, 0) for each in known if each is not None]
    if bare:
        begins.append(occupied_from(start, None, None, load_seconds))
    return Class(
        id_, start, times.from_local(ends) or 0, bool(skip), request, name, status, image, pretty,
        full_name(group, affiliation), owner, computers, min(begins, default=start),
    )  # fmt: skip


def overlaps(
    start: int, end: int, now: int, *, lab: int | None = None, computers: Iterable[int] | None = None
) -> list[Overlap]:
    """What overlaps with classes between two instants, on computers of the lab, or on `computers`; by computer."""
    if computers is not None:
        condition = f"AND b.computerid IN ({listed_ids(computers)})"
    else:
        condition = _in_lab(lab, "b.computerid")
    held: list[Value] = [ACCEPTED, str(times.to_local(now))]
    values = [*_around(start, end), *held]
    rows = fetch(_OVERLAPS.format(of_computers=condition), [*values, *held, *values])
    found = (_overlap(row) for row in rows if row[7] or is_occupying(row[11], row[12]))
    return sorted((each for each in found if _is_between(each, start, end)), key=_place)


def _place(each: Overlap) -> tuple[str, int, bool, int, int]:
    """By computer and time; at the same time classes first, in an order that is the same on each database."""
    other = each.other.block_time_id if each.other else each.request_id
    return each.hostname, each.start, each.other is None, each.of.block_time_id, other


def _overlap(row: tuple[Any, ...]) -> Overlap:
    (computer, hostname, id_, name, owner, starts, ends, other_id, other_name, other_owner, request, _, _,
     other_starts, other_ends, user, affiliation, is_member) = row  # fmt: skip
    own, others = ((times.from_local(a) or 0, times.from_local(b) or 0)
                   for a, b in ((starts, ends), (other_starts, other_ends)))  # fmt: skip
    other = Side(other_id, other_name, other_owner, *others) if other_id else None
    return Overlap(
        computer, hostname, Side(id_, name, owner, *own), other, request, *others,
        full_name(user, affiliation) if user else "",
        bool(is_member),
    )  # fmt: skip


def _is_between(each: Overlap, start: int, end: int) -> bool:
    return max(each.start, each.of.start) < end and min(each.end, each.of.end) > start


def _in_lab(lab: int | None, column: str) -> str:
    return "" if lab is None else OF_LAB.format(column=column, lab=int(lab))


def _around(start: int, end: int, *, lead: bool = False) -> list[Value]:
    """What SQL narrows by."""
    return [times.to_local(end + SLACK + (LEAD if lead else 0)), times.to_local(start - SLACK)]
