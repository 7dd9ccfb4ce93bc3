"""The columns of a decision record, an entry of the audit log: who asked for what, the outcome, and why."""

import json
import platform
from collections.abc import Mapping
from typing import NamedTuple

import django

from blockalloc.allocation.result import Result
from blockalloc.contract.messages import Caller, Outcome, Refusal
from blockalloc.contract.staff_reason import LONGEST as LONGEST_REASON
from blockalloc.contract.warnings import in_words
from blockalloc.models import Decision
from blockalloc.store import decisions, findings, rows
from blockalloc.store.decisions import RosterOf
from blockalloc.store.rows import BlockTimeRow, Names
from blockalloc.store.sql import Value
from blockalloc.store.times import to_utc_or_null
from blockalloc.version import VERSION
from scheduling.reloads.outlook import Outlook

Columns = dict[str, Value]

_VERSIONS = f"{VERSION} (Django {django.get_version()}, Python {platform.python_version()})"
_LONGEST_VALUE, _LONGEST_TEXT = 300, 2000  # characters
_LONGEST_JSON = 20_000  # of parameters, which name each computer that staff have released
_MAX_ID, _MAX_MACHINES = 2**31 - 1, 2**15 - 1  # of the columns
_MAX_TIME = 2**31 - 1  # Unix seconds


class Entry(NamedTuple):
    """What every record of a call says, whatever came of it. `now` in Unix seconds, `duration` in milliseconds.

    `request_id` is that of what this thread works for, "" when it has none.
    """

    action: str
    caller: Caller
    parameters: Mapping[str, object]
    now: int
    duration: int
    retries: int
    waits: int
    request_id: str


def of_result(entry: Entry, result: Result) -> tuple[Columns, RosterOf | None]:
    """The record of an allocation or a dry run, and the roster when that has to be written."""
    outcome, plan, block = result.outcome, result.plan, result.order.block
    code = outcome.warning[0] if outcome.warning else None
    # Of keep_ready the changes are the news, and the numbers are beside them.
    words = in_words(code, outcome.allocated, plan.wanted) if code and entry.action != Decision.KEEP_READY else ""
    columns = _columns(
        entry,
        outcome.status,
        code=code,
        text=". ".join(filter(None, (words, _changes(entry, result), result.stopped_by()))),
        block_time_id=outcome.block_time_id or None,
        block_start=to_utc_or_null(block.start),
        block_end=to_utc_or_null(block.end),
        image_id=block.images[0].id,
        wanted=plan.wanted,
        had=plan.had_before,
        allocated=outcome.allocated,
        spares=result.spares or None,
        **_outlook(plan.outlook),
        **_named(result.order.names),
    )
    if not result.looked_at_computers:
        return columns, None
    roster = RosterOf.site(result.site.computers)
    columns["roster_id"] = roster.id
    columns["findings"] = findings.encode(
        roster.computer_ids,
        plan,
        result.machines,
        result.computers_before,
        {**result.reasons_of_given_up, **result.lost},
        result.default_reason,
        result.given_up,
    )
    return columns, roster if roster.id not in result.rosters else None


def _outlook(outlook: Outlook | None) -> Columns:
    return {} if outlook is None else {"ready": outlook.ready, "late": outlook.late, "minutes": outlook.minutes}


def _changes(entry: Entry, result: Result) -> str:
    """What was changed. Of an allocation, what was taken is in the findings; of keep_ready it is the news."""
    return result.changes() or (result.taken() if entry.action == Decision.KEEP_READY else "")


def of_action(
    entry: Entry, text: str, row: BlockTimeRow | None, outcome: str = Decision.DONE, **numbers: int
) -> Columns:
    """The record of what was done to a block time, or could not be; `row` is None when its row is gone.

    `numbers`: further columns.
    """
    about = _of_row(row) if row else _with_id(entry.parameters.get("blockTimeid"))
    return _columns(entry, outcome, text=text, **{**about, **numbers})


def of_earlier_answer(entry: Entry, outcome: Outcome) -> Columns:
    """The record of a call whose idempotency key was known: the answer of then was given again."""
    text = "answered as before: its idempotency key is known"
    about = _looked_up(outcome.block_time_id, entry.parameters)
    return _columns(entry, outcome.status, text=text, allocated=outcome.allocated, **about)


def of_refusal(entry: Entry, refusal: Refusal) -> Columns:
    """The record of a call that was refused."""
    about = _looked_up(entry.parameters.get("blockTimeid"), entry.parameters)
    return _columns(entry, Decision.REFUSED, code=refusal.code, text=refusal.text, **about)


def of_failure(entry: Entry, error: BaseException) -> Columns:
    """The record of an error of our own, or of the database. Its text is in the log; this says that it happened.

    When the answer of the last COMMIT was lost there may be the record of success too: both are true.
    """
    text = f"{type(error).__name__}: the log has the rest"
    about = _looked_up(entry.parameters.get("blockTimeid"), entry.parameters)
    return _columns(entry, Decision.FAILED, text=text, **about)


def _columns(entry: Entry, outcome: str, text: str, **values: Value) -> Columns:
    defaults: Columns = dict.fromkeys(("block_name", "image_name", "user_group", "owner"), "")
    columns: Columns = defaults | {
        "started": to_utc_or_null(entry.now),
        "action": entry.action,
        "door": entry.caller.door,
        "caller": entry.caller.name,
        "person": entry.caller.person,
        "address": entry.caller.address,
        "parameters": _as_json(entry.parameters),
        "outcome": outcome,
        "text": text,
        "duration": entry.duration,
        "retries": entry.retries,
        "waits": entry.waits,
        "request_id": entry.request_id or None,
        "version": _VERSIONS,
        **values,
    }
    return {name: _fitting(name, value) for name, value in columns.items()}


def _looked_up(block_time_id: object, parameters: Mapping[str, object]) -> Columns:
    """What the rows say of the block time that a call names. Nothing when the database does not answer."""
    if not isinstance(block_time_id, int) or not 0 < block_time_id <= _MAX_ID:
        return _of_new_block(parameters)
    row = decisions.if_it_answers(lambda: rows.block_time(block_time_id))
    return _of_row(row) if row else _with_id(block_time_id)


def _with_id(block_time_id: object) -> Columns:
    """All that is known of a block time whose row is gone."""
    return {"block_time_id": block_time_id if isinstance(block_time_id, int) else None}


def _of_new_block(parameters: Mapping[str, object]) -> Columns:
    """What the parameters of a call for a new block say, as far as it can be kept."""
    image, machines = parameters.get("imageid"), parameters.get("machinecount")
    times = {f"block_{name}": parameters.get(name) for name in ("start", "end")}
    return {
        "image_id": image if isinstance(image, int) and 0 < image <= _MAX_ID else None,
        "wanted": machines if isinstance(machines, int) and abs(machines) <= _MAX_MACHINES else None,
        **{name: to_utc_or_null(value) for name, value in times.items()
           if isinstance(value, int) and 0 <= value <= _MAX_TIME},
    }  # fmt: skip


def _of_row(row: BlockTimeRow) -> Columns:
    times = {"block_start": to_utc_or_null(row.start), "block_end": to_utc_or_null(row.end)}
    return {"block_time_id": row.id, "image_id": row.image_id, "wanted": row.machines, **times, **_named(row.names)}


def _named(names: Names) -> Columns:
    return {
        "block_request_id": names.request_id or None,
        "block_name": names.block,
        "image_name": names.image,
        "user_group": names.user_group,
        "owner": names.owner,
        "affiliation_id": names.affiliation_id or None,
    }


def _as_json(parameters: Mapping[str, object]) -> str:
    """The parameters, each text cut where it is too long to be kept."""
    longest = {"reason": LONGEST_REASON}
    return json.dumps(
        {
            name: value[: longest.get(name, _LONGEST_VALUE)] if isinstance(value, str) else value
            for name, value in parameters.items()
        }
    )


def _fitting(name: str, value: Value) -> Value:
    """A value as its column takes it: a record must never be what an allocation fails for."""
    if not isinstance(value, str):
        return value
    length: int | None = getattr(Decision._meta.get_field(name), "max_length", None)
    longest = _LONGEST_JSON if name == "parameters" else length or _LONGEST_TEXT
    return value.encode("utf-8", "replace").decode()[:longest]
