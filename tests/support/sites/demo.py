"""The demo site, loaded anew for each test of a command; its rows are built once."""

import functools
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from io import StringIO
from unittest.mock import patch

import time_machine
from django.core.management import call_command
from django.test import override_settings

from blockalloc.demo import build
from blockalloc.models import BlockTime

WEDNESDAY = datetime(2026, 11, 25, 17, 0, tzinfo=UTC)
_rows_at = functools.cache(build)  # loading does not change them


def load(*options: str) -> str:
    """Load the demo site as the command does; its output. The process has to run the demo (BLOCKALLOC_DEMO)."""
    output = StringIO()
    call_command("load_demo_site", *options, stdout=output)
    return output.getvalue()


@contextmanager
def demo_site(*, has_exam: bool = True) -> Iterator[None]:
    """The demo site in New York on a Wednesday at noon, where the clock is stopped; the next Monday is 30 November.

    Without the exam, the computers of its hours are free.
    """
    with (
        override_settings(TIME_ZONE="America/New_York", BLOCKALLOC_DEMO=True),
        time_machine.travel(WEDNESDAY, tick=False),
    ):
        with patch("blockalloc.demo.database.build", _rows_at):
            load()
        if not has_exam:
            BlockTime.objects.filter(blockRequest__name="CS420 final exam").update(skip=1)
        yield
