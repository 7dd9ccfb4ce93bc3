"""Closing rows of the demo site's classes in the last half year, as keep_ready would have left them."""

from datetime import datetime, timedelta
from random import Random

from blockalloc.demo import images as im
from blockalloc.demo.classes import COURSES, Course
from blockalloc.demo.rows import FIRST_ID, LOCAL, Row, Tables
from blockalloc.models import ClassHeld
from blockalloc.site_time import local_to_instant

WEEKS = 26
_FIRST_ID = 500_001  # of their block times, which VCL has removed: no block time of the site comes so far
# Out of a hundred: machines were missing; some were not ready at the start; nobody came; nobody looked at the start.
_SHORT, _LATE, _EMPTY, _UNSEEN = 8, 12, 3, 2


def closing_rows(tables: Tables, monday: datetime, now: datetime) -> list[ClassHeld]:
    """The rows of the weeks before `monday` (site time, next Monday), of classes that are over at `now` (site time)."""
    random = Random("past classes")
    requests = {str(row["name"]): row for row in tables["blockRequest"]}
    rows: list[ClassHeld] = []
    for week in range(WEEKS, 0, -1):
        for course in COURSES:
            for start, end in course.times(monday - timedelta(weeks=week)):
                row = _closing_row(_FIRST_ID + len(rows), course, requests[course.name], tables, random)
                row.start, row.end = local_to_instant(start), local_to_instant(end)
                if end <= now:
                    rows.append(row)
    return rows


def _closing_row(key: int, course: Course, request: Row, tables: Tables, random: Random) -> ClassHeld:
    wanted = course.machines
    had = wanted - (random.randint(1, max(wanted // 6, 1)) if _happens(random, _SHORT) else 0)
    ready = max(had - (random.randint(1, 3) if _happens(random, _LATE) else 0), 0)
    computers = had * (1 + len(im.SUBIMAGES.get(course.image, ())))
    peak = 0 if _happens(random, _EMPTY) else max(round(computers * random.uniform(0.55, 1)), 1)
    return ClassHeld(
        block_time_id=key,
        block_request_id=_number(request, "id"),
        block_name=course.name,
        image_id=_number(request, "imageid"),
        image_name=str(_row(tables, "image", _number(request, "imageid"))["prettyname"]),
        user_group=f"{course.group}@Local",
        owner=f"{_row(tables, 'user', _number(request, 'ownerid'))['unityid']}@Local",
        affiliation_id=LOCAL,
        wanted=wanted,
        had=had,
        ready_at_start=None if _happens(random, _UNSEEN) else ready,
        ready_after_five=had,
        replaced=int(ready < had),
        asked_by="XMLRPCblockAllocation, vclsystem@Local",
        used_at_peak=peak,
        used_in_the_mean=round(peak * random.uniform(0.6, 0.95), 2),
        closed=True,
    )


def _happens(random: Random, percent: int) -> bool:
    return random.randrange(100) < percent


def _row(tables: Tables, table: str, number: int) -> Row:
    return tables[table][number - FIRST_ID]


def _number(row: Row, column: str) -> int:
    value = row[column]
    assert isinstance(value, int)
    return value
