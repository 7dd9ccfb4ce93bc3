"""Reads the rows that a call is about: its block time, its image, its user group."""

from dataclasses import dataclass

from blockalloc.store import times
from blockalloc.store.sql import fetch
from scheduling.facts import Image


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


@dataclass(frozen=True, slots=True)
class ImageRow:
    """An image with what decides whether it can be used at all. `image.revision_id` is 0 without a production one."""

    image: Image
    deleted: bool
    for_checkout: bool
    owner_id: int | None


_BLOCK_TIME = """
SELECT t.id, t.start, t.`end`, t.skip, r.imageid, r.numMachines, r.groupid, r.expireTime, r.status
FROM blockTimes t JOIN blockRequest r ON r.id = t.blockRequestid
WHERE t.id = %s
"""

_IMAGE_COLUMNS = """
i.id, i.prettyname,
COALESCE((SELECT MAX(v.id) FROM imagerevision v WHERE v.imageid = i.id AND v.production = 1), 0),
i.platformid, o.installtype, i.minram, i.minprocnumber, i.minprocspeed, i.minnetwork, i.maxconcurrent, i.reloadtime,
i.deleted, i.forcheckout, i.ownerid
"""

_IMAGE = f"""
SELECT {_IMAGE_COLUMNS}, CASE WHEN m.subimages = 1 THEN i.imagemetaid END
FROM image i JOIN OS o ON o.id = i.OSid LEFT JOIN imagemeta m ON m.id = i.imagemetaid
WHERE i.id = %s
"""

_SUBIMAGES = f"""
SELECT {_IMAGE_COLUMNS}
FROM subimages s JOIN image i ON i.id = s.imageid JOIN OS o ON o.id = i.OSid
WHERE s.imagemetaid = %s
"""

_NEW_BLOCK_NODE = """
SELECT n.id FROM managementnode n JOIN state s ON s.id = n.stateid
WHERE s.name NOT IN ('deleted', 'maintenance') AND n.lastcheckin > %s
ORDER BY (SELECT COUNT(*) FROM blockRequest r WHERE r.managementnodeid = n.id AND r.status = 'accepted'), n.id
LIMIT 1
"""


def block_time(block_time_id: int) -> BlockTimeRow | None:
    """The block time with this id, or None."""
    for id_, start, end, skip, image, machines, group, expires, status in fetch(_BLOCK_TIME, [block_time_id]):
        begins, ends, gone = (times.known(times.from_local(value)) for value in (start, end, expires))
        return BlockTimeRow(id_, begins, ends, bool(skip), image, machines, group, gone, status)
    return None


def images(image_id: int) -> list[ImageRow]:
    """The image with this id, then one for each of its subimages; empty when there is none."""
    main = fetch(_IMAGE, [image_id])
    if not main:
        return []
    *columns, meta_id = main[0]
    rows = [tuple(columns), *(fetch(_SUBIMAGES, [meta_id]) if meta_id is not None else [])]
    return [ImageRow(Image(*row[:11]), bool(row[11]), bool(row[12]), row[13]) for row in rows]


def user_group_exists(group_id: int) -> bool:
    """Whether there is a user group with this id."""
    return bool(fetch("SELECT 1 FROM usergroup WHERE id = %s", [group_id]))


def node_for_new_block(since: int) -> int | None:
    """The management node of a new block request, or None (SPEC 2.1).

    Of those that are not deleted nor in maintenance and checked in after `since` (Unix seconds),
    the one with the fewest accepted block requests, then the lowest id.
    """
    rows = fetch(_NEW_BLOCK_NODE, [times.to_utc(since)])
    return rows[0][0] if rows else None


def user_id(unityid: str, affiliation: str) -> int | None:
    """The id of a VCL user by name and affiliation, or None."""
    rows = fetch(
        "SELECT u.id FROM user u JOIN affiliation a ON a.id = u.affiliationid WHERE u.unityid = %s AND a.name = %s",
        [unityid, affiliation],
    )
    return rows[0][0] if rows else None
