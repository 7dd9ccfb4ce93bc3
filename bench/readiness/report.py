"""The figures as tables, and as JSON."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from bench.readiness import calibration
from bench.readiness.calibration import Bin, Moment, Pair
from bench.readiness.cells import Cell, Rows
from bench.readiness.figures import Figures, shortcomings

ByRows = Mapping[Rows, Figures]

_LINES: list[tuple[str, Callable[[Figures], str]]] = [
    ("classes all ready at the start", lambda figures: str(figures.classes_ready)),
    ("seats ready at the start", lambda figures: str(figures.seats_ready)),
    ("seats ready five minutes later", lambda figures: str(figures.seats_ready_later)),
    *((f"all ready, said {moment.value}", lambda figures, moment=moment: _said(figures, moment)) for moment in Moment),
    ("reloads dropped, a class", lambda figures: f"{figures.mean('dropped'):.2f}"),
    ("loads ended by users, a class", lambda figures: f"{figures.mean('ended_by_users'):.2f}"),
    ("reloads failed, a class", lambda figures: f"{figures.mean('failed'):.2f}"),
    ("loads failed by the limit of a node", lambda figures: f"{figures.total('no_turn')}"),
    ("longest wait for a place, minutes", lambda figures: f"{figures.longest_wait / 60:.1f}"),
    ("computers exchanged, a class", lambda figures: f"{figures.mean('exchanged'):.2f}"),
    ("minutes from load or hold to start, a seat", lambda figures: f"{figures.minutes_per_seat:.1f}"),
    ("users refused", lambda figures: str(figures.refused)),
    ("members refused", lambda figures: str(figures.members_refused)),
    ("days with 1.25 times the seats free", lambda figures: f"{figures.days_with_enough_free.value:.2f}"),
    ("milliseconds of a call, of a pass", lambda figures: _milliseconds(figures)),
    ("seconds to play a day", lambda figures: f"{figures.seconds:.1f}"),
]


def table(cell: Cell, figures: ByRows) -> str:
    """The figures of a kind of day: a line each, a column for each kind of rows."""
    days = max(len(each.days) for each in figures.values())
    lines = [f"{cell}: {days} days", f"{'':44}" + "".join(f"{rows.value:>24}" for rows in figures)]
    lines += [f"{name:44}" + "".join(f"{text(each):>24}" for each in figures.values()) for name, text in _LINES]
    for rows, each in figures.items():
        wrong = ", ".join(f"{what} {number:.2f}" for what, number in each.wrong.items()) or "nothing"
        lines.append(f"not ready at the start, a class ({rows.value}): {wrong}")
    lines += [f"NOT GOOD ENOUGH: {text}" for text in shortcomings(figures)]
    return "\n".join(lines)


def progress(cell: Cell, figures: ByRows) -> str:
    """A line about a cell whose days have been played."""
    shares = ", ".join(f"{rows.value} {each.classes_ready.value:.3f}" for rows, each in figures.items())
    return f"{cell.name}: {shares}{''.join(f'; {text}' for text in shortcomings(figures))}"


def said_and_came(cells: Mapping[Cell, ByRows]) -> str:
    """Over all cells: what was said, and what came; "" where nothing was said."""
    lines = []
    for rows in Rows:
        for moment in Moment:
            theirs = _pairs(cells, rows, moment)
            if theirs:
                lines += [f"{rows.value}, said {moment.value}: classes, mean said, share all ready"]
                lines += [_line("all", calibration.overall(theirs))]
                lines += [_line(f"{each.low:g}-{each.high:g}", each) for each in calibration.bins(theirs)]
    return "\n".join(lines)


def summary(cells: Mapping[Cell, ByRows]) -> str:
    """How many cells are as good as they have to be, and which ones are not."""
    bad = {cell: texts for cell, figures in cells.items() if (texts := shortcomings(figures))}
    lines = [f"{len(cells) - len(bad)} of {len(cells)} kinds of days are as they have to be"]
    return "\n".join([*lines, *(f"  {cell.name}: {'; '.join(texts)}" for cell, texts in bad.items())])


def as_json(cells: Mapping[Cell, ByRows], left_out: Mapping[Cell, str], seeds: Sequence[int]) -> dict[str, Any]:
    """Everything."""
    return {
        "seeds": [seeds[0], seeds[-1]],
        "cells": [
            {
                "cell": cell.as_json(),
                "shortcomings": shortcomings(figures),
                "rows": {rows.value: each.as_json() for rows, each in figures.items()},
            }
            for cell, figures in cells.items()
        ],
        "left out": [{"cell": cell.as_json(), "why": why} for cell, why in left_out.items()],
        "calibration": {
            rows.value: {moment.value: calibration.as_json(_pairs(cells, rows, moment)) for moment in Moment}
            for rows in Rows
        },
    }


def _pairs(cells: Mapping[Cell, ByRows], rows: Rows, moment: Moment) -> list[Pair]:
    return [pair for figures in cells.values() if rows in figures for pair in figures[rows].pairs(moment)]


def _line(name: str, each: Bin) -> str:
    off = "  OFF" if each.is_off else ""
    return f"  {name:10}{each.came.total:>8}{each.said:>8.3f}  {each.came}{off}"


def _said(figures: Figures, moment: Moment) -> str:
    theirs = figures.pairs(moment)
    return f"{calibration.overall(theirs).said:.3f}" if theirs else "nothing"


def _milliseconds(figures: Figures) -> str:
    passes = f"{figures.pass_milliseconds:.0f}" if figures.pass_milliseconds else "-"
    return f"{figures.call_milliseconds:.0f}, {passes}"
