"""What is measured on a day, from the rows and from what the back end does."""

from collections import Counter
from dataclasses import dataclass, field

from bench.readiness import site
from simulation.back_end import states
from simulation.back_end.events import Event, What
from simulation.days.day import Day
from tests.support.sites.rows import IMAGE

# Seats by the first sentence of SPEC section 9: on each computer of the class, what is wrong with it, "" for nothing.
_SEATS = """
SELECT b.computerid, c.stateid, c.currentimageid, c.imagerevisionid, v.id,
  (SELECT COUNT(*) FROM reservation r JOIN request q ON q.id = r.requestid
   JOIN usergroupmembers m ON m.userid = q.userid AND m.usergroupid = w.groupid
   WHERE r.computerid = b.computerid AND q.stateid NOT IN (5, 12, 1, 11) AND q.start <= %s AND q.`end` > %s),
  (SELECT COUNT(*) FROM reservation r JOIN request q ON q.id = r.requestid
   JOIN user u ON u.id = q.userid
   LEFT JOIN usergroupmembers m ON m.userid = q.userid AND m.usergroupid = w.groupid
   WHERE r.computerid = b.computerid AND q.stateid NOT IN (5, 12) AND q.start <= %s AND q.`end` > %s
     AND u.unityid <> 'vclreload' AND m.userid IS NULL)
FROM blockComputers b JOIN blockTimes t ON t.id = b.blockTimeid JOIN blockRequest w ON w.id = t.blockRequestid
JOIN computer c ON c.id = b.computerid
JOIN imagerevision v ON v.imageid = b.imageid AND v.production = 1
WHERE b.blockTimeid = %s AND c.deleted = 0
"""
_CLASS_RELOAD = "SELECT COUNT(*) FROM blockComputers b WHERE b.reloadrequestid = %s"
_BY_USER = """
SELECT COUNT(*) FROM request q JOIN user u ON u.id = q.userid WHERE q.id = %s AND u.unityid <> 'vclreload'
"""
_HELD = """
SELECT DISTINCT s.computerid FROM semaphore s JOIN blockComputers b ON b.computerid = s.computerid
WHERE b.blockTimeid = %s AND s.procid LIKE %s AND s.expires >= %s
"""
_OURS = "blockalloc-held:%"


@dataclass
class Seats:
    """The seats of a class at an instant: how many are ready, and what is wrong with the others."""

    ready: int = 0
    wrong: Counter[str] = field(default_factory=Counter)


class Watch:
    """Watches a day. `begins`: computer -> when it was first taken from others for the class (Unix seconds)."""

    def __init__(self, day: Day, wanted: int) -> None:
        self.dropped = 0
        self.ended_by_users = 0
        self.failed = 0
        self.begins: dict[int, int] = {}
        self._held_since: dict[int, int] = {}
        self._day = day
        self._send = day.front_end.connection.send
        self._wanted = wanted
        day.watchers.append(self._see)

    def seats(self) -> Seats:
        """The seats at this second."""
        now = self._day.front_end.local(self._day.now)
        seats = Seats()
        for row in self._send(_SEATS, [now, now, now, now, site.BLOCK_TIME]).rows:
            wrong = _what_is_wrong(row)
            if wrong:
                seats.wrong[wrong] += 1
            else:
                seats.ready += 1
        missing = self._wanted - seats.ready - seats.wrong.total()
        if missing > 0:
            seats.wrong["no computer"] = missing
        seats.ready = min(seats.ready, self._wanted)
        return seats

    def look_at_holds(self) -> None:
        """Note since when our holds have been there; to be called each minute."""
        front_end = self._day.front_end
        rows = self._send(_HELD, [site.BLOCK_TIME, _OURS, front_end.utc(self._day.now)]).rows
        held = {row[0] for row in rows}
        self._held_since = {each: self._held_since.get(each, self._day.now) for each in held}

    def minutes_taken(self) -> float:
        """Minutes from the begin of a load for the class, or of the hold that leads to it, to the start: their sum."""
        return sum(max(0, site.START - at) for at in self.begins.values()) / 60

    def _see(self, event: Event) -> None:
        if event.what is What.RELOAD_DROPPED:
            self.dropped += self._counts(_CLASS_RELOAD, event.request)
        elif event.what is What.LOAD_BEGAN and self._counts(_CLASS_RELOAD, event.request):
            begin = self._held_since.get(event.computer, event.at)
            self.begins.setdefault(event.computer, min(begin, event.at))
        elif event.what is What.RESERVATION_FAILED:
            self.failed += self._counts(_CLASS_RELOAD, event.request)
        elif event.what is What.COMPETITOR_COMPLETED and event.state == states.PENDING:
            by = int(event.detail.rpartition(" ")[2])
            self.ended_by_users += self._counts(_CLASS_RELOAD, event.request) * self._counts(_BY_USER, by)

    def _counts(self, sql: str, request: int) -> int:
        return int(self._send(sql, [request]).rows[0][0] > 0)


def _what_is_wrong(row: tuple[int, ...]) -> str:
    """What keeps a computer of the class from being ready; "" when it is."""
    _computer, state, image, revision, production, members, others = row
    if others:
        return "a user"
    if state in (states.RELOADING, states.RELOAD):
        return "loading"
    if state == states.MAINTENANCE:
        return "in maintenance"
    if state not in (states.AVAILABLE, states.RESERVED, states.INUSE):
        return "failed or timed out"
    if image != IMAGE or revision != production:
        return "not loaded"
    return "" if state == states.AVAILABLE or members else "a user"
