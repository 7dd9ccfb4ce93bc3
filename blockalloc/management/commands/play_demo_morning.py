"""`manage.py play_demo_morning`: the morning of the demo's class in fast motion."""

from typing import Any

from django.core.management.base import BaseCommand, CommandError

from blockalloc.demo.morning import play
from blockalloc.demo.safeguard import NotTheDemo


class Command(BaseCommand):
    """Play the morning; see `blockalloc.demo.morning`."""

    help = (
        "Play the morning of the demo's CS101 class in fast motion, on a throw-away copy of the demo site: its "
        "computers load, one load fails, keep_ready replaces the computer. Exit status 1 if the class is not complete "
        "at its start."
    )

    def handle(self, *_args: Any, **_options: Any) -> None:
        """Print the story."""
        try:
            complete = play(lambda line: self.stdout.write(line))
        except NotTheDemo as error:
            raise CommandError(str(error), returncode=2) from error
        self.stdout.flush()
        if not complete:
            raise SystemExit(1)
