"""`manage.py prune`: delete everything that is past its keeping time."""

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand
from django.db import Error

from blockalloc import clock
from blockalloc.management import options
from blockalloc.store import keeping


class Command(BaseCommand):
    """Once a day, by a timer (deploy/systemd/)."""

    help = (
        "Delete what need not be kept any longer (VCL_DECISION_DAYS, VCL_SEEN_LOAD_DAYS, VCL_IDEMPOTENCY_DAYS; "
        "sessions and failed sign-ins that no longer count), and say how much. Only in our own tables and Django's; "
        "in small portions, so that it can run at any time, beside the service. "
        "Exit status: 0, or 2 if the database does not answer."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Declare the options."""
        parser.add_argument("--dry-run", action="store_true", help="only say how much there is to delete")

    def handle(self, *_args: Any, **given: Any) -> None:
        """Delete, kind by kind."""
        now, total = clock.now(), 0
        try:
            for kind in keeping.KINDS:
                total += self._count(kind, now) if given["dry_run"] else self._remove(kind, now)
        except Error as error:
            raise options.as_command_error(error) from error
        what = "would be deleted" if given["dry_run"] else "deleted"
        self.stdout.write(f"{total:,} rows {what}." if total else "There is nothing to delete.")

    def _count(self, kind: keeping.Kind, now: int) -> int:
        number = kind.past(now).count()
        if number:
            self.stdout.write(f"{kind.name}: {number:,}")
        return number

    def _remove(self, kind: keeping.Kind, now: int) -> int:
        rows, held = keeping.remove(kind, now)
        if rows or held:
            rest = ", the rest is left for the next time: others are at work on the rows" if held else ""
            self.stdout.write(f"{kind.name}: {rows:,}{rest}")
            self.stdout.flush()
        return rows
