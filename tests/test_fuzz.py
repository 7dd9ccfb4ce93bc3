"""A sample of the fuzzer's requests: bad input is answered, logged once, and leaves nothing behind.

`python -m tests.fuzz` sends more of them; another seed sends others.
"""

import json
from pathlib import Path

import pytest

from tests.fuzz.campaign import Campaign
from tests.fuzz.sockets import SocketCampaign

pytestmark = pytest.mark.django_db(transaction=True)
SEED, REQUESTS, EXCHANGES = 20260302, 4000, 800


def test_every_promise_holds_for_bad_requests(tmp_path: Path) -> None:
    tally = Campaign(SEED, REQUESTS, tmp_path).run()
    assert not tally.broken, "\n".join([*tally.broken, str(tally)])
    assert tally.sent == REQUESTS
    assert not tally.missing
    assert tally.wrote > 100  # the service itself was reached


def test_every_promise_holds_for_bad_http(tmp_path: Path) -> None:
    tally = SocketCampaign(SEED, EXCHANGES, tmp_path).run(tmp_path)
    assert not tally.broken, "\n".join([*tally.broken, str(tally)])
    assert tally.sent == EXCHANGES
    assert tally.wrote > 3


def test_what_breaks_a_promise_is_saved_and_can_be_repeated(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("blockalloc.rpc.dispatch.log_refusal", lambda *_details: None)
    found = Campaign(SEED, 100, tmp_path).run()
    assert found.broken
    saved = json.loads(sorted(tmp_path.glob("fuzz-*.json"))[0].read_text())
    again = Campaign(SEED, 1, tmp_path).replay(saved)
    assert len(again.broken) == 1
    assert saved["broken"] in again.broken[0]
