"""The grid: kinds of days that differ in one respect from a plain one, and a sample of all combinations."""

import itertools
from collections.abc import Iterator, Sequence
from dataclasses import replace
from fnmatch import fnmatchcase
from random import Random
from typing import Any

from bench.readiness.cells import Cell, Past, Records, Trouble
from simulation.days.load_laws import Bimodal, HeavyTailed, Law, LogNormal, Resampled, Uniform

# Minutes as a log may have them: two kinds of hardware, and a few loads that took long.
_LENGTHS = (7.9, 8.1, 8.2, 8.2, 8.4, 8.5, 8.5, 8.6, 8.8, 8.9, 9.0, 9.0, 9.1, 9.3, 9.4, 9.6, 9.8, 10.1, 10.5, 11.0,
            12.4, 12.7, 12.9, 13.1, 13.2, 13.4, 13.9, 14.6, 17.5, 24.0)  # fmt: skip
EXAMPLE_LOG = Resampled(tuple(round(60 * each) for each in _LENGTHS), "an example log")
LAWS: Sequence[Law] = (
    LogNormal(0.15), LogNormal(0.3), LogNormal(0.5), Uniform(), Bimodal(), HeavyTailed(), EXAMPLE_LOG,
)  # fmt: skip
PLAIN = Cell(law=LogNormal(0.3)).fitted()
_ONE_BY_ONE: Sequence[dict[str, Any]] = (
    {},
    {"seats": 10},
    {"seats": 50},
    {"seats": 100, "nodes": 2},
    {"classes": 3, "nodes": 2},
    {"classes": 3, "nodes": 2, "own_images": True},
    {"limit": 5},
    {"limit": 20},
    {"nodes": 4, "limit": 5},
    *({"law": law} for law in LAWS if law != PLAIN.law),
    *({"failing": share} for share in (0.0, 0.01, 0.05)),
    *({"users": share} for share in (0.0, 0.5)),
    {"loaded": 0.0},
    {"seats": 50, "users": 0.0, "loaded": 0.0, "failing": 0.0},
    {"vm_hosts": 8},
    {"nodes": 2, "trouble": Trouble.DEAD_NODE},
    *({"minutes_before": minutes} for minutes in (60, 90, 180)),
    *({"past": past} for past in (Past.FEW, Past.NONE, Past.FASTER)),
    {"records": Records.SEEN},
)
_VALUES: dict[str, Sequence[Any]] = {
    "classes": (1, 1, 3),
    "own_images": (False, True),
    "seats": (10, 20, 30, 50, 70, 100),
    "nodes": (1, 2, 3, 4),
    "limit": (5, 10, 20),
    "law": LAWS,
    "failing": (0.0, 0.01, 0.02, 0.05),
    "users": (0.0, 0.3, 0.5),
    "loaded": (0.0, 0.15),
    "vm_hosts": (0, 0, 0, 8),
    "trouble": (Trouble.NONE, Trouble.NONE, Trouble.NONE, Trouble.DEAD_NODE),
    "minutes_before": (380, 380, 180, 90, 60),
    "past": (Past.MANY, Past.MANY, Past.FEW, Past.NONE, Past.FASTER),
    "records": tuple(Records),
}
_MOST_SEATS = 150  # of all classes, in the sample: more take minutes to play


def grid(sample: int = 12, seed: int = 1) -> list[Cell]:
    """The plain cell, those that differ from it in one respect, and so many drawn from all combinations.

    Some of those that differ in one respect may be left out (`Cell.why_left_out`); drawn ones are drawn anew.
    """
    cells = [replace(PLAIN, **each).fitted() for each in _ONE_BY_ONE]
    cells += itertools.islice(_drawn(Random(f"{seed} cells")), sample)
    return list({each.name: each for each in cells}.values())


def matching(cells: Sequence[Cell], pattern: str) -> list[Cell]:
    """The cells with the pattern (of file names: `*` stands for anything) in their names."""
    return [each for each in cells if fnmatchcase(each.name, f"*{pattern}*")]


def _drawn(chance: Random) -> Iterator[Cell]:
    while True:
        cell = Cell(**{name: chance.choice(values) for name, values in _VALUES.items()}).fitted()
        if cell.trouble is Trouble.DEAD_NODE and cell.nodes == 1:
            continue
        if cell.all_seats <= _MOST_SEATS and not cell.why_left_out():
            yield cell
