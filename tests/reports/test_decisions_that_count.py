"""Of a class with hundreds of decisions, what is told rests on those since the last allocation: no other is needed."""

from datetime import datetime
from random import Random
from zoneinfo import ZoneInfo

import pytest

from blockalloc.models import Decision
from blockalloc.reports.what_happened import call_of, since_asked
from blockalloc.store.what_happened import DecisionRow
from scheduling.ready_computer import BlockFacts
from scheduling.what_happened import Call, Record, skipped, why_short
from scheduling.windows import HOUR, MINUTE

pytestmark = pytest.mark.no_database

ZONE = ZoneInfo("America/New_York")
NINE = int(datetime(2026, 11, 30, 9, tzinfo=ZONE).timestamp())
BLOCK = BlockFacts(
    start=NINE, end=NINE + 2 * HOUR, processed=True, skip=False, status="accepted", expires=NINE + 9 * HOUR,
    machines=20, image_ids=(1,), load_seconds=8 * MINUTE,
)  # fmt: skip
_ACTIONS = (
    Decision.ALLOCATE, Decision.KEEP_READY, Decision.RELEASE, Decision.RELEASE_SOME, Decision.SKIP, Decision.UNSKIP,
)  # fmt: skip
_OUTCOMES = ("success", Decision.DONE, Decision.REFUSED, Decision.FAILED)


def _some(random: Random) -> list[DecisionRow]:
    """The decisions about a class, in their order."""
    return [
        DecisionRow(
            number, 1, f"2026-11-30 08:{number:02}:00", random.choice(_ACTIONS), random.choice(_OUTCOMES), "",
            random.choice(("", "anna@Local")), None, f"reason {number}", random.choice((0, 15, 18, 20)),
            random.choice((None, 0, 15, 18, 20)), f'{{"reason": "why {number}", "computers": [{number}]}}', None,
        )
        for number in range(random.randrange(8))
    ]  # fmt: skip


def _told(calls: list[Call]) -> list[object]:
    """All that is asked of a record."""
    record, now = Record(calls), NINE - 5 * MINUTE
    return [
        *(why_short(BLOCK, allocated, record, now, ZONE) for allocated in (0, 15, 20)),
        skipped(record, now, ZONE),
        record.last_done,
        record.is_released,
        record.is_released_for_good,
        record.released_some,
        record.machines(20),
        record.last_but_releases,
    ]


def test_nothing_that_is_told_goes_further_back() -> None:
    random, fewer = Random("decisions"), 0
    for _ in range(3000):
        rows = _some(random)
        kept = since_asked(rows)
        assert _told([call_of(row) for row in kept]) == _told([call_of(row) for row in rows]), rows
        fewer += len(kept) < len(rows)
    assert fewer > 500
