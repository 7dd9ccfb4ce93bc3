"""Who gets what: owners their own classes, staff those of their affiliation, the site's addresses and webhooks all.

What somebody has chosen comes first (`preferences`). An address that is there several times gets a thing once.
"""

from collections.abc import Iterable, Iterator
from typing import NamedTuple
from urllib.parse import urlsplit

from django.conf import settings

from blockalloc.models import News, Recipient, User
from blockalloc.models.scope import Scope
from blockalloc.notifications import preferences, staff
from blockalloc.notifications.preferences import Choice
from blockalloc.notifications.staff import Staff
from blockalloc.notifications.webhooks.keys import key_of
from scheduling.news.kinds import Kind

OWNER = "you own this class"
SITE = "this address gets the news of all classes (VCL_SITE_MAIL)"
WEBHOOK = "this address gets the news of all classes (VCL_WEBHOOK_URL)"


class Person(NamedTuple):
    """Somebody who is to get something: key and channel of their Recipient, where it goes, and why they get it.

    `scope`: of which classes a daily summary tells them.
    """

    key: str
    channel: str
    address: str
    reason: str
    scope: Scope = Scope()


class _Candidate(NamedTuple):
    """Somebody who gets something unless they have chosen otherwise. `default`: as long as they have not chosen."""

    person: Person
    owns: bool
    default: Choice


def recipients(news: News) -> list[Person]:
    """Who is told this news, each once. Six statements, however many they are."""
    candidates = [*_owner(news), *_staff_for(news), *_site()] if settings.VCL_SMTP_URL else []
    kind = Kind(news.kind)
    told = [each.person for each, choice in _with_choices(candidates) if _wants(choice, kind, owns=each.owns)]
    return [*_each_address_once(told), *_webhooks()]


def summary_recipients() -> list[Person]:
    """Who gets the daily summary. Five statements, however many they are."""
    candidates = [*map(_of_staff, staff.staff()), *_site()] if settings.VCL_SMTP_URL else []
    told = [each.person for each, choice in _with_choices(candidates) if choice.summary]
    return [*_each_address_once(told), *_webhooks()]


def reason_of(person: Staff) -> str:
    """Why one of the staff is told of classes that are not their own."""
    return f"you are staff for {f'classes of {person.affiliation}' if person.affiliation else 'all classes'}"


def _wants(choice: Choice, kind: Kind, *, owns: bool) -> bool:
    return kind in choice.kinds and (owns or not choice.only_own)


def _with_choices(candidates: list[_Candidate]) -> Iterator[tuple[_Candidate, Choice]]:
    chosen = preferences.chosen({each.person.key for each in candidates}) if candidates else {}
    return ((each, chosen.get(each.person.key, each.default)) for each in candidates)


def _owner(news: News) -> Iterator[_Candidate]:
    """The owner. Those to whom VCL sends no notices (`user.emailnotices`) get none of ours, unless they chose some."""
    if news.owner_id is None or _is_mailed_by_back_end(news):
        return
    for email, notices in User.objects.filter(pk=news.owner_id).values_list("email", "emailnotices"):
        if address := staff.usable(email):
            person = Person(f"vcl:{news.owner_id}", Recipient.MAIL, address, OWNER)
            yield _Candidate(person, True, preferences.OF_PEOPLE if notices else preferences.NOTHING)


def _staff_for(news: News) -> Iterator[_Candidate]:
    for each in staff.staff():
        is_told_already = each.user_id is not None and each.user_id == news.owner_id and _is_mailed_by_back_end(news)
        if each.scope.affiliation_id in (None, news.affiliation_id) and not is_told_already:
            yield _of_staff(each, news)


def _is_mailed_by_back_end(news: News) -> bool:
    """Whether VCL's back end mails the owner the same: it says how many machines it was given when it asked."""
    return news.kind == Kind.SHORT and news.by_back_end and bool(settings.VCL_BACK_END_MAILS)


def _of_staff(each: Staff, news: News | None = None) -> _Candidate:
    owns = news is not None and each.user_id is not None and each.user_id == news.owner_id
    person = Person(each.key, Recipient.MAIL, each.address, reason_of(each), each.scope)
    return _Candidate(person, owns, preferences.OF_PEOPLE)


def _site() -> Iterator[_Candidate]:
    for address in settings.VCL_SITE_MAIL:
        key = f"mail:{address.lower()}"
        yield _Candidate(Person(key, Recipient.MAIL, address, SITE), False, preferences.OF_SITE)


def _webhooks() -> Iterator[Person]:
    for webhook in settings.VCL_WEBHOOK_URL:
        host = urlsplit(webhook.url).hostname or ""
        yield Person(key_of(webhook), Recipient.WEBHOOK, host, WEBHOOK)


def _each_address_once(people: Iterable[Person]) -> list[Person]:
    """The first of those with the same address: the owner, staff, the site."""
    by_address: dict[str, Person] = {}
    for each in people:
        by_address.setdefault(each.address.lower(), each)
    return list(by_address.values())
