"""Computers that are promised to two at a time."""

from collections import defaultdict
from collections.abc import Iterator

from blockalloc.inspection import words
from blockalloc.inspection.facts import Booked, Facts, Held
from blockalloc.inspection.findings import Finding
from scheduling.occupancy import is_occupying
from scheduling.windows import overlap


def double_bookings(facts: Facts) -> Iterator[Finding]:
    """Computers of two block times at once, or of a block time and a user who is not of the class."""
    yield from _of_two_blocks(facts)
    for held, booked in _met(facts):
        if overlap(held.start, held.end, booked.start, booked.end) and not _is_class_use(facts, held, booked):
            yield Finding("double_booking", _subject(held, booked), _told(held, booked), repairable=False)


def reload_overlaps(facts: Facts) -> Iterator[Finding]:
    """Computers that a user has in the time in which they must be loaded, but not during the class."""
    for held, booked in _met(facts):
        in_class = overlap(held.start, held.end, booked.start, booked.end)
        if not in_class and overlap(held.held_from, held.start, booked.start, booked.end):
            text = f"{_told(held, booked)} while it has to be loaded, from {words.span(held.held_from, held.start)}"
            yield Finding("reload_overlap", _subject(held, booked), text, repairable=False)


def _of_two_blocks(facts: Facts) -> Iterator[Finding]:
    by_computer: dict[int, list[Held]] = defaultdict(list)
    for held in facts.held:
        if held.end > facts.now:
            by_computer[held.computer_id].append(held)
    for all_held in by_computer.values():
        all_held.sort(key=lambda held: (held.held_from, held.block_time_id))
        for place, first in enumerate(all_held):
            for second in all_held[place + 1 :]:
                if second.held_from >= first.end:
                    break  # and so begin all after it
                if overlap(first.held_from, first.end, second.held_from, second.end):
                    yield _twice(first, second)


def _twice(first: Held, second: Held) -> Finding:
    subject = {
        "computer": first.computer_id,
        "block_time": first.block_time_id,
        "other_block_time": second.block_time_id,
    }
    text = (
        f"{words.computer(first)} is held by {words.block(first)} and by {words.block(second)}, "
        f"reload included from {words.span(second.held_from, min(first.end, second.end))}"
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


def _subject(held: Held, booked: Booked) -> dict[str, int]:
    return {"computer": held.computer_id, "block_time": held.block_time_id, "request": booked.request_id}


def _told(held: Held, booked: Booked) -> str:
    user = booked.user or f"user {booked.user_id}"
    return (
        f"{words.computer(held)} of {words.block(held)} is reserved by {user}, "
        f"request {booked.request_id} ({words.span(booked.start, booked.end)})"
    )
