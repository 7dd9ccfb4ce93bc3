"""`manage.py allocate_block`: allocate machines for a block time from the shell, with names instead of ids."""

import json
from argparse import ArgumentParser
from collections.abc import Sequence
from dataclasses import asdict
from datetime import datetime
from typing import Any

from django.core.management.base import BaseCommand

from blockalloc.allocation import service
from blockalloc.allocation.service import Allocation, PlannedMachine
from blockalloc.contract.messages import WARNING_LATE, Outcome
from blockalloc.management import options
from blockalloc.management.wording import explained, outlook_as_json
from blockalloc.reports.block_time import AllocationReport, ReportRow, allocation_report, as_text, table
from blockalloc.site_time import site_zone
from scheduling import wording

_NOT_ALL = 1


class Command(BaseCommand):
    """XMLRPCblockAllocation with seven parameters, for people."""

    help = (
        "Allocate machines for a class (VCL: block time), or for a new one, and show what was done. "
        "Exit status: 0 all machines are allocated, 1 some or none are, 2 nothing was done (bad input or refused)."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Declare the options."""
        options.add_call_arguments(parser)
        parser.add_argument(
            "--dry-run", action="store_true", help="show what would be done; only a decision record is written"
        )
        parser.add_argument(
            "--explain",
            action="store_true",
            help="also show how many computers are left after each rule, and what would help when machines are missing",
        )
        parser.add_argument("--json", action="store_true", help="answer in JSON")

    def handle(self, *args: Any, **given: Any) -> None:
        """Make the call and print its answer."""
        try:
            call = options.call_from(given)
            caller = service.system_caller(door="allocate_block", person=options.login())
            if given["dry_run"]:
                allocation = service.dry_run(call, caller, explain=given["explain"])
            else:
                allocation = service.allocate(call, caller, explain=given["explain"])
        except options.PROBLEMS as problem:
            raise options.as_command_error(problem) from problem
        # The block may have had machines before: its report shows all of them.
        report = _report(allocation.outcome) if not given["dry_run"] else None
        answer = _as_json if given["json"] else _as_text
        self.stdout.write(answer(allocation, report, dry_run=given["dry_run"], explain=given["explain"]))
        if allocation.outcome.unallocated:
            raise SystemExit(_NOT_ALL)


# --- The answer -------------------------------------------------------------------------------
def _report(outcome: Outcome) -> AllocationReport | None:
    return allocation_report(outcome.block_time_id) if outcome.block_time_id else None


def _as_text(allocation: Allocation, report: AllocationReport | None, *, dry_run: bool, explain: bool) -> str:
    outcome = allocation.outcome
    result = allocation.result
    lines = [_verdict(outcome, result.and_spares() if result else "", dry_run=dry_run)]
    if outcome.warning and outcome.warning[0] == WARNING_LATE[0]:  # the other one says what the line above says
        lines.append("There may be too little time to load all machines (VCL's warning 13).")
    if allocation.said:
        lines.append(f"{allocation.said}.")
    if report:
        lines += ["", as_text(report)]
    elif allocation.machines:
        lines += ["", *table(_rows(allocation.machines))]
    if allocation.explanation:
        lines += explained(allocation.explanation, whole=explain)
    return "\n".join(lines)


def _verdict(outcome: Outcome, and_spares: str, *, dry_run: bool) -> str:
    count = f"{wording.of_wanted(outcome.allocated, outcome.allocated + outcome.unallocated)}{and_spares}"
    if outcome.status == "completed":
        return f"Nothing to do: the class already has the {outcome.allocated} machines asked for, or more."
    if dry_run:
        return f"Dry run, nothing was changed: the class would have {count}."
    return (
        f"The class has {count} now."
        if outcome.block_time_id
        else "No machine could be allocated: nothing was written."
    )


def _as_json(allocation: Allocation, report: AllocationReport | None, *, dry_run: bool, explain: bool) -> str:
    why = allocation.explanation
    answer = asdict(allocation.outcome) | {
        "outlook": outlook_as_json(allocation.outcome.outlook, allocation.said),
        "spares": allocation.result.spares if allocation.result else 0,
        "dry_run": dry_run,
        "computers_taken": list(map(asdict, _rows(allocation.machines))),
        "stopped_by": why.stopped_by if why else "",
        "obstacles": [asdict(each) for each in why.obstacles] if why else [],
        "block_time": asdict(report) if report else None,
    }
    if explain and why:
        answer["funnel"] = [{"rule": "", "label": "computers", "left": why.computers, "lost": 0}]
        answer["funnel"] += [stage._asdict() for stage in why.funnel]
        answer["remedies"] = asdict(why.remedies) if why.remedies else None
    return json.dumps(answer, indent=2, default=datetime.isoformat, ensure_ascii=False)


def _rows(machines: Sequence[PlannedMachine]) -> list[ReportRow]:
    """The computers that the call allocated or would allocate, as rows of a report."""
    return [
        ReportRow(
            computer=computer.hostname,
            type=computer.type,
            image=computer.image_name,
            already_loaded=computer.already_loaded,
            reload_start=datetime.fromtimestamp(machine.reload_start, site_zone()),
            reload_end=datetime.fromtimestamp(machine.reload_end, site_zone()),
            management_node=computer.management_node,
        )
        for machine in machines
        for computer in machine.computers
    ]
