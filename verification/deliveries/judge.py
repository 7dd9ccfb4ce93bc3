"""The judge: what the receivers have taken, beside the rows of news and messages, once everybody has stopped."""

from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

from django.db import connection

from tests.support.servers.mail_server import read_journal

_LEFT = """
SELECT (SELECT COUNT(*) FROM blockalloc_news WHERE taken IS NULL)
     + (SELECT COUNT(*) FROM blockalloc_notice WHERE message_id IS NULL)
     + (SELECT COUNT(*) FROM blockalloc_message WHERE sent IS NULL AND failed IS NULL)
"""
_TOLD = """
SELECT m.`key`, r.`key`, w.block_time_id, w.id FROM blockalloc_notice n
JOIN blockalloc_message m ON m.id = n.message_id JOIN blockalloc_recipient r ON r.id = n.recipient_id
JOIN blockalloc_news w ON w.id = n.news_id ORDER BY w.id
"""


# A message may be taken a second time if somebody was killed before it was noted as sent: within so many seconds.
_NOTED_WITHIN = 5.0


class Taken(NamedTuple):
    """A message as a receiver took it; `recipient` is a mail address, `at` by the monotonic clock."""

    key: str
    recipient: str
    at: float


@dataclass
class Verdict:
    """What is wrong, in words, and how much there was to judge."""

    wrong: list[str] = field(default_factory=list)
    counts: dict[str, int] = field(default_factory=dict)


def is_all_told() -> bool:
    """Whether nothing is left to be told."""
    return int(_rows(_LEFT)[0][0]) == 0


def judge(journal: Path, posted: Sequence[Taken], recipients: int, kills: Sequence[float]) -> Verdict:
    """Judge what has been taken, in the order in which it was: by the mail server, and by the webhook.

    `recipients`: how many were to be told everything. `kills`: when somebody was killed (monotonic clock).
    """
    mails = [Taken(mail["key"], mail["to"], mail["at"]) for mail in read_journal(journal)]
    taken = [*mails, *posted]
    keys = list(dict.fromkeys(each.key for each in taken))
    told: dict[str, list[tuple[str, int, int]]] = defaultdict(list)
    for key, recipient, block_time, news in _rows(_TOLD):
        told[key].append((recipient, block_time, news))
    verdict = Verdict()
    if not is_all_told():
        verdict.wrong.append(f"{_rows(_LEFT)[0][0]} things were not told in time")
    verdict.wrong += [*_lost(told, keys, recipients), *_foreign(told, mails), *_out_of_order(told, keys)]
    verdict.wrong += _twice(taken, kills)
    failed = _rows("SELECT COUNT(*) FROM blockalloc_message WHERE failed IS NOT NULL")[0][0]
    if failed:
        verdict.wrong.append(f"{failed} messages were given up")
    notices = sum(map(len, told.values()))
    verdict.counts = {"messages": len(keys), "notices": notices, "taken twice": len(taken) - len(keys)}
    return verdict


def _twice(taken: Sequence[Taken], kills: Sequence[float]) -> Iterator[str]:
    """Nothing is taken twice but what was under way when somebody was killed."""
    last: dict[str, float] = {}
    for each in taken:
        before = last.get(each.key)
        if before is not None and not any(before <= kill <= before + _NOTED_WITHIN for kill in kills):
            yield f"message {each.key} was taken twice, though nobody was killed when it was taken first"
        last[each.key] = each.at


def _rows(sql: str) -> list[tuple[Any, ...]]:
    with connection.cursor() as cursor:
        cursor.execute(sql)
        return list(cursor.fetchall())


def _lost(told: dict[str, list[tuple[str, int, int]]], keys: list[str], recipients: int) -> Iterator[str]:
    """Everybody was told everything, once, by a message that was taken."""
    for key in told.keys() - set(keys):
        yield f"message {key} was taken by nobody"
    times = Counter(news for each in told.values() for _, _, news in each)
    for (news,) in _rows("SELECT id FROM blockalloc_news"):
        if times[news] != recipients:
            yield f"news {news} was told {times[news]} times to {recipients} recipients"


def _foreign(told: dict[str, list[tuple[str, int, int]]], mails: list[Taken]) -> Iterator[str]:
    """Each mail is one of the rows, and went to its recipient."""
    for mail in mails:
        meant = {each for each, _, _ in told.get(mail.key, [])}
        if meant != {f"mail:{mail.recipient}"}:
            yield f"message {mail.key} for {meant} was taken for {mail.recipient}"


def _out_of_order(told: dict[str, list[tuple[str, int, int]]], keys: list[str]) -> Iterator[str]:
    """Each recipient hears of a class in the order of its news. A repetition comes after the first one, and is none."""
    last: dict[tuple[str, int], int] = {}
    for key in keys:
        for recipient, block_time, news in told.get(key, []):
            if news <= last.get((recipient, block_time), 0):
                yield f"{recipient} was told news {news} of block time {block_time} after {last[recipient, block_time]}"
            last[recipient, block_time] = news
