"""`manage.py allocate_block`: allocate machines for a block time from the shell, with names instead of ids."""

import json
from argparse import ArgumentParser
from collections.abc import Sequence
from dataclasses import asdict
from datetime import UTC, datetime
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.db import DatabaseError

from blockalloc import service
from blockalloc.calls import BlockAllocationCall, Outcome, Refusal
from blockalloc.lookup import LookupProblem, image_by_name_or_id, user_group_by_name_or_id
from blockalloc.models import BlockTime
from blockalloc.report import AllocationReport, ReportRow, allocation_report, as_text, table
from blockalloc.service import Allocation, PlannedMachine
from blockalloc.site_time import local_to_instant, site_zone

_FORMATS = ("%Y-%m-%d %H:%M", "%Y-%m-%d %H:%M:%S")
_NOT_ALL, _BAD_INPUT = 1, 2


class BadInput(Exception):
    """An option that is missing or cannot be read; the text says what would be right."""


class Command(BaseCommand):
    """XMLRPCblockAllocation with seven parameters, for people."""

    help = (
        "Allocate machines for a block time, or for a new block, and show what was done. "
        "Exit status: 0 all machines are there, 1 some or all are missing, 2 nothing was done (wrong or refused)."
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
        self.stdout.write(_answer(allocation, as_json=options["json"], dry_run=options["dry_run"]))
        if allocation.outcome.unallocated:
            raise SystemExit(_NOT_ALL)


# --- The call ---------------------------------------------------------------------------------
def _call(options: dict[str, Any]) -> BlockAllocationCall:
    """The call that the options ask for; with a block time, what they leave out is what its rows say."""
    block_time: BlockTime | None = None
    if options["block_time"]:
        block_time = _block_time(options["block_time"])
    request = block_time and block_time.blockRequest
    return BlockAllocationCall(
        image_id=_given(options, "image", _image_id, request and request.image_id),
        start=_given(options, "start", _seconds, block_time and _timestamp(block_time.start)),
        end=_given(options, "end", _seconds, block_time and _timestamp(block_time.end)),
        machines=_given(options, "machines", int, request and request.numMachines),
        user_group_id=_group_id_for(options, request and (request.group_id or 0)),
        ignore_privileges=options["ignore_privileges"],
        block_time_id=options["block_time"],
    )
