"""Makes the facts that an inspection judges, of the rows that `store.inspection_rows` has."""

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping

from blockalloc.inspection.facts import BlockComputer, BlockTime, Facts, Planned, Reload, Request, Reservation
from blockalloc.models import LoadTime, PlannedReload
from blockalloc.store import inspection_rows, loads, times
from scheduling.state_ids import RELOAD
from scheduling.vcl_names import RELOAD_USER


def read(now: int, own_tables: Collection[str]) -> Facts:
    """All facts, in the caller's transaction. `own_tables` are those of this service that are there."""
    planned = _planned() if PlannedReload._meta.db_table in own_tables else {}
    return Facts(
        now=now,
        block_computers=_block_computers(now, planned, kept_loads=LoadTime._meta.db_table in own_tables),
        reservations=_reservations(now),
        reloads=_reloads(),
        members=_members(),
        production={int(image): int(revision) for image, revision in inspection_rows.production_revisions()},
        requests=_requests(),
        times=_times(),
        subimages=_subimages(),
        planned=planned,
    )


def _planned() -> dict[Planned, int]:
    return {
        Planned(row.block_time_id, row.computer_id, row.request_id): times.from_utc(row.start) or 0
        for row in inspection_rows.planned()
    }


def _block_computers(now: int, planned: Mapping[Planned, int], *, kept_loads: bool) -> list[BlockComputer]:
    block_computers = [
        BlockComputer(
            block_time_id=row.block_time_id,
            computer_id=row.computer_id,
            image_id=row.image_id,
            reload_id=row.reload_id,
            hostname=row.hostname,
            image_name=row.image_name,
            revision_id=row.revision_id,
            request_id=row.request_id,
            block=row.block,
            group_id=row.group_id,
            status=row.status,
            skip=row.skip,
            start=times.from_local(row.start) or 0,
            end=times.from_local(row.end) or 0,
            reload_start=times.from_local(row.reload_start),
            reload_state=row.reload_state,
            reload_asked=times.from_local(row.reload_asked) or 0,
            planned=planned.get(Planned(row.block_time_id, row.computer_id, row.reload_id)),
        )
        for row in inspection_rows.block_computers()
    ]
    seconds = _load_seconds(block_computers, now, kept=kept_loads)
    return [each._replace(load_seconds=seconds.get(each.image_id, 0)) for each in block_computers]


def _load_seconds(block_computers: Iterable[BlockComputer], now: int, *, kept: bool) -> dict[int, int]:
    """How long images load, of those of which nothing else says from when on a computer is taken."""
    images = {
        each.image_id
        for each in block_computers
        if each.reload_start is None and each.planned is None and each.end > now
    }
    minutes = {id_: int(minutes) for id_, minutes in inspection_rows.reload_minutes() if id_ in images}
    return loads.estimates(minutes, now, kept=kept)


def _reservations(now: int) -> dict[int, list[Reservation]]:
    reservations: dict[int, list[Reservation]] = defaultdict(list)
    for row in inspection_rows.reservations(now):
        instants = {"start": times.from_local(row.start) or 0, "end": times.from_local(row.end) or 0}
        reservations[row.computer_id].append(Reservation(**{**row._asdict(), **instants}))
    return reservations


def _reloads() -> dict[int, Reload]:
    reloads: dict[int, Reload] = {}
    computers: dict[int, list[tuple[int, int, str]]] = defaultdict(list)
    for row in inspection_rows.reloads():
        if row.computer_id is not None and row.image_id is not None:
            computers[row.request_id].append((row.computer_id, row.image_id, row.hostname))
        if row.request_id not in reloads:
            states, user = (row.state_id, row.last_state_id), (row.user, row.affiliation)
            reloads[row.request_id] = Reload(
                id=row.request_id,
                waiting=states == (RELOAD, RELOAD) and user == RELOAD_USER,
                preload=row.preload,
                start=times.from_local(row.start) or 0,
                end=times.from_local(row.end) or 0,
                requested=times.latest_from_local(row.asked) or 0,
                computers=computers[row.request_id],
            )
    return reloads


def _members() -> dict[int, frozenset[int]]:
    members: dict[int, set[int]] = defaultdict(set)
    for group, user in inspection_rows.members():
        members[group].add(user)
    return {group: frozenset(users) for group, users in members.items()}


def _requests() -> list[Request]:
    requests: dict[int, Request] = {}
    spans: dict[int, list[tuple[int, int]]] = defaultdict(list)
    for row in inspection_rows.requests():
        if row.start is not None:
            spans[row.id].append((times.from_local(row.start) or 0, times.from_local(row.end) or 0))
        if row.id not in requests:
            requests[row.id] = Request(
                id=row.id,
                name=row.name,
                processing=bool(row.processing),
                from_api=row.name.startswith("API:") and (row.owner, row.owner_affiliation) == RELOAD_USER,
                expires=times.from_local(row.expires) or 0,
                times=spans[row.id],
                has_dates=row.last_day is not None,
                has_hours=row.last_minute is not None,
                last_end=form_end(row.last_day, row.last_minute),
            )
    return list(requests.values())


def form_end(day: object, minute: int | None) -> int:
    """The end of the last class by VCL's form: its last day, and the last minute of a day. 0 when one is missing."""
    if day is None or minute is None or str(day).startswith("0000"):
        return 0
    return times.from_local(f"{day} {int(minute) // 60:02}:{int(minute) % 60:02}:00") or 0


def _times() -> dict[int, BlockTime]:
    block_times = {}
    for row in inspection_rows.block_times():
        instants = {
            "start": times.from_local(row.start) or 0,
            "end": times.from_local(row.end) or 0,
            "over": times.latest_from_local(row.end) or 0,
            "expires": times.from_local(row.expires) or 0,
        }
        block_times[row.id] = BlockTime(**{**row._asdict(), **instants})
    return block_times


def _subimages() -> dict[int, list[int]]:
    subimages: dict[int, list[int]] = defaultdict(list)
    for image, further in inspection_rows.subimages():
        subimages[image].append(further)
    return subimages
