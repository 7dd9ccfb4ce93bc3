"""The rows of a stretch of time for the timeline. Times in rows are as the database gives them."""

from collections.abc import Iterable
from typing import NamedTuple

from blockalloc.store import times
from blockalloc.store.planned_reloads import TABLE as PLANNED_RELOADS
from blockalloc.store.sql import Rows, fetch, listed_ids
from scheduling.state_ids import COMPLETE, FAILED
from scheduling.windows import HOUR

# What SQL narrows by is wider than what is shown: a change of the clock; and a reload that begins in the time shown
# may be for a block that starts after it (255 minutes of load, 255 machines, two minutes each).
SLACK = 3 * HOUR
LEAD = 24 * HOUR

# Removed computers are shown while blocks have them: somebody counts on these.
_COMPUTERS = """
SELECT c.id, c.hostname, s.name, c.deleted FROM computer c JOIN state s ON s.id = c.stateid
WHERE (c.deleted = 0 OR c.id IN (SELECT computerid FROM blockComputers))
"""

# The condition that a column with the ids of computers has those of a lab.
OF_LAB = """
AND {column} IN (
    SELECT z.subid FROM resourcegroupmembers m JOIN resource z ON z.id = m.resourceid
    JOIN resourcetype y ON y.id = z.resourcetypeid WHERE y.name = 'computer' AND m.resourcegroupid = {lab}
)
"""

_OF_CLASSES = "AND c.id IN (SELECT computerid FROM blockComputers WHERE blockTimeid IN ({classes}))"


class BlockComputerRow(NamedTuple):
    """A computer of a block time with its reload and our record of that. Names that nobody asked for are ""."""

    computer_id: int
    block_time_id: int
    start: times.Stored
    end: times.Stored
    skip: int
    request_id: int
    name: str
    status: str
    image_id: int
    image: str
    group: str
    group_affiliation: str
    affiliation_id: int | None
    reload_id: int | None
    reload_start: times.Stored
    planned: times.Stored


_BLOCK_COMPUTERS = f"""
SELECT b.computerid, t.id, t.start, t.`end`, t.skip, r.id, r.name, r.status, b.imageid, {{names}},
       u.affiliationid, q.id, q.start, p.start
FROM blockTimes t JOIN blockComputers b ON b.blockTimeid = t.id JOIN blockRequest r ON r.id = t.blockRequestid
LEFT JOIN request q ON q.id = b.reloadrequestid LEFT JOIN user u ON u.id = r.ownerid
LEFT JOIN {PLANNED_RELOADS} p
    ON p.block_time_id = t.id AND p.computer_id = b.computerid AND p.request_id = b.reloadrequestid {{joins}}
WHERE t.start < %s AND t.`end` > %s
"""


class ReservationRow(NamedTuple):
    """A reservation of a request, with names; "" for names that nobody asked for."""

    computer_id: int
    request_id: int
    state_id: int
    last_state_id: int
    start: times.Stored
    end: times.Stored
    image_id: int
    state: str
    image: str
    user: str
    affiliation: str


_RESERVATIONS = """
SELECT v.computerid, q.id, q.stateid, q.laststateid, q.start, q.`end`, v.imageid, {names}
FROM request q JOIN reservation v ON v.requestid = q.id {joins}
WHERE q.start < %s AND q.`end` > %s
"""

_BOOKED = """
SELECT v.computerid FROM request q JOIN reservation v ON v.requestid = q.id
WHERE q.start < %s AND q.`end` > %s AND q.stateid NOT IN (%s, %s)
UNION SELECT b.computerid FROM blockTimes t CROSS JOIN blockComputers b ON b.blockTimeid = t.id
WHERE t.start < %s AND t.`end` > %s
"""

# Names are for the computers that are shown, and no use for choosing these.
_BLOCK_NAMES = {
    "names": "COALESCE(i.prettyname, ''), COALESCE(g.name, ''), COALESCE(a.name, '')",
    "joins": """LEFT JOIN image i ON i.id = b.imageid
        LEFT JOIN usergroup g ON g.id = r.groupid LEFT JOIN affiliation a ON a.id = g.affiliationid""",
}
_USER_NAMES = {
    "names": "s.name, COALESCE(i.prettyname, ''), u.unityid, COALESCE(a.name, '')",
    "joins": """JOIN state s ON s.id = q.stateid JOIN user u ON u.id = q.userid
        LEFT JOIN affiliation a ON a.id = u.affiliationid LEFT JOIN image i ON i.id = v.imageid""",
}
_NO_BLOCK_NAMES = {"names": "'', '', ''", "joins": ""}
_NO_USER_NAMES = {"names": "'', '', '', ''", "joins": ""}

# Which of these reloads a block time has a computer for, and which are ours (SPEC 8.15). The column reloadrequestid has
# no index: the way to the block is by the computer.
_WHOSE = f"""
SELECT 'block', computerid, reloadrequestid FROM blockComputers
WHERE computerid IN ({{computers}}) AND reloadrequestid IN ({{requests}})
UNION SELECT 'ours', computer_id, request_id FROM {PLANNED_RELOADS} WHERE request_id IN ({{requests}})
"""

_MAINTENANCES = (
    "SELECT start, `end`, allowreservations, COALESCE(reason, '') FROM sitemaintenance WHERE start < %s AND `end` > %s"
)


def machines(lab: int | None, computers: Iterable[int] | None = None, classes: Iterable[int] | None = None) -> Rows:
    """(id, hostname, state, deleted) of the site's computers; in no order.

    Of those of a lab only, of `computers` (ids), or of those that these block times have.
    """
    conditions = [
        "" if lab is None else OF_LAB.format(column="c.id", lab=int(lab)),
        "" if computers is None else f"AND c.id IN ({listed_ids(computers)})",
        "" if classes is None else _OF_CLASSES.format(classes=listed_ids(classes)),
    ]
    return fetch(" ".join([_COMPUTERS, *conditions]))


def block_computers(
    start: int, end: int, *, computers: Iterable[int] | None = None, block: int | None = None
) -> list[BlockComputerRow]:
    """The block computers that may be taken at some time between two instants (Unix seconds).

    All of them, or those of a block request, without names; or `computers`, with names.
    """
    if computers is not None:
        sql = f"{_BLOCK_COMPUTERS.format(**_BLOCK_NAMES)} AND b.computerid IN ({listed_ids(computers)})"
    else:
        sql = _BLOCK_COMPUTERS.format(**_NO_BLOCK_NAMES) + ("" if block is None else f" AND r.id = {int(block)}")
    around = [times.to_local(end + SLACK + LEAD), times.to_local(start - SLACK)]
    return [*map(BlockComputerRow._make, fetch(sql, around))]


def reservations(start: int, end: int, *, computers: Iterable[int] | None = None) -> list[ReservationRow]:
    """The reservations that may take place at some time between two instants (Unix seconds).

    All of them, without names; or those of `computers`, with names.
    """
    if computers is not None:
        sql = f"{_RESERVATIONS.format(**_USER_NAMES)} AND v.computerid IN ({listed_ids(computers)})"
    else:
        sql = _RESERVATIONS.format(**_NO_USER_NAMES)
    return [*map(ReservationRow._make, fetch(sql, [times.to_local(end + SLACK), times.to_local(start - SLACK)]))]


def booked_computers(start: int, end: int) -> Rows:
    """(computer) of each that a class, or a reservation or reload that is not over, has between two instants."""
    around = [times.to_local(end), times.to_local(start)]
    return fetch(_BOOKED, [*around, FAILED, COMPLETE, *around])


def owners_of_reloads(computers: Iterable[int], requests: Iterable[int]) -> Rows:
    """("block" or "ours", computer, request) of these reloads: a block time has the computer, or the record is ours."""
    return fetch(_WHOSE.format(computers=listed_ids(computers), requests=listed_ids(requests)))


def maintenances(start: int, end: int) -> Rows:
    """(start, end, allowreservations, reason) of the site maintenances that may be between two instants."""
    return fetch(_MAINTENANCES, [times.to_local(end + SLACK), times.to_local(start - SLACK)])
