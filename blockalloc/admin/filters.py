"""The filters beside the lists.

Each takes its choices from few rows: Django's own filters list all images, groups and computers of the site. Times
are compared as aware datetimes, for the databases know nothing of the site's zone.
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
from blockalloc.site_time import local_to_instant, site_zone

if TYPE_CHECKING:
    from django.contrib.admin.options import ModelAdmin
    from django.contrib.admin.views.main import ChangeList

_Row = TypeVar("_Row", bound=Model)

ALL = "all"
_EVERYTHING = Q()
_DAY = timedelta(days=1)
# Groups and images of blocks that ended longer ago are found by the search, not by a filter.
_REMEMBERED = timedelta(days=365)


def now() -> datetime:
    """The current time, in the site's zone."""
    return datetime.fromtimestamp(clock.now(), site_zone())


class Choice(NamedTuple):
    """One line of a filter: how it is read, and which rows it leaves."""

    label: str
    condition: Q


class ChoiceFilter(SimpleListFilter):
    """A choice of conditions. While nothing (or nothing known) is chosen, the first of them is in force."""

    scope: Scope  # of the person who looks

    def options(self) -> dict[str, Choice]:
        """The choices by what they are called in the page's address."""
        raise NotImplementedError

    def lookups(self, request: HttpRequest, model_admin: "ModelAdmin[Any]") -> list[tuple[str, str]]:
        """The choices, as Django wants them."""
        self.scope = scope_of(request.user)
        self._options = self.options()
        return [(name, choice.label) for name, choice in self._options.items()] if len(self._options) > 1 else []

    def choices(self, changelist: "ChangeList") -> Iterator[Any]:
        """The choices, each with the address that chooses it."""
        chosen = self._chosen()
        for name, choice in self._options.items():
            yield {
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
    """A filter that one types into."""

    template = "admin/blockalloc/text_filter.html"
    hint = ""

    def lookups(self, request: HttpRequest, model_admin: "ModelAdmin[Any]") -> list[tuple[str, str]]:
        """Something, so that Django shows the filter."""
        return [("", "")]

    def choices(self, changelist: "ChangeList") -> Iterator[Any]:
        """What the field needs: what is typed, and the rest of the address."""
        others = {name: value for name, value in changelist.params.items() if name != self.parameter_name}
        others |= {name: value[-1] for name, value in changelist.filter_params.items() if name != self.parameter_name}
        if changelist.query:
            others["q"] = changelist.query
        yield {"name": self.parameter_name, "value": self.value() or "", "hint": self.hint, "others": others.items()}


class DayFilter(ChoiceFilter):
    """What takes place on a day or in a week, for tables with `start` and `end`. Any day can be in the address."""

    title = "day"
    parameter_name = "day"
    PAST = "past"

    def options(self) -> dict[str, Choice]:
        """What is to come; each of the next seven days; this week and the next; what is over."""
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
    """The next seven days, so many before them, and the one that the address asks for, for rows with such times."""
    today = now().date()
    return {f"{day}": Choice(_name_of(day, today), _within(day, 1, start, end)) for day in _days(today, chosen, back)}


def latest_first(request: HttpRequest) -> bool:
    """Whether the list shows what is over, which is read from its end."""
    return request.GET.get(DayFilter.parameter_name or "") in (DayFilter.PAST, ALL)


class OpenFilter(ChoiceFilter):
    """Block requests that can still have block times to come."""

    title = "expiry"
    parameter_name = "open"

    def options(self) -> dict[str, Choice]:
        """Open, expired or all."""
        return {
            "open": Choice("Open", unexpired()),
            "expired": Choice("Expired", ~unexpired()),
            ALL: Choice("All", _EVERYTHING),
        }


class InUseFilter(ChoiceFilter):
    """Rows that VCL only marks as deleted are left out at first."""

    title = "removed"
    parameter_name = "removed"

    def options(self) -> dict[str, Choice]:
        """Those that there are, those that there were."""
        return {
            "no": Choice("No", Q(deleted=0)),
            "yes": Choice("Yes", Q(deleted=1)),
            ALL: Choice("All", _EVERYTHING),
        }


class RelatedFilter(ChoiceFilter):
    """Rows that refer to the chosen row of another table, along `path`."""

    path: str

    def candidates(self) -> QuerySet[Any]:
        """The rows to choose from, in order."""
        raise NotImplementedError

    def named(self, key: int) -> QuerySet[Any]:
        """The row with this key although it is no candidate, for filters that links lead to. Here there is none."""
        return self.candidates().none()

    def condition(self, row: Any) -> Q:
        """What refers to it."""
        return Q((self.path, row.pk))

    def options(self) -> dict[str, Choice]:
        """All, or one of the candidates."""
        found = {str(row.pk): row for row in self.candidates()}
        value = self.value() or ""
        if value.isdecimal() and len(value) < 10 and value not in found:
            found.update((str(row.pk), row) for row in self.named(int(value)))
        own = {key: Choice(str(row), self.condition(row)) for key, row in found.items()}
        return {ALL: Choice("All", _EVERYTHING), **own}


class GroupFilter(RelatedFilter):
    """Blocks of a user group."""

    title = "user group"
    parameter_name = "group"

    def candidates(self) -> QuerySet[UserGroup]:
        """The groups that have blocks, of those that are to be seen."""
        blocks = _remembered(self.scope).filter(group=OuterRef("pk"))
        groups = UserGroup.objects.filter(Exists(blocks))
        return self._with_affiliation(groups).order_by("name")

    def named(self, key: int) -> QuerySet[UserGroup]:
        """Any group that is to be seen."""
        groups = UserGroup.objects.filter(pk=key)
        if self.scope.is_limited:
            groups = groups.filter(Exists(BlockRequest.objects.within(self.scope).filter(group=OuterRef("pk"))))
        return self._with_affiliation(groups)

    def _with_affiliation(self, groups: QuerySet[UserGroup]) -> QuerySet[UserGroup]:
        return groups.select_related("affiliation").only("name", "affiliation__name")


class ImageFilter(RelatedFilter):
    """Blocks of an image."""

    title = "image"
    parameter_name = "image"

    def candidates(self) -> QuerySet[Image]:
        """The images of blocks, of those that are to be seen."""
        images = Image.objects.filter(Exists(_remembered(self.scope).filter(image=OuterRef("pk"))))
        return images.only("prettyname").order_by("prettyname")

    def named(self, key: int) -> QuerySet[Image]:
        """Any image, without the long texts: images are to be seen by all who see blocks."""
        return Image.objects.filter(pk=key).only("prettyname")


def _remembered(scope: Scope) -> QuerySet[BlockRequest]:
    return BlockRequest.objects.within(scope).unexpired_after(now() - _REMEMBERED)


def _within(first: date, days: int, start: str = "start", end: str = "end") -> Q:
    """What takes place, at least in part, on these days of the site's calendar."""
    return Q((f"{start}__lt", _midnight(first + days * _DAY)), (f"{end}__gt", _midnight(first)))


def _midnight(day: date) -> datetime:
    return local_to_instant(datetime(day.year, day.month, day.day))


def _days(today: date, chosen: str | None, back: int) -> list[date]:
    """The next seven days, so many before them, and the one that the address asks for if it is another."""
    week = [today + number * _DAY for number in range(-back, 7)]
    try:
        other = date.fromisoformat(chosen or "")
    except ValueError:
        return week
    # The ends of the calendar have no day beside them to compare with.
    return week if other in week or other.year not in range(1971, 9999) else [*week, other]


def _name_of(day: date, today: date) -> str:
    names = {today - _DAY: "Yesterday, ", today: "Today, ", today + _DAY: "Tomorrow, "}
    return f"{names.get(day, '')}{day:%A} {day.day} {day:%b}{'' if day.year == today.year else f' {day.year}'}"
