"""`manage.py run_demo_back_end`: a double of VCL's back end works on the demo site until it is stopped."""

from random import Random
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.db import DatabaseError, close_old_connections

from blockalloc import clock
from blockalloc.demo.back_end import DemoBackEnd
from blockalloc.demo.database import require_mark
from blockalloc.demo.safeguard import NotTheDemo
from blockalloc.demo.walk_ins import book_if_none_is_near
from blockalloc.management.signals import Stop, stopped_by_signals
from blockalloc.models import Computer
from simulation.back_end import states
from simulation.back_end.conditions import Result

_ROUND_SECONDS = 6  # between two rounds; those of a real back end are 5 to 30 seconds apart
_ONE_IN = 25  # loads: one of so many fails
_MOST_FAILED = 8  # computers: nobody repairs them, and some are to be left after days


class Command(BaseCommand):
    """Run the double of the back end; see `blockalloc.demo.back_end`."""

    help = (
        "Run a double of VCL's back end on the demo site until stopped: it keeps the management nodes alive, asks for "
        "the computers of classes, loads them, and books a class whenever none begins within the hour."
    )

    def handle(self, *_args: Any, **_options: Any) -> None:
        """Work until Ctrl-C or SIGTERM."""
        try:
            require_mark()
            self.stdout.write("The double of the back end works on the demo site; stop with Ctrl-C.")
            with stopped_by_signals() as stop:
                while not stop.is_set():
                    self._work(stop)
        except NotTheDemo as error:
            raise CommandError(str(error), returncode=2) from error

    def _work(self, stop: Stop) -> None:
        """Round after round, until stopped; when the database is busy or restarting, end, to be begun anew."""
        close_old_connections()
        try:
            back_end = DemoBackEnd(_result, seed=clock.now())
            while not stop.is_set():
                now = clock.now()
                book_if_none_is_near(now)
                back_end.round(now)
                back_end.site.log.events.clear()
                back_end.site.mails.clear()
                stop.wait(_ROUND_SECONDS)
        except DatabaseError as error:
            self.stderr.write(f"the double of the back end begins anew: {error}")
            stop.wait(_ROUND_SECONDS)


def _result(_computer: int, _image: int, chance: Random) -> Result:
    if chance.randrange(_ONE_IN) or Computer.objects.filter(state=states.FAILED).count() >= _MOST_FAILED:
        return Result.LOADED
    return Result.FAILED
