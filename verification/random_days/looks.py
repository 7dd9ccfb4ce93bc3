"""The looks of keep_ready on a random day, and what must not happen in them or because of them (SPEC 9).

The rows are judged by SQL of its own. Only whether there were computers to spare is asked of the service's planner.
"""

import logging
from collections import Counter
from collections.abc import Collection, Iterable, Iterator
from contextlib import contextmanager
from typing import NamedTuple

from blockalloc.allocation.look import dry_run
from blockalloc.allocation.result import assignments
from blockalloc.contract.messages import BlockAllocationCall, Caller, Refusal
from blockalloc.models import Decision
from blockalloc.upkeep import loads
from blockalloc.upkeep.passes import Keeper
from scheduling.mending import Mending
from verification.random_days.day import HOUR, LOAD_MINUTES, MINUTE
from verification.random_days.judge import BlockComputer, Judge, Time

AHEAD = 6 * HOUR  # how long before its start a class is looked at
BACK_END_FIRST = 7 * MINUTE  # in this time after a class comes into those hours, or into being, the back end asks
LAST_CALL = 12 * MINUTE  # before a class: what is known to be lost by now must have been exchanged
SOON, PAUSE = 90 * MINUTE, 6 * MINUTE  # so long before a class it may wait so long for another attempt
_RECLAIM = 2 * MINUTE  # from a user's end to the load after it
_SPARE = 5  # machines that are enough to know that there are some
_CALLER = Caller(3, "vclsystem@Local")
_NOT_USABLE = (1, 5, 10, 20)  # deleted, failed, maintenance, vmhostinuse: states of computers
_AVAILABLE, _IN_USE, _RELOAD, _PENDING = 2, 8, 19, 14

_OF_USERS = f"""
SELECT b.blockTimeid, b.computerid, q.id, q.start, q.`end`, q.stateid, v.imageid = b.imageid,
       EXISTS (SELECT 1 FROM usergroupmembers m WHERE m.userid = q.userid AND m.usergroupid = r.groupid)
FROM blockComputers b JOIN blockTimes t ON t.id = b.blockTimeid JOIN blockRequest r ON r.id = t.blockRequestid
JOIN reservation v ON v.computerid = b.computerid JOIN request q ON q.id = v.requestid
WHERE q.stateid NOT IN (1, 5, 12, {_RELOAD}) AND NOT (q.stateid = {_PENDING} AND q.laststateid = {_RELOAD})
"""  # noqa: S608 - numbers
_COMPUTERS = f"""
SELECT b.blockTimeid, b.computerid, c.stateid, c.currentimageid = b.imageid,
       EXISTS (SELECT 1 FROM reservation v JOIN request q ON q.id = v.requestid WHERE v.computerid = c.id AND
               (q.stateid = {_RELOAD} OR q.stateid = {_PENDING}))
FROM blockComputers b JOIN computer c ON c.id = b.computerid
"""  # noqa: S608 - numbers
_HELD_AND_LOADED = """
SELECT s.computerid, b.blockTimeid FROM semaphore s JOIN computer c ON c.id = s.computerid
JOIN blockComputers b ON b.computerid = c.id AND b.imageid = c.currentimageid
WHERE s.procid LIKE 'blockalloc-held:keep_ready.%%' AND c.stateid = 2
"""
_PROCESSED_NOW = """
SELECT t.id FROM blockTimes t JOIN blockRequest r ON r.id = t.blockRequestid WHERE r.processing = 1 OR t.processed = 0
"""


class Use(NamedTuple):
    """A user's reservation of a computer of a block time. `has_image`: it is for the image of the class."""

    block_time: int
    computer: int
    request: int
    start: int
    end: int
    state: int
    has_image: bool
    is_member: bool


class Looks:
    """Looks of keep_ready. `released`: block times whose computers staff have taken away, until somebody asks again."""

    def __init__(self, judge: Judge) -> None:
        self._judge = judge
        self._keeper = Keeper()
        self._images: dict[int, int] = {}  # block time -> image
        self._first_seen: dict[int, int] = {}  # block time -> the look that saw it first, within the hours
        self._lacking: dict[int, int] = {}  # block time -> since when it lacks something that could be had
        self.released: set[int] = set()

    def look(self, now: int) -> None:
        """One look, and all that is to be true before and after it."""
        before, used = self._judge.block_computers(), self._used_by_members(now)
        with _complaints() as complaints:
            report = self._keeper.look()
        self._judge.counts["looks"] += 1
        self._judge.counts["block times put right"] += len(report.actions)
        self._judge.counts["computers held"] += report.held
        if report.doubt:
            self._judge.fail(now, f"nothing was changed: {report.doubt}")
        for complaint in complaints:
            self._judge.fail(now, f"the look complains: {complaint}")
        self._judge.after_call(now, before)
        after = self._judge.block_computers()
        self._nothing_is_taken_from_members(now, used, after)
        self._released_stays_released(now, before, after)
        self._loaded_ones_are_not_held(now)
        self._classes(now, after, self._given_up(now, before, after))

    # --- what a look must not do -----------------------------------------------------------------

    def _used_by_members(self, now: int) -> set[tuple[int, int]]:
        """The computers that a member of their class uses: before its start with its image, then with any."""
        times = {time.id: time for time in self._judge.times()}
        return {
            (use.block_time, use.computer)
            for use in self._uses()
            if use.is_member and use.start <= now < use.end and use.state == _IN_USE
            and (use.has_image or times[use.block_time].start <= now) and times[use.block_time].end > now
        }  # fmt: skip

    def _nothing_is_taken_from_members(
        self, now: int, used: Iterable[tuple[int, int]], after: Iterable[BlockComputer]
    ) -> None:
        left = {(each.block_time, each.computer) for each in after}
        for time, computer in set(used) - left:
            self._judge.fail(now, f"computer {computer} was taken from block time {time}: a member uses it")
        self._judge.counts["seats in use in a look"] += len(set(used))

    def _released_stays_released(
        self, now: int, before: Iterable[BlockComputer], after: Iterable[BlockComputer]
    ) -> None:
        had = {each.block_time for each in before}
        for time in {each.block_time for each in after} & self.released - had:
            self._judge.fail(now, f"block time {time} was released, and got computers again")

    def _loaded_ones_are_not_held(self, now: int) -> None:
        over = {time.id for time in self._judge.times() if time.end <= now}
        for computer, time in self._judge.connection.send(_HELD_AND_LOADED).rows:
            if time not in over:
                self._judge.fail(now, f"computer {computer} is held, and loaded for block time {time}")

    # --- what it has to do -----------------------------------------------------------------------

    def _given_up(self, now: int, before: Iterable[BlockComputer], after: Iterable[BlockComputer]) -> set[int]:
        """Computers that the look has taken from classes that take place: others can have them from the next look on.

        A class may have had its turn before. What is left over of other block times is let go before any class's turn.
        """
        take_place = {time.id for time in self._judge.times() if time.takes_place}
        left = {(each.block_time, each.computer) for each in after}
        return {
            each.computer for each in before
            if each.block_time in take_place and each.end > now and (each.block_time, each.computer) not in left
        }  # fmt: skip

    def _classes(self, now: int, computers: list[BlockComputer], given_up: Collection[int]) -> None:
        due = [time for time in self._judge.times() if self._is_due(time, now)]
        have = Counter(each.block_time for each in computers)
        lost = self._lost(now, {time.id: time for time in due})
        for time in due:
            texts = [f"it has computer {computer}, {why}" for of, computer, why in lost if of == time.id]
            if have[time.id] < time.machines:
                texts.append(f"it has {have[time.id]} of {time.machines} machines")
            self._judge.counts["looks at a class that lacks something"] += bool(texts)
            if not (texts and (spare := self._spare(time, now, given_up))):
                self._lacking.pop(time.id, None)
            elif now - self._lacking.setdefault(time.id, now) >= (PAUSE if time.start - now > SOON else 0):
                self._judge.fail(now, f"block time {time.id}: {'; '.join(texts)}; {spare} more could be had")
            self._at_the_bell(time, now)

    def _is_due(self, time: Time, now: int) -> bool:
        """Whether it is to have all that it can get."""
        within = time.takes_place and now < min(time.end, time.expires) and time.start <= now + AHEAD
        if not within:
            return False
        waits = {id_ for (id_,) in self._judge.connection.send(_PROCESSED_NOW).rows}
        since = self._first_seen.setdefault(time.id, now)
        if time.id in self.released or (time.id in waits and now < since + BACK_END_FIRST):
            return False
        load = LOAD_MINUTES[self._image(time)] * MINUTE
        return now <= time.start or now + load <= (time.start + time.end) // 2

    def _lost(self, now: int, due: dict[int, Time]) -> Iterator[tuple[int, int, str]]:
        """(block time, computer, why) of computers that will not be ready."""
        return iter([*self._slipped_in(now, due), *self._hopeless(now, due)])

    def _slipped_in(self, now: int, due: dict[int, Time]) -> Iterator[tuple[int, int, str]]:
        """Computers that somebody else has in the hours of the class: exchanged by the next look."""
        for use in self._uses():
            time = due.get(use.block_time)
            if time and not use.is_member and use.start < time.end and use.end > max(now, time.start):
                yield time.id, use.computer, f"which request {use.request} has in its hours"

    def _hopeless(self, now: int, due: dict[int, Time]) -> Iterator[tuple[int, int, str]]:
        """Computers that cannot be ready by the start by what is known now; those that fail, at once."""
        for of, computer, state, has_image, to_load in self._judge.connection.send(_COMPUTERS).rows:
            time = due.get(of)
            if time is None:
                continue
            if state in _NOT_USABLE:
                yield of, computer, f"which is in state {state}"
            elif now <= time.start and state == _AVAILABLE and not has_image and not to_load:
                yield of, computer, "which nobody will load"
        for use in self._uses():
            time = due.get(use.block_time)
            stays = time and not (use.is_member and use.has_image) and use.start <= now and use.end >= time.start
            if time and stays and time.start - LAST_CALL <= now < time.start and use.end + _RECLAIM > time.start:
                yield time.id, use.computer, f"which request {use.request} keeps until its start"

    def _spare(self, time: Time, now: int, given_up: Collection[int]) -> int:
        """Machines that the class could get in addition, by the planner; none while its image fails to load.

        Those that have only just been given up (`given_up`) don't count.
        """
        image = self._image(time)
        if image in loads.image_stops({each.id: each.machines for each in self._judge.times()}, now):
            self._judge.counts["looks with a broken image"] += 1
            return 0
        machines = _SPARE + len(given_up)
        call = BlockAllocationCall(image, time.start, time.end, machines, time.group, True, 0)
        try:
            taken = dry_run(call, _CALLER, now, lambda _order: Mending()).machines
        except Refusal:
            return 0
        return sum(each.computer.id not in given_up for each in assignments(taken))

    def _at_the_bell(self, time: Time, now: int) -> None:
        """Count what is ready when a class starts."""
        if now - MINUTE < time.start <= now:
            rows = self._judge.connection.send(_COMPUTERS).rows
            ready = sum(of == time.id and has_image and state not in _NOT_USABLE for of, _, state, has_image, _ in rows)
            self._judge.counts["machines wanted at the start"] += time.machines
            self._judge.counts["machines ready at the start"] += ready

    # --- rows -------------------------------------------------------------------------------------

    def _uses(self) -> list[Use]:
        instant = self._judge.front_end.instant
        return [
            Use(time, computer, request, instant(start), instant(end), state, bool(has_image), bool(is_member))
            for time, computer, request, start, end, state, has_image, is_member
            in self._judge.connection.send(_OF_USERS).rows
        ]  # fmt: skip

    def _image(self, time: Time) -> int:
        if time.id not in self._images:
            sql = "SELECT r.imageid FROM blockTimes t JOIN blockRequest r ON r.id = t.blockRequestid WHERE t.id = %s"
            self._images[time.id] = self._judge.connection.send(sql, [time.id]).rows[0][0]
        return self._images[time.id]

    # --- at the end of the day --------------------------------------------------------------------

    def at_the_end(self, now: int) -> None:
        """No record says the same twice: one in which nothing changed differs from the one before it."""
        last: dict[int | None, tuple[str, int | None, int | None]] = {}
        for each in Decision.objects.filter(action=Decision.KEEP_READY).order_by("pk"):
            changed = any(word in each.text for word in ("given up:", "taken:", "loaded again:"))
            changed |= each.outcome == Decision.DONE or (each.allocated or 0) > (each.had or 0)
            news = each.text, each.had, each.allocated
            if not changed and last.get(each.block_time_id) == news:
                self._judge.fail(now, f"recorded twice of block time {each.block_time_id}: {each.text}")
            last[each.block_time_id] = news
        self._judge.counts["records of keep_ready"] += Decision.objects.filter(action=Decision.KEEP_READY).count()


@contextmanager
def _complaints() -> Iterator[list[str]]:
    """What is logged as a warning or an error in a look; the days are played without logging."""
    texts: list[str] = []
    handler = logging.Handler(logging.WARNING)
    handler.emit = lambda record: texts.append(record.getMessage())  # type: ignore[method-assign]
    logger, disabled = logging.getLogger("blockalloc"), logging.root.manager.disable
    logging.disable(logging.NOTSET)
    logger.addHandler(handler)
    propagate, logger.propagate = logger.propagate, False
    try:
        yield texts
    finally:
        logger.propagate = propagate
        logger.removeHandler(handler)
        logging.disable(disabled)
