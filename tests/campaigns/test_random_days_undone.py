"""Each promise of SPEC 8.14 to 8.17 and 9 taken back: a random day shows what comes of it."""

import logging
from collections.abc import Iterator

import pytest

from verification.random_days.play import play, stage
from verification.random_days.undone import KEPT_PROMISES, PROMISES, undone

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.once(on="sqlite")]

# Days that show what happens when a promise is not kept.
SHOWN_ON = {"preload": 4, "records": 9, "hold": 13, "expiry": 0, "numbers": 0, "inspection": 1}
SHOWN_ON_KEPT = {"exchange": 17, "release": 8, "holds": 0}


@pytest.fixture(autouse=True)
def _as_on_the_days() -> Iterator[None]:
    """Refusals are a part of them, and of no interest."""
    logging.disable(logging.ERROR)
    with stage():
        yield
    logging.disable(logging.NOTSET)


@pytest.mark.parametrize("promise", PROMISES)
def test_a_promise_that_is_not_kept_is_noticed(promise: str) -> None:
    with undone(promise):
        assert play(SHOWN_ON[promise]).wrong != []


@pytest.mark.parametrize("promise", KEPT_PROMISES)
def test_a_promise_of_keep_ready_that_is_not_kept_is_noticed(promise: str) -> None:
    with undone(promise):
        assert play(SHOWN_ON_KEPT[promise], kept=True).wrong != []
