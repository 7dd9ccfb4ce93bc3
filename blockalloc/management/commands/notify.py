"""`manage.py notify`: tell people what has changed, by mail and by webhook."""

import json
import logging
from argparse import ArgumentParser, ArgumentTypeError
from datetime import datetime
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError
from django.db import Error, close_old_connections

from blockalloc import clock
from blockalloc.management import options
from blockalloc.management.signals import stopped_by_signals
from blockalloc.notifications import trial
from blockalloc.notifications.delivering import Report
from blockalloc.notifications.sending import Sender
from blockalloc.notifications.trial import Trial
from blockalloc.site_time import site_zone
from blockalloc.store import loops
from vclsite.logs import config as logs
from vclsite.logs import request_id

log = logging.getLogger(__name__)

LOOP = "notify"  # the name by which the loop is seen
_LONGEST = 60  # seconds between two rounds: it is said of a loop that it was not seen for three minutes
_COUNTS = ("news", "made", "sent", "not_delivered", "refused", "given_up")


class Command(BaseCommand):
    """One round, or one every so many seconds; or a test message."""

    help = (
        "Tell people what has changed, by mail and by webhook: find out who is to be told news, and send what waits. "
        "Run it all the time with --loop, on as many hosts as you like. "
        "Exit status: 0 whatever became of the messages, 2 when the database does not answer; "
        "with --test 0 when all were taken, 1 when one was not."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Declare the options."""
        parser.add_argument(
            "--loop", metavar="SECONDS", type=_seconds, help="again every so many seconds, until SIGTERM or Ctrl-C"
        )
        parser.add_argument(
            "--test",
            metavar="ADDRESS",
            nargs="?",
            const="",
            help="send a test message at once to this mail address, or, without one, to VCL_SITE_MAIL and all "
            "webhooks, and print what the servers say",
        )
        parser.add_argument("--json", action="store_true", help="say what was done in JSON, a line for each round")

    def handle(self, *args: Any, **given: Any) -> None:
        """Send once, or until a signal comes; or try."""
        as_json = given["json"]
        if given["test"] is not None:
            self._try(given["test"], as_json=as_json)
            return
        if given["loop"] is None:
            try:
                loops.seen(LOOP, clock.now())
                self.stdout.write(_text(Sender().round(), as_json=as_json))
            except options.PROBLEMS as problem:
                raise options.as_command_error(problem) from problem
            return
        with stopped_by_signals() as stop:
            sender = Sender(is_stopped=stop.is_set)
            while not stop.is_set():
                with request_id.within(request_id.new()):
                    self._round(sender, as_json=as_json)
                stop.wait(given["loop"])

    def _round(self, sender: Sender, *, as_json: bool) -> None:
        """One round of the loop. A database that does not answer will answer another time."""
        close_old_connections()
        try:
            loops.seen(LOOP, clock.now())
            report = sender.round()
        except Error as error:
            self._say_no_round(f"no round was possible, trying again: {error}")
        except Exception:
            log.exception("a round failed; the next one follows")
        else:
            self._say(report, as_json=as_json)

    def _say(self, report: Report, *, as_json: bool) -> None:
        """Say what the round did, if anything: in the log where that is for programs, else as text for people."""
        if report.is_quiet and not as_json:
            return
        if _logs_json() and not as_json:
            log.info("%s", _text(report, as_json=False), extra={"fields": _fields(report)})
            return
        self.stdout.write(_text(report, as_json=as_json))
        self.stdout.flush()

    def _say_no_round(self, text: str) -> None:
        if _logs_json():
            log.warning("%s", text)
        else:
            self.stderr.write(text)

    def _try(self, address: str, *, as_json: bool) -> None:
        """Send test messages. Raises CommandError when one is not taken, or nobody is named."""
        to = trial.recipients(address)
        if not to:
            raise CommandError("nobody to write to: set VCL_SMTP_URL or VCL_WEBHOOK_URL", returncode=1)
        failed = 0
        for each in trial.tried(to):
            failed += not each.delivered
            self.stdout.write(json.dumps(each._asdict(), ensure_ascii=False) if as_json else _line(each))
        if failed:
            raise CommandError(f"{failed} of {len(to)} were not delivered", returncode=1)


def _logs_json() -> bool:
    return bool(settings.VCL_LOG_FORMAT == logs.JSON)


def _seconds(text: str) -> int:
    if not text.isascii() or not text.isdigit() or not 1 <= int(text) <= _LONGEST:
        raise ArgumentTypeError(f"{text!r}: give seconds from 1 to {_LONGEST}")
    return int(text)


def _line(trial: Trial) -> str:
    return f"{trial.channel} to {trial.address}: {'delivered' if trial.delivered else 'not delivered'}: {trial.said}"


def _text(report: Report, *, as_json: bool) -> str:
    at = datetime.fromtimestamp(report.at, site_zone())
    if as_json:
        return json.dumps({"at": at.isoformat(), **_fields(report)}, ensure_ascii=False)
    counts = ", ".join(f"{getattr(report, name)} {name.replace('_', ' ')}" for name in _COUNTS)
    return "\n".join([f"{at:%Y-%m-%d %H:%M:%S}  {counts}", *report.problems])


def _fields(report: Report) -> dict[str, Any]:
    """What the log says of a round that did something, as members of its line."""
    counts = {name: getattr(report, name) for name in _COUNTS}
    return {"duration_ms": report.milliseconds, **counts, "problems": report.problems}
