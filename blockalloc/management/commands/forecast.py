"""`manage.py forecast`: plan all classes to come together, and say which of them will lack machines."""

import json
import logging
from argparse import ArgumentParser, ArgumentTypeError
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from django.conf import settings
from django.db import Error

from blockalloc import clock
from blockalloc.forecasting import forecasts as forecasting
from blockalloc.forecasting.forecasts import Refreshed
from blockalloc.management import options
from blockalloc.management.loops import LoopCommand
from blockalloc.notifications import foreseeing, wording
from blockalloc.site_time import site_zone
from blockalloc.store import forecasts, loops, news
from blockalloc.store.forecasts import Kept
from blockalloc.store.news import About
from scheduling.windows import DAY
from scheduling.wording import plural

LOOP = "forecast"  # the name by which the loop is seen
_MOST_DAYS = 400


@dataclass(frozen=True, slots=True)
class _Report:
    """A forecast at `at` (Unix seconds): what the run was, what news it made.

    `short`: the classes that begin within `days` and will lack machines.
    """

    at: int
    refreshed: Refreshed
    days: int
    short: Sequence[Kept] = ()
    about: Mapping[int, About] = field(default_factory=dict)
    news: int = 0

    @property
    def result(self) -> tuple[object, ...]:
        """What a loop says anew when it changes."""
        return self.refreshed.run.problem, *((each.block_time_id, each.machines, each.wanted) for each in self.short)


class Command(LoopCommand):
    """One forecast, or one every so many seconds."""

    longest = 120  # it is said of a loop that it was not seen for three minutes
    log = logging.getLogger(__name__)
    help = (
        "Plan all accepted classes of the next weeks together, in the order in which they will be asked for, and store "
        "how many machines each will get: for the staff pages, and for notifications up to a week ahead. Nothing is "
        "written into VCL's tables. Classes are planned again only when something has changed. Keep it running with "
        "--loop, on as many hosts as you like. Exit status: 0 whatever the classes will get, 2 if the database does "
        "not answer."
    )
    _said: tuple[object, ...] | None = None
    _away = ""

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Declare the options."""
        self.add_loop_argument(parser, "do it again every so many seconds, until SIGTERM or Ctrl-C")
        parser.add_argument(
            "--days", metavar="N", type=_days, default=settings.VCL_FORECAST_DAYS,
            help=f"name only classes that begin within N days, by default {settings.VCL_FORECAST_DAYS}",
        )  # fmt: skip
        parser.add_argument("--json", action="store_true", help="answer in JSON, one line for each forecast")

    def handle(self, *args: Any, **given: Any) -> None:
        """Forecast once, or until a signal comes."""
        days, as_json = given["days"], given["json"]
        if given["loop"] is not None:
            self.repeat(given["loop"], lambda: self._round(days, as_json=as_json))
            return
        try:
            report = _forecast(days)
        except options.PROBLEMS as problem:
            raise options.as_command_error(problem) from problem
        self.stdout.write(_json(report) if as_json else "\n".join(_lines(report)))

    def _round(self, days: int, *, as_json: bool) -> None:
        """One forecast of the loop. A database that does not answer will answer another time."""
        try:
            report = _forecast(days)
        except (Error, LookupError) as error:
            self._is_away(f"no forecast was possible, trying again: {error}")
        except Exception:
            self.log.exception("a forecast failed; the next one follows")
        else:
            if self._away:
                self._away = ""
                self.say_problem("a forecast was possible again")
            self._say(report, as_json=as_json)

    def _is_away(self, text: str) -> None:
        """Say once that the database does not answer, until it does or says something else."""
        if text != self._away:
            self._away = text
            self.say_problem(text)

    def _say(self, report: _Report, *, as_json: bool) -> None:
        """Say what the forecast sees, if that is new."""
        if as_json:
            self.print_now(_json(report))
        elif report.news or report.result != self._said:
            self.say("\n".join(_lines(report)), _fields(report))
        self._said = report.result


def _days(text: str) -> int:
    if not text.isascii() or not text.isdigit() or not 1 <= int(text[:9]) <= _MOST_DAYS:
        raise ArgumentTypeError(f"{text!r}: give a whole number of days from 1 to {_MOST_DAYS}")
    return int(text)


def _forecast(days: int) -> _Report:
    """Forecast now, and tell what is news. Raises DatabaseError."""
    now = clock.now()
    loops.seen(LOOP, now)
    refreshed = forecasting.refresh(now)
    told = foreseeing.tell(now)
    short = forecasts.short_between(now, now + days * DAY)
    return _Report(now, refreshed, days, short, news.about([each.block_time_id for each in short]), told)


def _lines(report: _Report) -> list[str]:
    run, at = report.refreshed.run, datetime.fromtimestamp(report.at, site_zone())
    if run.problem:
        return [f"{at:%Y-%m-%d %H:%M:%S}  no forecast: {run.problem}"]
    planned = f"planned in {run.milliseconds} ms" if report.refreshed.changed else "nothing has changed"
    told = f", {report.news} news" if report.news else ""
    classes = f"{run.classes} class{'' if run.classes == 1 else 'es'}"
    first = f"{at:%Y-%m-%d %H:%M:%S}  {classes} until {wording.day_name(run.until - 1, report.at)}: {planned}"
    lines = [_line(each, report) for each in report.short]
    return [f"{first}{told}", *(lines or [_none_short(report)])]


def _none_short(report: _Report) -> str:
    """That no class is named: `run.short` counts those that begin later, and those that are on, as well."""
    if not report.refreshed.run.short:
        return "all of them will have their machines"
    return f"all classes that begin within {plural(report.days, 'day')} will have their machines"


def _line(each: Kept, report: _Report) -> str:
    about = report.about.get(each.block_time_id)
    name, image = (wording.one_line(about.block), wording.one_line(about.image)) if about else ("", "")
    named = f"{name or f'block time {each.block_time_id}'}{f' ({image})' if image else ''}"
    late = "; too late to load all in time" if each.is_late else ""
    why = f": {each.why}" if each.why else ""
    machines = f"{each.machines} of {plural(each.requested, 'machine')}"
    return f"{wording.when(each.start, report.at)}  {named}: {machines}{why}{late}"


def _fields(report: _Report) -> dict[str, Any]:
    """What the log says of a forecast, as members of its line."""
    run = report.refreshed.run
    return {
        "duration_ms": run.milliseconds,
        "changed": report.refreshed.changed,
        "classes": run.classes,
        "short": run.short,
        "news": report.news,
        "problem": run.problem,
    }


def _json(report: _Report) -> str:
    run = report.refreshed.run
    found = {
        "at": _time(report.at),
        **_fields(report),
        "made": _time(run.made),
        "checked": _time(run.checked),
        "until": _time(run.until),
        "lacking": [_class(each, report.about.get(each.block_time_id)) for each in report.short],
    }
    return json.dumps(found, ensure_ascii=False)


def _class(each: Kept, about: About | None) -> dict[str, Any]:
    return {
        "id": each.block_time_id,
        "name": about.block if about else "",
        "image": about.image if about else "",
        "start": _time(each.start),
        "end": _time(each.end),
        "wanted": each.wanted,
        "machines": each.machines,
        "is_late": each.is_late,
        "why": each.why,
        "in_the_way": [
            {**booking._asdict(), "start": _time(booking.start), "end": _time(booking.end)}
            for booking in each.in_the_way
        ],
    }


def _time(instant: int) -> str | None:
    """ISO 8601 with the site's offset; None for never."""
    return datetime.fromtimestamp(instant, site_zone()).isoformat() if instant else None
