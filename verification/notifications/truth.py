"""What became of the classes: by VCL's rows, and by the signal of the pages where the rows alone say nothing.

This is what the mails are compared with. It uses none of the code that makes news: it counts machines with SQL of its
own after each look of `keep_ready` and each call, and asks the pages only whether a class is at risk.
"""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from blockalloc.models import BlockTime
from blockalloc.reports import readiness
from simulation.back_end import states
from simulation.days.day import Day
from verification.notifications.changes import What
from verification.notifications.week import HOUR, MINUTE

AHEAD = 6 * HOUR  # before its start a class is looked at
AT_ONCE = 15 * MINUTE  # before the start a risk counts that was seen once
_NOT_USABLE = (states.DELETED, states.FAILED, states.MAINTENANCE)
_IN_USE = (states.AVAILABLE, states.RESERVED, states.INUSE)
_BETWEEN_LOOKS = MINUTE
_ONE_BY_ONE = 15 * MINUTE
_AFTER_START = 10 * MINUTE  # in which a class that is not ready is told

_CLASSES = """
SELECT t.id, r.numMachines, t.processed, t.skip, r.status, t.start, t.`end`
FROM blockTimes t JOIN blockRequest r ON r.id = t.blockRequestid WHERE t.`end` > %s
"""
_RESERVED = """
SELECT v.computerid, q.userid, m.usergroupid FROM reservation v JOIN request q ON q.id = v.requestid
JOIN user u ON u.id = q.userid LEFT JOIN usergroupmembers m ON m.userid = q.userid
WHERE q.stateid NOT IN (1, 5, 11, 12) AND q.start <= %s AND q.`end` > %s AND u.unityid <> 'vclreload'
"""
_SEATS = """
SELECT b.blockTimeid, r.groupid, c.id, c.stateid, c.currentimageid = b.imageid, c.imagerevisionid = v.id,
       EXISTS (SELECT 1 FROM request q WHERE q.id = b.reloadrequestid AND q.stateid IN (14, 19))
FROM blockComputers b JOIN blockTimes t ON t.id = b.blockTimeid JOIN blockRequest r ON r.id = t.blockRequestid
JOIN computer c ON c.id = b.computerid JOIN imagerevision v ON v.imageid = b.imageid AND v.production = 1
WHERE c.deleted = 0 AND t.`end` > %s
"""


class Change(NamedTuple):
    """A change of a class, with its machines at that time (Unix seconds); `usable` ones have not failed."""

    at: int
    what: What
    wanted: int
    usable: int
    ready: int

    @property
    def missing(self) -> int:
        """How many machines it lacks."""
        return self.wanted - self.usable


class Seen(NamedTuple):
    """A class at a moment: after a look, or after a `call`. `is_bad`: the pages say that it is in trouble; `is_risk`:
    since machines that it has may be late.
    """

    at: int
    start: int
    wanted: int
    usable: int
    ready: int
    is_bad: bool
    is_risk: bool
    is_call: bool = False

    def change(self, what: What) -> Change:
        """A change that is seen now."""
        return Change(self.at, what, self.wanted, self.usable, self.ready)


@dataclass
class Course:
    """The course of a class: its changes, and the trouble in which it is now."""

    changes: list[Change] = field(default_factory=list)
    missing: int = 0  # the most of this shortage that had to be told, the last of it at `missing_since`
    missing_since: int = 0
    lacked: list[tuple[int, int]] = field(default_factory=list)  # when it was seen, and how many machines it lacked
    is_at_risk: bool = False
    is_late: bool = False
    bad_since: int | None = None
    is_started: bool = False
    closed: int | None = None  # when it was over, skipped, released or no longer accepted

    def see(self, seen: Seen) -> None:
        """Take in what is seen at a moment."""
        self.lacked.append((seen.at, max(seen.wanted - seen.usable, 0)))
        self._see_the_end(seen)
        if seen.is_call:
            self._see_shortage(seen)
            return
        self.bad_since = (self.bad_since or seen.at) if seen.is_bad else None
        if seen.at >= seen.start and not self.is_started:
            self.is_started = True
            if seen.ready < seen.usable and seen.at < seen.start + _AFTER_START:
                self._lack(seen, seen.at)
                self.is_late = True
                self.changes.append(seen.change(What.NOT_READY))
                return
        self._see_shortage(seen)
        if seen.is_risk and seen.at < seen.start and self._is_sure(seen) and not self.is_at_risk:
            self.is_at_risk = True
            self.changes.append(seen.change(What.AT_RISK))

    def close(self, at: int) -> None:
        """Nothing that happens to it matters any more."""
        self.missing, self.is_at_risk, self.is_late, self.bad_since = 0, False, False, None
        self.closed = self.closed or at

    def _see_the_end(self, seen: Seen) -> None:
        all_ready = seen.ready >= seen.wanted and not seen.is_bad and not seen.is_call
        if (self.is_at_risk or self.is_late) and all_ready:
            self.is_at_risk, self.is_late, self.missing = False, False, 0
            self.changes.append(seen.change(What.READY))
        elif self.missing and seen.usable >= seen.wanted:
            self.missing = 0
            self.changes.append(seen.change(What.MENDED))

    def _is_sure(self, seen: Seen) -> bool:
        """Whether looks have seen the trouble for long enough."""
        if self.bad_since is None:
            return False
        return seen.at - self.bad_since >= _BETWEEN_LOOKS or seen.start - seen.at < AT_ONCE

    def _see_shortage(self, seen: Seen) -> None:
        """A class that loses one computer after another is short of more every quarter of an hour, or has none left."""
        missing = seen.wanted - seen.usable
        is_told_later = self.missing and seen.usable and seen.at < self.missing_since + _ONE_BY_ONE
        if missing > self.missing and not is_told_later:
            is_confirmed = seen.is_call or seen.at - (self.bad_since or seen.at) >= _BETWEEN_LOOKS
            self._lack(seen, seen.at if is_confirmed else seen.at + _BETWEEN_LOOKS)
            self.changes.append(seen.change(What.SHORT))

    def _lack(self, seen: Seen, since: int) -> None:
        """Note a shortage that people are told at `since`."""
        if seen.wanted - seen.usable > self.missing:
            self.missing, self.missing_since = seen.wanted - seen.usable, since


class Truth:
    """Watches all classes. `courses`: block time -> its course. `released`: block times that staff have released."""

    def __init__(self, day: Day) -> None:
        self.courses: dict[int, Course] = defaultdict(Course)
        self.released: set[int] = set()
        self._day = day
        self._send = day.front_end.connection.send

    def look(self) -> None:
        """Look at all classes that are not over."""
        now = self._day.now
        rows = self._send(_CLASSES, [self._day.front_end.local(now)]).rows
        for id_ in self.courses.keys() - {row[0] for row in rows}:
            self.courses[id_].close(now)
        self._see(rows)

    def called(self, block_time: int) -> None:
        """Look at a class that is not over, after a call about it."""
        rows = self._send(_CLASSES, [self._day.front_end.local(self._day.now)]).rows
        self._see([row for row in rows if row[0] == block_time], is_call=True)

    def _see(self, rows: Sequence[tuple[Any, ...]], *, is_call: bool = False) -> None:
        now, instant = self._day.now, self._day.front_end.instant
        signals = self._signals([row[0] for row in rows if instant(row[5]) < now + AHEAD])
        seats = self._seats()
        for id_, wanted, processed, skip, status, start, _end in rows:
            usable, ready = seats.get(id_, (0, 0))
            if skip or status != "accepted" or id_ in self.released:
                self.courses[id_].close(now)
            elif processed or usable:  # otherwise nobody has asked for it
                risk = signals.get(id_)
                machines = min(usable, wanted), min(ready, wanted)
                seen = Seen(now, instant(start), wanted, *machines, risk is not None, bool(risk), is_call)
                self.courses[id_].see(seen)

    def _signals(self, ids: Sequence[int]) -> dict[int, bool]:
        """The block times that the pages say are in trouble, and whether machines that they have may be late."""
        query = BlockTime.objects.filter(pk__in=ids)
        read = readiness.read(query, self._day.now, closed=False, people=False) if ids else []
        signals = {each.id: each.readiness.signal for each in read}
        return {id_: signal.is_risk for id_, signal in signals.items() if signal.level == "bad"}

    def _seats(self) -> dict[int, tuple[int, int]]:
        """Block time -> its computers that have not failed, and how many of them are ready (SPEC 9, first sentence)."""
        now = self._day.front_end.local(self._day.now)
        groups: dict[int, set[int]] = defaultdict(set)  # computer -> user groups of those who have reserved it
        for computer, _user, group in self._send(_RESERVED, [now, now]).rows:
            groups[computer].add(group or 0)
        counts: dict[int, tuple[int, int]] = {}
        for id_, group, computer, state, has_image, has_revision, has_reload in self._send(_SEATS, [now]).rows:
            is_loaded, is_own = has_image and has_revision, group in groups.get(computer, ())
            is_free = state == states.AVAILABLE and computer not in groups
            is_seat = is_free or (is_own and state in _IN_USE)
            is_usable = state not in _NOT_USABLE and (is_loaded or has_reload or not is_free)
            usable, ready = counts.get(id_, (0, 0))
            counts[id_] = usable + is_usable, ready + bool(is_loaded and is_seat)
        return counts
