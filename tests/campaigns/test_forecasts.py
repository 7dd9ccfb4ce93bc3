"""Forecasts beside what came: a sample of the campaign."""

import logging
from collections.abc import Iterator

import pytest

from verification.forecasts.play import play

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture(autouse=True)
def _as_on_the_days() -> Iterator[None]:
    """Refusals are a part of them, and of no interest."""
    logging.disable(logging.ERROR)
    yield
    logging.disable(logging.NOTSET)


def test_each_class_gets_what_was_foreseen() -> None:
    short = 0
    for number in range(4):
        played = play(number)
        assert played.wrong == [], f"python -m verification.forecasts --days 1 --first {number}"
        short += played.short
    assert short > 0
