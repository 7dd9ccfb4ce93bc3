"""What is measured on a day, from the rows and from what the back end does."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field

from bench.readiness import site
from simulation.back_end import states
from simulation.back_end.events import Event, What
from simulation.days.day import Day

# Seats by the first sentence of SPEC section 9: on each computer of the class, what is wrong with it, "" for nothing.
_SEATS = """
SELECT b.imageid, c.stateid, c.currentimageid, c.imagerevisionid, v.id,
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
_CLASS_OF = "SELECT b.blockTimeid FROM blockComputers b WHERE b.reloadrequestid = %s ORDER BY b.blockTimeid LIMIT 1"
_BY_USER = """
SELECT COUNT(*) FROM request q JOIN user u ON u.id = q.userid WHERE q.id = %s AND u.unityid <> 'vclreload'
"""
_HELD = """
SELECT DISTINCT s.computerid FROM semaphore s JOIN blockComputers b ON b.computerid = s.computerid
WHERE s.procid LIKE %s AND s.expires >= %s
"""
_OURS = "blockalloc-held:%"
_FREE = """
SELECT COUNT(*) FROM computer c WHERE c.deleted = 0 AND c.stateid = 2 AND c.id NOT IN
  (SELECT r.computerid FROM reservation r JOIN request q ON q.id = r.requestid WHERE q.stateid NOT IN (5, 12))
"""


@dataclass
class Seats:
    """The seats of a class at an instant: how many are ready, and what is wrong with the others."""

    ready: int = 0
    wrong: Counter[str] = field(default_factory=Counter)


@dataclass
class Counts:
    """What happened to the reloads of a class.

    `begins`: computer -> when it was first taken from others for the class (Unix seconds). `no_turn`: loads that
    failed since no place became free for them; `longest_wait`: seconds that one waited for a place at most.
    """

    dropped: int = 0
    ended_by_users: int = 0
    failed: int = 0
    no_turn: int = 0
    longest_wait: int = 0
    begins: dict[int, int] = field(default_factory=dict)

    def minutes_taken(self) -> float:
        """Minutes from the begin of a load for the class, or of the hold that leads to it, to the start: their sum."""
        return sum(max(0, site.START - at) for at in self.begins.values()) / 60


class Watch:
    """Watches a day. `counts`: block time -> what happened; `others_no_turn`: loads for others that got no place."""

    def __init__(self, day: Day, block_times: Iterable[int]) -> None:
        self.counts = {block_time: Counts() for block_time in block_times}
        self.others_no_turn = 0
        self._held_since: dict[int, int] = {}
        self._day = day
        self._send = day.front_end.connection.send
        day.watchers.append(self._see)

    def seats(self, block_time: int, wanted: int) -> Seats:
        """The seats of a class at this second."""
        now = self._day.front_end.local(self._day.now)
        seats = Seats()
        for row in self._send(_SEATS, [now, now, now, now, block_time]).rows:
            wrong = _what_is_wrong(row)
            if wrong:
                seats.wrong[wrong] += 1
            else:
                seats.ready += 1
        missing = wanted - seats.ready - seats.wrong.total()
        if missing > 0:
            seats.wrong["no computer"] = missing
        seats.ready = min(seats.ready, wanted)
        return seats

    def free_computers(self) -> int:
        """How many computers are available and in no reservation."""
        return int(self._send(_FREE).rows[0][0])

    def look_at_holds(self) -> None:
        """Note since when our holds have been there; to be called each minute."""
        front_end = self._day.front_end
        rows = self._send(_HELD, [_OURS, front_end.utc(self._day.now)]).rows
        held = {row[0] for row in rows}
        self._held_since = {each: self._held_since.get(each, self._day.now) for each in held}

    def _see(self, event: Event) -> None:
        if event.what not in _SEEN:
            return
        counts = self._of_class(event.request)
        if counts is None:
            self.others_no_turn += event.what is What.NO_TURN
        elif event.what is What.RELOAD_DROPPED:
            counts.dropped += 1
        elif event.what is What.LOAD_BEGAN:
            begin = self._held_since.get(event.computer, event.at)
            counts.begins.setdefault(event.computer, min(begin, event.at))
        elif event.what is What.RESERVATION_FAILED:
            counts.failed += 1
        elif event.what is What.COMPETITOR_COMPLETED:
            counts.ended_by_users += event.state == states.PENDING and self._is_users(event)
        else:
            counts.no_turn += event.what is What.NO_TURN
            counts.longest_wait = max(counts.longest_wait, int(event.detail))

    def _of_class(self, request: int) -> Counts | None:
        """The counts of the class that a reload is for."""
        rows = self._send(_CLASS_OF, [request]).rows
        return self.counts.get(rows[0][0]) if rows else None

    def _is_users(self, event: Event) -> bool:
        """Whether the request for which a competitor was completed is a user's."""
        return int(self._send(_BY_USER, [int(event.detail.rpartition(" ")[2])]).rows[0][0]) > 0


_SEEN = {
    What.RELOAD_DROPPED, What.LOAD_BEGAN, What.RESERVATION_FAILED, What.COMPETITOR_COMPLETED,
    What.TURN_CAME, What.NO_TURN,
}  # fmt: skip


def _what_is_wrong(row: tuple[int, ...]) -> str:
    """What keeps a computer of the class from being ready; "" when it is."""
    wanted, state, image, revision, production, members, others = row
    if others:
        return "a user"
    if state in (states.RELOADING, states.RELOAD):
        return "loading"
    if state == states.MAINTENANCE:
        return "in maintenance"
    if state not in (states.AVAILABLE, states.RESERVED, states.INUSE):
        return "failed or timed out"
    if image != wanted or revision != production:
        return "not loaded"
    return "" if state == states.AVAILABLE or members else "a user"
