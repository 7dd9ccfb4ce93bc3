"""The double of VCL's back end (`simulation.back_end`) on the demo site: it loads computers by the rows of the site."""

from collections.abc import Callable, Mapping, Sequence
from random import Random
from typing import Any

from django.db import connection
from django.db.models import F

from blockalloc import clock
from blockalloc.allocation import service
from blockalloc.contract.messages import Refusal
from blockalloc.demo.database import require_mark
from blockalloc.demo.images import SPECS
from blockalloc.models import BlockRequest, Computer, Image, ManagementNode, Request
from blockalloc.site_time import site_zone
from simulation.back_end import states
from simulation.back_end.conditions import Conditions, Result
from simulation.back_end.loop import BackEnds
from simulation.back_end.site import Site
from simulation.connections import Answer

# The address that the records of its calls have.
_ADDRESS = "127.0.0.1"
_OTHER_LOAD_SECONDS = 300  # of an image that somebody has added to the demo site


class DjangoConnection:
    """Django's own connection as one of `simulation.connections`: each statement is committed at once."""

    def send(self, sql: str, params: Sequence[Any] = ()) -> Answer:
        """Send one statement."""
        with connection.cursor() as cursor:
            cursor.execute(sql, list(params))
            rows = cursor.fetchall() if cursor.description else ()
            return Answer(rows, cursor.rowcount, cursor.lastrowid or 0)

    def close(self) -> None:
        """Leave it to Django."""


class DemoBackEnd:
    """The back ends of all management nodes of the demo site.

    `result` decides how a load ends, by computer and image. Loads take about as long as they did in the site's log.
    Raises NotTheDemo if this process does not run the demo, or its database has no mark of the demo.
    """

    def __init__(self, result: Callable[[int, int, Random], Result], seed: int = 0) -> None:
        require_mark()
        self._load_seconds = {
            image: SPECS[name].load_seconds
            for image, name in Image.objects.values_list("pk", "prettyname")
            if name in SPECS
        }
        conditions = Conditions(load_seconds=self._seconds, result=result)
        self.site = Site(DjangoConnection(), site_zone(), process_block_time, conditions, seed)
        self._back_ends = BackEnds(self.site, ManagementNode.objects.values_list("pk", flat=True))
        self.site.processes.now = clock.now()
        in_use = Computer.objects.filter(state__in=[states.INUSE, states.RESERVED])
        self.site.tainted.update(in_use.values_list("pk", flat=True))
        self._resume()

    @property
    def now(self) -> int:
        """The time up to which it has worked, Unix seconds."""
        return self.site.now

    def round(self, now: int) -> None:
        """Let time pass until `now` (Unix seconds), then let each node look at the rows once."""
        self._back_ends.round(now)

    @staticmethod
    def _resume() -> None:
        """Put the work of an earlier run, whose processes have ended, back to its beginning.

        A real back end leaves it as it is until a person helps; here nobody would.
        """
        BlockRequest.objects.filter(processing=1).update(processing=0)
        Request.objects.filter(state=states.PENDING).update(state=F("laststate"))

    def _seconds(self, _computer: int, image: int, chance: Random) -> int:
        return round(self._load_seconds.get(image, _OTHER_LOAD_SECONDS) * chance.uniform(0.9, 1.1))


def process_block_time(block_time: int, ignore_privileges: int) -> Mapping[str, Any]:
    """XMLRPCprocessBlockTime without the network: the members of the answer that a back end reads."""
    caller = service.system_caller("XMLRPCprocessBlockTime", address=_ADDRESS)
    try:
        outcome = service.process_block_time(block_time, bool(ignore_privileges), caller)
    except Refusal as refusal:
        return {"status": "error", "errormsg": str(refusal), "allocated": 0}
    answer = {"status": outcome.status, "allocated": outcome.allocated, "unallocated": outcome.unallocated}
    return answer | ({"warningmsg": outcome.warning[1]} if outcome.warning else {})
