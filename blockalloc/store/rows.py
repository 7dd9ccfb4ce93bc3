"""Reads the rows that a call is about: its block time, its image, its user group."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from itertools import starmap
from operator import attrgetter
from typing import NamedTuple

from blockalloc.store import times
from blockalloc.store.sql import Rows, Value, fetch, listed_ids
from scheduling.block_status import BlockStatus
from scheduling.facts import Image
from scheduling.vcl_names import ACCEPTED


@dataclass(frozen=True, slots=True)
class Names:
    """What a block is called: for the record of decisions, which outlives the rows. 0 and "" where there is none.

    `affiliation_id` is that of the owner.
    """

    request_id: int
    block: str
    user_group: str
    owner: str
    affiliation_id: int
    image: str


@dataclass(frozen=True, slots=True)
class BlockTimeRow:
    """A block time with what its block request says; instants are Unix seconds."""

    id: int
    start: int
    end: int
    skip: bool
    image_id: int
    machines: int
    group_id: int | None
    expires: int
    status: str
    names: Names

    @property
    def block_status(self) -> BlockStatus:
        """What decides whether it may be filled."""
        return BlockStatus(self.skip, self.status, self.end, self.expires)


@dataclass(frozen=True, slots=True)
class ImageRow:
    """An image with what decides whether it can be used at all. `image.revision_id` is 0 without a production one."""

    image: Image
    deleted: bool
    for_checkout: bool
    owner_id: int | None


class _BlockTime(NamedTuple):
    """A row of _BLOCK_TIME."""

    id: int
    start: times.Stored
    end: times.Stored
    skip: int
    image_id: int
    machines: int
    group_id: int | None
    expires: times.Stored
    status: str
    request_id: int
    block: str
    user_group: str | None
    group_affiliation: str | None
    owner: str | None
    owner_affiliation: str | None
    owner_affiliation_id: int
    image: str


_BLOCK_TIME = """
SELECT t.id, t.start, t.`end`, t.skip, r.imageid, r.numMachines, r.groupid, r.expireTime, r.status,
       r.id, r.name, g.name, ga.name, u.unityid, ua.name, COALESCE(ua.id, 0), COALESCE(i.prettyname, '')
FROM blockTimes t JOIN blockRequest r ON r.id = t.blockRequestid
LEFT JOIN usergroup g ON g.id = r.groupid LEFT JOIN affiliation ga ON ga.id = g.affiliationid
LEFT JOIN user u ON u.id = r.ownerid LEFT JOIN affiliation ua ON ua.id = u.affiliationid
LEFT JOIN image i ON i.id = r.imageid
WHERE t.id = %s
"""


class _Image(NamedTuple):
    """A row of _IMAGES, or of _FOR_NEW_BLOCK, which has more columns: the same in each row."""

    part: int  # 0: the image itself, 1: a subimage
    main_id: int  # of the image itself
    id: int
    name: str
    revision_id: int
    platform_id: int
    install_type: str
    min_ram: int
    min_processors: int
    min_speed: int
    min_network: int
    max_concurrent: int | None
    reload_minutes: int
    deleted: int
    for_checkout: int
    owner_id: int | None
    group_id: int | None = None
    group: str | None = None
    group_affiliation: str | None = None
    local_id: int | None = None
    management_node_id: int | None = None


_IMAGE_COLUMNS = """
i.id, i.prettyname,
COALESCE((SELECT MAX(v.id) FROM imagerevision v WHERE v.imageid = i.id AND v.production = 1), 0) AS revision_id,
i.platformid, o.installtype, i.minram, i.minprocnumber, i.minprocspeed, i.minnetwork, i.maxconcurrent, i.reloadtime,
i.deleted, i.forcheckout, i.ownerid
"""

# The subimages of a cluster may repeat: one row for each further computer that a machine needs.
_IMAGES_IN = f"""
SELECT 0 AS part, i.id AS main_id, {_IMAGE_COLUMNS}
FROM image i JOIN OS o ON o.id = i.OSid
WHERE i.id IN ({{ids}})
UNION ALL
SELECT 1, c.id, {_IMAGE_COLUMNS}
FROM image c JOIN imagemeta m ON m.id = c.imagemetaid JOIN subimages s ON s.imagemetaid = m.id
JOIN image i ON i.id = s.imageid JOIN OS o ON o.id = i.OSid
WHERE c.id IN ({{ids}}) AND m.subimages = 1
"""
_IMAGES = _IMAGES_IN.format(ids="%s")

_GROUP_AND_NODE = f"""
SELECT g.id AS group_id, g.name AS group_name, ga.name AS group_at, l.id AS local_id, (
    SELECT n.id FROM managementnode n JOIN state s ON s.id = n.stateid
    WHERE s.name NOT IN ('deleted', 'maintenance') AND n.lastcheckin > %s
    ORDER BY (SELECT COUNT(*) FROM blockRequest r WHERE r.managementnodeid = n.id AND r.status = '{ACCEPTED}'), n.id
    LIMIT 1
) AS node_id
FROM (SELECT 1 AS one) AS always
LEFT JOIN affiliation l ON l.name = 'Local'
LEFT JOIN usergroup g ON g.id = %s LEFT JOIN affiliation ga ON ga.id = g.affiliationid
"""

_FOR_NEW_BLOCK = f"SELECT * FROM ({_IMAGES}) AS images CROSS JOIN ({_GROUP_AND_NODE}) AS new_block"


def block_time(block_time_id: int) -> BlockTimeRow | None:
    """The block time with this id, or None."""
    rows = fetch(_BLOCK_TIME, [block_time_id])
    if not rows:
        return None
    row = _BlockTime._make(rows[0])
    return BlockTimeRow(
        id=row.id,
        start=times.from_local(row.start) or 0,
        end=times.from_local(row.end) or 0,
        skip=bool(row.skip),
        image_id=row.image_id,
        machines=row.machines,
        group_id=row.group_id,
        expires=times.from_local(row.expires) or 0,
        status=row.status,
        names=Names(
            request_id=row.request_id,
            block=row.block,
            user_group=full_name(row.user_group, row.group_affiliation),
            owner=full_name(row.owner, row.owner_affiliation),
            affiliation_id=row.owner_affiliation_id,
            image=row.image,
        ),
    )


def images(image_id: int) -> list[ImageRow]:
    """The image with this id, then one for each of its subimages; empty when there is none."""
    return [_image_row(row) for row in _images(_IMAGES, [image_id, image_id])]


def images_of(image_ids: Collection[int]) -> dict[int, list[ImageRow]]:
    """The same of several images, in one statement; those that there are not are left out."""
    found: dict[int, list[ImageRow]] = {}
    for row in _images(_IMAGES_IN.format(ids=listed_ids(image_ids)), []):
        found.setdefault(row.main_id, []).append(_image_row(row))
    return found


def _images(sql: str, params: Sequence[Value]) -> list[_Image]:
    """The rows, the image itself first."""
    return sorted(starmap(_Image, fetch(sql, params)), key=attrgetter("part"))


def _image_row(row: _Image) -> ImageRow:
    image = Image(
        row.id,
        row.name,
        row.revision_id,
        row.platform_id,
        row.install_type,
        row.min_ram,
        row.min_processors,
        row.min_speed,
        row.min_network,
        row.max_concurrent,
        row.reload_minutes,
    )
    return ImageRow(image, bool(row.deleted), bool(row.for_checkout), row.owner_id)


@dataclass(frozen=True, slots=True)
class NewBlockRow:
    """What a new block request will refer to; None (or "") for what there is not.

    `local_id` is the affiliation Local, that of the reload user who will own the request.
    """

    group_id: int | None
    group_name: str
    local_id: int | None
    management_node_id: int | None


def for_new_block(image_id: int, group_id: int, since: int) -> tuple[list[ImageRow], NewBlockRow]:
    """The image as `images` has it, the user group, and the management node for a new block request.

    Of the nodes that are not deleted nor in maintenance and checked in after `since` (Unix
    seconds) it is the one with the fewest accepted block requests, then the lowest id (SPEC 2.1).
    Without the image there is nothing of the rest either.
    """
    rows = _images(_FOR_NEW_BLOCK, [image_id, image_id, times.check_in_limit(since), group_id])
    if not rows:
        return [], NewBlockRow(None, "", None, None)
    first = rows[0]
    group = full_name(first.group, first.group_affiliation)
    new_block = NewBlockRow(first.group_id, group, first.local_id, first.management_node_id)
    return [_image_row(row) for row in rows], new_block


def user_id(unityid: str, affiliation: str) -> int | None:
    """The id of a VCL user by name and affiliation, or None."""
    rows = fetch(
        "SELECT u.id FROM user u JOIN affiliation a ON a.id = u.affiliationid WHERE u.unityid = %s AND a.name = %s",
        [unityid, affiliation],
    )
    return rows[0][0] if rows else None


def full_name(name: str | None, affiliation: str | None) -> str:
    """A user or a user group as VCL's pages name it."""
    return f"{name}@{affiliation}" if name and affiliation else name or ""


def users_of_requests(ids: Sequence[int]) -> dict[int, str]:
    """Whose the requests with these ids are."""
    sql = """
SELECT q.id, u.unityid, a.name FROM request q JOIN user u ON u.id = q.userid
LEFT JOIN affiliation a ON a.id = u.affiliationid WHERE q.id IN ({})
"""
    return {id_: full_name(name, affiliation) for id_, name, affiliation in _by_ids(sql, ids)}


def names_of_block_times(ids: Sequence[int]) -> dict[int, str]:
    """What the blocks of the block times with these ids are called."""
    sql = "SELECT t.id, r.name FROM blockTimes t JOIN blockRequest r ON r.id = t.blockRequestid WHERE t.id IN ({})"
    return dict(_by_ids(sql, ids))


def _by_ids(sql: str, ids: Sequence[int]) -> Rows:
    return fetch(sql.format(listed_ids(ids))) if ids else []
