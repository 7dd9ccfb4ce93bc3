"""The rows that an inspection judges, read in a fixed number of statements, whatever the size of the site.

Instants are Unix seconds; an id is the row's id in VCL's table. Rows that name others which are gone are read too.
"""

from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple

from django.db import connection, transaction

from blockalloc.models import LoadTime, PlannedReload
from blockalloc.store import loads, times
from blockalloc.store.sql import fetch
from scheduling.block_status import is_scheduled
from scheduling.occupancy import COMPLETE, FAILED, RELOAD, held_from
from scheduling.vcl_names import ACCEPTED, RELOAD_USER
from scheduling.windows import HOUR

DELETED = 1  # VCL's state of a request that is to be removed
_SLACK = 3 * HOUR  # what SQL narrows by is wider than what is judged: a change of the clock

# All that is read, so that a database without it is told before the first statement fails.
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
    "managementnode": ("hostname", "lastcheckin"),
    "request": ("id", "stateid", "laststateid", "userid", "logid", "start", "end", "daterequested", "preload"),
    "reservation": ("id", "requestid", "computerid", "imageid"),
    "subimages": ("imagemetaid", "imageid"),
    "user": ("id", "unityid", "affiliationid"),
    "usergroupmembers": ("userid", "usergroupid"),
}  # fmt: skip


class Held(NamedTuple):
    """A computer that a block time holds (a row of `blockComputers`), with all that the row leads to.

    `reload_start` is None when the reload request is gone, and `reload_asked`, when it was made, 0; `start` and `end`
    are 0 when the block time is gone. `planned` is when our record says that the reload was to begin, None without
    one; `load_seconds` how long the image is expected to load, 0 where nobody has to know.
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
    reload_asked: int
    planned: int | None = None
    load_seconds: int = 0

    @property
    def held_from(self) -> int:
        """When the computer begins to be the block's (SPEC 4, rule 8; 8.15)."""
        return held_from(self.start, self.reload_start, self.planned, self.load_seconds)

    @property
    def to_come(self) -> bool:
        """Whether it is for a class that is meant to take place, so far as that does not depend on the time."""
        return self.request_id is not None and is_scheduled(skip=bool(self.skip), status=self.status)

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
    asked: times.Stored  # a local time, as the database gives it
    computer_id: int
    image_id: int


class BlockTime(NamedTuple):
    """A block time, whatever holds it, with what its block request says (of which "" and 0 when that is gone).

    `over` is when it is over for certain: in an hour that comes twice later than `end`.
    """

    id: int
    name: str
    status: str
    processing: int
    image_id: int
    machines: int
    group_id: int | None
    skip: int
    processed: int
    start: int
    end: int
    over: int
    expires: int

    @property
    def takes_place(self) -> bool:
        """Whether it is meant to take place, so far as that does not depend on the time."""
        return is_scheduled(skip=bool(self.skip), status=self.status)


@dataclass(frozen=True, slots=True)
class Reload:
    """A reload request: one still to be taken by a management node, or one that a block computer names.

    `computers` are its reservations: (computer, image, hostname). `waiting`: it is the reload user's and in state and
    last state `reload`, as it was made. `preload` 0: management nodes begin it 35 minutes early.
    """

    id: int
    waiting: bool
    preload: int
    start: int
    end: int
    requested: int
    computers: Sequence[tuple[int, int, str]]


@dataclass(frozen=True, slots=True)
class Request:
    """An accepted block request that is marked as being processed, or that came through an API.

    `last_end` is the end of its last class by VCL's form, which stays when block times go; 0 without the form's rows.
    """

    id: int
    name: str
    processing: bool
    from_api: bool
    expires: int
    times: Sequence[tuple[int, int]]  # start and end of its block times
    has_dates: bool  # the rows of VCL's web form
    has_hours: bool
    last_end: int


class Planned(NamedTuple):
    """A reload on our record (SPEC 8.15)."""

    block_time_id: int
    computer_id: int
    request_id: int


@dataclass(frozen=True)
class Facts:
    """All that the rows are judged by."""

    now: int
    held: Sequence[Held]
    booked: Mapping[int, Sequence[Booked]]  # by computer
    reloads: Mapping[int, Reload]
    members: Mapping[int, frozenset[int]]  # user group -> users
    production: Mapping[int, int]  # image -> its production revision
    requests: Sequence[Request]
    times: Mapping[int, BlockTime]
    subimages: Mapping[int, Sequence[int]]  # image of a cluster -> the further images that a machine needs
    planned: Mapping[Planned, int]  # the reloads on our record -> when they were planned to begin

    @cached_property
    def times_of(self) -> Mapping[int, Sequence[BlockTime]]:
        """User group -> its block times that are meant to take place and are not over."""
        found: dict[int, list[BlockTime]] = defaultdict(list)
        for time in self.times.values():
            if time.group_id is not None and time.takes_place and time.end > self.now:
                found[time.group_id].append(time)
        return found


_HELD = """
SELECT b.blockTimeid, b.computerid, b.imageid, b.reloadrequestid,
       COALESCE(c.hostname, ''), COALESCE(i.prettyname, ''), COALESCE(c.imagerevisionid, 0),
       r.id, COALESCE(r.name, ''), r.groupid, COALESCE(r.status, ''), COALESCE(t.skip, 0),
       COALESCE(q.stateid, 0), t.start, t.`end`, q.start, q.daterequested
FROM blockComputers b
LEFT JOIN blockTimes t ON t.id = b.blockTimeid LEFT JOIN blockRequest r ON r.id = t.blockRequestid
LEFT JOIN computer c ON c.id = b.computerid LEFT JOIN image i ON i.id = b.imageid
LEFT JOIN request q ON q.id = b.reloadrequestid
ORDER BY b.blockTimeid, b.computerid
"""

_BOOKED = """
SELECT q.id, q.stateid, q.laststateid, q.userid, COALESCE(u.unityid, ''), q.start, q.`end`, q.daterequested,
       v.computerid, v.imageid
FROM request q JOIN reservation v ON v.requestid = q.id LEFT JOIN user u ON u.id = q.userid
WHERE q.`end` > %s AND v.computerid IN (SELECT computerid FROM blockComputers)
ORDER BY q.id, v.id
"""

_RELOADS = """
SELECT q.id, q.stateid, q.laststateid, u.unityid, a.name, q.preload, q.start, q.`end`, q.daterequested,
       v.computerid, v.imageid, COALESCE(c.hostname, '')
FROM request q LEFT JOIN user u ON u.id = q.userid LEFT JOIN affiliation a ON a.id = u.affiliationid
LEFT JOIN reservation v ON v.requestid = q.id LEFT JOIN computer c ON c.id = v.computerid
WHERE (q.stateid = %s AND q.laststateid = %s) OR q.id IN (SELECT reloadrequestid FROM blockComputers)
ORDER BY q.id, v.id
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

# The end of the last class of a block request r, by VCL's form: a day, and a minute of it.
FORM_END = """
       (SELECT MAX(d.`end`) FROM blockWebDate d WHERE d.blockRequestid = r.id),
       (SELECT MAX((h.endhour %% 12 + CASE WHEN h.endmeridian = 'pm' THEN 12 ELSE 0 END) * 60 + h.endminute)
        FROM blockWebTime h WHERE h.blockRequestid = r.id)
"""

_REQUESTS = f"""
SELECT r.id, COALESCE(r.name, ''), r.processing, r.expireTime, u.unityid, a.name, t.start, t.`end`,
       {FORM_END}
FROM blockRequest r LEFT JOIN user u ON u.id = r.ownerid LEFT JOIN affiliation a ON a.id = u.affiliationid
LEFT JOIN blockTimes t ON t.blockRequestid = r.id
WHERE r.status = %s AND (r.processing <> 0 OR r.name LIKE %s)
ORDER BY r.id, t.id
"""  # noqa: S608 - our own

_TIMES = """
SELECT t.id, COALESCE(r.name, ''), COALESCE(r.status, ''), COALESCE(r.processing, 0), COALESCE(r.imageid, 0),
       COALESCE(r.numMachines, 0), r.groupid, t.skip, t.processed, t.start, t.`end`, r.expireTime
FROM blockTimes t LEFT JOIN blockRequest r ON r.id = t.blockRequestid
ORDER BY t.id
"""

_SUBIMAGES = """
SELECT i.id, s.imageid FROM image i JOIN imagemeta m ON m.id = i.imagemetaid
JOIN subimages s ON s.imagemetaid = m.id
WHERE m.subimages = 1
"""

# Those that can still matter: of rows that are there, and of requests that wait.
_PLANNED = """
SELECT block_time_id, computer_id, request_id, start FROM blockalloc_planned_reload
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


def read(now: int, own_tables: Collection[str]) -> Facts:
    """All facts, in the caller's transaction. `own_tables` are those of this service that are there."""
    planned = _planned() if PlannedReload._meta.db_table in own_tables else {}
    held = _held(now, planned, kept_loads=LoadTime._meta.db_table in own_tables)
    return Facts(
        now, held, _booked(now), _reloads(), _members(), _production(), _requests(), _times(), _subimages(), planned
    )


def instant(value: times.Stored) -> int:
    """Unix seconds of a local time; 0 where there is none."""
    return times.known(times.from_local(value))


def _planned() -> dict[Planned, int]:
    rows = fetch(_PLANNED, [RELOAD, RELOAD])
    return {Planned._make(ids): times.known(times.from_utc(start)) for *ids, start in rows}


def _held(now: int, planned: Mapping[Planned, int], *, kept_loads: bool) -> list[Held]:
    found = []
    for *plain, start, end, reload, asked in fetch(_HELD):
        moments = (instant(start), instant(end), times.from_local(reload))
        *before, reload_state = plain
        begins = planned.get(Planned(plain[0], plain[1], plain[3]))
        found.append(Held._make([*before, *moments, reload_state, instant(asked), begins, 0]))
    seconds = _load_seconds(found, now, kept=kept_loads)
    return [held._replace(load_seconds=seconds.get(held.image_id, 0)) for held in found]


def _load_seconds(all_held: Iterable[Held], now: int, *, kept: bool) -> dict[int, int]:
    """How long images load, of those of which nothing else tells from when a computer is taken."""
    wanted = {
        held.image_id for held in all_held if held.reload_start is None and held.planned is None and held.end > now
    }
    minutes = {id_: int(minutes) for id_, minutes in fetch(_RELOAD_MINUTES) if id_ in wanted}
    return loads.estimates(minutes, now, kept=kept)


def _booked(now: int) -> dict[int, list[Booked]]:
    found: dict[int, list[Booked]] = defaultdict(list)
    for *plain, start, end, asked, computer, image in fetch(_BOOKED, [times.to_local(now - _SLACK)]):
        found[computer].append(Booked._make([*plain, instant(start), instant(end), asked, computer, image]))
    return found


def _reloads() -> dict[int, Reload]:
    found: dict[int, Reload] = {}
    computers: dict[int, list[tuple[int, int, str]]] = defaultdict(list)
    for row in fetch(_RELOADS, [RELOAD, RELOAD]):
        id_, state, last, user, affiliation, preload, start, end, requested, *computer = row
        if computer[0] is not None:
            computers[id_].append((computer[0], computer[1], computer[2]))
        waiting = (state, last, user, affiliation) == (RELOAD, RELOAD, *RELOAD_USER)
        if id_ not in found:
            asked = times.known(times.latest(requested))
            found[id_] = Reload(id_, waiting, preload, instant(start), instant(end), asked, computers[id_])
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
    for id_, name, processing, expires, *owner, start, end, day, minute in fetch(_REQUESTS, [ACCEPTED, "API:%"]):
        if start is not None:
            spans[id_].append((instant(start), instant(end)))
        if id_ not in found:
            from_api = name.startswith("API:") and tuple(owner) == RELOAD_USER
            of_form = (day is not None, minute is not None, form_end(day, minute))
            found[id_] = Request(id_, name, bool(processing), from_api, instant(expires), spans[id_], *of_form)
    return list(found.values())


def form_end(day: object, minute: int | None) -> int:
    """The end of the last class by VCL's form: its last day, and the last minute of a day. 0 when one is missing."""
    if day is None or minute is None or str(day).startswith("0000"):
        return 0
    return instant(f"{day} {int(minute) // 60:02}:{int(minute) % 60:02}:00")


def _times() -> dict[int, BlockTime]:
    found = {}
    for *plain, start, end, expires in fetch(_TIMES):
        moments = (instant(start), instant(end), times.known(times.latest(end)), instant(expires))
        found[plain[0]] = BlockTime._make([*plain, *moments])
    return found


def _subimages() -> dict[int, list[int]]:
    found: dict[int, list[int]] = defaultdict(list)
    for image, further in fetch(_SUBIMAGES):
        found[image].append(further)
    return found
