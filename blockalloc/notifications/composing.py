"""What messages say: letters about news, grouped by class, for staff and for owners."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import NamedTuple

from django.conf import settings
from django.urls import reverse

from blockalloc.models import Message, News
from blockalloc.notifications import staff, unsubscribing, wording
from blockalloc.notifications.audience import SITE, WEBHOOK, reason_of
from blockalloc.notifications.letter import Item, Letter, Section
from blockalloc.notifications.writing_out import as_html, as_text
from blockalloc.site_time import site_zone
from scheduling.news.kinds import Kind
from scheduling.wording import plural

__all__ = ["as_html", "as_text", "frame_of", "letter_in_brief", "letter_of_news", "letter_of_test"]


class Frame(NamedTuple):
    """What is below every letter to a recipient: see Letter. `is_staff`: whether they can open the staff pages."""

    reason: str
    preferences: str
    unsubscribe: str
    is_staff: bool


def letter_of_news(person_key: str, address: str, news: Sequence[News], key: str, at: int) -> Letter:
    """The letter that tells a recipient this news, by class and start; the latest of each class, after the earlier.

    `key` is that of the message, `at` its time (Unix seconds). Three statements at most.
    """
    by_class: dict[int, list[News]] = {}
    for each in sorted(news, key=lambda each: each.pk):
        by_class.setdefault(each.block_time_id, []).append(each)
    stories = sorted(by_class.values(), key=lambda story: (story[-1].start, story[-1].block_name, story[-1].pk))
    latest = [story[-1] for story in stories]
    frame = frame_of(person_key, owned=len(latest) if _owns(person_key, latest) else 0)
    return Letter(
        key=key,
        kind=Message.NEWS,
        at=at,
        subject=wording.subject(latest, at),
        opening=wording.opening(latest),
        items=[_item(story, at, for_staff=frame.is_staff) for story in stories],
        reason=frame.reason,
        preferences=frame.preferences,
        unsubscribe=frame.unsubscribe,
    )


def letter_in_brief(person_key: str, news: Sequence[News], key: str, at: int) -> Letter:
    """This news where no letter about it can be written: the rows as they are. No statement."""
    lines = [
        (
            f"{wording.one_line(each.block_name)}, {wording.when(int(each.start.timestamp()), at)}: {each.kind} "
            f"({each.usable} of {each.wanted} machines {'foreseen' if Kind(each.kind).is_of_forecast else 'usable'})",
            "",
        )
        for each in news
    ]
    return Letter(
        key=key,
        kind=Message.NEWS,
        at=at,
        subject=f"News about classes: {plural(len(news), 'change')}",
        opening="The service could not write more than this; its log says why.",
        sections=[Section("News", lines)],
        unsubscribe=unsubscribing.address_of(person_key),
    )


def letter_of_test(person_key: str, address: str, key: str, at: int) -> Letter:
    """A letter that only shows that letters reach the recipient."""
    frame = frame_of(person_key)
    return Letter(
        key=key,
        kind=Message.TEST,
        at=at,
        subject="Test of the notifications about classes",
        opening=f"This is a test. Messages of the block allocation service reach {address}.",
        reason="You get this message because somebody is checking that messages arrive (notify --test).",
        preferences=frame.preferences,
        unsubscribe=frame.unsubscribe,
    )


def frame_of(person_key: str, *, owned: int = 0) -> Frame:
    """What is below a letter; `owned`: about so many classes of the recipient's own, and about no others."""
    member = None if person_key.startswith(("mail:", "webhook:")) else staff.member(person_key)
    if person_key.startswith("mail:"):
        reason = SITE
    elif person_key.startswith("webhook:"):
        reason = WEBHOOK
    elif owned:
        reason = f"you own {'this class' if owned == 1 else 'these classes'}"
    else:
        reason = reason_of(member) if member else "you were among the staff when this was sent"
    return Frame(
        reason=f"You get this message because {reason}.",
        preferences=_address("admin:my_notifications") if member else "",
        unsubscribe=unsubscribing.address_of(person_key),
        is_staff=member is not None or person_key.startswith(("mail:", "webhook:")),
    )


def _owns(person_key: str, latest: Sequence[News]) -> bool:
    """Whether all of it is about classes of the recipient's own."""
    return all(person_key == f"vcl:{each.owner_id}" for each in latest)


def _item(story: Sequence[News], at: int, *, for_staff: bool) -> Item:
    """What is said of one class, whose news these are, the latest last."""
    news = story[-1]
    kind = Kind(news.kind)
    start, end = int(news.start.timestamp()), int(news.end.timestamp())
    return Item(
        kind=kind,
        news_id=news.pk,
        block_time_id=news.block_time_id,
        name=wording.one_line(news.block_name),
        image=wording.one_line(news.image_name),
        group=wording.one_line(news.user_group),
        owner=wording.one_line(news.owner),
        start=start,
        end=end,
        wanted=news.wanted,
        usable=news.usable,
        ready=news.ready,
        sureness=news.sureness,
        headline=wording.headline(news),
        why=wording.why(news),
        since=_since(news, at) if kind.is_trouble else "",
        tried=news.tried,
        advice=wording.advice(news, for_staff=for_staff),
        link=_link(news, for_staff=for_staff),
        week=_week(start) if kind.is_of_forecast and for_staff else "",
        earlier=[f"{wording.when(_seconds(each), at)}: {wording.in_short(each)}." for each in story[:-1]],
    )


def _since(news: News, at: int) -> str:
    if news.since is None:
        return f"{wording.when(_seconds(news), at)}, when it was noticed"
    return wording.when(int(news.since.timestamp()), at)


def _seconds(news: News) -> int:
    return int(news.at.timestamp())


def _link(news: News, *, for_staff: bool) -> str:
    """The page of the class; for owners, who can't open it, VCL's own page of their block allocations, if known."""
    if for_staff:
        return _address("admin:blockalloc_blocktime_change", news.block_time_id)
    front_end = str(settings.VCL_FRONT_END_URL)
    return f"{front_end}?mode=blockAllocations" if front_end else ""


def _week(start: int) -> str:
    """The page of the week in which a class starts."""
    day = datetime.fromtimestamp(start, site_zone()).date()
    return _address("admin:week", query={"from": day.isoformat()})


def _address(name: str, *arguments: object, query: Mapping[str, object] | None = None) -> str:
    """The full address of a page; "" if the service has none."""
    path = reverse(name, args=arguments, query=dict(query or {}))
    return f"{settings.VCL_SERVICE_URL}{path}" if settings.VCL_SERVICE_URL else ""
