"""`manage.py allocate_block`: allocate machines for a block time from the shell, with names instead of ids."""

import json
from argparse import ArgumentParser
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict
from datetime import datetime
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.db import DatabaseError

from blockalloc import service
from blockalloc.calls import BlockAllocationCall, Outcome, Refusal
from blockalloc.lookup import LookupProblem, image_by_name_or_id, user_group_by_name_or_id
from blockalloc.models import BlockTime
from blockalloc.report import AllocationReport, ReportRow, allocation_report, as_text, table
from blockalloc.service import Allocation, Obstacle, PlannedMachine
from blockalloc.site_time import local_to_instant, site_zone

_FORMATS = ("%Y-%m-%d %H:%M", "%Y-%m-%d %H:%M:%S")
_NOT_ALL, _BAD_INPUT = 1, 2
_DIGITS = 18  # more than any Unix time has; Python reads no numbers of any length


class BadInput(Exception):
    """An option that is missing or cannot be read; the text says what would be right."""


class Command(BaseCommand):
    """XMLRPCblockAllocation with seven parameters, for people."""

    help = (
        "Allocate machines for a block time, or for a new block, and show what was done. "
        "Exit status: 0 all machines are there, 1 some or none, 2 nothing was done (wrong or refused)."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Declare the options."""
        parser.add_argument("--image", metavar="IMAGE", help='name or id: "Ubuntu 22.04"')
        parser.add_argument(
            "--group", metavar="GROUP", help="user group whose access counts: name@affiliation, a unique name, or id"
        )
        parser.add_argument(
            "--start", metavar="TIME", help='machines are ready by then: "2026-11-30 09:00" site time, or Unix seconds'
        )
        parser.add_argument("--end", metavar="TIME", help="end of the class, in the same forms")
        parser.add_argument("--machines", metavar="N", type=int, help="how many machines the block time is to have")
        parser.add_argument(
            "--block-time", metavar="ID", type=int, default=0, help="a block time of VCL: the rest can be left out then"
        )
        parser.add_argument("--ignore-privileges", action="store_true", help="any computer that can run the image")
        parser.add_argument("--dry-run", action="store_true", help="show what would be done, write nothing")
        parser.add_argument("--json", action="store_true", help="answer in JSON")

    def handle(self, *args: Any, **options: Any) -> None:
        """Make the call and print its answer."""
        try:
            call = _call(options)
            caller = service.system_caller(door="allocate_block")
            allocation = service.allocate(call, caller, dry_run=options["dry_run"])
        except Refusal as refusal:
            raise CommandError(f"{refusal.text} (error {refusal.code})", returncode=_BAD_INPUT) from refusal
        except (BadInput, LookupProblem, LookupError) as problem:
            raise CommandError(str(problem), returncode=_BAD_INPUT) from problem
        except DatabaseError as error:
            raise CommandError(f"the database does not answer as VCL's: {error}", returncode=_BAD_INPUT) from error
        # The block may have had machines before: its report shows all of them.
        report = _report(allocation.outcome) if not options["dry_run"] else None
        answer = _as_json if options["json"] else _as_text
        self.stdout.write(answer(allocation, report, dry_run=options["dry_run"]))
        if allocation.outcome.unallocated:
            raise SystemExit(_NOT_ALL)


# --- The call ---------------------------------------------------------------------------------
def _call(options: Mapping[str, Any]) -> BlockAllocationCall:
    """The call that the options ask for; what they leave out is what the rows of the block time say."""
    block_time_id = options["block_time"]
    values = _stored(block_time_id) if block_time_id else {}
    values |= {name: read(options[name]) for name, read in _READERS.items() if options[name] is not None}
    if options["ignore_privileges"]:
        values.setdefault("group", 0)
    missing = [f"--{name}" for name in _READERS if name not in values]
    if missing:
        raise BadInput(f"missing: {', '.join(missing)} (or --block-time, whose rows have all that)")
    return BlockAllocationCall(
        image_id=values["image"],
        start=values["start"],
        end=values["end"],
        machines=values["machines"],
        user_group_id=values["group"],
        ignore_privileges=options["ignore_privileges"],
        block_time_id=block_time_id,
    )


def _stored(block_time_id: int) -> dict[str, int]:
    """What the rows of the block time say, by option."""
    row = BlockTime.objects.select_related("blockRequest").filter(pk=block_time_id).first()
    if row is None:
        raise BadInput(f"--block-time: there is no block time {block_time_id}")
    request = row.blockRequest
    return {
        "image": request.image_id,
        "group": request.group_id or 0,  # none: the service says whether that will do
        "start": int(row.start.timestamp()),
        "end": int(row.end.timestamp()),
        "machines": request.numMachines,
    }


def _seconds(text: str) -> int:
    """Unix seconds of a local time of the site, or of Unix seconds."""
    if text.isascii() and text.isdigit() and len(text) <= _DIGITS:
        return int(text)
    for form in _FORMATS:
        try:
            return int(local_to_instant(datetime.strptime(text, form)).timestamp())
        except (ValueError, OverflowError):  # another form; or a time at the ends of the calendar
            continue
    raise BadInput(f"{text!r} is not a time: write 2026-11-30 09:00 (the site's local time) or Unix seconds")


_READERS: Mapping[str, Callable[[Any], int]] = {
    "image": lambda text: image_by_name_or_id(text).id,
    "group": lambda text: user_group_by_name_or_id(text).id,
    "start": _seconds,
    "end": _seconds,
    "machines": int,
}


# --- The answer -------------------------------------------------------------------------------
def _report(outcome: Outcome) -> AllocationReport | None:
    return allocation_report(outcome.block_time_id) if outcome.block_time_id else None


def _as_text(allocation: Allocation, report: AllocationReport | None, *, dry_run: bool) -> str:
    outcome = allocation.outcome
    lines = [_verdict(outcome, dry_run=dry_run)]
    if outcome.warning:
        lines.append("warning {}: {}".format(*outcome.warning))
    if report:
        lines += ["", as_text(report)]
    elif allocation.machines:
        lines += ["", *table(_rows(allocation.machines))]
    if allocation.stopped_by:
        lines += ["", f"Why not more: {allocation.stopped_by}", *map(_obstacle, allocation.obstacles)]
    return "\n".join(lines)


def _obstacle(found: Obstacle) -> str:
    computers = "computer " if found.computers == 1 else "computers"
    return f"  {found.computers:>5} {computers}  {found.reason} ({found.example})"


def _verdict(outcome: Outcome, *, dry_run: bool) -> str:
    count = f"{outcome.allocated} of {outcome.allocated + outcome.unallocated} machines"
    if outcome.status == "completed":
        return f"Nothing to do: the block time has the {outcome.allocated} machines that were asked for, or more."
    if dry_run:
        return f"Dry run, nothing was written: the block time would have {count}."
    return (
        f"The block time has {count} now." if outcome.block_time_id else "No machine can be had: nothing was written."
    )


def _as_json(allocation: Allocation, report: AllocationReport | None, *, dry_run: bool) -> str:
    answer = asdict(allocation.outcome) | {
        "dry_run": dry_run,
        "computers_taken": list(map(asdict, _rows(allocation.machines))),
        "stopped_by": allocation.stopped_by,
        "obstacles": list(map(asdict, allocation.obstacles)),
        "block_time": asdict(report) if report else None,
    }
    return json.dumps(answer, indent=2, default=datetime.isoformat, ensure_ascii=False)


def _rows(machines: Sequence[PlannedMachine]) -> list[ReportRow]:
    """What the call took or would take, as a report has it."""
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
