"""What would bring a class more machines, tried on changed facts: each answer is that of a plan, none is a guess.

An example: a class of 20 has 17. With the 50 computers that another class does not use it could have all 20: a second
plan, with three of these, says that three are enough.
"""

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple

from scheduling.facts import Block, Site
from scheduling.forecast.timing import ForecastTiming
from scheduling.mending import Mending
from scheduling.occupancy import ORPHANED_RELOAD, OTHER_BLOCK
from scheduling.plan import Plan
from scheduling.planner import make_plan
from scheduling.reasons import BlockTimeId, RequestId

_FREE = "available"
_OUT_OF_SERVICE = frozenset({"maintenance", "failed"})


class Gain(NamedTuple):
    """How many machines more the class could have, and the computers that it would take for that, by id."""

    machines: int
    computers: Sequence[int]


NOTHING = Gain(0, ())


@dataclass(frozen=True, slots=True)
class Trial:
    """The plan of a class that lacks machines, and what it was made from: `site` is without computers given up."""

    site: Site
    block: Block
    mending: Mending | None
    ignore_privileges: bool
    plan: Plan

    @classmethod
    def of(cls, site: Site, block: Block, mending: Mending | None, *, ignore_privileges: bool) -> "Trial":
        """The trial of a class."""
        plan = _plan(site, block, mending, ignore_privileges=ignore_privileges)
        return cls(site, block, mending, ignore_privileges, plan)

    @property
    def missing(self) -> int:
        """How many machines the class lacks, even if the plan is carried out."""
        return self.plan.wanted - self.plan.allocated

    # --- What can be changed ----------------------------------------------------------------------

    def back_in_service(self) -> Gain:
        """With computers that are in maintenance or failed, as if they were put back in service."""
        given_up = self.mending.given_up if self.mending else {}
        # Of the class's own computers those count that were given up for their state.
        out = [
            id_
            for id_, state in self.site.computers.columns("id", "state")
            if state in _OUT_OF_SERVICE and (id_ in self.plan.excluded or id_ in given_up)
        ]
        return self._least(out, self._in_service)

    def without(self, block_time_id: int, computers: Sequence[int]) -> Gain:
        """With computers (ids) that another block time has, as if it had released them; the first ones are preferred.

        Only those count that are in the way for no other reason.
        """
        held = set(self.held_by(block_time_id))
        return self._least([id_ for id_ in computers if id_ in held], lambda ids: self._released(block_time_id, ids))

    def without_orphans(self) -> Gain:
        """As if the reloads that a class has left behind, and that have not begun, were withdrawn."""
        waiting = {each.request_id for each in self.site.orphans if each.end is None}
        held = [
            id_
            for id_, reason in self.plan.excluded.items()
            if reason.rule == ORPHANED_RELOAD and isinstance(reason.about, RequestId) and int(reason.about) in waiting
        ]
        return self._least(held, self._without_reloads)

    def held_by(self, block_time_id: int) -> list[int]:
        """The computers (ids) that another block time has, and that the class could have otherwise."""
        return [
            id_
            for id_, reason in self.plan.excluded.items()
            if reason.rule == OTHER_BLOCK
            and isinstance(reason.about, BlockTimeId)
            and int(reason.about) == block_time_id
        ]

    # --- Plans on changed facts ---------------------------------------------------------------------

    def _least(self, computers: Sequence[int], changed: Callable[[Collection[int]], "Trial"]) -> Gain:
        """What a change of these computers brings, and the fewest of them that bring it."""
        if not computers or not self.missing:
            return NOTHING
        all_ = changed(computers)
        gain = all_.plan.allocated - self.plan.allocated
        if gain <= 0:
            return NOTHING
        chosen = _chosen(all_.plan)
        taken = [id_ for id_ in computers if id_ in chosen]
        few = taken[: gain * len(self.block.images)]
        if len(few) < len(taken) and changed(few).plan.allocated >= all_.plan.allocated:
            taken = few
        return Gain(gain, taken)

    def _planned(self, site: Site, mending: Mending | None) -> "Trial":
        plan = _plan(site, self.block, mending, ignore_privileges=self.ignore_privileges)
        return replace(self, site=site, mending=mending, plan=plan)

    def _in_service(self, ids: Collection[int]) -> "Trial":
        mending = self.mending
        if mending:
            given_up = {id_: each for id_, each in mending.given_up.items() if id_ not in ids}
            mending = replace(mending, given_up=given_up)
        return self._planned(replace(self.site, computers=self.site.computers.with_state(ids, _FREE)), mending)

    def _released(self, block_time_id: int, ids: Collection[int]) -> "Trial":
        rows = [
            row for row in self.site.block_computers if row.block_time_id != block_time_id or row.computer_id not in ids
        ]
        return self._planned(replace(self.site, block_computers=rows), self.mending)

    def _without_reloads(self, ids: Collection[int]) -> "Trial":
        orphans = [each for each in self.site.orphans if each.end is not None or each.computer_id not in ids]
        return self._planned(replace(self.site, orphans=orphans), self.mending)


def _plan(site: Site, block: Block, mending: Mending | None, *, ignore_privileges: bool) -> Plan:
    """A plan by the policy of the site. Of many plans none has to say how sure it is, so no load is played."""
    return make_plan(site, block, ignore_privileges=ignore_privileges, mending=mending, ready_timing=ForecastTiming)


def _chosen(plan: Plan) -> set[int]:
    return {each.computer.id for machine in plan.machines for each in machine.assignments}
