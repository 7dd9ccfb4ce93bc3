"""Calendars to subscribe to: block times and their readiness, for everybody who has the signed address."""

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
from blockalloc.pages.frame import page, require_permission
from blockalloc.reports.forecasts import Forecasts
from blockalloc.reports.readiness import read
from blockalloc.site_time import site_zone

KEPT = timedelta(weeks=4)  # a block time stays in the calendar for so long after its end


def _signer() -> signing.Signer:
    """Signs and reads tokens. The salt keeps other signed texts of the site from being accepted as tokens.

    The separator is not the usual colon, which some calendar programs write as %3A.
    """
    return signing.Signer(salt="blockalloc.pages.feeds", sep=".")


class _Feed(NamedTuple):
    """The contents of a token: a user group, and the affiliation of the blocks' owners (ids); None for all."""

    group: int | None
    affiliation: int | None

    def token(self) -> str:
        """The signed part of the address."""
        return _signer().sign_object([self.group, self.affiliation])

    def address(self, request: HttpRequest) -> str:
        """The full URL, for a calendar program."""
        if self.group is None:
            path = reverse("feed-all", args=[self.token()])
        else:
            path = reverse("feed-group", args=[self.group, self.token()])
        return request.build_absolute_uri(path)

    def block_times(self) -> BlockTimeQuerySet:
        """The block times of the calendar."""
        times = _in_calendars(BlockTime.objects.within(Scope(self.affiliation)))
        return times if self.group is None else times.filter(blockRequest__group=self.group)


def _in_calendars(times: BlockTimeQuerySet) -> BlockTimeQuerySet:
    """The block times that calendars show: of accepted requests, to come or of the last weeks."""
    return times.accepted().to_come(datetime.fromtimestamp(clock.now(), site_zone()) - KEPT)


@require_safe
@cache_control(private=True, max_age=60)
def all_blocks(request: HttpRequest, token: str) -> HttpResponse:
    """The calendar of all block times."""
    return _calendar(request, None, token)


@require_safe
@cache_control(private=True, max_age=60)
def blocks_of_group(request: HttpRequest, group: int, token: str) -> HttpResponse:
    """The calendar of a user group's block times."""
    return _calendar(request, group, token)


def _calendar(request: HttpRequest, group: int | None, token: str) -> HttpResponse:
    feed = _feed(group, token)
    now = clock.now()
    host = request.get_host()
    block_times = read(feed.block_times(), now, closed=False, people=False)
    short = Forecasts(now, Scope(feed.affiliation)).numbers_of_short(block_times)
    group_name = next((each.group for each in block_times if each.group), "") if group is not None else ""
    of_group = f" of {group_name}" if group_name else ""
    name, uid = f"Classes{of_group}", f"Blocks{of_group}@{host}"
    return HttpResponse(
        calendar_of(block_times, name, uid, now, host, request.build_absolute_uri, short),
        content_type="text/calendar; charset=utf-8",
        headers={"Content-Disposition": 'inline; filename="blocks.ics"'},
    )


def _feed(group: int | None, token: str) -> _Feed:
    """The contents of a token. Raises Http404 when it was not signed here, or is for another address."""
    try:
        feed = _Feed(*_signer().unsign_object(token))
    except (signing.BadSignature, ValueError, TypeError) as error:
        raise Http404 from error
    if feed.group != group:
        raise Http404
    return feed


@require_permission("blockalloc.view_blocktime")
def addresses(request: HttpRequest) -> HttpResponse:
    """The page with the addresses that the person may hand out: for all block times in their scope, and by group."""
    affiliation = scope_of(request.user).affiliation_id
    listed = [("All classes", _Feed(None, affiliation).address(request))]
    listed += [(name, _Feed(key, affiliation).address(request)) for key, name in _groups(request)]
    return page(request, "blockalloc/feeds.html", "Calendars", feeds=listed)


def _groups(request: HttpRequest) -> Iterator[tuple[int, str]]:
    """The user groups with block times in calendars: (id, name)."""
    times = _in_calendars(BlockTime.objects.visible_to(request.user))
    path = "blockRequest__group"
    rows = times.filter(**{f"{path}__isnull": False}).order_by(f"{path}__name", path)
    for key, name, affiliation in rows.values_list(path, f"{path}__name", f"{path}__affiliation__name").distinct():
        yield key, f"{name}@{affiliation}" if affiliation else name
