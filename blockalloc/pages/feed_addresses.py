"""The page *Calendars*: addresses that staff make for calendar programs, list, and revoke one by one."""

import logging
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, NamedTuple
from urllib.parse import unquote, urlsplit

from django import forms
from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import Resolver404, resolve, reverse
from django.views.decorators.http import require_http_methods, require_POST

from blockalloc import clock
from blockalloc.models import Affiliation, BlockTime, CalendarFeed, UserGroup
from blockalloc.models.scope import Scope, scope_of
from blockalloc.pages import user_groups
from blockalloc.pages.feeds import Contents, by_key, in_calendars, new_key, signed_contents
from blockalloc.pages.frame import page, require_permission

log = logging.getLogger(__name__)

PERMISSION = "blockalloc.view_blocktime"
OF_OTHERS = "blockalloc.change_calendarfeed"  # to revoke what others have made
_ALL, _ANY = "all", "any"  # in URLs: all classes; owners of any affiliation
_REVOKED_SHOWN = 100


class MakeForm(forms.Form):
    """What an address is for, and whose classes its calendar shows."""

    name = forms.CharField(
        label="Name", max_length=120, help_text="who or what it is for, so that you recognize it later"
    )
    group = forms.ChoiceField(label="Classes", required=False)

    def __init__(self, *args: Any, groups: Mapping[int, str], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        field = self.fields["group"]
        assert isinstance(field, forms.ChoiceField)
        field.choices = [("", "All classes"), *((str(key), name) for key, name in groups.items())]


class Line(NamedTuple):
    """An address as a line of the page. `webcal` and `https` are "" for those that are not shown any more.

    `revoke`: where it can be revoked, "" if the person may not, or if it is revoked.
    """

    feed: CalendarFeed
    shows: str
    https: str
    webcal: str
    revoke: str


@require_http_methods(["GET", "HEAD", "POST"])
@require_permission(PERMISSION)
def addresses(request: HttpRequest) -> HttpResponse:
    """The addresses in the person's scope; POST makes one."""
    groups = dict(_groups(request))
    form = MakeForm(request.POST if request.method == "POST" else None, groups=groups)
    if request.method == "POST" and form.is_valid():
        feed = CalendarFeed.objects.create(
            key=new_key(),
            name=form.cleaned_data["name"],
            group_id=int(form.cleaned_data["group"]) if form.cleaned_data["group"] else None,
            affiliation_id=scope_of(request.user).affiliation_id,
            made=_now(),
            made_by=request.user.get_username(),
        )
        log.info("calendar address %d made by %s: %s", feed.pk, feed.made_by, _about(feed))
        messages.success(request, f"The address “{feed.name}” was created.")
        return HttpResponseRedirect(reverse("admin:feeds"))
    feeds = CalendarFeed.objects.visible_to(request.user)
    made = list(feeds.answered().filter(is_signed=False).order_by("name", "pk"))
    revoked = list(feeds.revoked()[:_REVOKED_SHOWN])
    before = _signed(request, groups)
    words = _Words.of([*made, *revoked, *before], scope_of(request.user))
    return page(
        request,
        "blockalloc/feeds.html",
        "Calendars",
        form=form,
        feeds=[_line(request, feed, words) for feed in made],
        before=[_line(request, feed, words) for feed in before],
        revoked=[_line(request, feed, words) for feed in revoked],
    )


@require_http_methods(["GET", "HEAD", "POST"])
@require_permission(PERMISSION)
def revoke(request: HttpRequest, feed_id: int) -> HttpResponse:
    """The page on which it is confirmed that an address is revoked; POST revokes it.

    Raises Http404 for one that the person may not see, PermissionDenied if somebody else made it.
    """
    feed = CalendarFeed.objects.visible_to(request.user).filter(pk=feed_id).first()
    if feed is None:
        raise Http404("no such address")
    return _revoke(request, feed)


@require_http_methods(["GET", "HEAD", "POST"])
@require_permission(PERMISSION)
def revoke_signed(request: HttpRequest, group: str, affiliation: str) -> HttpResponse:
    """The same for an address of before 0.4, which may have no row yet. `group` is an id or "all", `affiliation` one
    or "any".
    """
    contents = Contents(_id(group, _ALL, UserGroup), _id(affiliation, _ANY, Affiliation))
    if scope_of(request.user).affiliation_id not in (None, contents.affiliation):
        raise Http404("no such address")
    return _revoke(request, _signed_feed(contents))


@require_POST
@require_permission(PERMISSION)
def find(request: HttpRequest) -> HttpResponse:
    """From an address that got into the wrong hands to the page on which it can be revoked."""
    feed = _feed_at(request.POST.get("address", ""))
    if feed is None or scope_of(request.user).affiliation_id not in (None, feed.affiliation_id):
        messages.error(request, "No calendar that you may see has this address. Paste all of it, up to “.ics”.")
        return HttpResponseRedirect(reverse("admin:feeds"))
    return HttpResponseRedirect(_revoke_at(feed))


# --- Revoking -----------------------------------------------------------------------------------


def _revoke(request: HttpRequest, feed: CalendarFeed) -> HttpResponse:
    if not _may_revoke(request, feed):
        raise PermissionDenied
    words = _Words.of([feed], scope_of(request.user))
    if request.method != "POST" or feed.revoked is not None:
        shows = words.shows(feed)
        title = f"Revoke the calendar address “{feed.name or shows}”"
        return page(request, "blockalloc/revoke_feed.html", title, feed=feed, shows=shows)
    person = request.user.get_username()
    if feed.pk is None:
        feed, _ = CalendarFeed.objects.get_or_create(
            key=feed.key,
            defaults={
                **{name: getattr(feed, name) for name in ("group_id", "affiliation_id", "is_signed")},
                "made": _now(),
            },
        )
    if CalendarFeed.objects.answered().filter(pk=feed.pk).update(revoked=_now(), revoked_by=person):
        log.info("calendar address %d revoked by %s: %s", feed.pk, person, _about(feed))
    messages.success(request, f"The address “{feed.name or words.shows(feed)}” was revoked: it no longer works.")
    return HttpResponseRedirect(reverse("admin:feeds"))


def _may_revoke(request: HttpRequest, feed: CalendarFeed) -> bool:
    is_own = not feed.is_signed and feed.made_by == request.user.get_username()
    return is_own or request.user.has_perm(OF_OTHERS)


def _revoke_at(feed: CalendarFeed) -> str:
    if feed.pk is not None:
        return reverse("admin:revoke_feed", args=[feed.pk])
    group = _ALL if feed.group_id is None else feed.group_id
    return reverse("admin:revoke_signed_feed", args=[group, feed.affiliation_id or _ANY])


def _feed_at(address: str) -> CalendarFeed | None:
    """The feed of an address, as a calendar program or a person writes it; None if it is none of this site."""
    try:
        match = resolve(unquote(urlsplit(address.strip()).path))
        if match.url_name == "feed":
            return by_key(match.kwargs["key"])
        if match.url_name in ("feed-all", "feed-group"):
            return _signed_feed(signed_contents(match.kwargs.get("group"), match.kwargs["token"]))
    except (Resolver404, Http404, ValueError):
        return None
    return None


def _signed_feed(contents: Contents) -> CalendarFeed:
    """Its row, or one that is not written yet."""
    found = CalendarFeed.objects.filter(key=contents.key).first()
    ids = {"group_id": contents.group, "affiliation_id": contents.affiliation}
    return found or CalendarFeed(key=contents.key, is_signed=True, **ids)


def _id(text: str, none: str, model: type[UserGroup] | type[Affiliation]) -> int | None:
    """The id in a URL, of a row that is there; None for the word `none`. Raises Http404."""
    if text == none:
        return None
    if not (text.isascii() and text.isdecimal() and len(text) < 10 and model._default_manager.filter(pk=text).exists()):
        raise Http404("no such address")
    return int(text)


# --- The list -----------------------------------------------------------------------------------


def _groups(request: HttpRequest) -> Iterator[tuple[int, str]]:
    """The user groups with block times in calendars: (id, name)."""
    times = in_calendars(BlockTime.objects.visible_to(request.user))
    path = "blockRequest__group"
    rows = times.filter(**{f"{path}__isnull": False}).order_by(f"{path}__name", path)
    for key, name, affiliation in rows.values_list(path, f"{path}__name", f"{path}__affiliation__name").distinct():
        yield key, _full_name(name, affiliation)


def _signed(request: HttpRequest, groups: Mapping[int, str]) -> list[CalendarFeed]:
    """The addresses of before 0.4 that are not revoked: those that the page had then, and others that were read since.

    Whoever wrote one down can read its calendar.
    """
    rows = list(CalendarFeed.objects.visible_to(request.user).filter(is_signed=True).order_by("pk"))
    known = {row.key for row in rows}
    affiliation = scope_of(request.user).affiliation_id
    possible = [Contents(group, affiliation) for group in (None, *groups)]
    unread = [
        CalendarFeed(key=each.key, is_signed=True, group_id=each.group, affiliation_id=each.affiliation)
        for each in possible
        if each.key not in known
    ]
    return [*(row for row in rows if row.revoked is None), *unread]


@dataclass(frozen=True, slots=True)
class _Words:
    """The names of user groups and affiliations, by id; of user groups those that the person may know."""

    groups: Mapping[int, str]
    affiliations: Mapping[int, str]

    @classmethod
    def of(cls, feeds: list[CalendarFeed], scope: Scope) -> "_Words":
        """Those of the addresses. Two statements."""
        ids = {feed.group_id for feed in feeds if feed.group_id is not None}
        groups = user_groups.within(scope).filter(pk__in=ids)
        names = groups.values_list("pk", "name", "affiliation__name")
        return cls(
            {key: _full_name(name, affiliation) for key, name, affiliation in names},
            dict(Affiliation.objects.values_list("pk", "name")),
        )

    def shows(self, feed: CalendarFeed) -> str:
        """`All classes`, `CS101@Local`; with the affiliation of the owners, if it shows only theirs."""
        group = feed.group_id
        text = "All classes" if group is None else self.groups.get(group, f"user group {group}")
        if feed.affiliation_id is None:
            return text
        of = self.affiliations.get(feed.affiliation_id, f"affiliation {feed.affiliation_id}, which is gone")
        return f"{text} (owners of {of})"


def _line(request: HttpRequest, feed: CalendarFeed, words: _Words) -> Line:
    https = ""
    if not feed.is_signed and feed.revoked is None:
        https = request.build_absolute_uri(reverse("feed", args=[feed.key]))
    may_revoke = feed.revoked is None and _may_revoke(request, feed)
    return Line(
        feed=feed,
        shows=words.shows(feed),
        https=https,
        webcal=f"webcal:{https.partition(':')[2]}" if https else "",
        revoke=_revoke_at(feed) if may_revoke else "",
    )


def _about(feed: CalendarFeed) -> str:
    """For the log: what the address shows, without its key."""
    group = "all classes" if feed.group_id is None else f"user group {feed.group_id}"
    of = "" if feed.affiliation_id is None else f" of affiliation {feed.affiliation_id}"
    return f"{feed.name!r}, {group}{of}{', signed' if feed.is_signed else ''}"


def _full_name(name: str, affiliation: str | None) -> str:
    return f"{name}@{affiliation}" if affiliation else name


def _now() -> datetime:
    return datetime.fromtimestamp(clock.now(), UTC)
