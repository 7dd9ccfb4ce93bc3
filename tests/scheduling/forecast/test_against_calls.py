"""The forecast against calls that are made one after another, each on the site as it is then, on random small sites."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import pytest
from hypothesis import event, given
from hypothesis import strategies as st

from scheduling.facts import Block, BlockComputer, Fleet, Image, Member, Site
from scheduling.forecast.engine import beside, forecast
from scheduling.forecast.facts import ClassAsked, ForecastFacts
from scheduling.plan import Plan
from scheduling.planner import make_plan
from tests.support.properties import PROFILE
from tests.support.sites import facts, ready
from tests.support.sites.facts import GROUP, HOUR, MINUTE
from tests.support.sites.random_facts import Case, cases

pytestmark = [pytest.mark.no_database, pytest.mark.once(on="sqlite")]

Policy = ready.ReadyPolicy | None

AHEAD = 6 * HOUR
POLICIES = [None, ready.ready(), ready.ready({1: 1, 2: 1, 3: 2}, is_mended=False)]


def asked(block: Block, now: int, *, ignore_privileges: bool) -> ClassAsked:
    """The class as the back end asks for it."""
    return ClassAsked(block, 1, "", max(block.start - AHEAD, now), ignore_privileges)


@PROFILE
@given(cases(), st.sampled_from(POLICIES))
def test_of_one_class_that_is_asked_for_now_it_is_the_plan_of_a_call(
    case: Case, policy: ready.ReadyPolicy | None
) -> None:
    site = replace(case.site, claimed=frozenset(), ready_policy=policy)
    call = make_plan(site, case.block, ignore_privileges=case.ignore_privileges)
    event(f"missing: {call.wanted - call.allocated}")
    class_ = ClassAsked(case.block, 1, "", site.now, case.ignore_privileges)
    (made,) = forecast(_facts(site, [class_], policy))
    assert (made.machines, made.had_before, made.stopped_by) == (call.allocated, call.had_before, call.stopped_by)
    own = [row.computer_id for row in site.block_computers if row.block_time_id == case.block.block_time_id]
    assert sorted(row.computer_id for row in made.computers) == sorted([*own, *_computers(call)])


# --- Several classes ------------------------------------------------------------------------------


@dataclass(frozen=True)
class Term:
    """A site and its classes."""

    site: Site
    classes: Sequence[ClassAsked]
    members: dict[int | None, Sequence[Member]]


@st.composite
def terms(draw: st.DrawFn) -> Term:
    """Up to five classes of the images of a case, whose hours meet, touch or lie days apart."""
    case = draw(cases())
    site = replace(case.site, claimed=frozenset(), ready_policy=draw(st.sampled_from(POLICIES)))
    classes = []
    for number in range(draw(st.integers(2, 5))):
        start = case.block.start + draw(st.sampled_from([0, 0, 15, 30, 60, 110, 120, 125, 180, 600, 1440])) * MINUTE
        end = start + draw(st.sampled_from([60, 120, 120, 300])) * MINUTE
        images = list(case.block.images) if draw(st.booleans()) else [draw(st.sampled_from(case.block.images))]
        id_ = case.block.block_time_id if not number else 600 + number
        group = draw(st.sampled_from([GROUP, GROUP, GROUP + 1, None]))
        block = Block(id_, start, end, group, images, draw(st.integers(1, 4)))
        if not number:
            block = replace(case.block, machines=block.machines)
        classes.append(asked(block, site.now, ignore_privileges=draw(st.booleans())))
    members: dict[int | None, Sequence[Member]] = {GROUP: site.members, GROUP + 1: site.members[:1]}
    return Term(site, sorted(classes, key=lambda each: each.turn), members)


@PROFILE
@given(terms())
def test_of_several_classes_it_is_what_calls_one_after_another_give(term: Term) -> None:
    made = forecast(_facts(term.site, term.classes, term.site.ready_policy, term.members))
    for each, had, call in zip(made, *_calls(term), strict=True):
        event(f"missing: {call.wanted - call.allocated}")
        assert (each.asked, each.machines, each.had_before) == (had, call.allocated, call.had_before)


@PROFILE
@given(terms())
def test_a_further_class_takes_no_machine_from_any_other(term: Term) -> None:
    known = _facts(term.site, term.classes, term.site.ready_policy, term.members)
    further = term.classes[0].block
    made = forecast(replace(known, classes=term.classes[1:]))
    more = beside(replace(known, classes=term.classes[1:]), made, further, ignore_privileges=True)
    assert (more.asked.id, more.had_before) == (0, 0)
    assert 0 <= more.machines <= further.machines
    for row in more.computers:
        for other in (row for each in made for row in each.computers):
            shares = other.computer_id == row.computer_id
            assert not (shares and other.reload_start < row.end and row.reload_start < other.end)


def _facts(
    site: Site, classes: Sequence[ClassAsked], policy: Policy,
    members: dict[int | None, Sequence[Member]] | None = None,
) -> ForecastFacts:  # fmt: skip
    """The facts of a site whose images all load alike."""
    images = {image.id: image for each in classes for image in each.block.images}
    return ForecastFacts(
        site=replace(site, members=(), load_seconds=0),
        classes=classes,
        until=site.now + 7 * 24 * HOUR,
        members={GROUP: site.members} if members is None else members,
        load_seconds=dict.fromkeys(images, site.load_seconds),
        models=dict.fromkeys(images, policy.model) if policy else {},
    )


def _computers(plan: Plan) -> list[int]:
    return [each.computer.id for machine in plan.machines for each in machine.assignments]


# --- Calls one after another, the slow way ---------------------------------------------------------


def _calls(term: Term) -> tuple[list[ClassAsked], list[Plan]]:
    """The plan of the call for each class, on a site that is put together anew for it."""
    rows = list(term.site.block_computers)
    plans = []
    for each in term.classes:
        site = _site_of(term, rows, each)
        plan = make_plan(site, each.block, ignore_privileges=each.ignore_privileges)
        rows += _rows(each.block, plan)
        plans.append(plan)
    return list(term.classes), plans


def _site_of(term: Term, rows: Sequence[BlockComputer], class_: ClassAsked) -> Site:
    """The site when a class is asked for, with what the others have got before."""
    site, now = term.site, class_.asked_at
    later = now > site.now
    orphans = [each for each in site.orphans if not later or (each.end or each.start + 30 * MINUTE) > now]
    return replace(
        site,
        now=now,
        computers=Fleet.of_rows(_computers_then(term, rows, now)),
        reservations=[each for each in site.reservations if not later or each.end > now],
        block_computers=[each for each in rows if not later or each.end > now],
        orphans=orphans,
        management_nodes=[
            node._replace(last_checkin=node.last_checkin and node.last_checkin + now - site.now)
            for node in site.management_nodes
        ],
        members=term.members.get(class_.block.group_id, ()),
        recent_failures=site.recent_failures if now - site.now < 90 * MINUTE else None,
    )


def _computers_then(term: Term, rows: Sequence[BlockComputer], now: int) -> Iterator[facts.Computer]:
    site = term.site
    images: dict[tuple[int, int], Image] = {
        (each.id, image.id): image for each in term.classes for image in each.block.images
    }
    for computer in site.computers.values():
        state = computer.state
        if now > site.now and state in ("inuse", "timeout", "reloading", "reserved"):
            state = "available"
        loaded = [
            (max(row.reload_start + site.load_seconds, site.now + 1), place, images[row.block_time_id, row.image_id])
            for place, row in enumerate(rows)
            if row.computer_id == computer.id and (row.block_time_id, row.image_id) in images
        ]
        over = [each for each in sorted(loaded, key=lambda each: each[:2]) if each[0] <= now]
        if over:
            image = over[-1][2]
            ram = computer.loaded_ram if computer.vm_host_id is None else image.min_ram
            computer = computer._replace(revision_id=image.revision_id, loaded_ram=ram)
        yield computer._replace(state=state)


def _rows(block: Block, plan: Plan) -> list[BlockComputer]:
    return [
        facts.block_computer(
            each.computer.id, block.start, block.end, block_time_id=block.block_time_id, image_id=each.image.id,
            image_ram=each.image.min_ram, reload_start=min(machine.reload.start, block.start),
            group_id=block.group_id,
        )
        for machine in plan.machines
        for each in machine.assignments
    ]  # fmt: skip
