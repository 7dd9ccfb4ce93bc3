"""What people have been told about classes, and news for them: our own rows. Instants are Unix seconds.

The row of a class is changed only as it was read (compare and set), in the transaction that writes the news: whoever
else looks at the class at the same moment, on whatever host, does not tell the same thing again.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from django.conf import settings

from blockalloc.models import Message, News, Notice, Standing, Watch
from blockalloc.store import times
from blockalloc.store.past import Past
from blockalloc.store.rows import full_name
from blockalloc.store.sql import Value, execute, fetch, insert, insert_new, listed_ids
from scheduling.news import standing as rules
from scheduling.news.kinds import Kind
from scheduling.windows import DAY, HOUR

STANDINGS, _NEWS, _WATCHES = Standing._meta.db_table, News._meta.db_table, Watch._meta.db_table
_NOTICES, _MESSAGES = Notice._meta.db_table, Message._meta.db_table
_SLACK = 3 * HOUR  # what SQL narrows by is wider than what is judged: a change of the clock
_LONGEST = 2000  # characters of a text


# --- What has been told ---------------------------------------------------------------------------


class Kept(NamedTuple):
    """The standing of a class, and the version of its row; None: it has none."""

    standing: rules.Standing
    version: int | None = None


class Row(NamedTuple):
    """A row of Standing as `OF_STANDING` reads it, or none."""

    start: times.Stored
    short: int
    short_told: times.Stored
    troubled: times.Stored
    at_risk: times.Stored
    not_ready: times.Stored
    held: int
    begun: int
    version: int | None


_COLUMNS = ("start", "short", "short_told", "troubled", "at_risk", "not_ready", "held", "begun")
OF_STANDING = ", ".join(f"s.{column}" for column in (*_COLUMNS, "version"))
# Of a class that nobody has to look at yet, what was told may be over.
_IS_TOLD = "(s.short > 0 OR s.at_risk IS NOT NULL OR s.not_ready IS NOT NULL)"
_OBSERVED = f"""
SELECT t.id, t.start, t.`end`, {OF_STANDING}
FROM blockTimes t LEFT JOIN {STANDINGS} s ON s.block_time_id = t.id
WHERE t.`end` > %s AND (t.start <= %s OR (t.start <= %s AND {_IS_TOLD}))
  AND (t.skip = 0 OR s.block_time_id IS NOT NULL)
"""
_ONE = f"SELECT {OF_STANDING} FROM {STANDINGS} s WHERE s.block_time_id = %s"


def observed(now: int, soon: int) -> dict[int, Kept]:
    """The classes that are on or start within `soon` seconds, and later ones of which there is something to take back.

    Block time -> its standing. One statement.
    """
    limits = [now - _SLACK, now + soon + _SLACK, now + rules.AHEAD + _SLACK]
    return {
        id_: kept_in(Row(*row)) or Kept(rules.Standing(times.from_local(start) or 0))
        for id_, start, end, *row in fetch(_OBSERVED, [times.to_local(each) for each in limits])
        if (times.from_local(end) or 0) > now
    }


def kept(block_time_id: int) -> Kept | None:
    """The standing of a class; None when it has no row. One statement."""
    return next((kept_in(Row(*row)) for row in fetch(_ONE, [block_time_id])), None)


def kept_in(row: Row) -> Kept | None:
    """The standing in a row; None when there is none."""
    if row.version is None:
        return None
    standing = rules.Standing(
        start=times.from_utc(row.start) or 0,
        short=row.short,
        short_told=times.from_utc(row.short_told),
        troubled=times.from_utc(row.troubled),
        at_risk=times.from_utc(row.at_risk),
        not_ready=times.from_utc(row.not_ready),
        held=bool(row.held),
        begun=bool(row.begun),
    )
    return Kept(standing, row.version)


def change(block_time_id: int, before: Kept | None, after: rules.Standing) -> bool:
    """Change the standing of a class; False when somebody else has done so since `before` was read."""
    values = _values(after)
    if before is None or before.version is None:
        return _insert([[block_time_id, *values, 0]]) > 0
    assignments = ", ".join(f"{column} = %s" for column in _COLUMNS)
    sql = f"UPDATE {STANDINGS} SET {assignments}, version = version + 1 WHERE block_time_id = %s AND version = %s"
    return execute(sql, [*values, block_time_id, before.version]) > 0


def add(standings: Mapping[int, rules.Standing]) -> None:
    """Keep standings of classes that have none yet, and of which nothing is told. One statement, none for none."""
    if standings:
        _insert([[id_, *_values(each), 0] for id_, each in standings.items()])


def forget(block_time_id: int) -> None:
    """Nothing more is to be said of what was told: somebody has taken the class's computers away on purpose."""
    execute(
        f"UPDATE {STANDINGS} SET short = 0, short_told = NULL, troubled = NULL, at_risk = NULL, not_ready = NULL, "
        "held = 0, version = version + 1 WHERE block_time_id = %s",
        [block_time_id],
    )


def _insert(rows: Sequence[Sequence[Value]]) -> int:
    """Insert those that are new; how many were."""
    return insert_new(STANDINGS, ["block_time_id", *_COLUMNS, "version"], rows)


def _values(each: rules.Standing) -> list[Value]:
    moments = (each.short_told, each.troubled, each.at_risk, each.not_ready)
    return [times.to_utc(each.start), each.short, *map(times.to_utc_or_null, moments), each.held, each.begun]


def past_standings(now: int) -> Past:
    """Standings of classes that began long ago (VCL_MESSAGE_DAYS before `now`)."""
    before = times.to_utc(now - settings.VCL_MESSAGE_DAYS * DAY)
    return Past(STANDINGS, "start < %s", [before], since="start", key="block_time_id")


# --- News -----------------------------------------------------------------------------------------


class About(NamedTuple):
    """What VCL's rows say of a class, and what keep_ready has done for it (see models.Watch).

    `machines` are those of the block request. 0, None and "" where there is none.
    """

    block_time_id: int
    request_id: int
    block: str
    image: str
    group: str
    owner_id: int | None
    owner: str
    affiliation_id: int | None
    machines: int
    replaced: int
    loaded_again: int
    added: int
    noted: str


_ABOUT = f"""
SELECT t.id, r.id, r.name, COALESCE(i.prettyname, ''), g.name, ga.name, u.id, u.unityid, ua.name, u.affiliationid,
       r.numMachines, COALESCE(w.replaced, 0), COALESCE(w.loaded_again, 0), COALESCE(w.added, 0), COALESCE(w.noted, '')
FROM blockTimes t JOIN blockRequest r ON r.id = t.blockRequestid LEFT JOIN image i ON i.id = r.imageid
LEFT JOIN usergroup g ON g.id = r.groupid LEFT JOIN affiliation ga ON ga.id = g.affiliationid
LEFT JOIN user u ON u.id = r.ownerid LEFT JOIN affiliation ua ON ua.id = u.affiliationid
LEFT JOIN {_WATCHES} w ON w.block_time_id = t.id
WHERE t.id IN ({{block_times}})
"""


def about(block_time_ids: Collection[int]) -> dict[int, About]:
    """Block time -> what is said of it; nothing of one that is gone. One statement, none for none."""
    if not block_time_ids:
        return {}
    found = {}
    for id_, request, block, image, group, group_of, owner_id, owner, owner_of, affiliation, *more in fetch(
        _ABOUT.format(block_times=listed_ids(block_time_ids))
    ):
        names = [block, image, full_name(group, group_of), owner_id, full_name(owner, owner_of), affiliation]
        found[id_] = About(id_, request, *names, *more)
    return found


@dataclass(frozen=True, slots=True)
class Item:
    """News of a class; see models.News."""

    kind: Kind
    about: About
    start: int
    end: int
    wanted: int
    usable: int
    ready: int | None = None
    sureness: float | None = None
    since: int | None = None
    why: str = ""
    tried: str = ""
    by_back_end: bool = False
    decision_id: int | None = None


def write(items: Iterable[Item], now: int) -> None:
    """Write news in the caller's transaction, in this order. One statement, none for none."""
    rows = [_columns(each, now) for each in items]
    if rows:
        insert(_NEWS, list(rows[0]), [list(row.values()) for row in rows])


def _columns(item: Item, now: int) -> dict[str, Value]:
    about = item.about
    columns: dict[str, Value] = {
        "at": times.to_utc(now),
        "kind": str(item.kind),
        "block_time_id": about.block_time_id,
        "block_request_id": about.request_id,
        "block_name": about.block,
        "image_name": about.image,
        "user_group": about.group,
        "owner_id": about.owner_id,
        "owner": about.owner,
        "affiliation_id": about.affiliation_id,
        "start": times.to_utc(item.start),
        "end": times.to_utc(item.end),
        "wanted": item.wanted,
        "usable": item.usable,
        "ready": item.ready,
        "sureness": item.sureness,
        "since": times.to_utc_or_null(item.since),
        "why": item.why,
        "tried": item.tried,
        "by_back_end": item.by_back_end,
        "decision_id": item.decision_id,
    }
    return {name: _fitting(name, value) for name, value in columns.items()}


def _fitting(name: str, value: Value) -> Value:
    """A value as its column takes it: news must never be what an allocation fails for."""
    if not isinstance(value, str):
        return value
    length: int | None = getattr(News._meta.get_field(name), "max_length", None)
    return value.encode("utf-8", "replace").decode()[: length or _LONGEST]


def past(now: int) -> Past:
    """News of long ago (VCL_MESSAGE_DAYS before `now`) that is in no message any more: it says who may see that."""
    condition = (
        f"`at` < %s AND NOT EXISTS (SELECT 1 FROM {_NOTICES} o JOIN {_MESSAGES} m ON m.id = o.message_id "
        f"WHERE o.news_id = {_NEWS}.id)"
    )
    before = times.to_utc(now - settings.VCL_MESSAGE_DAYS * DAY)
    return Past(_NEWS, condition, [before], since="`at`", looks_elsewhere=True)
