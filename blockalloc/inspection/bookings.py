"""Computers that are promised to two at a time."""

from collections import defaultdict
from collections.abc import Iterator, Sequence

from blockalloc.inspection import words
from blockalloc.inspection.facts import BlockComputer, BlockTime, Facts, Reservation
from blockalloc.inspection.findings import Finding
from blockalloc.inspection.records import History
from blockalloc.store import times
from scheduling.occupancy import is_occupying
from scheduling.windows import MINUTE, overlap

# VCL's front end lists computers, and reserves one of them seconds later: what it reserves so shortly after a call of
# ours it had listed before.
GAP = MINUTE

Clash = tuple[BlockComputer, Reservation]


def in_class(facts: Facts) -> list[Clash]:
    """Computers that somebody has during a class, other than members of it who have them for its image."""
    return [
        (row, reservation)
        for row, reservation in _clashes(facts)
        if overlap(row.start, row.end, reservation.start, reservation.end)
        and not _is_class_use(facts, row, reservation)
    ]


def of_users(facts: Facts, clashes: Sequence[Clash], history: History) -> Iterator[Finding]:
    """The findings of `in_class`, each under the kind that says most: how it came about, who has the computer now."""
    for row, reservation in clashes:
        theirs = _class_of(facts, row, reservation)
        member = f"; that user is a member of the class of {words.block_time(theirs)}" if theirs else ""
        if _is_in_gap(row, reservation, history):
            kind, how = "taken_meanwhile", f": the reservation was made while the computer was being allocated{member}"
        else:
            kind, how = ("taken_by_other_class" if theirs else "double_booking"), member
        subject = _subject(row, reservation)
        if theirs:
            subject["other_block_time"] = theirs.id
        yield Finding(kind, subject, f"{_text(row, reservation)}{how}", repairable=False)


def reload_overlaps(facts: Facts) -> Iterator[Finding]:
    """Computers that a user has in the time in which they are loaded for a class, but not during the class."""
    for row, reservation in _clashes(facts):
        in_class = overlap(row.start, row.end, reservation.start, reservation.end)
        if not in_class and overlap(row.occupied_from, row.start, reservation.start, reservation.end):
            when = words.span(row.occupied_from, row.start)
            what = "is kept, loaded, for the class" if _is_loaded(facts, row) else "has to be loaded"
            text = f"{_text(row, reservation)} while it {what}, from {when}"
            yield Finding("reload_overlap", _subject(row, reservation), text, repairable=False)


def of_two_blocks(facts: Facts) -> Iterator[Finding]:
    """Computers of two block times at once, from the moment at which they begin to be taken for each."""
    by_computer: dict[int, list[BlockComputer]] = defaultdict(list)
    for row in facts.block_computers:
        if row.end > facts.now:
            by_computer[row.computer_id].append(row)
    for block_computers in by_computer.values():
        block_computers.sort(key=lambda row: (row.occupied_from, row.block_time_id))
        for place, first in enumerate(block_computers):
            for second in block_computers[place + 1 :]:
                if second.occupied_from >= first.end:
                    break  # and so begin all after it
                if overlap(first.occupied_from, first.end, second.occupied_from, second.end):
                    yield _twice(first, second)


def _twice(first: BlockComputer, second: BlockComputer) -> Finding:
    subject = {
        "computer": first.computer_id,
        "block_time": first.block_time_id,
        "other_block_time": second.block_time_id,
    }
    text = (
        f"{words.computer(first)} belongs to {words.block(first)} and to {words.block(second)}, "
        f"reload included from {words.span(second.occupied_from, min(first.end, second.end))}"
    )
    return Finding("double_booking", subject, text, repairable=False)


def _clashes(facts: Facts) -> Iterator[tuple[BlockComputer, Reservation]]:
    """Each block computer with each occupying reservation of it that is not its own reload; none of what is over."""
    for row in facts.block_computers:
        if row.end <= facts.now:
            continue
        for reservation in facts.reservations.get(row.computer_id, ()):
            occupies = is_occupying(reservation.state_id, reservation.last_state_id)
            if occupies and reservation.end > facts.now and reservation.request_id != row.reload_id:
                yield row, reservation


def _is_class_use(facts: Facts, row: BlockComputer, reservation: Reservation) -> bool:
    """Whether a member of the class has the computer for the image that the class is about: as VCL means it."""
    members = facts.members.get(row.group_id or 0, frozenset())
    return reservation.image_id == row.image_id and reservation.user_id in members


def _class_of(facts: Facts, row: BlockComputer, reservation: Reservation) -> BlockTime | None:
    """The other class at these hours whose group the user is in; None for a user in the group of this one too."""
    if reservation.user_id in facts.members.get(row.group_id or 0, ()):
        return None
    for group, users in facts.members.items():
        if reservation.user_id in users:
            for time in facts.times_of.get(group, ()):
                both = overlap(time.start, time.end, row.start, row.end)
                if both and overlap(time.start, time.end, reservation.start, reservation.end):
                    return time
    return None


def _is_in_gap(row: BlockComputer, reservation: Reservation, history: History) -> bool:
    """Whether the reservation was made just when the block computer was written (SPEC 8.7)."""
    written = row.reload_asked or history.taken_at(row.block_time_id, row.computer_id)
    asked = times.from_local(reservation.asked) or 0
    return written > 0 and asked > 0 and abs(asked - written) <= GAP


def _is_loaded(facts: Facts, row: BlockComputer) -> bool:
    return row.reload_start is None and row.revision_id == facts.production.get(row.image_id)


def _subject(row: BlockComputer, reservation: Reservation) -> dict[str, int]:
    return {
        "computer": row.computer_id,
        "block_time": row.block_time_id,
        "request": reservation.request_id,
    }


def _text(row: BlockComputer, reservation: Reservation) -> str:
    user = reservation.user or f"user {reservation.user_id}"
    return (
        f"{words.computer(row)} of {words.block(row)} is reserved by {user}, "
        f"request {reservation.request_id} ({words.span(reservation.start, reservation.end)})"
    )
