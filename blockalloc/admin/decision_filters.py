"""The filters above the list of decisions."""

from datetime import timedelta
from typing import TYPE_CHECKING, Any

from django.db.models import F, Q, QuerySet
from django.http import HttpRequest
from django.utils.text import capfirst

from blockalloc.admin.filters import ALL, Choice, ChoiceFilter, LabFilter, LinkedFilter, TextFilter, days_of, now
from blockalloc.models import Decision
from blockalloc.models.labs import about_class_in_lab
from blockalloc.models.scope import scope_of
from blockalloc.pages.columns import moment

if TYPE_CHECKING:
    from django.contrib.admin.options import ModelAdmin


# Actions and outcomes whose names need to be explained.
IN_WORDS = {
    Decision.DRY_RUN: "try out (dry run)",
    Decision.UNSKIP: "undo a skip",
    Decision.KEEP_READY: "put right (keep ready)",
    Decision.HOLDING: "stop or set holds",
    "completed": "had all already",
    Decision.DONE: "done",
}


class CalledFilter(ChoiceFilter):
    """The time of the call."""

    title = "when"
    parameter_name = "called"

    def options(self) -> dict[str, Choice]:
        """At any time, or lately."""
        moment = now()
        spans = {"day": ("Last 24 hours", 1), "week": ("Last 7 days", 7), "month": ("Last 31 days", 31)}
        lately = {
            name: Choice(label, Q(started__gte=moment - timedelta(days=days))) for name, (label, days) in spans.items()
        }
        return {ALL: Choice("At any time", Q()), **lately}


class ClassDayFilter(ChoiceFilter):
    """The day of the class that the decision is about. The address may name any day."""

    title = "day of the class"
    parameter_name = "day"

    def options(self) -> dict[str, Choice]:
        """Any day, the last two, and the next seven."""
        return {ALL: Choice("Any day", Q()), **days_of("block_start", "block_end", self.value(), back=2)}


class ActionFilter(ChoiceFilter):
    """The action of the call."""

    title = "what"
    parameter_name = "action"

    def options(self) -> dict[str, Choice]:
        """The values of the column."""
        return {
            ALL: Choice("All", Q()),
            **{word: Choice(_label(word), Q(action=word)) for word in Decision.ACTIONS},
        }


class OutcomeFilter(ChoiceFilter):
    """The outcome of the call."""

    title = "outcome"
    parameter_name = "outcome"

    def options(self) -> dict[str, Choice]:
        """The values of the column."""
        words = {word: Choice(_label(word), Q(outcome=word)) for word in Decision.OUTCOMES}
        return {ALL: Choice("All", Q()), "short": Choice("Short of machines", Q(allocated__lt=F("wanted"))), **words}


class ComputerFilter(TextFilter):
    """Decisions with findings, and in each the finding about one computer."""

    title = "computer"
    parameter_name = "computer"
    hint = "cs-22"

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        """The decisions with findings; the one about the computer is a column of the list."""
        return queryset.filter(roster_id__isnull=False) if self.value() else queryset


class DecisionLabFilter(LabFilter):
    """Decisions about classes of a lab."""

    def condition(self, lab: int) -> Q:
        """The condition for decisions about classes of the lab."""
        return about_class_in_lab(lab)


class TimeFilter(LinkedFilter):
    """Decisions about one class, by the id of its block time, for links from other pages."""

    title = "class"
    parameter_name = "block_time"

    def lookups(self, request: HttpRequest, model_admin: "ModelAdmin[Any]") -> list[tuple[str, str]]:
        """As every filter that takes any value; notes who asks."""
        self.scope = scope_of(request.user)
        return super().lookups(request, model_admin)

    def display(self, value: str) -> str:
        """The name and the start of the class, as the latest decision about it has them."""
        key = self._key(value)
        decisions = Decision.objects.within(self.scope).filter(block_time_id=key or 0).order_by("-pk")
        found = decisions.values_list("block_name", "block_start").first()
        if not found or not found[0]:
            return f"{value[:20]}, of which there are no decisions"
        name, begins = found
        return f"{name}, {moment(begins)}" if begins else name

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        """The decisions about it; none for a text that is no id."""
        value = (self.value() or "").strip()
        if not value:
            return queryset
        key = self._key(value)
        return queryset.none() if key is None else queryset.filter(block_time_id=key)

    def _key(self, value: str) -> int | None:
        return int(value) if value.isdecimal() and len(value) < 10 else None


def _label(word: str) -> str:
    """The plain words for an action or an outcome, as the label of a choice."""
    return capfirst(IN_WORDS.get(word, word))
