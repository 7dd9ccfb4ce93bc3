"""Plays the day under the eyes of Prometheus, and judges."""

import datetime
import re
import tempfile
from dataclasses import dataclass, field
from pathlib import Path

from simulation.connections import Connection
from tests.support.servers.prometheus_server import Prometheus, promtool
from verification.metrics import day, queries, site
from verification.metrics.endpoint import Endpoint
from verification.metrics.judge import Judge

_PACE = "150ms"  # between two scrapes
_DAYS_AGO = 20_000  # Prometheus takes samples as old as the day


@dataclass
class Outcome:
    """What was counted, what fired, and what is wrong, in words."""

    scrapes: int
    queries: int = 0
    fired: list[str] = field(default_factory=list)
    wrong: list[str] = field(default_factory=list)


def run(seed: int, doubles: Connection) -> Outcome:
    """Play the day of this seed on the database that Django uses. Raises NotAnswered."""
    endpoint = Endpoint()
    with tempfile.TemporaryDirectory() as temporary:
        directory = Path(temporary)
        _configure(directory, endpoint.port)
        with endpoint, Prometheus(directory, _DAYS_AGO) as prometheus:
            endpoint.wait()
            played = day.play(seed, doubles, endpoint)
            endpoint.wait()  # the last answer has been taken in when Prometheus comes again
            return _judge(prometheus, played)


def _configure(directory: Path, port: int) -> None:
    """Write the configuration of the example, with what is different here."""
    text = queries.CONFIG.read_text()
    replaced = {
        r"scrape_interval: 30s": f"scrape_interval: {_PACE}\n  scrape_timeout: {_PACE}",
        r"scheme: https": "scheme: http",
        r"blocks\.example\.edu": f"127.0.0.1:{port}",
    }
    for pattern, value in replaced.items():
        text, count = re.subn(pattern, value, text)
        assert count == 1, f"{queries.CONFIG} has no {pattern}"
    text += f"\nstorage:\n  tsdb:\n    out_of_order_time_window: {_DAYS_AGO}d\n"
    (directory / "prometheus.yml").write_text(text)
    (directory / "alerts.yml").write_text(queries.RULES.read_text())
    (directory / "blockalloc.token").write_text(day.TOKEN)


def _judge(prometheus: Prometheus, played: day.Played) -> Outcome:
    judge = Judge(prometheus, site.instant(site.BEGIN), site.instant(site.END))
    outcome = Outcome(played.scrapes, wrong=judge.wrong)
    judge.look_at_scrapes(played.scrapes)
    judge.look_at_series()
    judge.look_at_dashboard()
    for alert in queries.alerts():
        for span in judge.fired(alert):
            hours = "-".join(f"{datetime.datetime.fromtimestamp(at, site.ZONE):%H:%M}" for at in span[:2])
            about = ", ".join(f"{name}={value}" for name, value in span.labels)
            outcome.fired.append(f"{hours}  {alert.severity:8}  {alert.name}  {about}")
    for text in played.texts:
        status, said = promtool("check", "metrics", stdin=text)
        if status or said:
            judge.wrong.append(f"promtool check metrics: {said}")
    outcome.queries = judge.asked
    return outcome
