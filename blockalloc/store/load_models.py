"""Load models of images, from the loads that keep_ready saw and those that VCL's log knows of."""

from collections import defaultdict
from collections.abc import Mapping
from typing import NamedTuple

from blockalloc.models import SeenLoad
from blockalloc.store import loads, times
from blockalloc.store.sql import ALL_ROWS, fetch, listed_ids
from scheduling.load_time.history import Ending, History, LoadGroup, PastLoads
from scheduling.load_time.learning import learned
from scheduling.load_time.model import LoadModel
from scheduling.load_time.seen import SeenLoad as Seen
from scheduling.load_time.seen import load_groups
from scheduling.windows import DAY

_MOST_SEEN = 1000  # of the latest loads that were seen, of all images asked for together
_SEEN_SINCE = 365 * DAY

_SEEN = f"""
SELECT * FROM (
    SELECT l.image_id, NULL, 1, l.revision_id, l.node_id, l.begun, l.at_work, l.`over`, l.outcome, n.lastcheckin
    FROM {SeenLoad._meta.db_table} l LEFT JOIN managementnode n ON n.id = l.node_id
    WHERE l.revision_id IN (SELECT v.id FROM imagerevision v WHERE v.imageid IN ({{images}})) AND l.begun > %s
    ORDER BY l.begun DESC LIMIT {_MOST_SEEN}
) AS seen
"""


class _Row(NamedTuple):
    """A row of the statement: loads of the log of one length (NULL: failed), or one load that was seen."""

    image_id: int
    seconds: float | None
    number: int
    revision_id: int | None
    node_id: int | None
    begun: times.Stored
    at_work: times.Stored
    over: times.Stored
    outcome: str | None
    alive: times.Stored


def models(images: Mapping[int, tuple[int, int]], now: int) -> dict[int, LoadModel]:
    """Image -> its load model; the images come as image -> (production revision, `reloadtime` in minutes).

    One statement, whatever the number of images and of loads; none without images.
    """
    if not images:
        return {}
    logged = loads.select_lengths(images, now)
    sql = (
        f"SELECT lengths.*, NULL, NULL, NULL, NULL, NULL, NULL, NULL FROM ({logged.sql} LIMIT {ALL_ROWS}) AS lengths "
        f"UNION ALL {_SEEN.format(images=listed_ids(images))}"
    )
    rows: dict[int, list[_Row]] = defaultdict(list)
    for row in map(_Row._make, fetch(sql, [*logged.params, times.to_utc(now - _SEEN_SINCE)])):
        rows[row.image_id].append(row)
    return {
        image: learned(_history(rows.get(image, []), revision, now), minutes)
        for image, (revision, minutes) in images.items()
    }


def model(image_id: int, revision_id: int, reload_minutes: int, now: int) -> LoadModel:
    """The load model of one image. One statement."""
    return models({image_id: (revision_id, reload_minutes)}, now)[image_id]


def _history(rows: list[_Row], revision_id: int, now: int) -> History:
    """The log does not say of which revision a load was."""
    seen = [row for row in rows if row.outcome is not None]
    groups = [
        load_groups([_seen(row) for row in seen if (row.revision_id == revision_id) is of_revision], now)
        for of_revision in (True, False)
    ]
    logged = [
        LoadGroup(0, row.number, Ending.FAILED) if row.seconds is None else LoadGroup(float(row.seconds), row.number)
        for row in rows
        if row.outcome is None
    ]
    return History(revision=PastLoads(seen=groups[0]), image=PastLoads(seen=groups[1], logged=logged))


def _seen(row: _Row) -> Seen:
    begun, at_work = (times.from_utc(each) or 0 for each in (row.begun, row.at_work))
    over, alive = times.from_utc(row.over), times.from_utc(row.alive)
    return Seen(row.node_id, begun, at_work, over, row.outcome or "", alive)
