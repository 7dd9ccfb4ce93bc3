"""The holds on computers that wait for their load or are loading, set anew in each look (SPEC 9.4)."""

import logging
import uuid
from collections.abc import Mapping

from django.db import Error

from blockalloc import clock
from blockalloc.contract.messages import Refusal
from blockalloc.store import upkeep_holds
from blockalloc.store.guard import Deadline, guarded
from blockalloc.store.upkeep_holds import Hold
from scheduling.upkeep.facts import WatchedComputer
from scheduling.upkeep.needs import Holding

log = logging.getLogger(__name__)

SECONDS = 75  # of a hold: one look may be late
_SECONDS_TO_WRITE = 5.0


def hold(holding: Holding) -> int:
    """Set the holds and remove those that are no longer wanted; returns how many computers are held.

    A look that can't write them in time leaves it to the next.
    """
    if not holding.hold and not holding.remove:
        return 0
    look_id = uuid.uuid4().hex
    rows = _rows(holding.hold)

    def work() -> int:
        upkeep_holds.remove(holding.remove)
        return upkeep_holds.hold(rows, look_id, clock.now(), SECONDS)

    try:
        return guarded(work, Deadline(_SECONDS_TO_WRITE))
    except (Error, Refusal) as error:
        log.warning("computers that are loading could not be held in this look: %s", error)
        return 0


def _rows(computers: Mapping[int, WatchedComputer]) -> list[Hold]:
    """A hold has to name an image revision."""
    return [
        Hold(id_, each.facts.image_id, each.facts.target_revision_id or each.facts.production_id, each.node_id)
        for id_, each in computers.items()
        if each.facts.target_revision_id or each.facts.production_id
    ]
