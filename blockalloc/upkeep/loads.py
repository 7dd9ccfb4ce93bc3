"""Notes the loads that are seen, and says which images fail to load (SPEC 9.7)."""

import logging
from collections.abc import Collection, Mapping

from django.db import DatabaseError, transaction

from blockalloc.store import seen_loads as store
from blockalloc.store.sql import waiting_at_most
from scheduling.reasons import Reason
from scheduling.upkeep.broken_image import ImageStop, why_stopped
from scheduling.upkeep.broken_image import image_stops as stops_of
from scheduling.upkeep.seen_loads import SeenLoads, seen_loads

log = logging.getLogger(__name__)

_SECONDS_TO_WRITE = 2.0
# Old loads are removed after one in so many new ones, a portion at a time. A prime, as for decisions: ids may grow by
# the number of a cluster's nodes.
_PRUNE_EVERY, _PRUNE_AT_ONCE = 101, 1000


def note_loads(now: int) -> None:
    """Note the loads that this look sees: begun, still at work, over. Without the guard.

    One SELECT and at most two writes. What can't be written now is seen again by the next look.
    """
    seen = seen_loads(store.read(now), now)
    if not (seen.new or seen.at_work or seen.over):
        return
    try:
        with waiting_at_most(lambda: _SECONDS_TO_WRITE), transaction.atomic():
            store.note(seen, now)
            _prune_now_and_then(seen, now)
    except DatabaseError as error:
        log.warning("the loads that were seen could not be noted, the next look will see them again: %s", error)


def image_stops(targets: Mapping[int, int], now: int) -> dict[int, ImageStop]:
    """Image -> why no load of it may begin now. `targets`: block time -> the machines that it is to have.

    One statement. Classes that have begun need no target: what they were to have is on record.
    """
    records = store.records(now)
    return stops_of(records.loads, {**records.machines, **targets})


def reasons(stops: Collection[ImageStop]) -> dict[int, Reason]:
    """Image -> the sentence that says why it is stopped. One statement; none without stops."""
    names = store.image_names({each.revision_id for each in stops})
    unknown = store.ImageName("an image", 0)
    return {each.image_id: why_stopped(each, *names.get(each.revision_id, unknown)) for each in stops}


def trust(image_ids: Collection[int], now: int) -> None:
    """Let these images be loaded again, whatever has failed before: staff said "Put right now"."""
    store.trust(image_ids, now)


def _prune_now_and_then(seen: SeenLoads, now: int) -> None:
    if any(each.facts.request_id % _PRUNE_EVERY == 0 for each in seen.new):
        store.past(now).remove(_PRUNE_AT_ONCE)
