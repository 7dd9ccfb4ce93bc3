"""Runs scenarios, site after site."""

import sys
import time
from collections.abc import Iterator, Sequence
from itertools import groupby
from pathlib import Path

from bench.calls import rows, scenarios
from bench.calls.database import MARIADB, Database, Databases, OnMariaDB
from bench.calls.measure import TIMED, Measured, Place, measure
from bench.calls.scenarios import Scenario
from bench.calls.server import MeasuredServer
from bench.calls.site import Site


def run(chosen: Sequence[Scenario], databases: Databases, directory: Path, timed: int = TIMED) -> Iterator[Measured]:
    """Measure the scenarios on sites of our own. Those of one site follow each other, and share it."""
    for (kind, sizes, _), group in groupby(chosen, key=lambda each: each.place):
        assert sizes is not None
        database = _migrated(kind, databases, directory)
        began = time.perf_counter()
        site = rows.load(sizes, database)
        _say(f"{sizes.in_words()}, {kind}: made in {time.perf_counter() - began:.0f} s")
        yield from _on(database, site, [*group], directory, timed)
        databases.drop(database)


def run_rows(folder: Path, only: Sequence[str], databases: Databases, directory: Path) -> Iterator[Measured]:
    """Measure all kinds of calls that the rows in a folder have block times for."""
    rows.check_folder(folder)
    database = _migrated(MARIADB, databases, directory)
    assert isinstance(database, OnMariaDB)
    site = rows.load_folder(folder, database)
    chosen = scenarios.named(scenarios.of_rows([*site.times]), only)
    yield from _on(database, site, chosen, directory, TIMED)


def _migrated(kind: str, databases: Databases, directory: Path) -> Database:
    database = databases.new(kind)
    MeasuredServer(directory, database).migrate()
    return database


def _on(database: Database, site: Site, chosen: Sequence[Scenario], directory: Path, timed: int) -> Iterator[Measured]:
    place = Place(database, site, {key: list(ids) for key, ids in site.times.items()})
    for scenario in chosen:
        began = time.perf_counter()
        result = measure(scenario, place, directory, timed)
        waiting = " until an answer" if scenario.rush else ""
        _say(f"  {scenario.name}: {result.median:.0f} ms{waiting}, measured in {time.perf_counter() - began:.0f} s")
        yield result


def _say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)
