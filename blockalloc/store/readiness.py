"""What decides whether block times are ready: the rows of any number of them in a fixed number of statements.

Times in rows are as the database gives them.
"""

from collections import defaultdict
from collections.abc import Collection
from datetime import datetime
from typing import NamedTuple

from django.db.models import QuerySet

from blockalloc.models import BlockTime, SubImage
from blockalloc.store import times
from blockalloc.store.sql import Rows, fetch, listed_ids
from scheduling.ready_computer import SILENT_STEPS, ComputerFacts
from scheduling.state_ids import PENDING
from scheduling.vcl_names import ACCEPTED, RELOAD_USER
from scheduling.windows import HOUR

_SLACK = 3 * HOUR  # what SQL narrows by is wider than what is judged: a change of the clock


class BlockTimeRow(NamedTuple):
    """A block time, and what it belongs to; the moments are aware."""

    id: int
    start: datetime
    end: datetime
    processed: bool
    skip: bool
    request_id: int
    block: str
    status: str
    expires: datetime
    machines: int
    group: str | None
    group_affiliation: str | None
    image_id: int
    image: str
    reload_minutes: int
    imagemeta_id: int | None
    is_cluster: bool | None


_BLOCK_TIME_COLUMNS = (
    "pk",
    "start",
    "end",
    "processed",
    "skip",
    "blockRequest_id",
    "blockRequest__name",
    "blockRequest__status",
    "blockRequest__expireTime",
    "blockRequest__numMachines",
    "blockRequest__group__name",
    "blockRequest__group__affiliation__name",
    "blockRequest__image_id",
    "blockRequest__image__prettyname",
    "blockRequest__image__reloadtime",
    "blockRequest__image__imagemeta_id",
    "blockRequest__image__imagemeta__subimages",
)


class ComputerRow(NamedTuple):
    """A computer of a block time with its reload: see `ComputerFacts`. A reload that is gone has 0, None or "".

    `reload_id` is the request that `blockComputers` names, gone or not; `node` has the reload, and checked in last at
    `node_seen`.
    """

    block_time_id: int
    id: int
    hostname: str
    image_id: int
    production_id: int
    state: str
    deleted: int
    current_image_id: int
    revision_id: int
    reload_state: int
    reload_last_state: int
    reload_start: times.Stored
    preload: int
    target_revision_id: int | None
    step: str
    load_begun: times.Stored
    reload_id: int
    node_id: int
    node: str
    node_seen: times.Stored


_SILENT = ", ".join(f"'{step}'" for step in SILENT_STEPS)
# The load log is long: it is read for loads that are at work only. Computers are joined from the left, so that MariaDB
# begins with the block computers: of computers there are as many as the site has.
SELECT_COMPUTERS = f"""
SELECT b.blockTimeid, b.computerid, c.hostname, b.imageid,
       COALESCE(p.id, 0),
       s.name, c.deleted, c.currentimageid, c.imagerevisionid,
       COALESCE(q.stateid, 0), COALESCE(q.laststateid, 0), q.start, COALESCE(q.preload, 1), v.imagerevisionid,
       COALESCE(n.loadstatename, ''),
       CASE WHEN q.stateid = {PENDING} THEN
           (SELECT MIN(f.timestamp) FROM computerloadlog f WHERE f.reservationid = v.id)
       END,
       b.reloadrequestid, COALESCE(v.managementnodeid, 0), COALESCE(mn.hostname, ''), mn.lastcheckin
FROM blockComputers b LEFT JOIN computer c ON c.id = b.computerid LEFT JOIN state s ON s.id = c.stateid
LEFT JOIN (SELECT imageid, MAX(id) AS id FROM imagerevision WHERE production = 1 GROUP BY imageid) AS p
    ON p.imageid = b.imageid
LEFT JOIN request q ON q.id = b.reloadrequestid
LEFT JOIN reservation v ON v.requestid = q.id AND v.computerid = b.computerid
LEFT JOIN managementnode mn ON mn.id = v.managementnodeid
LEFT JOIN computerloadlog g ON q.stateid = {PENDING} AND g.id = (
    SELECT MAX(x.id) FROM computerloadlog x JOIN computerloadstate y ON y.id = x.loadstateid
    WHERE x.reservationid = v.id AND y.loadstatename NOT IN ({_SILENT})
)
LEFT JOIN computerloadstate n ON n.id = g.loadstateid
WHERE b.blockTimeid IN ({{block_times}})
ORDER BY b.blockTimeid, c.hostname, b.computerid
"""


_RELOAD_USERS = f"""
    SELECT u.id FROM user u JOIN affiliation a ON a.id = u.affiliationid
    WHERE u.unityid = '{RELOAD_USER.unityid}' AND a.name = '{RELOAD_USER.affiliation}'
"""
# What is on, and what begins before the class: others have the computer then. A reservation of a computer of a block
# time, other than its reload; or another block time that has the computer.
_BOOKINGS = f"""
SELECT b.blockTimeid, v.computerid, q.id, q.stateid, q.laststateid, q.start, q.`end`,
       CASE WHEN q.userid IN ({_RELOAD_USERS}) THEN 1 ELSE 0 END, CASE WHEN v.imageid = b.imageid THEN 0 ELSE 1 END
FROM blockComputers b JOIN blockTimes t ON t.id = b.blockTimeid
JOIN reservation v ON v.computerid = b.computerid JOIN request q ON q.id = v.requestid
WHERE b.blockTimeid IN ({{block_times}}) AND q.id <> b.reloadrequestid
  AND (q.start < %s OR q.start < t.start) AND q.`end` > %s
UNION ALL
SELECT b.blockTimeid, b.computerid, 0, 0, 0, o.start, o.`end`, 0, 0
FROM blockComputers b JOIN blockTimes t ON t.id = b.blockTimeid
JOIN blockComputers c ON c.computerid = b.computerid AND c.blockTimeid <> b.blockTimeid
JOIN blockTimes o ON o.id = c.blockTimeid JOIN blockRequest r ON r.id = o.blockRequestid
WHERE b.blockTimeid IN ({{block_times}}) AND o.start < t.start AND o.`end` > %s
  AND o.skip = 0 AND r.status = '{ACCEPTED}' AND r.expireTime > %s
"""


def block_times(query: QuerySet[BlockTime]) -> list[BlockTimeRow]:
    """The block times of a query, by start."""
    return [*map(BlockTimeRow._make, query.order_by("start", "pk").values_list(*_BLOCK_TIME_COLUMNS))]


def clusters(imagemeta_ids: Collection[int | None]) -> dict[int, list[int]]:
    """Row of `imagemeta` -> the images of the further computers of a cluster; an image may come several times."""
    images: dict[int, list[int]] = defaultdict(list)
    for meta, image in SubImage.objects.filter(imagemeta__in=imagemeta_ids).values_list("imagemeta_id", "image_id"):
        images[meta].append(image)
    return images


def computers(block_time_ids: Collection[int]) -> list[ComputerRow]:
    """The computers of block times, by name; a reload request of several reservations of a computer gives as many."""
    return computer_rows(fetch(SELECT_COMPUTERS.format(block_times=listed_ids(block_time_ids))))


def computer_rows(rows: Rows) -> list[ComputerRow]:
    """The rows of SELECT_COMPUTERS; a block computer whose computer is gone is none."""
    return [row for row in map(ComputerRow._make, rows) if row.hostname is not None]


def bookings(block_time_ids: Collection[int], now: int) -> Rows:
    """What others have their computers for from about `now` (Unix seconds) on: now, or before the block time.

    Rows of (block time, computer, request, state, last state, start, end, whether it is the reload user's, whether its
    image is not the one that the computer is to have for the block time). Of a block time, request and states are 0.
    There are thousands of rows, which is why they have no names.
    """
    soon, before = times.to_local(now + _SLACK), times.to_local(now - _SLACK)
    sql = _BOOKINGS.format(block_times=listed_ids(block_time_ids))
    return fetch(sql, [soon, before, before, before])


def computer_facts(
    row: ComputerRow, instant_of: times.LocalReader, *, has_user: bool, user_until: int | None = None,
    booked_until: int | None = None,
) -> ComputerFacts:  # fmt: skip
    """What a computer's row says. `user_until`, `booked_until`: Unix seconds.

    A reload request without a reservation of the computer is none of it: VCL's front end moves reloads to other
    computers, and leaves the block computer's row as it is.
    """
    has_reload = bool(row.node_id)
    return ComputerFacts(
        id=row.id,
        hostname=row.hostname,
        image_id=row.image_id,
        production_id=row.production_id,
        state=row.state,
        deleted=bool(row.deleted),
        current_image_id=row.current_image_id,
        revision_id=row.revision_id,
        reload_state=row.reload_state if has_reload else 0,
        reload_last_state=row.reload_last_state if has_reload else 0,
        reload_start=instant_of(row.reload_start) if has_reload else None,
        preload=bool(row.preload),
        target_revision_id=row.target_revision_id,
        log_step=row.step,
        load_begun=instant_of(row.load_begun),
        has_user=has_user,
        user_until=user_until,
        booked_until=booked_until,
    )
