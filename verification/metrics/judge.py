"""What Prometheus has to say of the day: every query has an answer, and each trouble is to be seen."""

from collections.abc import Iterator, Mapping
from itertools import pairwise
from typing import NamedTuple

from tests.support.servers.prometheus_server import Prometheus, QueryRefused, Series
from verification.metrics import queries
from verification.metrics.queries import Alert

STEP = 60  # seconds between two scrapes

# Series that no day can have: Prometheus writes them at its own time, which is not that of the day.
OF_PROMETHEUS = ("up", "ALERTS")
# Series that this day does not have, with the reason.
WITHOUT_DATA: Mapping[str, str] = {}


class Span(NamedTuple):
    """From when to when an alert fired, in Unix seconds, with the labels of what it was about."""

    begin: float
    end: float
    labels: tuple[tuple[str, str], ...]


class Judge:
    """Asks Prometheus about the day from `begin` to `end` (Unix seconds). `wrong`: what is not as it has to be."""

    def __init__(self, prometheus: Prometheus, begin: int, end: int) -> None:
        self.wrong: list[str] = []
        self.asked = 0
        self._prometheus, self._begin, self._end = prometheus, begin, end

    def look_at_scrapes(self, scrapes: int) -> None:
        """Each minute has come, but for those in which this machine was too busy: one in fifty."""
        seen = self._answer("count_over_time(blockalloc_build_info[1d])", self._end)
        number = seen[0].samples[0][1] if seen else 0
        if number < 0.98 * scrapes:
            self.wrong.append(f"Prometheus has {number:.0f} samples of {scrapes} scrapes")

    def look_at_series(self) -> None:
        """All series that rules and dashboard select are there, in the whole day together."""
        expressions = [each.expression for each in (*queries.alerts(), *queries.queries())]
        for selector in sorted({selector for each in expressions for selector in queries.selectors(each)}):
            if selector.partition("{")[0] in OF_PROMETHEUS:
                continue
            found = self._answer(f"count(count_over_time({selector}[1d]))", self._end)
            if bool(found) == (selector in WITHOUT_DATA):
                self.wrong.append(f"{selector}: {'has data all the same' if found else 'no series is selected'}")

    def look_at_dashboard(self) -> None:
        """Each query is answered, and not with nothing."""
        for query in queries.queries():
            if set(OF_PROMETHEUS) & queries.names(query.expression):
                self._answer(query.expression, self._end)
            elif not self._over_the_day(query.expression):
                self.wrong.append(f"panel {query.panel!r}: {query.expression}: no data on the whole day")

    def fired(self, alert: Alert) -> list[Span]:
        """When an alert fired on the day."""
        spans: list[Span] = []
        for series in self._over_the_day(alert.expression):
            labels = tuple(sorted(series.labels.items()))
            spans += [Span(begin, end, labels) for begin, end in _lasting(series, alert.lasting)]
        return sorted(spans)

    def _over_the_day(self, expression: str) -> list[Series]:
        self.asked += 1
        try:
            return self._prometheus.between(expression, self._begin, self._end, STEP)
        except QueryRefused as refused:
            self.wrong.append(f"{expression}: {refused}")
            return []

    def _answer(self, expression: str, instant: float) -> list[Series]:
        self.asked += 1
        try:
            return self._prometheus.at(expression, instant)
        except QueryRefused as refused:
            self.wrong.append(f"{expression}: {refused}")
            return []


def _lasting(series: Series, seconds: int) -> Iterator[tuple[float, float]]:
    """The times of a series in which it had been there for so long without a break."""
    instants = [instant for instant, _value in series.samples]
    begin = instants[0]
    for before, after in pairwise([*instants, float("inf")]):
        if after - before > STEP:
            if before - begin >= seconds:
                yield begin + seconds, before
            begin = after
