"""The rows that an inspection judges, read in a fixed number of statements, whatever the size of the site.

Instants are Unix seconds; an id is the row's id in VCL's table. Rows that name others which are gone are read too.
"""

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import NamedTuple

from django.db import connection, transaction

from blockalloc.store import times
from blockalloc.store.sql import fetch
from scheduling.occupancy import COMPLETE, FAILED, RELOAD
from scheduling.windows import HOUR

DELETED = 1  # VCL's state of a request that is to be removed
ACCEPTED = "accepted"
OWNER = ("vclreload", "Local")  # whose reload requests are, and block requests that came through an API
_SLACK = 3 * HOUR  # what SQL narrows by is wider than what is judged: a change of the clock

# All that is read, so that a database without it is told before the first statement fails.
READS: Mapping[str, Sequence[str]] = {
    "affiliation": ("id", "name"),
    "blockComputers": ("blockTimeid", "computerid", "imageid", "reloadrequestid"),
    "blockRequest": ("id", "name", "groupid", "ownerid", "expireTime", "processing", "status"),
    "blockTimes": ("id", "blockRequestid", "start", "end", "skip"),
    "blockWebDate": ("blockRequestid",),
    "blockWebTime": ("blockRequestid",),
    "computer": ("id", "hostname", "imagerevisionid"),
    "image": ("id", "prettyname"),
    "imagerevision": ("id", "imageid", "production"),
    "request": ("id", "stateid", "laststateid", "userid", "start", "end", "daterequested"),
    "reservation": ("id", "requestid", "computerid", "imageid"),
    "user": ("id", "unityid", "affiliationid"),
    "usergroupmembers": ("userid", "usergroupid"),
}


class Held(NamedTuple):
    """A computer that a block time holds (a row of `blockComputers`), with all that the row leads to.

    `reload_start` is None when the reload request is gone; `start` and `end` are 0 when the block time is.
    """

    block_time_id: int
    computer_id: int
    image_id: int
    reload_id: int
    hostname: str
    image_name: str
    revision_id: int  # what the computer holds now
    request_id: int | None  # of the block request; None: the block time is gone
    block: str
    group_id: int | None
    status: str
    skip: int
    start: int
    end: int
    reload_start: int | None
    reload_state: int  # of the reload request; 0 when it is gone

    @property
    def held_from(self) -> int:
        """When the computer begins to be the block's: with its reload, else with the block (SPEC 4, rule 8)."""
        return self.start if self.reload_start is None else min(self.reload_start, self.start)

    @property
    def has_live_reload(self) -> bool:
        """Whether its reload request is there and neither failed nor done with."""
        return self.reload_start is not None and self.reload_state not in (DELETED, FAILED, COMPLETE)


class Booked(NamedTuple):
    """A computer of a request, as far as it is one of a block's."""

    request_id: int
    state_id: int
    last_state_id: int
    user_id: int
    user: str
    start: int
    end: int
    computer_id: int
    image_id: int


@dataclass(frozen=True, slots=True)
class Reload:
    """A reload request: one still to be taken by a management node, or one that a block computer names.

    `computers` are its reservations: (computer, image, hostname). `waiting`: it is the reload user's and in state and
    last state `reload`, as it was made.
    """

    id: int
    waiting: bool
    start: int
    end: int
    requested: int
    computers: Sequence[tuple[int, int, str]]


@dataclass(frozen=True, slots=True)
class Request:
    """An accepted block request that is marked as being processed, or that came through an API."""

    id: int
    name: str
    processing: bool
    from_api: bool
    expires: int
    times: Sequence[tuple[int, int]]  # start and end of its block times
    has_dates: bool  # the rows of VCL's web form
    has_hours: bool


@dataclass(frozen=True, slots=True)
class Facts:
    """All that the rows are judged by."""

    now: int
    held: Sequence[Held]
    booked: Mapping[int, Sequence[Booked]]  # by computer
    reloads: Mapping[int, Reload]
    members: Mapping[int, frozenset[int]]  # user group -> users
    production: Mapping[int, int]  # image -> its production revision
    requests: Sequence[Request]


_HELD = """
SELECT b.blockTimeid, b.computerid, b.imageid, b.reloadrequestid,
       COALESCE(c.hostname, ''), COALESCE(i.prettyname, ''), COALESCE(c.imagerevisionid, 0),
       r.id, COALESCE(r.name, ''), r.groupid, COALESCE(r.status, ''), COALESCE(t.skip, 0),
       t.start, t.`end`, q.start, q.stateid
FROM blockComputers b
LEFT JOIN blockTimes t ON t.id = b.blockTimeid LEFT JOIN blockRequest r ON r.id = t.blockRequestid
LEFT JOIN computer c ON c.id = b.computerid LEFT JOIN image i ON i.id = b.imageid
LEFT JOIN request q ON q.id = b.reloadrequestid
ORDER BY b.blockTimeid, b.computerid
"""

_BOOKED = """
SELECT q.id, q.stateid, q.laststateid, q.userid, COALESCE(u.unityid, ''), q.start, q.`end`, v.computerid, v.imageid
FROM request q JOIN reservation v ON v.requestid = q.id LEFT JOIN user u ON u.id = q.userid
WHERE q.`end` > %s AND v.computerid IN (SELECT computerid FROM blockComputers)
ORDER BY q.id, v.id
"""

_RELOADS = """
SELECT q.id, q.stateid, q.laststateid, u.unityid, a.name, q.start, q.`end`, q.daterequested,
       v.computerid, v.imageid, COALESCE(c.hostname, '')
FROM request q LEFT JOIN user u ON u.id = q.userid LEFT JOIN affiliation a ON a.id = u.affiliationid
LEFT JOIN reservation v ON v.requestid = q.id LEFT JOIN computer c ON c.id = v.computerid
WHERE (q.stateid = %s AND q.laststateid = %s) OR q.id IN (SELECT reloadrequestid FROM blockComputers)
ORDER BY q.id, v.id
"""

_MEMBERS = """
SELECT usergroupid, userid FROM usergroupmembers WHERE usergroupid IN (
    SELECT r.groupid FROM blockRequest r JOIN blockTimes t ON t.blockRequestid = r.id
    JOIN blockComputers b ON b.blockTimeid = t.id
)
"""

_PRODUCTION = """
SELECT imageid, MAX(id) FROM imagerevision
WHERE production = 1 AND imageid IN (SELECT imageid FROM blockComputers)
GROUP BY imageid
"""

_REQUESTS = """
SELECT r.id, COALESCE(r.name, ''), r.processing, r.expireTime, u.unityid, a.name, t.start, t.`end`,
       EXISTS (SELECT 1 FROM blockWebDate d WHERE d.blockRequestid = r.id),
       EXISTS (SELECT 1 FROM blockWebTime h WHERE h.blockRequestid = r.id)
FROM blockRequest r LEFT JOIN user u ON u.id = r.ownerid LEFT JOIN affiliation a ON a.id = u.affiliationid
LEFT JOIN blockTimes t ON t.blockRequestid = r.id
WHERE r.status = %s AND (r.processing <> 0 OR r.name LIKE %s)
ORDER BY r.id, t.id
"""


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


def read(now: int) -> Facts:
    """All facts, in the caller's transaction."""
    return Facts(now, _held(), _booked(now), _reloads(), _members(), _production(), _requests())


def instant(value: times.Stored) -> int:
    """Unix seconds of a local time; 0 where there is none."""
    return times.known(times.from_local(value))


def _held() -> list[Held]:
    return [
        Held._make([*plain, instant(start), instant(end), times.from_local(reload), reload_state or 0])
        for *plain, start, end, reload, reload_state in fetch(_HELD)
    ]


def _booked(now: int) -> dict[int, list[Booked]]:
    found: dict[int, list[Booked]] = defaultdict(list)
    for id_, state, last, user, name, start, end, computer, image in fetch(_BOOKED, [times.to_local(now - _SLACK)]):
        booked = Booked(id_, state, last, user, name, instant(start), instant(end), computer, image)
        found[computer].append(booked)
    return found


def _reloads() -> dict[int, Reload]:
    found: dict[int, Reload] = {}
    computers: dict[int, list[tuple[int, int, str]]] = defaultdict(list)
    for id_, state, last, user, affiliation, start, end, requested, *computer in fetch(_RELOADS, [RELOAD, RELOAD]):
        if computer[0] is not None:
            computers[id_].append((computer[0], computer[1], computer[2]))
        waiting = (state, last, user, affiliation) == (RELOAD, RELOAD, *OWNER)
        if id_ not in found:
            requested_at = times.known(times.latest(requested))
            found[id_] = Reload(id_, waiting, instant(start), instant(end), requested_at, computers[id_])
    return found


def _members() -> dict[int, frozenset[int]]:
    found: dict[int, set[int]] = defaultdict(set)
    for group, user in fetch(_MEMBERS):
        found[group].add(user)
    return {group: frozenset(users) for group, users in found.items()}


def _production() -> dict[int, int]:
    return {int(image): int(revision) for image, revision in fetch(_PRODUCTION)}


def _requests() -> list[Request]:
    found: dict[int, Request] = {}
    spans: dict[int, list[tuple[int, int]]] = defaultdict(list)
    for id_, name, processing, expires, *owner, start, end, dates, hours in fetch(_REQUESTS, [ACCEPTED, "API:%"]):
        if start is not None:
            spans[id_].append((instant(start), instant(end)))
        if id_ not in found:
            from_api = name.startswith("API:") and tuple(owner) == OWNER
            flags = (bool(processing), from_api, instant(expires), spans[id_], bool(dates), bool(hours))
            found[id_] = Request(id_, name, *flags)
    return list(found.values())
