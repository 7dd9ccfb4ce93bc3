"""`manage.py keep_ready`: look at the block times of the next hours, and put right what would not be ready."""

import json
import logging
from argparse import ArgumentParser, ArgumentTypeError
from datetime import datetime
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand
from django.db import Error, close_old_connections

from blockalloc.management import options
from blockalloc.management.signals import stopped_by_signals
from blockalloc.site_time import site_zone
from blockalloc.upkeep.passes import Keeper, PassReport
from vclsite.logs import config as logs
from vclsite.logs import request_id

log = logging.getLogger(__name__)

_LONGEST = 300  # seconds between two looks: a hold lives for 75


class Command(BaseCommand):
    """One look, or one every so many seconds."""

    help = (
        "Look at the classes of the next hours, and put right what would not be ready: top up, exchange, load again, "
        "hold, let go. Run it every minute, from cron or with --loop. "
        "Exit status: 0 whatever the state of the classes, 2 when the database does not answer."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Declare the options."""
        parser.add_argument(
            "--loop", metavar="SECONDS", type=_seconds, help="look again every so many seconds, until SIGTERM or Ctrl-C"
        )
        parser.add_argument("--json", action="store_true", help="say what was done in JSON, a line for each look")

    def handle(self, *args: Any, **given: Any) -> None:
        """Look once, or until a signal comes."""
        keeper, as_json = Keeper(), given["json"]
        if given["loop"] is None:
            try:
                self.stdout.write(_text(keeper.look(), as_json=as_json))
            except options.PROBLEMS as problem:
                raise options.as_command_error(problem) from problem
            return
        with stopped_by_signals() as stop:
            while not stop.is_set():
                with request_id.within(request_id.new()):
                    self._look(keeper, as_json=as_json)
                stop.wait(given["loop"])

    def _look(self, keeper: Keeper, *, as_json: bool) -> None:
        """One look of the loop. A database that does not answer will answer another time."""
        close_old_connections()
        try:
            report = keeper.look()
        except (Error, LookupError) as error:
            self._say_no_look(f"no look was possible, trying again: {error}")
        except Exception:
            log.exception("a look failed; the next one follows")
        else:
            self._say(report, as_json=as_json)

    def _say(self, report: PassReport, *, as_json: bool) -> None:
        """Say what the look did, if anything: in the log where that is for programs, else as text for people."""
        if not (as_json or report.actions or report.doubt):
            return
        if _logs_json() and not as_json:
            log.info("%s", "; ".join(_lines(report)), extra={"fields": _fields(report)})
            return
        self.stdout.write(_text(report, as_json=as_json))
        self.stdout.flush()

    def _say_no_look(self, text: str) -> None:
        if _logs_json():
            log.warning("%s", text)
        else:
            self.stderr.write(text)


def _logs_json() -> bool:
    return bool(settings.VCL_LOG_FORMAT == logs.JSON)


def _seconds(text: str) -> int:
    if not text.isascii() or not text.isdigit() or not 1 <= int(text) <= _LONGEST:
        raise ArgumentTypeError(f"{text!r}: give seconds from 1 to {_LONGEST}")
    return int(text)


def _text(report: PassReport, *, as_json: bool) -> str:
    return json.dumps(_as_json(report), ensure_ascii=False) if as_json else "\n".join(_lines(report))


def _lines(report: PassReport) -> list[str]:
    at = f"{datetime.fromtimestamp(report.at, site_zone()):%Y-%m-%d %H:%M:%S}"
    number = len(report.block_times)
    lines = [f"{at}  {number} class{'' if number == 1 else 'es'}, {report.held} computers held"]
    if report.doubt:
        lines.append(f"nothing was changed: {report.doubt}")
    return [*lines, *(f"block time {action.block_time_id}: {action.text}" for action in report.actions)]


def _fields(report: PassReport) -> dict[str, Any]:
    """What the log says of a look that did something, as members of its line."""
    return {
        "duration_ms": report.milliseconds,
        "doubt": report.doubt,
        "held": report.held,
        "classes": len(report.block_times),
        "block_times": sorted({action.block_time_id for action in report.actions}),
        "actions": [action._asdict() for action in report.actions],
    }


def _as_json(report: PassReport) -> dict[str, Any]:
    return {
        "at": datetime.fromtimestamp(report.at, site_zone()).isoformat(),
        "milliseconds": report.milliseconds,
        "doubt": report.doubt,
        "held": report.held,
        "block_times": [
            {
                "id": each.watch.facts.id,
                "name": each.watch.facts.name,
                "start": datetime.fromtimestamp(each.watch.facts.block.start, site_zone()).isoformat(),
                "wanted": each.watch.facts.target.machines,
                "computers": len(each.needed.conditions),
                "ready": each.needed.ready,
                "at_risk": [condition.hostname for condition in each.needed.at_risk],
            }
            for each in report.block_times
        ],
        "actions": [action._asdict() for action in report.actions],
    }
