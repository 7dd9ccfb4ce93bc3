"""What /metrics tells of the site beside its classes: each in one statement, over our own tables. Unix seconds."""

from typing import NamedTuple

from blockalloc.models import ClassHeld, Image, LoopSeen, Message, News, Notice, SeenLoad
from blockalloc.store import times
from blockalloc.store.sql import ALL_ROWS, fetch

_CLASSES, _LOADS, _LOOPS = ClassHeld._meta.db_table, SeenLoad._meta.db_table, LoopSeen._meta.db_table
_MESSAGES, _NOTICES, _NEWS = Message._meta.db_table, Notice._meta.db_table, News._meta.db_table


class Loads(NamedTuple):
    """Loads of an image with an outcome (models.SeenLoad); `image` is its name."""

    image: str
    outcome: str
    number: int


class Said(NamedTuple):
    """Classes of which something was said: how many, the sum of what was said, in how many of them it came."""

    classes: int
    said: float
    came: int


class Waiting(NamedTuple):
    """Notifications: those that are still to be sent, those that were given up, and since when the oldest waits."""

    waiting: int
    failed: int
    oldest: int | None


# The loads of the period are a table of their own: else they would be grouped by an index over all that there are.
_LOADS_SINCE = f"""
SELECT COALESCE(i.prettyname, ''), l.image_id, l.outcome, l.number
FROM (SELECT image_id, outcome, COUNT(*) AS number
      FROM (SELECT image_id, outcome FROM {_LOADS} WHERE begun >= %s LIMIT {ALL_ROWS}) AS recent
      GROUP BY image_id, outcome) AS l
LEFT JOIN {Image._meta.db_table} i ON i.id = l.image_id
"""
_SAID = """
SUM(CASE WHEN {said} IS NOT NULL THEN 1 ELSE 0 END), SUM({said}),
SUM(CASE WHEN {said} IS NOT NULL AND ready_at_start >= had THEN 1 ELSE 0 END)
"""
_CALIBRATION = f"""
SELECT {_SAID.format(said="said_at_allocation")}, {_SAID.format(said="said_last")} FROM {_CLASSES}
WHERE had > 0 AND ready_at_start IS NOT NULL AND start >= %s AND start <= %s
"""
# News that nobody has looked for recipients of yet waits too, and so do notices that are in no message yet.
_WAITING = f"""
SELECT (SELECT COUNT(*) FROM {_MESSAGES} WHERE sent IS NULL AND failed IS NULL),
       (SELECT MIN(created) FROM {_MESSAGES} WHERE sent IS NULL AND failed IS NULL),
       (SELECT COUNT(*) FROM {_MESSAGES} WHERE sent IS NULL AND failed IS NOT NULL),
       (SELECT COUNT(*) FROM {_NOTICES} WHERE message_id IS NULL),
       (SELECT MIN(n.`at`) FROM {_NOTICES} o JOIN {_NEWS} n ON n.id = o.news_id WHERE o.message_id IS NULL),
       (SELECT COUNT(*) FROM {_NEWS} WHERE taken IS NULL),
       (SELECT MIN(`at`) FROM {_NEWS} WHERE taken IS NULL)
"""


def loads_since(instant: int) -> list[Loads]:
    """The loads that keep_ready saw and that began since then, counted by image and outcome."""
    rows = fetch(_LOADS_SINCE, [times.to_utc(instant)])
    return [Loads(name or f"image {image}", outcome, number) for name, image, outcome, number in rows]


def calibration(since: int, until: int) -> tuple[Said, Said]:
    """Of the classes that began in the period: what the last allocation said, and what the last look did.

    They are counted as in scheduling.calibration.
    """
    ((*allocation, classes, said, came),) = fetch(_CALIBRATION, [times.to_utc(since), times.to_utc(until)])
    return _said(*allocation), _said(classes, said, came)


def _said(classes: int | None, said: float | None, came: int | None) -> Said:
    """Sums of no rows are NULL, and those of MariaDB decimals."""
    return Said(int(classes or 0), said or 0.0, int(came or 0))


def waiting() -> Waiting:
    """The notifications that are on their way, or were given up."""
    ((messages, created, failed, notices, noticed, news, made),) = fetch(_WAITING)
    oldest = [instant for each in (created, noticed, made) if (instant := times.from_utc(each)) is not None]
    return Waiting(messages + notices + news, failed, min(oldest, default=None))


def loops_seen() -> dict[str, int]:
    """The last round of each loop other than keep_ready."""
    return {name: times.from_utc(at) or 0 for name, at in fetch(f"SELECT name, `at` FROM {_LOOPS}")}
