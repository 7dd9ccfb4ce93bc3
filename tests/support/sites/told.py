"""News about classes, and people who are told of them: owners, and staff with accounts in VCL and of Django's."""

from collections.abc import Iterable
from datetime import timedelta
from typing import Any

from django.contrib.auth.models import User as StaffUser

from blockalloc.models import Affiliation, Message, News, Notice, Recipient, StaffAccount, User
from scheduling.news.kinds import Kind
from tests.support.sites.accounts import manager
from tests.support.sites.staff_site import MONDAY, NOW

MAIL_SERVER = "smtp://mail.example.edu"  # the tests that only ask who is told connect to none


def news(kind: Kind, owner: User | None = None, **values: Any) -> News:
    """News of a class of 20 machines on Monday at 9 of which two are missing, as of now."""
    columns: dict[str, Any] = {
        "at": NOW,
        "kind": kind,
        "block_time_id": 101,
        "block_request_id": 11,
        "block_name": "CS101 lab",
        "image_name": "Ubuntu 22.04",
        "user_group": "CS101@NCSU",
        "owner_id": owner.pk if owner else None,
        "owner": str(owner) if owner else "",
        "affiliation_id": owner.affiliation_id if owner else None,
        "start": MONDAY,
        "end": values.get("start", MONDAY) + timedelta(hours=2),
        "wanted": 20,
        "usable": 18 if kind is Kind.SHORT else 20,
        "ready": {Kind.NOT_READY: 15, Kind.READY: 20}.get(kind),
        **values,
    }
    return News.objects.create(**columns)


def teacher(name: str = "odette", affiliation: str = "NCSU", **values: Any) -> User:
    """A user of VCL who owns classes."""
    columns: dict[str, Any] = {"email": f"{name}@example.edu", "emailnotices": 1, **values}
    of = Affiliation.objects.get_or_create(name=affiliation, defaults={"dataUpdateText": ""})[0]
    return User.objects.create(unityid=name, affiliation=of, **columns)


def vcl_staff(name: str, affiliation: str, *rights: str, **values: Any) -> User:
    """A user of VCL with these rights who has signed in to the staff pages once."""
    user = manager(name, affiliation, *rights)
    User.objects.filter(pk=user.pk).update(**{"email": f"{name}@example.edu", **values})
    account = StaffUser.objects.create(username=f"{name}@{affiliation}", is_staff=True)
    StaffAccount.objects.create(user=account, vcl_user_id=user.pk, digest="x" * 64)
    user.refresh_from_db()
    return user


def message(about: Iterable[News] = (), key: str = "mail:desk@example.edu", **values: Any) -> Message:
    """A message to the recipient with this key, about this news, that waits to be sent."""
    address = str(values.pop("address", key.partition(":")[2] if key.startswith("mail:") else f"{key}@example.edu"))
    recipient, _ = Recipient.objects.get_or_create(
        key=key, defaults={"channel": values.pop("channel", Recipient.MAIL), "address": address}
    )
    columns: dict[str, Any] = {
        "recipient": recipient,
        "key": f"m-{Message.objects.count() + 1}",
        "kind": Message.NEWS,
        "address": address,
        "subject": "CS101 lab Mon 09:00: 2 of 20 machines missing",
        "text": "2 of 20 machines are missing.\n",
        "created": NOW - timedelta(minutes=5),
        **values,
    }
    made = Message.objects.create(**columns)
    Notice.objects.bulk_create(Notice(news=each, recipient=recipient, message=made) for each in about)
    return made
