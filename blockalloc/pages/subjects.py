"""Names and links in texts for staff: "block time 4711" is shown as "CS101 (block time 4711)", with a link.

Of a request that is a user's reservation the name is the user's: "jdoe@Local (request 133)"; that of a reload has a
link. A text names by its number what it is about, in decision records for years. Whether there is still a row, and
what of it the person may see, is found out when the text is shown.
"""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import NamedTuple

from django.http import HttpRequest
from django.urls import reverse
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString

from blockalloc.models import BlockTime, Request
from blockalloc.models.scope import scope_of
from blockalloc.pages.short_names import short_names
from scheduling.vcl_names import RELOAD_USER

OF_ANOTHER = "a class of another affiliation"
SOMEBODY = "somebody"  # the user of a reservation, for people who may not see everybody's
_SUBJECT = re.compile(r"\b(block time|request) ([1-9]\d{0,8})\b")
_MOST = 500  # subjects of a page that are looked up


class Subject(NamedTuple):
    """What a number stands for: a name, "" for none, and the address of its page, "" if the person may not see it."""

    name: str
    address: str


@dataclass(frozen=True, slots=True)
class Subjects:
    """What the texts of a page are about, by kind ("block time", "request") and id."""

    of: Mapping[tuple[str, int], Subject] = field(default_factory=dict)

    def linked(self, text: str) -> SafeString:
        """The text as HTML, with links, the names of classes, and short host names."""
        names = short_names()
        parts: list[SafeString] = []
        end = 0
        for match in _SUBJECT.finditer(text):
            subject = self.of.get((match[1], int(match[2])))
            if subject is not None:
                parts += [names.in_text(text[end : match.start()]), _linked(match[1], match[2], subject)]
                end = match.end()
        return format_html_join("", "{}", ((part,) for part in [*parts, names.in_text(text[end:])]))


NONE = Subjects()


def subjects(request: HttpRequest, texts: Iterable[str]) -> Subjects:
    """What these texts are about, as far as there are rows of it. Two statements at most, none for texts without."""
    ids: dict[str, list[int]] = {"block time": [], "request": []}
    for kind, id_ in dict.fromkeys(found for text in texts for found in _SUBJECT.findall(text)):
        ids[kind].append(int(id_))
    return Subjects({**_classes(request, ids["block time"][:_MOST]), **_requests(request, ids["request"][:_MOST])})


def _classes(request: HttpRequest, ids: list[int]) -> dict[tuple[str, int], Subject]:
    if not ids:
        return {}
    scope = scope_of(request.user)
    columns = ("pk", "blockRequest__name", "blockRequest__owner__affiliation")
    found = {}
    for id_, name, affiliation in BlockTime.objects.filter(pk__in=ids).values_list(*columns):
        if scope.affiliation_id not in (None, affiliation):
            found["block time", id_] = Subject(OF_ANOTHER, "")
        elif request.user.has_perm("blockalloc.view_blocktime"):
            address = reverse("admin:blockalloc_blocktime_change", args=[id_])
            found["block time", id_] = Subject(name, address)
    return found


def _requests(request: HttpRequest, ids: list[int]) -> dict[tuple[str, int], Subject]:
    """Reloads have a page, users' reservations a name."""
    if not ids or not request.user.has_perm("blockalloc.view_request"):
        return {}
    columns = ("pk", "user__unityid", "user__affiliation__name")
    reloads = Request.objects.reloads().for_blocks_visible_to(request.user)
    reservations = Request.objects.exclude(user__unityid=RELOAD_USER.unityid)
    is_limited = scope_of(request.user).is_limited
    found = {}
    for id_, user, affiliation in (reloads | reservations).filter(pk__in=ids).values_list(*columns):
        is_reload = user == RELOAD_USER.unityid
        name = SOMEBODY if is_limited else f"{user}@{affiliation}"
        address = reverse("admin:blockalloc_request_change", args=[id_]) if is_reload else ""
        found["request", id_] = Subject("" if is_reload else name, address)
    return found


def _linked(kind: str, id_: str, subject: Subject) -> SafeString:
    if not subject.name:
        return format_html('{} <a href="{}">{}</a>', kind, subject.address, id_)
    name = format_html('<a href="{}">{}</a>', subject.address, subject.name) if subject.address else subject.name
    return format_html('{} <span class="quiet nowrap">({} {})</span>', name, kind, id_)
