"""The yardstick: the same allocation, written by hand in plain SQL for one image, on one open connection.

It is what a good engineer would write without concurrent callers, explanations and decision records to care for.
One SELECT for the load time (SPEC 6), one for the privilege tree, one that joins the rules of SPEC 4 over all
computers, one INSERT a table, COMMIT. Windows are one interval, wide enough for all steps of the stagger; memory of VM
hosts, clusters, limits of images, own reservations of members and loads that failed lately are left out. A management
node is the one with the fewest reservations before the call: what the call itself plans is not counted.
"""

import time
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from bench.calls.database import MARIADB, SQLITE, Connection, Database
from bench.calls.site import ZONE

_MARGIN = 600  # seconds before a load that the window begins
_LONG_LOAD = 840  # seconds of a load above which the stagger has double steps
_ALIVE, _AROUND, _CLAIM_SECONDS = 300, 1800, 45
_RELOAD, _RELOADER = 19, 2
_PROCESS = "raw-sql"  # marks its claims
_FORMAT = "%Y-%m-%d %H:%M:%S"

_SECONDS = {
    MARIADB: "TIMESTAMPDIFF(SECOND, start, loaded)",
    SQLITE: "CAST(strftime('%s', loaded) AS INTEGER) - CAST(strftime('%s', start) AS INTEGER)",
}
_LOAD_TIME = """
SELECT SUM(seconds), COUNT(*) FROM (
    SELECT {seconds} AS seconds FROM log WHERE imageid = %(image)s AND wasavailable = 1 AND nowfuture = 'now'
    AND ending <> 'failed' AND start > %(year_ago)s AND loaded > '1000-01-01'
) AS loads WHERE seconds > 120 AND seconds < 1800
"""
_RELOAD_TIME = "SELECT reloadtime FROM image WHERE id = %(image)s"

# The nodes where the group has a privilege and where groups of computers are offered, and the groups offered there.
_GRANTED = """
WITH RECURSIVE granted (node, cascading) AS (
    SELECT p.privnodeid, EXISTS (
        SELECT 1 FROM userpriv k JOIN userprivtype kt ON kt.id = k.userprivtypeid AND kt.name = 'cascade'
        WHERE k.usergroupid = p.usergroupid AND k.privnodeid = p.privnodeid)
    FROM userpriv p JOIN userprivtype t ON t.id = p.userprivtypeid
    WHERE p.usergroupid = %(group)s AND t.name IN ('imageAdmin', 'imageCheckOut')
    UNION
    SELECT n.id, 1 FROM granted g JOIN privnode n ON n.parent = g.node AND n.id <> n.parent
    WHERE g.cascading = 1 AND NOT EXISTS (
        SELECT 1 FROM userpriv b JOIN userprivtype bt ON bt.id = b.userprivtypeid AND bt.name = 'block'
        WHERE b.usergroupid = %(group)s AND b.privnodeid = n.id)
), offered (pool, node) AS (
    SELECT a.resourcegroupid, a.privnodeid FROM resourcepriv a JOIN resourcepriv c
    ON c.resourcegroupid = a.resourcegroupid AND c.privnodeid = a.privnodeid AND c.type = 'cascade'
    WHERE a.type = 'available'
    UNION
    SELECT o.pool, n.id FROM offered o JOIN privnode n ON n.parent = o.node AND n.id <> n.parent
)
SELECT a.resourcegroupid FROM resourcepriv a JOIN granted g ON g.node = a.privnodeid WHERE a.type = 'available'
UNION
SELECT o.pool FROM offered o JOIN granted g ON g.node = o.node WHERE NOT EXISTS (
    SELECT 1 FROM resourcepriv b
    WHERE b.resourcegroupid = o.pool AND b.privnodeid = o.node AND b.type = 'block')
"""

_PICK = """
SELECT c.id, MIN(n.place)
FROM computer c JOIN state s ON s.id = c.stateid JOIN image i ON i.id = %(image)s
JOIN resource cr ON cr.subid = c.id AND cr.resourcetypeid = (SELECT id FROM resourcetype WHERE name = 'computer')
JOIN resourcegroupmembers cm ON cm.resourceid = cr.id
LEFT JOIN (
    SELECT mp.resourcegroupid2 AS pool FROM resourcetype t JOIN resource r ON r.resourcetypeid = t.id
    JOIN resourcegroupmembers m ON m.resourceid = r.id JOIN resourcemap mp ON mp.resourcegroupid1 = m.resourcegroupid
    WHERE t.name = 'image' AND r.subid = %(image)s
    UNION
    SELECT mp.resourcegroupid1 FROM resourcetype t JOIN resource r ON r.resourcetypeid = t.id
    JOIN resourcegroupmembers m ON m.resourceid = r.id JOIN resourcemap mp ON mp.resourcegroupid2 = m.resourcegroupid
    WHERE t.name = 'image' AND r.subid = %(image)s
) AS mapped ON mapped.pool = cm.resourcegroupid
LEFT JOIN (
    SELECT mp.resourcegroupid2 AS pool, MIN(COALESCE(loads.number, 0) * 65536 + n.id) AS place
    FROM managementnode n JOIN state s ON s.id = n.stateid JOIN resourcetype t ON t.name = 'managementnode'
    JOIN resource r ON r.subid = n.id AND r.resourcetypeid = t.id JOIN resourcegroupmembers m ON m.resourceid = r.id
    JOIN resourcemap mp ON mp.resourcegroupid1 = m.resourcegroupid
    LEFT JOIN (
        SELECT v.managementnodeid AS node, COUNT(*) AS number FROM request q JOIN reservation v ON v.requestid = q.id
        WHERE q.start > %(around_begin)s AND q.start < %(around_end)s GROUP BY v.managementnodeid
    ) AS loads ON loads.node = n.id
    WHERE s.name NOT IN ('deleted', 'maintenance') AND n.lastcheckin > %(alive)s
    GROUP BY mp.resourcegroupid2
) AS n ON n.pool = cm.resourcegroupid
WHERE c.deleted = 0 AND c.platformid = i.platformid AND c.RAM >= i.minram AND c.procnumber >= i.minprocnumber
AND c.procspeed >= i.minprocspeed AND c.network >= i.minnetwork
AND s.name NOT IN ('maintenance', 'vmhostinuse', 'hpc', 'failed')
AND (%(from)s > %(now)s OR s.name NOT IN ('timeout', 'inuse'))
AND (c.type <> 'virtualmachine' OR c.vmhostid IS NOT NULL)
AND c.provisioningid IN (
    SELECT p.provisioningid FROM image i2 JOIN OS o ON o.id = i2.OSid JOIN OSinstalltype t ON t.name = o.installtype
    JOIN provisioningOSinstalltype p ON p.OSinstalltypeid = t.id WHERE i2.id = %(image)s)
AND c.scheduleid IN (SELECT scheduleid FROM scheduletimes WHERE start <= %(minute1)s AND `end` >= %(minute2)s)
AND c.scheduleid IN (SELECT scheduleid FROM scheduletimes WHERE start <= %(minute3)s AND `end` >= %(minute4)s)
AND NOT EXISTS (
    SELECT 1 FROM sitemaintenance
    WHERE allowreservations = 0 AND start < %(end)s AND `end` > %(from)s AND `end` > %(now)s)
AND NOT EXISTS (SELECT 1 FROM sitemaintenance WHERE start < %(from_and_30)s AND `end` > %(from)s)
AND c.id NOT IN (
    SELECT v.computerid FROM request q JOIN reservation v ON v.requestid = q.id
    WHERE q.start < %(end_and_15)s AND q.`end` > %(from_less_15)s
    AND q.stateid NOT IN (5, 12, 19) AND NOT (q.stateid = 14 AND q.laststateid = 19))
AND c.id NOT IN (
    SELECT b.computerid FROM blockTimes t JOIN blockComputers b ON b.blockTimeid = t.id
    LEFT JOIN request q ON q.id = b.reloadrequestid
    WHERE t.`end` > %(from)s AND (t.start < %(end)s OR q.start < %(end)s))
AND c.id NOT IN (SELECT computerid FROM semaphore WHERE expires >= %(utc)s AND procid NOT LIKE 'blockalloc-held:%%')
GROUP BY c.id HAVING COUNT(mapped.pool) > 0 AND COUNT(n.pool) > 0 {granted}
ORDER BY c.imagerevisionid <> %(revision)s, c.RAM, c.procspeed * c.procnumber, c.network, c.id LIMIT %(machines)s
"""
_REVISION = "SELECT MAX(id) FROM imagerevision WHERE imageid = %(image)s AND production = 1"


@dataclass(frozen=True, slots=True)
class Task:
    """An allocation to make. `start` and `end` are local times."""

    image: int
    group: int | None  # None: privileges are ignored
    start: datetime
    end: datetime
    machines: int
    block_time: int


class RawSQL:
    """The yardstick on one connection to a database."""

    def __init__(self, database: Database) -> None:
        self._connection = database.connect()
        self._load_time = _LOAD_TIME.format(seconds=_SECONDS[database.kind])
        self._percent = database.kind == MARIADB

    def allocate(self, task: Task) -> tuple[float, set[int]]:
        """Allocate, and undo it; the seconds of the allocation, and its computers."""
        began = time.perf_counter()
        picked, requests = self._allocate(task)
        took = time.perf_counter() - began
        if requests:
            self._undo(task, requests)
        return took, picked

    def close(self) -> None:
        """Give the connection back."""
        self._connection.close()

    def _allocate(self, task: Task) -> tuple[set[int], list[int]]:
        run, now = self._connection.run, datetime.now(UTC)
        local = now.astimezone(ZoneInfo(ZONE)).replace(tzinfo=None)
        params: dict[str, object] = {
            "image": task.image,
            "group": task.group,
            "year_ago": _stored(local - timedelta(days=365)),
        }
        seconds, number = run(self._load_time, params)[0]
        load = int(seconds) // number if number else 60 * run(_RELOAD_TIME, params)[0][0]
        ((revision,),) = run(_REVISION, params)
        granted = ""
        if task.group is not None:
            pools = ", ".join(str(pool) for (pool,) in run(_GRANTED, params)) or "0"
            granted = f"AND MAX(cm.resourcegroupid IN ({pools})) = 1"
        step = 120 if load > _LONG_LOAD else 60
        wide = task.start - timedelta(seconds=load + _MARGIN + step * task.machines)
        params |= _window(wide, task.end) | {
            "now": _stored(local), "utc": _stored(now), "alive": _stored(now - timedelta(seconds=_ALIVE)),
            "revision": revision, "machines": task.machines,
        }  # fmt: skip
        sql = _PICK.format(granted=granted)
        chosen = run(sql if self._percent else sql.replace("%%", "%"), params)
        requests = _write(self._connection, task, chosen, load, step, revision, now) if chosen else []
        self._connection.commit()
        return {computer for computer, _ in chosen}, requests

    def _undo(self, task: Task, requests: list[int]) -> None:
        first, last = {"id": requests[0]}, {"last": requests[-1]}
        for sql in (
            "DELETE FROM semaphore WHERE procid = %(process)s",
            "DELETE FROM blockComputers WHERE blockTimeid = %(time)s AND reloadrequestid BETWEEN %(id)s AND %(last)s",
            "DELETE FROM reservation WHERE requestid BETWEEN %(id)s AND %(last)s",
            "DELETE FROM request WHERE id BETWEEN %(id)s AND %(last)s",
        ):
            self._connection.run(sql, {**first, **last, "process": _PROCESS, "time": task.block_time})
        self._connection.commit()


def _write(
    connection: Connection,
    task: Task,
    picked: list[tuple[int, int]],
    load: int,
    step: int,
    revision: int,
    now: datetime,
) -> list[int]:
    """Insert all rows; the ids of the reload requests."""
    first = task.start - timedelta(seconds=load + _MARGIN)
    asked = _stored(now.astimezone(ZoneInfo(ZONE)))
    requests = connection.insert(
        "request",
        "stateid laststateid userid start end daterequested",
        [
            (_RELOAD, _RELOAD, _RELOADER, _stored(first - timedelta(seconds=step * n)), _stored(task.start), asked)
            for n in range(len(picked))
        ],
    )
    chosen = [(request, computer, place % 65536) for request, (computer, place) in zip(requests, picked, strict=True)]
    connection.insert(
        "reservation",
        "requestid computerid imageid imagerevisionid managementnodeid",
        [(request, computer, task.image, revision, node) for request, computer, node in chosen],
    )
    connection.insert(
        "blockComputers",
        "blockTimeid computerid imageid reloadrequestid",
        [(task.block_time, computer, task.image, request) for request, computer, _ in chosen],
    )
    until = _stored(now + timedelta(seconds=_CLAIM_SECONDS))
    connection.insert(
        "semaphore",
        "computerid imageid imagerevisionid managementnodeid expires procid",
        [(computer, task.image, revision, node, until, _PROCESS) for _, computer, node in chosen],
    )
    return requests


def _window(begin: datetime, end: datetime) -> dict[str, object]:
    """The parameters of a window: times for bookings in the way, minutes of the week for schedules."""
    margin, minute1, minute2 = timedelta(minutes=15), _minute(begin), _minute(end)
    # One that runs into the next week needs an entry to its end, and one from its begin.
    minutes = (minute1, minute2, minute1, minute2) if minute1 <= minute2 else (minute1, 10_080, 0, minute2)
    around = timedelta(seconds=_AROUND)
    return {
        "from": _stored(begin), "end": _stored(end),
        "from_less_15": _stored(begin - margin), "end_and_15": _stored(end + margin),
        "from_and_30": _stored(begin + 2 * margin),
        "around_begin": _stored(begin - around), "around_end": _stored(begin + around),
        **{f"minute{place}": minute for place, minute in enumerate(minutes, 1)},
    }  # fmt: skip


def _minute(moment: datetime) -> int:
    return moment.isoweekday() % 7 * 1440 + moment.hour * 60 + moment.minute


def _stored(moment: datetime) -> str:
    return moment.strftime(_FORMAT)
