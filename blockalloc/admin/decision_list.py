"""The list of decisions: its columns, and the findings about one computer."""

from urllib.parse import urlencode

from django.contrib.admin.views.main import ChangeList
from django.db.models import Model
from django.http import HttpRequest
from django.utils.html import format_html

from blockalloc.admin.base import KeysFirstList
from blockalloc.admin.decision_filters import IN_WORDS, ComputerFilter
from blockalloc.contract.warnings import record_in_words
from blockalloc.models import BlockTime, Decision
from blockalloc.pages.columns import Column, account, column, link_to, moment, signal
from blockalloc.pages.short_names import short_names
from blockalloc.pages.subjects import subjects
from blockalloc.pages.vcl_words import in_plain_words
from blockalloc.reports.decision import CHOSEN, HAD_BEFORE, verdict
from blockalloc.store import decisions
from scheduling.wording import and_spares, missing

LEVELS = {
    "success": "good",
    "completed": "good",
    "done": "plain",
    "warning": "watch",
    "refused": "bad",
    "failed": "bad",
}


# --- Columns ---------------------------------------------------------------------------------------


@column("When", ordering="pk")
def called(decision: Decision) -> str:
    """The same, as lists have it."""
    return format_html('<span class="when">{}</span>', moment(decision.started))


@column("What")
def what(decision: Decision) -> str:
    """The action, in plain words."""
    return IN_WORDS.get(decision.action, decision.action)


@column("Class")
def block(decision: Decision) -> str | None:
    """A link to the block time, which may be gone by now."""
    key = decision.block_time_id
    name = decision.block_name or (f"block time {key}" if key else "")
    return link_to(BlockTime, key, name) if key else name


@column("Class", ordering="block_start")
def class_(decision: Decision) -> str | None:
    """The same, with the start of the class."""
    begins = decision.block_start
    when_ = format_html(' <span class="quiet when under">{}</span>', moment(begins)) if begins else ""
    return format_html("{}{}", block(decision), when_)


@column("Outcome")
def came_out(decision: Decision) -> str:
    """The outcome in plain words, with the code of a warning or a refusal, quietly."""
    level, missing_ = LEVELS.get(decision.outcome, "plain"), (decision.wanted or 0) - (decision.allocated or 0)
    code = format_html(' <span class="quiet nowrap">VCL code {}</span>', decision.code) if decision.code else ""
    if decision.outcome in ("success", "warning") and missing_ > 0:
        return format_html("{}{}", signal("watch", missing(missing_, decision.wanted or 0)), code)
    return format_html("{}{}", signal(level, IN_WORDS.get(decision.outcome, decision.outcome)), code)


@column("Machines")
def machines(decision: Decision) -> str | None:
    """The machines that the block time had after the call, and wanted."""
    if decision.allocated is None:
        return None
    wanted = f" of {decision.wanted}" if decision.wanted is not None else ""
    return f"{decision.allocated}{wanted}{and_spares(decision.spares or 0)}"


@column("Who")
def who_and_how(decision: Decision) -> str:
    """The person or the calling account, and the door."""
    return format_html(
        '{} <span class="quiet nowrap">{}</span>', account(decision.person or decision.caller), decision.door
    )


@column("Details")
def text(decision: Decision) -> str:
    """The text of a warning or a refusal, or what an action did."""
    return record_in_words(decision.code, decision.text, decision.allocated, decision.wanted)


# --- Lists -------------------------------------------------------------------------------------


class UnpagedList(ChangeList):
    """The list without pages, for the export: filtered and searched, but not read."""

    def get_results(self, request: HttpRequest) -> None:
        """Read nothing: the export reads the rows itself."""


class DecisionList(KeysFirstList):
    """The list, with the findings about the computer in the filter."""

    def get_results(self, request: HttpRequest) -> None:
        """Read the rows of the page, and the findings of these only."""
        super().get_results(request)
        name = request.GET.get(ComputerFilter.parameter_name or "", "").strip()
        if name:
            of_page = Decision.objects.filter(pk__in=[row.pk for row in self.result_list])
            findings = decisions.findings_about(of_page.only("roster_id", "findings"), name)
            texts = {row.pk: verdict(findings[row.pk], name) for row in self.result_list if row.pk in findings}
            named = subjects(request, texts.values())
            for row in self.result_list:
                text = texts.get(row.pk, "")
                row.verdict = text if text in (CHOSEN, HAD_BEFORE) else named.linked(in_plain_words(text))

    def url_for_result(self, result: Model) -> str:
        """The address of the row's page, with the same computer."""
        address = super().url_for_result(result)
        parameter = ComputerFilter.parameter_name or ""
        name = self.filter_params.get(parameter, [""])[-1].strip()
        return f"{address}?{urlencode({parameter: name})}" if name else address


def about_computer(name: str) -> Column:
    """The column with the finding about a computer, whose name it has."""

    @column(f"About {name}")
    def about(decision: Decision) -> str:
        """The finding about the computer."""
        text: str = getattr(decision, "verdict", "")
        return signal("good", text) if text in (CHOSEN, HAD_BEFORE) else text

    return about


@column("Details")
def details(decision: Decision) -> str:
    """The text of the outcome, its host names short."""
    return short_names().in_text(in_plain_words(text(decision)))


LIST = (called, class_, what, came_out, machines, who_and_how)
