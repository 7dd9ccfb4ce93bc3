"""One look at all block times of the next hours: read, decide, act, record (SPEC 9)."""

import logging
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from django.conf import settings

from blockalloc import clock
from blockalloc.allocation import service
from blockalloc.contract.messages import Caller, Refusal
from blockalloc.store import watches
from blockalloc.upkeep import holding, mending, reading
from blockalloc.upkeep.actions import Action
from blockalloc.upkeep.reading import LoadTimes, Watch
from scheduling.upkeep.needs import Needs, needs
from scheduling.upkeep.needs import holding as holding_of
from scheduling.windows import HOUR

log = logging.getLogger(__name__)

DOOR = "keep_ready"


@dataclass(frozen=True, slots=True)
class Looked:
    """A block time as the look saw it, before anything was done."""

    watch: Watch
    needed: Needs


@dataclass(frozen=True, slots=True)
class PassReport:
    """What a look saw and did.

    `at` in Unix seconds; `doubt`: why nothing was changed, "" where nothing was in doubt; `held`: computers held.
    """

    at: int
    milliseconds: int
    doubt: str
    block_times: Sequence[Looked]
    actions: Sequence[Action]
    held: int


class Keeper:
    """Looks again and again; load times of images are kept for some minutes from one look to the next."""

    def __init__(self) -> None:
        self._load_times = LoadTimes()

    def look(self) -> PassReport:
        """One look. Raises DatabaseError when the database does not answer."""
        began, now = time.monotonic(), clock.now()
        caller = service.system_caller(DOOR)
        looks = self._looks(now)
        self._remember(looks, now)
        actions = self._mend(looks, caller, now)
        held = holding.hold(holding_of([(each.watch.facts, each.needed) for each in looks], now))
        return PassReport(now, round((time.monotonic() - began) * 1000), "", looks, actions, held)

    def _looks(self, now: int) -> list[Looked]:
        hours = settings.VCL_KEEP_READY_HOURS
        watches_ = reading.upcoming(now, hours * HOUR, self._load_times)
        return [Looked(watch, needs(watch.facts, now, hours=hours)) for watch in watches_]

    @staticmethod
    def _remember(looks: Sequence[Looked], now: int) -> None:
        new = [each.watch.facts.id for each in looks if each.watch.row.first_seen is None]
        processing: Mapping[int, int | None] = {
            each.watch.facts.id: each.watch.facts.processing_seen
            for each in looks
            if bool(each.watch.row.processing) != (each.watch.row.processing_seen is not None)
        }
        watches.see(new, processing, now)

    def _mend(self, looks: Sequence[Looked], caller: Caller, now: int) -> list[Action]:
        actions = []
        for each in looks:
            if each.needed.is_met or not mending.is_worth_trying(each.watch, now):
                continue
            try:
                action = mending.mend(each.watch, caller, self._load_times)
            except Refusal as refusal:  # another call is at work on it, or staff have closed it: the next look sees
                log.info("block time %d could not be mended: %s", each.watch.facts.id, refusal.text)
            except Exception:  # the others must not suffer for one
                log.exception("block time %d could not be mended", each.watch.facts.id)
            else:
                actions += [action] if action else []
        return actions


def run_pass() -> PassReport:
    """One look, with nothing kept from an earlier one. Raises DatabaseError when the database does not answer."""
    return Keeper().look()
