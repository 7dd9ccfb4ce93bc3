"""Who reads what: the desk gets all mails of the site, a member of the staff those of their affiliation, owners theirs.

Owners read the mails of VCL's back end, too.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from simulation.back_end.mails import Kind, Mail
from verification.notifications import site
from verification.notifications.changes import What
from verification.notifications.inbox import Received
from verification.notifications.play import SECRET, Played
from verification.notifications.reader import Message, Told, Unreadable, read_mail, read_webhook
from verification.notifications.week import OWNERS, Week

DESK, STAFF, WEBHOOK = "the desk", "staff of one affiliation", "the webhook"


@dataclass
class Reader:
    """Somebody who reads messages. `remit`: the block times that they are to be told of.

    `told` is what these say, `told_by_vcl` what the mails of VCL's back end say.
    """

    name: str
    remit: frozenset[int]
    messages: list[Message] = field(default_factory=list)
    told: list[Told] = field(default_factory=list)
    told_by_vcl: list[Told] = field(default_factory=list)

    @property
    def news(self) -> list[Message]:
        """The messages but for daily summaries."""
        return [each for each in self.messages if each.is_news]


def readers(played: Played) -> tuple[list[Reader], list[str]]:
    """All readers with what they have got, and what is wrong with messages, in words."""
    found = _readers(played.week)
    wrong = []
    for received in played.received:
        try:
            message = _read(received)
        except Unreadable as error:
            wrong.append(f"unreadable: {error}")
            continue
        reader = found.get(message.to)
        if reader is None:
            wrong.append(f"{message.to} is to get nothing, and got {message.subject!r}")
            continue
        reader.messages.append(message)
        reader.told += message.told
    for told, owner in _told_by_vcl(played.vcl_mails, played.week):
        found[owner].told_by_vcl.append(told)
    return list(found.values()), wrong


def _read(received: Received) -> Message:
    return read_webhook(received, SECRET.encode()) if received.door == "webhook" else read_mail(received)


def _readers(week: Week) -> dict[str, Reader]:
    """Address -> who reads what comes there."""
    everything = frozenset(each.id for each in week.classes)
    biology = frozenset(each.id for each in week.classes if site.is_biology(each.owner))
    found = {
        site.SITE_MAIL: Reader(DESK, everything),
        site.STAFF_MAIL: Reader(STAFF, biology),
        "/news": Reader(WEBHOOK, everything),
    }
    for owner in OWNERS:
        if not site.wants_no_mail(owner):
            own = frozenset(each.id for each in week.classes if each.owner == owner)
            found[site.owner_mail(owner)] = Reader(f"owner {owner}", own)
    return found


def _told_by_vcl(mails: Iterable[Mail], week: Week) -> Iterator[tuple[Told, str]]:
    """What the mails of VCL's back end tell owners of shortages, and their addresses."""
    owners = {each.id: each.owner for each in week.classes}
    for number, mail in enumerate(mails):
        owner = owners[mail.block_time]
        if mail.kind is Kind.SHORT and not site.wants_no_mail(owner):
            missing = mail.wanted - mail.allocated
            numbers = (missing, mail.wanted, mail.allocated)
            told = Told(mail.at, f"vcl-{number}", mail.block_time, What.SHORT, *numbers, is_latest=True)
            yield told, site.owner_mail(owner)
