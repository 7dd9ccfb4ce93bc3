"""What people were told: messages that are sent, wait or have failed, with their texts."""

import json
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from django.contrib import admin
from django.db.models import Case, Q, QuerySet, Value, When
from django.http import HttpRequest, HttpResponse
from django.utils.html import format_html

from blockalloc import clock
from blockalloc.admin.base import ReadOnlyAdmin
from blockalloc.admin.filters import ALL, Choice, ChoiceFilter
from blockalloc.models import Message, Recipient
from blockalloc.models.scope import scope_of
from blockalloc.pages.columns import column, fact, moment, signal
from blockalloc.pages.notifications import SEND_AGAIN, own_key, visible_to
from blockalloc.reports import deliveries

HEAVY = ("text", "html", "body")  # columns that lists don't read
_HIDDEN = "…"
_GONE = "status 410"


# --- Columns ------------------------------------------------------------------------------------
@column("State")
def state(message: Message) -> str:
    """Sent, waits or failed."""
    line = deliveries.state(message)
    return signal(line.level, line.text)


@column("Created", ordering="pk")
def created(message: Message) -> datetime:
    """The time at which it was made of the news."""
    return message.created


@column("Created", ordering="pk")
def made(message: Message) -> str:
    """The same, as lists have it."""
    return format_html('<span class="when">{}</span>', moment(message.created))


@column("Subject")
def subject(message: Message) -> str:
    """What it is about."""
    return message.subject


@column("To")
def address(message: Message) -> str:
    """The mail address, or the host of the webhook; other people's are none of the business of a limited scope."""
    return message.address if fact(message, "names_recipient") else "somebody else"


@column("Channel")
def channel(message: Message) -> str:
    """Mail or webhook."""
    return message.recipient.channel


@column("Attempts")
def attempts(message: Message) -> int:
    """How often it was tried."""
    return message.attempts


@column("Sent")
def sent(message: Message) -> datetime | None:
    """The time at which the mail server, or the webhook, took it."""
    return message.sent


@column("Last attempt")
def attempted(message: Message) -> datetime | None:
    """The time of the last attempt."""
    return message.attempted


@column("Next attempt")
def next_try(message: Message) -> datetime | str | None:
    """The time of the next one, of a message that waits."""
    if message.sent or message.failed:
        return None
    later = message.recipient.next_try
    return later if later and int(later.timestamp()) > clock.now() else "in the next round of notify"


@column("Given up")
def failed(message: Message) -> datetime | None:
    """The time at which it was given up."""
    return message.failed


@column("Problem")
def problem(message: Message) -> str:
    """What was wrong with the last attempt. Mail servers repeat the address."""
    text = message.problem
    return text if fact(message, "names_recipient") else text.replace(message.address, _HIDDEN)


@column("Message-ID, idempotency key")
def key(message: Message) -> str:
    """What is the same at each attempt."""
    return message.key


@column("Text")
def text(message: Message) -> str:
    """What it says. Whoever had the address to unsubscribe could end somebody else's notifications."""
    written = message.text or _laid_out(message.body)
    if message.unsubscribe:
        written = written.replace(message.unsubscribe, _HIDDEN)
    return format_html('<pre class="letter" tabindex="0">{}</pre>', written)


def _laid_out(body: str) -> str:
    """JSON in lines."""
    try:
        return json.dumps(json.loads(body), indent=2, ensure_ascii=False)
    except ValueError:
        return body


# --- The list -----------------------------------------------------------------------------------
class StateFilter(ChoiceFilter):
    """Whether messages are sent, wait or have failed."""

    title = "state"
    parameter_name = "state"

    def options(self) -> dict[str, Choice]:
        unsent = Q(sent__isnull=True)
        return {
            ALL: Choice("All", Q()),
            "failed": Choice("Failed", unsent & Q(failed__isnull=False)),
            "waiting": Choice("Waiting", unsent & Q(failed__isnull=True)),
            "sent": Choice("Sent", Q(sent__isnull=False)),
        }


class ChannelFilter(ChoiceFilter):
    """Mails or webhooks."""

    title = "channel"
    parameter_name = "channel"

    def options(self) -> dict[str, Choice]:
        channels = {each: Choice(f"{each.capitalize()}s", Q(recipient__channel=each)) for each in Recipient.CHANNELS}
        return {ALL: Choice("All", Q()), **channels}


@admin.register(Message)
class NotificationAdmin(ReadOnlyAdmin[Message]):
    """Messages, the latest first."""

    list_title = "Notifications"
    counted = ("notification", "notifications")
    list_display = (subject, made, state, address, problem)
    list_filter = (StateFilter, ChannelFilter)
    search_help_text = "Search by subject or address"
    ordering = ("-pk",)
    change_list_template = "admin/blockalloc/notifications.html"
    change_form_template = "admin/blockalloc/notification.html"
    sections = (
        (
            None,
            (
                (state, channel),
                (address, created),
                (attempts, sent),
                (attempted, next_try, failed),
                problem,
                text,
                key,
            ),
        ),
    )

    def heading(self, row: Message) -> str:
        """What it is about."""
        return row.subject

    def get_search_fields(self, request: HttpRequest) -> tuple[str, ...]:
        """Whoever may not see an address can't search for it."""
        return ("subject",) if scope_of(request.user).is_limited else ("subject", "address")

    def get_queryset(self, request: HttpRequest) -> QuerySet[Message]:
        """Those that the person may see: all; with a limited scope their own, and those about its classes alone."""
        key = own_key(request)
        is_own = Value(value=True) if key is None else Case(When(recipient__key=key, then=True), default=False)
        match = request.resolver_match
        is_list = match is not None and (match.url_name or "").endswith("_changelist")
        heavy = HEAVY if is_list else ("html",)
        return visible_to(request).select_related("recipient").defer(*heavy).annotate(names_recipient=is_own)

    def changelist_view(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        """The list, with a line about what sends them."""
        context = {"sender": deliveries.sender(clock.now())}
        return super().changelist_view(request, {**context, **(extra_context or {})})

    def more(self, request: HttpRequest, row: Message) -> Mapping[str, Any]:
        """Whether it is offered to be sent again, and whether the webhook said that it exists no longer."""
        is_given_up = row.failed and not row.sent
        return {
            "may_send_again": is_given_up and request.user.has_perm(SEND_AGAIN),
            "is_gone": is_given_up and row.recipient.channel == Recipient.WEBHOOK and row.problem.endswith(_GONE),
        }
