"""A sample of the fuzzer's requests: bad input is answered, logged once, and leaves nothing behind.

Most of it is about what comes before the database, so the sample on MariaDB is smaller: enough of it gets there.

`python -m verification.fuzz` sends more of them; another seed sends others.
"""

import json
from pathlib import Path

import pytest
from django.db import connection

from verification.fuzz.campaign import Campaign
from verification.fuzz.passed_on.campaign import PassingCampaign
from verification.fuzz.passed_on.sockets import PassingSocketCampaign
from verification.fuzz.sockets import SocketCampaign
from verification.fuzz.wording import OF_PASSING_ON

pytestmark = pytest.mark.django_db(transaction=True)
SEED = 20260302
FULL = connection.vendor == "sqlite"
# Of eight sites, which last 200 requests each, the last one has no live management node: 1600 reach every code.
REQUESTS, EXCHANGES = (1600, 400) if FULL else (800, 200)
WITH_FRONT_END, EXCHANGES_WITH_FRONT_END = (800, 200) if FULL else (500, 200)


def test_every_promise_holds_for_bad_requests(tmp_path: Path) -> None:
    tally = Campaign(SEED, REQUESTS, tmp_path).run()
    assert not tally.broken, "\n".join([*tally.broken, str(tally)])
    assert tally.sent == REQUESTS
    assert not tally.missing or not FULL
    assert tally.wrote > REQUESTS // 40  # the service itself was reached


def test_every_promise_holds_for_bad_http(tmp_path: Path) -> None:
    tally = SocketCampaign(SEED, EXCHANGES, tmp_path).run(tmp_path)
    assert not tally.broken, "\n".join([*tally.broken, str(tally)])
    assert tally.sent == EXCHANGES
    assert tally.wrote > 3


def test_every_promise_holds_for_calls_that_are_passed_on_and_for_near_misses(tmp_path: Path) -> None:
    tally = PassingCampaign(SEED, WITH_FRONT_END, tmp_path).run()
    assert not tally.broken, "\n".join([*tally.broken, str(tally)])
    assert tally.sent == WITH_FRONT_END
    assert not OF_PASSING_ON - set(tally.codes)
    assert tally.kinds["passed on: answer"] > WITH_FRONT_END // 10
    assert {f"passed on: fault {code}" for code in (3, 7, 8, 34, 209)} < set(tally.kinds)


def test_every_promise_holds_for_bad_http_with_a_front_end_behind(tmp_path: Path) -> None:
    tally = PassingSocketCampaign(SEED, EXCHANGES_WITH_FRONT_END, tmp_path).run(tmp_path)
    assert not tally.broken, "\n".join([*tally.broken, str(tally)])
    assert tally.sent == EXCHANGES_WITH_FRONT_END
    assert tally.kinds["passed on: answer"] > 10
    assert tally.kinds["neighbour's calls"] > 10


def test_a_request_that_breaks_a_promise_is_saved_and_can_be_repeated(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("blockalloc.rpc.call_log.log_refusal", lambda *_details: None)
    tally = Campaign(SEED, 100, tmp_path).run()
    assert tally.broken
    saved = json.loads(sorted(tmp_path.glob("fuzz-*.json"))[0].read_text())
    again = Campaign(SEED, 1, tmp_path).replay(saved)
    assert len(again.broken) == 1
    assert saved["broken"] in again.broken[0]
