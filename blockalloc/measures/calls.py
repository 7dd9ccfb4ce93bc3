"""Calls, from all doors: how many, how they ended, how long they took, how many machines they wanted and got."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from enum import StrEnum

from blockalloc.contract.messages import Outcome as BlockTimeOutcome
from blockalloc.contract.messages import Refusal
from blockalloc.measures.registry import counter, histogram


class Method(StrEnum):
    """What was called: a method over XML-RPC, or one of our own doors. `OTHER`: all other methods, and no method."""

    BLOCK_ALLOCATION = "block_allocation"
    PROCESS_BLOCK_TIME = "process_block_time"
    EXPLAIN = "explain"
    DRY_RUN = "dry_run"  # of a command or a page
    PLAN_SERIES = "plan_series"
    COMMAND = "command"
    PAGE = "page"
    KEEP_READY = "keep_ready"
    OTHER = "other"


class Outcome(StrEnum):
    """How a call ended: with all machines or not; refused, or the caller was; by an error of our own.

    `DONE`: a call that allocates nothing was answered.
    """

    COMPLETE = "complete"
    SHORT = "short"
    REFUSED = "refused"
    FAILED = "failed"
    DENIED = "denied"
    DONE = "done"


_BY_DOOR = {
    "XMLRPCblockAllocation": Method.BLOCK_ALLOCATION,
    "XMLRPCprocessBlockTime": Method.PROCESS_BLOCK_TIME,
    "XMLRPCexplainBlockAllocation": Method.EXPLAIN,
    "XMLRPCplanBlockSeries": Method.PLAN_SERIES,
    "allocate_block": Method.COMMAND,
    "admin": Method.PAGE,
    "keep_ready": Method.KEEP_READY,
}
_OVER_HTTP = (Method.BLOCK_ALLOCATION, Method.PROCESS_BLOCK_TIME, Method.EXPLAIN, Method.PLAN_SERIES, Method.OTHER)
_PLANNING = (Method.EXPLAIN, Method.DRY_RUN, Method.PLAN_SERIES)
ALLOCATING = tuple(each for each in Method if each not in (*_PLANNING, Method.OTHER))

_CALLS = counter("blockalloc_calls_total", "Calls by method and outcome.", "method", "outcome")
_DURATIONS = histogram(
    "blockalloc_call_duration_seconds",
    "Duration of calls.",
    (0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 20, 60),
    "method",
)
_WANTED = counter("blockalloc_machines_wanted_total", "Machines that answered allocations wanted.", "method")
_ALLOCATED = counter("blockalloc_machines_allocated_total", "Machines that block times had then.", "method")
_SHORT = counter("blockalloc_machines_short_total", "Machines that block times lacked then.", "method")


def method_of(door: str) -> Method:
    """The method for the door of a caller (`contract.messages.Caller`), or for the name of a remote method."""
    return _BY_DOOR.get(door, Method.OTHER)


def outcome_of(outcome: BlockTimeOutcome) -> Outcome:
    """How an allocation ended."""
    return Outcome.SHORT if outcome.unallocated else Outcome.COMPLETE


def count(method: Method, outcome: Outcome, seconds: float) -> None:
    """Count a call that is over."""
    _CALLS.labels(method, outcome).inc()
    _DURATIONS.labels(method).observe(seconds)


def count_machines(door: str, outcome: BlockTimeOutcome) -> None:
    """Count the machines of an allocation that was answered."""
    method = method_of(door)
    _WANTED.labels(method).inc(outcome.allocated + outcome.unallocated)
    _ALLOCATED.labels(method).inc(outcome.allocated)
    _SHORT.labels(method).inc(outcome.unallocated)


class Counted:
    """A call that is under way. `outcome`: how it will have ended; None: it was none."""

    def __init__(self) -> None:
        self.outcome: Outcome | None = Outcome.DONE


@contextmanager
def counted(door: str, method: Method | None = None) -> Iterator[Counted]:
    """Count the call that the block of code makes, `method` or that of its door, unless it came by XML-RPC.

    Those are counted when they are answered (`rpc.call_log`), with everything around them.
    """
    began, call = time.monotonic(), Counted()
    try:
        yield call
    except Refusal:
        call.outcome = Outcome.REFUSED
        raise
    except BaseException:
        call.outcome = Outcome.FAILED
        raise
    finally:
        if call.outcome and method_of(door) not in _OVER_HTTP:
            count(method or method_of(door), call.outcome, time.monotonic() - began)


def _outcomes(method: Method) -> list[Outcome]:
    """How calls can end: all of these are told from the beginning, as 0."""
    answered = [Outcome.COMPLETE, Outcome.SHORT] if method in ALLOCATING else [Outcome.DONE]
    denied = [Outcome.DENIED] if method in _OVER_HTTP else []
    return [*answered, Outcome.REFUSED, Outcome.FAILED, *denied]


for _method in Method:
    _DURATIONS.labels(_method)
    for _outcome in _outcomes(_method):
        _CALLS.labels(_method, _outcome)
for _method in ALLOCATING:
    for _machines in (_WANTED, _ALLOCATED, _SHORT):
        _machines.labels(_method)
