"""Starts senders and receivers, makes news in waves, kills some of them, and waits until all is told."""

import os
import random
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

from django.db import connection

from scheduling.news.kinds import Kind
from tests.support.servers.own_process import ROOT, inherited
from tests.support.sites.outbox import addresses, told
from verification.deliveries.judge import Taken, Verdict, is_all_told, judge

_STARTING, _ENDING = 60.0, 60.0
_TOLD_WITHIN = 300.0  # seconds after the last news
_KINDS = (Kind.SHORT, Kind.MENDED)
_AGE = 31  # seconds: news that nothing is waited for
# After a sender was killed the lanes that it had are free when their lease is over. Nobody waits for that here.
_FREE_LANES = "UPDATE blockalloc_recipient SET claimed_until = '2000-01-01 00:00:00' WHERE claimed_by LIKE %s"


@dataclass(frozen=True)
class Size:
    """How many of each; `pause` between waves and `slow` (of the mail server, for each mail) in seconds."""

    senders: int
    recipients: int
    classes: int
    waves: int
    pause: float
    slow: float
    kills: int
    absences: int
    seed: int


class Campaign:
    """One run, on the database at `url`, which is Django's; its logs are in `directory`."""

    def __init__(self, size: Size, directory: Path, url: str) -> None:
        self._size = size
        self._directory = directory
        self._url = url
        self._random = random.Random(size.seed)
        self._journal = directory / "mails"
        self._senders: list[subprocess.Popen[bytes]] = []
        self._killed = 0
        self._kills: list[float] = []  # when somebody was killed, of either kind

    def run(self) -> Verdict:
        """Play it; what is wrong, and how much there was of what."""
        self._start_mail_server(0)
        with _webhook() as (hook, posted):
            self._hook = hook
            try:
                for _ in range(self._size.senders):
                    self._start_sender()
                self._wait_for_first_rounds()
                began = time.monotonic()
                self._make_trouble_while_news_is_made()
                until = time.monotonic() + _TOLD_WITHIN
                while not is_all_told() and time.monotonic() < until and self._ended() == self._killed:
                    time.sleep(0.2)
                    connection.close()  # what others have committed
                took = time.monotonic() - began
                wrong = self._stop()
            finally:
                for process in [*self._senders, self._mail_server]:
                    process.kill()
                    process.wait()
            verdict = judge(self._journal, posted, self._size.recipients + 1, self._kills)
        verdict.wrong += wrong
        verdict.counts |= {
            "senders killed": self._killed,
            "mail server killed": len(self._kills) - self._killed,
            "seconds": round(took),
        }
        return verdict

    def _ended(self) -> int:
        return sum(each.poll() is not None for each in self._senders)

    def _make_trouble_while_news_is_made(self) -> None:
        size, length = self._size, max((self._size.waves - 1) * self._size.pause, 1.0)
        begin = time.monotonic() + 1
        events = [(begin + number * size.pause, "news") for number in range(size.waves)]
        events += [(begin + self._random.uniform(0, length), "kill") for _ in range(size.kills)]
        events += [(begin + self._random.uniform(0, length), "absence") for _ in range(size.absences)]
        wave = 0
        for at, what in sorted(events):
            time.sleep(max(at - time.monotonic(), 0))
            if what == "news":
                for number in range(size.classes):
                    told(100 + number, _KINDS[wave % len(_KINDS)], age=_AGE)
                wave += 1
            elif what == "kill":
                self._kill_sender()
            else:
                self._absent()

    # --- Senders ----------------------------------------------------------------------------------
    def _start_sender(self) -> None:
        variables = {
            "DATABASE_URL": self._url,
            "DJANGO_SECRET_KEY": os.environ["DJANGO_SECRET_KEY"],
            "VCL_SMTP_URL": f"smtp://127.0.0.1:{self._port}",
            "VCL_MAIL_FROM": "vcl@example.edu",
            "VCL_SITE_MAIL": ",".join(addresses(self._size.recipients)),
            "VCL_WEBHOOK_URL": self._hook,
            "VCL_WEBHOOK_PRIVATE_ADDRESSES": "1",
            "VCL_WEBHOOK_SECRET": "for-tests-" + 16 * "0123",
            "VCL_MAILS_PER_HOUR": "1000",
            "VCL_SUMMARY_TIME": "off",
            "VCL_SERVICE_URL": "https://blocks.example.edu",
        }
        command = [sys.executable, "manage.py", "notify", "--loop", "1", "--json"]
        name = self._directory / f"sender{len(self._senders)}"
        with name.with_suffix(".out").open("wb") as out, name.with_suffix(".log").open("wb") as log:
            started = subprocess.Popen(command, cwd=ROOT, env=inherited() | variables, stdout=out, stderr=log)
        self._senders.append(started)

    def _wait_for_first_rounds(self) -> None:
        """Before the first round a signal ends a sender as any program."""
        until = time.monotonic() + _STARTING
        while len(self._at_work()) < self._size.senders:
            if time.monotonic() > until or self._ended() > self._killed:
                raise RuntimeError("a sender did not begin")
            time.sleep(0.1)

    def _at_work(self) -> list[subprocess.Popen[bytes]]:
        """The senders that have printed what a round did."""
        return [
            each
            for number, each in enumerate(self._senders)
            if each.poll() is None and (self._directory / f"sender{number}.out").stat().st_size
        ]

    def _kill_sender(self) -> None:
        """Kill one that is at work: one that begins has nothing in hand."""
        while not (at_work := self._at_work()):
            time.sleep(0.1)
        victim = self._random.choice(at_work)
        victim.send_signal(signal.SIGKILL)
        victim.wait()
        self._kills.append(time.monotonic())
        self._killed += 1
        with connection.cursor() as cursor:
            cursor.execute(_FREE_LANES, [f"%-{victim.pid}-%"])
        self._start_sender()

    def _stop(self) -> list[str]:
        """End them as a service manager does; what is wrong with how they ended, and with what they logged."""
        self._wait_for_first_rounds()
        alive, wrong = [each for each in self._senders if each.poll() != -signal.SIGKILL], []
        for each in alive:
            if each.poll() is not None:
                wrong.append(f"a sender ended before the campaign, with {each.returncode}")
            each.terminate()
        wrong += [f"a sender that was to end did so with {each.returncode}" for each in alive if each.wait(_ENDING)]
        for log in sorted(self._directory.glob("sender*.log")):
            lines = log.read_text().splitlines()
            wrong += [f"{log.stem} says: {line}" for line in lines if "ERROR" in line or "Traceback" in line]
        return wrong

    # --- The mail server --------------------------------------------------------------------------
    def _start_mail_server(self, port: int) -> None:
        command = [sys.executable, "-m", "tests.support.servers.mail_server", str(self._journal), str(port)]
        self._mail_server = subprocess.Popen(
            [*command, str(self._size.slow)], cwd=ROOT, stdout=subprocess.PIPE, env=inherited()
        )
        assert self._mail_server.stdout is not None
        self._port = int(self._mail_server.stdout.readline())

    def _absent(self) -> None:
        self._mail_server.send_signal(signal.SIGKILL)
        self._mail_server.wait()
        self._kills.append(time.monotonic())
        time.sleep(self._random.uniform(0.2, 2.0))
        self._start_mail_server(self._port)


@contextmanager
def _webhook() -> Iterator[tuple[str, list[Taken]]]:
    """A receiver of webhooks: its address, and what was posted there."""
    posted: list[Taken] = []

    class Receiver(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            self.rfile.read(int(self.headers["Content-Length"]))
            posted.append(Taken(self.headers["webhook-id"], "", time.monotonic()))
            self.send_response(204)
            self.end_headers()

        def log_message(self, *_: object) -> None:
            """Nothing is logged."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Receiver) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}/hook", posted
        server.shutdown()
