"""The classes of the same images beside those that will be short. Instants are Unix seconds."""

from collections.abc import Collection
from typing import NamedTuple

from blockalloc.store import times
from blockalloc.store.sql import fetch, listed_ids
from scheduling.vcl_names import ACCEPTED
from scheduling.windows import HOUR

_SLACK = 3 * HOUR  # a change of the clock: what SQL narrows by is wider than what counts

_CLASSES = """
SELECT t.id, t.start, t.`end`, r.numMachines, r.name, r.imageid, i.prettyname, u.affiliationid,
       COALESCE(m.subimages, 0), EXISTS (SELECT 1 FROM blockComputers c WHERE c.blockTimeid = t.id)
FROM blockTimes t JOIN blockRequest r ON r.id = t.blockRequestid JOIN image i ON i.id = r.imageid
JOIN user u ON u.id = r.ownerid LEFT JOIN imagemeta m ON m.id = i.imagemetaid
WHERE t.start < %s AND t.`end` > %s AND t.skip = 0 AND r.status = %s AND r.expireTime >= %s
AND r.imageid IN (SELECT imageid FROM blockRequest WHERE id IN ({requests}))
"""


class Row(NamedTuple):
    """A class that is to take place. `is_cluster`: each of its machines is several computers.

    `affiliation_id` is that of the owner of its series.
    """

    id: int
    start: int
    end: int
    machines: int
    name: str
    image_id: int
    image: str
    affiliation_id: int | None
    is_cluster: bool
    has_computers: bool


def classes(requests: Collection[int], first: int, last: int, now: int) -> list[Row]:
    """The classes between two instants of the images of these block requests (ids), as of `now`. One statement."""
    instant_of = times.local_reader()
    params = [times.to_local(last + _SLACK), times.to_local(first - _SLACK), ACCEPTED, times.to_local(now)]
    found = [
        Row(
            id_, instant_of(start) or 0, instant_of(end) or 0, machines, name, image_id, image, affiliation_id,
            bool(is_cluster), bool(has_computers),
        )
        for id_, start, end, machines, name, image_id, image, affiliation_id, is_cluster, has_computers in fetch(
            _CLASSES.format(requests=listed_ids(requests)), params
        )
    ]  # fmt: skip
    return [row for row in found if row.start < last and row.end > first]
