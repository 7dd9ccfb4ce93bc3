"""How many computers classes want of each image, and how many computers can run it. Instants are Unix seconds."""

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping
from typing import NamedTuple

from blockalloc.models import ClassHeld, Forecast
from blockalloc.store import times
from blockalloc.store.sql import fetch, listed_ids
from scheduling.rules import UNUSABLE_STATES
from scheduling.vcl_names import ACCEPTED
from scheduling.windows import HOUR

Needs = tuple[int, ...]  # the platform, then memory, processors, their speed, network
_SLACK = 3 * HOUR  # a change of the clock: what SQL narrows by is wider than what counts

# By image, how many computers can run it, as the forecast has counted them for the classes to come.
_FIT = f"""
(SELECT q.imageid AS image, MAX(f.fit) AS fit FROM {Forecast._meta.db_table} f
 JOIN blockRequest q ON q.id = f.block_request_id GROUP BY q.imageid) AS counted
"""
# The further computers of a cluster are rows of `subimages`: each machine wants one computer for each of them.
_FURTHER = """
LEFT JOIN imagemeta m ON m.id = i.imagemetaid AND m.subimages = 1
LEFT JOIN subimages s ON s.imagemetaid = m.id LEFT JOIN image j ON j.id = s.imageid
"""
_WANTED = f"""
SELECT t.id, t.start, t.`end`, r.numMachines, i.id, i.prettyname, s.imageid, j.prettyname, counted.fit, 0
FROM blockTimes t JOIN blockRequest r ON r.id = t.blockRequestid JOIN image i ON i.id = r.imageid
{_FURTHER} LEFT JOIN {_FIT} ON counted.image = i.id
WHERE t.start < %s AND t.`end` > %s AND t.skip = 0 AND r.status = '{ACCEPTED}' AND (r.expireTime >= %s OR t.`end` <= %s)
UNION ALL
SELECT h.block_time_id, h.start, h.`end`, h.wanted, h.image_id, h.image_name, s.imageid, j.prettyname, counted.fit, 1
FROM {ClassHeld._meta.db_table} h LEFT JOIN image i ON i.id = h.image_id
{_FURTHER} LEFT JOIN {_FIT} ON counted.image = h.image_id
WHERE h.start < %s AND h.`end` > %s
"""

# Mappings count in both directions.
_MAPPED = """
image i JOIN resourcetype it ON it.name = 'image' JOIN resource ri ON ri.resourcetypeid = it.id AND ri.subid = i.id
JOIN resourcegroupmembers gi ON gi.resourceid = ri.id
JOIN (SELECT resourcegroupid1 AS one, resourcegroupid2 AS other FROM resourcemap
      UNION SELECT resourcegroupid2, resourcegroupid1 FROM resourcemap) AS m ON m.one = gi.resourcegroupid
"""
# What each image needs, by the groups that it is mapped to; and what the computers of these groups are.
_CAN_RUN = f"""
SELECT 1, i.id, m.other, i.platformid, i.minram, i.minprocnumber, i.minprocspeed, i.minnetwork
FROM {_MAPPED} WHERE i.id IN ({{images}})
UNION ALL
SELECT 0, c.id, gc.resourcegroupid, c.platformid, c.RAM, c.procnumber, c.procspeed, c.network
FROM resourcegroupmembers gc JOIN resource rc ON rc.id = gc.resourceid
JOIN resourcetype ct ON ct.id = rc.resourcetypeid AND ct.name = 'computer'
JOIN computer c ON c.id = rc.subid JOIN state s ON s.id = c.stateid
WHERE gc.resourcegroupid IN (SELECT m.other FROM {_MAPPED} WHERE i.id IN ({{images}}))
  AND c.deleted = 0 AND c.scheduleid IS NOT NULL
  AND s.name NOT IN ({", ".join(f"'{state}'" for state in sorted(UNUSABLE_STATES))})
"""


class WantedRow(NamedTuple):
    """So many computers that a class wants for an image; one row for each computer of a machine of a cluster.

    `fit`: how many computers can run the image, by the forecast of any class to come; 0 where nobody has counted.
    """

    block_time_id: int
    start: int
    end: int
    computers: int
    image_id: int
    image: str
    fit: int


def wanted_between(first: int, last: int, now: int) -> list[WantedRow]:
    """What all classes of the site want that are to take place, or took place, between two instants. One statement.

    Of a class that is over, VCL's row says it while it is there, then the closing row.
    """
    local, utc = times.local_reader(), times.from_utc
    before, after = times.to_local(first - _SLACK), times.to_local(last + _SLACK)
    params = [after, before, times.to_local(now), times.to_local(now), times.to_utc(last), times.to_utc(first)]
    found: list[WantedRow] = []
    heads, known = set[int](), set[int]()
    for id_, start, end, machines, image_id, image, further_id, further, fit, is_held in fetch(_WANTED, params):
        if is_held and id_ in known:
            continue
        instant_of = utc if is_held else local
        hours = instant_of(start) or 0, instant_of(end) or 0
        if hours[0] >= last or hours[1] <= first:
            continue
        if not is_held:
            known.add(id_)
        if id_ not in heads:
            heads.add(id_)
            found.append(WantedRow(id_, *hours, machines, image_id, image, fit or 0))
        if further_id is not None:
            found.append(WantedRow(id_, *hours, machines, further_id, further or "", 0))
    return found


def can_run(images: Collection[int]) -> dict[int, int]:
    """Image -> how many computers can run it: mapped to it, large enough, not out of service. One statement at most.

    An image that is mapped to none is not there.
    """
    if not images:
        return {}
    needs: dict[int, list[tuple[int, Needs]]] = defaultdict(list)
    # Of each group the computers that are alike: there are few kinds.
    kinds: dict[int, dict[Needs, set[int]]] = defaultdict(lambda: defaultdict(set))
    for is_image, id_, group, *figures in fetch(_CAN_RUN.format(images=listed_ids(sorted(images)))):
        if is_image:
            needs[id_].append((group, tuple(figures)))
        else:
            kinds[group][tuple(figures)].add(id_)
    return {image: len(_fitting(groups, kinds)) for image, groups in needs.items()}


def _fitting(groups: Iterable[tuple[int, Needs]], kinds: Mapping[int, Mapping[Needs, set[int]]]) -> set[int]:
    """The computers of the groups that are of the image's platform, and have at least what it needs."""
    found: set[int] = set()
    for group, (platform, *needed) in groups:
        for (of_platform, *has), computers in kinds.get(group, {}).items():
            if of_platform == platform and all(one >= other for one, other in zip(has, needed, strict=True)):
                found |= computers
    return found
