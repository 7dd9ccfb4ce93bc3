"""Log lines: both formats, what nobody can get into them, and the priorities for journald."""

import json
import logging
import os
import re
import socket
import subprocess
import sys
from datetime import datetime
from types import SimpleNamespace

import pytest

from tests.support.servers.own_process import ROOT, inherited, run_on_sqlite
from vclsite.logs import request_id
from vclsite.logs.access import path_to_show
from vclsite.logs.formats import JsonLines, TextLines

pytestmark = [pytest.mark.no_database, pytest.mark.once(on="sqlite")]

HOSTILE = "x\r\n2026-01-01 00:00:00,000 INFO blockalloc: all is well\x1b[31m\x85\u2028\u2029\udcff\0y"


def a_record(
    message: str, *arguments: object, error: BaseException | None = None, **extra: object
) -> logging.LogRecord:
    """A record as a logger makes it."""
    about = (type(error), error, error.__traceback__) if error else None
    made = logging.LogRecord("blockalloc.x", logging.WARNING, __file__, 1, message, arguments, about)
    vars(made).update(extra)
    return made


def an_error(text: str) -> ValueError:
    """An error that was raised."""
    try:
        raise ValueError(text)
    except ValueError as error:
        return error


# --- Text -----------------------------------------------------------------------------------------
def test_a_line_of_text_has_the_id_before_its_message() -> None:
    with request_id.within("r-1"):
        line = TextLines().format(a_record("lost %d", 3, fields={"method": "x"}))
    assert re.fullmatch(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d,\d{3} WARNING blockalloc\.x: \[r-1\] lost 3", line)


def test_without_an_id_it_is_as_it_was() -> None:
    assert TextLines().format(a_record("lost")).endswith(" WARNING blockalloc.x: lost")


def test_no_message_makes_a_second_line_of_text() -> None:
    line = TextLines().format(a_record("%s", HOSTILE))
    assert len(line.splitlines()) == 1
    assert r"x\r\n2026-01-01" in line
    assert "\x1b" not in line


def test_the_lines_of_a_traceback_are_indented_whatever_the_error_says() -> None:
    first, *others = TextLines().format(a_record("failed", error=an_error(HOSTILE))).split("\n")
    assert first.endswith("failed")
    assert others[0] == "    Traceback (most recent call last):"
    assert len(others) > 3
    assert all(line.startswith("    ") and line.isprintable() for line in others)


# --- JSON -----------------------------------------------------------------------------------------
def test_a_line_of_json_is_one_object() -> None:
    with request_id.within("r-1"):
        line = JsonLines().format(a_record("lost %d", 3, fields={"method": "XMLRPCtest", "code": 3}))
    found = json.loads(line)
    assert list(found) == ["time", "level", "logger", "message", "request_id", "method", "code"]
    assert datetime.fromisoformat(found["time"]).tzinfo is not None
    del found["time"]
    assert found == {
        "level": "WARNING", "logger": "blockalloc.x", "message": "lost 3", "request_id": "r-1",
        "method": "XMLRPCtest", "code": 3,
    }  # fmt: skip


def test_an_exception_is_one_member() -> None:
    found = json.loads(JsonLines().format(a_record("failed", error=an_error("why"))))
    assert found["exception"].startswith("Traceback (most recent call last):\n")
    assert found["exception"].endswith("\nValueError: why")


@pytest.mark.parametrize("where", ["message", "field", "exception"])
def test_nothing_makes_a_second_line_of_json(where: str) -> None:
    error = an_error(HOSTILE) if where == "exception" else None
    message = HOSTILE if where == "message" else "x"
    line = JsonLines().format(a_record("%s", message, error=error, fields={"user": HOSTILE}))
    assert len(line.splitlines()) == 1
    assert line.isprintable()
    assert line.encode()  # no half characters, which are no JSON for others
    assert json.loads(line)["user"] == HOSTILE.replace("\udcff", "\ufffd")


def test_a_long_line_keeps_its_ends() -> None:
    """journald cuts lines after 48 KiB; what is left of an object cannot be read."""
    line = JsonLines().format(a_record("<" + "\n" * 100_000 + ">", error=an_error("\n" * 100_000 + "the end")))
    assert len(line.encode()) < 48 * 1024
    found = json.loads(line)
    assert (found["message"][0], found["message"][-1]) == ("<", ">")
    assert found["exception"].startswith("Traceback")
    assert found["exception"].endswith("the end")


@pytest.mark.parametrize("text", ["\x01", "\x85", "\U0001f600"])
def test_a_line_is_never_too_long(text: str) -> None:
    """A look of keep_ready after a night without a database may do hundreds of things."""
    actions = [{"block_time_id": number, "text": "a computer was replaced"} for number in range(1000)]
    record = a_record("%s", text * 100_000, error=an_error(text * 100_000), fields={"held": 7, "actions": actions})
    line = JsonLines().format(record)
    assert len(line.encode()) < 48 * 1024 - 3
    found = json.loads(line)
    assert found["left_out"] == ["held", "actions"]
    assert found["message"].startswith(text)
    assert "exception" in found


def test_what_hangs_on_a_record_is_not_written() -> None:
    """Django puts the request there, whose text has the query."""
    request = SimpleNamespace(headers={"X-Pass": "s3cret"})
    assert "s3cret" not in JsonLines().format(a_record("x", request=request, status_code=500))


# --- Ids ------------------------------------------------------------------------------------------
@pytest.mark.parametrize("text", ["a", "0" * 32, "A-z_0.9", "x" * 64])
def test_a_well_formed_id(text: str) -> None:
    assert request_id.is_well_formed(text)


@pytest.mark.parametrize("text", ["", "x" * 65, "a b", "a,b", "a\n", "ä", "٣", "<a>", "a/b", "a\0", '"'])
def test_others_are_not(text: str) -> None:
    assert not request_id.is_well_formed(text)


def test_a_new_id_is_well_formed_and_new() -> None:
    ids = {request_id.new() for _ in range(1000)}
    assert len(ids) == 1000
    assert all(re.fullmatch("[0-9a-f]{32}", id_) for id_ in ids)


def test_what_came_before_is_back_afterwards() -> None:
    with request_id.within("outer"):
        with request_id.within("inner"):
            assert request_id.current() == "inner"
        assert request_id.current() == "outer"
    assert request_id.current() == ""


# --- Access ---------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("path", "shown"),
    [
        ("/xmlrpc/", "/xmlrpc/"),
        ("/feeds/all/s3cret.ics", "/feeds/all/*.ics"),
        ("/feeds/s3cret.ics", "/feeds/*.ics"),
        ("/feeds/s3cret.ics.ics", "/feeds/*.ics"),
        ("/feeds/s3cret", "/feeds/*"),
        ("/feeds/all", "/feeds/*"),
        ("/feeds/s3cret.ics/", "/feeds/*/"),
        ("/feeds/s3cret.ics/more", "/feeds/*/*"),
        ("/feeds//s3cret\n.ics", "/feeds//*.ics"),
        ("/feeds/12.ics", "/feeds/*.ics"),
        ("/feeds/", "/feeds/"),
        ("/feeds/group/12/s3cret:x.ics", "/feeds/group/12/*.ics"),
        ("/notifications/unsubscribe/s3cret.x/", "/notifications/unsubscribe/*/"),
        ("/notifications/unsubscribe/s3cret.x", "/notifications/unsubscribe/*"),
        ("/a\r\n2026 b\"'\x1b", "/a%0D%0A2026%20b%22'%1B"),
        ("/\xc3\xa4\xff", "/%C3%A4%FF"),
        ("/€", "/%3F"),
        ("/" + "x" * 1000, "/" + "x" * 299),
        ("*", "*"),
    ],
)
def test_a_path_is_shown_on_one_line_and_without_secrets(path: str, shown: str) -> None:
    assert path_to_show(path) == shown


def test_nor_does_django_quote_a_secret_when_a_calendar_fails() -> None:
    lines = written("json", to_journal=False)
    (message,) = [found["message"] for line in lines if (found := json.loads(line))["logger"] == "django.request"]
    assert message == "Internal Server Error: /feeds/all/*.ics"


# --- journald -------------------------------------------------------------------------------------
LOGS = """
import logging, logging.config, sys
from vclsite.logs import config
logging.config.dictConfig(config.of_django(sys.argv[1]))
log = logging.getLogger("blockalloc.x")
log.setLevel("DEBUG")
log.debug("d"); log.info("i"); log.warning("w\\n<0>forged"); log.critical("c")
logging.getLogger("library").warning("of a library")
logging.getLogger("django.request").error("%s: %s", "Internal Server Error", "/feeds/all/s3cret.ics")
try:
    raise ValueError("why\\n<0>forged")
except ValueError:
    log.exception("e")
"""


def written(log_format: str, *, to_journal: bool) -> list[bytes]:
    """The lines that arrive at the other end of the standard error, which systemd makes a socket."""
    ours, its = socket.socketpair()
    at = os.fstat(its.fileno())
    stream = f"{at.st_dev}:{at.st_ino}" if to_journal else "8:1"
    environment = {**inherited(), "JOURNAL_STREAM": stream}
    command = [sys.executable, "-c", LOGS, log_format]
    subprocess.run(command, stderr=its.fileno(), cwd=ROOT, env=environment, check=True)
    its.close()
    with ours, ours.makefile("rb") as lines:
        return lines.read().splitlines()


@pytest.mark.parametrize("log_format", ["text", "json"])
def test_every_line_has_the_priority_of_its_record(log_format: str) -> None:
    lines = written(log_format, to_journal=True)
    assert all(re.match(rb"<[2-7]>[^<]", line) for line in lines)
    heads = [line[:3] for line in lines]
    assert heads[:5] == [b"<7>", b"<6>", b"<4>", b"<2>", b"<4>"]
    assert set(heads[5:]) == {b"<3>"}
    assert (len(lines) > 9) == (log_format == "text")  # the traceback
    if log_format == "json":
        assert [json.loads(line[3:])["level"] for line in lines] == [
            *"DEBUG INFO WARNING CRITICAL WARNING ERROR ERROR".split()
        ]


@pytest.mark.parametrize("log_format", ["text", "json"])
def test_no_priorities_where_journald_does_not_read(log_format: str) -> None:
    """A command whose output goes to a file or a screen may have inherited the variable."""
    lines = written(log_format, to_journal=False)
    assert not any(line.startswith(b"<") for line in lines)
    assert b"of a library" in b"\n".join(lines)


# --- The setting ----------------------------------------------------------------------------------
def test_another_format_is_refused() -> None:
    done = run_on_sqlite("manage.py", "check_vcl", VCL_LOG_FORMAT="xml")
    assert done.returncode == 2
    assert "VCL_LOG_FORMAT='xml': use text or json" in done.stderr
