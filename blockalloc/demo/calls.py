"""Calls that the demo's back end and staff have made, so that there are decision records to look at."""

from datetime import UTC, datetime

from django.db.models import QuerySet

from blockalloc import clock
from blockalloc.allocation import block_time_actions, service
from blockalloc.demo.rows import FIRST_ID
from blockalloc.models import BlockTime

_HOW_MANY = 4
PERSON = "demo"


def make_calls() -> None:
    """Allocate the next classes that have no computers yet, as for the back end; a person releases one.

    The class of the README's example is left alone.
    """
    back_end = service.system_caller("XMLRPCprocessBlockTime", address="127.0.0.1")
    person = service.system_caller("admin", PERSON, "127.0.0.1")
    times = list(_without_computers()[:_HOW_MANY])
    for time in times:
        service.process_block_time(time.pk, True, back_end)
    if times:
        block_time_actions.release_block_time(times[-1].pk, person)


def _without_computers() -> QuerySet[BlockTime]:
    open_ = BlockTime.objects.accepted().not_skipped().without_computers()
    return open_.filter(start__gt=datetime.fromtimestamp(clock.now(), UTC)).exclude(pk=FIRST_ID).order_by("start", "pk")
