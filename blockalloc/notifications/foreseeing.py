"""What the forecast sees of the classes of the coming week: news, once two forecasts agree.

What is news is for scheduling.news.foreseeing to say.
"""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from django.db import transaction

from blockalloc.forecasting.freshness import is_current
from blockalloc.models.scope import Scope
from blockalloc.notifications import ahead
from blockalloc.store import forecasts, foreseen, news
from blockalloc.store.forecasts import Kept
from blockalloc.store.foreseen import Foreseen
from blockalloc.store.news import About, Item
from blockalloc.store.sql import waiting_at_most
from scheduling.news.foreseeing import Seen, step
from scheduling.news.kinds import Kind

_SECONDS_TO_WRITE = 2.0


class _ToTell(NamedTuple):
    """A class of which people are to be told."""

    of: Foreseen
    kind: Kind

    @property
    def id(self) -> int:
        return self.of.block_time_id


def tell(now: int) -> int:
    """Write what is news at `now` (Unix seconds) by the forecast that is kept; the number of news.

    A forecast that does not count any more makes none. Two statements where there is nothing to tell; a transaction
    for each class that is told of, so that of several hosts one tells it. Raises DatabaseError.
    """
    if not is_current(forecasts.last_run(), now):
        return 0
    told, changed = [], dict[int, Seen | None]()
    for each in foreseen.candidates(now):
        kind, seen = step(each.outlook, now)
        if kind is not None:
            told.append(_ToTell(each, kind))
        elif seen != each.seen:
            changed[each.block_time_id] = seen
    with waiting_at_most(lambda: _SECONDS_TO_WRITE):
        if changed:
            with transaction.atomic():
                foreseen.note(changed)
        return _tell(told, now) if told else 0


def _tell(told: Sequence[_ToTell], now: int) -> int:
    about = news.about([each.id for each in told])
    kept = forecasts.of_block_times([each.id for each in told if each.kind is Kind.FORESEEN])
    number = 0
    for each in told:
        if each.id in about:
            with transaction.atomic():
                number += _write(each, about[each.id], kept, now)
    return number


def _write(each: _ToTell, about: About, kept: Mapping[int, Kept], now: int) -> bool:
    """Write the news of one class; False when somebody else has told it, or something else has changed meanwhile."""
    missing = each.of.outlook.missing
    if not foreseen.tell(each.of, missing, now):
        transaction.set_rollback(True)
        return False
    foreseen.note({each.id: None})
    news.write([_item(each, about, kept.get(each.id), now)], now)
    return True


def _item(each: _ToTell, about: About, kept: Kept | None, now: int) -> Item:
    is_trouble = each.kind.is_trouble
    return Item(
        kind=each.kind,
        about=about,
        start=each.of.start,
        end=each.of.end,
        wanted=each.of.wanted,
        usable=each.of.machines,
        since=each.of.seen.at if is_trouble and each.of.seen else None,
        why=_why(kept, about, now) if is_trouble and kept else "",
    )


def _why(kept: Kept, about: About, now: int) -> str:
    """As those may read it who may see the class: it names other classes of the same affiliation."""
    visible = ahead.visible_in_the_way([kept], Scope(about.affiliation_id)) if about.affiliation_id else set[int]()
    return ahead.why(kept, visible, now)
