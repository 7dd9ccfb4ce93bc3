"""`manage.py remove_claims`: when the service is removed, none of its rows stays in VCL's table `semaphore`."""

import time
from argparse import ArgumentParser, ArgumentTypeError
from datetime import datetime
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.db import Error

from blockalloc import clock
from blockalloc.management import options
from blockalloc.site_time import site_zone
from blockalloc.store import claims

_LONGEST, _PAUSE = 3600, 1  # seconds
_STILL_LIVE = 1  # exit status


class Command(BaseCommand):
    """A part of the way back (docs/installation.md)."""

    help = (
        "Remove this service's rows from VCL's table semaphore, once they have expired. VCL removes only its own rows, "
        "and overlooks a live row beside one that has expired, so none may stay when the service is removed. Stop the "
        "service and keep_ready first. Exit status: 0 none is left, 1 some are still live, 2 the database "
        "does not answer."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Declare the options."""
        parser.add_argument(
            "--wait",
            metavar="SECONDS",
            type=_seconds,
            default=0,
            help="wait up to so many seconds for live rows to expire (default: 0)",
        )

    def handle(self, *_args: Any, **given: Any) -> None:
        """Remove them; wait for those that are live."""
        deadline, removed = time.monotonic() + given["wait"], 0
        try:
            while True:
                removed += claims.purge_expired(clock.now())
                expires = claims.last_expiry()
                if expires is None or time.monotonic() >= deadline:
                    break
                time.sleep(_PAUSE)
        except Error as error:
            raise options.as_command_error(error) from error
        self.stdout.write(f"{removed} row{'' if removed == 1 else 's'} removed.")
        if expires is not None:
            at = f"{datetime.fromtimestamp(expires, site_zone()):%H:%M:%S}"
            raise CommandError(f"some rows are live until {at}: run this again then", returncode=_STILL_LIVE)


def _seconds(text: str) -> int:
    if not text.isascii() or not text.isdigit() or int(text) > _LONGEST:
        raise ArgumentTypeError(f"{text!r}: give seconds from 0 to {_LONGEST}")
    return int(text)
