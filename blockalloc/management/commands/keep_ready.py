"""`manage.py keep_ready`: look at the block times of the next hours, and put right what would not be ready."""

import json
import logging
from argparse import ArgumentParser
from datetime import datetime
from typing import Any

from django.db import Error

from blockalloc.management import options
from blockalloc.management.loops import LoopCommand
from blockalloc.site_time import site_zone
from blockalloc.upkeep.passes import Keeper, PassReport
from scheduling.wording import plural


class Command(LoopCommand):
    """One look, or one every so many seconds."""

    longest = 300  # a hold lives for 75
    log = logging.getLogger(__name__)
    help = (
        "Look at the classes of the next hours, and put right what would not be ready: add, exchange, load again, hold "
        "and let go of computers. Run it every minute, from cron or with --loop. "
        "Exit status: 0 whatever the state of the classes, 2 if the database does not answer."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Declare the options."""
        self.add_loop_argument(parser, "look again every so many seconds, until SIGTERM or Ctrl-C")
        parser.add_argument("--json", action="store_true", help="answer in JSON, one line for each look")

    def handle(self, *args: Any, **given: Any) -> None:
        """Look once, or until a signal comes."""
        keeper, as_json = Keeper(), given["json"]
        if given["loop"] is not None:
            self.repeat(given["loop"], lambda: self._look(keeper, as_json=as_json))
            return
        try:
            self.stdout.write(_text(keeper.look(), as_json=as_json))
        except options.PROBLEMS as problem:
            raise options.as_command_error(problem) from problem

    def _look(self, keeper: Keeper, *, as_json: bool) -> None:
        """One look of the loop. A database that does not answer will answer another time."""
        try:
            report = keeper.look()
        except (Error, LookupError) as error:
            self.say_problem(f"no look was possible, trying again: {error}")
        except Exception:
            self.log.exception("a look failed; the next one follows")
        else:
            self._say(report, as_json=as_json)

    def _say(self, report: PassReport, *, as_json: bool) -> None:
        """Say what the look did, if anything."""
        if as_json:
            self.print_now(_text(report, as_json=True))
        elif report.actions or report.doubt:
            self.say(_text(report, as_json=False), _fields(report))


def _text(report: PassReport, *, as_json: bool) -> str:
    return json.dumps(_as_json(report), ensure_ascii=False) if as_json else "\n".join(_lines(report))


def _lines(report: PassReport) -> list[str]:
    at = f"{datetime.fromtimestamp(report.at, site_zone()):%Y-%m-%d %H:%M:%S}"
    number = len(report.block_times)
    lines = [f"{at}  {number} class{'' if number == 1 else 'es'}, {plural(report.held, 'computer')} held"]
    if report.doubt:
        lines.append(f"nothing was changed: {report.doubt}")
    names = {each.watch.facts.id: f"{each.watch.facts.name}, " for each in report.block_times}
    return [
        *lines,
        *(
            f"{names.get(each.block_time_id, '')}block time {each.block_time_id}: {each.text}"
            for each in report.actions
        ),
    ]


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
