"""The contents of the columns of lists and of the fields of pages: texts, times and links."""

from collections.abc import Callable
from datetime import UTC, datetime
from functools import wraps
from typing import Any, TypeVar
from urllib.parse import quote

from django.contrib import admin
from django.db.models import Model
from django.urls import reverse
from django.utils.html import format_html, format_html_join

from blockalloc import clock
from blockalloc.models import User
from blockalloc.notifications.staff import usable
from blockalloc.site_time import instant_to_local

NOTHING = "–"
# A column of the admin: a function of a row.
Column = Callable[[Any], str]
_Row = TypeVar("_Row")


def column(label: str, *, ordering: str | None = None) -> Callable[[Callable[[_Row], object]], Column]:
    """Make a column of a function from a row to a value, which is shown as by `in_words`."""

    def decorate(value_of: Callable[[_Row], object]) -> Column:
        @admin.display(description=label, ordering=ordering)
        @wraps(value_of)
        def text_of(row: _Row) -> str:
            return in_words(value_of(row))

        return text_of

    return decorate


def in_words(value: object) -> str:
    """The text for a value: times in site time, "yes" or "no" for truth values, a dash for None and ""."""
    if value is None or value == "":
        return NOTHING
    if isinstance(value, datetime):
        return moment(value)
    if isinstance(value, bool):
        return "yes" if value else "no"
    # No str() of texts: a link is a text that is marked as safe.
    return value if isinstance(value, str) else str(value)


def moment(instant: datetime) -> str:
    """`Mon 30 Nov 09:00`, in site time; with the year if that is not this one."""
    local, today = instant_to_local(instant), instant_to_local(datetime.fromtimestamp(clock.now(), UTC))
    return f"{local:%a} {local.day} {local:%b}{'' if local.year == today.year else f' {local.year}'} {local:%H:%M}"


def times(start: datetime | None, end: datetime | None) -> str | None:
    """`Mon 30 Nov 09:00–11:00`; with the date of the end if it is another."""
    if start is None or end is None:
        known = start or end
        return None if known is None else moment(known)
    first, last = instant_to_local(start), instant_to_local(end)
    text = f"{moment(start)}–{last:%H:%M}" if first.date() == last.date() else f"{moment(start)} – {moment(end)}"
    return format_html('<span class="when">{}</span>', text)


def until(start: datetime | None, end: datetime | None) -> str | None:
    """`11:00`, in site time; with the date if it is not that of the start."""
    if start is None or end is None:
        return None if end is None else moment(end)
    first, last = instant_to_local(start), instant_to_local(end)
    return f"{last:%H:%M}" if first.date() == last.date() else moment(end)


def duration(seconds: int) -> str:
    """`9 min 30 s`."""
    minutes, rest = divmod(seconds, 60)
    return " ".join([*([f"{minutes} min"] if minutes else []), *([f"{rest} s"] if rest or not minutes else [])])


def account(name: str) -> str:
    """`anna@Local`, which may be broken before the @ and nowhere else."""
    before, at, after = name.rpartition("@")
    return format_html("{}<wbr>{}{}", before, at, after) if at else name


def reachable(user: User) -> str:
    """`Elena Eriksen eeriksen@Local eeriksen@example.edu`: the name, the account, and the mail address as a link.

    VCL has all sorts of texts in these columns: a name may be missing, and an address may be none.
    """
    parts = [user.full_name, account(str(user))]
    if address := usable(user.email):
        parts.append(format_html('<a href="{}">{}</a>', f"mailto:{quote(address, safe='@')}", account(address)))
    return format_html_join(" ", '<span class="part">{}</span>', ((part,) for part in parts if part))


def signal(level: str, text: str) -> str:
    """A text in the colour of a level: good, watch, bad, plain (parts.css)."""
    return format_html('<span class="signal {}">{}</span>', level, text)


def link(row: Model | None, text: str = "") -> str | None:
    """A link to the row's own page, with its name or `text`; None for no row."""
    return None if row is None else link_to(type(row), row.pk, text or str(row))


def link_to(model: type[Model], key: object, text: str) -> str:
    """A link to the page of the row of `model` that has this key."""
    return format_html('<a href="{}">{}</a>', reverse(f"admin:{_page(model)}_change", args=[key]), text)


def list_link(model: type[Model], text: str, **chosen: object) -> str:
    """A link to the list of `model` with these filters chosen."""
    return format_html('<a href="{}">{}</a>', reverse(f"admin:{_page(model)}_changelist", query=chosen), text)


def person(row: Model, user: User) -> str:
    """The user's name; "somebody else" for a user outside the one affiliation (`only_affiliation`) that is visible."""
    return str(user) if fact(row, "only_affiliation") in (None, user.affiliation_id) else "somebody else"


def fact(row: Model, name: str) -> Any:
    """An annotation that the page's query added to the row."""
    return getattr(row, name)


def _page(model: type[Model]) -> str:
    return f"{model._meta.app_label}_{model._meta.model_name}"
