"""The outbox in the database: recipients of news, and the messages in which it is told. Instants are Unix seconds.

Each function is one transaction at most; of several hosts that do the same at once one does it, and the others find
nothing left to do. None takes the guard.
"""

from collections.abc import Collection, Sequence
from functools import partial
from typing import NamedTuple

from django.conf import settings
from django.db import OperationalError

from blockalloc.models import Message, News, Notice, Recipient
from blockalloc.store import lanes
from blockalloc.store.again import in_transaction
from blockalloc.store.lanes import Lane
from blockalloc.store.past import Past
from blockalloc.store.sql import Value, execute, fetch, insert, listed_ids, placeholders
from blockalloc.store.times import from_utc, to_utc
from scheduling.windows import DAY, HOUR

_NEWS, _NOTICES = News._meta.db_table, Notice._meta.db_table
_RECIPIENTS, _MESSAGES = Recipient._meta.db_table, Message._meta.db_table

_NOTICES_AT_ONCE = 100  # in one message: it has to be read
# After a message is sent its recipient may be needed for as long as it waited; more than for a day it does not.
_RECIPIENT_OUTLIVES_MESSAGES = 7 * DAY
_CONFLICT = 1213


class Address(NamedTuple):
    """Who is to get something: the key of a Recipient, its channel, and where that leads."""

    key: str
    channel: str
    address: str


# --- Recipients of news ---------------------------------------------------------------------------
def untaken(at_most: int) -> list[int]:
    """The ids of news whose recipients are not found yet, the oldest first. One statement."""
    return [id_ for (id_,) in fetch(f"SELECT id FROM {_NEWS} WHERE taken IS NULL ORDER BY id LIMIT {int(at_most)}")]


def take(news_id: int, recipients: Collection[Address], now: int) -> bool:
    """Note who is to be told this news; False when another host was faster. Raises DatabaseError."""

    def work() -> bool:
        if not execute(f"UPDATE {_NEWS} SET taken = %s WHERE id = %s AND taken IS NULL", [to_utc(now), news_id]):
            return False
        ids = _recipient_ids(recipients, now)
        if ids:
            insert(
                _NOTICES, ["news_id", "recipient_id"], [[news_id, ids[each.key]] for each in recipients], if_new=True
            )
        return True

    return in_transaction(work)


def recipient_ids(recipients: Collection[Address], now: int) -> dict[str, int]:
    """The ids of their rows, which are made where there are none, by their keys. Raises DatabaseError."""
    return in_transaction(lambda: _recipient_ids(recipients, now))


def _recipient_ids(recipients: Collection[Address], now: int) -> dict[str, int]:
    """The same in the caller's transaction. A row that is used is not past: see `past_recipients`."""
    if not recipients:
        return {}
    wanted = {each.key: each for each in sorted(recipients)}  # in one order, for locks
    sql = f"SELECT `key`, id, address, used FROM {_RECIPIENTS} WHERE `key` IN ({placeholders(len(wanted))})"
    found = {key: (id_, address, from_utc(used) or 0) for key, id_, address, used in fetch(sql, [*wanted])}
    for each in wanted.values():
        if each.key not in found:
            _insert_recipient(each, now)
        elif found[each.key][1] != each.address or found[each.key][2] < now - HOUR:
            execute(
                f"UPDATE {_RECIPIENTS} SET address = %s, channel = %s, used = %s WHERE `key` = %s",
                [each.address, each.channel, to_utc(now), each.key],
            )
    ids = {key: id_ for key, id_, *_ in fetch(sql, [*wanted])}
    if len(ids) < len(wanted):
        raise OperationalError(_CONFLICT, "a recipient was removed meanwhile")
    return ids


def _insert_recipient(recipient: Address, now: int) -> None:
    columns: dict[str, Value] = {
        **recipient._asdict(), "claimed_by": "", "failures": 0, "problem": "", "used": to_utc(now),
    }  # fmt: skip
    insert(_RECIPIENTS, [*columns], [[*columns.values()]], if_new=True)


# --- Messages -------------------------------------------------------------------------------------
class Content(NamedTuple):
    """What a message says: see models.Message."""

    subject: str
    text: str = ""
    html: str = ""
    body: str = ""
    unsubscribe: str = ""


def notices(recipient_id: int) -> list[tuple[int, int]]:
    """The notices of a recipient that are in no message yet, with the ids of their news; the oldest news first.

    Of each class only those before which there is no news whose recipients are still to be found: they are told in
    their order. One statement.
    """
    sql = f"""
        SELECT n.id, n.news_id FROM {_NOTICES} n JOIN {_NEWS} w ON w.id = n.news_id
        WHERE n.recipient_id = %s AND n.message_id IS NULL AND NOT EXISTS (
            SELECT 1 FROM {_NEWS} o WHERE o.taken IS NULL AND o.block_time_id = w.block_time_id AND o.id < w.id
        )
        ORDER BY n.news_id LIMIT {_NOTICES_AT_ONCE}
    """
    return [(id_, news_id) for id_, news_id in fetch(sql, [recipient_id])]


def made_since(recipient_id: int, since: int) -> list[int]:
    """When messages were made for a recipient after `since`, the earliest first. One statement."""
    sql = f"SELECT created FROM {_MESSAGES} WHERE recipient_id = %s AND created > %s ORDER BY created"
    return [from_utc(created) or 0 for (created,) in fetch(sql, [recipient_id, to_utc(since)])]


def add_news_message(lane: Lane, key: str, content: Content, notice_ids: Sequence[int], now: int) -> int | None:
    """Write the message that tells these notices; its id. None when the lane is lost. Raises DatabaseError."""

    def work() -> int | None:
        if not lanes.is_renewed(lane, now):
            return None
        (id_,) = insert(
            _MESSAGES, *_row(lane.recipient_id, key, Message.NEWS, lane.address, content, now), returning=True
        )
        told = execute(
            f"UPDATE {_NOTICES} SET message_id = %s WHERE id IN ({listed_ids(notice_ids)}) AND message_id IS NULL",
            [id_],
        )
        assert told == len(notice_ids), "only the one who has the lane makes messages of its notices"
        return id_

    return in_transaction(work)


def drop(notice_ids: Sequence[int]) -> None:
    """Remove notices that are not to be told any more. Raises DatabaseError."""
    in_transaction(
        lambda: execute(f"DELETE FROM {_NOTICES} WHERE id IN ({listed_ids(notice_ids)}) AND message_id IS NULL")
    )


def has_message(key: str) -> bool:
    """Whether there is a message with this key. One statement."""
    return bool(fetch(f"SELECT 1 FROM {_MESSAGES} WHERE `key` = %s", [key]))


def add_message(recipient_id: int, key: str, kind: str, address: str, content: Content, now: int) -> None:
    """Write a message that is about no news, unless there is one with this key. Raises DatabaseError."""
    in_transaction(lambda: insert(_MESSAGES, *_row(recipient_id, key, kind, address, content, now), if_new=True))


def _row(
    recipient_id: int, key: str, kind: str, address: str, content: Content, now: int
) -> tuple[list[str], list[list[Value]]]:
    columns: dict[str, Value] = {
        "recipient_id": recipient_id, "key": key, "kind": kind, "address": address,
        **content._asdict(), "created": to_utc(now), "attempts": 0, "problem": "",
    }  # fmt: skip
    return [*columns], [[*columns.values()]]


def give_up(before: int, now: int) -> list[str]:
    """Give up messages that were made before `before` and are still waiting. Raises DatabaseError.

    The channel of each. One statement where there are none: by the index of those that wait, which are few.
    """
    sql = f"""
        SELECT m.id, r.channel FROM {_MESSAGES} m JOIN {_RECIPIENTS} r ON r.id = m.recipient_id
        WHERE m.sent IS NULL AND m.failed IS NULL AND m.created < %s
    """
    update = f"UPDATE {_MESSAGES} SET failed = %s WHERE id = %s AND sent IS NULL AND failed IS NULL AND created < %s"
    given_up = []
    for id_, channel in fetch(sql, [to_utc(before)]):
        if in_transaction(partial(execute, update, [to_utc(now), id_, to_utc(before)])):
            given_up.append(channel)
    return given_up


def send_again(message_ids: Collection[int], now: int) -> int:
    """Let messages that were given up wait again, with the same keys; how many were. Raises DatabaseError.

    Their recipients are tried at once.
    """

    def work() -> int:
        waiting = execute(
            f"UPDATE {_MESSAGES} SET failed = NULL, created = %s "
            f"WHERE id IN ({listed_ids(message_ids)}) AND failed IS NOT NULL AND sent IS NULL",
            [to_utc(now)],
        )
        execute(
            f"UPDATE {_RECIPIENTS} SET next_try = NULL, failures = 0, used = %s WHERE id IN "
            f"(SELECT recipient_id FROM {_MESSAGES} WHERE id IN ({listed_ids(message_ids)}))",
            [to_utc(now)],
        )
        return waiting

    return in_transaction(work)


# --- Keeping --------------------------------------------------------------------------------------
def past_messages(now: int) -> Past:
    """Messages of VCL_MESSAGE_DAYS before `now`; those that wait stay."""
    condition = "created < %s AND (sent IS NOT NULL OR failed IS NOT NULL)"
    return Past(_MESSAGES, condition, [to_utc(_oldest(now))], since="created")


def past_notices(_now: int) -> Past:
    """Notices whose message or news is gone."""
    gone = (
        f"(message_id IS NOT NULL AND NOT EXISTS (SELECT 1 FROM {_MESSAGES} m WHERE m.id = message_id)) "
        f"OR NOT EXISTS (SELECT 1 FROM {_NEWS} w WHERE w.id = news_id)"
    )
    return Past(_NOTICES, gone, [], since="id", looks_elsewhere=True)


def past_recipients(now: int) -> Past:
    """Recipients who have had nothing for so long that their messages are past too."""
    return Past(_RECIPIENTS, "used < %s", [to_utc(_oldest(now) - _RECIPIENT_OUTLIVES_MESSAGES)], since="used")


def _oldest(now: int) -> int:
    return now - int(settings.VCL_MESSAGE_DAYS) * DAY
