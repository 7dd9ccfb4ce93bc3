"""Settings about VCL's front end: what can't be right is a problem, and its text says what would be right."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.servers.own_process import ROOT, run
from vclsite import environment, front_end

pytestmark = pytest.mark.once(on="mariadb")

RIGHT = [
    "https://vcl.example.edu/index.php",
    "https://vcl.example.edu:8443/vcl/index.php",
    "http://localhost/index.php",
    "http://127.0.0.1:8080/index.php",
    "http://[::1]:8080/vcl/index.php",
    "",
]
WRONG = [
    ("http://vcl.example.edu/index.php", "plain HTTP"),
    ("https://vcl.example.edu", "has no path"),
    ("https://vcl.example.edu/", "has no path"),
    ("https://vcl.example.edu/index.php?mode=xmlrpccall", "more than a path"),
    ("https://vcl.example.edu/index.php?", "more than a path"),
    ("https://vcl.example.edu/index.php#x", "more than a path"),
    ("https://user:secret@vcl.example.edu/index.php", "contains a name or password"),
    ("vcl.example.edu/index.php", "not https://"),
    ("https:///index.php", "is not https://"),
    ("ftp://vcl.example.edu/index.php", "is not https://"),
    ("file:///etc/passwd/index.php", "is not https://"),
    ("https://vcl.example.edu:99999/index.php", "host name or port"),
    ("https://user:secret/x@vcl.example.edu/index.php", "contains a name or password"),
    ("https://user:12/secret@vcl.example.edu/index.php", "contains a name or password"),
    ("user:secret@vcl.example.edu/index.php", "contains a name or password"),
    ("https:/user:secret@vcl.example.edu/index.php", "contains a name or password"),
    ("https://vcl.example.edu/index.php?key=secret", "more than a path"),
    ("https://[::1/index.php", "host name or port"),
    ("https://vcl.exämple.edu/index.php", "characters that an address can't have"),
    ("https://vcl.example.edu/a b/index.php", "characters that an address can't have"),
]


@pytest.fixture(autouse=True)
def _nothing_told() -> Iterator[None]:
    """What one test finds wrong is not in the next one's way."""
    yield
    for name in ("VCL_FRONT_END_URL", "VCL_FRONT_END_METHODS", "VCL_FRONT_END_CA"):
        environment.text(name, "")


def _problem(name: str) -> str:
    return dict(environment.problems()).get(name, "")


def _address(monkeypatch: pytest.MonkeyPatch, url: str, *, plain_http: bool = False) -> str:
    monkeypatch.setenv("VCL_FRONT_END_URL", url)
    return front_end.address("VCL_FRONT_END_URL", plain_http=plain_http)


@pytest.mark.parametrize("url", RIGHT)
def test_addresses_that_can_be_the_front_ends(monkeypatch: pytest.MonkeyPatch, url: str) -> None:
    assert _address(monkeypatch, url) == url


@pytest.mark.parametrize(("url", "told"), WRONG)
def test_addresses_that_can_not(monkeypatch: pytest.MonkeyPatch, url: str, told: str) -> None:
    assert _address(monkeypatch, url) == ""
    text = _problem("VCL_FRONT_END_URL")
    assert text.startswith("VCL_FRONT_END_URL: ")
    assert told in text
    assert text.endswith("such as https://vcl.example.edu/index.php")
    assert "secret" not in text


def test_plain_http_where_it_is_allowed(monkeypatch: pytest.MonkeyPatch) -> None:
    url = "http://vcl.example.edu/index.php"
    assert _address(monkeypatch, url, plain_http=True) == url


@pytest.mark.parametrize(
    "given", ["XMLRPCautoCapture", "XMLRPCautoCapture, XMLRPCgetIP", "", "XMLRPCblockAllocations", "systems.x"]
)
def test_methods_that_can_be_passed_on(monkeypatch: pytest.MonkeyPatch, given: str) -> None:
    monkeypatch.setenv("VCL_FRONT_END_METHODS", given)
    assert ", ".join(front_end.methods("VCL_FRONT_END_METHODS")) == given


def test_the_back_ends_three_are_passed_on_unless_told_otherwise(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("VCL_FRONT_END_METHODS", raising=False)
    assert front_end.methods("VCL_FRONT_END_METHODS") == [
        "XMLRPCautoCapture",
        "XMLRPCcheckCryptSecrets",
        "XMLRPCfinishBaseImageCapture",
    ]


@pytest.mark.parametrize(
    "given",
    [
        "system.multicall",
        "SYSTEM.listMethods",
        "XMLRPCblockAllocation",
        "xmlrpcprocessblocktime",
        "XMLRPCexplainBlockAllocation",
        "XMLRPCplanBlockSeries",
        "XMLRPCautoCapture,XMLRPCtest",
        "two words",
        "x" * 101,
        "naïve",
    ],
)
def test_methods_that_can_not(monkeypatch: pytest.MonkeyPatch, given: str) -> None:
    monkeypatch.setenv("VCL_FRONT_END_METHODS", given)
    assert set(front_end.methods("VCL_FRONT_END_METHODS")) <= {"XMLRPCautoCapture"}
    assert _problem("VCL_FRONT_END_METHODS").startswith("VCL_FRONT_END_METHODS: ")


def test_certificates_that_can_not_be_read(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    empty = tmp_path / "empty.pem"
    empty.write_text("nothing")
    for file in (str(empty), str(tmp_path / "missing.pem"), str(tmp_path)):
        monkeypatch.setenv("VCL_FRONT_END_CA", file)
        assert front_end.certificates("VCL_FRONT_END_CA") == ""
        text = _problem("VCL_FRONT_END_CA")
        assert text.startswith(f"VCL_FRONT_END_CA={file!r}: ")
        assert "BEGIN CERTIFICATE" in text
    monkeypatch.setenv("VCL_FRONT_END_CA", "")
    assert front_end.certificates("VCL_FRONT_END_CA") == ""


# --- The HTTP server --------------------------------------------------------------------------
_TIMES = "import runpy; of = runpy.run_path('deploy/gunicorn.conf.py'); print(of['timeout'], of['graceful_timeout'])"
_URL = "https://vcl.example.edu/index.php"


def test_workers_finish_calls_that_are_passed_on() -> None:
    done = run("-c", _TIMES, BLOCKALLOC_DEMO="1", VCL_FRONT_END_URL=_URL)
    assert done.stdout.split() == ["175", "175"], done.stderr
    assert front_end.ANSWER_SECONDS < 175
    unit = (ROOT / "deploy" / "systemd" / "blockalloc.service").read_text()
    assert "TimeoutStopSec=180" in unit


def test_calls_that_are_passed_on_leave_threads_for_others() -> None:
    done = run("-c", _TIMES, BLOCKALLOC_DEMO="1", VCL_FRONT_END_URL=_URL, GUNICORN_THREADS="5")
    assert done.returncode == 2
    assert "GUNICORN_THREADS=5: with VCL_FRONT_END_URL use at least 6" in done.stderr
