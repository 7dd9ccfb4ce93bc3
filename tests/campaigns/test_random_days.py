"""Days on which the service, VCL's back end and its front end work on the same rows: a sample."""

import logging
from collections import Counter
from collections.abc import Iterator

import pytest
from django.db import connection

from verification.random_days.play import play, stage

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture(autouse=True)
def _as_on_the_days() -> Iterator[None]:
    """Refusals are a part of them, and of no interest."""
    logging.disable(logging.ERROR)
    with stage():
        yield
    logging.disable(logging.NOTSET)


def test_nothing_goes_wrong() -> None:
    counts: Counter[str] = Counter()
    for number in range(4 if connection.vendor == "mysql" else 6):
        played = play(number)
        assert played.wrong == [], f"python -m verification.random_days --days 1 --first {number}"
        counts.update(played.counts)
    for what in ("computers allocated", "loads of ours", "reservations", "inspections"):
        assert counts[what] > 0, what


def test_nothing_goes_wrong_when_keep_ready_looks_every_minute() -> None:
    counts: Counter[str] = Counter()
    for number in (3, 5) if connection.vendor == "mysql" else (3, 5, 7):
        played = play(number, kept=True)
        assert played.wrong == [], f"python -m verification.random_days --keep-ready --days 1 --first {number}"
        counts.update(played.counts)
    for what in ("looks", "block times put right", "computers held", "seats in use in a look"):
        assert counts[what] > 0, what
