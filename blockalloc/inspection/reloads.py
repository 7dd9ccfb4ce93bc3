"""Reloads that are missing, that nobody needs, and block rows that do not belong together."""

from collections import defaultdict
from collections.abc import Iterator

from blockalloc.inspection import words
from blockalloc.inspection.facts import Facts, Held, Planned, Reload, Request
from blockalloc.inspection.findings import Finding
from blockalloc.store.withdrawal import is_withdrawable
from scheduling.block_status import is_expired
from scheduling.windows import MINUTE

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
    for held in facts.held:
        to_come = held.start > facts.now and held.to_come
        loaded = held.revision_id == facts.production.get(held.image_id)
        if to_come and not held.has_live_reload and not loaded:
            gone = f"its reload request {held.reload_id} is gone or failed" if held.reload_id else "it has no reload"
            text = f"{words.computer(held)} of {words.block(held)} does not hold {held.image_name}, and {gone}"
            subject = {"computer": held.computer_id, "block_time": held.block_time_id, "request": held.reload_id}
            yield Finding("no_reload", subject, text, repairable=False)


def early(facts: Facts) -> Iterator[Finding]:
    """Reloads of classes to come that management nodes begin 35 minutes before the time for which they are planned."""
    told = set()
    for held in facts.held:
        found = facts.reloads.get(held.reload_id)
        if found is None or found.id in told or not (held.to_come and held.start > facts.now):
            continue
        if found.waiting and not found.preload and found.start > facts.now:
            told.add(found.id)
            text = f"{words.reload(found)} for {words.block(held)} has preload 0: it begins 35 minutes before its start"
            repairable = is_withdrawable(found.start, found.preload, facts.now)
            subject = {"request": found.id, "block_time": held.block_time_id}
            yield Finding("early_reload", subject, text, repairable)


def partial_calls(facts: Facts) -> Iterator[Finding]:
    """Rows of which others that were written with them are missing."""
    rows: dict[int, set[tuple[int, int]]] = defaultdict(set)
    without_row = {(planned.request_id, planned.computer_id) for planned in _without_row(facts)}
    for held in facts.held:
        rows[held.reload_id].add((held.computer_id, held.image_id))
        yield from _half_a_row(facts, held)
    for found in facts.reloads.values():
        if found.waiting and found.id in rows and found.end > facts.now:
            for computer, image, name in found.computers:
                if (computer, image) not in rows[found.id] and (found.id, computer) not in without_row:
                    subject = {"request": found.id, "computer": computer}
                    text = f"{words.reload(found)} loads {name} for image {image}, and no block time holds it so"
                    yield Finding("partial_call", subject, text, repairable=False)
    for request in facts.requests:
        yield from _half_a_request(facts, request)


def _half_a_row(facts: Facts, held: Held) -> Iterator[Finding]:
    subject = {"computer": held.computer_id, "block_time": held.block_time_id}
    if held.request_id is None:
        text = f"{words.computer(held)} is held by {words.block(held)}"
        yield Finding("partial_call", subject, text, repairable=False)
        return
    found = facts.reloads.get(held.reload_id)
    if found is None or held.end <= facts.now or not held.has_live_reload:
        return
    if (held.computer_id, held.image_id) not in {(computer, image) for computer, image, _ in found.computers}:
        subject["request"] = found.id
        text = f"{words.computer(held)} of {words.block(held)}: {words.reload(found)} does not load {held.image_name}"
        yield Finding("partial_call", subject, text, repairable=False)


def _half_a_request(facts: Facts, request: Request) -> Iterator[Finding]:
    """A request that came through an API and lacks rows.

    The back end removes a block time once it is over, hours before the request expires: VCL's form tells by when.
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
        found = facts.reloads[id_]
        computers = sorted({planned.computer_id for planned in all_planned})
        names = [name or f"computer {computer}" for computer, _, name in found.computers if computer in computers]
        times = sorted({planned.block_time_id for planned in all_planned})
        told = " and ".join(
            words.block_time(facts.times[t]) if t in facts.times else f"block time {t} (gone)" for t in times
        )
        text = f"{words.reload(found)} was made for {told}, which does not have {words.some(names)} any more"
        repairable = is_withdrawable(found.start, found.preload, facts.now)
        yield Finding("abandoned_reload", {"request": id_, "computers": computers}, text, repairable)


def _without_row(facts: Facts) -> Iterator[Planned]:
    """Reloads on our record that wait for their time, and whose computers no block time has by them."""
    held = {(held.reload_id, held.computer_id) for held in facts.held}
    for planned in facts.planned:
        found = facts.reloads.get(planned.request_id)
        if found is None or not found.waiting or found.end <= facts.now:
            continue
        loads = any(computer == planned.computer_id for computer, _, _ in found.computers)
        if loads and (planned.request_id, planned.computer_id) not in held:
            yield planned


def orphaned(facts: Facts) -> Iterator[Finding]:
    """Waiting reloads that no block computer names, that load nothing, or that were not taken in time.

    A reload that staff ask for by hand begins at once: one without a block whose time has come is left alone.
    """
    named = {held.reload_id for held in facts.held} | {planned.request_id for planned in _without_row(facts)}
    for found in facts.reloads.values():
        if not found.waiting:
            continue
        if why := _why_orphaned(facts, found, named=found.id in named):
            told = (found.start, found.preload, found.requested, facts.now)
            repairable = found.id not in named and is_deletable(*told, is_empty=not found.computers)
            yield Finding("orphaned_reload", {"request": found.id}, f"{words.reload(found)} {why}", repairable)


def _why_orphaned(facts: Facts, found: Reload, *, named: bool) -> str:
    if not found.computers:
        return "has no computers"
    if found.end <= facts.now:
        return "is over, and no management node has taken it"
    if not named and found.start > facts.now:
        made_now = found.requested > facts.now - AT_WORK
        return "belongs to no block time" + (", and was made just now" if made_now else "")
    return ""
