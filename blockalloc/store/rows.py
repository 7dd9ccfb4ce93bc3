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

# The subimages of a cluster may repeat: one row for each further computer that a machine needs.
_IMAGES = f"""
SELECT 0, {_IMAGE_COLUMNS}
FROM image i JOIN OS o ON o.id = i.OSid
WHERE i.id = %s
UNION ALL
SELECT 1, {_IMAGE_COLUMNS}
FROM image c JOIN imagemeta m ON m.id = c.imagemetaid JOIN subimages s ON s.imagemetaid = m.id
JOIN image i ON i.id = s.imageid JOIN OS o ON o.id = i.OSid
WHERE c.id = %s AND m.subimages = 1
"""

_GROUP_AND_NODE = """
SELECT (SELECT id FROM usergroup WHERE id = %s), (
    SELECT n.id FROM managementnode n JOIN state s ON s.id = n.stateid
    WHERE s.name NOT IN ('deleted', 'maintenance') AND n.lastcheckin > %s
    ORDER BY (SELECT COUNT(*) FROM blockRequest r WHERE r.managementnodeid = n.id AND r.status = 'accepted'), n.id
    LIMIT 1
)
"""


def block_time(block_time_id: int) -> BlockTimeRow | None:
    """The block time with this id, or None."""
    for id_, start, end, skip, image, machines, group, expires, status in fetch(_BLOCK_TIME, [block_time_id]):
        begins, ends, gone = (times.known(times.from_local(value)) for value in (start, end, expires))
        return BlockTimeRow(id_, begins, ends, bool(skip), image, machines, group, gone, status)
    return None


def images(image_id: int) -> list[ImageRow]:
    """The image with this id, then one for each of its subimages; empty when there is none."""
    rows = sorted(fetch(_IMAGES, [image_id, image_id]), key=lambda row: int(row[0]))
    return [ImageRow(Image(*row[1:12]), bool(row[12]), bool(row[13]), row[14]) for row in rows]


def group_and_node(group_id: int, since: int) -> tuple[int | None, int | None]:
    """The user group with this id, and the management node for a new block request; None for what there is not.

    Of the nodes that are not deleted nor in maintenance and checked in after `since` (Unix
    seconds) it is the one with the fewest accepted block requests, then the lowest id (SPEC 2.1).
    """
    ((group, node),) = fetch(_GROUP_AND_NODE, [group_id, times.to_utc(since)])
    return group, node


def user_id(unityid: str, affiliation: str) -> int | None:
    """The id of a VCL user by name and affiliation, or None."""
    rows = fetch(
        "SELECT u.id FROM user u JOIN affiliation a ON a.id = u.affiliationid WHERE u.unityid = %s AND a.name = %s",
        [unityid, affiliation],
    )
    return rows[0][0] if rows else None
