"""Commands that do their work once, or again and again until they are stopped (`--loop`)."""

import logging
from argparse import ArgumentParser, ArgumentTypeError
from collections.abc import Callable, Mapping
from typing import Any, ClassVar

from django.conf import settings
from django.core.management.base import BaseCommand
from django.db import close_old_connections

from blockalloc.management.signals import Stop, stopped_by_signals
from vclsite.logs import config as logs
from vclsite.logs import request_id


class LoopCommand(BaseCommand):
    """A command with `--loop SECONDS`, and how it says what it did.

    `longest`: the most seconds from one time to the next; `log`: the logger of the command's module.
    """

    longest: ClassVar[int]
    log: ClassVar[logging.Logger]
    _stop: Stop | None = None

    def add_loop_argument(self, parser: ArgumentParser, help_text: str) -> None:
        """Declare `--loop`."""
        parser.add_argument("--loop", metavar="SECONDS", type=self._seconds, help=help_text)

    def repeat(self, seconds: int, work: Callable[[], None]) -> None:
        """Do `work` every so many seconds until a signal comes, each time under a request id of its own."""
        with stopped_by_signals() as self._stop:
            while not self._stop.is_set():
                close_old_connections()  # one that the database has ended
                with request_id.within(request_id.new()):
                    work()
                self._stop.wait(seconds)

    def is_stopped(self) -> bool:
        """Whether the signal has come."""
        return self._stop is not None and self._stop.is_set()

    def say(self, text: str, fields: Mapping[str, Any]) -> None:
        """Say what was done: in the log where that is for programs, with `fields`, else as text for people."""
        if _logs_json():
            self.log.info("%s", text.replace("\n", "; "), extra={"fields": fields})
        else:
            self.print_now(text)

    def say_problem(self, text: str) -> None:
        """Say what went wrong, likewise."""
        if _logs_json():
            self.log.warning("%s", text)
        else:
            self.stderr.write(text)

    def print_now(self, text: str) -> None:
        """Print a line, which must not wait for those to come."""
        self.stdout.write(text)
        self.stdout.flush()

    def _seconds(self, text: str) -> int:
        if not text.isascii() or not text.isdigit() or not 1 <= int(text) <= self.longest:
            raise ArgumentTypeError(f"{text!r}: give seconds from 1 to {self.longest}")
        return int(text)


def _logs_json() -> bool:
    return bool(settings.VCL_LOG_FORMAT == logs.JSON)
