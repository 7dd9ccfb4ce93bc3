"""What the back end does about block requests: asks the service for machines once, and clears ended block times."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from simulation.back_end.events import Event, What
from simulation.back_end.mails import Kind, Mail
from simulation.back_end.processes import Steps
from simulation.back_end.site import Site
from simulation.back_end.times import whole_minutes

_AHEAD = 6 * 3600  # seconds before its start from which a block time is considered
_PASSES, _PAUSE = 6, 5
_LAST_PAUSE = 10  # seconds after the mails
_CLEARING = 1  # second that clearing a time takes

_COLUMNS = "b.id, b.numMachines, b.expireTime, b.processing, t.id, t.start, t.`end`, t.processed"
# As in the original: the OR lets every time through whose end is past, on every node.
_DUE = f"""
SELECT {_COLUMNS} FROM blockRequest b LEFT JOIN blockTimes t ON t.blockRequestid = b.id
WHERE b.managementnodeid = %s AND b.status = 'accepted' AND t.processed = 0 AND (t.skip = 0 AND t.start < %s)
OR t.`end` < %s ORDER BY b.id, t.id
"""  # noqa: S608 - put together from constants
_EXPIRED = f"""
SELECT {_COLUMNS} FROM blockRequest b LEFT JOIN blockTimes t ON t.blockRequestid = b.id
WHERE b.managementnodeid = %s AND b.status = 'accepted' AND b.expireTime < %s ORDER BY b.id, t.id
"""  # noqa: S608


@dataclass(frozen=True, slots=True)
class _Due:
    """A block request and one of its times, as a round reads them (times: Unix seconds)."""

    request: int
    wanted: int
    expires: int
    processing: int
    time: int  # 0: the request has none left
    start: int
    end: int
    processed: int

    def mode(self, now: int) -> str:
        """What is to be done: "expire", "end", "start", or "" for nothing."""
        if whole_minutes(self.expires - now) < 0:
            return "expire"
        if not self.time:
            return ""
        if whole_minutes(self.end - now) < 0:
            return "end"
        return "start" if whole_minutes(self.start - now) <= _AHEAD // 60 else ""


def look_at_blocks(site: Site, node: int) -> None:
    """The block requests in one round of a node: fork a process for each block time that needs something done."""
    skipped = 0  # the request whose further times this round leaves alone
    for due in _due(site, node):
        if due.processing or due.request == skipped:
            continue
        mode = due.mode(site.now)
        if mode == "start" and due.processed:
            skipped = due.request
        elif mode:
            _set_processing(site, due.request, 1)
            _note(site, What.BLOCK_FORKED, node, due, mode)
            site.processes.fork(node, _WORK[mode](site, node, due))


def _due(site: Site, node: int) -> Iterator[_Due]:
    local = site.times.local
    send = site.rows.connection.send
    rows = send(_DUE, [node, local(site.now + _AHEAD), local(site.now)]).rows
    # Requests without times are considered in rounds that have nothing else.
    rows = rows or send(_EXPIRED, [node, local(site.now)]).rows
    instant = site.times.instant
    for request, wanted, expires, processing, time, start, end, processed in rows:
        hours = (instant(start), instant(end)) if time else (0, 0)
        yield _Due(request, wanted, instant(expires), processing, time or 0, *hours, processed or 0)


def _start(site: Site, node: int, due: _Due) -> Steps:
    """Ask the service for the machines, six times at most, and mail the result."""
    site.rows.connection.send("UPDATE blockTimes SET processed = 1 WHERE id = %s", [due.time])
    allocated, complaint = 0, False
    for _pass in range(_PASSES):
        answer = _ask(site, due.time)
        if answer.get("allocated") is not None:
            allocated = _number(answer["allocated"])
        if allocated >= due.wanted:
            break
        status = str(answer.get("status", ""))
        complaint |= _complains(answer, status)
        if "completed" in status:
            break
        yield _PAUSE
    _note(site, What.BLOCK_PROCESSED, node, due, f"allocated {allocated}")
    _mail(site, due, allocated, complaint=complaint)
    yield _LAST_PAUSE
    _set_processing(site, due.request, 0)


def _ask(site: Site, block_time: int) -> Mapping[str, Any]:
    try:
        answer = site.process_block_time(block_time, 1)
    except AssertionError:  # of the test
        raise
    except Exception:  # a fault, no connection: it makes no difference
        return {}
    return answer if isinstance(answer, Mapping) else {}


def _complains(answer: Mapping[str, Any], status: str) -> bool:
    """Whether the answer has a text for the administrators."""
    warning = ("warning" in status or "fault" in status) and "warningmsg" in answer
    return warning or ("error" in status and "errormsg" in answer)


def _number(value: Any) -> int:
    """A number as Perl reads it: anything else is 0."""
    try:
        return int(value)
    except (TypeError, ValueError):
        return 0


def _mail(site: Site, due: _Due, allocated: int, *, complaint: bool) -> None:
    short = allocated < due.wanted
    kinds = [Kind.ALARM] if complaint or short else [Kind.DONE]
    if short:
        kinds.append(Kind.SHORT)
    site.mails += [Mail(site.now, kind, due.request, due.time, allocated, due.wanted) for kind in kinds]


def _end(site: Site, node: int, due: _Due) -> Steps:
    """Clear a block time that is over."""
    send = site.rows.connection.send
    send("DELETE FROM blockComputers WHERE blockTimeid = %s", [due.time])
    send("DELETE FROM blockTimes WHERE id = %s", [due.time])
    _note(site, What.BLOCK_CLEARED, node, due)
    yield _CLEARING
    if due.mode(site.now) == "expire":
        _complete(site, node, due)
    _set_processing(site, due.request, 0)


def _expire(site: Site, node: int, due: _Due) -> Steps:
    """Complete an expired request. Its block times stay, and so it is considered again in the next round."""
    _complete(site, node, due)
    _set_processing(site, due.request, 0)
    yield from ()


_WORK = {"start": _start, "end": _end, "expire": _expire}


def _complete(site: Site, node: int, due: _Due) -> None:
    site.rows.connection.send("UPDATE blockRequest SET status = 'completed' WHERE id = %s", [due.request])
    _note(site, What.BLOCK_COMPLETED, node, due)


def _set_processing(site: Site, request: int, processing: int) -> None:
    site.rows.connection.send("UPDATE blockRequest SET processing = %s WHERE id = %s", [processing, request])


def _note(site: Site, what: What, node: int, due: _Due, detail: str = "") -> None:
    site.log.add(Event(site.now, what, node, block_time=due.time, block_request=due.request, detail=detail))
