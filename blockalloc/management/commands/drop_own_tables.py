"""`manage.py drop_own_tables`: the way back from a database in which `migrate` has made tables."""

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand
from django.db import connection

from blockalloc.schema.held_rights import check_may_drop
from blockalloc.schema.rights import own_tables_in
from blockalloc.schema.shared import check_not_shared


class Command(BaseCommand):
    """See docs/installation.md."""

    help = (
        "List the tables that `migrate` has made beside VCL's: this service's and Django's. With --yes, drop them with "
        "all that is in them. VCL's tables and their rows are never touched. Stop the service and keep_ready first."
    )
    requires_system_checks = []

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Declare the options."""
        parser.add_argument("--yes", action="store_true", help="drop the tables; without it they are listed only")

    def handle(self, *_args: Any, **options: Any) -> None:
        """List the tables, or drop them."""
        present = own_tables_in(connection)
        if not present:
            self.stdout.write("No table of this service or of Django is there.")
            return
        check_not_shared(connection)
        if options["yes"]:
            check_may_drop(connection)
            _drop(present)
        self.stdout.write("\n".join(present))
        number = f"{len(present)} table{'' if len(present) == 1 else 's'}"
        self.stdout.write(
            f"{number} dropped. VCL's tables are as they were."
            if options["yes"]
            else f"{number}: nothing was changed. With --yes they are dropped, with everything in them: the record of "
            "decisions, the staff's accounts and permissions, what keep_ready remembers."
        )


def _drop(names: list[str]) -> None:
    # The tables refer to each other. What was dropped before a failure is not there when the command runs again.
    with connection.constraint_checks_disabled(), connection.cursor() as cursor:
        for name in names:
            cursor.execute(f"DROP TABLE {connection.ops.quote_name(name)}")
