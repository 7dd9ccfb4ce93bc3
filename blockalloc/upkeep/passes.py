"""One look at all block times of the next hours: read, decide, act, record (SPEC 9)."""

import logging
import time
from collections import Counter
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from functools import partial

from django.conf import settings

from blockalloc import clock
from blockalloc.allocation import service
from blockalloc.contract.messages import Caller, Refusal
from blockalloc.measures import looks as measures
from blockalloc.notifications import observing
from blockalloc.site_time import site_zone
from blockalloc.store import claims, kept_models, watches
from blockalloc.upkeep import classes, holding, loads, mending, reading, spares, trust
from blockalloc.upkeep.actions import Action
from blockalloc.upkeep.broken_images import hold_back
from blockalloc.upkeep.classes import ClassLook
from blockalloc.upkeep.leftovers import let_go
from blockalloc.upkeep.planning import Replanner
from blockalloc.upkeep.reading import LoadTimes, Watch
from scheduling.machines import whole_machines
from scheduling.reloads.outlook import Outlook
from scheduling.upkeep.broken_image import ImageStop
from scheduling.upkeep.condition import Kind
from scheduling.upkeep.needs import Holding, Needs, at_risk, needs
from scheduling.upkeep.needs import holding as holding_of
from scheduling.upkeep.spares import spares as spares_of
from scheduling.upkeep.trust import Trust
from scheduling.windows import HOUR, MINUTE

log = logging.getLogger(__name__)

DOOR = "keep_ready"
_LAST_SAID = 30 * MINUTE  # before the start: what is said later than that does not help anybody


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
    """Looks again and again; load times and models of images are kept for some minutes from one look to the next."""

    def __init__(self) -> None:
        self._load_times = LoadTimes()
        self._load_models: kept_models.Models = {}
        self._replanner = Replanner(self._load_times)
        self._outlooks: dict[int, Outlook] = {}
        self._doubt = ""

    def look(self) -> PassReport:
        """One look. Raises DatabaseError when the database does not answer, LookupError when it is none of VCL's."""
        began, outcome = time.monotonic(), measures.Outcome.FAILED
        try:
            report = self._look()
            outcome = measures.Outcome.IN_DOUBT if report.doubt else measures.Outcome.DONE
        finally:
            measures.count(outcome, time.monotonic() - began)
        return report

    def _look(self) -> PassReport:
        began, now = time.monotonic(), clock.now()
        seen = trust.look(now)
        looks = self._looks(now)
        _observed(lambda: self._remember(looks, now))
        _observed(lambda: loads.note_loads(now))
        _observed(lambda: spares.note_complete([(each.watch, each.needed) for each in looks], now))
        self._outlooks = {}
        with kept_models.keeping(self._load_models):
            actions, held = ([], 0) if seen.doubt else self._act(looks, seen, now)
        if self._outlooks:
            last = [each.watch.facts.id for each in looks if each.watch.facts.block.start - now >= _LAST_SAID]
            _observed(lambda: watches.set_outlooks(self._outlooks, last, now))
        if not seen.doubt:
            _observed(lambda: classes.note_classes([_class_look(each) for each in looks], now))
            _observed(lambda: _remember_risks(looks, actions))
            # As it is now: what was done above may have taken a while.
            _observed(lambda: observing.observe(clock.now(), self._load_times.expected))
        elif seen.doubt != self._doubt:
            log.warning("keep_ready changes nothing: %s", seen.doubt)
        self._doubt = seen.doubt
        took = round((time.monotonic() - began) * 1000)
        trust.remember(seen, milliseconds=took, block_times=len(looks))
        return PassReport(now, took, seen.doubt, looks, actions, held)

    def _act(self, looks: Sequence[Looked], seen: Trust, now: int) -> tuple[list[Action], int]:
        """Change what has to be changed; what was done, and how many computers are held."""
        caller = service.system_caller(DOOR)
        claims.purge_expired(now)
        # First of all: a hold on a computer that is loaded by now keeps members of the class off it (SPEC 8.7).
        held = holding.hold(self._holding(looks, (), now))
        released = _let_go(seen, now)  # before classes that lack computers look for some
        stops = loads.image_stops({each.watch.facts.id: each.watch.facts.target.machines for each in looks}, now)
        actions = [
            *self._give_back(looks, caller, now),
            *_held_back(looks, stops, caller),
            *self._mend(looks, stops, caller, now),
        ]
        unhindered = [(each.watch, each.needed) for each in looks if _stop_of(each, stops) is None]
        planned = self._replanner.plan(unhindered, caller, now)
        self._outlooks |= planned
        # A plan may say that a computer has to be exchanged now; the first look of a process knows no earlier plan.
        anew = [
            self._looked(each.watch, now) for each in looks if each.watch.facts.id in planned and each.needed.is_met
        ]
        actions += self._mend(anew, stops, caller, now)
        if changed := {action.block_time_id for action in actions} | self._replanner.moved:
            held = holding.hold(self._holding(looks, changed, now))
        return [*released, *actions], held

    def _looks(self, now: int) -> list[Looked]:
        watches_ = reading.upcoming(now, settings.VCL_KEEP_READY_HOURS * HOUR, self._load_times)
        return [self._looked(watch, now) for watch in watches_]

    def _looked(self, watch: Watch, now: int) -> Looked:
        watch = self._replanner.guided(watch)
        return Looked(watch, needs(watch.facts, now, hours=settings.VCL_KEEP_READY_HOURS))

    def _holding(self, looks: Sequence[Looked], changed: Collection[int], now: int) -> Holding:
        """The holds; for a block time that was changed, by what it has now: its new reloads may begin at once."""
        facts = [(each.watch.facts, each.needed) for each in looks if each.watch.facts.id not in changed]
        for id_ in changed:
            if watch := reading.one(id_, now, self._load_times):
                facts.append((watch.facts, needs(watch.facts, now, hours=settings.VCL_KEEP_READY_HOURS)))
        held = {each.id for look in looks for each in look.watch.facts.computers if each.held}
        return holding_of(facts, now, held)

    @staticmethod
    def _remember(looks: Sequence[Looked], now: int) -> None:
        new = [each.watch.facts.id for each in looks if each.watch.row.first_seen is None]
        processing: Mapping[int, int | None] = {
            each.watch.facts.id: each.watch.facts.processing_seen
            for each in looks
            if bool(each.watch.row.processing) != (each.watch.row.processing_seen is not None)
        }
        watches.see(new, processing, now)

    def _mend(self, looks: Sequence[Looked], stops: Mapping[int, ImageStop], caller: Caller, now: int) -> list[Action]:
        """Mend the block times that need it, but for those whose image fails to load."""
        return [
            action
            for each in looks
            if not each.needed.is_met
            and _stop_of(each, stops) is None
            and mending.is_worth_trying(each.watch, now)
            and (action := _tried(each.watch, lambda watch: self._mended(watch, caller)))
        ]

    def _give_back(self, looks: Sequence[Looked], caller: Caller, now: int) -> list[Action]:
        """Give spares back that are not needed any more, or that another class needs."""
        due = spares.to_be_given_back([(each.watch, each.needed) for each in looks], now)
        work = partial(spares.give_back, caller=caller, load_times=self._load_times)
        return [action for watch, wanting in due if (action := _tried(watch, partial(work, wanting=wanting)))]

    def _mended(self, watch: Watch, caller: Caller) -> Action | None:
        mended = mending.mend(watch, caller, self._load_times)
        if mended.outlook:
            self._outlooks[watch.facts.id] = mended.outlook
        return mended.action


def _let_go(seen: Trust, now: int) -> list[Action]:
    """Let go of what is left over. That it fails must not keep the classes to come from anything."""
    try:
        return let_go(now, seen)
    except Exception:
        log.exception("what is left over could not be removed")
        return []


def _held_back(looks: Sequence[Looked], stops: Mapping[int, ImageStop], caller: Caller) -> list[Action]:
    """Hold the loads of images back that fail."""
    if not stops:
        return []
    reasons = loads.reasons(stops.values())
    affected = [(each, stop) for each in looks if (stop := _stop_of(each, stops))]
    return [
        action
        for each, stop in affected
        if (action := _tried(each.watch, partial(hold_back, stop=stop, why=reasons[stop.image_id], caller=caller)))
    ]


def _stop_of(each: Looked, stops: Mapping[int, ImageStop]) -> ImageStop | None:
    """Why nothing is to be loaded for the block time."""
    theirs = [stops[image] for image in each.watch.image_ids if image in stops]
    return max(theirs, key=lambda stop: stop.stopped, default=None)


def _tried(watch: Watch, work: Callable[[Watch], Action | None]) -> Action | None:
    """What `work` does; None when it fails: the other block times must not suffer, and the next look tries again."""
    id_ = watch.facts.id
    try:
        return work(watch)
    except Refusal as refusal:  # another call is at work on it, or staff have closed it
        log.info("block time %d could not be put right: %s", id_, refusal.text)
    except Exception:
        log.exception("block time %d could not be put right", id_)
    return None


def _remember_risks(looks: Sequence[Looked], actions: Sequence[Action]) -> None:
    """What staff are to know about classes that nothing was done for: which computers may be late, and why."""
    changed = {action.block_time_id for action in actions}
    zone, target = site_zone(), settings.VCL_READY_TARGET
    texts = {
        each.watch.facts.id: at_risk(each.needed, zone, is_sure=(each.watch.row.sure or 0.0) >= target)
        for each in looks
        if each.watch.facts.id not in changed
    }
    texts |= dict.fromkeys(changed, "")
    before = {each.watch.facts.id: each.watch.row.at_risk or "" for each in looks}
    watches.set_at_risk({id_: text for id_, text in texts.items() if id_ in before and text != before[id_]})


def _observed(work: Callable[[], object]) -> None:
    """Note something that was seen. That it can't be noted must not keep the look from what has to be done."""
    try:
        work()
    except Exception:
        log.exception("what was seen could not be noted")


def _class_look(each: Looked) -> ClassLook:
    facts, needed = each.watch.facts, each.needed
    computers = Counter(condition.computer.facts.image_id for condition in needed.conditions)
    ready = Counter(each.computer.facts.image_id for each in needed.conditions if each.kind is Kind.READY)
    images, block = facts.block.image_ids, facts.block
    had = whole_machines(images, computers) - spares_of(facts)
    ready_of_these = min(whole_machines(images, ready), had)
    return ClassLook(facts.id, block.start, block.end, facts.target.machines, had, ready_of_these)


def run_pass() -> PassReport:
    """One look, with nothing kept from an earlier one. Raises DatabaseError when the database does not answer."""
    return Keeper().look()
