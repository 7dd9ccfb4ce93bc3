"""Writes what keep_ready remembers of block times from one look to the next; not under the guard, unless it says so."""

from collections.abc import Collection, Mapping
from typing import NamedTuple

from django.conf import settings

from blockalloc.models import Heartbeat, Watch
from blockalloc.store.past import Past
from blockalloc.store.sql import Value, execute, insert, listed_ids
from blockalloc.store.times import to_utc, to_utc_or_null
from scheduling.reloads.outlook import Outlook
from scheduling.windows import DAY

_TABLE, _HEARTBEAT = Watch._meta.db_table, Heartbeat._meta.db_table
_PRUNE_AT_ONCE = 1000


def see(new: Collection[int], processing: Mapping[int, int | None], now: int) -> None:
    """Remember block times that are seen for the first time, and since when block requests are being processed.

    `processing`: block time -> the first look that saw it (Unix seconds), None when it is over. Costs no statement when
    there is nothing to remember.
    """
    if new:
        columns = ["block_time_id", "first_seen", "noted", "at_risk", "replaced", "loaded_again", "added"]
        insert(_TABLE, columns, [[id_, to_utc(now), "", "", 0, 0, 0] for id_ in new], if_new=True)
        past(now).remove(_PRUNE_AT_ONCE)
    for seen in set(processing.values()):
        ids = [id_ for id_, theirs in processing.items() if theirs == seen]
        execute(
            f"UPDATE {_TABLE} SET processing_seen = %s WHERE block_time_id IN ({listed_ids(ids)})",
            [to_utc_or_null(seen)],
        )


def set_at_risk(texts: Mapping[int, str]) -> None:
    """Remember which computers of block times may be late, in words; "" for none. Costs no statement for no texts."""
    for text in set(texts.values()):
        ids = listed_ids(id_ for id_, theirs in texts.items() if theirs == text)
        execute(f"UPDATE {_TABLE} SET at_risk = %s WHERE block_time_id IN ({ids})", [text])


def set_complete_since(moments: Mapping[int, int | None]) -> None:
    """Remember since when block times have been complete (Unix seconds), None for those that are not.

    Costs no statement for no block times.
    """
    for moment in set(moments.values()):
        ids = listed_ids(id_ for id_, theirs in moments.items() if theirs == moment)
        execute(f"UPDATE {_TABLE} SET complete_since = %s WHERE block_time_id IN ({ids})", [to_utc_or_null(moment)])


def note(block_time_id: int, text: str, now: int) -> bool:
    """Remember what there is to record of a block time, for which nothing could be done; False when it is no news.

    Under the guard: of several looks at once only one has the news.
    """
    _must_exist(block_time_id, now)
    is_news = execute(
        f"UPDATE {_TABLE} SET noted = %s WHERE block_time_id = %s AND noted <> %s", [text, block_time_id, text]
    )
    execute(f"UPDATE {_TABLE} SET tried = %s WHERE block_time_id = %s", [to_utc(now), block_time_id])
    return bool(is_news)


def count(block_time_id: int, replaced: int, loaded_again: int, added: int, now: int) -> None:
    """Count what was done about a block time, in the transaction that does it."""
    _must_exist(block_time_id, now)
    execute(
        f"UPDATE {_TABLE} SET replaced = replaced + %s, loaded_again = loaded_again + %s, added = added + %s, "
        "noted = '', tried = NULL WHERE block_time_id = %s",
        [replaced, loaded_again, added, block_time_id],
    )


def stop_holds(block_time_id: int, now: int) -> int:
    """Remember that staff want no holds on the computers of the block time; 0 when that was so already."""
    _must_exist(block_time_id, now)
    return execute(
        f"UPDATE {_TABLE} SET holds_stopped = %s WHERE block_time_id = %s AND holds_stopped IS NULL",
        [to_utc(now), block_time_id],
    )


def allow_holds(block_time_id: int) -> int:
    """Forget that; 0 when it was not so."""
    return execute(
        f"UPDATE {_TABLE} SET holds_stopped = NULL WHERE block_time_id = %s AND holds_stopped IS NOT NULL",
        [block_time_id],
    )


def _must_exist(block_time_id: int, now: int) -> None:
    columns = ["block_time_id", "first_seen", "noted", "at_risk", "replaced", "loaded_again", "added"]
    insert(_TABLE, columns, [[block_time_id, to_utc(now), "", "", 0, 0, 0]], if_new=True)


def past(now: int) -> Past:
    """What was remembered of block times of long ago (VCL_DECISION_DAYS before `now`)."""
    before = to_utc(now - settings.VCL_DECISION_DAYS * DAY)
    return Past(_TABLE, "first_seen < %s", [before], since="first_seen", key="block_time_id")


def set_outlooks(outlooks: Mapping[int, Outlook], last: Collection[int], now: int) -> None:
    """Remember what a look says about block times, in two statements.

    Of those in `last` it may be what closing rows keep: they begin in half an hour or later.
    """
    if not outlooks:
        return
    ids, case = listed_ids(outlooks), " ".join(["WHEN %s THEN %s"] * len(outlooks))
    columns: dict[str, dict[int, float]] = {
        "ready": {id_: each.ready for id_, each in outlooks.items()},
        "late": {id_: each.late for id_, each in outlooks.items()},
        "minutes": {id_: each.minutes for id_, each in outlooks.items()},
    }
    changes = ", ".join(f"{name} = CASE block_time_id {case} END" for name in columns)
    said = f"said_last = CASE WHEN block_time_id IN ({listed_ids(last)}) THEN ready ELSE said_last END"
    values: list[Value] = [value for each in columns.values() for pair in each.items() for value in pair]
    # MariaDB assigns from left to right, SQLite all at once: `said_last` follows in a statement of its own.
    execute(f"UPDATE {_TABLE} SET {changes}, outlook_at = %s WHERE block_time_id IN ({ids})", [*values, to_utc(now)])
    execute(f"UPDATE {_TABLE} SET {said} WHERE block_time_id IN ({ids})")


class Seen(NamedTuple):
    """What looks have said of a block time: what is at risk in it, "" for nothing, and how sure it is (see Outlook).

    `said_at` (Unix seconds): when a look said how sure it is; None if none has.
    """

    at_risk: str
    ready: float | None
    late: float | None
    said_at: int | None
