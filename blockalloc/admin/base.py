"""Read-only lists and pages of table rows, on which the other modules of this package are built."""

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from itertools import groupby
from typing import TYPE_CHECKING, Any, ClassVar, Generic, TypeVar

from django.contrib import admin
from django.contrib.admin.utils import flatten_fieldsets
from django.contrib.admin.views.main import ChangeList
from django.core.exceptions import PermissionDenied, ValidationError
from django.db.models import Model, QuerySet
from django.http import Http404, HttpRequest, HttpResponse
from django.utils.text import capfirst

from blockalloc.admin.search import search
from blockalloc.fields import validate_latin1
from blockalloc.models.scope import scope_of
from blockalloc.pages.columns import NOTHING, Column

_Row = TypeVar("_Row", bound=Model)
_Page = TypeVar("_Page", bound=Model)

if TYPE_CHECKING:
    # The type stubs give Django's classes type parameters; Django's own have none.
    from django.contrib.admin import ModelAdmin, TabularInline
else:

    class ModelAdmin(admin.ModelAdmin, Generic[_Row]):
        """Django's, with a type parameter."""

    class TabularInline(admin.TabularInline, Generic[_Row, _Page]):
        """Django's, with type parameters."""


def without(fieldsets: Any, hidden: Collection[Column]) -> Any:
    """The fieldsets of a page without some columns."""

    def left(lines: Iterable[Column | tuple[Column, ...]]) -> Iterator[Column | tuple[Column, ...]]:
        # Lines that share are one: what is left alone in its line would get all of it.
        for shared, group in groupby(lines, key=lambda line: isinstance(line, tuple)):
            each_line = [each for line in group for each in (line if isinstance(line, tuple) else (line,))]
            kept = tuple(each for each in each_line if each not in hidden)
            yield from [kept] if shared and kept else kept

    return [(title, {**about, "fields": tuple(left(about["fields"]))}) for title, about in fieldsets]


class KeysFirstList(ChangeList):
    """A list that looks up the keys of its page first, and then the columns of these rows only.

    In one statement, databases would sort all rows with all their columns, and throw most of them away.
    """

    def get_results(self, request: HttpRequest) -> None:
        """Read the rows of the page, in the list's order."""
        super().get_results(request)
        keys = list(self.result_list.values_list("pk", flat=True)) if self.result_count else []
        rows = {row.pk: row for row in self.root_queryset.filter(pk__in=keys)} if keys else {}
        self.result_list = [rows[key] for key in keys if key in rows]


class ReadOnlyAdmin(ModelAdmin[_Row]):
    """A list and a page for each row, for people with the view permission. Nobody may add, change or delete.

    `sections` are the columns of a page; those in one tuple share a line. Sections whose title is in `folded` open by a
    click. Columns in `only_for_all_blocks` may name anybody, so people who may see the blocks of one affiliation only
    don't get them.
    """

    sections: ClassVar[Sequence[tuple[str | None, Sequence[Column | tuple[Column, ...]]]]] = ()
    folded: ClassVar[Sequence[str]] = ()
    only_for_all_blocks: ClassVar[Sequence[Column]] = ()
    list_title: ClassVar[str] = ""  # by default, what VCL calls such rows
    counted: ClassVar[tuple[str, str] | None] = None  # what one row is called in the list, and what several are

    actions = None
    empty_value_display = NOTHING
    list_per_page = 50
    view_on_site = False
    # Both would count whole tables for each page.
    show_full_result_count = False
    show_facets = admin.ShowFacets.NEVER

    def get_fieldsets(self, request: HttpRequest, obj: _Row | None = None) -> Any:
        """The sections, in Django's form."""
        hidden = self.only_for_all_blocks if scope_of(request.user).is_limited else ()
        return [
            (
                title,
                {
                    "fields": tuple(column for column in columns if column not in hidden),
                    "classes": ("collapse",) if title in self.folded else (),
                },
            )
            for title, columns in self.sections
        ]

    def get_readonly_fields(self, request: HttpRequest, obj: _Row | None = None) -> Any:
        """All columns of the page."""
        return flatten_fieldsets(self.get_fieldsets(request, obj))

    def heading(self, row: _Row) -> str:
        """The heading of the row's page."""
        return str(row)

    def more(self, request: HttpRequest, row: _Row) -> Mapping[str, Any]:
        """Further context for the template of the row's page, besides the sections and tables."""
        return {}

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: _Row | None = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: _Row | None = None) -> bool:
        return False

    def lookup_allowed(self, lookup: str, value: str, request: HttpRequest) -> bool:
        """Allow only the filters of the list.

        Django lets the address of a list filter by any column: keys and passwords could be guessed letter by letter.
        """
        return lookup in {getattr(each, "parameter_name", None) for each in self.get_list_filter(request)}

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[_Row], search_term: str
    ) -> tuple[QuerySet[_Row], bool]:
        """The rows that match. MariaDB refuses to compare its texts with characters that they cannot contain."""
        try:
            validate_latin1(search_term)
        except ValidationError:
            return queryset.none(), False
        rows = search(queryset, self.get_search_fields(request), search_term)
        # A list sorts its rows again; suggestions for a field are shown in the order of the query, page by page.
        return rows.order_by(*self.get_ordering(request)), False

    def get_changelist(self, request: HttpRequest, **kwargs: Any) -> type[ChangeList]:
        """The list that reads only the rows of its page."""
        return KeysFirstList

    def changelist_view(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        """The list, with `list_title` as its heading."""
        if request.method not in ("GET", "HEAD"):
            raise PermissionDenied
        title = self.list_title or capfirst(str(self.opts.verbose_name_plural))
        return super().changelist_view(request, {"title": title, **(extra_context or {})})

    def get_object(self, request: HttpRequest, object_id: str, from_field: str | None = None) -> _Row | None:
        """The row of a page, by its key: never by another column, which the address may name; None when it is missing.

        For people who may not see all rows, raises Http404 instead, for a hidden row and for a missing one alike.
        """
        row = super().get_object(request, object_id)
        if row is None and scope_of(request.user).is_limited:
            raise Http404
        return row

    def history_view(
        self, request: HttpRequest, object_id: str, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        """Raise Http404: Django's page lists changes made in the admin, and there are none."""
        raise Http404

    def render_change_form(
        self,
        request: HttpRequest,
        context: dict[str, Any],
        add: bool = False,
        change: bool = False,
        form_url: str = "",
        obj: _Row | None = None,
    ) -> HttpResponse:
        """The page of a row, with the row's heading and the further context of its template."""
        if obj is not None:
            context.update(
                title=self.heading(obj), subtitle=None, list_title=self.list_title, **self.more(request, obj)
            )
        return super().render_change_form(request, context, add, change, form_url, obj)


class ReadOnlyInline(TabularInline[_Row, _Page]):
    """A table on the page of another row, with `columns`, for everybody who may see that page."""

    columns: ClassVar[Sequence[Column]] = ()

    template = "admin/blockalloc/rows.html"
    empty_value_display = NOTHING
    extra = 0
    max_num = 0
    can_delete = False

    def get_fields(self, request: HttpRequest, obj: _Page | None = None) -> Any:
        return tuple(self.columns)

    def get_readonly_fields(self, request: HttpRequest, obj: _Page | None = None) -> Any:
        return tuple(self.columns)

    def has_view_permission(self, request: HttpRequest, obj: _Page | None = None) -> bool:
        """Everybody who may see the page."""
        return True

    def has_add_permission(self, request: HttpRequest, obj: _Page | None = None) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: _Page | None = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: _Page | None = None) -> bool:
        return False
