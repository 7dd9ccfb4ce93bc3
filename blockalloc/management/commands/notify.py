"""`manage.py notify`: tell people what has changed, by mail and by webhook."""

import json
import logging
from argparse import ArgumentParser
from datetime import datetime
from typing import Any

from django.conf import settings
from django.core.management.base import CommandError
from django.db import Error

from blockalloc import clock
from blockalloc.management import options
from blockalloc.management.loops import LoopCommand
from blockalloc.notifications import trial
from blockalloc.notifications.delivering import Report
from blockalloc.notifications.sending import Sender
from blockalloc.notifications.trial import Trial
from blockalloc.site_time import site_zone
from blockalloc.store import loops

LOOP = "notify"  # the name by which the loop is seen
_COUNTS = ("news", "made", "sent", "not_delivered", "refused", "given_up")


class Command(LoopCommand):
    """One round, or one every so many seconds; or a test message."""

    longest = 60  # it is said of a loop that it was not seen for three minutes
    log = logging.getLogger(__name__)
    help = (
        "Tell people by mail and webhook what has changed in classes: work out who is to be told, and send what waits. "
        "Keep it running with --loop, on as many hosts as you like. "
        "Exit status: 0 whatever became of the messages, 2 if the database does not answer; "
        "with --test: 0 if all were accepted, 1 if one was not."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Declare the options."""
        self.add_loop_argument(parser, "do it again every so many seconds, until SIGTERM or Ctrl-C")
        parser.add_argument(
            "--test",
            metavar="ADDRESS",
            nargs="?",
            const="",
            help="send a test message at once to this mail address, or, without one, to VCL_SITE_MAIL and all "
            "webhooks, and print what the servers say",
        )
        parser.add_argument("--json", action="store_true", help="answer in JSON, one line for each round")

    def handle(self, *args: Any, **given: Any) -> None:
        """Send once, or until a signal comes; or try."""
        as_json = given["json"]
        if given["test"] is not None:
            self._try(given["test"], as_json=as_json)
            return
        if not settings.VCL_SMTP_URL and not settings.VCL_WEBHOOK_URL:
            self.say_problem("nobody is told anything: neither VCL_SMTP_URL nor VCL_WEBHOOK_URL is set")
        if given["loop"] is not None:
            # One sender: it remembers from round to round what does not work.
            sender = Sender(is_stopped=self.is_stopped)
            self.repeat(given["loop"], lambda: self._round(sender, as_json=as_json))
            return
        try:
            loops.seen(LOOP, clock.now())
            self.stdout.write(_text(Sender().round(), as_json=as_json))
        except options.PROBLEMS as problem:
            raise options.as_command_error(problem) from problem

    def _round(self, sender: Sender, *, as_json: bool) -> None:
        """One round of the loop. A database that does not answer will answer another time."""
        try:
            loops.seen(LOOP, clock.now())
            report = sender.round()
        except Error as error:
            self.say_problem(f"no round was possible, trying again: {error}")
        except Exception:
            self.log.exception("a round failed; the next one follows")
        else:
            self._say(report, as_json=as_json)

    def _say(self, report: Report, *, as_json: bool) -> None:
        """Say what the round did, if anything."""
        if as_json:
            self.print_now(_text(report, as_json=True))
        elif not report.is_quiet:
            self.say(_text(report, as_json=False), _fields(report))

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
