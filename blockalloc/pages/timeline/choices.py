"""The choices in the timeline's address, and the options of its form."""

import re
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from typing import NamedTuple

from django.db.models import Exists, OuterRef, Q
from django.http import QueryDict
from django.urls import reverse

from blockalloc.models import BlockRequest, Image
from blockalloc.models.scope import Scope
from blockalloc.pages.timeline.axis import DAYS, HOURS

PAGE = 500  # computers
BY_CLASS, BY_COMPUTER = "class", "computer"


@dataclass(frozen=True, slots=True)
class Choices:
    """The day and zoom, what rows are, the filters (ids of rows, None: all) and the page of computers, from 1.

    `opened` is the row whose computers are shown one by one: the id of a class or, in a week, of a series; in the view
    by computer that of one of the row's computers.
    """

    day: date
    zoom: str = HOURS
    by: str = BY_CLASS
    lab: int | None = None
    image: int | None = None
    block: int | None = None
    busy: bool = False
    page: int = 1
    opened: int | None = None

    def address(self, **other: object) -> str:
        """The timeline's address for these choices with `other` ones; its first page, unless `other` has a page."""
        return reverse("admin:timeline", query=dict(self.query(**other)))

    def query(self, **other: object) -> list[tuple[str, object]]:
        """What the address says that is not said without it, but for the day."""
        choices = replace(self, **{"page": 1, "opened": None, **other})  # type: ignore[arg-type]
        values = (
            ("day", f"{choices.day}"),
            ("zoom", choices.zoom if choices.zoom != HOURS else None),
            ("by", choices.by if choices.by != BY_CLASS else None),
            *((name, getattr(choices, name)) for name in ("lab", "image", "block")),
            ("busy", 1 if choices.busy and choices.by == BY_COMPUTER else None),
            ("page", choices.page if choices.page > 1 else None),
            ("open", choices.opened),
        )
        return [(name, value) for name, value in values if value is not None]

    def moved(self, steps: int) -> str | None:
        """The address `steps` days or weeks later (negative: earlier); None beyond the calendar."""
        try:
            day = self.day + timedelta(days=steps * DAYS[self.zoom])
        except OverflowError:
            return None
        return self.address(day=day) if _can_be_shown(day) else None


def read(query: QueryDict, today: date, lab: int | None) -> Choices:
    """The choices in an address; impossible values count as missing. `lab`: the one that `pages.labs` finds there."""
    zoom = query.get("zoom", "")
    return Choices(
        day=day_in(query) or today,
        zoom=zoom if zoom in DAYS else HOURS,
        by=_by(query),
        lab=lab,
        image=_number(query.get("image")),
        block=_number(query.get("block")),
        busy=query.get("busy") == "1",
        page=_number(query.get("page")) or 1,
        opened=_number(query.get("open")),
    )


def _by(query: QueryDict) -> str:
    """What rows are. Addresses of before don't say it: what is asked of computers was asked for rows of computers."""
    otherwise = BY_COMPUTER if query.get("busy") or query.get("page") else BY_CLASS
    by = query.get("by", otherwise)
    return by if by in (BY_CLASS, BY_COMPUTER) else BY_CLASS


def day_in(query: QueryDict) -> date | None:
    """The day in an address; None when there is none, or one that can't be shown."""
    try:
        day = date.fromisoformat(query.get("day", ""))
    except ValueError:
        return None
    return day if _can_be_shown(day) else None


class Option(NamedTuple):
    """An option of a select element."""

    value: int
    label: str
    chosen: bool


def images(chosen: int | None, since: datetime) -> list[Option]:
    """Images of block requests that expire after `since` (aware), and the chosen one."""
    used = BlockRequest.objects.unexpired_after(since).filter(image=OuterRef("pk"))
    rows = Image.objects.filter(Exists(used) | Q(pk=chosen or 0)).order_by("prettyname")
    return [Option(key, name, key == chosen) for key, name in rows.values_list("pk", "prettyname")]


def blocks(chosen: int | None, since: datetime, scope: Scope) -> list[Option]:
    """Block requests that expire after `since` (aware), and the chosen one."""
    requests = BlockRequest.objects.within(scope)
    rows = requests.unexpired_after(since) | requests.filter(pk=chosen or 0)
    return [Option(key, name, key == chosen) for key, name in rows.order_by("name", "pk").values_list("pk", "name")]


def _number(text: str | None) -> int | None:
    """The id of a row; None for a text that is none."""
    return int(text) if text and re.fullmatch("[0-9]{1,9}", text) else None


def _can_be_shown(day: date) -> bool:
    """Whether there are weeks before and after the day: not at the ends of the calendar."""
    return 1971 <= day.year <= 9998
