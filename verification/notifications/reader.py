"""Reads messages as people do: only what the text says. Of a mail that is the plain text, of a webhook the body."""

import base64
import email
import email.policy
import hmac
import html
import json
import re
from collections.abc import Iterator
from email.message import EmailMessage
from typing import Any, NamedTuple

from verification.notifications.changes import What
from verification.notifications.inbox import Received

# What is said first about a class, and in short about what was before.
_SAYS = (
    (What.SHORT, re.compile(r"(?:(?P<some>\d+) of|(?P<all>[Aa]ll)) (?P<of>\d+) machines (?:is |are )?missing")),
    (What.AT_RISK, re.compile(r"may not be ready when it begins|^at risk")),
    (What.NOT_READY, re.compile(r"^(?:The class )?began with ")),
    (What.MENDED, re.compile(r"^(?:The class )?has all \d+ machines now")),
    (What.READY, re.compile(r"^[Aa]ll \d+ machines (?:are )?ready now")),
)
_NUMBERS = re.compile(r"^(\d+) machines wanted, (\d+) usable")
_CHANCE = re.compile(r"The chance that .* is (?:over |below )?(\d+) %")
_EARLIER = re.compile(r"(?:^| )(?:Mon|Tue|Wed|Thu|Fri|Sat|Sun) \d\d:\d\d: ")
_SUMMARY = re.compile(r"^(?:Mon|Tue|Wed|Thu|Fri|Sat|Sun) \d+ \w+: ")  # the subject of a daily summary
_CLASS = re.compile(r"^Course (\d+)$")


class Told(NamedTuple):
    """What a message says of a class. `is_latest`: how it is; else what was before, in the same message.

    `usable` of `wanted` machines: what the message says that it has now. `chance`: how likely all will be ready, in
    percent, where it says so.
    """

    at: int
    message: str
    block_time: int
    what: What
    missing: int
    wanted: int
    usable: int
    is_latest: bool
    chance: int | None = None


class Message(NamedTuple):
    """A message as it was read. `is_news`: not a daily summary."""

    at: int
    id: str
    to: str
    subject: str
    is_news: bool
    told: list[Told]

    def classes(self) -> set[int]:
        """The block times that it tells something of."""
        return {each.block_time for each in self.told}


class Unreadable(Exception):
    """Nobody could understand the message; the text says what is odd."""


def read_mail(received: Received) -> Message:
    """What a mail says. Raises Unreadable."""
    message = email.message_from_bytes(received.content.encode("latin-1"), policy=email.policy.default)
    assert isinstance(message, EmailMessage)
    id_, (to,) = str(message["Message-ID"]), received.to
    subject = str(message["Subject"])
    texts = [_part(message, kind) for kind in ("plain", "html")]
    if _SUMMARY.match(subject):
        return Message(received.at, id_, to, subject, is_news=False, told=[])
    told = [each for block in texts[0].split("\n\n\n") for each in _read_block(block, received.at, id_)]
    if not told:
        raise Unreadable(f"{subject!r} says nothing of any class:\n{texts[0]}")
    for each in told:
        if f"Course {each.block_time}" not in html.unescape(texts[1]):
            raise Unreadable(f"{subject!r}: the HTML does not name Course {each.block_time}")
    return Message(received.at, id_, to, subject, is_news=True, told=told)


def read_webhook(received: Received, secret: bytes) -> Message:
    """What the call of a webhook says, in the service's own format. Raises Unreadable, also where it is not signed."""
    headers, body = received.headers, json.loads(received.content)
    signed = f"{headers['webhook-id']}.{headers['webhook-timestamp']}.{received.content}".encode()
    signature = base64.b64encode(hmac.digest(secret, signed, "sha256")).decode()
    if headers["webhook-signature"] != f"v1,{signature}":
        raise Unreadable(f"the signature of {headers['webhook-id']} is wrong")
    told = [each for item in body["classes"] for each in _of_webhook(item, received.at, body["id"])]
    is_news = body["type"] == "classes.changed"
    return Message(received.at, headers["webhook-id"], received.to[0], body["subject"], is_news, told)


def _of_webhook(item: dict[str, Any], at: int, message: str) -> Iterator[Told]:
    wanted, usable = item["machines"]["wanted"], item["machines"]["usable"]
    for sentence in item["earlier"]:
        what, missing = _what(_EARLIER.sub("", sentence))
        yield Told(at, message, item["block_time_id"], what, missing, wanted, usable, is_latest=False)
    what = _EVENTS[item["event"]]
    yield Told(at, message, item["block_time_id"], what, wanted - usable, wanted, usable, is_latest=True)


_EVENTS = {
    "short": What.SHORT, "at_risk": What.AT_RISK, "not_ready": What.NOT_READY, "mended": What.MENDED,
    "ready": What.READY,
}  # fmt: skip


def _part(message: EmailMessage, kind: str) -> str:
    part = message.get_body((kind,))
    if part is None:
        raise Unreadable(f"{message['Subject']!r} has no {kind} part")
    return str(part.get_content()).replace("\r\n", "\n")


def _read_block(block: str, at: int, message: str) -> Iterator[Told]:
    """What one block of the text says: first what was before."""
    name, *paragraphs = [" ".join(lines.split()) for lines in _paragraphs(block)]
    found = _CLASS.match(name)
    if not found:
        return
    id_ = int(found[1])
    numbers = next((match for text in paragraphs if (match := _NUMBERS.match(text))), None)
    if numbers is None:
        raise Unreadable(f"no number of machines of class {id_}:\n{block}")
    wanted, usable = int(numbers[1]), int(numbers[2])
    before = next((text.removeprefix("Before: ") for text in paragraphs if text.startswith("Before: ")), "")
    for sentence in filter(None, _EARLIER.split(before)):
        what, missing = _what(sentence)
        yield Told(at, message, id_, what, missing, wanted, usable, is_latest=False)
    what, missing = _what(paragraphs[1])
    if what is What.SHORT and missing != wanted - usable:
        raise Unreadable(f"{missing} machines are missing, but {usable} of {wanted} are there:\n{block}")
    chance = _CHANCE.search(paragraphs[1])
    percent = int(chance[1]) if chance else None
    yield Told(at, message, id_, what, wanted - usable, wanted, usable, is_latest=True, chance=percent)


def _paragraphs(block: str) -> Iterator[str]:
    """Lines that belong together: those that begin with blanks continue one with a label; other lines stand alone."""
    text = ""
    for line in [*block.strip("\n").splitlines(), ""]:
        if line.startswith(" ") and text:
            text += line
        else:
            if text:
                yield text
            text = line


def _what(sentence: str) -> tuple[What, int]:
    """What a sentence says, and how many machines it says are missing. Raises Unreadable."""
    for what, pattern in _SAYS:
        if found := pattern.search(sentence):
            missing = int(found["some"] or found["of"]) if what is What.SHORT else 0
            return what, missing
    raise Unreadable(f"what does this say? {sentence!r}")
