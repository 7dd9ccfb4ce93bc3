"""/metrics: who gets it, in which format, what its names are; and that it answers whatever the database does."""

import threading
import time
from collections.abc import Iterator
from ipaddress import ip_address

import pytest
from django.db import OperationalError
from django.http import HttpResponse
from django.test import Client
from prometheus_client.openmetrics.parser import text_string_to_metric_families as openmetrics
from prometheus_client.parser import text_string_to_metric_families as plain
from pytest_django import Settings

from blockalloc.monitoring import site_metrics
from blockalloc.monitoring.latest import Latest
from blockalloc.version import VERSION

pytestmark = pytest.mark.django_db(transaction=True)

STRANGER, NEAR, TOKEN = "203.0.113.9", "10.20.0.7", "a-token-that-nobody-guesses"


@pytest.fixture(autouse=True)
def _nothing_kept() -> Iterator[None]:
    site_metrics.latest.forget()
    yield
    site_metrics.latest.forget()


def ask(address: str = "127.0.0.1", host: str = "testserver", method: str = "GET", **headers: str) -> HttpResponse:
    """What a program at this address gets."""
    answer = Client().generic(method, "/metrics", REMOTE_ADDR=address, HTTP_HOST=host, headers=headers)
    assert isinstance(answer, HttpResponse)
    return answer


def bearer(token: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {token}"}


class TestAccess:
    """By address or token; others learn nothing."""

    @pytest.mark.parametrize("address", ["127.0.0.1", "::1", "::ffff:127.0.0.1"])
    def test_programs_of_this_machine(self, address: str) -> None:
        assert ip_address(address)
        assert ask(address).status_code == 200

    def test_others_get_no_word(self) -> None:
        for headers in ({}, bearer(""), bearer("wrong"), {"Authorization": "Basic 123"}, bearer("\u00fc")):
            answer = ask(STRANGER, **headers)
            assert (answer.status_code, answer.content) == (403, b"")

    def test_networks_of_the_settings(self, settings: Settings) -> None:
        settings.VCL_METRICS_NETWORKS = ["10.20.0.0/16", "2001:db8::/32"]
        assert [ask(each).status_code for each in (NEAR, "2001:db8::5", "127.0.0.1", "10.21.0.1")] == [
            200, 200, 403, 403,
        ]  # fmt: skip

    def test_a_token(self, settings: Settings) -> None:
        settings.VCL_METRICS_TOKEN = TOKEN
        assert ask(STRANGER, **bearer(TOKEN)).status_code == 200
        for wrong in (TOKEN[:-1], f"{TOKEN}x", "", TOKEN.upper()):
            assert ask(STRANGER, **bearer(wrong)).status_code == 403

    def test_behind_a_trusted_proxy_the_address_is_the_clients(self, settings: Settings) -> None:
        settings.VCL_TRUSTED_PROXIES = ["127.0.0.1"]
        settings.VCL_METRICS_NETWORKS = ["127.0.0.1", NEAR]
        assert ask("127.0.0.1", **{"X-Forwarded-For": NEAR}).status_code == 200
        assert ask("127.0.0.1", **{"X-Forwarded-For": STRANGER}).status_code == 403
        assert ask("127.0.0.1").status_code == 200

    def test_behind_a_proxy_that_is_not_trusted_no_address_counts(self, settings: Settings) -> None:
        """Else a proxy on this machine would let everybody in."""
        settings.VCL_METRICS_TOKEN = TOKEN
        for name in ("X-Forwarded-For", "Forwarded"):
            assert ask("127.0.0.1", **{name: NEAR}).status_code == 403
            assert ask("127.0.0.1", **{name: NEAR}, **bearer(TOKEN)).status_code == 200

    def test_only_reading(self) -> None:
        assert ask(method="POST").status_code == 405
        assert ask(method="HEAD").status_code == 200

    def test_plain_http_is_not_redirected(self, settings: Settings) -> None:
        settings.SECURE_SSL_REDIRECT = True
        assert ask().status_code == 200

    def test_prometheus_asks_by_an_address(self, settings: Settings) -> None:
        settings.ALLOWED_HOSTS = [".blocks.example.edu"]
        for host in ("127.0.0.1:8000", "[::1]:8000", "10.1.2.3", "www.blocks.example.edu"):
            assert ask(host=host).status_code == 200, host
        for host in ("evil.example.com", "localhost.example.com", "127.0.0.1.example.com:8000", ""):
            assert ask(host=host).status_code == 400, host
        assert Client().get("/admin/login/", HTTP_HOST="127.0.0.1:8000").status_code == 400


class TestFormat:
    """What Prometheus reads."""

    def test_both_formats_say_the_same(self) -> None:
        text = ask(Accept="text/plain;version=0.0.4")
        assert text["Content-Type"].startswith("text/plain")
        assert "no-cache" in text["Cache-Control"]
        modern = ask(Accept="application/openmetrics-text;version=1.0.0")
        assert modern["Content-Type"].startswith("application/openmetrics-text")
        of_plain, of_openmetrics = (
            {(sample.name, *sorted(sample.labels.items())) for family in families for sample in family.samples}
            for families in (plain(text.content.decode()), openmetrics(modern.content.decode()))
        )
        assert of_plain == of_openmetrics
        assert ("blockalloc_build_info", ("version", VERSION)) in of_plain

    def test_names_and_units(self) -> None:
        """By the conventions of Prometheus: base units in the names, `_total` for counters and for nothing else."""
        families = [*plain(ask().content.decode())]
        names = [family.name for family in families]
        assert len(set(names)) == len(names) > 30
        for family in families:
            name = family.name
            assert name.startswith("blockalloc_"), name
            assert name == name.lower()
            assert family.documentation.endswith("."), name
            assert not name.endswith(("_total", "_count", "_sum", "_bucket", "_milliseconds", "_percent", "_minutes"))
            if family.type == "counter":
                assert all(sample.name == f"{name}_total" for sample in family.samples)
            if family.type == "histogram":
                assert name.endswith("_seconds")
            for sample in family.samples:
                assert not sample.labels.keys() & {"computer", "user", "address", "id"}, name
        assert {family.type for family in families} == {"counter", "histogram", "gauge"}

    def test_all_that_can_be_counted_is_told_from_the_beginning(self) -> None:
        """A rate knows nothing of a series that begins with 1."""
        told = {sample.name for family in plain(ask().content.decode()) for sample in family.samples}
        assert {
            "blockalloc_calls_total", "blockalloc_call_duration_seconds_bucket", "blockalloc_machines_wanted_total",
            "blockalloc_machines_allocated_total", "blockalloc_machines_short_total",
            "blockalloc_guard_wait_seconds_count", "blockalloc_retries_total", "blockalloc_rival_waits_total",
            "blockalloc_passed_on_calls_total", "blockalloc_passed_on_call_duration_seconds_count",
            "blockalloc_sign_in_failures_total", "blockalloc_lockouts_total", "blockalloc_looks_total",
            "blockalloc_look_duration_seconds_count", "blockalloc_computers_replaced_total",
            "blockalloc_computers_loaded_again_total", "blockalloc_machines_added_total",
            "blockalloc_deliveries_total", "blockalloc_delivery_duration_seconds_count",
        } <= told  # fmt: skip


class TestTheDatabaseIsAway:
    """What the processes have counted is told all the same."""

    def test_it_says_so(self, monkeypatch: pytest.MonkeyPatch) -> None:
        def away() -> None:
            raise OperationalError(2002, "Can't connect")

        monkeypatch.setattr(site_metrics, "latest", latest(away))
        told = {sample.name: sample.value for family in plain(ask().content.decode()) for sample in family.samples}
        assert told["blockalloc_database_up"] == 0
        assert "blockalloc_retries_total" in told
        assert "blockalloc_classes" not in told

    def test_it_is_back(self) -> None:
        told = {sample.name: sample.value for family in plain(ask().content.decode()) for sample in family.samples}
        assert told["blockalloc_database_up"] == 1
        assert "blockalloc_classes" in told


def latest(read: object, *, kept: float = 10, usable: float = 60, pause: float = 0.0, wait: float = 0.3) -> Latest:  # type: ignore[type-arg]
    assert callable(read)
    return Latest("test", read, kept=kept, usable=usable, pause=pause, wait=wait)


class TestReading:
    """What is kept, and how long anybody waits."""

    def test_many_ask_and_one_reads(self) -> None:
        readings: list[int] = []

        def read() -> int:
            readings.append(1)
            time.sleep(0.1)
            return len(readings)

        site = latest(read)
        found: list[int | None] = []
        threads = [threading.Thread(target=lambda: found.append(site.get())) for _ in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert found == [1] * 8
        assert site.get() == 1

    def test_a_reading_that_hangs_is_one(self) -> None:
        hang, begun = threading.Event(), []

        def read() -> int:
            begun.append(1)
            hang.wait(10)
            return 7

        site = latest(read)
        before = time.monotonic()
        assert [site.get(), site.get(), site.get()] == [None] * 3
        assert time.monotonic() - before < 2
        assert len(begun) == 1
        hang.set()
        assert site.begin()[0].result(5) == 7
        assert site.get() == 7

    def test_a_thread_that_does_not_start_is_tried_again(self, monkeypatch: pytest.MonkeyPatch) -> None:
        def start(_thread: threading.Thread) -> None:
            raise RuntimeError("can't start new thread")

        site = latest(lambda: 7, kept=0)
        with monkeypatch.context() as without:
            without.setattr(threading.Thread, "start", start)
            assert site.get() is None
        assert site.get() == 7

    def test_while_a_new_reading_takes_long_the_last_one_is_told(self) -> None:
        hang, numbers = threading.Event(), iter(range(1, 9))

        def read() -> int:
            number = next(numbers)
            if number > 1:
                hang.wait(10)
            return number

        site = latest(read, kept=0)
        assert site.get() == 1
        before = time.monotonic()
        assert site.get() == 1
        assert time.monotonic() - before < 0.25
        hang.set()
        site.begin()[0].result(5)
        assert (site.get() or 0) >= 2

    def test_after_a_failure_nothing_old_is_told(self) -> None:
        """The database is away, and stays so: nobody is to read in turn that it is there and that it is not."""
        answers = [1]

        def read() -> int:
            if not answers:
                raise OperationalError(2002, "Can't connect")
            return answers.pop()

        site = latest(read, kept=0, pause=0.2)
        assert site.get() == 1
        assert site.get() == 1  # while the next reading is on its way
        with pytest.raises(OperationalError):
            site.begin()[0].result(5)
        assert [site.get() for _ in range(5)] == [None] * 5

    def test_not_for_longer_than_a_minute(self) -> None:
        hang, numbers = threading.Event(), iter(range(1, 9))

        def read() -> int:
            number = next(numbers)
            if number > 1:
                hang.wait(10)
            return number

        site = latest(read, kept=0, usable=0.2)
        assert site.get() == 1
        time.sleep(0.2)
        assert site.get() is None
        hang.set()
