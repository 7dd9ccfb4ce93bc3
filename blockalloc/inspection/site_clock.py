"""Whether the site's clock is right: VCL_TIME_ZONE beside the times of VCL's rows, and the clocks of hosts."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from django.conf import settings
from django.db import DatabaseError

from blockalloc import clock
from blockalloc.demo.database import read_mark
from blockalloc.inspection import words
from blockalloc.inspection.findings import Finding
from blockalloc.store import site_clock as store
from blockalloc.store.inspection_rows import one_moment
from scheduling.site_clock import Facts, Host, Outcome, Verdict, WrongClock, judge, wrong_clocks

_ON_THIS_HOST = {
    Host.WRITER_DATABASE: "the clock of the database server, by the rows of VCL that it has dated,",
    Host.WRITER_FRONT_END: "the clock of VCL's front end, by log.start,",
}


@dataclass(frozen=True, slots=True)
class Examination:
    """What VCL's rows say of the site's clock.

    `zone`: of VCL_TIME_ZONE; FITS only means that nothing speaks against it, NO_EVIDENCE that nothing speaks at all.
    `problems`: a line each on what is wrong, the zone and the clocks of hosts; empty when nothing is.
    `in_doubt`: whether this service's own times can't be trusted: the zone is wrong, or this host's clock beside the
    database's. To be asked before anything is done that depends on them.
    """

    zone: Outcome
    problems: Sequence[str]
    in_doubt: bool = False


def examine() -> Examination:
    """Compare now, in a transaction of its own. Raises DatabaseError when the database does not answer as VCL's."""
    ahead = store.database_ahead()
    with one_moment():
        facts = store.read(clock.now(), ahead)
        verdict = _verdict(facts)
    problems = [finding.text for finding in _findings(facts, verdict)]
    return Examination(verdict.outcome, problems, in_doubt=bool(doubts(facts, verdict)))


def findings(now: int, database_ahead: int = 0) -> Iterator[Finding]:
    """The same for an inspection at `now` (Unix seconds), in the caller's transaction.

    `database_ahead`: by how many seconds the database's clock is ahead of the one that gave `now`.
    """
    facts = store.read(now, database_ahead)
    yield from _findings(facts, _verdict(facts))


def compare(facts: Facts) -> Verdict:
    """What the rows say of the zone, on whatever site."""
    return judge(facts, lambda seconds: store.silent_days(facts.now, seconds))


def doubts(facts: Facts, verdict: Verdict) -> list[str]:
    """Why this service's own times can't be trusted, in words; empty when they can."""
    zone = [_of_zone(verdict)] if verdict.outcome is Outcome.WRONG else []
    return [*zone, *(_of_clock(each) for each in wrong_clocks(facts) if each.host is Host.DATABASE)]


def _verdict(facts: Facts) -> Verdict:
    verdict = compare(facts)
    return Verdict(Outcome.NO_EVIDENCE) if verdict.outcome is Outcome.WRONG and is_demo() else verdict


def is_demo() -> bool:
    """Whether this is the demo site: its rows are this service's own work, and say nothing of the zone."""
    try:
        return read_mark() is not None
    except DatabaseError:  # VCL's table of variables is none that everything else needs
        return False


def _findings(facts: Facts, verdict: Verdict) -> Iterator[Finding]:
    if verdict.outcome is Outcome.WRONG:
        subject = {
            "zone": settings.TIME_ZONE,
            "ahead": verdict.ahead,
            "exact": verdict.exact,
            "likely": list(verdict.zones),
            "columns": list(verdict.columns),
        }
        yield _finding("wrong_time_zone", subject, _of_zone(verdict))
    for wrong in wrong_clocks(facts):
        subject = {"clock": wrong.host.name.lower(), "ahead": wrong.ahead}
        yield _finding("wrong_clock", subject | ({"node": wrong.name} if wrong.name else {}), _of_clock(wrong))


def _of_zone(verdict: Verdict) -> str:
    least = "" if verdict.exact else "at least "
    likely = f"; likely {words.choice(verdict.zones)}" if verdict.zones else "; no time zone fits"
    return (
        f"VCL_TIME_ZONE={settings.TIME_ZONE} is {least}{_apart(verdict.ahead)} the clock that VCL's rows were "
        f"written by ({', '.join(verdict.columns)}){likely}"
    )


def _of_clock(wrong: WrongClock) -> str:
    if wrong.host is Host.NODE:
        name = words.plain(wrong.name)
        return (
            f"management node {name} checked in at a time {words.duration(wrong.ahead)} ahead of the database's clock"
        )
    if wrong.host is Host.DATABASE_ZONE:
        return (
            f"the local time of the database server is {_apart(wrong.ahead)} that of VCL's front end "
            "(request.daterequested beside log.start): VCL needs the same time zone on both"
        )
    whose = _ON_THIS_HOST.get(wrong.host, "the clock of the database server")
    return f"{whose} is {_apart(wrong.ahead)} the clock of this host"


def _apart(ahead: int) -> str:
    return f"{words.duration(abs(ahead))} {'ahead of' if ahead > 0 else 'behind'}"


def _finding(kind: str, subject: Mapping[str, Any], text: str) -> Finding:
    return Finding(kind, subject, text, repairable=False)
