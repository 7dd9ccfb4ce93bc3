"""Plays the day under the eyes of Prometheus, and judges."""

import datetime
import re
import tempfile
from dataclasses import dataclass
from pathlib import Path

from simulation.connections import Connection
from tests.support.servers.prometheus_server import Prometheus, promtool
from verification.metrics import day, queries, site
from verification.metrics.endpoint import Endpoint
from verification.metrics.judge import STEP, Judge, Span

_PACE = "150ms"  # between two scrapes
_DAYS_AGO = 20_000  # Prometheus takes samples as old as the day
# A series that ends is gone at once where scrapes have the time of now; with times of their own it is for as long as
# Prometheus looks back.
_OPTIONS = (f"--storage.tsdb.retention.time={_DAYS_AGO}d", f"--query.lookback-delta={STEP - 1}s")


@dataclass
class Outcome:
    """What was counted, what fired, and what is wrong, in words."""

    scrapes: int
    mails: int
    queries: int
    fired: list[str]
    wrong: list[str]


def run(seed: int, doubles: Connection) -> Outcome:
    """Play the day of this seed on the database that Django uses. Raises NotAnswered."""
    endpoint = Endpoint()
    with tempfile.TemporaryDirectory() as temporary:
        directory = Path(temporary)
        _configure(directory, endpoint.port)
        with endpoint, Prometheus(directory, *_OPTIONS) as prometheus:
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
    judge = Judge(prometheus)
    judge.look_at_scrapes(played.scrapes)
    judge.look_at_series()
    judge.look_at_dashboard()
    judge.look_at_alerts()
    for text in played.texts:
        status, said = promtool("check", "metrics", stdin=text)
        if status or said:
            judge.wrong.append(f"promtool check metrics: {said}")
    fired = [_told(alert, span) for alert, spans in judge.fired.items() for span in spans]
    return Outcome(played.scrapes, played.mails, judge.asked, fired, judge.wrong)


def _told(alert: queries.Alert, span: Span) -> str:
    hours = "-".join(f"{datetime.datetime.fromtimestamp(at, site.ZONE):%H:%M}" for at in span[:2])
    about = ", ".join(f"{name}={value}" for name, value in span.labels if name not in ("instance", "job"))
    return f"{hours}  {alert.severity:8}  {alert.name}  {about}".rstrip()
