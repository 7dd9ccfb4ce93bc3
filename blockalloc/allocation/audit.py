"""The record that each call leaves: who asked for what, what came of it, and why."""

import json
import platform
import time
from collections.abc import Mapping
from dataclasses import dataclass, field

import django

from blockalloc import clock
from blockalloc.allocation.claim_and_confirm import AllocationCall, Result
from blockalloc.contract.messages import Caller, Refusal
from blockalloc.models import Decision
from blockalloc.store import decisions, findings, planned_reloads, rows
from blockalloc.store.decisions import RosterOf, as_datetime
from blockalloc.store.rows import BlockTimeRow, Names
from blockalloc.store.sql import Value
from blockalloc.version import VERSION

_VERSIONS = f"{VERSION} (Django {django.get_version()}, Python {platform.python_version()})"
_LONGEST_VALUE, _LONGEST_TEXT = 300, 2000
_PRUNE_AT_ONCE = 10_000  # records of reloads; as many as a hundred calls make, and more
_MAX_ID, _MAX_MACHINES = 2**31 - 1, 2**15 - 1  # what the columns hold


@dataclass
class Recorder:
    """The record of one call in the making. `parameters` are what the caller gave, by name."""

    action: str
    caller: Caller
    parameters: Mapping[str, object]
    now: int = field(default_factory=clock.now)
    _began: float = field(default_factory=time.monotonic)
    decision_id: int | None = None  # once it is written
    retries: int = 0  # of what staff do; a call counts its own

    def write(self, result: Result, work: AllocationCall) -> None:
        """In the transaction that writes what was decided. It may be tried again: only the last one stays."""
        columns, roster = self._of_result(result, work)
        if roster is not None:
            roster.keep(self.now)
        self.decision_id = decisions.write(columns)

    def write_apart(self, result: Result, work: AllocationCall) -> None:
        """For a call that has written nothing: a dry run."""
        self._write_apart(*self._of_result(result, work))

    def done(self, text: str, row: BlockTimeRow) -> None:
        """What staff did to a block time, in the transaction that does it."""
        self.decision_id = decisions.write(self._columns(Decision.DONE, text=text, **_of_row(row)))

    def again(self) -> None:
        """A transaction was given up for another, and is tried again."""
        self.retries += 1

    def answered_before(self, allocated: int, block_time_id: int) -> None:
        """The call's idempotency key was known: the answer of then was given again."""
        text = "answered as before: its idempotency key is known"
        about = self._looked_up(block_time_id)
        self._write_apart(self._columns("completed", text=text, allocated=allocated, **about))

    def refused(self, refusal: Refusal, work: AllocationCall | None = None) -> None:
        """Nothing was written but this."""
        about = self._looked_up(self.parameters.get("blockTimeid"))
        columns = self._columns(Decision.REFUSED, code=refusal.code, text=refusal.text, **about, **_tries(work))
        self._write_apart(columns)

    def failed(self, error: BaseException, work: AllocationCall | None = None) -> None:
        """An error of our own, or of the database. What it says is in the log; here is that it was.

        When the answer of the last COMMIT was lost there may be the record of success too: both are true.
        """
        text = f"{type(error).__name__}: the log has the rest"
        about = self._looked_up(self.parameters.get("blockTimeid"))
        self._write_apart(self._columns(Decision.FAILED, text=text, **about, **_tries(work)))

    def finish(self) -> None:
        """After the transaction: now and then old records go, and those of reloads that are over."""
        if self.decision_id is not None and decisions.prune_now_and_then(self.decision_id, self.now):
            planned_reloads.prune(self.now, _PRUNE_AT_ONCE)

    def _write_apart(self, columns: Mapping[str, Value], roster: RosterOf | None = None) -> None:
        self.decision_id = decisions.write_apart(columns, self.now, roster)
        self.finish()

    def _of_result(self, result: Result, work: AllocationCall) -> tuple[dict[str, Value], RosterOf | None]:
        """The columns, and the roster when it has to be written."""
        outcome, plan, block = result.outcome, result.plan, result.order.block
        code, words = outcome.warning or (None, "")
        columns = self._columns(
            outcome.status,
            code=code,
            text=". ".join(filter(None, (words, result.stopped_by()))),
            block_time_id=outcome.block_time_id or None,
            block_start=as_datetime(block.start),
            block_end=as_datetime(block.end),
            image_id=block.images[0].id,
            wanted=plan.wanted,
            had=plan.had,
            allocated=outcome.allocated,
            **_named(result.order.names),
            **_tries(work),
        )
        if plan.had >= plan.wanted:
            return columns, None  # no computer was looked at
        roster = RosterOf.site(result.site.computers)
        columns["roster_id"] = roster.id
        columns["findings"] = findings.encode(
            roster.computer_ids, plan, result.machines, result.held, result.lost, result.rest
        )
        return columns, roster if roster.id not in result.rosters else None

    def _of_new_block(self) -> dict[str, Value]:
        """What the parameters of a call for a new block say, as far as it can be kept."""
        image, machines = self.parameters.get("imageid"), self.parameters.get("machinecount")
        times = {f"block_{name}": self.parameters.get(name) for name in ("start", "end")}
        return {
            "image_id": image if isinstance(image, int) and 0 < image <= _MAX_ID else None,
            "wanted": machines if isinstance(machines, int) and abs(machines) <= _MAX_MACHINES else None,
            **{name: as_datetime(value) for name, value in times.items()
               if isinstance(value, int) and 0 <= value <= _MAX_ID},
        }  # fmt: skip

    def _columns(self, outcome: str, text: str, **values: Value) -> dict[str, Value]:
        defaults: dict[str, Value] = dict.fromkeys(("block_name", "image_name", "user_group", "owner"), "")
        columns: dict[str, Value] = defaults | {
            "started": as_datetime(self.now),
            "action": self.action,
            "door": self.caller.door,
            "caller": self.caller.name,
            "person": self.caller.person,
            "address": self.caller.address,
            "parameters": _as_json(self.parameters),
            "outcome": outcome,
            "text": text,
            "duration": round((time.monotonic() - self._began) * 1000),
            "retries": self.retries,
            "waits": 0,
            "version": _VERSIONS,
            **values,
        }
        return {name: _fitting(name, value) for name, value in columns.items()}

    def _looked_up(self, block_time_id: object) -> dict[str, Value]:
        """What the rows say of the block time that a call names. Nothing when the database does not answer."""
        if not isinstance(block_time_id, int) or not 0 < block_time_id <= _MAX_ID:
            return self._of_new_block()
        row = decisions.if_it_answers(lambda: rows.block_time(block_time_id))
        if row is None:
            return {"block_time_id": block_time_id}
        return _of_row(row)


def _as_json(parameters: Mapping[str, object]) -> str:
    """The parameters, each text cut where it is too long to be kept."""
    return json.dumps(
        {name: value[:_LONGEST_VALUE] if isinstance(value, str) else value for name, value in parameters.items()}
    )


def _of_row(row: BlockTimeRow) -> dict[str, Value]:
    times = {"block_start": as_datetime(row.start), "block_end": as_datetime(row.end)}
    return {"block_time_id": row.id, "image_id": row.image_id, "wanted": row.machines, **times, **_named(row.names)}


def _named(names: Names) -> dict[str, Value]:
    return {
        "block_request_id": names.request_id or None,
        "block_name": names.block,
        "image_name": names.image,
        "user_group": names.user_group,
        "owner": names.owner,
        "affiliation_id": names.affiliation_id or None,
    }


def _tries(work: AllocationCall | None) -> dict[str, Value]:
    return {"retries": work.retries, "waits": work.waits} if work else {}


def _fitting(name: str, value: Value) -> Value:
    """A value as its column takes it: a record must never be what an allocation fails for."""
    if not isinstance(value, str):
        return value
    length: int | None = getattr(Decision._meta.get_field(name), "max_length", None)
    return value.encode("utf-8", "replace").decode()[: length or _LONGEST_TEXT]
