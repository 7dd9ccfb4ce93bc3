"""The forecast: all classes to come planned one after the other, each at the moment at which it will be asked for."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace

from scheduling.bookings import Bookings
from scheduling.facts import Block, BlockComputer, Site
from scheduling.forecast.facts import ClassAsked, ClassForecast, ForecastFacts
from scheduling.forecast.moments import Moments
from scheduling.forecast.timing import ForecastTiming
from scheduling.machines import whole_machines
from scheduling.mending import Mending
from scheduling.occupancy import occupied_from
from scheduling.plan import Plan
from scheduling.planner import make_plan
from scheduling.readiness import ASKED_AHEAD
from scheduling.reasons import Reason
from scheduling.remedies import in_the_way
from scheduling.shared import Shared
from scheduling.upkeep.needs import is_too_late
from scheduling.vcl_names import ACCEPTED
from scheduling.windows import DAY, WEEK

TOO_LATE = Reason("too_late", "computers that are loaded now would be ready in its second half")


def forecast(facts: ForecastFacts, shared: Shared | None = None) -> list[ClassForecast]:
    """What each class to come will get, in the order of `facts.classes`.

    They are planned as they will be asked for (`ClassAsked.turn`), by the planner of calls, on the site of that moment.
    `shared` is what other forecasts on the same site have worked out already.
    """
    moments, shared = Moments(facts), shared or Shared(facts.site)
    planned: dict[int, ClassForecast] = {}
    for place, asked in sorted(enumerate(facts.classes), key=lambda each: each[1].turn):
        planned[place], new = _planned(asked, moments.at(asked.asked_at, asked.block), moments.bookings, shared)
        moments.add(new)
    return [planned[place] for place in range(len(facts.classes))]


def beside(
    facts: ForecastFacts, planned: Sequence[ClassForecast], block: Block, *, ignore_privileges: bool,
    shared: Shared | None = None,
) -> ClassForecast:  # fmt: skip
    """What one more class could have, none of whose machines is taken from any class in `planned`."""
    return Beside(facts, planned, shared).of(block, ignore_privileges=ignore_privileges)


class Beside:
    """What further classes could have beside those that are planned, each as if it were the only one."""

    def __init__(self, facts: ForecastFacts, planned: Sequence[ClassForecast], shared: Shared | None = None) -> None:
        classes = {each.asked.id for each in planned}
        others = [row for row in facts.site.block_computers if row.block_time_id not in classes]
        rows = [*others, *(row for each in planned for row in each.computers)]
        self._facts = replace(facts, site=replace(facts.site, block_computers=rows))
        self._shared = shared or Shared(facts.site)

    def of(self, block: Block, *, ignore_privileges: bool) -> ClassForecast:
        """What a class could have that is made anew: the id of its block time is 0."""
        block = replace(block, block_time_id=0)
        asked_at = max(block.start - ASKED_AHEAD, self._facts.site.now)
        asked = ClassAsked(block, 0, "", asked_at, ignore_privileges)
        moments = Moments(self._facts_near(asked_at, block.end))
        made, _new = _planned(asked, moments.at(asked_at, block), moments.bookings, self._shared)
        return made

    def _facts_near(self, moment: int, end: int) -> ForecastFacts:
        """The facts without what is long over then and what comes later: a term has tens of thousands of rows.

        Classes of a week before are left, for what computers have loaded.
        """
        site = self._facts.site
        rows = [row for row in site.block_computers if row.end > moment - WEEK and row.reload_start < end + DAY]
        return replace(self._facts, site=replace(site, block_computers=rows))


def _planned(
    asked: ClassAsked, site: Site, bookings: Bookings, shared: Shared
) -> tuple[ClassForecast, list[BlockComputer]]:
    """What a class will get, and the computers among it that are new."""
    id_ = asked.id
    own = [row for row in site.block_computers if row.block_time_id == id_]
    had = whole_machines(asked.block.image_ids, Counter(row.image_id for row in own))
    stopped_by = _not_planned(asked, site)
    if had >= asked.block.machines or stopped_by is not None:
        fit = len(shared.fit(asked.block.images[0]).ids)
        machines = min(had, asked.block.machines)
        return ClassForecast(
            asked, machines, had, fit, stopped_by if machines < asked.block.machines else None, computers=own
        ), []
    mending = Mending() if asked.asked_by == "keep_ready" else None
    plan = make_plan(
        site, asked.block, ignore_privileges=asked.ignore_privileges, mending=mending, shared=shared, bookings=bookings,
        ready_timing=ForecastTiming, is_explained=False,
    )  # fmt: skip
    new = _rows(asked.block, plan)
    return _said(asked, plan, [*own, *new], site, shared), new


def _not_planned(asked: ClassAsked, site: Site) -> Reason | None:
    """Why a class will get no more computers than it has, whatever is free."""
    block = asked.block
    if asked.refused is not None:
        return asked.refused
    if asked.asked_by == "keep_ready" and is_too_late(block.start, block.end, site.load_seconds, site.now):
        return TOO_LATE
    return None


def _said(asked: ClassAsked, plan: Plan, rows: Sequence[BlockComputer], site: Site, shared: Shared) -> ClassForecast:
    """The plan of a class as a forecast."""
    fit = len(shared.fit(asked.block.images[0]).ids)
    if plan.allocated >= plan.wanted:
        return ClassForecast(asked, plan.allocated, plan.had_before, fit, is_late=plan.late, computers=rows)
    taken = {row.computer_id for row in rows}
    lost = Counter(reason.rule for reason in plan.excluded.values())
    rest = sum(id_ not in plan.excluded and id_ not in taken for id_ in site.computers)
    lost[plan.default_reason.rule] += rest
    return ClassForecast(
        asked, plan.allocated, plan.had_before, fit, plan.stopped_by, in_the_way(plan), +lost, plan.late, rows
    )


def _rows(block: Block, plan: Plan) -> list[BlockComputer]:
    """The computers that a plan takes, as rows of `blockComputers`."""
    return [
        BlockComputer(
            block_time_id=block.block_time_id,
            computer_id=each.computer.id,
            image_id=each.image.id,
            image_ram=each.image.min_ram,
            start=block.start,
            end=block.end,
            reload_start=occupied_from(block.start, machine.reload.start, None, plan.load_seconds),
            group_id=block.group_id,
            skip=0,
            status=ACCEPTED,
        )
        for machine in plan.machines
        for each in machine.assignments
    ]
