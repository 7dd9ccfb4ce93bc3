"""The rows that an inspection judges: a statement for each kind, whatever the size of the site.

Rows that name others which are gone are read too. Times are as the database gives them.
"""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import NamedTuple

from django.db import connection, transaction

from blockalloc.store import times
from blockalloc.store.planned_reloads import TABLE as PLANNED_RELOADS
from blockalloc.store.sql import Rows, fetch
from scheduling.state_ids import RELOAD
from scheduling.vcl_names import ACCEPTED
from scheduling.windows import HOUR

_SLACK = 3 * HOUR  # what SQL narrows by is wider than what is judged: a change of the clock

# All that is read, so that a database without it is reported before the first statement fails.
READS: Mapping[str, Sequence[str]] = {
    "affiliation": ("id", "name"),
    "blockComputers": ("blockTimeid", "computerid", "imageid", "reloadrequestid"),
    "blockRequest": (
        "id", "name", "imageid", "numMachines", "groupid", "ownerid", "expireTime", "processing", "status",
    ),
    "blockTimes": ("id", "blockRequestid", "start", "end", "processed", "skip"),
    "blockWebDate": ("blockRequestid", "end"),
    "blockWebTime": ("blockRequestid", "endhour", "endminute", "endmeridian"),
    "computer": ("id", "hostname", "stateid", "imagerevisionid"),
    "computerloadlog": ("id", "timestamp"),
    "image": ("id", "prettyname", "imagemetaid", "reloadtime"),
    "imagemeta": ("id", "subimages"),
    "imagerevision": ("id", "imageid", "production"),
    "log": ("id", "userid", "imageid", "start", "loaded", "wasavailable", "nowfuture", "ending"),
    "managementnode": ("id", "hostname", "lastcheckin"),
    "request": ("id", "stateid", "laststateid", "userid", "logid", "start", "end", "daterequested", "preload"),
    "reservation": ("id", "requestid", "computerid", "imageid"),
    "subimages": ("imagemetaid", "imageid"),
    "user": ("id", "unityid", "affiliationid"),
    "usergroupmembers": ("userid", "usergroupid"),
    "variable": ("name", "serialization", "value"),
}  # fmt: skip


class BlockComputerRow(NamedTuple):
    """A row of `blockComputers` with all that it leads to."""

    block_time_id: int
    computer_id: int
    image_id: int
    reload_id: int
    hostname: str
    image_name: str
    revision_id: int
    request_id: int | None
    block: str
    group_id: int | None
    status: str
    skip: int
    start: times.Stored
    end: times.Stored
    reload_start: times.Stored
    reload_state: int
    reload_asked: times.Stored


_BLOCK_COMPUTERS = """
SELECT b.blockTimeid, b.computerid, b.imageid, b.reloadrequestid,
       COALESCE(c.hostname, ''), COALESCE(i.prettyname, ''), COALESCE(c.imagerevisionid, 0),
       r.id, COALESCE(r.name, ''), r.groupid, COALESCE(r.status, ''), COALESCE(t.skip, 0), t.start, t.`end`,
       q.start, COALESCE(q.stateid, 0), q.daterequested
FROM blockComputers b
LEFT JOIN blockTimes t ON t.id = b.blockTimeid LEFT JOIN blockRequest r ON r.id = t.blockRequestid
LEFT JOIN computer c ON c.id = b.computerid LEFT JOIN image i ON i.id = b.imageid
LEFT JOIN request q ON q.id = b.reloadrequestid
ORDER BY b.blockTimeid, b.computerid
"""


class ReservationRow(NamedTuple):
    """A reservation of a computer that is one of a block's."""

    request_id: int
    state_id: int
    last_state_id: int
    user_id: int
    user: str
    start: times.Stored
    end: times.Stored
    asked: times.Stored
    computer_id: int
    image_id: int


_RESERVATIONS = """
SELECT q.id, q.stateid, q.laststateid, q.userid, COALESCE(u.unityid, ''), q.start, q.`end`, q.daterequested,
       v.computerid, v.imageid
FROM request q JOIN reservation v ON v.requestid = q.id LEFT JOIN user u ON u.id = q.userid
WHERE q.`end` > %s AND v.computerid IN (SELECT computerid FROM blockComputers)
ORDER BY q.id, v.id
"""


class ReloadRow(NamedTuple):
    """A reservation of a reload request, or a reload request without any: then the last three are None, None and ""."""

    request_id: int
    state_id: int
    last_state_id: int
    user: str | None
    affiliation: str | None
    preload: int
    start: times.Stored
    end: times.Stored
    asked: times.Stored
    computer_id: int | None
    image_id: int | None
    hostname: str


_RELOADS = """
SELECT q.id, q.stateid, q.laststateid, u.unityid, a.name, q.preload, q.start, q.`end`, q.daterequested,
       v.computerid, v.imageid, COALESCE(c.hostname, '')
FROM request q LEFT JOIN user u ON u.id = q.userid LEFT JOIN affiliation a ON a.id = u.affiliationid
LEFT JOIN reservation v ON v.requestid = q.id LEFT JOIN computer c ON c.id = v.computerid
WHERE (q.stateid = %s AND q.laststateid = %s) OR q.id IN (SELECT reloadrequestid FROM blockComputers)
ORDER BY q.id, v.id
"""

# The end of the last class of a block request r, by VCL's form: a day, and a minute of it.
FORM_END = """
       (SELECT MAX(d.`end`) FROM blockWebDate d WHERE d.blockRequestid = r.id),
       (SELECT MAX((h.endhour %% 12 + CASE WHEN h.endmeridian = 'pm' THEN 12 ELSE 0 END) * 60 + h.endminute)
        FROM blockWebTime h WHERE h.blockRequestid = r.id)
"""


class RequestRow(NamedTuple):
    """A block time of a block request, or a block request without any: then `start` and `end` are None.

    `last_day` and `last_minute` are FORM_END.
    """

    id: int
    name: str
    processing: int
    expires: times.Stored
    owner: str | None
    owner_affiliation: str | None
    start: times.Stored
    end: times.Stored
    last_day: object
    last_minute: int | None


_REQUESTS = f"""
SELECT r.id, COALESCE(r.name, ''), r.processing, r.expireTime, u.unityid, a.name, t.start, t.`end`,
       {FORM_END}
FROM blockRequest r LEFT JOIN user u ON u.id = r.ownerid LEFT JOIN affiliation a ON a.id = u.affiliationid
LEFT JOIN blockTimes t ON t.blockRequestid = r.id
WHERE r.status = %s AND (r.processing <> 0 OR r.name LIKE %s)
ORDER BY r.id, t.id
"""


class BlockTimeRow(NamedTuple):
    """A block time with what its block request says; "" and 0 for what says nothing since that is gone."""

    id: int
    name: str
    status: str
    processing: int
    image_id: int
    machines: int
    group_id: int | None
    skip: int
    processed: int
    start: times.Stored
    end: times.Stored
    expires: times.Stored


_BLOCK_TIMES = """
SELECT t.id, COALESCE(r.name, ''), COALESCE(r.status, ''), COALESCE(r.processing, 0), COALESCE(r.imageid, 0),
       COALESCE(r.numMachines, 0), r.groupid, t.skip, t.processed, t.start, t.`end`, r.expireTime
FROM blockTimes t LEFT JOIN blockRequest r ON r.id = t.blockRequestid
ORDER BY t.id
"""

_MEMBERS = """
SELECT usergroupid, userid FROM usergroupmembers WHERE usergroupid IN (
    SELECT r.groupid FROM blockRequest r JOIN blockTimes t ON t.blockRequestid = r.id
)
"""

_PRODUCTION = """
SELECT imageid, MAX(id) FROM imagerevision
WHERE production = 1 AND imageid IN (SELECT imageid FROM blockComputers)
GROUP BY imageid
"""

_SUBIMAGES = """
SELECT i.id, s.imageid FROM image i JOIN imagemeta m ON m.id = i.imagemetaid
JOIN subimages s ON s.imagemetaid = m.id
WHERE m.subimages = 1
"""


class PlannedRow(NamedTuple):
    """A reload on our record."""

    block_time_id: int
    computer_id: int
    request_id: int
    start: times.Stored


# Those that can still matter: of rows that are there, and of requests that wait.
_PLANNED = f"""
SELECT block_time_id, computer_id, request_id, start FROM {PLANNED_RELOADS}
WHERE block_time_id IN (SELECT id FROM blockTimes)
   OR request_id IN (SELECT id FROM request WHERE stateid = %s AND laststateid = %s)
"""

_RELOAD_MINUTES = "SELECT id, reloadtime FROM image WHERE id IN (SELECT imageid FROM blockComputers)"


@contextmanager
def one_moment() -> Iterator[None]:
    """A transaction in which all statements see the rows of one moment, and nothing can be written on MariaDB.

    Inside another transaction it is that one that decides what is seen.
    """
    if connection.vendor == "mysql" and not connection.in_atomic_block:
        with connection.cursor() as cursor:
            cursor.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY")
    with transaction.atomic():
        yield


def block_computers() -> list[BlockComputerRow]:
    """All block computers, by block time and computer."""
    return [*map(BlockComputerRow._make, fetch(_BLOCK_COMPUTERS))]


def reservations(now: int) -> list[ReservationRow]:
    """The reservations of block computers that may not be over at `now` (Unix seconds), by request."""
    return [*map(ReservationRow._make, fetch(_RESERVATIONS, [times.to_local(now - _SLACK)]))]


def reloads() -> list[ReloadRow]:
    """The reload requests that wait, and those that a block computer names, by request."""
    return [*map(ReloadRow._make, fetch(_RELOADS, [RELOAD, RELOAD]))]


def requests() -> list[RequestRow]:
    """The accepted block requests that are marked as being processed or came through an API, by request."""
    return [*map(RequestRow._make, fetch(_REQUESTS, [ACCEPTED, "API:%"]))]


def block_times() -> list[BlockTimeRow]:
    """All block times, by id."""
    return [*map(BlockTimeRow._make, fetch(_BLOCK_TIMES))]


def planned() -> list[PlannedRow]:
    """The reloads on our record that can still matter."""
    return [*map(PlannedRow._make, fetch(_PLANNED, [RELOAD, RELOAD]))]


def members() -> Rows:
    """(user group, user) of the groups that have block times."""
    return fetch(_MEMBERS)


def production_revisions() -> Rows:
    """(image, its production revision) of the images of block computers."""
    return fetch(_PRODUCTION)


def subimages() -> Rows:
    """(image of a cluster, further image that a machine needs)."""
    return fetch(_SUBIMAGES)


def reload_minutes() -> Rows:
    """(image, `reloadtime`) of the images of block computers."""
    return fetch(_RELOAD_MINUTES)
