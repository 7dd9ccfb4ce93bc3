"""The judge: what the receivers have taken, beside the rows of news and messages, once everybody has stopped."""

from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

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


@dataclass
class Verdict:
    """What is wrong, in words, and how much there was to judge."""

    wrong: list[str] = field(default_factory=list)
    counts: dict[str, int] = field(default_factory=dict)


def is_all_told() -> bool:
    """Whether nothing is left to be told."""
    return int(_rows(_LEFT)[0][0]) == 0


def judge(journal: Path, posted: Sequence[str], recipients: int, *, in_flight: int) -> Verdict:
    """Judge what has been taken, in the order in which it was: by the mail server, and by the webhook.

    `recipients`: how many were to be told everything. `in_flight`: how many messages may have been taken twice, since
    somebody was killed before the sender knew.
    """
    mails = [(mail["key"], f"mail:{mail['to']}") for mail in read_journal(journal)]
    taken = Counter([key for key, _ in mails] + list(posted))
    twice = sum(taken.values()) - len(taken)
    told: dict[str, list[tuple[str, int, int]]] = defaultdict(list)
    for key, recipient, block_time, news in _rows(_TOLD):
        told[key].append((recipient, block_time, news))
    verdict = Verdict()
    if not is_all_told():
        verdict.wrong.append(f"{_rows(_LEFT)[0][0]} things were not told in time")
    verdict.wrong += [*_lost(told, taken, recipients), *_foreign(told, mails), *_out_of_order(told, [*taken])]
    if twice > in_flight:
        verdict.wrong.append(f"{twice} were taken twice, of which {in_flight} may have been on their way at a kill")
    failed = _rows("SELECT COUNT(*) FROM blockalloc_message WHERE failed IS NOT NULL")[0][0]
    if failed:
        verdict.wrong.append(f"{failed} messages were given up")
    verdict.counts = {"messages": len(taken), "notices": sum(map(len, told.values())), "taken twice": twice}
    return verdict


def _rows(sql: str) -> list[tuple[Any, ...]]:
    with connection.cursor() as cursor:
        cursor.execute(sql)
        return list(cursor.fetchall())


def _lost(told: dict[str, list[tuple[str, int, int]]], taken: Counter[str], recipients: int) -> Iterator[str]:
    """Everybody was told everything, once, by a message that was taken."""
    for key in told.keys() - taken.keys():
        yield f"message {key} was taken by nobody"
    times = Counter(news for each in told.values() for _, _, news in each)
    for (news,) in _rows("SELECT id FROM blockalloc_news"):
        if times[news] != recipients:
            yield f"news {news} was told {times[news]} times to {recipients} recipients"


def _foreign(told: dict[str, list[tuple[str, int, int]]], mails: list[tuple[str, str]]) -> Iterator[str]:
    """Each mail is one of the rows, and went to its recipient."""
    for key, recipient in mails:
        meant = {each for each, _, _ in told.get(key, [])}
        if meant != {recipient}:
            yield f"message {key} for {meant} was taken for {recipient}"


def _out_of_order(told: dict[str, list[tuple[str, int, int]]], keys: list[str]) -> Iterator[str]:
    """Each recipient hears of a class in the order of its news. A repetition comes after the first one, and is none."""
    last: dict[tuple[str, int], int] = {}
    for key in keys:
        for recipient, block_time, news in told.get(key, []):
            if news <= last.get((recipient, block_time), 0):
                yield f"{recipient} was told news {news} of block time {block_time} after {last[recipient, block_time]}"
            last[recipient, block_time] = news
