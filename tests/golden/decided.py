"""Expected results that differ from the recordings by decision (SPEC 8.14, 8.16 f.): the last table of DECISIONS.md."""

import datetime
from typing import Any
from zoneinfo import ZoneInfo

from tests.golden.tables import Row

RELOAD = 19
# Their recordings let a block computer without a reload request be free until its block begins (SPEC 8.15).
OTHERWISE = frozenset({"other-blocks-0", "random-0049"})


def expected(
    recorded: dict[str, Any], time_zone: str, params: list[Any], before: dict[str, list[Row]]
) -> dict[str, Any]:
    """The expected results of a call, from its recording; `before` are the rows before the call."""
    right = dict(recorded)
    if new := recorded.get("new_rows"):
        right["new_rows"] = new | {
            "request": [row | ({"preload": 1} if row["stateid"] == RELOAD else {}) for row in new.get("request", [])],
            "blockRequest": [
                row | {"expireTime": _expires(row["expireTime"], time_zone)} for row in new.get("blockRequest", [])
            ],
        }
    if recorded.get("response") == {"status": "completed"}:
        right["response"] = {"status": "completed", "allocated": wanted_by(params[0], before), "unallocated": 0}
    return right


def _expires(end: str, time_zone: str) -> str:
    """The last second of the day on which an hour after the end falls."""
    zone = ZoneInfo(time_zone)
    instant = datetime.datetime.fromisoformat(end).replace(tzinfo=zone).timestamp() + 3600
    return f"{datetime.datetime.fromtimestamp(instant, zone):%Y-%m-%d} 23:59:59"


def wanted_by(block_time: Any, before: dict[str, list[Row]]) -> int:
    """The machines of a block time's request."""
    (request,) = (row["blockRequestid"] for row in before["blockTimes"] if row["id"] == int(block_time))
    return next(int(row["numMachines"]) for row in before["blockRequest"] if row["id"] == request)
