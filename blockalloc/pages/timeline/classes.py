"""The rows of classes: one for each on a day, one for each series in a week. Their computers are shown on demand."""

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from typing import NamedTuple

from blockalloc.pages.block_days import signal_of
from blockalloc.pages.short_names import ShortNames
from blockalloc.pages.timeline import drawing, words
from blockalloc.pages.timeline.axis import WEEK, Axis
from blockalloc.pages.timeline.choices import Choices
from blockalloc.pages.timeline.row import Row
from blockalloc.pages.timeline.words import FOREIGN_NAME, Reader, counted, page_of, times_of
from blockalloc.reports.readiness import BlockTimeReadiness
from blockalloc.store.timeline_classes import Class, Overlap

_NOTES = 3  # overlaps that are said of a row; it says how many more there are


class Shown(NamedTuple):
    """What rows of classes are made of. `readiness`: by block time, of those of which it is known.

    `computers` are the rows of the computers of the one that is open. `opens` is the address that opens a row but for
    its key at the end, `closes` the one where none is open.
    """

    axis: Axis
    reader: Reader
    names: ShortNames
    chosen: Choices
    overlaps: Sequence[Overlap]
    readiness: Mapping[int, BlockTimeReadiness]
    computers: Sequence[Row]
    now: int
    opens: str
    closes: str


def key_of(each: Class, axis: Axis) -> int:
    """What an address calls the row of a class by, to have its computers shown."""
    return each.request_id if axis.zoom == WEEK else each.block_time_id


def is_chosen(each: Class, chosen: Choices, reader: Reader) -> bool:
    """Whether the filters leave it; they reveal nothing about another affiliation's classes."""
    if chosen.image is None and chosen.block is None:
        return True
    return reader.owns(each) and chosen.image in (None, each.image_id) and chosen.block in (None, each.request_id)


def rows(classes: Sequence[Class], shown: Shown) -> list[Row]:
    """The classes that are in view, by start."""
    axis = shown.axis
    together: dict[int, list[Class]] = defaultdict(list)
    for each in classes:
        if each.begins < axis.end and each.end > axis.start:
            together[key_of(each, axis)].append(each)
    overlaps: dict[int, list[Overlap]] = defaultdict(list)
    for overlap in shown.overlaps:
        overlaps[overlap.of.block_time_id].append(overlap)
        if overlap.other is not None:
            overlaps[overlap.other.block_time_id].append(overlap)
    return [_row(key, of_row, overlaps, shown) for key, of_row in together.items()]


def _row(key: int, classes: Sequence[Class], overlaps: Mapping[int, Sequence[Overlap]], shown: Shown) -> Row:
    first = classes[0]
    is_own = shown.reader.owns(first)
    number = max(each.computers for each in classes)
    is_open = is_own and shown.chosen.opened == key
    notes = dict.fromkeys(overlap for each in classes for overlap in overlaps.get(each.block_time_id, ()))
    return Row(
        key=f"class-{key}",
        name=first.name if is_own else FOREIGN_NAME.capitalize(),
        address=_address(first, shown.axis) if is_own else None,
        about=_about(classes, shown.axis),
        signals=_signals(classes, shown) if is_own else (),
        notes=_notes([*notes], shown, {each.block_time_id for each in classes}),
        fold=("up to " if _differ(classes) else "") + counted(number, "computer"),
        toggle="" if not is_own else shown.closes if is_open else f"{shown.opens}{key}",
        is_open=is_open,
        drawing=drawing.line(shown.axis, [_bars(each, overlaps, shown) for each in classes]),
        rows=shown.computers if is_open else (),
    )


def _bars(each: Class, overlaps: Mapping[int, Sequence[Overlap]], shown: Shown) -> list[drawing.Bar]:
    where = counted(each.computers, "computer")
    bars = words.bars_of_class(each, shown.reader, where, overlaps=each.block_time_id in overlaps)
    # The name of the class is beside it.
    return [*bars[:-1], replace(bars[-1], text=where)]


def _address(first: Class, axis: Axis) -> str:
    if axis.zoom == WEEK:
        return page_of("blockrequest", first.request_id)
    return page_of("blocktime", first.block_time_id)


def _about(classes: Sequence[Class], axis: Axis) -> str:
    """`09:00–11:00`; of a series, the number of its classes."""
    if axis.zoom == WEEK:
        return counted(len(classes), "class", "classes")
    return times_of(classes[0].start, classes[0].end)


def _differ(classes: Sequence[Class]) -> bool:
    return len({each.computers for each in classes}) > 1


def _signals(classes: Sequence[Class], shown: Shown) -> list[tuple[str, str]]:
    found = [shown.readiness[each.block_time_id] for each in classes if each.block_time_id in shown.readiness]
    return [(signal_of(each, shown.now)[0], each.readiness.signal.level) for each in found]


def _notes(overlaps: Sequence[Overlap], shown: Shown, of_row: Collection[int]) -> list[str]:
    is_week = shown.axis.zoom == WEEK
    said = [
        words.overlap(each, shown.reader, shown.names.of(each.hostname), of_row=of_row, with_day=is_week)
        for each in overlaps[:_NOTES]
    ]
    more = len(overlaps) - _NOTES
    return [*said, f"and {counted(more, 'more overlap')}"] if more > 0 else said
