"""Plans the reloads of classes anew, as looks see what becomes of them, and says how sure the classes are (SPEC 6)."""

import logging
import time
from collections.abc import Sequence
from typing import NamedTuple

from django.conf import settings

from blockalloc.allocation.look import dry_run
from blockalloc.contract.messages import Caller, FillCall, Refusal
from blockalloc.upkeep import mending
from blockalloc.upkeep.reading import LoadTimes, Watch
from scheduling.plan import Plan
from scheduling.reloads.exchange import Guide
from scheduling.reloads.outlook import Outlook
from scheduling.reloads.policy import READY
from scheduling.state_ids import RELOAD
from scheduling.upkeep.condition import Condition
from scheduling.upkeep.needs import Needs
from scheduling.windows import HOUR, MINUTE

log = logging.getLogger(__name__)

# Nothing has to be decided until a reload begins; what others load changes what is said.
_SOON, _NEAR, _AGAIN, _AGAIN_NEAR = 4 * MINUTE, HOUR, 10 * MINUTE, 2 * MINUTE
# Of a look, seconds after which no further class is planned: classes that may wait come first in the next one, and for
# those that are urgent there is more time.
_SECONDS, _SECONDS_URGENT = 2.0, 10.0


class _Planned(NamedTuple):
    """When a class was planned last (Unix seconds), how its computers were then, and what the plan says."""

    at: int
    state: tuple[object, ...]
    guide: Guide | None


class Replanner:
    """Plans classes for which nothing has to be done but, perhaps, to let reloads begin at other times."""

    def __init__(self, load_times: LoadTimes) -> None:
        self._load_times = load_times
        self._planned: dict[int, _Planned] = {}
        self.moved: set[int] = set()  # block times whose reloads the last look let begin at other times

    def plan(self, classes: Sequence[tuple[Watch, Needs]], caller: Caller, now: int) -> dict[int, Outlook]:
        """Plan the classes that are due, and move their reloads; block time -> what is to be expected of it."""
        outlooks: dict[int, Outlook] = {}
        began = time.monotonic()
        self.moved = set()
        self._planned = {
            watch.facts.id: self._planned[watch.facts.id] for watch, _ in classes if watch.facts.id in self._planned
        }
        for watch, needed, is_urgent in self._due(classes, now):
            if time.monotonic() - began > (_SECONDS_URGENT if is_urgent else _SECONDS):
                break
            id_ = watch.facts.id
            try:
                plan, outlook = self._plan(watch, needed, caller, now)
            except Refusal as refusal:  # another call is at work on it, or staff have closed it
                log.info("the reloads of block time %d could not be planned anew: %s", id_, refusal.text)
                continue
            except Exception:
                log.exception("the reloads of block time %d could not be planned anew", id_)
                continue
            before = self._planned.get(id_)
            guide = _of_both(plan.guide, before.guide if before else None)
            self._planned[id_] = _Planned(now, _state(needed.conditions), guide)
            if outlook:
                outlooks[id_] = outlook
        return outlooks

    def guided(self, watch: Watch) -> Watch:
        """The block time with what its last plan says (SPEC 9.2)."""
        planned = self._planned.get(watch.facts.id)
        return watch._replace(facts=watch.facts._replace(guide=planned.guide)) if planned else watch

    def _due(self, classes: Sequence[tuple[Watch, Needs]], now: int) -> list[tuple[Watch, Needs, bool]]:
        """The classes to be planned, and whether that is urgent: something has changed, or a reload begins soon.

        The urgent ones first, then those that have not been planned for the longest time.
        """
        if settings.VCL_RELOAD_POLICY != READY:
            return []
        due: list[tuple[bool, int, Watch, Needs]] = []
        for watch, needed in classes:
            seen, start = self._planned.get(watch.facts.id), watch.facts.block.start
            if now >= start or not watch.facts.computers or not needed.is_met or needed.waits_for_back_end:
                continue
            is_urgent = _begins(needed, now) or (seen is not None and seen.state != _state(needed.conditions))
            pause = _AGAIN_NEAR if start - now <= _NEAR else _AGAIN
            if is_urgent or seen is None or now - seen.at >= pause:
                due.append((is_urgent, seen.at if seen else 0, watch, needed))
        due.sort(key=lambda each: (not each[0], each[1]))
        return [(watch, needed, is_urgent) for is_urgent, _, watch, needed in due]

    def _plan(self, watch: Watch, needed: Needs, caller: Caller, now: int) -> tuple[Plan, Outlook | None]:
        target = watch.facts.target
        call = FillCall(watch.facts.id, target.ignore_privileges, machines=target.machines)
        plan = dry_run(call, caller, now, lambda _order: mending.mending_of(needed)).plan
        if not plan.moved:
            return plan, plan.outlook
        self.moved.add(watch.facts.id)
        return plan, mending.mend(watch, caller, self._load_times, times_only=True).outlook or plan.outlook


def _of_both(guide: Guide | None, before: Guide | None) -> Guide | None:
    """The guide; a load that is at work now may have waited as long as an earlier plan said."""
    if guide is None or before is None:
        return guide
    return guide._replace(longest_wait=max(guide.longest_wait, before.longest_wait))


def _state(conditions: Sequence[Condition]) -> tuple[object, ...]:
    return tuple((each.computer.id, each.kind, each.computer.facts.reload_state) for each in conditions)


def _begins(needed: Needs, now: int) -> bool:
    """Whether a reload that waits begins before the look after the next ones."""
    facts = (each.computer.facts for each in needed.conditions)
    return any(each.reload_state == RELOAD and (each.reload_start or 0) <= now + _SOON for each in facts)
