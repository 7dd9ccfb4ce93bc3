"""Calendars to subscribe to: block times and their readiness, for everybody who has the address.

An address has a random key, with which a row (CalendarFeed) says what it shows. Addresses of before 0.4 contain what
they show, signed with the site's secret key; such an address has a row once it has been read, or revoked.
"""

import secrets
from datetime import datetime, timedelta
from typing import NamedTuple, Self

from django.core import signing
from django.http import Http404, HttpRequest, HttpResponse
from django.urls import reverse
from django.utils.crypto import constant_time_compare
from django.views.decorators.cache import cache_control
from django.views.decorators.http import require_safe

from blockalloc import clock
from blockalloc.models import BlockTime, CalendarFeed
from blockalloc.models.querysets import BlockTimeQuerySet
from blockalloc.models.scope import Scope
from blockalloc.pages.calendars import calendar_of
from blockalloc.reports.forecasts import Forecasts
from blockalloc.reports.readiness import read
from blockalloc.site_time import site_zone
from blockalloc.store import feeds as store

KEPT = timedelta(weeks=4)  # a block time stays in the calendar for so long after its end
_KEY_BYTES, _KEY_LENGTH = 32, 43  # and the characters that they make


def new_key() -> str:
    """A random key for an address, which nobody can guess."""
    return secrets.token_urlsafe(_KEY_BYTES)


def _signer() -> signing.Signer:
    """Signs and reads tokens. The salt keeps other signed texts of the site from being accepted as tokens.

    The separator is not the usual colon, which some calendar programs write as %3A.
    """
    return signing.Signer(salt="blockalloc.pages.feeds", sep=".")


class Contents(NamedTuple):
    """What a calendar shows: a user group, and the affiliation of the blocks' owners (ids); None for all."""

    group: int | None
    affiliation: int | None

    @classmethod
    def of(cls, feed: CalendarFeed) -> Self:
        """Those of an address."""
        return cls(feed.group_id, feed.affiliation_id)

    @property
    def key(self) -> str:
        """The key of the row for the signed address. It is none of an address: those are longer."""
        return f"signed/{'all' if self.group is None else self.group}/{self.affiliation or 'any'}"

    def signed_path(self) -> str:
        """The path of the signed address, as it was before 0.4."""
        token = _signer().sign_object([self.group, self.affiliation])
        return (
            reverse("feed-all", args=[token]) if self.group is None else reverse("feed-group", args=[self.group, token])
        )

    def block_times(self) -> BlockTimeQuerySet:
        """The block times of the calendar."""
        times = in_calendars(BlockTime.objects.within(Scope(self.affiliation)))
        return times if self.group is None else times.filter(blockRequest__group=self.group)


def in_calendars(times: BlockTimeQuerySet) -> BlockTimeQuerySet:
    """The block times that calendars show: of accepted requests, to come or of the last weeks."""
    return times.accepted().to_come(datetime.fromtimestamp(clock.now(), site_zone()) - KEPT)


def signed_contents(group: int | None, token: str) -> Contents:
    """The contents of a token. Raises Http404 when it was not signed here, or is for another address."""
    try:
        contents = Contents(*_signer().unsign_object(token))
    except (signing.BadSignature, ValueError, TypeError) as error:
        raise Http404 from error
    if contents.group != group:
        raise Http404
    return contents


def by_key(key: str) -> CalendarFeed:
    """The address with this key. Raises Http404, in the same way whether there is none or it has been revoked."""
    if len(key) == _KEY_LENGTH:
        feed = CalendarFeed.objects.answered().filter(key=key, is_signed=False).first()
        # The database may take upper and lower case for the same.
        if feed is not None and constant_time_compare(feed.key, key):
            return feed
    raise Http404


@require_safe
@cache_control(private=True, max_age=60)
def calendar(request: HttpRequest, key: str) -> HttpResponse:
    """The calendar of an address that staff made."""
    return _calendar(request, by_key(key))


@require_safe
@cache_control(private=True, max_age=60)
def all_blocks(request: HttpRequest, token: str) -> HttpResponse:
    """The calendar of all block times, at an address of before 0.4."""
    return _signed(request, None, token)


@require_safe
@cache_control(private=True, max_age=60)
def blocks_of_group(request: HttpRequest, group: int, token: str) -> HttpResponse:
    """The calendar of a user group's block times, at an address of before 0.4."""
    return _signed(request, group, token)


def _signed(request: HttpRequest, group: int | None, token: str) -> HttpResponse:
    """The calendar of a signed address. Raises Http404 if it has been revoked."""
    contents = signed_contents(group, token)
    feed = CalendarFeed.objects.filter(key=contents.key).first()
    if feed is not None and feed.revoked is not None:
        raise Http404
    made = CalendarFeed(key=contents.key, is_signed=True, group_id=group, affiliation_id=contents.affiliation)
    return _calendar(request, feed or made)


def _calendar(request: HttpRequest, feed: CalendarFeed) -> HttpResponse:
    now = clock.now()
    host = request.get_host()
    block_times = read(Contents.of(feed).block_times(), now, closed=False, people=False)
    store.note_read(feed, now)
    short = Forecasts(now, Scope(feed.affiliation_id)).numbers_of_short(block_times)
    is_of_group = feed.group_id is not None
    group_name = next((each.group for each in block_times if each.group), "") if is_of_group else ""
    of_group = f" of {group_name}" if group_name else ""
    name, uid = f"Classes{of_group}", f"Blocks{of_group}@{host}"
    return HttpResponse(
        calendar_of(block_times, name, uid, now, host, request.build_absolute_uri, short),
        content_type="text/calendar; charset=utf-8",
        headers={"Content-Disposition": 'inline; filename="blocks.ics"'},
    )
