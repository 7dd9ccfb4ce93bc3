"""What Prometheus has to say of the day: every query has an answer, and each trouble is to be seen."""

import math
from collections.abc import Iterator, Mapping
from itertools import pairwise
from typing import NamedTuple

from tests.support.servers.prometheus_server import Prometheus, QueryRefused, Series
from verification.metrics import queries, site
from verification.metrics.queries import Alert

STEP = 60  # seconds between two scrapes

# Series that Prometheus writes itself, at its own time: that is not the time of the day.
OF_PROMETHEUS = {"up", "ALERTS"}
# Alerts that do not fire on this day, with the reason. All others have to.
SILENT: Mapping[str, str] = {
    "BlockallocDown": "it is about scrapes of now, not of the day",
    "BlockallocHostDown": "the same",
    "BlockallocGuardWaits": "everything of the day runs in one process, so that nobody waits",
    "BlockallocCalibrationOff": "it says nothing of fewer than 30 classes",
}
_BEFORE_AND_AFTER = ("BlockallocClassAtRisk", "BlockallocClassNotReady")
# What has to be seen of the classes in trouble, and of the image that is broken: alert, label, its value.
OF_TROUBLES = [
    ("BlockallocLoadsFailing", "image", f"Image {site.BROKEN}"),
    *((name, "block_time", str(site.block_time(site.WITH_BROKEN_IMAGE))) for name in _BEFORE_AND_AFTER),
    *(
        (name, "block_time", str(site.block_time(site.TOO_LARGE)))
        for name in ("BlockallocClassShort", *_BEFORE_AND_AFTER)
    ),
]


class Span(NamedTuple):
    """From when to when an alert fired, in Unix seconds, with the labels of what it was about."""

    begin: float
    end: float
    labels: tuple[tuple[str, str], ...]


class Judge:
    """Asks Prometheus about the day. `wrong`: what is not as it has to be, in words; `asked` counts the queries."""

    def __init__(self, prometheus: Prometheus) -> None:
        self.wrong: list[str] = []
        self.asked = 0
        self.fired = dict[Alert, list[Span]]()
        self._prometheus = prometheus
        self._begin, self._end = site.instant(site.BEGIN), site.instant(site.END)

    def look_at_scrapes(self, scrapes: int) -> None:
        """Each minute has come."""
        seen = self._at_the_end("count_over_time(blockalloc_build_info[1d])")
        number = seen[0].samples[0][1] if seen else 0
        if number != scrapes:
            self.wrong.append(f"Prometheus has {number:.0f} samples of {scrapes} scrapes")

    def look_at_series(self) -> None:
        """All series that rules and dashboard select are there, in the whole day together."""
        selected = {selector for each in queries.expressions() for selector in queries.selectors(each)}
        for selector in sorted(selected):
            if selector.partition("{")[0] in OF_PROMETHEUS:
                continue
            if not self._at_the_end(f"count(count_over_time({selector}[1d]))"):
                self.wrong.append(f"{selector}: there is no such series")

    def look_at_dashboard(self) -> None:
        """Each query is answered, and not with nothing, nor with what is no number."""
        for query in queries.queries():
            if OF_PROMETHEUS & queries.names(query.expression):
                self._at_the_end(query.expression)
            elif not any(
                not math.isnan(value) for each in self._all_day(query.expression) for _at, value in each.samples
            ):
                self.wrong.append(f"panel {query.panel!r}: {query.expression}: no data on the whole day")

    def look_at_alerts(self) -> None:
        """Those that have to fire do, and while nothing is wrong nobody is called."""
        quiet = site.instant(site.QUIET_UNTIL)
        for alert in queries.alerts():
            if OF_PROMETHEUS & queries.names(alert.expression):
                self._at_the_end(alert.expression)
                continue
            self.fired[alert] = spans = self._spans(alert)
            if bool(spans) == (alert.name in SILENT):
                self.wrong.append(f"{alert.name}: {'fires all the same' if spans else 'has not fired on the day'}")
            early = [dict(span.labels) for span in spans if span.begin < quiet]
            if early and alert.severity != "info":
                self.wrong.append(f"{alert.name} fired while nothing was wrong: {early}")
        for name, label, value in OF_TROUBLES:
            seen = [dict(span.labels) for alert, spans in self.fired.items() if alert.name == name for span in spans]
            if not any(labels[label] == value for labels in seen):
                self.wrong.append(f"{name} has not fired for {label} {value}")

    def _spans(self, alert: Alert) -> list[Span]:
        spans: list[Span] = []
        for series in self._all_day(alert.expression):
            labels = tuple(sorted(series.labels.items()))
            spans += [Span(begin, end, labels) for begin, end in _lasting(series, alert.lasting)]
        return sorted(spans)

    def _all_day(self, expression: str) -> list[Series]:
        self.asked += 1
        try:
            return self._prometheus.between(expression, self._begin, self._end, STEP)
        except QueryRefused as refused:
            self.wrong.append(f"{expression}: {refused}")
            return []

    def _at_the_end(self, expression: str) -> list[Series]:
        self.asked += 1
        try:
            return self._prometheus.at(expression, self._end)
        except QueryRefused as refused:
            self.wrong.append(f"{expression}: {refused}")
            return []


def _lasting(series: Series, seconds: int) -> Iterator[tuple[float, float]]:
    """The times of a series in which it had been there for so long without a break."""
    instants = [instant for instant, _value in series.samples]
    begin = instants[0]
    for before, after in pairwise([*instants, math.inf]):
        if after - before > STEP:
            if before - begin >= seconds:
                yield begin + seconds, before
            begin = after
