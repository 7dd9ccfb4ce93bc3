"""When the forecast is news: a class of the coming week that will lack machines, and that this is over (SPEC 9.6).

An example: the exam of Monday in a week. At noon the forecast sees that two machines will be missing, and at ten past
twelve it still does: people are told. On Wednesday five will be missing: told again, since more are missing and the
first news is a day old. On Friday a class is moved, and none is missing any more: that is told ten minutes later.

Six hours before the start the forecast falls silent, and so it does once somebody has asked for the machines: from then
on the class is told of by allocations and looks (`standing`). Both share one number, how many missing machines people
know of, so that nothing is told twice: two machines that were foreseen are no news when the allocation lacks the same
two, and when it gets all, what was foreseen is taken back as mended.
"""

from dataclasses import dataclass
from typing import NamedTuple

from scheduling.news.kinds import Kind
from scheduling.readiness import ASKED_AHEAD
from scheduling.windows import DAY, MINUTE, WEEK

AHEAD = WEEK  # what comes later may change in many ways yet
CONFIRMED = 10 * MINUTE  # from one forecast to another that says the same: a computer may be in maintenance for minutes
AGAIN = DAY  # from one shortage that is told to a larger one


class Seen(NamedTuple):
    """What a forecast said that people do not know yet: when (Unix seconds), and how many machines will be missing."""

    at: int
    missing: int


@dataclass(frozen=True, slots=True)
class Outlook:
    """What the forecast says of the class that starts at `start`, and what people know of it. Unix seconds, machines.

    `missing` machines will be missing; people know of `known`, whoever told them, and were told of a shortage last at
    `told_at`. `foreseen`: the forecast has told one that it has not taken back. `is_asked`: the machines have been
    asked for. `before`: what an earlier forecast said that people do not know yet.
    """

    start: int
    missing: int
    known: int = 0
    told_at: int | None = None
    foreseen: bool = False
    is_asked: bool = False
    before: Seen | None = None


class Step(NamedTuple):
    """The kind of news, None for none, and what the next forecast has to know of this one."""

    kind: Kind | None
    seen: Seen | None


def step(outlook: Outlook, now: int) -> Step:
    """What people are to be told at `now` (Unix seconds).

    Only what two forecasts ten minutes apart agree on is told. While more and more machines are missing, it waits.
    """
    kind, before, seen = _difference(outlook, now), outlook.before, Seen(now, outlook.missing)
    if kind is None:
        return Step(None, None)
    if before is None or _is_shortage(before.missing) != _is_shortage(seen.missing):
        return Step(None, seen)
    if now - before.at < CONFIRMED:
        return Step(None, before)
    if seen.missing > before.missing:
        return Step(None, seen)
    if kind is Kind.FORESEEN and outlook.told_at is not None and now - outlook.told_at < AGAIN:
        return Step(None, before)
    return Step(kind, None)


def _difference(outlook: Outlook, now: int) -> Kind | None:
    """What people do not know yet."""
    left = outlook.start - now
    if left <= ASKED_AHEAD:
        return None
    if outlook.missing > outlook.known:
        return Kind.FORESEEN if left <= AHEAD and not outlook.is_asked else None
    return Kind.FORESEEN_OVER if outlook.foreseen and outlook.known and not outlook.missing else None


def _is_shortage(missing: int) -> bool:
    return missing > 0
