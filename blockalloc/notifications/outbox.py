"""From news to messages: who is to be told, what is told together, and how often."""

import logging
import uuid
from collections.abc import Sequence
from datetime import date, datetime

from django.conf import settings
from django.db import Error

from blockalloc.models import Message, News
from blockalloc.notifications import audience, composing, preferences, summary, writing
from blockalloc.site_time import local_to_instant, site_zone
from blockalloc.store import lanes, outbox
from blockalloc.store.lanes import Lane
from blockalloc.store.outbox import Address, Content
from scheduling.windows import DAY, HOUR

log = logging.getLogger(__name__)

_NEWS_AT_ONCE = 500
_IN_BRIEF = 3  # failures of a recipient after which a letter that cannot be written is none
_SUMMARY_HOURS = 4  # a summary of the day that comes later than this after its time is none


def find_recipients(now: int) -> int:
    """Note who is to be told news that is new; how much news there was. Raises DatabaseError.

    News that is older than a day, since nobody was at work to tell it, is told to nobody if its class is over.
    """
    taken = 0
    for id_ in outbox.untaken(_NEWS_AT_ONCE):
        news = News.objects.filter(pk=id_).first()
        if news is None:
            continue
        try:
            is_past = max(news.at.timestamp() + DAY, news.end.timestamp()) < now
            people = [] if is_past else audience.recipients(news)
            taken += outbox.take(id_, [Address(each.key, each.channel, each.address) for each in people], now)
        except Error:
            raise
        except Exception:  # the other news must not suffer, and the next round tries again
            log.exception("the recipients of news %d could not be found", id_)
    return taken


# --- Messages of news -----------------------------------------------------------------------------
def make_message(lane: Lane, now: int) -> bool:
    """Make a message of what the recipient is to be told, if it is time for one; whether one was made.

    What it says is written now: each attempt to send it sends the same. Whoever has ended their notifications
    meanwhile gets none.
    """
    notices = outbox.notices(lane.recipient_id)
    if not notices:
        return False
    news = list(News.objects.filter(pk__in=[news_id for _, news_id in notices]).order_by("pk"))
    made = outbox.made_since(lane.recipient_id, now - HOUR)
    if not (is_time(news, now) and may_make(made, now, settings.VCL_MAILS_PER_HOUR, is_urgent=is_urgent(news, now))):
        return False
    if preferences.has_ended(lane.key):
        outbox.drop([id_ for id_, _ in notices])
        return False
    key = f"news-{uuid.uuid4().hex}"
    content = _content(lane, news, key, now)
    return outbox.add_news_message(lane, key, content, [id_ for id_, _ in notices], now) is not None


def _content(lane: Lane, news: Sequence[News], key: str, now: int) -> Content:
    """What the message says. After some failures it is told in brief: it must not hold up all that follows for ever."""
    try:
        letter = composing.letter_of_news(lane.key, lane.address, news, key, now)
        return writing.content(letter, lane.channel, lane.key)
    except Error:
        raise
    except Exception:
        if lane.failures < _IN_BRIEF:
            raise
        log.exception("news for %s is told in brief, for it cannot be written as usual", lane.key)
    return writing.content(composing.letter_in_brief(lane.key, news, key, now), lane.channel, lane.key)


def is_time(news: Sequence[News], now: int) -> bool:
    """Whether no more news is waited for: some is half a minute old, or 10 seconds and its class is about to begin."""
    return any(
        each.at.timestamp() <= now - lanes.GROUPING
        or (each.at.timestamp() <= now - lanes.GROUPING_SOON and each.start.timestamp() <= now + lanes.SOON)
        for each in news
    )


def is_urgent(news: Sequence[News], now: int) -> bool:
    """Whether a class of the news is about to begin, or has begun: what comes late does not help anybody."""
    return any(each.start.timestamp() <= now + lanes.SOON for each in news)


def may_make(made: Sequence[int], now: int, per_hour: int, *, is_urgent: bool = False) -> bool:
    """Whether a recipient may get another message, after those `made` in the last hour (Unix seconds).

    At most `per_hour` in any hour. The first half of them and urgent ones at once, the others evenly over an hour: so
    that what is urgent rarely waits.
    """
    at_once = max(per_hour // 2, 1)
    if len(made) < (per_hour if is_urgent else at_once):
        return True
    return len(made) < per_hour and made[-1] + HOUR / (per_hour - at_once) <= now


# --- Daily summaries ------------------------------------------------------------------------------
def summary_day(now: int) -> date | None:
    """The day whose summary is to be sent now; None when it is not the time for one (VCL_SUMMARY_TIME)."""
    if settings.VCL_SUMMARY_TIME is None:
        return None
    today = datetime.fromtimestamp(now, site_zone()).date()
    begin = int(local_to_instant(datetime.combine(today, settings.VCL_SUMMARY_TIME)).timestamp())
    return today if begin <= now < begin + _SUMMARY_HOURS * HOUR else None


def add_summaries(day: date, now: int) -> None:
    """Write the summaries of a day, each once, however many hosts do it. Raises DatabaseError."""
    for person in audience.summary_recipients():
        address = Address(person.key, person.channel, person.address)
        id_ = outbox.recipient_ids([address], now)[person.key]
        key = f"summary-{day}-{id_}"
        if outbox.has_message(key):
            continue
        try:
            letter = summary.letter_of_summary(person, day, key, now)
            if letter is not None:
                content = writing.content(letter, person.channel, person.key)
                outbox.add_message(id_, key, Message.SUMMARY, person.address, content, now)
        except Error:
            raise
        except Exception:
            log.exception("the summary for %s could not be written", person.key)
