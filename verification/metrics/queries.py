"""The expressions of the alert rules and of the dashboard, as Prometheus can be asked them."""

import json
import re
from typing import NamedTuple

import yaml

from tests.support.servers.own_process import ROOT

FOLDER = ROOT / "deploy" / "prometheus"
RULES = FOLDER / "alerts.yml"
UNIT_TESTS = FOLDER / "alerts_test.yml"
CONFIG = FOLDER / "prometheus.yml"
DASHBOARD = ROOT / "deploy" / "grafana" / "block-allocations.json"

# What Grafana puts in for its variables, of a range of some hours that is scraped each minute.
_VARIABLES = {"$__rate_interval": "5m", "$__range": "6h", "$__interval": "1m", "$instance": ".*"}
_METRIC = re.compile(r"\b(?:blockalloc_\w+|up|ALERTS)\b(?:\{[^}]*\})?")
_UNITS = {"s": 1, "m": 60, "h": 3600, "d": 86_400}


class Alert(NamedTuple):
    """A rule: `expression` has to give something for `lasting` seconds until it fires."""

    name: str
    expression: str
    lasting: int
    severity: str
    runbook: str


class Query(NamedTuple):
    """A query of a panel."""

    panel: str
    expression: str


def alerts() -> list[Alert]:
    """The alert rules."""
    rules = [rule for group in yaml.safe_load(RULES.read_text())["groups"] for rule in group["rules"]]
    return [
        Alert(
            rule["alert"],
            rule["expr"],
            _seconds(rule.get("for", "0s")),
            rule["labels"]["severity"],
            rule["annotations"]["runbook"],
        )
        for rule in rules
    ]


def queries() -> list[Query]:
    """The queries of the dashboard, with something in place of its variables."""
    return [
        Query(panel["title"], _without_variables(target["expr"]))
        for panel in json.loads(DASHBOARD.read_text())["panels"]
        for target in panel.get("targets", ())
    ]


def expressions() -> list[str]:
    """All of both."""
    return [each.expression for each in alerts()] + [each.expression for each in queries()]


def selectors(expression: str) -> list[str]:
    """The series that an expression is made of, as it selects them: names with their braces."""
    return sorted({match[0] for match in _METRIC.finditer(expression)})


def names(expression: str) -> set[str]:
    """The names of its series."""
    return {selector.partition("{")[0] for selector in selectors(expression)}


def _without_variables(expression: str) -> str:
    for name, value in _VARIABLES.items():
        expression = expression.replace(name, value)
    return expression


def _seconds(text: str) -> int:
    return int(text[:-1]) * _UNITS[text[-1]]
