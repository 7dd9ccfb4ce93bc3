"""What somebody asks the timeline for, by the page's address, and what there is to choose from."""

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
    """The time, the filters (ids of rows, None: all) and the page of computers, counted from 1."""

    day: date
    zoom: str = DAY
    group: int | None = None
    image: int | None = None
    block: int | None = None
    busy: bool = False
    page: int = 1

    def address(self, **other: object) -> str:
        """The page's address for these choices, some of them exchanged; from its first computer, unless told."""
        asked = replace(self, **{"page": 1, **other})  # type: ignore[arg-type]
        query = {
            "zoom": asked.zoom,
            "day": f"{asked.day}",
            **{name: value for name in ("group", "image", "block") if (value := getattr(asked, name)) is not None},
            **({"busy": 1} if asked.busy else {}),
            **({"page": asked.page} if asked.page > 1 else {}),
        }
        return reverse("admin:timeline", query=query)

    def moved(self, steps: int) -> str | None:
        """The address of the days or weeks before or after; None beyond the calendar."""
        try:
            day = self.day + timedelta(days=steps * DAYS[self.zoom])
        except OverflowError:
            return None
        return self.address(day=day) if _is_shown(day) else None


def read(query: QueryDict, today: date) -> Choices:
    """The choices in an address. What is no choice counts as none."""
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
    """The day in an address; None: none, or one that can't be shown."""
    try:
        day = date.fromisoformat(query.get("day", ""))
    except ValueError:
        return None
    return day if _is_shown(day) else None


class Option(NamedTuple):
    """One line of a list to choose from."""

    value: int
    label: str
    chosen: bool


def groups(chosen: int | None) -> list[Option]:
    """Resource groups of computers."""
    found = ResourceGroup.objects.filter(resourcetype__name="computer").order_by("name")
    return [Option(key, name, key == chosen) for key, name in found.values_list("pk", "name")]


def images(chosen: int | None, since: datetime) -> list[Option]:
    """Images of blocks that were not over at `since` (aware), and the chosen one."""
    used = BlockRequest.objects.unexpired_after(since).filter(image=OuterRef("pk"))
    found = Image.objects.filter(Exists(used) | Q(pk=chosen or 0)).order_by("prettyname")
    return [Option(key, name, key == chosen) for key, name in found.values_list("pk", "prettyname")]


def blocks(chosen: int | None, since: datetime, scope: Scope) -> list[Option]:
    """Block requests that were not over at `since` (aware), and the chosen one."""
    requests = BlockRequest.objects.within(scope)
    found = requests.unexpired_after(since) | requests.filter(pk=chosen or 0)
    return [Option(key, name, key == chosen) for key, name in found.order_by("name", "pk").values_list("pk", "name")]


def _number(text: str | None) -> int | None:
    """A row's id: no longer than ids are."""
    return int(text) if text and re.fullmatch("[0-9]{1,9}", text) else None


def _is_shown(day: date) -> bool:
    """The ends of the calendar have no week beside them."""
    return 1971 <= day.year <= 9998
