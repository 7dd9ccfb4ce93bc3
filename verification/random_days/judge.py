"""What must not happen on any day, judged by the rows, by the log of the back end, and by what users got.

Nothing of the service's rules is used here. The judge remembers when each computer was planned to be loaded for a
block time, since VCL's rows forget it.
"""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import NamedTuple

from blockalloc.inspection import TAKEN_TWICE, Finding, inspect
from simulation.back_end.events import Event, What
from simulation.back_end.mails import Kind
from simulation.back_end.site import Site
from simulation.connections import Connection
from simulation.front_end.session import FrontEnd
from verification.random_days.day import HOUR, MINUTE

RELOAD = 19
BELL = (-5 * MINUTE, 15 * MINUTE)  # around a class's start computers that are loaded for it are not held (SPEC 8.7)

_ROWS = """
SELECT b.blockTimeid, b.computerid, b.reloadrequestid, q.start, t.start, t.`end`
FROM blockComputers b JOIN blockTimes t ON t.id = b.blockTimeid LEFT JOIN request q ON q.id = b.reloadrequestid
"""
_TIMES = """
SELECT t.id, t.start, t.`end`, t.processed, t.skip, r.status, r.numMachines, r.groupid, r.expireTime
FROM blockTimes t JOIN blockRequest r ON r.id = t.blockRequestid
"""
_RELOADS = f"""
SELECT q.id, v.computerid, q.preload FROM request q JOIN reservation v ON v.requestid = q.id
WHERE q.stateid = {RELOAD} AND q.laststateid = {RELOAD}
"""  # noqa: S608 - a number


_RESERVED = f"""
SELECT v.computerid, q.id, q.start, q.`end` FROM request q JOIN reservation v ON v.requestid = q.id
WHERE q.stateid NOT IN (5, 12, {RELOAD}) AND NOT (q.stateid = 14 AND q.laststateid = {RELOAD})
"""  # noqa: S608 - a number


class BlockComputer(NamedTuple):
    """A computer that a block time has, from when its load was planned to the end (Unix seconds)."""

    block_time: int
    computer: int
    request: int
    since: int
    start: int
    end: int


class Time(NamedTuple):
    """A block time."""

    id: int
    start: int
    end: int
    processed: int
    skip: int
    status: str
    machines: int
    group: int
    expires: int

    @property
    def takes_place(self) -> bool:
        """Whether it is to be filled."""
        return not self.skip and self.status == "accepted"


class Got(NamedTuple):
    """A computer that a user got. `user_group` is that of the user's class, 0 for a stranger.

    `held_by_us` are computers of the user's own class that were refused because of rows of ours. `sent_on`: they were
    lost to other users, and then the front end no longer leaves out other classes' computers.
    """

    user_group: int
    computer: int
    request: int
    held_by_us: frozenset[int]
    sent_on: bool


def _meet(own: BlockComputer, hours: tuple[int, int] | None) -> bool:
    """Whether the class is on at some of these hours."""
    return hours is not None and own.start < hours[1] and hours[0] < own.end


@dataclass
class Judge:
    """Collects what went wrong, in words; and counts events, to show that the days are worth playing."""

    front_end: FrontEnd
    site: Site
    wrong: list[str] = field(default_factory=list)
    counts: Counter[str] = field(default_factory=Counter)
    planned: dict[tuple[int, int, int], int] = field(default_factory=dict)  # block time, computer, request -> since
    ours: dict[int, set[tuple[int, int]]] = field(default_factory=dict)  # request -> block times and computers
    warned: set[int] = field(default_factory=set)  # block times of which an answer warned
    gaps: set[tuple[int, int]] = field(default_factory=set)  # computer, request: what the front end itself did

    @property
    def connection(self) -> Connection:
        """Of everybody but the service."""
        return self.front_end.connection

    # --- the rows -------------------------------------------------------------------------------

    def block_computers(self) -> list[BlockComputer]:
        """The block computers now."""
        instant, computers = self.front_end.instant, []
        for time, computer, request, reload, start, end in self.connection.send(_ROWS).rows:
            begins = instant(start)
            since = self.planned.get((time, computer, request))
            if since is None:
                since = instant(reload) if reload is not None else begins
            computers.append(BlockComputer(time, computer, request, since, begins, instant(end)))
        return computers

    def times(self) -> list[Time]:
        """All block times."""
        instant = self.front_end.instant
        return [
            Time(id_, instant(start), instant(end), processed, skip, status, machines, group, instant(expires))
            for id_, start, end, processed, skip, status, machines, group, expires in self.connection.send(_TIMES).rows
        ]

    def fail(self, now: int, text: str) -> None:
        """Something went wrong."""
        self.wrong.append(f"{self.front_end.local(now)[11:]} {text}")

    # --- after a call of ours -------------------------------------------------------------------

    def after_call(self, now: int, before: Iterable[BlockComputer]) -> None:
        """No allocation gives a computer that is loaded or loading for a class to another one."""
        old = {(each.block_time, each.computer, each.request) for each in before}
        computers = self.block_computers()
        new = [each for each in computers if (each.block_time, each.computer, each.request) not in old]
        for each in new:
            self.planned[each.block_time, each.computer, each.request] = each.since
            self.ours.setdefault(each.request, set()).add((each.block_time, each.computer))
            self.counts["computers allocated"] += 1
            for other in computers:
                meets = other.computer == each.computer and other.since < each.end and each.since < other.end
                if meets and other.block_time != each.block_time:
                    self.fail(
                        now, f"computer {each.computer} of block time {other.block_time} went to {each.block_time}"
                    )

    # --- the back end ---------------------------------------------------------------------------

    def watch(self, event: Event) -> None:
        """No reload of ours begins on a computer that another class has."""
        if event.what is not What.LOAD_BEGAN or event.request not in self.ours:
            return
        self.counts["loads of ours"] += 1
        own = {time for time, computer in self.ours[event.request] if computer == event.computer}
        for other in self.block_computers():
            if other.computer == event.computer and other.since <= event.at < other.end and other.block_time not in own:
                text = f"reload {event.request} of block time {sorted(own)} begins on computer {event.computer}"
                self.fail(event.at, f"{text}, which block time {other.block_time} has")

    def mails(self, first: int) -> int:
        """No false alarm: judges the mails from number `first` on; returns how many there are."""
        for mail in self.site.mails[first:]:
            self.counts[f"mail {mail.kind.name}"] += 1
            if mail.kind is Kind.DONE:
                continue
            have = sum(each.block_time == mail.block_time for each in self.block_computers())
            warned = mail.block_time in self.warned and mail.kind is Kind.ALARM
            if have >= mail.wanted and not warned:
                self.fail(
                    mail.at, f"alarm for block time {mail.block_time}, which has its {have} machines: {mail.kind}"
                )
        return len(self.site.mails)

    # --- users ----------------------------------------------------------------------------------

    def got(self, now: int, got: Got, hours: tuple[int, int]) -> None:
        """No member is given another class's computer because of a row of ours, and none is promised to both."""
        self.counts["reservations"] += 1
        for block_computer in self.block_computers():
            if block_computer.computer != got.computer or not _meet(block_computer, hours):
                continue
            (group,) = {time.group for time in self.times() if time.id == block_computer.block_time}
            if group == got.user_group:
                self.counts["members on their computers"] += 1
            elif got.held_by_us:
                whose = f"computer {got.computer} of block time {block_computer.block_time}"
                self.fail(now, f"a member was given {whose}: {set(got.held_by_us)} were held")
                self.gaps.add((got.computer, got.request))  # check_vcl is right to find it
            elif got.sent_on:
                self.counts["sent on to another class"] += 1
                self.gaps.add((got.computer, got.request))
            elif BELL[0] <= now - block_computer.start <= BELL[1]:
                self.counts["let in around a class's start"] += 1
                self.gaps.add((got.computer, got.request))
            else:
                whose = f"computer {got.computer} of block time {block_computer.block_time}"
                self.fail(now, f"{whose} was given to request {got.request}")

    # --- check_vcl ------------------------------------------------------------------------------

    def inspect(self, now: int) -> None:
        """The inspection and the rows agree on what is in order."""
        findings = inspect(now)
        self.counts["inspections"] += 1
        computers, times = self.block_computers(), self.times()
        have = Counter(each.block_time for each in computers)
        short = {
            time.id for time in times
            if time.takes_place and now < min(time.end, time.expires) and time.start <= now + 6 * HOUR - 5 * MINUTE
            and have[time.id] < time.machines
        }  # fmt: skip
        named = {(each.request, each.computer) for each in computers}
        waiting = {(id_, computer): preload for id_, computer, preload in self.connection.send(_RELOADS).rows}
        abandoned = {
            id_ for id_, computer in waiting
            if (id_, computer) not in named and any(computer == of for _, of in self.ours.get(id_, ()))
        }  # fmt: skip
        early = {
            each.request for each in computers if waiting.get((each.request, each.computer)) == 0
            and each.since > now and any(time.id == each.block_time and time.takes_place for time in times)
        }  # fmt: skip
        ended = {time.id for time in times if time.end < now - 15 * MINUTE}
        there = {
            "short_class": short, "abandoned_reload": abandoned, "ended_block_time": ended, "early_reload": early,
            "partial_call": set(),
        }  # fmt: skip
        for kind, ids in there.items():
            key = "request" if kind.endswith("_reload") else "block_time"
            self._agree(now, kind, ids, {each.subject.get(key, 0) for each in findings if each.kind == kind})
        self.counts["short classes found"] += len(short)
        self.counts["abandoned reloads found"] += len(abandoned)
        self._taken_twice(now, computers, findings)

    def _taken_twice(self, now: int, computers: Iterable[BlockComputer], findings: Iterable[Finding]) -> None:
        """The inspection finds each computer that the front end gave away in a gap, and no other one."""
        reported = {
            (each.subject["computer"], each.subject.get("request", 0)) for each in findings if each.kind in TAKEN_TWICE
        }
        still = self.reserved(now)
        there = {
            gap for gap in self.gaps
            if any(each.computer == gap[0] and _meet(each, still.get(gap)) and each.end > now for each in computers)
        }  # fmt: skip
        self.counts["gaps reported"] += len(there)
        if reported != there:
            self.fail(
                now, f"check_vcl says {sorted(reported)} are taken twice (computer, request), not {sorted(there)}"
            )

    def reserved(self, now: int) -> dict[tuple[int, int], tuple[int, int]]:
        """(computer, request) -> hours, of what users have reserved and is not over."""
        instant = self.front_end.instant
        return {
            (computer, request): (instant(start), instant(end))
            for computer, request, start, end in self.connection.send(_RESERVED).rows
            if instant(end) > now
        }

    def _agree(self, now: int, kind: str, there: set[int], reported: set[int]) -> None:
        if there != reported:
            self.fail(now, f"check_vcl says {kind} of {sorted(reported)}, the rows say {sorted(there)}")

    # --- when the day is over -------------------------------------------------------------------

    def at_the_end(self, now: int) -> None:
        """Every block is cleared after its end."""
        for time in self.times():
            if time.end < now - 5 * MINUTE:
                self.fail(now, f"block time {time.id} is over and still there")

    def nothing_is_forked(self, before: Counter[tuple[str, int, int]]) -> None:
        """Nothing is forked any more for block times that are over; `before` are the counts of earlier rounds."""
        for (kind, request, time), number in (self.site.log.forked - before).items():
            self.fail(self.site.now, f"{number} processes of kind {kind} for block request {request}, time {time}")
