"""What people were told by the moment: messages that were sent, that wait, that failed."""

from collections.abc import Sequence
from datetime import datetime, timedelta

from django.contrib.auth.models import User as StaffUser

from blockalloc.models import BlockTime, LoopSeen, Message, News, Notice, Recipient
from blockalloc.notifications.composing import as_html, as_text, letter_of_news
from blockalloc.notifications.webhooks.bodies import body_of
from blockalloc.store.rows import full_name
from scheduling.news.kinds import Kind
from tests.support.browser.monday_morning import EVENING, EXAM, LAB, MOMENT, SIGNALS

DESK = "vcl-desk@example.edu"
_HOOK = "webhook:0123456789abcdef0123456789abcdef"


def add_messages() -> None:
    """The lab was short in the night, an exam had been at risk before; the desk, the owner and a chat were told."""
    StaffUser.objects.filter(username="demo").update(email="demo@example.edu")
    night, late, now = (MOMENT.replace(hour=hour, minute=minute) for hour, minute in ((3, 0), (7, 20), (8, 36)))
    exam = _news(EXAM, Kind.AT_RISK, late - timedelta(minutes=40), why="cs-05 failed to load", sureness=0.71)
    ready = _news(EXAM, Kind.READY, late)
    short = _news(LAB, Kind.SHORT, night, why=f"the class {EXAM} has the other computers that can run the image")
    risk = _news(
        LAB,
        Kind.AT_RISK,
        now,
        why="3 of 20 machines missing (1 of them with a failed computer); cs-57 failed to load: "
        "17 of 20 machines are usable",
        tried="1 computer exchanged, 1 loaded again",
        sureness=0.32,
        since=now - timedelta(minutes=6),
    )
    signals = _news(
        SIGNALS, Kind.SHORT, now, why="no other computer has enough memory", since=now - timedelta(minutes=3)
    )
    mended = _news(EVENING, Kind.MENDED, now, tried="2 machines added")
    desk, owner = _recipient(f"mail:{DESK}", DESK), _recipient(f"vcl:{short.owner_id}", "owner@example.edu")
    hook = _recipient(_HOOK, "hooks.example.com", Recipient.WEBHOOK)
    _message(desk, [short], night, sent=night)
    refused = night + timedelta(seconds=30)  # at once: a receiver that is gone is not tried again
    _message(
        hook, [short], night, attempted=refused, failed=refused, problem="hooks.example.com answered with status 410"
    )
    _message(owner, [exam, ready], late, sent=late)
    _message(desk, [risk, signals, mended], now, attempts=1, problem="mail.example.edu: Connection refused")
    LoopSeen.objects.create(name="notify", host="blocks1", at=MOMENT - timedelta(seconds=20))


def _news(name: str, kind: Kind, at: datetime, **values: object) -> News:
    time = (
        BlockTime.objects.select_related(
            "blockRequest__owner__affiliation", "blockRequest__group__affiliation", "blockRequest__image"
        )
        .filter(blockRequest__name=name, end__gt=MOMENT)
        .order_by("start")[0]
    )
    request = time.blockRequest
    group = request.group
    columns: dict[str, object] = {
        "at": at,
        "kind": kind,
        "block_time_id": time.pk,
        "block_request_id": request.pk,
        "block_name": request.name,
        "image_name": request.image.prettyname,
        "user_group": full_name(group.name, group.affiliation.name if group.affiliation else None) if group else "",
        "owner_id": request.owner_id,
        "owner": str(request.owner),
        "affiliation_id": request.owner.affiliation_id,
        "start": time.start,
        "end": time.end,
        "wanted": request.numMachines,
        "usable": request.numMachines - (0 if kind in (Kind.MENDED, Kind.READY) or name == EXAM else 2),
        "ready": 6 if name == LAB else None,
        "taken": at,
        **values,
    }
    return News.objects.create(**columns)


def _recipient(key: str, address: str, channel: str = Recipient.MAIL) -> Recipient:
    return Recipient.objects.create(key=key, channel=channel, address=address)


def _message(to: Recipient, about: Sequence[News], at: datetime, **values: object) -> None:
    """A message as `notify` makes and stores it."""
    key = f"news-{Message.objects.count():032x}"
    made = letter_of_news(to.key, to.address, about, key, int(at.timestamp()) + 30)
    mail = to.channel == Recipient.MAIL
    columns: dict[str, object] = {
        "recipient": to,
        "key": key,
        "kind": made.kind,
        "address": to.address,
        "subject": made.subject,
        "text": as_text(made) if mail else "",
        "html": as_html(made) if mail else "",
        "body": "" if mail else body_of("json", made),
        "unsubscribe": made.unsubscribe,
        "created": at,
        "attempts": 1,
        "attempted": at,
        **values,
    }
    message = Message.objects.create(**columns)
    Notice.objects.bulk_create(Notice(news=each, recipient=to, message=message) for each in about)
