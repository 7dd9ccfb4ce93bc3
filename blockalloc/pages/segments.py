"""The bar of a class: its computers by what they do, and those that it lacks, side by side."""

from collections.abc import Sequence
from typing import NamedTuple

from scheduling.class_numbers import ClassNumbers


class Segment(NamedTuple):
    """A part of the bar. `kind` is its CSS class and its icon, `word` what it is called; `x` is where it begins.

    `number` and `x` are in computers.
    """

    kind: str
    word: str
    number: int
    x: int


class Segments(NamedTuple):
    """The parts that are not empty, in the order of how far they are; `whole` is the sum of their computers."""

    parts: Sequence[Segment]
    whole: int


def segments(numbers: ClassNumbers, per_machine: int = 1) -> Segments:
    """The bar of a class with these numbers, whose machines have `per_machine` computers each.

    The computers are those of the class, spares among them, each in one part; "missing" are those that the machines
    lack that are wanted and not allocated: of a cluster, the class may have some of their computers.
    """
    lacking = numbers.wanted - numbers.allocated
    if lacking:
        lacking = max(numbers.wanted * per_machine - sum(numbers.computers.values()), lacking)
    of_kinds = (
        ("in-use", "in use", numbers.count("in use")),
        ("loaded", "loaded", numbers.count("loaded")),
        ("loading", "loading", numbers.count("loading")),
        ("waiting", "waiting", numbers.to_load),
        ("failed", "failed", numbers.count("failed")),
        ("missing", "missing", lacking),
    )
    parts, x = [], 0
    for kind, word, number in of_kinds:
        if number:
            parts.append(Segment(kind, word, number, x))
            x += number
    return Segments(parts, x)
