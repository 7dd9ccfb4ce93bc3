"""Reads what a forecast rests on, in a fixed number of statements, whatever the number of classes.

The statements are those of a call (store.snapshot), for several images, user groups and weeks at once.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import NamedTuple

from django.conf import settings

from blockalloc.site_time import site_zone
from blockalloc.store import capacity, inventory, links, load_models, loads, promises, rows, times, watched
from blockalloc.store.capacity import ReadCapacity
from blockalloc.store.inventory import Inventory
from blockalloc.store.kept_models import Wanted
from blockalloc.store.promises import Promises
from blockalloc.store.rows import ImageRow
from blockalloc.store.sql import Rows, fetch_together
from blockalloc.store.watched import BlockTimeRow
from scheduling.block_status import BlockStatus
from scheduling.facts import Block, Fleet, Image, Site
from scheduling.forecast.facts import AskedBy, ClassAsked, ForecastFacts
from scheduling.load_time.model import LoadModel
from scheduling.readiness import ASKED_AHEAD
from scheduling.reasons import Reason
from scheduling.reloads.places import Places
from scheduling.reloads.policy import READY, ReadyPolicy
from scheduling.upkeep.target import RecordedCall, Target, target
from scheduling.vcl_names import SYSTEM_USER
from scheduling.windows import DAY, HOUR, MINUTE

# What SQL narrows by is wider than what the rules look at: see store.snapshot.
_SLACK = 6 * HOUR
_BEFORE = DAY  # classes that end so long before the first that counts leave nothing behind that it could miss
_MODELS_AT_ONCE = 100  # images; SQLite joins no more than 500 SELECTs

NOT_ASKED = Reason("not_asked", "it has been allocated, and keep_ready does not run")
NO_IMAGE = Reason("no_image", "its image is deleted or has no production revision")
NO_MEMBERS = Reason("no_members", "its user group has no members")


class _Class(NamedTuple):
    """A class with its images (the main one first) and the machines that it is to have."""

    row: BlockTimeRow
    start: int
    end: int
    images: Sequence[ImageRow]
    target: Target


def read(now: int, until: int, *, first: int | None = None, further: Sequence[ClassAsked] = ()) -> ForecastFacts:
    """What is known of all classes that are on or to come and begin before `until` (Unix seconds).

    With `first`, only what matters to classes from then on. `further` are classes that are not there yet: their images,
    user groups and load times are read too, but they are not among the classes. To be called in a transaction, so that
    all of it is of one moment where the database provides for that.
    """
    since = now if first is None else max(now, first - _BEFORE)
    classes = _classes(now, since, until)
    groups = {each.row.group_id for each in classes} | {each.block.group_id for each in further}
    last = max([until, *(each.end for each in classes), *(each.block.end for each in further)])
    stock, computers, promised, may = _read_together(groups, now, since, last)
    asked = [_asked(each, stock, now, is_mended=may.is_mended) for each in classes]
    planned = [*asked, *further]
    images = {image.id: image for each in planned for image in each.block.images}
    linked, caller_id = _linked(planned, images, stock, now)
    seconds = loads.estimates({image.id: image.reload_minutes for image in images.values()}, now)
    models = _models([each.block.images[0] for each in planned], now, may) if _is_ready() else {}
    site = Site(
        now=now,
        zone=site_zone(),
        computers=computers,
        group_computers=stock.group_computers,
        image_groups=linked.image_groups,
        node_groups=linked.node_groups,
        mapped_groups=stock.mapped_groups,
        schedule_times=linked.schedule_times,
        install_types=linked.install_types(images.values()),
        management_nodes=stock.nodes,
        maintenances=promised.maintenances,
        reservations=promised.reservations,
        block_computers=promised.block_computers,
        orphans=promised.orphans,
        claimed=frozenset(),
        load_seconds=0,
        reload_user_id=linked.reload_user,
        caller_id=caller_id,
        recent_failures=linked.recent_failures,
        privileges=linked.privileges,
        ready_policy=_policy(may) if _is_ready() else None,
    )
    members = {group: linked.members(people) for group, people in stock.people.items()}
    return ForecastFacts(site, sorted(asked, key=lambda each: each.turn), until, members, seconds, models)


def _is_ready() -> bool:
    return bool(settings.VCL_RELOAD_POLICY == READY)


# --- Classes --------------------------------------------------------------------------------------


def _classes(now: int, since: int, until: int) -> list[_Class]:
    """The classes that take place, by three statements. One whose image is gone altogether can't be planned."""
    found = [
        (row, times.from_local(row.start) or 0, times.from_local(row.end) or 0)
        for row in watched.upcoming(now, until - now)
    ]
    due = [
        (row, start, end)
        for row, start, end in found
        if start < until and end > since and _status(row, end).is_current_or_upcoming(now)
    ]
    images = rows.images_of({row.image_id for row, _, _ in due})
    calls = watched.calls([row.id for row, _, _ in due])
    return [
        _Class(row, start, end, images[row.image_id], _target(row, calls.get(row.id, ())))
        for row, start, end in due
        if row.image_id in images
    ]


def _status(row: BlockTimeRow, end: int) -> BlockStatus:
    return BlockStatus(bool(row.skip), row.status, end, times.from_local(row.expires) or 0)


def _target(row: BlockTimeRow, calls: Iterable[RecordedCall]) -> Target:
    """What the class is to have. The back end asks for all machines of the request, whatever was asked before."""
    return target(calls if row.processed else (), row.machines)


def _asked(each: _Class, stock: Inventory, now: int, *, is_mended: bool) -> ClassAsked:
    row, wanted = each.row, each.target
    block = Block(row.id, each.start, each.end, row.group_id, [image.image for image in each.images], wanted.machines)
    by, ahead = _asked_by(is_processed=bool(row.processed), is_mended=is_mended)
    refused: Reason | None = None
    if any(image.deleted or not image.image.revision_id for image in each.images):
        refused = NO_IMAGE
    elif not (wanted.ignore_privileges or stock.people.get(row.group_id)):
        refused = NO_MEMBERS
    elif row.processed and not is_mended:
        refused = NOT_ASKED
    asked_at = max(each.start - ahead, now)
    ignore = wanted.ignore_privileges
    return ClassAsked(block, row.request_id, row.name, asked_at, ignore, by, refused, row.machines)


def _asked_by(*, is_processed: bool, is_mended: bool) -> tuple[AskedBy, int]:
    """Who asks for a class's machines next, and how many seconds before its start."""
    looks_ahead = settings.VCL_KEEP_READY_HOURS * HOUR
    if is_mended and (is_processed or looks_ahead > ASKED_AHEAD):
        return "keep_ready", looks_ahead
    return "back end", ASKED_AHEAD


# --- The site -------------------------------------------------------------------------------------


def _read_together(
    groups: Iterable[int | None], now: int, since: int, last: int
) -> tuple[Inventory, Fleet, Promises, ReadCapacity]:
    """What a call reads together too: computers, groups, nodes, members, what is promised, places for loads."""
    computers: Fleet
    stock: Inventory
    promised: Rows
    may: Rows
    computers, stock, promised, may = fetch_together(
        [
            (inventory.COMPUTERS, Fleet.of_rows),
            (inventory.select(groups, now), inventory.from_rows),
            (promises.select(since - _SLACK, last + _SLACK, now, ""), list),  # from_rows sends statements of its own
            (capacity.select(), list),
        ]
    )
    return stock, computers, promises.from_rows(promised, now, now, ""), capacity.from_rows(may, now)


def _linked(
    asked: Sequence[ClassAsked], images: Collection[int], stock: Inventory, now: int
) -> tuple[links.Links, int]:
    """What rows of two tables together say of images, nodes and the people who count; and the calling account."""
    caller_id = rows.user_id(*SYSTEM_USER) or 0
    groups = {each.block.group_id for each in asked if not each.ignore_privileges}
    people = {id_ for group in groups for id_, _name in stock.people.get(group, ())}
    image_ids = sorted(images)
    parts = [*links.site_parts(image_ids), links.recent_part(now, [caller_id, *sorted(people)], image_ids)]
    if people:
        parts += links.privilege_parts(people)
    return links.read(parts), caller_id


# --- Loads ----------------------------------------------------------------------------------------


def _policy(may: ReadCapacity) -> ReadyPolicy:
    """The policy without a model: each image has its own."""
    places = Places(may.capacity)
    return ReadyPolicy(LoadModel.always(10 * MINUTE), places, settings.VCL_READY_TARGET, is_mended=may.is_mended)


def _models(images: Iterable[Image], now: int, may: ReadCapacity) -> Mapping[int, LoadModel]:
    """The load models of images; one statement or two for a hundred of them."""
    wanted = {image.id: Wanted(image.revision_id, image.reload_minutes) for image in images}
    models: dict[int, LoadModel] = {}
    for place in range(0, len(wanted), _MODELS_AT_ONCE):
        some = dict([*wanted.items()][place : place + _MODELS_AT_ONCE])
        models |= load_models.models(some, now, may.capacity)
    return models
