"""/metrics of the real server: what several processes count adds up, over restarts too, whatever becomes of them."""

import http.client
import os
import re
import signal
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from prometheus_client.parser import text_string_to_metric_families

from tests.support.rpc_calls import TEST
from tests.support.servers.live_server import LiveServer

pytestmark = [pytest.mark.no_database, pytest.mark.once(on="mariadb")]

WORKERS = 3


@pytest.fixture
def directory(tmp_path: Path) -> Path:
    made = tmp_path / "metrics"
    made.mkdir(mode=0o700)
    return made


@pytest.fixture
def server(tmp_path: Path) -> LiveServer:
    server = LiveServer(tmp_path)
    server.migrate()
    return server


@pytest.fixture
def settings(directory: Path) -> dict[str, str]:
    return {"VCL_METRICS_DIR": str(directory), "WEB_CONCURRENCY": str(WORKERS), "VCL_ALLOW_PLAIN_HTTP": "1"}


@pytest.fixture
def running(server: LiveServer, settings: dict[str, str]) -> Iterator[LiveServer]:
    with server.start(settings):
        yield server


def told(server: LiveServer) -> dict[str, float]:
    """The values without labels, and the sums over all labels of the others."""
    values: dict[str, float] = {}
    status, text = ask(server)
    assert status == 200
    for family in text_string_to_metric_families(text):
        for sample in family.samples:
            values[sample.name] = values.get(sample.name, 0) + sample.value
    return values


def ask(server: LiveServer, **headers: str) -> tuple[int, str]:
    """The status and the text of /metrics."""
    connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=60)
    connection.request("GET", "/metrics", headers=headers)
    answer = connection.getresponse()
    text = answer.read().decode()
    connection.close()
    return answer.status, text


def call(server: LiveServer, number: int) -> None:
    """Calls without a name and a password: refused, and counted."""
    for _ in range(number):
        server.timed_call(TEST.encode(), {})


def workers(server: LiveServer) -> set[int]:
    """The processes that have answered the last requests."""
    return {int(each) for each in re.findall(r"Booting worker with pid: (\d+)", server.log.read_text())}


def until(condition: Callable[[], bool], seconds: float = 30) -> None:
    """Wait for it. Raises AssertionError."""
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.1)


def test_whoever_answers_tells_the_sum(running: LiveServer, directory: Path) -> None:
    call(running, 30)
    answers = [told(running) for _ in range(8)]
    assert {each["blockalloc_calls_total"] for each in answers} == {30}
    assert {each["blockalloc_call_duration_seconds_count"] for each in answers} == {30}
    assert {each["blockalloc_database_up"] for each in answers} == {1}
    assert 1 < len([*directory.glob("counter_*.db")]) <= WORKERS  # more than one has answered


def test_nothing_is_lost_with_a_worker_and_the_files_are_no_more(running: LiveServer, directory: Path) -> None:
    call(running, 10)
    for _ in range(3):
        before = workers(running)
        os.kill(max(before), signal.SIGKILL)
        until(lambda before=before: workers(running) > before)  # type: ignore[misc]
        until(lambda: told(running)["blockalloc_calls_total"] >= 10)
        call(running, 5)
    assert told(running)["blockalloc_calls_total"] == 25
    assert len([*directory.glob("counter_*.db")]) <= WORKERS


def test_restarts(server: LiveServer, settings: dict[str, str], directory: Path) -> None:
    for number in range(1, 4):
        with server.start(settings):
            call(server, 5)
            assert told(server)["blockalloc_calls_total"] == 5 * number
    assert len([*directory.glob("counter_*.db")]) <= WORKERS


def test_commands_count_too(server: LiveServer, settings: dict[str, str]) -> None:
    """In processes of their own, beside the workers."""
    server.load_demo_site()
    with server.start(settings):
        for number in (1, 2):
            server.manage("keep_ready", VCL_METRICS_DIR=settings["VCL_METRICS_DIR"])
            assert told(server)["blockalloc_looks_total"] == number


def test_a_database_that_is_not_vcls(tmp_path: Path, settings: dict[str, str]) -> None:
    """It has no tables: nothing is known of the site, and everything else is told."""
    with LiveServer(tmp_path).start(settings) as server:
        answer = told(server)
        assert answer["blockalloc_database_up"] == 0
        assert "blockalloc_classes" not in answer
        assert answer["blockalloc_calls_total"] == 0


def test_without_a_directory_a_process_tells_of_itself(server: LiveServer, settings: dict[str, str]) -> None:
    with server.start(settings | {"VCL_METRICS_DIR": "", "WEB_CONCURRENCY": "1"}):
        call(server, 3)
        assert told(server)["blockalloc_calls_total"] == 3


def test_a_directory_that_goes_away_fails_nobody(running: LiveServer, directory: Path) -> None:
    call(running, 6)
    for path in directory.iterdir():
        path.unlink()
    directory.rmdir()
    call(running, 6)
    assert 0 < told(running)["blockalloc_calls_total"] <= 12  # of the process that answers
    assert "is not there; this process counts for itself alone" in running.log.read_text()


def test_strangers(running: LiveServer) -> None:
    assert ask(running, **{"X-Forwarded-For": "127.0.0.1"}) == (403, "")
    assert ask(running)[0] == 200
