"""Rows of a class site that are not in order, for tests of the inspection. Local times of 2026-03-02: "14:00"."""

import datetime
from typing import Any

from blockalloc.inspection import Finding, inspect
from blockalloc.models import PlannedReload
from tests.golden import tables
from tests.support.sites.class_site import FIRST_COMPUTER, IMAGE, NODE, NOW, ZONE
from tests.support.sites.rows import insert_request

ADMIN, RELOAD_USER, MEMBER, OTHER_MEMBER = 1, 2, 110, 111  # ADMIN is in no class
DELETED, FAILED, IN_USE, COMPLETE, NEW, PENDING, RELOAD = 1, 5, 8, 12, 13, 14, 19
C = FIRST_COMPUTER


def local(hours: str) -> str:
    """A time on the day at which the site's clock is stopped; a longer text has its date already."""
    return f"2026-03-02 {hours}:00" if len(hours) == 5 else hours


def request(
    start: str, end: str, *computers: int, state: tuple[int, int] = (NEW, NEW), user: int = ADMIN, **more: Any
) -> int:
    """A request with a reservation of each computer; `image`, `asked` and `preload` may be given. Returns its id."""
    image, asked = more.get("image", IMAGE), local(more.get("asked", "06:07"))
    row = {"stateid": state[0], "laststateid": state[1], "userid": user, "daterequested": asked}
    row["preload"] = more.get("preload", 0)
    loaded = {"imageid": image, "imagerevisionid": image, "managementnodeid": NODE}
    return insert_request({**row, "start": local(start), "end": local(end)}, computers, loaded, ZONE)


def reload(start: str, end: str, *computers: int, **more: Any) -> int:
    """A reload request as we make it, at half past six."""
    made = {"state": (RELOAD, RELOAD), "user": RELOAD_USER, "asked": "06:30", "preload": 1}
    return request(start, end, *computers, **{**made, **more})


def planned(block_time: int, computer: int, request_id: int, start: str = "13:40") -> None:
    """Our record of a reload."""
    at = datetime.datetime.fromtimestamp(now(start), datetime.UTC)
    PlannedReload.objects.create(block_time_id=block_time, computer_id=computer, request_id=request_id, start=at)


def add_block_computer(block_time: int, computer: int, reload_id: int = 0, image: int = IMAGE) -> None:
    """A row of blockComputers."""
    row = {"blockTimeid": block_time, "computerid": computer, "imageid": image, "reloadrequestid": reload_id}
    tables.insert("blockComputers", [row], ZONE)


def add_with_reload(block_time: int, computer: int, load: str = "13:40", begin: str = "14:00") -> int:
    """A computer of a block time with its reload, as an allocation leaves it. Returns the reload request."""
    id_ = reload(load, begin, computer)
    add_block_computer(block_time, computer, id_)
    return id_


def block_time(id_: int, start: str, end: str, **more: Any) -> None:
    """Move an existing block time; its block request expires at the new end."""
    times = {"start": local(start), "end": local(end)}
    change("blockTimes", id=id_, **times, **more)
    change("blockRequest", id=id_, expireTime=times["end"])


def change(table: str, **row: Any) -> None:
    """Change columns of a row, which its key selects."""
    tables.change({"update": {table: [row]}}, ZONE)


def now(hours: str = "08:00") -> int:
    """Unix seconds of a time of the day."""
    hour, minute, *second = map(int, hours.split(":"))
    return int(NOW.replace(hour=hour, minute=minute, second=second[0] if second else 0).timestamp())


def findings_at(at: str = "08:00") -> list[Finding]:
    """The findings of an inspection at a time of the day, without `short_class`, which has tests of its own."""
    return [finding for finding in inspect(now(at)) if finding.kind != "short_class"]


def short_classes(at: str = "08:02") -> list[Finding]:
    """The `short_class` findings at a time of the day."""
    return [finding for finding in inspect(now(at)) if finding.kind == "short_class"]


def kinds(at: str = "08:00") -> list[str]:
    """The kinds of `findings_at`."""
    return [finding.kind for finding in findings_at(at)]
