"""Nothing more is loaded of an image that fails to load: one broken image must not take down the site (SPEC 9.7)."""

from collections.abc import Mapping

from blockalloc import clock
from blockalloc.allocation.journal import Journal
from blockalloc.contract.messages import Caller
from blockalloc.models import Decision
from blockalloc.site_time import site_zone
from blockalloc.store import postponing, rows, watches
from blockalloc.store.guard import Deadline, guarded
from blockalloc.upkeep.actions import Action
from blockalloc.upkeep.reading import Watch
from scheduling.reasons import Reason
from scheduling.reload_plan import RELOAD_MARGIN
from scheduling.state_ids import RELOAD
from scheduling.upkeep.broken_image import ImageStop
from scheduling.windows import MINUTE

_SECONDS = 5.0  # to wait for other calls: the next look comes in a minute
# While an image is on probation, reloads that would begin before the look after the next are put off until then.
_PUT_OFF = 3 * MINUTE


def hold_back(watch: Watch, stop: ImageStop, why: Reason, caller: Caller) -> Action | None:
    """Let no reload of the image begin for this block time; None when nothing is new. Raises Refusal.

    Waiting reloads of a stopped image are withdrawn, those of one on probation put off for some minutes. The computers
    stay in the block time.
    """
    now = clock.now()
    waiting = _waiting(watch, stop.image_id)
    text = why.describe(site_zone())
    noted = f"image {stop.image_id} is stopped, revision {stop.revision_id}"  # however many loads have failed
    is_news = stop.stopped and noted != watch.row.noted
    if not ((waiting and (stop.stopped or _due(waiting, now))) or is_news):
        return None
    journal = Journal(Decision.KEEP_READY, caller, {"blockTimeid": watch.facts.id})

    def transaction() -> int | None:
        now = clock.now()
        if not stop.stopped:
            _put_off(watch, waiting, now)
            return None
        reloads = {computer: id_ for computer, (id_, _) in waiting.items()}
        postponing.withdraw_reloads(watch.facts.id, reloads, now)
        row = rows.block_time(watch.facts.id)
        if row is None or not is_news or not watches.note(row.id, noted, now):
            return None
        return journal.record_action(text, row, "warning")

    decision_id = guarded(transaction, Deadline(_SECONDS))
    journal.prune(decision_id)
    return Action(watch.facts.id, text, decision_id) if decision_id else None


def _waiting(watch: Watch, image_id: int) -> Mapping[int, tuple[int, int]]:
    """Computer -> its reload of the image that has not begun, and when that begins."""
    return {
        each.id: (each.reload_id, each.facts.reload_start or 0)
        for each in watch.facts.computers
        if each.facts.image_id == image_id and each.facts.reload_state == each.facts.reload_last_state == RELOAD
    }


def _due(waiting: Mapping[int, tuple[int, int]], now: int) -> list[int]:
    """The requests that would begin before the look after the next."""
    return [id_ for id_, start in waiting.values() if start < now + _PUT_OFF]


def _put_off(watch: Watch, waiting: Mapping[int, tuple[int, int]], now: int) -> None:
    start = now + _PUT_OFF
    block = watch.facts.block
    postponing.postpone(_due(waiting, now), start, max(block.start, start + block.load_seconds + RELOAD_MARGIN), now)
