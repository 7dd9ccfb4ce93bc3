"""The figures as a picture: which classes were all ready, cell by cell, and whether what was said is what came.

    python -m bench.readiness.plot var/bench/readiness.json docs/readiness.svg

Needs matplotlib (requirements-bench.txt).
"""

import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from bench.readiness.cells import Rows
from bench.readiness.figures import TARGET

_COLOURS = {Rows.VCL: "#8d8d8d", Rows.OURS: "#1b6ca8", Rows.KEPT: "#d1495b"}
_MOMENTS = {"at allocation": "o", "half an hour before": "s"}
_ROW = 0.26  # inches of height for a cell

Json = dict[str, Any]  # as bench.readiness.report writes it


def draw(figures: Json, path: Path) -> None:
    """Draw cells and calibration. Raises ModuleNotFoundError without matplotlib."""
    import matplotlib

    matplotlib.use("svg")
    # The same figures, the same file.
    matplotlib.rcParams.update({"svg.hashsalt": "bench.readiness", "svg.fonttype": "path", "font.size": 7})
    from matplotlib import pyplot

    cells = figures["cells"]
    height = max(4.0, 1.2 + _ROW * len(cells))
    figure, (left, right) = pyplot.subplots(1, 2, figsize=(13, height), layout="constrained", width_ratios=(3, 2))
    _cells(left, cells)
    _calibration(right, figures["calibration"])
    path.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(path, metadata={"Date": None})
    pyplot.close(figure)


def _cells(axis: Any, cells: Sequence[Json]) -> None:
    """A line for each cell, a dot with its bounds for each kind of rows."""
    axis.set(title="classes with all machines ready at the start, with 99 % bounds", xlim=(-0.02, 1.02))
    for number, (rows, colour) in enumerate(_COLOURS.items()):
        points = [(line, cell["rows"][rows.value]["classes_ready"]) for line, cell in enumerate(cells)
                  if rows.value in cell["rows"]]  # fmt: skip
        shares, bounds = ([share[key] for _, share in points] for key in ("share", "bounds"))
        lines = [line + 0.22 * (number - 1) for line, _ in points]
        _dots(axis, shares, lines, bounds, "xerr", fmt="o", markersize=3, color=colour, label=rows.value)
    axis.axvline(TARGET, color="#3d8b5f", linewidth=0.8, linestyle=":")
    axis.set_yticks(range(len(cells)), [cell["cell"]["name"] for cell in cells])
    axis.set_ylim(len(cells) - 0.5, -0.5)
    _finish(axis)


def _calibration(axis: Any, calibration: Json) -> None:
    """What was said (the mean of a bin) and what came, beside the line on which both are the same."""
    axis.set(title="what was said is what came", xlabel="all ready: probability that was said, mean of a bin",
             ylabel="share of classes that were all ready", xlim=(-0.02, 1.02), ylim=(-0.02, 1.02), aspect="equal",
             anchor="N")  # fmt: skip
    axis.plot([0, 1], [0, 1], color="#3d8b5f", linewidth=0.8, linestyle=":")
    for rows, moments in calibration.items():
        for moment, its in moments.items():
            came = [each["came"] for each in its["bins"]]
            if came:
                _dots(axis, [each["said"] for each in its["bins"]], [each["share"] for each in came],
                      [each["bounds"] for each in came], "yerr", fmt=_MOMENTS[moment], markersize=4,
                      color=_COLOURS[Rows(rows)], label=f"{rows}, said {moment}")  # fmt: skip
    if not axis.get_legend_handles_labels()[0]:
        axis.text(0.5, 0.4, "nothing was said", ha="center")
    _finish(axis)


def _dots(axis: Any, xs: list[float], ys: list[float], bounds: list[Sequence[float]], error: str, **style: Any) -> None:
    values = xs if error == "xerr" else ys
    low = [max(0.0, value - each[0]) for value, each in zip(values, bounds, strict=True)]
    high = [max(0.0, each[1] - value) for value, each in zip(values, bounds, strict=True)]
    axis.errorbar(xs, ys, **{error: [low, high]}, elinewidth=0.7, linestyle="none", **style)


def _finish(axis: Any) -> None:
    axis.grid(visible=True, color="#e4e4e4", linewidth=0.5)
    if axis.get_legend_handles_labels()[0]:
        axis.legend(fontsize=6, frameon=False, loc="lower left" if axis.get_ylim()[0] > 1 else "upper left")


def main(arguments: Sequence[str] | None = None) -> int:
    """Draw the figures of one file into another."""
    given = sys.argv[1:] if arguments is None else list(arguments)
    if len(given) != 2:
        print(__doc__, file=sys.stderr)
        return 2
    draw(json.loads(Path(given[0]).read_text()), Path(given[1]))
    return 0


if __name__ == "__main__":
    sys.exit(main())
