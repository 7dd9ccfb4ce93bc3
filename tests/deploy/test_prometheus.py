"""deploy/prometheus/ and deploy/grafana/: what promtool says of them, and that they fit the service and its pages.

`make test-metrics` runs every expression against a Prometheus that has scraped a day.
"""

import json
import re
import shutil
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from blockalloc.measures import calls, deliveries, guard, looks, passed_on, registry, sign_ins
from blockalloc.monitoring import site_metrics
from tests.support.pages import anchors
from tests.support.servers.own_process import ROOT
from tests.support.servers.prometheus_server import promtool
from verification.metrics import queries
from verification.metrics.judge import OF_PROMETHEUS, OF_TROUBLES, SILENT

pytestmark = pytest.mark.once(on="sqlite")

ALERTS = queries.alerts()
NAMES = [alert.name for alert in ALERTS]
PANELS: list[dict[str, Any]] = json.loads(queries.DASHBOARD.read_text())["panels"]
COUNTING = (
    calls,
    deliveries,
    guard,
    looks,
    passed_on,
    sign_ins,
)  # whose metrics are in the registry once they are loaded
# What a histogram or an info metric adds to its name, in the text that Prometheus reads.
SUFFIXES = ("_bucket", "_count", "_sum", "_total", "_info", "")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A copy of deploy/prometheus/, with a token."""
    copy = tmp_path / "prometheus"
    shutil.copytree(queries.FOLDER, copy)
    (copy / "blockalloc.token").write_text("a token")
    return copy


# --- what promtool says ---------------------------------------------------------------------------


def test_the_rules_are_well_formed(folder: Path) -> None:
    status, said = promtool("check", "rules", "alerts.yml", directory=folder)
    assert (status, f"SUCCESS: {len(ALERTS)} rules found" in said) == (0, True), said


def test_the_unit_tests_of_the_rules_pass(folder: Path) -> None:
    status, said = promtool("test", "rules", "alerts_test.yml", directory=folder)
    assert status == 0, said


@pytest.mark.parametrize(("was", "instead"), [("> 180", "> 1800"), ("== 0", "== 1"), ("< 0.5", "< 0.1")])
def test_the_unit_tests_fail_with_another_rule(was: str, instead: str, folder: Path) -> None:
    """Else they would say nothing."""
    rules = folder / "alerts.yml"
    assert was in rules.read_text()
    rules.write_text(rules.read_text().replace(was, instead))
    assert promtool("test", "rules", "alerts_test.yml", directory=folder)[0] != 0


def test_the_configuration_is_well_formed(folder: Path) -> None:
    status, said = promtool("check", "config", "prometheus.yml", directory=folder)
    assert (status, f"{len(ALERTS)} rules found" in said) == (0, True), said


# --- the rules ------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", NAMES)
def test_an_alert_is_seen_to_fire_and_not_to_fire(name: str) -> None:
    tests = [
        test for group in yaml.safe_load(queries.UNIT_TESTS.read_text())["tests"] for test in group["alert_rule_test"]
    ]
    fires = {bool(test["exp_alerts"]) for test in tests if test["alertname"] == name}
    assert fires == {True, False}


@pytest.mark.parametrize("alert", ALERTS, ids=lambda alert: alert.name)
def test_an_alert_leads_to_a_section(alert: queries.Alert) -> None:
    page, _, anchor = alert.runbook.partition("#")
    assert anchor in anchors(ROOT / page)
    assert alert.severity in ("critical", "warning", "info")


def test_the_page_has_all_alerts_with_their_severities() -> None:
    page = (ROOT / "docs" / "monitoring.md").read_text()
    rows = re.findall(r"^\| `(Blockalloc\w+)` \| (\w+) \| .* \| .*\]\(.*\) \|$", page, re.MULTILINE)
    assert rows == [(alert.name, alert.severity) for alert in ALERTS]


def test_no_two_alerts_have_a_name() -> None:
    assert [name for name, number in Counter(NAMES).items() if number > 1] == []


# --- the dashboard --------------------------------------------------------------------------------


def test_panels_have_ids_titles_and_places_of_their_own() -> None:
    assert [id_ for id_, number in Counter(panel["id"] for panel in PANELS).items() if number > 1] == []
    assert [title for title, number in Counter(panel["title"] for panel in PANELS).items() if number > 1] == []
    taken = Counter(place for panel in PANELS for place in places(panel))
    assert [place for place, number in taken.items() if number > 1] == []


def places(panel: dict[str, Any]) -> Iterator[tuple[int, int]]:
    """The squares of the grid that a panel covers."""
    at = panel["gridPos"]
    assert at["x"] + at["w"] <= 24, panel["title"]
    for x in range(at["x"], at["x"] + at["w"]):
        for y in range(at["y"], at["y"] + at["h"]):
            yield x, y


def test_panels_explain_themselves_and_ask_the_chosen_source() -> None:
    for panel in PANELS:
        if panel["type"] == "row":
            continue
        assert panel["description"].endswith((".", "?")), panel["title"]
        assert panel["datasource"]["uid"] == "${datasource}", panel["title"]
        assert panel["targets"], panel["title"]
        for target in panel["targets"]:
            assert target["datasource"]["uid"] == "${datasource}", panel["title"]


def test_the_host_that_is_chosen_counts_for_what_its_processes_count() -> None:
    """What comes from the database is the same on every host, and is never added up."""
    counted = names_of(registry.collect())
    for query in queries.queries():
        for selector in queries.selectors(query.expression):
            name = selector.partition("{")[0]
            if base_name(name) in counted:
                assert "instance=~" in selector, query.panel
            elif name not in OF_PROMETHEUS:
                assert re.search(r"\b(max|min|count)\b", query.expression), query.panel
                assert "instance=~" not in selector, query.panel


# --- both -----------------------------------------------------------------------------------------


@pytest.mark.django_db
def test_all_series_are_the_services() -> None:
    ours = names_of(registry.collect()) | names_of(site_metrics.read())
    ours |= {"blockalloc_build", "blockalloc_database_up"}  # beside these two
    used = {name for expression in queries.expressions() for name in queries.names(expression)}
    assert {name for name in used - OF_PROMETHEUS if base_name(name) not in ours} == set()
    assert {name for name in ours if not any(name + suffix in used for suffix in SUFFIXES)} == set(), (
        "nobody sees these"
    )


def names_of(families: Any) -> set[str]:
    """The names of metrics, as prometheus_client has them: without suffixes."""
    assert COUNTING
    return {family.name for family in families}


def base_name(name: str) -> str:
    """The name of the metric that a series belongs to."""
    suffix = next(suffix for suffix in SUFFIXES if name.endswith(suffix))
    return name.removesuffix(suffix)


def test_alerts_that_the_campaign_names_are_there() -> None:
    assert set(SILENT) | {name for name, _label, _value in OF_TROUBLES} <= set(NAMES)
