"""The same door in the real server: bytes over sockets to gunicorn with its shipped settings, and its log."""

import http.client
import io
import json
import re
import socket
import struct
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from django.db import connection

from tests.support.servers.live_server import LiveServer
from verification.fuzz import rows, site
from verification.fuzz.door import Answer
from verification.fuzz.framing import Exchange, exchange
from verification.fuzz.judge import Broken, judge_document, rows_fit_together
from verification.fuzz.request import PASSWORD_MARK
from verification.fuzz.site import OTHER_PASSWORD, PASSWORD
from verification.fuzz.tally import MOST_BROKEN, Say, Tally

PATIENCE = 10.0  # seconds for an answer
SITE_LASTS = 500
# gunicorn's refusals of what is not HTTP (400), of long lines (414) and headers (431), of an unknown
# expectation (417); 501 is what HTTP wants for an unknown transfer coding. The others: see the judge.
STATUSES = {200, 204, 301, 302, 304, 400, 403, 404, 405, 414, 417, 431, 501}
_REFUSED = re.compile(r" WARNING blockalloc\S*: \[[\w.-]{1,64}\] refused ")
_ENVIRONMENT = {"VCL_TIME_ZONE": site.ZONE, "VCL_TRUSTED_PROXIES": "127.0.0.1"}


class SocketCampaign:
    """Exchanges `0` to `requests` of a seed with a server on this process's database, one connection each."""

    _front_end_behind = False

    def __init__(self, seed: int, requests: int, directory: Path, say: Say = lambda text: None) -> None:
        self._requests = requests
        self._directory = directory
        self._say = say
        self._tally = Tally(seed)
        self._refusals = self._unanswered = 0
        self._digest: rows.Digest = {}

    def run(self, home: Path) -> Tally:
        """Start a server that writes its log into `home`, send everything, read the log."""
        with self._server(home) as server:
            begun = time.perf_counter()
            for number in range(self._requests):
                if number % SITE_LASTS == 0:
                    self._new_site()
                self._one(server, number, self._exchange(number))
                if len(self._tally.broken) >= MOST_BROKEN:
                    break
            self._tally.seconds = time.perf_counter() - begun
        self._read_log(server.log.read_text(errors="replace"))
        return self._tally

    def replay(self, saved: dict[str, Any], home: Path) -> Tally:
        """Send the exchange of a saved file."""
        with self._server(home) as server:
            self._new_site()
            self._one(server, 0, Exchange.from_json(saved))
        self._read_log(server.log.read_text(errors="replace"))
        return self._tally

    @contextmanager
    def _server(self, home: Path, **environment: str) -> Iterator[LiveServer]:
        with LiveServer(home, _shared_database()) as server:
            yield server.start({**_ENVIRONMENT, **environment})

    def _exchange(self, number: int) -> Exchange:
        return exchange(self._tally.seed, number)

    def _is_anothers(self, answer: Answer) -> bool:
        """Whether an XML-RPC document is not the service's own, and judged. Raises Broken."""
        return False

    def _new_site(self) -> None:
        site.load(ever=True)
        self._digest = rows.digest()

    def _one(self, server: LiveServer, number: int, sent: Exchange) -> None:
        tally, begun = self._tally, time.perf_counter()
        tally.sent += 1
        try:
            answers = list(_answers(_exchange(server.port, sent)))
            tally.slowest = max(tally.slowest, (time.perf_counter() - begun, number))
            self._judge(sent, answers)
        except Broken as broken:
            self._note(number, sent, broken)

    def _judge(self, sent: Exchange, answers: list[Answer]) -> None:
        tally = self._tally
        before, self._digest = self._digest, rows.digest()
        accepted = False
        if not answers:
            tally.kinds["no answer"] += 1
            self._unanswered += 1
        for answer in answers:
            if answer.status not in STATUSES or (answer.status == 501 and b"ransfer-" not in sent.data):
                raise Broken(f"HTTP status {answer.status}: {answer.body[:300]!r}")
            # gunicorn's own refusal shows a malformed header to its sender, and to nobody else.
            by_gunicorn = b"<title>Bad Request</title>" in answer.body
            if not by_gunicorn and any(
                secret.encode() in answer.body for secret in (PASSWORD, OTHER_PASSWORD, PASSWORD_MARK)
            ):
                raise Broken(f"a password in the answer: {answer.body[:300]!r}")
            if not answer.headers.get("Content-Type", "").startswith("text/xml"):
                tally.kinds[f"HTTP {answer.status}"] += 1
                continue
            if self._is_anothers(answer):
                continue
            verdict = judge_document(answer)
            tally.kinds[verdict.kind] += 1
            accepted = accepted or verdict.refusal is None
            if verdict.refusal is not None:
                tally.codes[verdict.refusal] += 1
                self._refusals += 1
        rows_fit_together(rows.added(before, self._digest))
        if before != self._digest and not accepted:
            raise Broken(f"nothing was accepted, and rows were written: {rows.added(before, self._digest)}")
        if before != self._digest:
            tally.wrote += 1
            tally.rows.update(rows.added(before, self._digest))

    def _read_log(self, log: str) -> None:
        """Passwords, tracebacks, errors; and one warning for each refusal that was answered."""
        for line in log.splitlines():
            if any(secret in line for secret in (PASSWORD, OTHER_PASSWORD, PASSWORD_MARK)):
                self._note(-1, None, Broken(f"a password in the server's log: {line}"))
            if "Traceback" in line or " ERROR " in line or "[ERROR]" in line:
                self._note(-1, None, Broken(f"an error in the server's log: {line}"))
        lines = len(_REFUSED.findall(log))
        if not self._refusals <= lines <= self._refusals + self._unanswered:
            self._note(-1, None, Broken(f"{self._refusals} refusals were answered, {lines} are in the server's log"))

    def _note(self, number: int, sent: Exchange | None, broken: Broken) -> None:
        text = f"exchange {number}: {broken}" if sent else str(broken)
        if sent:
            path = self._directory / f"fuzz-socket-{self._tally.seed}-{number}.json"
            path.write_text(json.dumps({**sent.as_json(), "front_end": self._front_end_behind, "broken": str(broken)}))
            text += f" ({sent.recipe})\n  repeat it: python -m verification.fuzz --replay {path}"
        self._tally.broken.append(text)
        self._say(text)


def _shared_database() -> str:
    """The URL of this process's database, as the server reaches it."""
    name = connection.settings_dict["NAME"]
    if connection.vendor == "sqlite":
        return f"sqlite:///{name}"
    return f"mysql://root@localhost/{name}?unix_socket={connection.settings_dict['OPTIONS']['unix_socket']}"


def _exchange(port: int, sent: Exchange) -> bytes:
    """Everything that comes back until the server closes the connection. Raises Broken when it does not."""
    with socket.create_connection(("127.0.0.1", port), timeout=PATIENCE) as wire:
        received = []
        try:
            wire.sendall(sent.data)
            if sent.cut:
                # Closed with data on the way: the server sees a reset.
                wire.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
                return b""
            wire.shutdown(socket.SHUT_WR)
            while piece := wire.recv(65536):
                received.append(piece)
        except TimeoutError as error:
            raise Broken(f"no end of the answer within {PATIENCE:g} s: {b''.join(received)[:200]!r}") from error
        except OSError:  # the server had enough and closed
            pass
        return b"".join(received)


class _Stream(io.BytesIO):
    """Stands for a socket; stays open, since one answer may follow another."""

    def makefile(self, *_arguments: object, **_more: object) -> "_Stream":
        """As a socket does."""
        return self

    def close(self) -> None:
        """Not yet."""


def _answers(data: bytes) -> Iterator[Answer]:
    """The HTTP answers in what came back. Raises Broken for what is none."""
    stream = _Stream(data)
    while stream.tell() < len(data):
        response = http.client.HTTPResponse(stream)  # type: ignore[arg-type]
        begun = stream.tell()
        try:
            response.begin()
            body = response.read()
        except http.client.IncompleteRead:
            return  # the server broke off because the client did
        except http.client.HTTPException as error:
            raise Broken(f"not HTTP: {error!r}: {data[begun : begun + 200]!r}") from error
        yield Answer(response.status, dict(response.headers.items()), body, 0.0)
