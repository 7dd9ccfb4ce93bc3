"""The decision records (audit log): each call with its outcome, and why each computer was chosen or excluded."""

from collections.abc import Iterator
from datetime import datetime
from typing import Any

from django.contrib import admin
from django.contrib.admin.views.main import PAGE_VAR, ChangeList
from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.http import Http404, HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.urls import URLPattern, path, reverse
from django.utils.html import format_html, format_html_join

from blockalloc.admin.base import ReadOnlyAdmin, without
from blockalloc.admin.decision_filters import (
    IN_WORDS,
    ActionFilter,
    CalledFilter,
    ClassDayFilter,
    ComputerFilter,
    DecisionLabFilter,
    OutcomeFilter,
    TimeFilter,
)
from blockalloc.admin.decision_list import (
    LEVELS,
    LIST,
    DecisionList,
    UnpagedList,
    about_computer,
    block,
    details,
    machines,
    text,
)
from blockalloc.admin.search import search
from blockalloc.contract.warnings import vcl_words
from blockalloc.models import BlockRequest, Decision, Image
from blockalloc.pages import row_id  # noqa: F401 - registers the converter
from blockalloc.pages.columns import column, link_to, moment, signal, times
from blockalloc.pages.csv_export import csv_response
from blockalloc.pages.subjects import subjects
from blockalloc.pages.why import answer_of, pretty
from blockalloc.reports.decision import all_verdicts, report, said, verdict
from blockalloc.store import decisions
from blockalloc.store.sql import keys_as_table
from scheduling.wording import missing
from vclsite.logs.request_id import is_well_formed

HEAVY = ("findings", "parameters")  # columns that lists don't read


# --- Columns ------------------------------------------------------------------------------------


@column("When", ordering="pk")
def started(decision: Decision) -> datetime:
    """The time of the call."""
    return decision.started


@column("What")
def action(decision: Decision) -> str:
    """The action of the call, in plain words."""
    return IN_WORDS.get(decision.action, decision.action)


@column("Class begins", ordering="block_start")
def block_start(decision: Decision) -> datetime | None:
    """The start of the block time."""
    return decision.block_start


@column("Outcome")
def outcome(decision: Decision) -> str:
    """The outcome in the colour of its level, with the code of a warning or a refusal."""
    if decision.outcome in ("success", "warning") and (decision.allocated or 0) < (decision.wanted or 0):
        return signal("watch", missing((decision.wanted or 0) - (decision.allocated or 0), decision.wanted or 0))
    code = f" {decision.code}" if decision.code else ""
    return signal(LEVELS.get(decision.outcome, "plain"), f"{IN_WORDS.get(decision.outcome, decision.outcome)}{code}")


@column("Who")
def who(decision: Decision) -> str:
    """The person, if known; else the calling account."""
    return decision.person or decision.caller


@column("Through")
def door(decision: Decision) -> str:
    """The door: an XML-RPC method, a command or the admin."""
    return decision.door


@column("Calling account")
def caller(decision: Decision) -> str:
    """The account whose rights counted."""
    return decision.caller


@column("Person")
def person(decision: Decision) -> str:
    """The staff account, or the login of the shell."""
    return decision.person


@column("From")
def address(decision: Decision) -> str:
    """The IP address of the client."""
    return decision.address


@column("Answered to VCL")
def vcl_warning(decision: Decision) -> str:
    """The warning or the refusal that VCL's back end got, by its number, and in VCL's own words."""
    return vcl_words(decision.code) if decision.outcome == "warning" else f"error {decision.code}"


@column("Series")
def block_request(decision: Decision) -> str | None:
    """A link to the block request, which may be gone by now."""
    return _link(BlockRequest, decision.block_request_id, decision.block_name)


@column("User group")
def user_group(decision: Decision) -> str:
    """The group whose members use the block time."""
    return decision.user_group


@column("Owner")
def owner(decision: Decision) -> str:
    """The owner of the block request."""
    return decision.owner


@column("Image")
def image(decision: Decision) -> str | None:
    """The image to load."""
    return _link(Image, decision.image_id, decision.image_name or f"image {decision.image_id}")


@column("Class ends")
def block_end(decision: Decision) -> datetime | None:
    """The end of the block time."""
    return decision.block_end


@column("Had before")
def had(decision: Decision) -> int | None:
    """The machines that the block time had before the call."""
    return decision.had


@column("Ready at the start")
def outlook(decision: Decision) -> str:
    """How sure it was that the class is ready at its start."""
    return said(decision)


@column("Took")
def took(decision: Decision) -> str:
    """The duration of the call, with the number of repetitions."""
    again = [(decision.retries, "tried again"), (decision.waits, "waited for other calls")]
    return "; ".join([f"{decision.duration} ms", *(f"{what} {number}×" for number, what in again if number)])


@column("Request id")
def request(decision: Decision) -> str | None:
    """The id that the log lines of the request, the command or the look have too."""
    return decision.request_id


@column("Version")
def version(decision: Decision) -> str:
    """The version of the service, of Django and of Python."""
    return decision.version


def _link(model: Any, key: int | None, text: str) -> str | None:
    return link_to(model, key, text) if key else None


# --- The page ---------------------------------------------------------------------------------


def _asked(decision: Decision) -> str:
    """In a line: when it was called, by whom, for which class; the title says what."""
    about = [f"Called {moment(decision.started)} by {decision.person or decision.caller}"]
    hours = (times(decision.block_start, decision.block_end) or "") if decision.block_start else ""
    if decision.block_time_id or decision.block_name:
        about.append(format_html("for {}, {}" if hours else "for {}", block(decision), hours))
    elif hours:
        about.append(hours)
    if decision.image_id:
        about.append(image(decision))
    if decision.user_group:
        about.append(decision.user_group)
    return format_html_join(" · ", "{}", ((each,) for each in about))


# --- List and page ------------------------------------------------------------------------------

_EXPORTED = (
    *"id started action door caller person address outcome code text block_time_id block_request_id block_name".split(),
    *"block_start block_end image_id image_name user_group owner wanted had allocated ready late minutes".split(),
    *"duration retries waits version spares request_id".split(),
)
_WORDS = "outlook"  # the last column of the export: what the figures say, in words
ROWS_AT_ONCE = 2000
_EXPORT = "decisions_csv"  # the name of its URL


def _in_batches(query: QuerySet[Decision]) -> Iterator[Decision]:
    """The rows, the latest first, in batches: clients of MariaDB keep all rows of a statement in memory."""
    rest = query.order_by("-pk")
    rows = list(rest[:ROWS_AT_ONCE])
    while rows:
        yield from rows
        rows = list(rest.filter(pk__lt=rows[-1].pk)[:ROWS_AT_ONCE])


@admin.register(Decision)
class DecisionAdmin(ReadOnlyAdmin[Decision]):
    """Decision records, the latest first."""

    counted = ("decision", "decisions")
    list_filter = (
        ClassDayFilter, DecisionLabFilter, ComputerFilter, CalledFilter, ActionFilter, OutcomeFilter, TimeFilter,
    )  # fmt: skip
    search_fields = ("block_name", "caller", "person", "user_group")
    search_help_text = "Search by class, user group, calling account or person, or by a whole request id"
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
                outlook,
                (block, block_request),
                (block_start, block_end),
                (image, user_group),
                (owner, door),
                (caller, person),
                (address, request),
                (version, vcl_warning),
            ),
        ),
    )

    def get_queryset(self, request: HttpRequest) -> QuerySet[Decision]:
        """The records that the person may see, without the long columns."""
        return Decision.objects.visible_to(request.user).defer(*HEAVY)

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Decision], search_term: str
    ) -> tuple[QuerySet[Decision], bool]:
        """The rows that match. Their index has all the columns that are searched, and the keys.

        A request id has to be complete: it is looked up in an index of its own.
        """
        term = search_term.strip()
        if not term:
            return queryset, False
        rows = search(Decision.objects.order_by(), self.search_fields, search_term).values("pk")
        if is_well_formed(term):
            rows = rows.union(Decision.objects.order_by().filter(request_id=term).values("pk"))
        return queryset.filter(pk__in=keys_as_table(rows)), False

    def get_changelist(self, request: HttpRequest, **kwargs: Any) -> type[ChangeList]:
        """The list with findings about a computer; for the export, the one without pages."""
        match = request.resolver_match
        return UnpagedList if match is not None and match.url_name == _EXPORT else DecisionList

    def get_list_display(self, request: HttpRequest) -> Any:
        """With the finding about the computer in the filter, else with the text of the outcome."""
        name = request.GET.get(ComputerFilter.parameter_name or "", "").strip()
        return (*LIST, about_computer(name[:60]) if name else details)

    def get_fieldsets(self, request: HttpRequest, obj: Decision | None = None) -> Any:
        """The sections, without what this record says nothing of: how sure it was (policy `vcl`), VCL's warning."""
        empty = [outlook] if obj is None or not said(obj) else []
        empty += [vcl_warning] if obj is None or obj.code is None else []
        return without(super().get_fieldsets(request, obj), empty)

    def heading(self, row: Decision) -> str:
        """The action, the class with its start, and the time of the call."""
        begins = f" of {moment(row.block_start)}" if row.block_start else ""
        return f"{row.action.capitalize()}: {row.block_name or 'no class'}{begins}, called {moment(row.started)}"

    def get_urls(self) -> list[URLPattern]:
        """The URLs of the exports, besides Django's."""
        return [
            path("csv/", self.admin_site.admin_view(self.export_list), name=_EXPORT),
            path("<row_id:key>/computers.csv", self.admin_site.admin_view(self.export_computers), name="decision_csv"),
            *super().get_urls(),
        ]

    def changelist_view(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        """The list, with the address of its export as CSV."""
        query = request.GET.copy()
        query.pop(PAGE_VAR, None)  # the export has no pages
        return super().changelist_view(request, {"query": query.urlencode(), **(extra_context or {})})

    def more(self, request: HttpRequest, row: Decision) -> dict[str, Any]:
        """The findings, and the one about the computer in the address."""
        name = request.GET.get("computer", "").strip()
        findings = decisions.findings_of([row]).get(row.pk)
        text = verdict(findings, name) if findings and name else ""
        found = report(findings) if findings else None
        answer = answer_of(row, found)
        texts = [text, answer.why, *(found.texts if found else ())]
        return {
            "answer": answer,
            "asked": _asked(row),
            "report": found,
            "report_csv": reverse("admin:decision_csv", args=[row.pk]) if found else "",
            "computer": name[:60],
            "verdict": text,
            "subjects": subjects(request, texts),
            "parameters": pretty(row.parameters),
        }

    def export_list(self, request: HttpRequest) -> HttpResponseBase:
        """The filtered list as CSV, the latest first."""
        self._require_view_permission(request)
        query: QuerySet[Decision] = self.get_changelist_instance(request).queryset
        lines = ([*(getattr(row, name) for name in _EXPORTED), said(row)] for row in _in_batches(query))
        return csv_response("decisions.csv", (*_EXPORTED, _WORDS), lines)

    def export_computers(self, request: HttpRequest, key: int) -> HttpResponseBase:
        """The findings of a decision, computer by computer, as CSV."""
        self._require_view_permission(request)
        row = self.get_object(request, str(key))
        findings = decisions.findings_of([row]).get(key) if row is not None else None
        if findings is None:
            raise Http404("no such decision, or one without findings")
        return csv_response(f"decision-{key}.csv", ("computer", "finding"), all_verdicts(findings))

    def _require_view_permission(self, request: HttpRequest) -> None:
        if not self.has_view_permission(request):
            raise PermissionDenied
