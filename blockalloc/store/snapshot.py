"""Reads what a plan rests on: a fixed number of set-based statements, whatever the size of the site."""

from collections.abc import Collection, Iterable
from dataclasses import dataclass, replace

from django.conf import settings

from blockalloc.site_time import site_zone
from blockalloc.store import awaited, capacity, inventory, links, load_models, loads, promises
from blockalloc.store.capacity import ReadCapacity
from blockalloc.store.inventory import Inventory
from blockalloc.store.kept_models import Wanted
from blockalloc.store.promises import Only, Promises
from blockalloc.store.sql import Rows, fetch, fetch_together
from scheduling.facts import Block, Fleet, Image, Reservation, Site
from scheduling.host_memory import VMWARE
from scheduling.reload_plan import ADOPTED_RELOAD_MARGIN, RELOAD_MARGIN, stagger
from scheduling.reloads import traffic
from scheduling.reloads.policy import READY, SPARES, ReadyPolicy
from scheduling.windows import HOUR

# What SQL narrows by is wider than what the rules look at: local times may be off by a change of
# the clock, and margins of 15 to 30 minutes count on both sides.
SLACK = 3 * HOUR
_FIRST_LOAD = 6 * HOUR  # before the start: no load begins earlier


@dataclass(frozen=True, slots=True)
class Question:
    """What a snapshot is read for. `now` is the time of the call, `read_at` that of this transaction."""

    block: Block
    now: int
    read_at: int
    caller_id: int
    call_id: str
    ignore_privileges: bool


def load_seconds(image: Image, now: int) -> int:
    """How long the image takes to load, by the loads of the last 12 months (SPEC 6)."""
    return loads.estimates({image.id: image.reload_minutes}, now)[image.id]


@dataclass(frozen=True, slots=True)
class Snapshot:
    """The facts for a plan as they were at `read_at`, and what others have promised (see Promises).

    `rosters`: the rosters that the record of this call may refer to.
    """

    read_at: int
    site: Site
    promises: Promises
    rosters: frozenset[int] = frozenset()


def read(question: Question) -> Snapshot:
    """All facts for a plan, read in the guard's transaction."""
    block = question.block
    seconds = load_seconds(block.images[0], question.now)
    window = _window(question, seconds, block.start)
    computers: Fleet
    stock: Inventory
    promised_rows: Rows
    more: list[Rows]
    select_promises = promises.select(*window, question.read_at, question.call_id)
    ready = settings.VCL_RELOAD_POLICY == READY
    computers, stock, promised_rows, *more = fetch_together(
        [
            (inventory.COMPUTERS, Fleet.of_rows),
            (inventory.select([block.group_id], question.now), inventory.from_rows),
            (select_promises, list),  # promises.from_rows sends statements of its own
            *([(capacity.select(), list)] if ready else []),
        ]
    )
    promised = promises.from_rows(promised_rows, question.read_at, question.now, question.call_id)
    members = stock.people.get(block.group_id, ())
    people = {id_ for id_, _ in members}
    if _first_start(question, people, promised.reservations) < block.start:
        promised = _promises(question, seconds, people, promised.reservations)
    linked = _linked(question, people)
    site = Site(
        now=question.now,
        zone=site_zone(),
        computers=computers,
        group_computers=stock.group_computers,
        image_groups=linked.image_groups,
        node_groups=linked.node_groups,
        mapped_groups=stock.mapped_groups,
        schedule_times=linked.schedule_times,
        install_types=linked.install_types(block.images),
        management_nodes=stock.nodes,
        maintenances=promised.maintenances,
        reservations=promised.reservations,
        block_computers=promised.block_computers,
        orphans=promised.orphans,
        claimed=promised.claimed,
        load_seconds=seconds,
        reload_user_id=linked.reload_user,
        members=linked.members(members),
        caller_id=question.caller_id,
        recent_failures=linked.recent_failures,
        privileges=linked.privileges,
    )
    if more:
        site = _with_policy(site, block, capacity.from_rows(more[0], question.now))
    return Snapshot(question.read_at, site, promised, stock.rosters)


def _with_policy(site: Site, block: Block, read: ReadCapacity) -> Site:
    """The site with what a plan of policy `ready` rests on."""
    image = block.images[0]
    wanted = Wanted(image.revision_id, image.reload_minutes)
    model = load_models.model(image.id, wanted, site.now, read.capacity)
    places = traffic.places(site, block, read.capacity, model)
    policy = ReadyPolicy(model, places, settings.VCL_READY_TARGET, is_mended=read.is_mended)
    if settings.VCL_SPARES == SPARES:
        policy = replace(policy, spares=True, awaited=awaited.computers(block, site.now))
    return replace(site, ready_policy=policy)


def _linked(question: Question, people: Collection[int]) -> links.Links:
    """What rows of two tables together say about the block's images, the nodes and the people who count."""
    image_ids = sorted({image.id for image in question.block.images})
    who = [question.caller_id] if question.ignore_privileges else people
    parts = [*links.site_parts(image_ids), links.recent_part(question.now, who, image_ids)]
    if not question.ignore_privileges:
        parts += links.privilege_parts(who)
    return links.read(parts)


def read_again(site: Site, question: Question, only: Only | None = None, chosen: Collection[int] = ()) -> Snapshot:
    """The same site with what others may have written meanwhile, or only what concerns `only`.

    A limit of concurrent use and the memory of a VM host depend on what others have: then all are read. What the
    `chosen` computers hold is read besides.
    """
    if any(image.max_concurrent is not None or image.install_type == VMWARE for image in question.block.images):
        only = None
    members = {member.id for member in site.members}
    promised = _promises(question, site.load_seconds, members, site.reservations, only, chosen)
    site = replace(
        site,
        reservations=promised.reservations,
        block_computers=promised.block_computers,
        orphans=promised.orphans,
        claimed=promised.claimed,
        maintenances=promised.maintenances,
    )
    return Snapshot(question.read_at, site, promised)


def _promises(
    question: Question,
    seconds: int,
    members: Collection[int],
    known: Iterable[Reservation] = (),
    only: Only | None = None,
    chosen: Collection[int] = (),
) -> Promises:
    """What is promised at any time that may matter to the plan.

    That is from the first reload on. A member's reservation that joins the block is reloaded before it begins: where
    one begins before the block, it is read again from there. `known` are reservations of an earlier look.
    """
    begin = _first_start(question, members, known)
    while True:
        select = promises.select(*_window(question, seconds, begin), question.read_at, question.call_id, only, chosen)
        rows = fetch(select.sql, select.params)
        promised = promises.from_rows(rows, question.read_at, question.now, question.call_id)
        earlier = _first_start(question, members, promised.reservations)
        if earlier >= begin:
            return promised
        begin = earlier


def _window(question: Question, seconds: int, begin: int) -> tuple[int, int]:
    """From the first reload that may be needed, when the first machine is used at `begin`, to the block's end."""
    lead = seconds + max(RELOAD_MARGIN, ADOPTED_RELOAD_MARGIN) + stagger(seconds) * question.block.machines
    low = begin - lead
    if settings.VCL_RELOAD_POLICY == READY:  # where places are few, loads begin hours before the start
        low = min(low, max(question.now, begin - _FIRST_LOAD))
    return low - SLACK, question.block.end + SLACK


def _first_start(question: Question, members: Collection[int], reservations: Iterable[Reservation]) -> int:
    """When the block begins, or a reservation of a member that may join it (SPEC 5)."""
    start, image = question.block.start, question.block.images[0]
    theirs = (each for each in reservations if each.image_id == image.id and each.user_id in members)
    return min((each.start for each in theirs if question.now < each.start < start < each.end), default=start)
