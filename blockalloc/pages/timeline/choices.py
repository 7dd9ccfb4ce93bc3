"""The choices in the timeline's address, and the options of its form."""

import re
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from typing import NamedTuple

from django.db.models import Exists, OuterRef, Q
from django.http import QueryDict
from django.urls import reverse

from blockalloc.models import BlockRequest, Image, ResourceGroup
from blockalloc.models.scope import Scope
from blockalloc.pages.timeline.axis import DAY, DAYS

PAGE = 500  # computers


@dataclass(frozen=True, slots=True)
class Choices:
    """The day and zoom, the filters (ids of rows, None: all) and the page of computers, counted from 1."""

    day: date
    zoom: str = DAY
    group: int | None = None
    image: int | None = None
    block: int | None = None
    busy: bool = False
    page: int = 1

    def address(self, **other: object) -> str:
        """The timeline's address for these choices with `other` ones; its first page, unless `other` has a page."""
        choices = replace(self, **{"page": 1, **other})  # type: ignore[arg-type]
        query = {
            "zoom": choices.zoom,
            "day": f"{choices.day}",
            **{name: value for name in ("group", "image", "block") if (value := getattr(choices, name)) is not None},
            **({"busy": 1} if choices.busy else {}),
            **({"page": choices.page} if choices.page > 1 else {}),
        }
        return reverse("admin:timeline", query=query)

    def moved(self, steps: int) -> str | None:
        """The address `steps` days or weeks later (negative: earlier); None beyond the calendar."""
        try:
            day = self.day + timedelta(days=steps * DAYS[self.zoom])
        except OverflowError:
            return None
        return self.address(day=day) if _can_be_shown(day) else None


def read(query: QueryDict, today: date) -> Choices:
    """The choices in an address; impossible values count as missing."""
    zoom = query.get("zoom", "")
    return Choices(
        day=day_in(query) or today,
        zoom=zoom if zoom in DAYS else DAY,
        group=_number(query.get("group")),
        image=_number(query.get("image")),
        block=_number(query.get("block")),
        busy=query.get("busy") == "1",
        page=_number(query.get("page")) or 1,
    )


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


def groups(chosen: int | None) -> list[Option]:
    """Resource groups of computers."""
    rows = ResourceGroup.objects.filter(resourcetype__name="computer").order_by("name")
    return [Option(key, name, key == chosen) for key, name in rows.values_list("pk", "name")]


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
