"""What a look sees of the classes: news, in the transaction that remembers it (scheduling.news.standing)."""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from django.db import transaction

from blockalloc.models import BlockTime
from blockalloc.reports import readiness
from blockalloc.reports.readiness import BlockTimeReadiness, Estimates
from blockalloc.store import loads, news
from blockalloc.store.news import About, Item, Kept
from blockalloc.store.sql import waiting_at_most
from scheduling.news import tried
from scheduling.news.kinds import Kind
from scheduling.news.standing import Standing, View, step
from scheduling.readiness import ASKED_AHEAD

_SECONDS_TO_WRITE = 2.0


class _Change(NamedTuple):
    """A class whose standing changes, from `before` to `after`; `kind` is the news in it."""

    seen: BlockTimeReadiness
    before: Kept
    after: Standing
    kind: Kind | None

    @property
    def is_quiet_and_new(self) -> bool:
        return self.before.version is None and self.kind is None


def observe(now: int, estimates: Estimates = loads.estimates) -> int:
    """Look at the classes at `now` (Unix seconds), and write what is news; the number of news.

    Looked at are classes that are on or start within six hours: no class is at risk before the back end asks for it.
    Those that start within a day are too, if there is something to take back. A fixed number of statements, one where
    there is no class, and two or three for each that changes. `estimates`: how long images take to load. Raises
    DatabaseError; nothing was written then.
    """
    kept = news.observed(now, ASKED_AHEAD)
    if not kept:
        return 0
    query = BlockTime.objects.filter(pk__in=[*kept])
    seen = readiness.read(query, now, closed=False, people=False, estimates=estimates)
    changes = [change for each in seen if (change := _change(each, kept[each.id], now))]
    if not changes:
        return 0
    with waiting_at_most(lambda: _SECONDS_TO_WRITE), transaction.atomic():
        return _write(sorted(changes, key=lambda change: change.seen.id), now)


def _change(seen: BlockTimeReadiness, before: Kept, now: int) -> _Change | None:
    after, kind = step(before.standing, _view(seen, now), now)
    return _Change(seen, before, after, kind) if after != before.standing else None


def _view(seen: BlockTimeReadiness, now: int) -> View:
    of, is_closed = seen.readiness, not seen.is_current_or_upcoming(now)
    return View(
        start=seen.start,
        wanted=of.wanted,
        usable=of.numbers.usable,
        ready=of.ready,
        is_bad=of.signal.level == "bad",
        is_risk=of.signal.is_risk,
        is_closed=is_closed,
        is_early=not is_closed and of.signal.level == "plain",
    )


def _write(changes: Sequence[_Change], now: int) -> int:
    """Write the changes, by block time, so that nobody waits in a circle; those that somebody else was faster with
    are theirs.
    """
    news.add({each.seen.id: each.after for each in changes if each.is_quiet_and_new})
    told = [
        (each, each.kind)
        for each in changes
        if not each.is_quiet_and_new and news.change(each.seen.id, each.before, each.after) and each.kind is not None
    ]
    about = news.about([each.seen.id for each, _ in told])
    items = [_item(each, kind, about, now) for each, kind in told if each.seen.id in about]
    news.write(items, now)
    return len(items)


def _item(change: _Change, kind: Kind, of_classes: Mapping[int, About], now: int) -> Item:
    seen, about = change.seen, of_classes[change.seen.id]
    of = seen.readiness
    noted = about.noted if kind.is_trouble else ""
    return Item(
        kind=kind,
        about=about,
        start=seen.start,
        end=seen.end,
        wanted=of.wanted,
        usable=of.numbers.usable,
        ready=of.ready,
        sureness=of.sureness.ready if of.sureness else None,
        since=_since(change, kind, now),
        why=str(of.signal) if kind.is_trouble else "",
        tried=tried.in_words(about.replaced, about.loaded_again, about.added, noted),
    )


def _since(change: _Change, kind: Kind, now: int) -> int | None:
    """Since when the class has been in trouble."""
    if not kind.is_trouble:
        return None
    return now if change.after.troubled is None else change.after.troubled
