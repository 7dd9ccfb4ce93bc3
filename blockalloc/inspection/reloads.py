"""Reloads that are missing, that nobody needs, and block rows that do not belong together."""

from collections import defaultdict
from collections.abc import Iterator

from blockalloc.inspection import words
from blockalloc.inspection.facts import BlockComputer, Facts, Planned, Reload, Request
from blockalloc.inspection.findings import Finding
from scheduling.block_status import is_expired
from scheduling.windows import MINUTE
from scheduling.withdrawal import is_withdrawable

# VCL's front end writes the rows of a block after the reloads of all its machines, each statement committed at once:
# what is younger than this may be half of a call that is still at work.
AT_WORK = 10 * MINUTE


def is_deletable(start: int, preload: int, requested: int, now: int, *, is_empty: bool) -> bool:
    """Whether a waiting reload that no block computer names can be deleted without harm.

    Not when it may be half of a call at work, and not when a management node may have begun it: none ever begins one
    without computers.
    """
    return 0 < requested <= now - AT_WORK and (is_empty or is_withdrawable(start, preload, now))


def without_reload(facts: Facts) -> Iterator[Finding]:
    """Computers of classes to come that do not hold the image and that nothing will load."""
    for row in facts.block_computers:
        to_come = row.start > facts.now and row.to_come
        loaded = row.revision_id == facts.production.get(row.image_id)
        if to_come and not row.has_live_reload and not loaded:
            gone = f"its reload request {row.reload_id} is gone or failed" if row.reload_id else "it has no reload"
            text = f"{words.computer(row)} of {words.block(row)} does not hold {row.image_name}, and {gone}"
            subject = {
                "computer": row.computer_id,
                "block_time": row.block_time_id,
                "request": row.reload_id,
            }
            yield Finding("no_reload", subject, text, repairable=False)


def early(facts: Facts) -> Iterator[Finding]:
    """Reloads of classes to come that management nodes begin 35 minutes before the time for which they are planned."""
    reported = set()
    for row in facts.block_computers:
        reload = facts.reloads.get(row.reload_id)
        if reload is None or reload.id in reported or not (row.to_come and row.start > facts.now):
            continue
        if reload.waiting and not reload.preload and reload.start > facts.now:
            reported.add(reload.id)
            text = f"{words.reload(reload)} for {words.block(row)} has preload 0: it begins 35 minutes before its start"
            repairable = is_withdrawable(reload.start, reload.preload, facts.now)
            subject = {"request": reload.id, "block_time": row.block_time_id}
            yield Finding("early_reload", subject, text, repairable)


def partial_calls(facts: Facts) -> Iterator[Finding]:
    """Rows of which others that were written with them are missing."""
    rows: dict[int, set[tuple[int, int]]] = defaultdict(set)
    without_row = {(planned.request_id, planned.computer_id) for planned in _without_row(facts)}
    for row in facts.block_computers:
        rows[row.reload_id].add((row.computer_id, row.image_id))
        yield from _half_a_row(facts, row)
    for reload in facts.reloads.values():
        if reload.waiting and reload.id in rows and reload.end > facts.now:
            for computer, image, name in reload.computers:
                if (computer, image) not in rows[reload.id] and (reload.id, computer) not in without_row:
                    subject = {"request": reload.id, "computer": computer}
                    text = f"{words.reload(reload)} loads {name} for image {image}, and no block time holds it so"
                    yield Finding("partial_call", subject, text, repairable=False)
    for request in facts.requests:
        yield from _half_a_request(facts, request)


def _half_a_row(facts: Facts, row: BlockComputer) -> Iterator[Finding]:
    subject = {"computer": row.computer_id, "block_time": row.block_time_id}
    if row.request_id is None:
        text = f"{words.computer(row)} belongs to {words.block(row)}"
        yield Finding("partial_call", subject, text, repairable=False)
        return
    reload = facts.reloads.get(row.reload_id)
    if reload is None or row.end <= facts.now or not row.has_live_reload:
        return
    if (row.computer_id, row.image_id) not in {(computer, image) for computer, image, _ in reload.computers}:
        subject["request"] = reload.id
        text = f"{words.computer(row)} of {words.block(row)}: {words.reload(reload)} does not load {row.image_name}"
        yield Finding("partial_call", subject, text, repairable=False)


def _half_a_request(facts: Facts, request: Request) -> Iterator[Finding]:
    """A request that came through an API and lacks rows.

    The back end removes a block time once it is over, hours before the request expires: the rows of VCL's web form say
    by when.
    """
    if not request.from_api or is_expired(request.expires, facts.now):
        return
    there = {
        "block time": request.times or 0 < request.last_end <= facts.now,
        "row in blockWebDate": request.has_dates,
        "row in blockWebTime": request.has_hours,
    }
    missing = [name for name, rows in there.items() if not rows]
    if missing:
        text = f"block request {request.id} ({words.plain(request.name)}) has no {' and no '.join(missing)}"
        yield Finding("partial_call", {"block_request": request.id}, text, repairable=False)


def abandoned(facts: Facts) -> Iterator[Finding]:
    """Reloads of ours, by our record, whose block time does not have the computer any more: one finding a request."""
    by_request: dict[int, list[Planned]] = defaultdict(list)
    for planned in _without_row(facts):
        by_request[planned.request_id].append(planned)
    for id_, all_planned in by_request.items():
        reload = facts.reloads[id_]
        computers = sorted({planned.computer_id for planned in all_planned})
        names = [name or f"computer {computer}" for computer, _, name in reload.computers if computer in computers]
        times = sorted({planned.block_time_id for planned in all_planned})
        block_times = " and ".join(
            words.block_time(facts.times[t]) if t in facts.times else f"block time {t} (gone)" for t in times
        )
        text = f"{words.reload(reload)} was made for {block_times}, which does not have {words.some(names)} any more"
        repairable = is_withdrawable(reload.start, reload.preload, facts.now)
        yield Finding("abandoned_reload", {"request": id_, "computers": computers}, text, repairable)


def _without_row(facts: Facts) -> Iterator[Planned]:
    """Reloads on our record that wait for their time, and whose computers no block time has by them."""
    with_row = {(row.reload_id, row.computer_id) for row in facts.block_computers}
    for planned in facts.planned:
        reload = facts.reloads.get(planned.request_id)
        if reload is None or not reload.waiting or reload.end <= facts.now:
            continue
        loads = any(computer == planned.computer_id for computer, _, _ in reload.computers)
        if loads and (planned.request_id, planned.computer_id) not in with_row:
            yield planned


def orphaned(facts: Facts) -> Iterator[Finding]:
    """Waiting reloads that no block computer names, that load nothing, or that were not taken in time.

    A reload that staff ask for by hand begins at once: one without a block whose time has come is left alone.
    """
    named = {row.reload_id for row in facts.block_computers} | {planned.request_id for planned in _without_row(facts)}
    for reload in facts.reloads.values():
        if not reload.waiting:
            continue
        if why := _why_orphaned(facts, reload, named=reload.id in named):
            moments = (reload.start, reload.preload, reload.requested, facts.now)
            repairable = reload.id not in named and is_deletable(*moments, is_empty=not reload.computers)
            yield Finding("orphaned_reload", {"request": reload.id}, f"{words.reload(reload)} {why}", repairable)


def _why_orphaned(facts: Facts, reload: Reload, *, named: bool) -> str:
    if not reload.computers:
        return "has no computers"
    if reload.end <= facts.now:
        return "is over, and no management node has taken it"
    if not named and reload.start > facts.now:
        made_now = reload.requested > facts.now - AT_WORK
        return "belongs to no block time" + (", and was made just now" if made_now else "")
    return ""
