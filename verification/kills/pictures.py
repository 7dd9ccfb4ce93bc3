"""Pictures of the rows that keep_ready writes, without their numbers: two runs of the same look give the same."""

from collections import Counter
from typing import Any

from django.db.backends.base.base import BaseDatabaseWrapper

_PICTURES = {
    "reloads": """
SELECT MIN(v.computerid), MAX(v.computerid), COUNT(v.id), q.stateid, q.laststateid, q.start, q.`end`, q.preload,
       q.userid
FROM request q LEFT JOIN reservation v ON v.requestid = q.id WHERE q.stateid IN (14, 19) GROUP BY q.id
""",
    "block computers": """
SELECT b.blockTimeid, b.computerid, b.imageid, q.start, b.reloadrequestid = 0, p.start
FROM blockComputers b LEFT JOIN request q ON q.id = b.reloadrequestid
LEFT JOIN blockalloc_planned_reload p
    ON p.block_time_id = b.blockTimeid AND p.computer_id = b.computerid AND p.request_id = b.reloadrequestid
""",
    "planned reloads": """
SELECT p.block_time_id, p.computer_id, p.start, q.start FROM blockalloc_planned_reload p
LEFT JOIN request q ON q.id = p.request_id
""",
    "block times": "SELECT id, start, `end`, processed, skip FROM blockTimes",
    "computers": "SELECT id, stateid, currentimageid FROM computer",
    "records": "SELECT action, block_time_id, outcome, text, wanted, had, allocated FROM blockalloc_decision",
    "watches": """
SELECT block_time_id, first_seen, processing_seen, tried, noted, replaced, loaded_again, added FROM blockalloc_watch
""",
    "seen loads": "SELECT computer_id, image_id, block_time_id, begun, `over`, outcome FROM blockalloc_seen_load",
    "classes": "SELECT block_time_id, wanted, had, ready_at_start, closed FROM blockalloc_class_held",
    "standings": "SELECT block_time_id, short, troubled, at_risk, not_ready, begun FROM blockalloc_standing",
    "news": "SELECT `at`, kind, block_time_id, wanted, usable, ready FROM blockalloc_news",
    "semaphores": """
SELECT computerid, expires, CASE WHEN procid LIKE 'blockalloc-held:keep_ready.%%' THEN 'kept'
    WHEN procid LIKE 'blockalloc-held:%%' THEN 'held' WHEN procid LIKE 'blockalloc:%%' THEN 'claim' ELSE procid END
FROM semaphore
""",
}

Picture = dict[str, Counter[tuple[Any, ...]]]


def picture(connection: BaseDatabaseWrapper) -> Picture:
    """What is committed, as this connection sees it."""
    with connection.cursor() as cursor:
        result: Picture = {}
        for name, sql in _PICTURES.items():
            cursor.execute(sql, [])
            result[name] = Counter(map(tuple, cursor.fetchall()))
        return result


def differences(one: Picture, other: Picture, *without: str) -> list[str]:
    """What the other picture has in addition, and what it lacks."""
    texts = []
    for name in one.keys() - set(without):
        more, less = other[name] - one[name], one[name] - other[name]
        texts += [f"{name}: +{list(more)}"] if more else []
        texts += [f"{name}: -{list(less)}"] if less else []
    return texts
