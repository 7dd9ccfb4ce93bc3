"""How ready block times are, for pages and feeds: facts of any number of them in a fixed number of statements."""

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from typing import Any

from django.db.models import QuerySet

from blockalloc.models import BlockTime, SubImage
from blockalloc.reports import what_happened
from blockalloc.site_time import site_zone
from blockalloc.store import loads, times
from blockalloc.store.sql import fetch, listed_ids
from scheduling.block_status import BlockStatus
from scheduling.occupancy import PENDING, is_occupying
from scheduling.readiness import ASKED_AHEAD, Readiness, has_all, readiness
from scheduling.ready_computer import SILENT_STEPS, BlockFacts, ComputerFacts
from scheduling.vcl_names import RELOAD_USER
from scheduling.what_happened import EMPTY
from scheduling.windows import HOUR

_SLACK = 3 * HOUR  # what SQL narrows by is wider than what is judged: a change of the clock

# The load log is long, and tells of loads that are at work only.
_COMPUTERS = """
SELECT b.blockTimeid, b.computerid, c.hostname, b.imageid,
       COALESCE(p.id, 0),
       s.name, c.deleted, c.currentimageid, c.imagerevisionid,
       COALESCE(q.stateid, 0), COALESCE(q.laststateid, 0), COALESCE(q.preload, 1), q.start, v.imagerevisionid,
       COALESCE(n.loadstatename, ''),
       CASE WHEN q.stateid = {pending} THEN
           (SELECT MIN(f.timestamp) FROM computerloadlog f WHERE f.reservationid = v.id)
       END
FROM blockComputers b JOIN computer c ON c.id = b.computerid JOIN state s ON s.id = c.stateid
LEFT JOIN (SELECT imageid, MAX(id) AS id FROM imagerevision WHERE production = 1 GROUP BY imageid) AS p
    ON p.imageid = b.imageid
LEFT JOIN request q ON q.id = b.reloadrequestid
LEFT JOIN reservation v ON v.requestid = q.id AND v.computerid = b.computerid
LEFT JOIN computerloadlog g ON q.stateid = {pending} AND g.id = (
    SELECT MAX(x.id) FROM computerloadlog x JOIN computerloadstate y ON y.id = x.loadstateid
    WHERE x.reservationid = v.id AND y.loadstatename NOT IN ({silent})
)
LEFT JOIN computerloadstate n ON n.id = g.loadstateid
WHERE b.blockTimeid IN ({block_times})
ORDER BY b.blockTimeid, c.hostname, b.computerid
"""

_BOOKED = """
SELECT v.computerid, q.stateid, q.laststateid, q.start, q.`end`, u.unityid, a.name
FROM blockComputers b JOIN reservation v ON v.computerid = b.computerid JOIN request q ON q.id = v.requestid
JOIN user u ON u.id = q.userid JOIN affiliation a ON a.id = u.affiliationid
WHERE b.blockTimeid IN ({block_times}) AND q.start < %s AND q.`end` > %s
"""

# What is read of a block time, and of what it belongs to.
_COLUMNS = (
    *("pk", "start", "end", "processed", "skip", "blockRequest_id", "blockRequest__name", "blockRequest__status"),
    *("blockRequest__expireTime", "blockRequest__numMachines", "blockRequest__group_id", "blockRequest__group__name"),
    *("blockRequest__group__affiliation__name", "blockRequest__image_id", "blockRequest__image__prettyname"),
    *("blockRequest__image__reloadtime", "blockRequest__image__imagemeta_id"),
    "blockRequest__image__imagemeta__subimages",
)


@dataclass(frozen=True, slots=True)
class ReadyTime:
    """A block time with how ready it is; instants are Unix seconds. `group` is "" for a request without one."""

    id: int
    start: int
    end: int
    request_id: int
    block: str
    group: str
    image: str
    block_status: BlockStatus
    readiness: Readiness

    @property
    def skip(self) -> bool:
        """Whether it is marked to be skipped."""
        return self.block_status.skip

    @property
    def status(self) -> str:
        """The status of its block request."""
        return self.block_status.status

    def is_open(self, now: int) -> bool:
        """Whether it is on or to come, and is to take place."""
        return self.block_status.is_open(now)


def read(
    found: QuerySet[BlockTime], now: int, *, closed: bool = True, people: bool = True
) -> list[ReadyTime]:  # fmt: skip
    """How ready these block times are at `now` (Unix seconds), by start. The query set says whose they may be.

    Without `closed`, computers of block times that are skipped or over are not counted. Without `people`, nobody is
    named who released or skipped them.
    """
    rows = list(found.order_by("start", "pk").values(*_COLUMNS))
    clusters = _clusters({row["blockRequest__image__imagemeta_id"] for row in rows if _is_cluster(row)})
    estimates = loads.estimates(_to_estimate(rows, now), now)
    # A block time that is skipped or over keeps its computers for the counts; its users no longer matter.
    still_open = {row["pk"] for row in rows if _is_open(row, now)}
    computers = _computers({row["pk"] for row in rows} if closed else still_open, still_open, now)
    blocks = {row["pk"]: _block(row, clusters, estimates) for row in rows}
    records = what_happened.read(_to_look_up(blocks, computers, now))
    if not people:
        records = {time: record.without_people() for time, record in records.items()}
    zone = site_zone()
    return [
        ReadyTime(
            id=row["pk"],
            start=_instant(row["start"]),
            end=_instant(row["end"]),
            request_id=row["blockRequest_id"],
            block=row["blockRequest__name"],
            group=_group(row),
            image=row["blockRequest__image__prettyname"],
            block_status=blocks[row["pk"]].block_status,
            readiness=readiness(
                blocks[row["pk"]], computers.get(row["pk"], ()), now, zone, records.get(row["pk"], EMPTY)
            ),
        )
        for row in rows
    ]


def _block(row: Mapping[str, Any], clusters: Mapping[int, list[int]], estimates: Mapping[int, int]) -> BlockFacts:
    image = row["blockRequest__image_id"]
    further = clusters.get(row["blockRequest__image__imagemeta_id"], [])
    return BlockFacts(
        start=_instant(row["start"]),
        end=_instant(row["end"]),
        processed=bool(row["processed"]),
        skip=bool(row["skip"]),
        status=row["blockRequest__status"],
        expires=_instant(row["blockRequest__expireTime"]),
        machines=row["blockRequest__numMachines"],
        image_ids=(image, *further),
        load_seconds=estimates.get(image, row["blockRequest__image__reloadtime"] * 60),
    )


def _to_look_up(
    blocks: Mapping[int, BlockFacts], computers: Mapping[int, Sequence[ComputerFacts]], now: int
) -> dict[int, set[int]]:
    """The block times of which staff will ask what happened, with the computers that they have."""
    return {
        key: {each.id for each in computers.get(key, ())}
        for key, block in blocks.items()
        if block.block_status._replace(skip=False).is_open(now)
        and (block.skip or not has_all(block, computers.get(key, ())))
    }


def _group(row: Mapping[str, Any]) -> str:
    name, affiliation = row["blockRequest__group__name"], row["blockRequest__group__affiliation__name"]
    return "" if name is None else f"{name}@{affiliation}" if affiliation else name


def _is_cluster(row: Mapping[str, Any]) -> bool:
    return bool(row["blockRequest__image__imagemeta__subimages"])


def _clusters(metas: Collection[int]) -> dict[int, list[int]]:
    """Row of `imagemeta` -> the images of the further computers of a cluster; an image may come several times."""
    found: dict[int, list[int]] = defaultdict(list)
    for meta, image in SubImage.objects.filter(imagemeta__in=metas).values_list("imagemeta_id", "image_id"):
        found[meta].append(image)
    return found


def _is_open(row: Mapping[str, Any], now: int) -> bool:
    expires = _instant(row["blockRequest__expireTime"])
    return BlockStatus(bool(row["skip"]), row["blockRequest__status"], _instant(row["end"]), expires).is_open(now)


def _to_estimate(rows: Collection[Mapping[str, Any]], now: int) -> dict[int, int]:
    """The images whose load time matters now, with what counts while there is nothing to learn from.

    Earlier than this nothing is loaded, and the log of a year is long.
    """
    return {
        row["blockRequest__image_id"]: row["blockRequest__image__reloadtime"]
        for row in rows
        if _is_open(row, now) and _instant(row["start"]) < now + 2 * ASKED_AHEAD
    }


def _computers(wanted: Collection[int], still_open: Collection[int], now: int) -> dict[int, list[ComputerFacts]]:
    """Block time -> its computers, by name."""
    found: dict[int, list[ComputerFacts]] = defaultdict(list)
    if not wanted:
        return found
    in_use = _in_use(still_open, now) if still_open else frozenset()
    silent = ", ".join(f"'{step}'" for step in SILENT_STEPS)
    instant_of = cache(times.from_local)  # the computers of a block have the same times, or nearly
    seen = set()
    for block_time, *plain, preload, reload, target, step, begun in fetch(
        _COMPUTERS.format(pending=PENDING, silent=silent, block_times=listed_ids(wanted))
    ):
        if (block_time, plain[0]) in seen:  # a request should have one reservation of a computer
            continue
        seen.add((block_time, plain[0]))
        plain[5] = bool(plain[5])
        timed = (instant_of(reload), bool(preload), target, step, instant_of(begun))
        found[block_time].append(ComputerFacts._make([*plain, *timed, plain[0] in in_use]))
    return found


def _in_use(block_times: Collection[int], now: int) -> frozenset[int]:
    """Those of their computers that a user's reservation occupies now."""
    around = [times.to_local(now + _SLACK), times.to_local(now - _SLACK)]
    return frozenset(
        computer
        for computer, state, last_state, start, end, *user in fetch(
            _BOOKED.format(block_times=listed_ids(block_times)), around
        )
        if is_occupying(state, last_state)
        and tuple(user) != RELOAD_USER
        and times.known(times.from_local(start)) <= now < times.known(times.from_local(end))
    )


def _instant(moment: datetime) -> int:
    return int(moment.timestamp())


def most_urgent_first(found: Collection[ReadyTime], now: int) -> list[ReadyTime]:
    """Those at risk, the worst of them on top; then what is on or to come; last what is over or skipped. By start."""
    ranks = {"bad": 0, "watch": 1}

    def urgency(each: ReadyTime) -> tuple[int, int, int]:
        return 3 if not each.is_open(now) else ranks.get(each.readiness.signal.level, 2), each.start, each.id

    return sorted(found, key=urgency)
