"""Whether the site's clock may be trusted in this look (SPEC 9): what VCL's rows and earlier looks say."""

import platform

from blockalloc.inspection import site_clock as inspection
from blockalloc.models.decisions import NAME
from blockalloc.site_time import site_zone
from blockalloc.store import heartbeat, times
from blockalloc.store import site_clock as store
from scheduling.site_clock import Facts, Outcome, Verdict
from scheduling.upkeep import trust
from scheduling.upkeep.trust import Doubt, Look, Memory, Trust


def look(now: int) -> Trust:
    """What may be done by the site's clock at `now` (Unix seconds); changes nothing.

    `remember` is to follow at the end of the pass. Seven statements at most, four as a rule. Raises DatabaseError when
    the database does not answer as VCL's.
    """
    last = heartbeat.read()
    facts = store.read(now, store.database_ahead())
    verdict = inspection.compare(facts)
    seen = trust.look(facts, verdict, last, _host())
    if seen.doubt in (Doubt.WRONG, Doubt.STANDING) and inspection.is_demo():
        return Trust(memory=Memory(now, _host(), str(facts.zone)))
    doubt = _in_words(seen, facts, verdict, last)
    evidence = not doubt and verdict.outcome is Outcome.FITS
    return Trust(doubt, evidence, evidence and seen.is_proved, seen.newest, seen.memory)


def remember(seen: Trust, *, milliseconds: int, block_times: int) -> None:
    """Write the heartbeat of a pass, which took so long and looked at so many block times; `seen` is its look.

    One statement. It is never raised that the row could not be written: the log says so.
    """
    assert seen.memory is not None, "a look leaves something to the next one"
    heartbeat.write(seen.memory, doubt=seen.doubt, milliseconds=milliseconds, block_times=block_times)


def _host() -> str:
    return platform.node()[:NAME]


def _in_words(seen: Look, facts: Facts, verdict: Verdict, last: Memory | None) -> str:
    match seen.doubt:
        case Doubt.NONE:
            return ""
        case Doubt.STANDING:
            since = times.text(seen.memory.doubted or facts.now)
            return (
                f"VCL_TIME_ZONE={site_zone()} contradicts rows that VCL has written, since {since}: nothing is done "
                "until a new row agrees with it"
            )
        case Doubt.OTHER_ZONE:
            assert last is not None
            return (
                f"keep_ready runs with VCL_TIME_ZONE={last.zone} on {last.host} and with {site_zone()} on {_host()}: "
                "all hosts need the zone of the site"
            )
        case _:
            return "; ".join(inspection.doubts(facts, verdict))
