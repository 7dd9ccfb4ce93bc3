"""The filters beside the list of decisions."""

from datetime import timedelta
from typing import Any

from django.db.models import F, Q, QuerySet
from django.http import HttpRequest

from blockalloc.admin.filters import ALL, Choice, ChoiceFilter, TextFilter, days_of, now
from blockalloc.models import Decision


class CalledFilter(ChoiceFilter):
    """The time of the call."""

    title = "time of the call"
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

    title = "action"
    parameter_name = "action"

    def options(self) -> dict[str, Choice]:
        """The values of the column."""
        return {
            ALL: Choice("All", Q()),
            **{word: Choice(word.capitalize(), Q(action=word)) for word in Decision.ACTIONS},
        }


class OutcomeFilter(ChoiceFilter):
    """The outcome of the call."""

    title = "outcome"
    parameter_name = "outcome"

    def options(self) -> dict[str, Choice]:
        """The values of the column."""
        words = {word: Choice(word.capitalize(), Q(outcome=word)) for word in Decision.OUTCOMES}
        return {ALL: Choice("All", Q()), "short": Choice("Short of machines", Q(allocated__lt=F("wanted"))), **words}


class ComputerFilter(TextFilter):
    """Decisions with findings, and in each the finding about one computer."""

    title = "computer"
    parameter_name = "computer"
    hint = "vm-17"

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        """The decisions with findings; the one about the computer is a column of the list."""
        return queryset.filter(roster_id__isnull=False) if self.value() else queryset


class TimeFilter(TextFilter):
    """Decisions about one block time, by its id, for links from other pages."""

    title = "block time"
    parameter_name = "block_time"
    hint = "id: 101"

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        """The decisions about it; none for a text that is no id."""
        key = (self.value() or "").strip()
        if not key:
            return queryset
        return queryset.filter(block_time_id=int(key)) if key.isdecimal() and len(key) < 10 else queryset.none()
