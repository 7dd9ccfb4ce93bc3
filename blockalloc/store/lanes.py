"""The lane of a recipient: its messages go out one after another, from one sender at a time. Instants are Unix seconds.

A sender has a lane for LEASE seconds, again from each message on. One that dies leaves it to the others after that.
"""

from typing import NamedTuple

from blockalloc.models import Message, News, Notice, Recipient
from blockalloc.store.again import in_transaction
from blockalloc.store.sql import execute, fetch
from blockalloc.store.times import from_utc, to_utc
from scheduling.windows import MINUTE

_NEWS, _NOTICES = News._meta.db_table, Notice._meta.db_table
_RECIPIENTS, _MESSAGES = Recipient._meta.db_table, Message._meta.db_table

# Much longer than a delivery may take, so that clocks of hosts may differ by more than two minutes.
LEASE = 3 * MINUTE
# News waits for more of its kind, so that it is told together; not for long where a class is about to begin.
GROUPING, GROUPING_SOON, SOON = 30, 10, 30 * MINUTE


class Lane(NamedTuple):
    """A recipient that a sender has for itself; `token` is the sender's. `failures` in a row came before."""

    recipient_id: int
    key: str
    channel: str
    address: str
    failures: int
    token: str


def with_work(token: str, now: int) -> list[Lane]:
    """The lanes that are free and have something to be sent now. One statement.

    A message that waits, or a notice for which no more are waited for.
    """
    sql = f"""
        SELECT r.id, r.`key`, r.channel, r.address, r.failures FROM {_RECIPIENTS} r
        WHERE (r.claimed_until IS NULL OR r.claimed_until < %s OR r.claimed_by = %s)
          AND (r.next_try IS NULL OR r.next_try <= %s)
          AND (
            EXISTS (SELECT 1 FROM {_MESSAGES} m WHERE m.recipient_id = r.id AND m.sent IS NULL AND m.failed IS NULL)
            OR r.id IN (
                SELECT n.recipient_id FROM {_NOTICES} n JOIN {_NEWS} w ON w.id = n.news_id
                WHERE n.message_id IS NULL AND (w.`at` <= %s OR (w.`at` <= %s AND w.start <= %s))
            )
          )
        ORDER BY r.failures, r.id
    """
    at = to_utc(now)
    grouped = [to_utc(now - GROUPING), to_utc(now - GROUPING_SOON), to_utc(now + SOON)]
    return [
        Lane(id_, key, channel, address, failures, token)
        for id_, key, channel, address, failures in fetch(sql, [at, token, at, *grouped])
    ]


def claim(lane: Lane, now: int) -> bool:
    """Take a lane that is free; whether it is the sender's now. One statement."""
    free = "(claimed_until IS NULL OR claimed_until < %s OR claimed_by = %s) AND (next_try IS NULL OR next_try <= %s)"
    return bool(
        in_transaction(
            lambda: execute(
                f"UPDATE {_RECIPIENTS} SET claimed_by = %s, claimed_until = %s WHERE id = %s AND {free}",
                [lane.token, to_utc(now + LEASE), lane.recipient_id, to_utc(now), lane.token, to_utc(now)],
            )
        )
    )


def renew(lane: Lane, now: int) -> bool:
    """Keep a lane for another LEASE; False when somebody else has it. One statement."""
    return in_transaction(lambda: is_renewed(lane, now))


def is_renewed(lane: Lane, now: int) -> bool:
    """The same in the caller's transaction."""
    return bool(
        execute(
            f"UPDATE {_RECIPIENTS} SET claimed_until = %s WHERE id = %s AND claimed_by = %s",
            [to_utc(now + LEASE), lane.recipient_id, lane.token],
        )
    )


def release(lane: Lane) -> None:
    """Give a lane back, if it is still the sender's."""
    in_transaction(
        lambda: execute(
            f"UPDATE {_RECIPIENTS} SET claimed_by = '', claimed_until = NULL WHERE id = %s AND claimed_by = %s",
            [lane.recipient_id, lane.token],
        )
    )


class Waiting(NamedTuple):
    """A message that is to be sent."""

    id: int
    key: str
    address: str
    subject: str
    text: str
    html: str
    body: str
    unsubscribe: str
    created: int


def next_message(recipient_id: int) -> Waiting | None:
    """The first message of a recipient that waits; None when none does. One statement.

    By the index of those that wait: asked for the first row by id, MariaDB reads all that were ever sent,
    once many wait.
    """
    columns = "id, `key`, address, subject, text, html, body, unsubscribe, created"
    first = f"SELECT MIN(id) FROM {_MESSAGES} WHERE recipient_id = %s AND sent IS NULL AND failed IS NULL"
    sql = f"SELECT {columns} FROM {_MESSAGES} WHERE id = ({first})"
    for id_, key, address, subject, text, html, body, unsubscribe, created in fetch(sql, [recipient_id]):
        return Waiting(id_, key, address, subject, text, html, body, unsubscribe, from_utc(created) or 0)
    return None


def sent(lane: Lane, message_id: int, now: int) -> bool:
    """Note that a message was sent, whoever has the lane by now; whether it is still the sender's.

    May be tried again when it is not known what became of it.
    """

    def work() -> bool:
        execute(
            f"UPDATE {_MESSAGES} SET sent = %s, failed = NULL, attempted = %s, attempts = attempts + 1, problem = '' "
            "WHERE id = %s AND sent IS NULL",
            [to_utc(now), to_utc(now), message_id],
        )
        return bool(
            execute(
                f"UPDATE {_RECIPIENTS} SET failures = 0, next_try = NULL, problem = '', claimed_until = %s "
                "WHERE id = %s AND claimed_by = %s",
                [to_utc(now + LEASE), lane.recipient_id, lane.token],
            )
        )

    return in_transaction(work)


def attempted(lane: Lane, message_id: int, problem: str, now: int, *, refused: bool = False) -> None:
    """Note that a message was not delivered, if the lane is still the sender's. `refused`: it is given up."""

    def work() -> None:
        if is_renewed(lane, now):
            execute(
                f"UPDATE {_MESSAGES} SET attempted = %s, attempts = attempts + 1, problem = %s, failed = %s "
                "WHERE id = %s AND sent IS NULL",
                [to_utc(now), problem, to_utc(now) if refused else None, message_id],
            )

    in_transaction(work)


def postpone(lane: Lane, problem: str, until: int) -> None:
    """Send nothing to the recipient before `until`, if the lane is still the sender's; the lane is given back."""
    in_transaction(
        lambda: execute(
            f"UPDATE {_RECIPIENTS} SET failures = failures + 1, next_try = %s, problem = %s, "
            "claimed_by = '', claimed_until = NULL WHERE id = %s AND claimed_by = %s",
            [to_utc(until), problem, lane.recipient_id, lane.token],
        )
    )
