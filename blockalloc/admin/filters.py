"""The filters above the lists.

Their choices come from few rows: Django's own filters list all images, groups and computers of the site. Times are
compared as aware datetimes, since the databases don't know the site's time zone.
"""

from collections.abc import Iterator
from datetime import date, datetime, timedelta
from typing import TYPE_CHECKING, Any, NamedTuple, TypeVar

from django.contrib.admin import SimpleListFilter
from django.db.models import Exists, Model, OuterRef, Q, QuerySet
from django.http import HttpRequest

from blockalloc import clock
from blockalloc.models import BlockRequest, Image, UserGroup
from blockalloc.models.querysets import unexpired
from blockalloc.models.scope import Scope, scope_of
from blockalloc.pages import labs
from blockalloc.site_time import local_to_instant, site_zone

if TYPE_CHECKING:
    from django.contrib.admin.options import ModelAdmin
    from django.contrib.admin.views.main import ChangeList

_Row = TypeVar("_Row", bound=Model)

ALL = "all"
_EVERYTHING = Q()
_DAY = timedelta(days=1)
# Groups and images of block requests that expired longer ago can be searched for, but are no choices.
_KEPT = timedelta(days=365)


def now() -> datetime:
    """The current time, as site time."""
    return datetime.fromtimestamp(clock.now(), site_zone())


class Choice(NamedTuple):
    """One choice of a filter: its label, and the condition for the rows that it leaves."""

    label: str
    condition: Q


class ChoiceFilter(SimpleListFilter):
    """A choice of conditions. The first of them is the default, for a value that is missing or unknown.

    What the default leaves is said with the number of rows: `usual` after it (`now and to come`), `usual_kind` before
    the noun (`10 current series`).
    """

    scope: Scope  # of the person who is signed in
    usual = ""
    usual_kind = ""

    def options(self) -> dict[str, Choice]:
        """The choices by their values in the page's address."""
        raise NotImplementedError

    def lookups(self, request: HttpRequest, model_admin: "ModelAdmin[Any]") -> list[tuple[str, str]]:
        """The choices, in Django's form."""
        self.scope = scope_of(request.user)
        self._options = self.options()
        return [(name, choice.label) for name, choice in self._options.items()] if len(self._options) > 1 else []

    def choices(self, changelist: "ChangeList") -> Iterator[Any]:
        """The choices, each with its value and its query string."""
        chosen = self._chosen()
        for name, choice in self._options.items():
            yield {
                "name": self.parameter_name,
                "value": name,
                "selected": name == chosen,
                "query_string": changelist.get_query_string({self.parameter_name or "": name}),
                "display": choice.label,
            }

    def queryset(self, request: HttpRequest, queryset: QuerySet[_Row]) -> QuerySet[_Row]:
        """The rows that the choice leaves."""
        return queryset.filter(self._options[self._chosen()].condition)

    def _chosen(self) -> str:
        value = self.value()
        return value if value in self._options else next(iter(self._options))


class TextFilter(SimpleListFilter):
    """A filter with a text field; `hint` is an example in it."""

    hint = ""

    def lookups(self, request: HttpRequest, model_admin: "ModelAdmin[Any]") -> list[tuple[str, str]]:
        """One choice: Django hides filters without any."""
        return [("", "")]

    def choices(self, changelist: "ChangeList") -> Iterator[Any]:
        """The field: its value and its hint."""
        yield {"name": self.parameter_name, "value": self.value() or "", "hint": self.hint}


class LinkedFilter(TextFilter):
    """A filter that only links set: it is no field of the form, but is shown by name while it is in the address."""

    def display(self, value: str) -> str:
        """What is chosen, in words."""
        raise NotImplementedError

    def choices(self, changelist: "ChangeList") -> Iterator[Any]:
        """What is chosen; its words "" for nothing."""
        value = (self.value() or "").strip()
        text = self.display(value) if value else ""
        yield {"name": self.parameter_name, "value": value, "display": text, "only_linked": True}


class DayFilter(ChoiceFilter):
    """Rows of a day or of a week, for tables with `start` and `end`. The address may name any day."""

    title = "day"
    parameter_name = "day"
    usual = "now and to come"
    PAST = "past"

    def options(self) -> dict[str, Choice]:
        """To come, each of the next seven days, this week and the next, and past."""
        moment = now()
        today = moment.date()
        monday = today - today.weekday() * _DAY
        return {
            "coming": Choice("Now and to come", Q(end__gt=moment)),
            **days_of("start", "end", self.value()),
            "this-week": Choice("This week", _within(monday, 7)),
            "next-week": Choice("Next week", _within(monday + 7 * _DAY, 7)),
            self.PAST: Choice("Over", Q(end__lte=moment)),
            ALL: Choice("All", _EVERYTHING),
        }


def days_of(start: str, end: str, chosen: str | None, *, back: int = 0) -> dict[str, Choice]:
    """Choices of the next seven days, `back` days before them, and the `chosen` one, by columns `start` and `end`."""
    today = now().date()
    return {f"{day}": Choice(_day_name(day, today), _within(day, 1, start, end)) for day in _days(today, chosen, back)}


def latest_first(request: HttpRequest) -> bool:
    """Whether the list has past rows, and so begins with the latest."""
    return request.GET.get(DayFilter.parameter_name or "") in (DayFilter.PAST, ALL)


class OpenFilter(ChoiceFilter):
    """Whether block requests have expired; the others may have block times to come."""

    title = "show"
    parameter_name = "open"
    usual_kind = "current"

    def options(self) -> dict[str, Choice]:
        """Those that have not expired, those that have, or both."""
        return {
            "open": Choice("Current series", unexpired()),
            "expired": Choice("Expired series", ~unexpired()),
            ALL: Choice("All series", _EVERYTHING),
        }


class InUseFilter(ChoiceFilter):
    """Whether rows are deleted, which VCL only marks; by default, those are hidden."""

    title = "removed"
    parameter_name = "removed"
    usual = "without removed ones"

    def options(self) -> dict[str, Choice]:
        """Rows in use, deleted rows, or both."""
        return {
            "no": Choice("Hidden", Q(deleted=0)),
            "yes": Choice("Only these", Q(deleted=1)),
            ALL: Choice("Shown too", _EVERYTHING),
        }


class RelatedFilter(ChoiceFilter):
    """Rows that refer to the chosen row of another table, along `path`."""

    path: str

    def candidates(self) -> QuerySet[Any]:
        """The rows to choose from, in order."""
        raise NotImplementedError

    def other_row(self, key: int) -> QuerySet[Any]:
        """The row with this key that is no candidate, for filters that other pages link to; by default none."""
        return self.candidates().none()

    def condition(self, row: Any) -> Q:
        """The condition for rows that refer to `row`."""
        return Q((self.path, row.pk))

    def label(self, row: Any) -> str:
        """The name of a row to choose."""
        return str(row)

    def options(self) -> dict[str, Choice]:
        """All, or one of the candidates."""
        choices = {str(row.pk): Choice(self.label(row), self.condition(row)) for row in self._rows()}
        return {ALL: Choice("All", _EVERYTHING), **choices}

    def _rows(self) -> QuerySet[Any]:
        """The candidates, and the row in the address if it is none of them. One statement."""
        candidates, value = self.candidates(), self.value() or ""
        if not (value.isdecimal() and len(value) < 10):
            return candidates
        both = candidates.order_by().union(self.other_row(int(value)).order_by())
        return both.order_by(*candidates.query.order_by)


class LabFilter(ChoiceFilter):
    """Rows about classes of a lab, or computers of it: a resource group of computers. Labs are no secret."""

    title = "lab"
    parameter_name = labs.PARAMETER

    def condition(self, lab: int) -> Q:
        """The condition for rows of the lab with this id."""
        raise NotImplementedError

    def options(self) -> dict[str, Choice]:
        """All, or one of the labs, if there are several."""
        known = labs.known()
        choices = {str(key): Choice(name, self.condition(key)) for key, name in known.items()}
        return {ALL: Choice("All", _EVERYTHING), **(choices if len(choices) > 1 or self.value() in choices else {})}


class GroupFilter(RelatedFilter):
    """Block requests or block times for a user group."""

    title = "user group"
    parameter_name = "group"

    def candidates(self) -> QuerySet[UserGroup]:
        """The groups with block requests that the person may see."""
        requests = _recent_requests(self.scope).filter(group=OuterRef("pk"))
        groups = UserGroup.objects.filter(Exists(requests))
        return self._with_affiliation(groups).order_by("name")

    def other_row(self, key: int) -> QuerySet[UserGroup]:
        """Any group that the person may see."""
        groups = UserGroup.objects.filter(pk=key)
        if self.scope.is_limited:
            groups = groups.filter(Exists(BlockRequest.objects.within(self.scope).filter(group=OuterRef("pk"))))
        return self._with_affiliation(groups)

    def _with_affiliation(self, groups: QuerySet[UserGroup]) -> QuerySet[UserGroup]:
        return groups.select_related("affiliation").only("name", "affiliation__name")


class ImageFilter(RelatedFilter):
    """Block requests or block times of an image."""

    title = "image"
    parameter_name = "image"

    def candidates(self) -> QuerySet[Image]:
        """The images of block requests that the person may see."""
        images = Image.objects.filter(Exists(_recent_requests(self.scope).filter(image=OuterRef("pk"))))
        return images.only("prettyname").order_by("prettyname")

    def other_row(self, key: int) -> QuerySet[Image]:
        """Any image, without its long texts: everybody who may see block requests may see all images."""
        return Image.objects.filter(pk=key).only("prettyname")


def _recent_requests(scope: Scope) -> QuerySet[BlockRequest]:
    return BlockRequest.objects.within(scope).unexpired_after(now() - _KEPT)


def _within(first: date, days: int, start: str = "start", end: str = "end") -> Q:
    """The condition for rows that overlap `days` days of the site's calendar from `first` on."""
    return Q((f"{start}__lt", _midnight(first + days * _DAY)), (f"{end}__gt", _midnight(first)))


def _midnight(day: date) -> datetime:
    return local_to_instant(datetime(day.year, day.month, day.day))


def _days(today: date, chosen: str | None, back: int) -> list[date]:
    """The next seven days, `back` days before them, and the `chosen` one if it is another."""
    week = [today + number * _DAY for number in range(-back, 7)]
    try:
        other = date.fromisoformat(chosen or "")
    except ValueError:
        return week
    # Days at the ends of the calendar have no neighbour to compare with.
    return week if other in week or other.year not in range(1971, 9999) else [*week, other]


def _day_name(day: date, today: date) -> str:
    names = {today - _DAY: "Yesterday, ", today: "Today, ", today + _DAY: "Tomorrow, "}
    return f"{names.get(day, '')}{day:%A} {day.day} {day:%b}{'' if day.year == today.year else f' {day.year}'}"
