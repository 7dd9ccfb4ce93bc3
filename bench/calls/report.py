"""The results, for people and for programs."""

import json
import platform
import statistics
from collections.abc import Sequence
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from bench.calls.measure import Measured

_HEAD = ("scenario", "median ms", "p95 ms", "statements", "rows read", "peak MB", "raw SQL ms", "ratio", "notes")


LEGEND = """\
Milliseconds of a call over HTTP, for a rush until the answer; statements and rows read of one call, by the server's
counters, sign-in included; peak MB of a worker. raw SQL: the same allocation in hand-written SQL, in
bench/calls/raw_sql.py; ratio: the time of a call to that of raw SQL. "chose others": raw SQL has one window for all
machines, and knows only what is granted to the class's group. docs/performance.md says more."""


def table(results: Sequence[Measured]) -> str:
    """The markdown table."""
    lines = [_HEAD, ("---", *["---:"] * (len(_HEAD) - 2), "---"), *(_cells(each) for each in results)]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def _cells(each: Measured) -> tuple[str, ...]:
    work, raw = each.work, statistics.median(each.raw) if each.raw else None
    return (
        each.scenario.name,
        f"{each.median:,.0f}",
        f"{each.p95:,.0f}",
        f"{work.statements}" if work else "",
        f"{work.rows:,}" if work else "",
        f"{each.memory / 1024:.0f}",
        f"{raw:,.0f}" if raw is not None else "",
        f"{each.ratio:.1f}" if each.ratio is not None else "",
        _notes(each),
    )


def _notes(each: Measured) -> str:
    if each.rush is not None:
        rush = each.rush
        faults = "".join(f", {count} × {fault}" for fault, count in sorted(rush.faults.items()))
        return (
            f"{rush.calls} answered within {rush.seconds:.1f} s; {rush.refused} refused{faults}; "
            f"{rush.short} short; {rush.twice} computers promised twice"
        )
    short = sum(answer < each.scenario.machines for answer in each.answers)
    differ = sum(1 for number in each.differ if number)
    return "; ".join([
        *([f"{short} of {len(each.answers)} short"] if short else []),
        *([f"{differ} of {len(each.differ)} chose others, {max(each.differ)} at most"] if differ else []),
    ])  # fmt: skip


def write(results: Sequence[Measured], folder: Path) -> Path:
    """Write all figures as JSON; the file's path."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / "calls.json"
    figures = {
        "at": datetime.now(UTC).isoformat(timespec="seconds"),
        "python": platform.python_version(),
        "scenarios": [_figures(each) for each in results],
    }
    path.write_text(json.dumps(figures, indent=1) + "\n")
    return path


def _figures(each: Measured) -> dict[str, Any]:
    figures = {"median": each.median, "p95": each.p95, "ratio": each.ratio}
    return {"name": each.scenario.name, **figures, **asdict(each)}
