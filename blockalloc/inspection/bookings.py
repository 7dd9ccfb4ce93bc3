"""Computers that are promised to two at a time."""

from collections import defaultdict
from collections.abc import Iterator, Sequence

from blockalloc.inspection import words
from blockalloc.inspection.facts import BlockTime, Booked, Facts, Held
from blockalloc.inspection.findings import Finding
from blockalloc.inspection.records import History
from blockalloc.store import times
from scheduling.occupancy import is_occupying
from scheduling.windows import MINUTE, overlap

# VCL's front end lists computers, and reserves one of them seconds later: what it reserves so shortly after a call of
# ours it had listed before.
GAP = MINUTE

Met = tuple[Held, Booked]


def in_class(facts: Facts) -> list[Met]:
    """Computers that somebody has during a class, other than members of it who have them for its image."""
    return [
        (held, booked)
        for held, booked in _met(facts)
        if overlap(held.start, held.end, booked.start, booked.end) and not _is_class_use(facts, held, booked)
    ]


def of_users(facts: Facts, met: Sequence[Met], history: History) -> Iterator[Finding]:
    """What `in_class` has found, each as the kind that says most: how it came about, whose the computer is now."""
    for held, booked in met:
        theirs = _class_of(facts, held, booked)
        member = f"; that user is a member of the class of {words.block_time(theirs)}" if theirs else ""
        if _is_in_gap(held, booked, history):
            kind, how = "taken_meanwhile", f": the reservation was made while the computer was being allocated{member}"
        else:
            kind, how = ("taken_by_other_class" if theirs else "double_booking"), member
        subject = _subject(held, booked)
        if theirs:
            subject["other_block_time"] = theirs.id
        yield Finding(kind, subject, f"{_told(held, booked)}{how}", repairable=False)


def reload_overlaps(facts: Facts) -> Iterator[Finding]:
    """Computers that a user has in the time in which they are loaded for a class, but not during the class."""
    for held, booked in _met(facts):
        in_class = overlap(held.start, held.end, booked.start, booked.end)
        if not in_class and overlap(held.occupied_from, held.start, booked.start, booked.end):
            when = words.span(held.occupied_from, held.start)
            what = "is kept, loaded, for the class" if _is_loaded(facts, held) else "has to be loaded"
            text = f"{_told(held, booked)} while it {what}, from {when}"
            yield Finding("reload_overlap", _subject(held, booked), text, repairable=False)


def of_two_blocks(facts: Facts) -> Iterator[Finding]:
    """Computers of two block times at once, from the moment at which they begin to be taken for each."""
    by_computer: dict[int, list[Held]] = defaultdict(list)
    for held in facts.held:
        if held.end > facts.now:
            by_computer[held.computer_id].append(held)
    for all_held in by_computer.values():
        all_held.sort(key=lambda held: (held.occupied_from, held.block_time_id))
        for place, first in enumerate(all_held):
            for second in all_held[place + 1 :]:
                if second.occupied_from >= first.end:
                    break  # and so begin all after it
                if overlap(first.occupied_from, first.end, second.occupied_from, second.end):
                    yield _twice(first, second)


def _twice(first: Held, second: Held) -> Finding:
    subject = {
        "computer": first.computer_id,
        "block_time": first.block_time_id,
        "other_block_time": second.block_time_id,
    }
    text = (
        f"{words.computer(first)} is held by {words.block(first)} and by {words.block(second)}, "
        f"reload included from {words.span(second.occupied_from, min(first.end, second.end))}"
    )
    return Finding("double_booking", subject, text, repairable=False)


def _met(facts: Facts) -> Iterator[tuple[Held, Booked]]:
    """Each block computer with each occupying reservation of it that is not its own reload; none of what is over."""
    for held in facts.held:
        if held.end <= facts.now:
            continue
        for booked in facts.booked.get(held.computer_id, ()):
            occupies = is_occupying(booked.state_id, booked.last_state_id)
            if occupies and booked.end > facts.now and booked.request_id != held.reload_id:
                yield held, booked


def _is_class_use(facts: Facts, held: Held, booked: Booked) -> bool:
    """Whether a member of the class has the computer for the image that the class is about: as VCL means it."""
    members = facts.members.get(held.group_id or 0, frozenset())
    return booked.image_id == held.image_id and booked.user_id in members


def _class_of(facts: Facts, held: Held, booked: Booked) -> BlockTime | None:
    """The other class, at these hours, of whose group he is who has the computer; None for who is of this one too."""
    if booked.user_id in facts.members.get(held.group_id or 0, ()):
        return None
    for group, users in facts.members.items():
        if booked.user_id in users:
            for time in facts.times_of.get(group, ()):
                both = overlap(time.start, time.end, held.start, held.end)
                if both and overlap(time.start, time.end, booked.start, booked.end):
                    return time
    return None


def _is_in_gap(held: Held, booked: Booked, history: History) -> bool:
    """Whether the reservation was made just when the block computer was written (SPEC 8.7)."""
    written = held.reload_asked or history.taken_at(held.block_time_id, held.computer_id)
    asked = times.from_local(booked.asked) or 0
    return written > 0 and asked > 0 and abs(asked - written) <= GAP


def _is_loaded(facts: Facts, held: Held) -> bool:
    return held.reload_start is None and held.revision_id == facts.production.get(held.image_id)


def _subject(held: Held, booked: Booked) -> dict[str, int]:
    return {"computer": held.computer_id, "block_time": held.block_time_id, "request": booked.request_id}


def _told(held: Held, booked: Booked) -> str:
    user = booked.user or f"user {booked.user_id}"
    return (
        f"{words.computer(held)} of {words.block(held)} is reserved by {user}, "
        f"request {booked.request_id} ({words.span(booked.start, booked.end)})"
    )
