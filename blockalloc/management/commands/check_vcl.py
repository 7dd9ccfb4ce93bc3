"""`manage.py check_vcl`: whether a VCL database is in order, repairs of what is safe to repair, suggested indexes."""

import json
from argparse import ArgumentParser
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError
from django.db import DatabaseError

from blockalloc import clock, inspection
from blockalloc.contract.messages import Refusal
from blockalloc.inspection import KINDS, Finding, indexes
from blockalloc.store import site_clock
from blockalloc.store.times import to_local
from vclsite import database_errors

_SOMETHING, _NOT_CHECKED = 1, 2
_DONE, _CHANGED, _WOULD = "done", "left alone, it has changed in the meantime", "would be done"
_NOTHING_WRITTEN = "Dry run: nothing was written."
_TAKEN = "not created, an index of this name exists on other columns: drop that one first"


@dataclass(frozen=True, slots=True)
class Repair:
    """The repair of a finding, done or proposed."""

    finding: Finding
    action: str
    result: str


@dataclass(frozen=True, slots=True)
class Creation:
    """The creation of an index, done or proposed."""

    index: str
    statement: str
    result: str


@dataclass(slots=True)
class Report:
    """An inspection and its repairs. `problem`: why the findings are incomplete, or why repairs stopped."""

    checked_at: int
    findings: Sequence[Finding]
    repairs: list[Repair] = field(default_factory=list)
    left: Sequence[Finding] = ()
    problem: str = ""
    suggested: Sequence[indexes.MissingIndex] = ()
    created: list[Creation] | None = None  # None: nobody asked for it


class Command(BaseCommand):
    """See docs/check_vcl.md."""

    help = (
        "List what is not in order in a VCL database: classes short of machines, double bookings, classes without a "
        "reload and reloads without a class, left-over rows, tables that differ, a wrong time zone. "
        "Suggests indexes that would make allocations faster. Writes nothing without --repair or --create-indexes. "
        "Exit status: 0 no findings, 1 findings (with --repair: that are left), 2 the check or a repair failed."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Declare the options."""
        parser.add_argument(
            "--repair", action="store_true", help="repair what can be repaired safely, and show what was done"
        )
        parser.add_argument("--create-indexes", action="store_true", help="create the suggested indexes")
        parser.add_argument(
            "--dry-run",
            action="store_true",
            help="show what --repair and --create-indexes would do, and change nothing",
        )
        parser.add_argument("--json", action="store_true", help="answer in JSON")
        parser.add_argument(
            "--kind",
            metavar="KIND",
            nargs="+",
            choices=list(KINDS),
            default=list(KINDS),
            help=f"only these kinds of findings: {', '.join(KINDS)}",
        )

    def handle(self, *args: Any, **options: Any) -> None:
        """Inspect, repair if asked to, and print the result."""
        try:
            report = _run(options)
            _add_indexes(report, options)
        except DatabaseError as error:
            reason = database_errors.description(error) or f"the database does not answer as VCL's: {error}"
            raise CommandError(reason, returncode=_NOT_CHECKED) from error
        answer = _as_json if options["json"] else _as_text
        self.stdout.write(answer(report))
        if report.problem:
            raise CommandError(report.problem, returncode=_NOT_CHECKED)
        if report.left:
            raise SystemExit(_SOMETHING)


# --- Inspect and repair -----------------------------------------------------------------------
def _run(options: Mapping[str, Any]) -> Report:
    kinds = options["kind"]
    report = _inspected(kinds)
    if not (options["repair"] or options["dry_run"]) or report.problem:
        return report
    repairable = [finding for finding in report.findings if finding.repairable]
    if repairable and (obstacle := inspection.obstacle()):
        report.problem = f"nothing was repaired: {obstacle}"
    elif options["dry_run"]:
        report.repairs = [Repair(finding, inspection.proposed(finding), _WOULD) for finding in repairable]
    elif repairable:
        report.problem = _repair(repairable, report.repairs)
        report.left = _inspected(kinds).findings
    return report


def _inspected(kinds: Sequence[str]) -> Report:
    now = clock.now()
    everything = inspection.inspect(now, site_clock.database_ahead())
    findings = [finding for finding in everything if finding.kind in kinds]
    report = Report(now, findings, left=findings)
    unread = [finding.text for finding in everything if inspection.is_about_rows_unread(finding)]
    if unread and set(kinds) != {"schema_drift"}:
        report.problem = unread[0]
    return report


def _repair(findings: Sequence[Finding], done: list[Repair]) -> str:
    """Repair one after the other, adding to `done`. Returns what stopped it, "" when nothing did."""
    for finding in findings:
        try:
            result = _DONE if inspection.repair(finding) else _CHANGED
        except (Refusal, DatabaseError) as error:
            reason = (isinstance(error, DatabaseError) and database_errors.description(error)) or error
            return f"stopped at the first repair that failed ({inspection.proposed(finding)}): {reason}"
        done.append(Repair(finding, inspection.proposed(finding), result))
    return ""


# --- Indexes ----------------------------------------------------------------------------------
def _add_indexes(report: Report, options: Mapping[str, Any]) -> None:
    """Suggest indexes when all kinds are asked for, or create them with --create-indexes."""
    if not options["create_indexes"]:
        report.suggested = indexes.missing() if set(options["kind"]) == set(KINDS) else ()
        return
    report.suggested, report.created = indexes.missing(), []
    if options["dry_run"]:
        report.created = [_creation(each, _TAKEN if each.taken else _WOULD) for each in report.suggested]
        return
    try:
        for wanted in report.suggested:
            report.created.append(_creation(wanted, _DONE if indexes.create(wanted) else _TAKEN))
    except indexes.NotCreated as error:
        report.problem = "; ".join(filter(None, [report.problem, str(error)]))


def _creation(wanted: indexes.MissingIndex, result: str) -> Creation:
    return Creation(wanted.index.name, wanted.statement, result)


# --- The answer -------------------------------------------------------------------------------
def _as_text(report: Report) -> str:
    lines = [f"Checked at {to_local(report.checked_at)} ({settings.TIME_ZONE})."]
    lines += _finding_lines(report.findings)
    if not report.findings and not report.problem:
        lines.append("Everything is in order.")
    if report.repairs:
        lines += ["", *(f"{repair.result}: {repair.action}" for repair in report.repairs)]
        if report.repairs[0].result == _WOULD:
            lines.append(_NOTHING_WRITTEN)
        else:
            lines += ["", "Nothing is left." if not report.left else f"{_counted(report.left)} left."]
    elif any(finding.repairable for finding in report.findings):
        lines += ["", "manage.py check_vcl --repair repairs what is marked with *; --dry-run shows what it would do."]
    return "\n".join([*lines, *_index_lines(report)])


def _index_lines(report: Report) -> Iterator[str]:
    if report.created:
        yield from ("", *(f"{created.result}: {created.statement}" for created in report.created))
        if any(created.result == _WOULD for created in report.created):
            yield _NOTHING_WRITTEN
    elif report.created is not None and not report.suggested:
        yield from ("", "None of the suggested indexes is missing.")
    elif report.suggested and not report.problem:
        yield from ("", "Indexes that would make allocations faster (nothing is wrong without them):")
        yield from (f"- {each.index.name} on {each.index.table}: {each.wins}" for each in report.suggested)
        yield "manage.py check_vcl --create-indexes creates them; docs/check_vcl.md says what that means for VCL."


def _finding_lines(findings: Sequence[Finding]) -> Iterator[str]:
    for word, kind in KINDS.items():
        of_kind = [finding for finding in findings if finding.kind == word]
        if of_kind:
            yield from ("", f"{kind.heading} ({word}): {len(of_kind)}")
            yield from (f"{'*' if finding.repairable else '-'} {finding.text}" for finding in of_kind)
            yield f"  What to do: {kind.advice}"


def _counted(findings: Sequence[Finding]) -> str:
    return "1 finding is" if len(findings) == 1 else f"{len(findings)} findings are"


def _as_json(report: Report) -> str:
    answer = {
        "checked_at": to_local(report.checked_at),
        "time_zone": settings.TIME_ZONE,
        "counts": Counter(finding.kind for finding in report.findings),
        "findings": list(map(asdict, report.findings)),
        "repairs": list(map(asdict, report.repairs)),
        "left": list(map(asdict, report.left)),
        "problem": report.problem,
        "suggested_indexes": [each.description() for each in report.suggested],
        "created_indexes": list(map(asdict, report.created or ())),
    }
    return json.dumps(answer, indent=2, ensure_ascii=False)
