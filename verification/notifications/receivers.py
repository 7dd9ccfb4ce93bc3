"""A mail server and a webhook receiver: `python -m verification.notifications.receivers FILE`.

Whatever they get is a line of JSON in the file before it is acknowledged. Their ports are printed, as JSON; they serve
until standard input ends. They are a process of their own, so that they have the real clock.
"""

import asyncio
import json
import sys
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from aiosmtpd.smtp import SMTP, Envelope, Session

_LOCAL = "127.0.0.1"


class Journal:
    """The file, line by line."""

    def __init__(self, path: Path) -> None:
        self._file = path.open("a", encoding="utf-8")
        self._lock = threading.Lock()

    def write(self, **entry: Any) -> None:
        """Write one line, at once."""
        with self._lock:
            self._file.write(json.dumps(entry) + "\n")
            self._file.flush()


class Mails:
    """What the mail server does with a mail: aiosmtpd calls it."""

    def __init__(self, journal: Journal) -> None:
        self._journal = journal

    async def handle_DATA(self, _server: SMTP, _session: Session, envelope: Envelope) -> str:
        """Take the mail."""
        content = envelope.original_content or b""
        self._journal.write(door="mail", to=envelope.rcpt_tos, content=content.decode("latin-1"), headers={})
        return "250 taken"


def _handler(journal: Journal) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        """The webhook receiver."""

        def do_POST(self) -> None:
            """Take the call."""
            body = self.rfile.read(int(self.headers.get("Content-Length", "0")))
            headers = {name.lower(): value for name, value in self.headers.items()}
            journal.write(door="webhook", to=[self.path], content=body.decode(), headers=headers)
            self.send_response(204)
            self.end_headers()

        def log_message(self, *_arguments: Any) -> None:
            """Say nothing."""

    return Handler


async def _serve(path: Path) -> None:
    journal = Journal(path)
    loop = asyncio.get_running_loop()
    mails = await loop.create_server(lambda: SMTP(Mails(journal), enable_SMTPUTF8=True), _LOCAL, 0)
    calls = ThreadingHTTPServer((_LOCAL, 0), _handler(journal))
    threading.Thread(target=calls.serve_forever, daemon=True).start()
    smtp = mails.sockets[0].getsockname()[1]
    print(json.dumps({"smtp": smtp, "webhook": calls.server_address[1]}), flush=True)
    await loop.run_in_executor(None, sys.stdin.read)
    mails.close()
    calls.shutdown()


if __name__ == "__main__":
    asyncio.run(_serve(Path(sys.argv[1])))
