"""What people know of the forecast, and of which classes it says something else. Instants are Unix seconds.

A class's row of the forecast and its standing are changed only as they were read (compare and set), in the transaction
that writes the news: of several hosts one tells it.
"""

from collections.abc import Mapping
from typing import NamedTuple

from blockalloc.models import Forecast, ForecastSeen
from blockalloc.store import news, times
from blockalloc.store.news import OF_STANDING, STANDINGS, Kept, Row
from blockalloc.store.past import Past
from blockalloc.store.sql import Value, execute, fetch, insert, listed_ids
from scheduling.news import standing as rules
from scheduling.news.foreseeing import AHEAD, Outlook, Seen
from scheduling.vcl_names import ACCEPTED
from scheduling.windows import DAY

_FORECASTS, _SEEN = Forecast._meta.db_table, ForecastSeen._meta.db_table


class Foreseen(NamedTuple):
    """A class of which people may have to be told: what the forecast says of it, and what they know.

    `told`, `told_at` are as in models.Forecast. `kept` is its standing, None when it has none.
    """

    block_time_id: int
    start: int
    end: int
    wanted: int
    machines: int
    is_asked: bool
    told: int | None
    told_at: int | None
    seen: Seen | None
    kept: Kept | None

    @property
    def outlook(self) -> Outlook:
        """What decides whether it is news."""
        standing = self.kept.standing if self.kept else None
        moments = [self.told_at, standing.short_told if standing else None]
        return Outlook(
            start=self.start,
            missing=max(self.wanted - self.machines, 0),
            known=standing.short if standing else 0,
            told_at=max((each for each in moments if each is not None), default=None),
            foreseen=bool(self.told),
            is_asked=self.is_asked,
            before=self.seen,
        )


# Of a class that is skipped, rejected or moved since it was planned, the forecast says nothing.
_CANDIDATES = f"""
SELECT f.block_time_id, f.start, f.`end`, f.wanted, f.machines, t.start, t.processed, f.told, f.told_at, p.`at`,
       p.missing, {OF_STANDING}
FROM {_FORECASTS} f
JOIN blockTimes t ON t.id = f.block_time_id
JOIN blockRequest r ON r.id = t.blockRequestid
LEFT JOIN {_SEEN} p ON p.block_time_id = f.block_time_id
LEFT JOIN {STANDINGS} s ON s.block_time_id = f.block_time_id
WHERE f.start > %s AND t.skip = 0 AND r.status = %s
  AND ((f.start <= %s AND f.machines < f.wanted) OR f.told > 0 OR p.block_time_id IS NOT NULL)
ORDER BY f.block_time_id
"""


def candidates(now: int) -> list[Foreseen]:
    """The classes to come of which people may have to be told at `now`, by their ids. One statement."""
    found = []
    for row in fetch(_CANDIDATES, [times.to_utc(now), ACCEPTED, times.to_utc(now + AHEAD)]):
        id_, start, end, wanted, machines, begins, processed, told, told_at, at, missing, *standing = row
        instant = times.from_utc(start) or 0
        if times.from_local(begins) != instant:
            continue
        seen = None if missing is None else Seen(times.from_utc(at) or 0, missing)
        found.append(
            Foreseen(
                id_, instant, times.from_utc(end) or 0, wanted, machines, bool(processed), told,
                times.from_utc(told_at), seen, news.kept_in(Row(*standing)),
            )
        )  # fmt: skip
    return found


def note(seen: Mapping[int, Seen | None]) -> None:
    """Keep what the next forecasts have to know of this one, None for nothing. Two statements at most."""
    if over := [id_ for id_, each in seen.items() if each is None]:
        execute(f"DELETE FROM {_SEEN} WHERE block_time_id IN ({listed_ids(over)})")
    rows: list[list[Value]] = [
        [id_, times.to_utc(each.at), each.missing] for id_, each in seen.items() if each is not None
    ]
    if rows:
        insert(_SEEN, ["block_time_id", "at", "missing"], rows, replace=True)


def tell(of: Foreseen, missing: int, now: int) -> bool:
    """Note that people are told of so many missing machines, 0 for none any more; False when somebody was faster.

    To be rolled back then. `told_at` stays when a shortage was told last.
    """
    same = "told IS NULL" if of.told is None else "told = %s"
    values: list[Value] = [missing, times.to_utc_or_null(now if missing else of.told_at), of.block_time_id]
    values += [of.told] if of.told is not None else []
    sql = f"UPDATE {_FORECASTS} SET told = %s, told_at = %s WHERE block_time_id = %s AND {same}"
    if not execute(sql, values):
        return False
    standing = of.kept.standing if of.kept else rules.Standing(of.start)
    return news.change(of.block_time_id, of.kept, rules.foreseen(standing, of.start, missing, now))


def past(now: int) -> Past:
    """What forecasts of long ago saw, of classes that are over by now."""
    return Past(_SEEN, "`at` < %s", [times.to_utc(now - AHEAD - DAY)], since="`at`", key="block_time_id")


def past_forecasts(now: int) -> Past:
    """Forecasts of classes that are over."""
    return Past(_FORECASTS, "`end` < %s", [times.to_utc(now)], since="`end`", key="block_time_id")
