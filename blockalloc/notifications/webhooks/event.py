"""The service's own format, for programs: docs/notifications.md describes it. Names that are sent do not change.

The members `type`, `timestamp` are as Standard Webhooks recommends them.
"""

from datetime import datetime
from typing import Any

from blockalloc.models import Message
from blockalloc.notifications.letter import Item, Letter, Section
from blockalloc.site_time import site_zone
from scheduling.news.kinds import Kind

VERSION = 1
TYPES = {Message.NEWS: "classes.changed", Message.SUMMARY: "classes.summary", Message.TEST: "test"}
EVENTS = {
    Kind.SHORT: "short",
    Kind.AT_RISK: "at_risk",
    Kind.NOT_READY: "not_ready",
    Kind.MENDED: "mended",
    Kind.READY: "ready",
    Kind.FORESEEN: "foreseen",
    Kind.FORESEEN_OVER: "foreseen_over",
}


def body(letter: Letter) -> dict[str, Any]:
    """The event for a letter. Nothing is left out or cut."""
    return {
        "version": VERSION,
        "type": TYPES[letter.kind],
        "id": letter.key,
        "timestamp": _time(letter.at),
        "subject": letter.subject,
        "text": letter.opening,
        "classes": [_class(item) for item in letter.items],
        "sections": [_section(section) for section in letter.sections],
    }


def _class(item: Item) -> dict[str, Any]:
    return {
        "event": EVENTS[item.kind],
        "is_trouble": item.kind.is_trouble,
        "news_id": item.news_id,
        "block_time_id": item.block_time_id,
        "name": item.name,
        "image": item.image,
        "user_group": item.group,
        "owner": item.owner,
        "start": _time(item.start),
        "end": _time(item.end),
        "machines": {"wanted": item.wanted, "usable": item.usable, "ready": item.ready},
        "sureness": item.sureness,
        "headline": item.headline,
        "why": item.why,
        "since": item.since,
        "tried": item.tried,
        "advice": item.advice,
        "link": item.link,
        "week": item.week,
        "earlier": list(item.earlier),
    }


def _section(section: Section) -> dict[str, Any]:
    return {"title": section.title, "lines": [{"text": text, "link": link} for text, link in section.lines]}


def _time(at: int) -> str:
    """ISO 8601 with the site's offset at that time."""
    return datetime.fromtimestamp(at, site_zone()).isoformat()
