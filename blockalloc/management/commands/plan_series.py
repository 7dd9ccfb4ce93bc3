"""`manage.py plan_series`: is a series of dates possible, before anybody books it?"""

import json
from argparse import ArgumentParser
from collections.abc import Callable, Iterator, Mapping
from dataclasses import asdict
from datetime import date, datetime
from typing import Any

from django.core.management.base import BaseCommand

from blockalloc.management import options
from blockalloc.management.options import BadInput
from blockalloc.models.lookup import image_by_name_or_id, user_group_by_name_or_id
from blockalloc.series import dates, question, requested, service
from blockalloc.series.answer import PlannedDate, SeriesPlan
from blockalloc.series.dates import Date, Hours
from blockalloc.series.question import Question
from blockalloc.series.words import spell
from blockalloc.site_time import site_zone

_NOT_ALL = 1
_WEEKLY = ("days", "from", "to", "first", "weeks")


class Command(BaseCommand):
    """The page *Plan a series*, on the shell."""

    help = (
        "Say how many machines could be allocated on each date of a series without taking any from accepted classes, "
        "and what would help. Nothing is written. Exit status: 0 if all dates have all machines, 1 if some do not, 2 "
        "for bad input or a refusal."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Declare the options."""
        parser.add_argument("--image", metavar="IMAGE", help='image, by name or id: "Ubuntu 22.04"')
        group = "user group whose privileges count: name@affiliation, a unique name, or id"
        parser.add_argument("--group", metavar="GROUP", help=group)
        parser.add_argument("--machines", metavar="N", type=int, help="number of machines that each date should have")
        parser.add_argument("--days", metavar="DAYS", help="weekdays: mon,wed")
        parser.add_argument("--from", metavar="TIME", help="start on each of these days: 09:00 (site time)")
        parser.add_argument("--to", metavar="TIME", help="end on each of these days: 11:00")
        parser.add_argument("--first", metavar="DAY", help="first day of the first week: 2027-01-11")
        parser.add_argument("--weeks", metavar="N", type=int, help="number of weeks")
        parser.add_argument(
            "--date", metavar="DATE", action="append", default=[],
            help='a date instead of weekdays: "2027-01-11 09:00-11:00"; may be repeated',
        )  # fmt: skip
        parser.add_argument("--ignore-privileges", action="store_true", help="use any computer that can run the image")
        parser.add_argument(
            "--request", metavar="ID", type=int,
            help="id of a series (block request) that awaits its decision: its rows have all the rest; privileges are "
            "ignored, as the back end does",
        )  # fmt: skip
        parser.add_argument("--json", action="store_true", help="answer in JSON")

    def handle(self, *args: Any, **given: Any) -> None:
        """Plan, and print what can be had."""
        try:
            plan = service.plan(_question(given), door="plan_series")
        except options.PROBLEMS as problem:
            raise options.as_command_error(problem) from problem
        self.stdout.write(_as_json(plan) if given["json"] else "\n".join(_as_text(plan)))
        if not plan.is_possible:
            raise SystemExit(_NOT_ALL)


# --- The question -----------------------------------------------------------------------------
def _question(given: Mapping[str, Any]) -> Question:
    """The question that the options ask. Raises BadInput, LookupProblem, LookupError and Refusal."""
    if given["request"] is not None:
        return question.of_request(requested.awaiting(given["request"]))
    needed = ["image", "machines", *([] if given["date"] else _WEEKLY)]
    needed += [] if given["ignore_privileges"] else ["group"]
    missing = [f"--{name}" for name in needed if given[name] is None]
    missing = [f"{each} or --ignore-privileges" if each == "--group" else each for each in missing]
    if missing:
        others = "or --date for each date, " if not given["date"] else ""
        raise BadInput(f"missing: {', '.join(missing)} ({others}or --request, whose rows have all of them)")
    return Question(
        image_id=image_by_name_or_id(given["image"]).id,
        machines=given["machines"],
        user_group_id=user_group_by_name_or_id(given["group"]).id if given["group"] else 0,
        ignore_privileges=given["ignore_privileges"],
        machines_name="--machines",
        dates=dates.listed("\n".join(given["date"]), "--date") if given["date"] else _weekly(given),
        dates_name="--date" if given["date"] else "--days, --from, --to, --first, --weeks",
    )


def _weekly(given: Mapping[str, Any]) -> list[Date]:
    hours = Hours(
        _read("from", given, dates.clock_time, "a time of day, such as 09:00"),
        _read("to", given, dates.clock_time, "a time of day, such as 11:00"),
    )
    first = _read("first", given, date.fromisoformat, "a day, such as 2027-01-11")
    weekdays = _read("days", given, dates.weekdays_in, "weekdays, such as mon,wed")
    return dates.weekly(first, weekdays, hours, given["weeks"])


def _read(name: str, given: Mapping[str, Any], read: Callable[[str], Any], right: str) -> Any:
    try:
        return read(given[name])
    except (ValueError, OverflowError) as problem:
        raise BadInput(f"--{name}: {given[name]!r}: give {right}") from problem


# --- The answer -------------------------------------------------------------------------------
def _as_text(plan: SeriesPlan) -> Iterator[str]:
    whose = "" if plan.ignore_privileges else f", granted to {plan.group}"
    yield f"{plan.summary}: {plan.machines} machines with {plan.image}{whose}."
    yield "Nothing was booked: series are booked on VCL's own pages."
    if plan.whole:
        yield f"What would help the whole series: {plan.whole.words}"
    elif plan.is_whole_searched:
        yield "No other time nearby was found at which all dates are possible."
    yield ""
    for each in plan.dates:
        yield from _lines(each)
    if plan.not_searched:
        yield (
            f"The search for what would help ended before it came to {plan.not_searched} of the dates: "
            "plan fewer at once."
        )


def _lines(each: PlannedDate) -> Iterator[str]:
    yield f"{spell(each.start, each.end):<32} {each.words}"
    yield from (f"{'':<34}- {suggestion.words}" for suggestion in each.suggestions)


def _as_json(plan: SeriesPlan) -> str:
    answer = {
        **asdict(plan),
        "summary": plan.summary,
        "possible": plan.possible,
        "past": plan.past,
        "is_possible": plan.is_possible,
        "dates": [_date_as_json(each) for each in plan.dates],
        "whole": {**asdict(plan.whole), **_times(plan.whole.start, plan.whole.end)} if plan.whole else None,
    }
    return json.dumps(answer, indent=2, default=datetime.isoformat, ensure_ascii=False)


def _date_as_json(each: PlannedDate) -> dict[str, object]:
    return {
        **asdict(each),
        **_times(each.start, each.end),
        "words": each.words,
        "why": each.why,
        "collisions": [{**asdict(one), **_times(one.start, one.end)} for one in each.collisions],
        "suggestions": [{**asdict(one), **_times(one.start, one.end)} for one in each.suggestions],
    }


def _times(start: int, end: int) -> dict[str, datetime]:
    return {"start": _when(start), "end": _when(end)}


def _when(instant: int) -> datetime:
    return datetime.fromtimestamp(instant, site_zone())
