"""The record of decisions: what was asked for, what came of it, and why each computer was chosen or left out."""

from collections.abc import Iterator
from datetime import datetime
from typing import Any
from urllib.parse import urlencode

from django.contrib import admin
from django.contrib.admin.views.main import PAGE_VAR, ChangeList
from django.core.exceptions import PermissionDenied
from django.db.models import Model, QuerySet
from django.http import Http404, HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.urls import URLPattern, path

from blockalloc.admin.base import KeysFirst, ReadOnlyAdmin
from blockalloc.admin.decision_filters import (
    ActionFilter,
    CalledFilter,
    ClassDayFilter,
    ComputerFilter,
    OutcomeFilter,
    TimeFilter,
)
from blockalloc.admin.search import searched
from blockalloc.models import BlockRequest, BlockTime, Decision, Image
from blockalloc.pages import row_id  # noqa: F401 - for the addresses
from blockalloc.pages.columns import Column, column, link_to, signal, when
from blockalloc.pages.csv_export import csv_response
from blockalloc.reports.decision import CHOSEN, HELD, all_verdicts, report, verdict
from blockalloc.store import decisions
from blockalloc.store.sql import keys_as_table

_LEVELS = {
    "success": "good",
    "completed": "good",
    "done": "plain",
    "warning": "watch",
    "refused": "bad",
    "failed": "bad",
}
HEAVY = ("findings", "parameters")  # columns that lists do without


# --- Columns ------------------------------------------------------------------------------------


@column("When", ordering="pk")
def started(decision: Decision) -> datetime:
    """When the call came."""
    return decision.started


@column("What")
def action(decision: Decision) -> str:
    """What was asked for."""
    return decision.action


@column("Block")
def block(decision: Decision) -> str | None:
    """A link to the block time; its page may be gone."""
    key = decision.block_time_id
    return _link(BlockTime, key, decision.block_name or f"block time {key}") or decision.block_name


@column("Class begins", ordering="block_start")
def block_start(decision: Decision) -> datetime | None:
    """When the block time begins."""
    return decision.block_start


@column("Outcome")
def outcome(decision: Decision) -> str:
    """How it ended, in a colour; the code is a warning's or a refusal's."""
    if decision.outcome in ("success", "warning") and (decision.allocated or 0) < (decision.wanted or 0):
        return signal("watch", f"short of {(decision.wanted or 0) - (decision.allocated or 0)}")
    code = f" {decision.code}" if decision.code else ""
    return signal(_LEVELS.get(decision.outcome, "plain"), f"{decision.outcome}{code}")


@column("Machines")
def machines(decision: Decision) -> str | None:
    """What the block time had then."""
    if decision.allocated is None:
        return None
    return f"{decision.allocated}" + (f" of {decision.wanted}" if decision.wanted is not None else "")


@column("Who")
def who(decision: Decision) -> str:
    """The person, where it is known; else the account that called."""
    return decision.person or decision.caller


@column("Through")
def door(decision: Decision) -> str:
    """By which method or command."""
    return decision.door


@column("Why, or what was done")
def text(decision: Decision) -> str:
    """The words of a warning or a refusal; what an action did."""
    return decision.text


@column("Calling account")
def caller(decision: Decision) -> str:
    """Whose rights counted."""
    return decision.caller


@column("Person")
def person(decision: Decision) -> str:
    """Who was at the keyboard."""
    return decision.person


@column("From")
def address(decision: Decision) -> str:
    """The client's address."""
    return decision.address


@column("Parameters")
def parameters(decision: Decision) -> str:
    """What was given."""
    return decision.parameters


@column("Block request")
def block_request(decision: Decision) -> str | None:
    """A link; its page may be gone."""
    return _link(BlockRequest, decision.block_request_id, decision.block_name)


@column("User group")
def user_group(decision: Decision) -> str:
    """Whose members use the block."""
    return decision.user_group


@column("Owner")
def owner(decision: Decision) -> str:
    """Who asked for the block."""
    return decision.owner


@column("Image")
def image(decision: Decision) -> str | None:
    """What was to be loaded."""
    return _link(Image, decision.image_id, decision.image_name or f"image {decision.image_id}")


@column("Class ends")
def block_end(decision: Decision) -> datetime | None:
    """When the block time ends."""
    return decision.block_end


@column("Had before")
def had(decision: Decision) -> int | None:
    """Machines that were there before the call."""
    return decision.had


@column("Took")
def took(decision: Decision) -> str:
    """How long, and how often it had to begin again."""
    again = [(decision.retries, "tried again"), (decision.waits, "waited for other calls")]
    return "; ".join([f"{decision.duration} ms", *(f"{what} {number}×" for number, what in again if number)])


@column("Version")
def version(decision: Decision) -> str:
    """Of the service and what it runs on."""
    return decision.version


def _link(model: Any, key: int | None, words: str) -> str | None:
    return link_to(model, key, words) if key else None


# --- Lists -------------------------------------------------------------------------------------


class WholeList(ChangeList):
    """The list without its pages, for the export: what is chosen and searched, and nothing read of it."""

    def get_results(self, request: HttpRequest) -> None:
        """None: the export reads on its own."""


class DecisionList(KeysFirst):
    """The list, with what is said of the computer that is asked for."""

    def get_results(self, request: HttpRequest) -> None:
        """The rows of the page; their findings are read for these only."""
        super().get_results(request)
        name = request.GET.get(ComputerFilter.parameter_name or "", "").strip()
        if name:
            told = decisions.findings_of(Decision.objects.filter(pk__in=[row.pk for row in self.result_list]))
            for row in self.result_list:
                row.verdict = verdict(told[row.pk], name) if row.pk in told else ""

    def url_for_result(self, result: Model) -> str:
        """The row's page, which tells of the same computer."""
        address = super().url_for_result(result)
        parameter = ComputerFilter.parameter_name or ""
        name = self.filter_params.get(parameter, [""])[-1].strip()
        return f"{address}?{urlencode({parameter: name})}" if name else address


def _about(name: str) -> Column:
    @column(name)
    def about(decision: Decision) -> str:
        """What the decision says of the computer."""
        found: str = getattr(decision, "verdict", "")
        return signal("good", found) if found in (CHOSEN, HELD) else found

    return about


# --- List and page ------------------------------------------------------------------------------

_LIST = (started, action, block, block_start, outcome, machines, who, door)
_EXPORTED = (
    *"id started action door caller person address outcome code text block_time_id block_request_id block_name".split(),
    *"block_start block_end image_id image_name user_group owner wanted had allocated duration retries waits".split(),
    "version",
)
ROWS_AT_ONCE = 2000
_EXPORT = "decisions_csv"  # the name of its address


def _in_portions(found: QuerySet[Decision]) -> Iterator[Decision]:
    """The latest first, so many at once: clients of MariaDB hold all rows of a statement in memory."""
    rest = found.order_by("-pk")
    rows = list(rest[:ROWS_AT_ONCE])
    while rows:
        yield from rows
        rows = list(rest.filter(pk__lt=rows[-1].pk)[:ROWS_AT_ONCE])


@admin.register(Decision)
class DecisionAdmin(ReadOnlyAdmin[Decision]):
    """Decisions, the latest first. Nobody can change one."""

    list_filter = (ClassDayFilter, ComputerFilter, CalledFilter, ActionFilter, OutcomeFilter, TimeFilter)
    search_fields = ("block_name", "caller", "person", "user_group")
    search_help_text = "Search by block, user group or who called"
    ordering = ("-pk",)
    change_form_template = "admin/blockalloc/decision.html"
    change_list_template = "admin/blockalloc/decisions.html"
    sections = (
        (
            None,
            (
                (action, outcome),
                (started, took),
                text,
                (machines, had),
                (block, block_request),
                (block_start, block_end),
                (image, user_group),
                (owner, door),
                (caller, person),
                (address, version),
                parameters,
            ),
        ),
    )

    def get_queryset(self, request: HttpRequest) -> QuerySet[Decision]:
        """Those that the person may see; without the long columns."""
        return Decision.objects.visible_to(request.user).defer(*HEAVY)

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Decision], search_term: str
    ) -> tuple[QuerySet[Decision], bool]:
        """What is found. The index for it has all that is searched, and the keys of the rows."""
        if not search_term.strip():
            return queryset, False
        found = searched(Decision.objects.order_by(), self.search_fields, search_term)
        return queryset.filter(pk__in=keys_as_table(found)), False

    def get_changelist(self, request: HttpRequest, **kwargs: Any) -> type[ChangeList]:
        """The list that tells of a computer; for the export that without pages."""
        address = request.resolver_match
        return WholeList if address is not None and address.url_name == _EXPORT else DecisionList

    def get_list_display(self, request: HttpRequest) -> Any:
        """With the computer that is asked for, or the words of the outcome."""
        name = request.GET.get(ComputerFilter.parameter_name or "", "").strip()
        return (*_LIST, _about(name[:60]) if name else text)

    def heading(self, row: Decision) -> str:
        """What, about which block, when."""
        return f"{row.action.capitalize()}: {row.block_name or 'no block'}, {when(row.started)}"

    def get_urls(self) -> list[URLPattern]:
        """With the exports."""
        return [
            path("csv/", self.admin_site.admin_view(self.export_list), name=_EXPORT),
            path("<row_id:key>/computers.csv", self.admin_site.admin_view(self.export_computers), name="decision_csv"),
            *super().get_urls(),
        ]

    def changelist_view(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        """With the address of the same list as CSV."""
        query = request.GET.copy()
        query.pop(PAGE_VAR, None)  # the export has no pages
        return super().changelist_view(request, {"query": query.urlencode(), **(extra_context or {})})

    def more(self, request: HttpRequest, row: Decision) -> dict[str, Any]:
        """The findings, and what they say of the computer that is asked for."""
        name = request.GET.get("computer", "").strip()
        found = decisions.findings_of([row]).get(row.pk)
        said = verdict(found, name) if found and name else ""
        return {"report": report(found) if found else None, "computer": name[:60], "verdict": said}

    def export_list(self, request: HttpRequest) -> HttpResponseBase:
        """The list as it is filtered, as CSV; the latest first."""
        self._must_view(request)
        found: QuerySet[Decision] = self.get_changelist_instance(request).queryset
        lines = ([getattr(row, name) for name in _EXPORTED] for row in _in_portions(found))
        return csv_response("decisions.csv", _EXPORTED, lines)

    def export_computers(self, request: HttpRequest, key: int) -> HttpResponseBase:
        """What a decision says of each computer, as CSV."""
        self._must_view(request)
        row = self.get_object(request, str(key))
        found = decisions.findings_of([row]).get(key) if row is not None else None
        if found is None:
            raise Http404("no such decision, or one that looked at no computer")
        return csv_response(f"decision-{key}.csv", ("computer", "finding"), all_verdicts(found))

    def _must_view(self, request: HttpRequest) -> None:
        if not self.has_view_permission(request):
            raise PermissionDenied
