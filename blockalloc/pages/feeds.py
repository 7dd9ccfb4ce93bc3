"""Calendars to subscribe to: block times with how ready they are, for whoever has the signed address."""

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import NamedTuple

from django.core import signing
from django.http import Http404, HttpRequest, HttpResponse
from django.urls import reverse
from django.views.decorators.cache import cache_control
from django.views.decorators.http import require_safe

from blockalloc import clock
from blockalloc.models import BlockTime
from blockalloc.models.querysets import BlockTimeQuerySet
from blockalloc.models.scope import Scope, scope_of
from blockalloc.pages.calendars import calendar_of
from blockalloc.pages.frame import needs, page
from blockalloc.reports.readiness import read
from blockalloc.site_time import site_zone

KEPT = timedelta(weeks=4)  # so long a block time stays in the calendar when it is over


def _signer() -> signing.Signer:
    """Signs and reads tokens. The salt keeps other signed texts of the site from passing for one.

    Without the usual colon: some calendars write it down as %3A.
    """
    return signing.Signer(salt="blockalloc.pages.feeds", sep=".")


class _Feed(NamedTuple):
    """What a token is for: blocks of a user group, whose owners are of an affiliation; None: of all."""

    group: int | None
    affiliation: int | None

    def token(self) -> str:
        """The part of the address that only the site can make."""
        return _signer().sign_object([self.group, self.affiliation])

    def address(self, request: HttpRequest) -> str:
        """Where a calendar program finds it."""
        if self.group is None:
            path = reverse("feed-all", args=[self.token()])
        else:
            path = reverse("feed-group", args=[self.group, self.token()])
        return request.build_absolute_uri(path)

    def block_times(self) -> BlockTimeQuerySet:
        """Its block times."""
        times = _shown(BlockTime.objects.within(Scope(self.affiliation)))
        return times if self.group is None else times.filter(blockRequest__group=self.group)


def _shown(times: BlockTimeQuerySet) -> BlockTimeQuerySet:
    """Those of them that a calendar shows: of accepted requests, to come and of the last weeks."""
    return times.accepted().to_come(datetime.fromtimestamp(clock.now(), site_zone()) - KEPT)


@require_safe
@cache_control(private=True, max_age=60)
def all_blocks(request: HttpRequest, token: str) -> HttpResponse:
    """The calendar of all blocks."""
    return _calendar(request, None, token)


@require_safe
@cache_control(private=True, max_age=60)
def blocks_of_group(request: HttpRequest, group: int, token: str) -> HttpResponse:
    """The calendar of a user group's blocks."""
    return _calendar(request, group, token)


def _calendar(request: HttpRequest, group: int | None, token: str) -> HttpResponse:
    feed = _feed(group, token)
    now = clock.now()
    found = read(feed.block_times(), now, closed=False, people=False)
    group_name = next((each.group for each in found if each.group), "") if group is not None else ""
    name = f"Blocks of {group_name}" if group_name else "Blocks"
    return HttpResponse(
        calendar_of(found, name, now, request.get_host(), request.build_absolute_uri),
        content_type="text/calendar; charset=utf-8",
        headers={"Content-Disposition": 'inline; filename="blocks.ics"'},
    )


def _feed(group: int | None, token: str) -> _Feed:
    """What the token is for. Raises Http404 when it is none of ours, or one for another address."""
    try:
        feed = _Feed(*_signer().unsign_object(token))
    except (signing.BadSignature, ValueError, TypeError) as error:
        raise Http404 from error
    if feed.group != group:
        raise Http404
    return feed


@needs("blockalloc.view_blocktime")
def addresses(request: HttpRequest) -> HttpResponse:
    """The addresses that this person may hand out: all blocks within the scope, and each user group's."""
    affiliation = scope_of(request.user).affiliation_id
    listed = [("All blocks", _Feed(None, affiliation).address(request))]
    listed += [(name, _Feed(key, affiliation).address(request)) for key, name in _groups(request)]
    return page(request, "blockalloc/feeds.html", "Calendars", feeds=listed)


def _groups(request: HttpRequest) -> Iterator[tuple[int, str]]:
    """The user groups whose block times a calendar would show: (id, name)."""
    times = _shown(BlockTime.objects.visible_to(request.user))
    path = "blockRequest__group"
    rows = times.filter(**{f"{path}__isnull": False}).order_by(f"{path}__name", path)
    for key, name, affiliation in rows.values_list(path, f"{path}__name", f"{path}__affiliation__name").distinct():
        yield key, f"{name}@{affiliation}" if affiliation else name
