"""Whether the site's clock may be trusted, by this look and the ones before it (SPEC 9).

One look can't distinguish a row that was written just now, in another zone, from one that is some hours old: on a quiet
site a right zone is called wrong now and then, and a wrong one reads as right most of the time. Looks that follow each
other closely can: a row that the last look did not have was written since then, and in the right zone it has the time
of now.

An example: the configured zone is five hours ahead of the site's. At 14:00 somebody reserves, and VCL writes 14:00. The
look of 14:00:30 has the time 19:00:30 and finds a new row of five hours ago: from then on the zone is in doubt. It
stays so until a new row has the time of now, or another zone is configured.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from enum import Enum
from typing import NamedTuple
from zoneinfo import ZoneInfo

from scheduling.site_clock import CLOCK_SECONDS, FRESH, Aged, Facts, Outcome, Verdict, aged_rows
from scheduling.windows import DAY, MINUTE
from scheduling.zones import QUARTER, offset_of

REMEMBERED = 7 * DAY  # how long a proof counts
CONSECUTIVE = 10 * MINUTE  # looks that are not further apart know which rows were written between them
_OLDEST_PROOF = QUARTER - FRESH  # a row of another zone is at least a quarter of an hour off, clocks of hosts less


class Doubt(Enum):
    """Why the clock is in doubt in a look."""

    NONE = "none"
    HOST = "host"  # this host's clock and the database's differ
    WRONG = "wrong"  # rows contradict the zone, by this look
    STANDING = "standing"  # they did in an earlier one, and no row has proved the zone since
    OTHER_ZONE = "other zone"  # another host of this service has just looked with another zone


class Trust(NamedTuple):
    """What may be done by the site's clock.

    `doubt`: the problems in words; "" when nothing is wrong. `evidence`: whether rows of VCL's show that the zone fits,
    so that anything may be removed at all. `ended`: whether what is over by this clock may be removed. `newest`: the
    time on the newest row of VCL's: what ended before it is over by VCL's own clock. `memory`: what this look leaves to
    the next one.
    """

    doubt: str = ""
    evidence: bool = False
    ended: bool = False
    newest: datetime | None = None
    memory: "Memory | None" = None

    def is_past(self, end: datetime | None) -> bool:
        """Whether something that ends when the site's clock shows `end`, and is over by ours, is over for certain."""
        if self.doubt or not self.evidence:
            return False
        return self.ended or (end is not None and self.newest is not None and self.newest >= end)


@dataclass(frozen=True, slots=True)
class Memory:
    """What is remembered from the last look.

    `at` and `host`: when and where it was. `zone` is the one that was configured. `newest`: the time on the newest row
    that it had, None where it had none or could not compare them. `proved`: when a row proved the zone last; `doubted`:
    since when the zone is in doubt. Instants are Unix seconds.
    """

    at: int
    host: str
    zone: str
    newest: datetime | None = None
    proved: int | None = None
    doubted: int | None = None


@dataclass(frozen=True, slots=True)
class Look:
    """What a look has shown: why the clock is in doubt, and what is to be remembered."""

    doubt: Doubt
    memory: Memory
    is_proved: bool = False
    newest: datetime | None = None


def look(facts: Facts, verdict: Verdict, last: Memory | None, host: str) -> Look:
    """A look by `host` at `facts`, of which `judge` has the `verdict`; `last` is the memory of the look before it."""
    zone, disagree = str(facts.zone), False
    closely = last is not None and -MINUTE <= facts.now - last.at <= CONSECUTIVE
    if last is not None and last.zone != zone:
        disagree = closely and last.host != host
        last = None
    if is_off(facts):  # rows can't be compared with this host's clock
        memory = replace(last or Memory(facts.now, host, zone), at=facts.now, host=host, newest=None)
        return Look(Doubt.HOST, memory)
    closely = closely and last is not None and last.newest is not None
    return _Comparison(facts, verdict, last, closely=closely).look(host, disagree=disagree)


def is_off(facts: Facts) -> bool:
    """Whether this host's clock is too far off the database's."""
    return abs(facts.database_ahead) > CLOCK_SECONDS


class _Comparison:
    """The rows of a look beside what is known of the look before it. `closely`: rows that it did not have are new."""

    def __init__(self, facts: Facts, verdict: Verdict, known: Memory | None, *, closely: bool) -> None:
        self._facts = facts
        self._is_wrong = verdict.outcome is Outcome.WRONG
        self._known = known
        self._closely = closely
        self._rows = [each for each in aged_rows(facts) if not each.row.rough]

    def look(self, host: str, *, disagree: bool) -> Look:
        now, zone = self._facts.now, self._facts.zone
        proved = self._known.proved if self._known else None
        doubted = self._known.doubted if self._known else None
        if self._speaks_against():
            proved, doubted = None, doubted or now
        elif self._proves(in_doubt=doubted is not None):
            proved, doubted = now, None
        newest = max((each.row.wall for each in self._rows), default=None)
        memory = Memory(now, host, str(zone), newest, proved, doubted)
        proof = is_proved(memory, zone, now)
        return Look(self._doubt(doubted, proof=proof, disagree=disagree), memory, proof, newest)

    def _doubt(self, doubted: int | None, *, proof: bool, disagree: bool) -> Doubt:
        # The zone was proved, and no row has been written since that speaks against it: the newest row is only old.
        if self._is_wrong and not (self._closely and proof):
            return Doubt.WRONG
        if doubted is not None:
            return Doubt.STANDING
        return Doubt.OTHER_ZONE if disagree else Doubt.NONE

    @property
    def _new(self) -> Sequence[Aged]:
        """The rows that were written since the last look, as far as that is known."""
        assert self._known is not None
        assert self._known.newest is not None
        return [each for each in self._rows if each.row.wall > self._known.newest]

    def _speaks_against(self) -> bool:
        """Whether the zone is wrong beyond this look."""
        if not self._closely:
            # The newest row may be old. Where the zone has been proved it is; else the zone has to be proved first.
            known = self._known is not None and is_proved(self._known, self._facts.zone, self._facts.now)
            return self._is_wrong and not known
        if not self._new:
            return False
        assert self._known is not None
        oldest = _OLDEST_PROOF + max(self._facts.now - self._known.at, 0)
        return self._is_wrong or min(each.age for each in self._new) >= oldest

    def _proves(self, *, in_doubt: bool) -> bool:
        """Whether a row was written just now by the clock of the zone."""
        if self._is_wrong or (in_doubt and not self._closely):
            return False
        rows = self._new if self._closely else self._rows
        return any(-FRESH <= each.age < _OLDEST_PROOF for each in rows)


def is_proved(memory: Memory, zone: ZoneInfo, now: int) -> bool:
    """Whether a row has proved the zone, and its clock has not been put forward or back since."""
    at = memory.proved
    return at is not None and now - REMEMBERED < at <= now and offset_of(zone, at) == offset_of(zone, now)
