"""The loads that keep_ready saw, and the images that staff trust again. Instants are Unix seconds.

Everything here is a single statement, which is committed at once: several processes may look at the same time.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import NamedTuple

from django.conf import settings

from blockalloc.models import ClassHeld, ImageTrust, PlannedReload, SeenLoad
from blockalloc.store import times
from blockalloc.store.past import Past
from blockalloc.store.sql import Value, execute, fetch, insert, listed_ids, placeholders
from scheduling.ready_computer import FAILED_STEPS
from scheduling.rules import CHECKIN_SECONDS
from scheduling.state_ids import COMPLETE, FAILED, PENDING, RELOAD
from scheduling.upkeep.broken_image import LoadRecord
from scheduling.upkeep.seen_loads import AT_WORK, LOADED, UNKNOWN, LoadFacts, NewLoad, SeenLoads
from scheduling.upkeep.seen_loads import FAILED as FAILED_LOAD
from scheduling.windows import DAY, HOUR, MINUTE

_SEEN, _PLANNED = SeenLoad._meta.db_table, PlannedReload._meta.db_table
_TRUST, _CLASSES = ImageTrust._meta.db_table, ClassHeld._meta.db_table

_PLANNED_SINCE = 15 * MINUTE  # a reload of ours that is gone is looked at for so long after its planned start
_FAILURES_SINCE = 30 * DAY
# One that seems to be at work for longer hangs. It says nothing about its image, nor does one whose node is silent, or
# whose computer the class does not have any more.
_LONGEST_LOAD = HOUR
_LOAD_BEGINS = "loadimageblade"  # the back end's first step of every load, whatever the provisioning engine


class _Row(NamedTuple):
    """A row of _LOADS."""

    noted_id: int | None
    last_over: times.Stored
    request_id: int
    computer_id: int
    request_state: int | None
    image_id: int
    revision_id: int | None
    node_id: int | None
    local_start: times.Stored
    utc_start: times.Stored
    block_time_id: int | None
    hostname: str
    provisioning: str
    state: str
    deleted: int
    current_revision_id: int
    production_id: int
    load_begun: times.Stored
    has_failed_step: int
    row_is_lost: int


# The three kinds: requests that the back end works on or has just ended; loads noted as at work whose request is
# neither any more; reloads of ours that began and were over between two looks.
_REQUESTS = f"""
SELECT l.id AS noted_id,
       (SELECT MAX(o.`over`) FROM {_SEEN} o WHERE o.request_id = q.id AND o.computer_id = v.computerid) AS last_over,
       q.id AS request_id, v.computerid AS computer_id, q.stateid AS request_state, v.imageid AS image_id,
       v.imagerevisionid AS revision_id, v.managementnodeid AS node_id, q.start AS local_start, NULL AS utc_start,
       COALESCE(
           l.block_time_id,
           (SELECT MIN(b.blockTimeid) FROM blockComputers b
            WHERE b.computerid = v.computerid AND b.reloadrequestid = q.id),
           (SELECT MIN(p.block_time_id) FROM {_PLANNED} p
            WHERE p.request_id = q.id AND p.computer_id = v.computerid),
           (SELECT b.blockTimeid FROM blockComputers b JOIN blockTimes t ON t.id = b.blockTimeid
            WHERE b.computerid = v.computerid AND b.imageid = v.imageid ORDER BY t.start, t.id LIMIT 1)
       ) AS block_time_id,
       v.id AS reservation_id
FROM request q JOIN reservation v ON v.requestid = q.id
LEFT JOIN {_SEEN} l ON l.request_id = q.id AND l.computer_id = v.computerid AND l.outcome = '{AT_WORK}'
WHERE q.stateid IN ({PENDING}, {COMPLETE}, {FAILED}) AND q.laststateid = {RELOAD}
"""
_NOTED = f"""
SELECT l.id, NULL, l.request_id, l.computer_id, q.stateid, l.image_id, l.revision_id, l.node_id, NULL, l.begun,
       l.block_time_id, v.id
FROM {_SEEN} l LEFT JOIN request q ON q.id = l.request_id
LEFT JOIN reservation v ON v.requestid = l.request_id AND v.computerid = l.computer_id
WHERE l.outcome = '{AT_WORK}'
  AND (v.id IS NULL OR q.stateid NOT IN ({PENDING}, {COMPLETE}, {FAILED}) OR q.laststateid <> {RELOAD})
"""
# Which image a computer of a cluster was to load goes with its row.
_UNSEEN = f"""
SELECT NULL, NULL, p.request_id, p.computer_id, NULL, r.imageid, NULL, NULL, NULL, p.start, p.block_time_id, NULL
FROM {_PLANNED} p JOIN blockTimes t ON t.id = p.block_time_id JOIN blockRequest r ON r.id = t.blockRequestid
JOIN image i ON i.id = r.imageid LEFT JOIN imagemeta m ON m.id = i.imagemetaid
WHERE p.start > %s AND p.start <= %s AND COALESCE(m.subimages, 0) = 0
  AND NOT EXISTS (SELECT 1 FROM request q WHERE q.id = p.request_id)
  AND NOT EXISTS (SELECT 1 FROM {_SEEN} l WHERE l.request_id = p.request_id AND l.computer_id = p.computer_id)
"""
_STEPS = ", ".join(f"'{step}'" for step in sorted(FAILED_STEPS))
_LOADS = f"""
SELECT k.noted_id, k.last_over, k.request_id, k.computer_id, k.request_state, k.image_id, k.revision_id, k.node_id,
       k.local_start, k.utc_start, k.block_time_id, COALESCE(c.hostname, ''), COALESCE(e.name, ''),
       COALESCE(s.name, ''), COALESCE(c.deleted, 1), COALESCE(c.imagerevisionid, 0),
       COALESCE((SELECT MAX(i.id) FROM imagerevision i WHERE i.imageid = k.image_id AND i.production = 1), 0),
       g.timestamp,
       EXISTS (SELECT 1 FROM computerloadlog f JOIN computerloadstate y ON y.id = f.loadstateid
               WHERE f.reservationid = k.reservation_id AND f.id > COALESCE(g.id, 0)
                 AND y.loadstatename IN ({_STEPS})),
       t.id IS NOT NULL AND b.computerid IS NULL
FROM ({_REQUESTS} UNION ALL {_NOTED} UNION ALL {_UNSEEN}) AS k
LEFT JOIN computer c ON c.id = k.computer_id LEFT JOIN state s ON s.id = c.stateid
LEFT JOIN provisioning e ON e.id = c.provisioningid
LEFT JOIN blockTimes t ON t.id = k.block_time_id AND t.skip = 0 AND t.`end` > %s
LEFT JOIN blockComputers b ON b.blockTimeid = k.block_time_id AND b.computerid = k.computer_id
LEFT JOIN computerloadlog g ON g.id = (
    SELECT MAX(x.id) FROM computerloadlog x JOIN computerloadstate z ON z.id = x.loadstateid
    WHERE x.reservationid = k.reservation_id AND z.loadstatename = '{_LOAD_BEGINS}'
)
ORDER BY k.request_id, k.computer_id
"""


def read(now: int) -> list[LoadFacts]:
    """The loads that may be at work or have just ended, and all that are noted as at work. One statement."""
    limits = [times.to_utc(now - _PLANNED_SINCE), times.to_utc(now), times.to_local(now)]
    loads: dict[tuple[int, int, int | None], LoadFacts] = {}
    for row in map(_Row._make, fetch(_LOADS, limits)):
        # Two reservations of a request for one computer are an error of VCL's: the first one counts.
        loads.setdefault((row.request_id, row.computer_id, row.noted_id), _facts(row))
    return [*loads.values()]


def _facts(row: _Row) -> LoadFacts:
    start = times.from_local(row.local_start) if row.local_start else times.from_utc(row.utc_start)
    return LoadFacts(
        request_id=row.request_id,
        computer_id=row.computer_id,
        hostname=row.hostname,
        image_id=row.image_id,
        revision_id=row.revision_id or row.production_id,
        node_id=row.node_id,
        provisioning=row.provisioning,
        start=start or 0,
        noted_id=row.noted_id,
        last_over=times.from_utc(row.last_over),
        is_begun=row.request_state == PENDING,
        load_begun=times.from_local(row.load_begun),
        has_failed_step=bool(row.has_failed_step),
        production_id=row.production_id,
        state="deleted" if row.deleted else row.state,
        current_revision_id=row.current_revision_id,
        block_time_id=row.block_time_id,
        row_is_lost=bool(row.row_is_lost),
    )


_COLUMNS = (
    *("request_id", "computer_id", "hostname", "image_id", "revision_id", "node_id", "provisioning"),
    *("block_time_id", "begun", "begun_is_exact", "at_work", "over", "outcome"),
)


def note(seen: SeenLoads, now: int) -> None:
    """Write what a look at `now` saw, in two statements at most; none when it saw nothing.

    What another look has noted or decided meanwhile stays as it is.
    """
    if seen.new:
        insert(_SEEN, _COLUMNS, [_values(each, now) for each in seen.new], if_new=True)
    if seen.at_work or seen.over:
        _move_on(seen, now)


def _values(load: NewLoad, now: int) -> list[Value]:
    facts = load.facts
    at = times.to_utc(now)
    return [
        *(facts.request_id, facts.computer_id, facts.hostname, facts.image_id, facts.loads_revision_id, facts.node_id),
        *(facts.provisioning, facts.block_time_id, times.to_utc(load.begun), load.is_exact),
        *(at, None if load.outcome == AT_WORK else at, load.outcome),
    ]


def _move_on(seen: SeenLoads, now: int) -> None:
    """Loads that go on were at work at `now`; those that are over get their outcome."""
    ids = listed_ids([*seen.at_work, *(id_ for id_, _ in seen.over)])
    at = times.to_utc(now)
    if not seen.over:
        execute(
            f"UPDATE {_SEEN} SET at_work = %s WHERE id IN ({ids}) AND outcome = %s AND at_work < %s", [at, AT_WORK, at]
        )
        return
    over = listed_ids(id_ for id_, _ in seen.over)
    cases = " ".join(["WHEN %s THEN %s"] * len(seen.over))
    # `outcome` last: MariaDB assigns from left to right.
    execute(
        f"UPDATE {_SEEN} SET at_work = CASE WHEN id IN ({over}) OR at_work > %s THEN at_work ELSE %s END, "
        f"`over` = CASE WHEN id IN ({over}) THEN %s END, outcome = CASE id {cases} ELSE outcome END "
        f"WHERE id IN ({ids}) AND outcome = %s",
        [at, at, at, *(value for pair in seen.over for value in pair), AT_WORK],
    )


def disown(block_time_id: int, computer_ids: Iterable[int], now: int) -> None:
    """What becomes of loads at work on these computers says nothing any more: the block time was made to give them up.

    Else a block row that is gone would look like a load that failed.
    """
    execute(
        f"UPDATE {_SEEN} SET outcome = %s, `over` = %s "
        f"WHERE outcome = %s AND block_time_id = %s AND computer_id IN ({listed_ids(computer_ids)})",
        [UNKNOWN, times.to_utc(now), AT_WORK, block_time_id],
    )


def past(now: int) -> Past:
    """Loads that began more than VCL_SEEN_LOAD_DAYS before `now`."""
    return Past(_SEEN, "begun < %s", [times.to_utc(now - settings.VCL_SEEN_LOAD_DAYS * DAY)], since="begun")


def past_trust(now: int) -> Past:
    """What staff said about images so long ago that no failure from before counts any more."""
    before = times.to_utc(now - _FAILURES_SINCE - DAY)
    return Past(_TRUST, "trusted < %s", [before], since="trusted", key="image_id")


# --- Images that fail -----------------------------------------------------------------------------

# Of revisions of which a load failed: the loads that failed or are at work, and when one of them last succeeded.
_RECORDS = f"""
SELECT l.image_id, l.revision_id, l.block_time_id, l.outcome, l.`over`, h.wanted,
       (SELECT MAX(x.`over`) FROM {_SEEN} x WHERE x.revision_id = l.revision_id AND x.outcome = '{LOADED}')
FROM (SELECT DISTINCT revision_id FROM {_SEEN} WHERE outcome = '{FAILED_LOAD}' AND `over` > %s) AS r
JOIN {_SEEN} l ON l.revision_id = r.revision_id
LEFT JOIN {_TRUST} i ON i.image_id = l.image_id
LEFT JOIN {_CLASSES} h ON h.block_time_id = l.block_time_id
WHERE ((l.outcome = '{FAILED_LOAD}' AND l.`over` > %s) OR (
       l.outcome = '{AT_WORK}' AND l.begun > %s
       AND EXISTS (SELECT 1 FROM managementnode n WHERE n.id = l.node_id AND n.lastcheckin > %s)
       AND EXISTS (SELECT 1 FROM blockComputers b
                   WHERE b.blockTimeid = l.block_time_id AND b.computerid = l.computer_id)))
  AND (i.trusted IS NULL OR l.begun > i.trusted)
ORDER BY l.id
"""


class Records(NamedTuple):
    """Loads that say whether images fail, and the machines that classes which have begun were to have."""

    loads: Sequence[LoadRecord]
    machines: Mapping[int, int]


def records(now: int) -> Records:
    """The loads of the last two days of all revisions of which one failed. One statement.

    Failures of loads that began before staff trusted the image again are left out.
    """
    since = times.to_utc(now - _FAILURES_SINCE)
    loads: list[LoadRecord] = []
    machines: dict[int, int] = {}
    successes: dict[int, LoadRecord] = {}
    alive = times.check_in_limit(now - CHECKIN_SECONDS)
    rows = fetch(_RECORDS, [since, since, times.to_utc(now - _LONGEST_LOAD), alive])
    for image, revision, block_time, outcome, over, wanted, succeeded in rows:
        loads.append(LoadRecord(image, revision, block_time, outcome, times.from_utc(over)))
        if wanted is not None:
            machines[block_time] = wanted
        if succeeded is not None:
            successes[revision] = LoadRecord(image, revision, None, LOADED, times.from_utc(succeeded))
    return Records([*loads, *successes.values()], machines)


def trust(image_ids: Iterable[int], now: int) -> None:
    """Let failures of loads of these images that began before `now` no longer count."""
    rows: list[list[Value]] = [[image, times.to_utc(now)] for image in sorted(set(image_ids))]
    if rows:
        insert(_TRUST, ["image_id", "trusted"], rows, replace=True)


class ImageName(NamedTuple):
    """What staff call an image, and a revision of it."""

    image: str
    revision: int


def image_names(revision_ids: Collection[int]) -> dict[int, ImageName]:
    """Revision -> its names. One statement; none for no revisions."""
    if not revision_ids:
        return {}
    sql = (
        "SELECT v.id, i.prettyname, v.revision FROM imagerevision v JOIN image i ON i.id = v.imageid "
        f"WHERE v.id IN ({placeholders(len(revision_ids))})"
    )
    return {id_: ImageName(name, number) for id_, name, number in fetch(sql, [*revision_ids])}
