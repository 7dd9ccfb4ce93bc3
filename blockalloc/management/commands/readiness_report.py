"""`manage.py readiness_report`: predictions of classes, and how these began."""

import json
from argparse import ArgumentParser, ArgumentTypeError
from collections.abc import Iterator, Sequence
from dataclasses import asdict
from typing import Any

from django.core.management.base import BaseCommand

from blockalloc import clock
from blockalloc.management import options
from blockalloc.models.lookup import image_by_name_or_id
from blockalloc.models.scope import Scope
from blockalloc.reports.calibration import DAYS, Report, Row, by_bins, by_name, changed, report, seats

_MOST_DAYS = 3650


class Command(BaseCommand):
    """See docs/readiness.md."""

    help = (
        "Compare how sure the service was that classes would be ready with how they began, and name images "
        "whose load times have changed. Nothing is changed. Exit status: 0 done, 2 bad input."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Declare the options."""
        parser.add_argument(
            "--days", metavar="N", type=_days, default=DAYS, help=f"classes of the last N days, by default {DAYS}"
        )
        parser.add_argument("--image", metavar="IMAGE", help='only this image, by name or id: "Ubuntu 22.04"')
        parser.add_argument("--json", action="store_true", help="answer in JSON")

    def handle(self, *args: Any, **given: Any) -> None:
        """Compare, and print."""
        try:
            image_id = image_by_name_or_id(given["image"]).id if given["image"] else None
            answer = report(clock.now(), Scope(), given["days"], image_id)
        except options.PROBLEMS as problem:
            raise options.as_command_error(problem) from problem
        self.stdout.write(_as_json(answer) if given["json"] else "\n".join(_as_text(answer)))


def _days(text: str) -> int:
    if text.isascii() and text.isdigit() and len(text) <= 4 and 1 <= int(text) <= _MOST_DAYS:
        return int(text)
    raise ArgumentTypeError(f"{text!r} is not a number of days from 1 to {_MOST_DAYS}")


def _as_json(answer: Report) -> str:
    fields = {
        "days": answer.days,
        "missing": answer.missing,
        **asdict(answer.said),
        "changes": [asdict(change) for change in answer.changes],
    }
    return json.dumps(fields, indent=2, ensure_ascii=False)


def _as_text(answer: Report) -> Iterator[str]:
    said = answer.said
    if answer.missing:
        yield answer.missing
    else:
        yield f"Classes of the last {answer.days} days: {said.begun} began, checked at the start: {said.looked_at}."
        yield f"{seats(said)}."
        yield from _table("Prediction", by_bins(said.all))
        yield from _table("By image", by_name(said.by_image))
        yield from _table("By management node", by_name(said.by_node))
    if answer.changes:
        yield from ("", "Images whose loads have changed in the last 14 days:")
        yield from (f"- {changed(change)}" for change in answer.changes)


def _table(title: str, rows: Sequence[Row]) -> Iterator[str]:
    if not rows:
        return
    head = (
        title,
        "predicted",
        "classes",
        "mean prediction",
        "all ready",
        "95 % interval",
        "machines ready",
        "accuracy",
    )
    lines = [head, *((*map(str, row[:-1]), row.verdict.text) for row in rows)]
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    yield ""
    for line in lines:
        yield "  ".join(text.ljust(width) for text, width in zip(line, widths, strict=True)).rstrip()
