"""`manage.py print_grants`: the SQL that gives accounts of the database the rights that they need, and no others."""

from argparse import ArgumentParser, ArgumentTypeError
from collections.abc import Callable, Iterator
from typing import Any

from django.core.management.base import BaseCommand

from blockalloc.schema.grants import Account, account_name, database_name, grants, host_pattern, revocations
from blockalloc.schema.rights import Purpose

_ACCOUNTS = {
    Purpose.RUNNING: "blockalloc",
    Purpose.MIGRATING: "blockalloc_migration",
    Purpose.GOING_BACK: "blockalloc_migration",
    Purpose.INDEXING: "blockalloc",
}
_GRANTED = {
    Purpose.RUNNING: (
        "Running: reads the database, writes rows of those of VCL's tables that the service writes, and of its own.",
        "To be granted when `manage.py migrate` has made the tables, and again when a new version has added some.",
    ),
    Purpose.MIGRATING: (
        "Migrating: makes and alters tables of the service's own. VCL's tables are read only.",
        "To be granted before `manage.py migrate`, whether or not the tables are there.",
    ),
    Purpose.GOING_BACK: (
        "Going back: the rights for migrating, and DROP on tables of the service's own. VCL's tables are read only.",
        "For `manage.py migrate` to an earlier state and `manage.py drop_own_tables`; --revoke takes DROP away again.",
    ),
    Purpose.INDEXING: (
        "Indexes: for `manage.py check_vcl --create-indexes`, which adds indexes to these tables of VCL's.",
        "To be revoked afterwards (--revoke).",
    ),
}
_REVOKED = {
    **dict.fromkeys(Purpose, "Takes away what the same command grants without --revoke."),
    Purpose.GOING_BACK: "Takes DROP away; the rights for migrating stay.",
}


class Command(BaseCommand):
    """See docs/installation.md."""

    help = (
        "Print the SQL that grants a database account what it needs for a purpose, and nothing else. "
        "Needs no database and no settings, and changes nothing: run what it prints as the server's administrator."
    )
    requires_system_checks = []

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Declare the options."""
        parser.add_argument(
            "purpose",
            choices=[purpose.value for purpose in Purpose],
            help="running: the service and its commands; migrating: `migrate`; going-back: `migrate` to an earlier "
            "state and `drop_own_tables`; indexing: `check_vcl --create-indexes`",
        )
        parser.add_argument(
            "--account",
            metavar="NAME",
            type=_checked(account_name),
            help="the account (default: blockalloc_migration for migrating and going-back, blockalloc otherwise)",
        )
        parser.add_argument(
            "--host",
            metavar="PATTERN",
            type=_checked(host_pattern),
            default="localhost",
            help="where the account connects from, as in CREATE USER, such as 10.0.0.%% (default: %(default)s)",
        )
        parser.add_argument(
            "--database",
            metavar="NAME",
            type=_checked(database_name),
            default="vcl",
            help="VCL's database (default: %(default)s)",
        )
        parser.add_argument("--revoke", action="store_true", help="print the SQL that takes the rights away")

    def handle(self, *_args: Any, **options: Any) -> None:
        """Print the statements."""
        purpose = Purpose(options["purpose"])
        account = Account(options["account"] or _ACCOUNTS[purpose], options["host"])
        self.stdout.write("\n".join(_lines(purpose, account, options["database"], revoke=options["revoke"])))


def _lines(purpose: Purpose, account: Account, database: str, *, revoke: bool) -> Iterator[str]:
    if revoke:
        yield f"-- {_REVOKED[purpose]}"
        yield from revocations(purpose, account, database)
        return
    yield from (f"-- {line}" for line in _GRANTED[purpose])
    yield f"-- The account has to exist: CREATE USER {account} IDENTIFIED BY '...';"
    yield from grants(purpose, account, database)


def _checked(check: Callable[[str], str]) -> Callable[[str], str]:
    """The check, as argparse wants it."""

    def checked(text: str) -> str:
        try:
            return check(text)
        except ValueError as error:
            raise ArgumentTypeError(str(error)) from error

    return checked
