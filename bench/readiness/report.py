"""The figures as a table."""

from collections.abc import Callable, Mapping

from bench.readiness.cells import Cell, Rows
from bench.readiness.figures import Figures

_LINES: list[tuple[str, Callable[[Figures], str]]] = [
    ("classes all ready at the start", lambda figures: str(figures.classes_ready)),
    ("seats ready at the start", lambda figures: str(figures.seats_ready)),
    ("seats ready five minutes later", lambda figures: str(figures.seats_ready_later)),
    ("reloads dropped, a class", lambda figures: f"{figures.mean('dropped'):.2f}"),
    ("loads ended by users, a class", lambda figures: f"{figures.mean('ended_by_users'):.2f}"),
    ("reloads failed, a class", lambda figures: f"{figures.mean('failed'):.2f}"),
    ("minutes from load or hold to start, a seat", lambda figures: f"{figures.minutes_per_seat:.1f}"),
    ("users refused", lambda figures: str(figures.refused)),
    ("members refused", lambda figures: str(figures.members_refused)),
    ("seconds to play a day", lambda figures: f"{figures.mean('seconds'):.1f}"),
]


def table(cell: Cell, figures: Mapping[Rows, Figures]) -> str:
    """The figures of a kind of day: a line each, a column for each kind of rows."""
    days = max(len(each.days) for each in figures.values())
    lines = [f"{cell}: {days} days", f"{'':44}" + "".join(f"{rows.value:>24}" for rows in figures)]
    lines += [f"{name:44}" + "".join(f"{text(each):>24}" for each in figures.values()) for name, text in _LINES]
    for rows, each in figures.items():
        wrong = ", ".join(f"{what} {number:.2f}" for what, number in each.wrong.items()) or "nothing"
        lines.append(f"not ready at the start, a class ({rows.value}): {wrong}")
    return "\n".join(lines)
