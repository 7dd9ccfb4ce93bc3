"""How the cost of a call grows, as a picture: both axes logarithmic, so that a straight line is a power.

    python -m bench.calls.plot var/bench/calls.json docs/performance-growth.svg

Needs matplotlib (requirements-bench.txt).
"""

import json
import statistics
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

# The panels: the x axis, and the curves by the names that scenarios give them.
_LOG = "rows of log"
_PANELS = {
    "computers of the site": ("computers of the site",),
    "machines of the call": ("machines of the call",),
    _LOG: (_LOG, f"{_LOG}, load times kept for a day", f"{_LOG}, with indexes"),
    "what is past": ("past block times", "past decisions"),
}
_RUSH = "workers under a rush"
_FEW = 1_000  # below, the axis of what is past is linear: it begins at 0
_COLOURS = ("#1b6ca8", "#d1495b", "#3d8b5f")

Figures = dict[str, Any]  # of one scenario, as bench.calls.report writes them


def draw(scenarios: Sequence[Figures], path: Path) -> None:
    """Draw all curves with figures. Raises ModuleNotFoundError without matplotlib."""
    import matplotlib

    matplotlib.use("svg")
    # The same figures, the same file.
    matplotlib.rcParams.update({"svg.hashsalt": "bench.calls", "svg.fonttype": "path", "font.size": 8})
    from matplotlib import pyplot

    figure, grid = pyplot.subplots(2, 3, figsize=(11, 6), layout="constrained")
    *panels, last, rest = grid.flat
    for axis, (title, curves) in zip(panels, _PANELS.items(), strict=True):
        axis.sharey(panels[0])
        _panel(axis, title, {name: _points(scenarios, name) for name in curves})
        axis.set_ylabel("milliseconds of a call, median")
    _rush(last, _points(scenarios, _RUSH))
    rest.remove()
    path.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(path, metadata={"Date": None})
    pyplot.close(figure)


def _points(scenarios: Sequence[Figures], curve: str) -> list[Figures]:
    return sorted((each for each in scenarios if each["scenario"]["curve"] == curve), key=_x)


def _x(point: Figures) -> int:
    return int(point["scenario"]["x"])


def _panel(axis: Any, title: str, curves: dict[str, list[Figures]]) -> None:
    axis.set(title=title, xscale="log", yscale="log")
    if any(_x(point) == 0 for points in curves.values() for point in points):
        axis.set_xscale("symlog", linthresh=_FEW)
        axis.set_xticks([_x(point) for point in next(iter(curves.values()))])
    for (name, points), colour in zip(curves.items(), _COLOURS, strict=False):
        along = [_x(point) for point in points]
        axis.plot(along, [point["median"] for point in points], "o-", markersize=3, color=colour, label=name)
        raw = [statistics.median(point["raw"]) for point in points]
        axis.plot(along, raw, ":", color=colour, label="the same in plain SQL")
    _finish(axis)


def _rush(axis: Any, points: list[Figures]) -> None:
    axis.set(title=_RUSH, ylabel="calls a second that were not refused", xscale="log", yscale="log")
    along = [_x(point) for point in points]
    answered = [len(point["answers"]) / point["rush"]["seconds"] for point in points]
    axis.plot(along, answered, "o-", markersize=3, color=_COLOURS[0], label="500 calls at once")
    axis.set_xticks(along)
    axis.set_ylim(1, 100)  # small differences are none
    _finish(axis)


def _finish(axis: Any) -> None:
    from matplotlib.ticker import FuncFormatter, LogLocator, NullFormatter

    axis.yaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
    for each in (axis.xaxis, axis.yaxis):
        each.set_major_formatter(FuncFormatter(lambda value, _: f"{value:,.10g}"))
        each.set_minor_formatter(NullFormatter())
    axis.grid(visible=True, which="both", color="#e4e4e4", linewidth=0.5)
    axis.legend(fontsize=6, frameon=False)


def main(arguments: Sequence[str] | None = None) -> int:
    """Draw the figures of one file into another."""
    given = sys.argv[1:] if arguments is None else list(arguments)
    if len(given) != 2:
        print(__doc__, file=sys.stderr)
        return 2
    draw(json.loads(Path(given[0]).read_text())["scenarios"], Path(given[1]))
    return 0


if __name__ == "__main__":
    sys.exit(main())
