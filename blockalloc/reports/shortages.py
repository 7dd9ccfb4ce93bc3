"""The classes to come that will lack machines, named: alone, or together with those of the same image."""

from collections.abc import Collection, Sequence
from typing import NamedTuple

from blockalloc.reports.forecasts import Forecasts, Foreseen
from blockalloc.store import beside_short
from blockalloc.store.beside_short import Row
from blockalloc.store.forecasts import Kept
from scheduling.forecast.collisions import Collision, Wanted, collisions
from scheduling.readiness import ASKED_AHEAD


class Class(NamedTuple):
    """A class of a shortage that the person may see. `foreseen` is None when it will have all its machines."""

    block_time_id: int
    name: str
    foreseen: Foreseen | None

    @property
    def number(self) -> str:
        """`48 of 50 machines`, of one that will be short."""
        return self.foreseen.number if self.foreseen else ""


class Shortage(NamedTuple):
    """What will be short at `start` (Unix seconds): one class, or several of an image.

    `what` are the words for several ("Ubuntu 22.04: 70 wanted, 68 usable"), "" for one; `foreign` is how many further
    classes of it belong to other affiliations.
    """

    start: int
    what: str
    classes: Sequence[Class]
    foreign: int = 0

    @property
    def short(self) -> int:
        """How many classes of it, of those that the person may see, will lack machines."""
        return sum(each.foreseen is not None for each in self.classes)

    @property
    def words(self) -> str:
        """What will be short, without the time."""
        return self.what or "; ".join(f"{each.name}: {each.foreseen.words}" for each in self.classes if each.foreseen)


def shortages(forecasts: Forecasts) -> list[Shortage]:
    """Those of classes that the person may see, by start. Three statements, and two more in a limited scope."""
    kept = forecasts.short()
    if not kept:
        return []
    rows = {row.id: row for row in _rows(kept, forecasts.now)}
    kept = [each for each in kept if _counts(each, rows.get(each.block_time_id), forecasts.now)]
    foreseen = {each.block_time_id: each for each in forecasts.in_words(kept)}
    found, told = [], set[int]()
    for collision in collisions(_wanted(rows.values(), foreseen)):
        found.append(_of_image(collision, rows, foreseen, forecasts))
        told.update(collision.block_time_ids)
    found += [_of_class(rows[id_], each, forecasts) for id_, each in foreseen.items() if id_ not in told]
    return sorted((each for each in found if each.short), key=lambda each: each.start)


def _rows(kept: Sequence[Kept], now: int) -> list[Row]:
    """The classes in the hours of those that will be short, of the same images, these included."""
    first, last = min(each.start for each in kept), max(each.end for each in kept)
    return beside_short.classes({each.block_request_id for each in kept}, first, last, now)


def _counts(kept: Kept, row: Row | None, now: int) -> bool:
    """Whether the class is still the one that was planned, and not yet one of which readiness says more."""
    if row is None or (row.has_computers and kept.start - now <= ASKED_AHEAD):
        return False
    return kept.is_of(row.start, row.end, row.machines)


def _wanted(rows: Collection[Row], foreseen: dict[int, Foreseen]) -> list[Wanted]:
    return [
        Wanted(
            row.id,
            row.image_id,
            row.start,
            row.end,
            row.machines,
            foreseen[row.id].fit if row.id in foreseen else 0,
            row.id in foreseen,
        )
        for row in rows
        if not row.is_cluster
    ]


def _of_image(
    collision: Collision, rows: dict[int, Row], foreseen: dict[int, Foreseen], forecasts: Forecasts
) -> Shortage:
    of_it = [rows[id_] for id_ in collision.block_time_ids]
    visible = [row for row in of_it if _may_see(row, forecasts)]
    classes = [Class(row.id, row.name, foreseen.get(row.id)) for row in visible]
    what = f"{of_it[0].image}: {collision.wanted} wanted, {collision.fit} usable"
    return Shortage(collision.at, what, classes, len(of_it) - len(visible))


def _of_class(row: Row, foreseen: Foreseen, forecasts: Forecasts) -> Shortage:
    classes = [Class(row.id, row.name, foreseen)] if _may_see(row, forecasts) else []
    return Shortage(row.start, "", classes)


def _may_see(row: Row, forecasts: Forecasts) -> bool:
    return forecasts.scope.affiliation_id in (None, row.affiliation_id)
