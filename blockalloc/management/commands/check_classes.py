"""`manage.py check_classes`: a plugin for Nagios and Icinga: which classes of the next hours are at risk?"""

import logging
from argparse import ArgumentParser, ArgumentTypeError
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import DatabaseError, Error

from blockalloc import clock
from blockalloc.management import classes_ahead
from blockalloc.management.classes_ahead import Ahead
from blockalloc.management.plugin import Figure, Range, Status, answer, ended_after, read_range, status_of
from blockalloc.models import BlockTime, Heartbeat
from blockalloc.models.lookup import LookupProblem, image_by_name_or_id, user_group_by_name_or_id
from blockalloc.reports.readiness import BlockTimeReadiness, most_urgent_first, read
from blockalloc.reports.upkeep import NEVER, SILENT, heartbeat
from blockalloc.site_time import site_zone
from scheduling.windows import HOUR
from vclsite import database_errors

log = logging.getLogger(__name__)

_SERVICE = "CLASSES"
_MOST_HOURS, _MOST_DAYS, _MOST_SECONDS = 168, 400, 600
# A monitoring system cuts off what is longer than a few kB.
_NAMED, _LISTED, _LONGEST = 3, 12, 300  # classes in the first line, and in lines of their own; characters
_TROUBLE = {"bad": "at risk", "watch": "to watch"}


class Command(BaseCommand):
    """See docs/monitoring.md."""

    help = (
        "A plugin for Nagios, Icinga and their like: how many of the classes that are on, or begin within the next "
        "hours, are at risk. RANGE is that of plugins: 3 alerts above 3, 90: alerts below 90. "
        "Exit status: 0 OK, 1 WARNING, 2 CRITICAL, 3 UNKNOWN (the database does not answer, wrong options)."
    )
    requires_system_checks = []

    def create_parser(self, prog_name: str, subcommand: str, **kwargs: Any) -> CommandParser:
        """As Django's; but what is wrong with the options is raised, for `run_from_argv`."""
        parser = super().create_parser(prog_name, subcommand, **kwargs)
        parser.called_from_command_line = False
        return parser

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Declare the options."""
        hours = settings.VCL_KEEP_READY_HOURS
        parser.add_argument("--image", metavar="IMAGE", help="only classes with this image, by name or id")
        parser.add_argument(
            "--group", metavar="GROUP", help="only classes of this user group, by name@affiliation or id"
        )
        parser.add_argument(
            "--hours", metavar="N", type=_whole(_MOST_HOURS), default=hours,
            help=f"also classes that begin within N hours, by default {hours}",
        )  # fmt: skip
        for name, short, default in (("--warning", "-w", "0"), ("--critical", "-c", "0")):
            parser.add_argument(
                short, name, metavar="RANGE", type=_range, default=default,
                help=f"how many classes may be at risk, by default {default}",
            )  # fmt: skip
        for name in ("--ready-warning", "--ready-critical"):
            parser.add_argument(
                name, metavar="RANGE", type=_range,
                help="the lowest probability, in percent, that a class to come has all its machines ready",
            )  # fmt: skip
        parser.add_argument(
            "--forecast", metavar="DAYS", type=_whole(_MOST_DAYS),
            help="also warn of classes that begin within DAYS days and will, by the forecast, lack machines",
        )  # fmt: skip
        parser.add_argument(
            "-t", "--timeout", metavar="SECONDS", type=_whole(_MOST_SECONDS), default=10,
            help="how long the check may take, by default 10",
        )  # fmt: skip

    def run_from_argv(self, argv: list[str]) -> None:
        """Answer as a plugin does, whatever the options are."""
        try:
            super().run_from_argv(argv)
        except CommandError as error:
            self._end(Status.UNKNOWN, answer(_SERVICE, Status.UNKNOWN, str(error).removeprefix("Error: ")))

    def handle(self, *_args: Any, **options: Any) -> None:
        """Look, and answer."""
        with ended_after(options["timeout"], _SERVICE):
            status, text = _looked(options)
        self._end(status, text)

    def _end(self, status: Status, text: str) -> None:
        self.stdout.write(text)
        if status:
            raise SystemExit(int(status))


def _whole(most: int) -> Any:
    def read_number(text: str) -> int:
        if not text.isascii() or not text.isdigit() or not 1 <= int(text[:9]) <= most:
            raise ArgumentTypeError(f"{text!r}: give a whole number from 1 to {most}")
        return int(text)

    return read_number


def _range(text: str) -> Range:
    try:
        return read_range(text)
    except ValueError as error:
        raise ArgumentTypeError(str(error)) from None


def _looked(options: Mapping[str, Any]) -> tuple[Status, str]:
    try:
        return _verdict(_classes(options), options)
    except LookupProblem as problem:
        reason = str(problem)
    except Error as error:
        known = database_errors.description(error) if isinstance(error, DatabaseError) else ""
        reason = known or f"the database does not answer as VCL's: {error}"
    except Exception as error:
        log.exception("the classes could not be checked")
        reason = f"{type(error).__name__}: {error}"
    return Status.UNKNOWN, answer(_SERVICE, Status.UNKNOWN, reason)


@dataclass(frozen=True, slots=True)
class _Classes:
    """The classes that were looked at, the most urgent first, and when. `ahead`: what was asked of the forecast."""

    now: int
    all: Sequence[BlockTimeReadiness]
    ahead: Ahead | None = None

    def of(self, level: str) -> Sequence[BlockTimeReadiness]:
        return [each for each in self.all if each.readiness.signal.level == level]

    @property
    def least_sure(self) -> float | None:
        """The least probability that a class to come has all its machines ready; None where nothing was said."""
        said = [
            1.0 if each.readiness.ready >= each.readiness.wanted else each.readiness.sureness.ready
            for each in self.all
            if each.readiness.sureness is not None
        ]
        return min(said, default=None)


def _classes(options: Mapping[str, Any]) -> _Classes:
    now = clock.now()
    asked = BlockTime.objects.accepted().not_skipped()
    if options["image"]:
        asked = asked.filter(blockRequest__image=image_by_name_or_id(options["image"]).id)
    if options["group"]:
        asked = asked.filter(blockRequest__group=user_group_by_name_or_id(options["group"]).id)
    query = asked.filter(start__lte=_moment(now + options["hours"] * HOUR), end__gt=_moment(now))
    found = [each for each in read(query, now, closed=False) if each.is_current_or_upcoming(now)]
    ahead = classes_ahead.read(asked, now, options["forecast"]) if options["forecast"] else None
    return _Classes(now, most_urgent_first(found, now), ahead)


def _moment(instant: int) -> datetime:
    return datetime.fromtimestamp(instant, UTC)


def _verdict(classes: _Classes, options: Mapping[str, Any]) -> tuple[Status, str]:
    at_risk, sure = len(classes.of("bad")), classes.least_sure
    looked = heartbeat(classes.now) or NEVER
    silent = looked is NEVER or looked.level == "bad"
    statuses = [
        status_of(at_risk, options["warning"], options["critical"]),
        Status.WARNING if silent else Status.OK,
    ]
    if sure is not None:
        statuses.append(status_of(100 * sure, options["ready_warning"], options["ready_critical"]))
    is_unsure = sure is not None and bool(statuses[-1])
    if classes.ahead:
        statuses.append(classes.ahead.status)
    status = max(statuses)
    text = _summary(classes, options["hours"])
    if sure is not None and is_unsure:
        text += f"; the least sure class is ready in time with a probability of {_percent(sure)}"
    more = _lines(classes)
    if classes.ahead:
        text += classes.ahead.summary
        more += classes.ahead.lines
    if silent:
        text += f"; {looked.text}"
    return status, answer(_SERVICE, status, text, _figures(classes, options), [*more, looked.text])


def _summary(classes: _Classes, hours: int) -> str:
    number, risky, watched = len(classes.all), classes.of("bad"), len(classes.of("watch"))
    if not number:
        return f"no class is on or begins within {hours} h"
    watch = f", {watched} to watch" if watched else ""
    if not risky:
        return f"{_classes_of(number)} on or within {hours} h, none at risk{watch}"
    named = "; ".join(_briefly(each) for each in risky[:_NAMED])
    more = f"; and {len(risky) - _NAMED} more" if risky[_NAMED:] else ""
    return f"{len(risky)} of {_classes_of(number)} at risk{watch}: {named}{more}"


def _classes_of(number: int) -> str:
    return "1 class" if number == 1 else f"{number} classes"


def _briefly(of: BlockTimeReadiness) -> str:
    return f"{of.block}, {_clock_time(of.start)}: {next(iter(of.readiness.signal.words), '')}"[:_LONGEST]


def _lines(classes: _Classes) -> list[str]:
    """A line for each class that is at risk, or to be watched."""
    troubled = [each for each in classes.all if each.readiness.signal.level in _TROUBLE]
    more = len(troubled) - _LISTED
    return [*map(_line, troubled[:_LISTED]), *([f"and {more} more"] if more > 0 else [])]


def _line(of: BlockTimeReadiness) -> str:
    ready = of.readiness
    whose = f"{of.image}, {of.group}" if of.group else of.image
    hours = f"{_clock_time(of.start)} to {datetime.fromtimestamp(of.end, site_zone()):%H:%M}"
    return f"{_TROUBLE[ready.signal.level]}: {of.block} ({whose}), {hours}, {ready.in_words}: {ready.signal}"[:_LONGEST]


def _clock_time(instant: int) -> str:
    return f"{datetime.fromtimestamp(instant, site_zone()):%a %H:%M}"


def _percent(share: float) -> str:
    return f"{100 * share:.0f} %"


def _figures(classes: _Classes, options: Mapping[str, Any]) -> list[Figure]:
    def text(name: str) -> str:
        return options[name].text if options[name] else ""

    all_ = [each.readiness for each in classes.all]
    number, wanted = len(all_), sum(each.wanted for each in all_)
    figures = [
        Figure("at_risk", len(classes.of("bad")), "", text("warning"), text("critical"), number),
        Figure("watch", len(classes.of("watch")), most=number),
        Figure("classes", number),
        Figure("wanted", wanted),
        Figure("allocated", sum(each.allocated for each in all_), most=wanted),
        Figure("ready", sum(each.ready for each in all_), most=wanted),
    ]
    if classes.least_sure is not None:
        least = 100 * classes.least_sure
        figures.append(Figure("least_sure", least, "%", text("ready_warning"), text("ready_critical"), 100))
    at = Heartbeat.objects.filter(pk=1).values_list("at", flat=True).first()
    if at is not None:
        ago = max(classes.now - int(at.timestamp()), 0)
        figures.append(Figure("keep_ready", ago, "s", str(SILENT)))
    return [*figures, *(classes.ahead.figures if classes.ahead else ())]
