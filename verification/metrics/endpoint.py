"""What Prometheus scrapes: the service's /metrics as it was at a minute of the day, with the time of the day.

A day lasts minutes here, so the samples carry their times (`honor_timestamps`). The service is asked in the thread that
plays the day; in between, Prometheus gets the last answer once more, which changes nothing.
"""

import http.server
import threading
from contextlib import suppress
from http import HTTPStatus
from types import TracebackType
from typing import Self

from django.test import Client

PEER = "192.0.2.9"  # where requests seem to come from: not from an address that needs no token
_SECONDS = 30.0  # within which Prometheus comes


class NotAnswered(Exception):
    """The service has refused Prometheus, or Prometheus does not come; in words."""


class Endpoint:
    """An HTTP server on a free port of this machine. `text`: the last answer of the service."""

    def __init__(self) -> None:
        self.text = ""
        self._stamped = b""
        self._authorization = ""
        self._type = "text/plain"
        self._scraped = threading.Event()
        endpoint = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                endpoint._authorization = self.headers.get("Authorization", "")
                sent = endpoint._stamped
                with suppress(ConnectionError):  # Prometheus was too busy to wait for it, and comes again
                    self.send_response(HTTPStatus.OK)
                    self.send_header("Content-Type", endpoint._type)
                    self.end_headers()
                    self.wfile.write(sent)
                    if sent is endpoint._stamped:
                        endpoint._scraped.set()

            def log_message(self, *_words: object) -> None:
                """Nothing: there are a thousand requests."""

        self._server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)

    @property
    def port(self) -> int:
        """Where it listens."""
        return int(self._server.server_port)

    def __enter__(self) -> Self:
        threading.Thread(target=self._server.serve_forever, daemon=True).start()
        return self

    def __exit__(
        self, _kind: type[BaseException] | None, _error: BaseException | None, _trace: TracebackType | None
    ) -> None:
        self._server.shutdown()
        self._server.server_close()

    def ask(self, now: int) -> None:
        """Ask the service as Prometheus did, and let Prometheus have the answer, as of `now` (Unix seconds).

        Raises NotAnswered.
        """
        answer = Client().get(
            "/metrics", headers={"Authorization": self._authorization}, secure=True, REMOTE_ADDR=PEER
        )  # fmt: skip
        if answer.status_code != HTTPStatus.OK:
            raise NotAnswered(f"/metrics: {answer.status_code}, {answer.content[:200]!r}")
        self.text = answer.content.decode()
        self._type = answer["Content-Type"]
        self._stamped = _stamped(self.text, now)
        self._scraped.clear()
        self.wait()

    def wait(self) -> None:
        """Until Prometheus has come. Raises NotAnswered."""
        if not self._scraped.wait(_SECONDS):
            raise NotAnswered("Prometheus does not come")
        self._scraped.clear()


def _stamped(text: str, now: int) -> bytes:
    """The samples of a text, each with its time."""
    lines = [f"{line} {1000 * now}" if line and not line.startswith("#") else line for line in text.splitlines()]
    return "\n".join([*lines, ""]).encode()
