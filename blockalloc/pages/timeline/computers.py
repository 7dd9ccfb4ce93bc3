"""The rows of computers: one for each, or for several that have the same bookings and need no separate look."""

import re
from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache

from django.utils.html import format_html_join

from blockalloc.pages.short_names import ShortNames
from blockalloc.pages.timeline import drawing, words
from blockalloc.pages.timeline.axis import WEEK, Axis
from blockalloc.pages.timeline.choices import Choices
from blockalloc.pages.timeline.row import Row
from blockalloc.pages.timeline.words import Reader, counted
from blockalloc.store.timeline import BlockComputer, Bookings, Machine, Reserved
from blockalloc.store.timeline_classes import Overlap

_NAMES_KEPT = 20_000  # sort keys of computers, which are the same from one page to the next
# States of computers that staff look into, with their levels.
_MARKS = {"maintenance": "watch", "failed": "bad"}
FREE = "free"  # the key of the row of the computers that are not booked
_NAMED = 6  # ranges of computers in a name

# What the computers of a row share: their marks and the ids of their bookings.
_Alike = tuple[tuple[tuple[str, str], ...], tuple[tuple[str, int], ...]]


@dataclass(slots=True)
class _Booked:
    """What one computer is booked for on the axis."""

    classes: list[BlockComputer]
    reserved: list[Reserved]
    overlaps: list[Overlap]

    def ids(self) -> tuple[tuple[str, int], ...]:
        """What tells its bookings from those of another computer."""
        classes = sorted(("class", each.block_time_id) for each in self.classes)
        return (*classes, *sorted(("request", each.request_id) for each in self.reserved))


def rows(
    machines: Sequence[Machine], bookings: Bookings, overlaps: Iterable[Overlap], axis: Axis, reader: Reader,
    names: ShortNames, chosen: Choices | None,
) -> list[Row]:  # fmt: skip
    """The computers in their order; those that are alike in one row, where the first of them would be.

    Computers without bookings and marks come last. `chosen`: its row is open; None: each computer has a row.
    """
    booked = _booked(bookings, overlaps, axis)
    nothing = _Booked([], [], [])
    alike: dict[_Alike, list[Machine]] = defaultdict(list)
    for machine in machines:
        of_machine = booked.get(machine.id, nothing)
        alike[(*_marks(machine),), of_machine.ids()].append(machine)
    found = []
    for (marks, ids), same in alike.items():
        drawn = _Drawn(axis, reader, names, marks)
        if chosen is None:
            found += [drawn.one(each, booked.get(each.id, nothing)) for each in same]
        elif len(same) == 1:
            found.append(drawn.one(same[0], booked.get(same[0].id, nothing)))
        else:
            found.append(drawn.several(same, booked, chosen, is_free=not ids and not marks))
    return sorted(found, key=lambda row: row.key == FREE)


@dataclass(frozen=True, slots=True)
class _Drawn:
    axis: Axis
    reader: Reader
    names: ShortNames
    marks: Sequence[tuple[str, str]]

    def one(self, machine: Machine, booked: _Booked) -> Row:
        return Row(
            key=f"computer-{machine.id}",
            name=self.names.of(machine.hostname),
            full=machine.hostname,
            address=self.reader.computer(machine.id),
            signals=self.marks,
            notes=self._notes(booked),
            drawing=drawing.line(self.axis, self._bars(booked, machine.hostname)),
        )

    def several(self, same: Sequence[Machine], booked: Mapping[int, _Booked], chosen: Choices, *, is_free: bool) -> Row:
        is_open = chosen.opened in {each.id for each in same}
        number = counted(len(same), "computer")
        names = [self.names.of(each.hostname) for each in same]
        first = same[0].id
        nothing = _Booked([], [], [])
        together = booked.get(first, nothing)
        begins: dict[int, int] = {}
        for held in (held for each in same for held in booked.get(each.id, nothing).classes):
            begins[held.block_time_id] = min(held.begins, begins.get(held.block_time_id, held.begins))
        return Row(
            key=FREE if is_free else f"computers-{first}",
            name=_in_short(names),
            full=", ".join(names),
            address=None,
            about="not booked" if is_free else "",
            signals=self.marks,
            notes=self._notes(together),
            fold=number,
            toggle=chosen.address(page=chosen.page, opened=None if is_open else first),
            is_open=is_open,
            drawing=drawing.line(self.axis, self._bars(together, number, begins)),
            rows=[self.one(each, booked.get(each.id, nothing)) for each in same] if is_open else (),
        )

    def _notes(self, booked: _Booked) -> list[str]:
        is_week = self.axis.zoom == WEEK
        return [words.overlap(each, self.reader, with_day=is_week) for each in booked.overlaps]

    def _bars(
        self, booked: _Booked, where: str, begins: Mapping[int, int] | None = None
    ) -> Iterator[Sequence[drawing.Bar]]:
        """The bars of a computer. Of several: `begins` has when the first of them is taken for a class, by its id."""
        ids = {each.of.block_time_id for each in booked.overlaps}
        ids |= {each.other.block_time_id for each in booked.overlaps if each.other}
        requests = {each.request_id for each in booked.overlaps}
        for held in booked.classes:
            overlaps = held.block_time_id in ids
            if begins is None:
                yield words.bars_of_class(held, self.reader, where, overlaps=overlaps)
            else:  # they have a reload each
                together, first = replace(held, reload_id=None), begins[held.block_time_id]
                yield words.bars_of_class(together, self.reader, where, begins=first, overlaps=overlaps)
        for reserved in booked.reserved:
            yield [words.bar_of_reservation(reserved, self.reader, where, overlaps=reserved.request_id in requests)]


def _booked(bookings: Bookings, overlaps: Iterable[Overlap], axis: Axis) -> dict[int, _Booked]:
    """Computer id -> what it is booked for on the axis."""
    booked: dict[int, _Booked] = defaultdict(lambda: _Booked([], [], []))
    for held in bookings.block_computers:
        if held.begins < axis.end and held.end > axis.start:
            booked[held.computer_id].classes.append(held)
    for reserved in bookings.reserved:
        if reserved.start < axis.end and reserved.end > axis.start:
            booked[reserved.computer_id].reserved.append(reserved)
    for overlap in overlaps:
        if overlap.computer_id in booked:
            booked[overlap.computer_id].overlaps.append(overlap)
    return booked


def _marks(machine: Machine) -> list[tuple[str, str]]:
    state = [(machine.state, _MARKS[machine.state])] if machine.state in _MARKS else []
    return [*state, *([("removed", "bad")] if machine.removed else [])]


# --- Names ----------------------------------------------------------------------------------------


def _in_short(names: Collection[str]) -> str:
    """The first ranges of the names; none of them is broken between two lines."""
    ranges = [*in_ranges(names)]
    shown = [*ranges[: _NAMED - 1], f"{ranges[_NAMED - 1]} …"] if len(ranges) > _NAMED else ranges
    return format_html_join(", ", '<span class="nowrap">{}</span>', ((each,) for each in shown))


def in_ranges(names: Collection[str]) -> Iterator[str]:
    """`cs-01 to cs-20`, `cs-22`: the names, in their order, with those that are counted on put together."""
    begin = last = ""
    for name in names:
        if last and not _follows(last, name):
            yield _range(begin, last)
            begin = name
        begin, last = begin or name, name
    if last:
        yield _range(begin, last)


def _range(first: str, last: str) -> str:
    if first == last:
        return first
    return f"{first}, {last}" if _follows(first, last) else f"{first} to {last}"


def _follows(name: str, other: str) -> bool:
    """Whether `other` is `name` with the last number in it one higher."""
    parts, others = (re.fullmatch(r"(.*?)([0-9]+)([^0-9]*)", each, re.DOTALL) for each in (name, other))
    if parts is None or others is None or (parts[1], parts[3]) != (others[1], others[3]):
        return False
    return int(others[2]) == int(parts[2]) + 1


def natural(machine: Machine) -> tuple[list[str | int], int]:
    """The sort key that puts vm2 before vm10."""
    return _texts_and_numbers(machine.hostname), machine.id


@lru_cache(_NAMES_KEPT)
def _texts_and_numbers(hostname: str) -> list[str | int]:
    """The parts of a hostname, text and number by turns."""
    parts = re.split("([0-9]+)", hostname.lower())
    return [int(part) if index % 2 else part for index, part in enumerate(parts)]
