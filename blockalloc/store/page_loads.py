"""How long images take to load, for pages: the same seconds as `loads.estimates` says, without a year of VCL's log.

The log is long, and of what is old in it nothing changes any more. So each process remembers the sums of old loads for
ten minutes, and reads the rows since then at each request: a load that was logged just now counts at once. Only a
change of a row that is more than two days old may be seen ten minutes late.
"""

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import NamedTuple

from blockalloc.store import loads, times
from blockalloc.store.kept_loads import Sum
from blockalloc.store.sql import fetch
from scheduling.windows import DAY, MINUTE

_REMEMBERED = 10 * MINUTE
_MAY_CHANGE = 2 * DAY  # after the begin: `loaded` is written within the hour if the load counts, `ending` after it

ALWAYS_READ = 1000  # rows at the end of the log at least: transactions may end in another order than they got ids

# VCL writes a row for "now" when the reservation begins. Those for later may have been written long before they do,
# and do not count.
_BOUNDS = "SELECT (SELECT MIN(id) FROM log WHERE start > %s AND nowfuture = 'now'), (SELECT MAX(id) FROM log)"
# `begun`: of the loads that will be older than twelve months within the ten minutes, each by itself.
_SUMMED = """
SELECT imageid, is_recent, begun, SUM(seconds), COUNT(*) FROM (
    SELECT imageid, {seconds} AS seconds, CASE WHEN id >= {first} THEN 1 ELSE 0 END AS is_recent,
           CASE WHEN start <= '{until}' THEN start END AS begun
    FROM log WHERE {run} AND ending <> 'failed' AND {loaded} {recent}
) AS loads WHERE seconds BETWEEN {low} AND {high} GROUP BY imageid, is_recent, begun
"""


class _Part(NamedTuple):
    """Loads of an image; `begun` at the same time (local, naive), or None: within the twelve months all the while."""

    begun: datetime | None
    sum: Sum


@dataclass(slots=True)
class _Old:
    """The sums of the rows before `first_recent` (an id), read at `now` (Unix seconds), by image.

    They count what began after `since`; what began until `until` is kept apart (local times, naive).
    """

    now: int
    since: datetime
    until: datetime
    first_recent: int
    parts: dict[int, list[_Part]] = field(default_factory=dict)

    def is_valid(self, now: int) -> bool:
        """Whether it says what counts at `now`: the clock may have been set, or put back."""
        return self.now <= now <= self.now + _REMEMBERED and self.since <= loads.begin(now) <= self.until


_old: _Old | None = None


def estimates(reload_minutes: Mapping[int, int], now: int) -> dict[int, int]:
    """Image id -> seconds that plans reckon with for a load; see `loads.estimates`.

    One statement as a rule; two more when this process has to read old loads.
    """
    return loads.estimates(reload_minutes, now, count=_summed)


def forget() -> None:
    """Read old loads anew the next time."""
    global _old
    _old = None


def _summed(images: Collection[int], now: int) -> dict[int, Sum]:
    global _old
    old = _old
    if old is None or not old.is_valid(now):
        old = _old = _nothing_read(now)
    new = {image for image in images if image not in old.parts}
    recent = _read(old, set(images) - new)
    if new:
        recent |= _read(old, new, with_old=True)
    since = loads.begin(now)
    return {image: _total([*old.parts[image], *recent.get(image, ())], since) for image in images}


def _total(parts: Iterable[_Part], since: datetime) -> Sum:
    counting = [each.sum for each in parts if each.begun is None or each.begun > since]
    return Sum(sum(each.seconds for each in counting), sum(each.loads for each in counting))


def _nothing_read(now: int) -> _Old:
    ((first, last),) = fetch(_BOUNDS, [times.to_local(now - _MAY_CHANGE)])
    ends = [*([] if first is None else [first]), (last or 0) - ALWAYS_READ]
    return _Old(now, loads.begin(now), loads.begin(now + _REMEMBERED), min(ends))


def _read(old: _Old, images: Collection[int], *, with_old: bool = False) -> dict[int, list[_Part]]:
    """The recent loads of images; with `with_old`, all of them are read, and the old ones remembered."""
    if not images:
        return {}
    condition = "" if with_old else f"AND id >= {old.first_recent:d}"
    until = times.stored_wall_time(old.until)
    select = loads.over_loads(_SUMMED, images, old.now, until=until, first=f"{old.first_recent:d}", recent=condition)
    recent: dict[int, list[_Part]] = defaultdict(list)
    past: dict[int, list[_Part]] = {image: [] for image in images}
    for image, is_recent, begun, seconds, number in fetch(select.sql, select.params):
        part = _Part(times.wall_time(begun), Sum(int(seconds), number))
        (recent if is_recent else past)[image].append(part)
    if with_old:
        old.parts |= past
    return recent
