"""Drives the whole WSGI application in this process, as a server does, and records the answers and the log."""

import io
import logging
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import time_machine
from django.core.servers.basehttp import get_internal_wsgi_application
from django.test import override_settings

from verification.fuzz.envelopes import PROXY
from verification.fuzz.request import FuzzRequest
from verification.fuzz.site import NOW, ZONE

SETTINGS = {
    "TIME_ZONE": ZONE,
    "VCL_ALLOW_PLAIN_HTTP": False,
    "VCL_TRUSTED_PROXIES": [f"{PROXY}/24"],
    "VCL_BLOCK_API_USERS": ["vclsystem@Local"],
    "ALLOWED_HOSTS": ["localhost", "127.0.0.1"],
}
_FORMAT = logging.Formatter("{levelname} {name}: {message}", style="{")


@dataclass(frozen=True, slots=True)
class Answer:
    """An answer: `seconds` are of this process's CPU, which other programs on the machine don't lengthen."""

    status: int
    headers: dict[str, str]
    body: bytes
    seconds: float
    records: list[logging.LogRecord] = field(default_factory=list)

    @property
    def lines(self) -> list[str]:
        """The log as it would be written."""
        return [_FORMAT.format(record) for record in self.records]


class _Listener(logging.Handler):
    """Keeps the records of every logger during one request."""

    def __init__(self) -> None:
        super().__init__(logging.DEBUG)
        self.records: list[logging.LogRecord] = []

    def emit(self, record: logging.LogRecord) -> None:
        """Keep it."""
        self.records.append(record)

    def take(self) -> list[logging.LogRecord]:
        """The records since the last time."""
        taken, self.records = self.records, []
        return taken


class Door:
    """The application on the site's time and with the fuzzer's settings."""

    def __init__(self) -> None:
        self._application = get_internal_wsgi_application()
        self._listener = _Listener()

    @contextmanager
    def open(self, **more_settings: object) -> Iterator[None]:
        """Settings, clock and log are the fuzzer's meanwhile; nothing is written to the terminal."""
        heard = [logging.getLogger(name) for name in ("", "blockalloc", "django", "django.request", "django.server")]
        before = [(logger, logger.handlers[:], logger.level, logger.propagate) for logger in heard]
        for logger in heard:
            logger.handlers, logger.propagate = [], logger.name != ""
        heard[0].handlers = [self._listener]
        try:
            with override_settings(**SETTINGS, **more_settings), time_machine.travel(NOW, tick=False):
                yield
        finally:
            for logger, handlers, level, propagate in before:
                logger.handlers, logger.propagate = handlers, propagate
                logger.setLevel(level)

    def send(self, request: FuzzRequest) -> Answer:
        """The answer to a request; an exception that a server would have to handle is status 500."""
        self._listener.take()
        started: list[tuple[str, list[tuple[str, str]]]] = []

        def start(status: str, headers: list[tuple[str, str]], *_error: Any) -> Callable[[bytes], object]:
            started.append((status, headers))
            return bytes

        begun = time.thread_time()
        try:
            response = self._application(_environ(request), start)
            try:
                body = b"".join(response)
            finally:
                close = getattr(response, "close", None)
                if close:
                    close()
        except Exception as error:
            logging.getLogger("server").error("the application failed", exc_info=error)
            return Answer(500, {}, b"", time.thread_time() - begun, self._listener.take())
        seconds = time.thread_time() - begun
        status, headers = started[-1]
        return Answer(int(status[:3]), dict(headers), body, seconds, self._listener.take())


def _environ(request: FuzzRequest) -> dict[str, Any]:
    """The WSGI environment that a server makes of a request."""
    environ: dict[str, Any] = {
        "REQUEST_METHOD": request.verb,
        "SCRIPT_NAME": "",
        "PATH_INFO": request.path,
        "QUERY_STRING": request.query,
        "SERVER_NAME": "localhost",
        "SERVER_PORT": "8000",
        "SERVER_PROTOCOL": "HTTP/1.1",
        "REMOTE_ADDR": request.peer,
        "wsgi.version": (1, 0),
        "wsgi.url_scheme": request.scheme,
        "wsgi.input": io.BytesIO(request.body),
        "wsgi.input_terminated": True,
        "wsgi.errors": sys.stderr,
        "wsgi.multithread": True,
        "wsgi.multiprocess": True,
        "wsgi.run_once": False,
    }
    for name in dict.fromkeys(name for name, _value in request.headers):
        key = name.upper().replace("-", "_")
        environ["CONTENT_TYPE" if key == "CONTENT_TYPE" else f"HTTP_{key}"] = request.header(name)
    if request.chunked:
        environ["HTTP_TRANSFER_ENCODING"] = "chunked"
    else:
        environ["CONTENT_LENGTH"] = str(len(request.body)) if request.length is None else request.length
    return environ
