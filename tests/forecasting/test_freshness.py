"""How long ago something was, in words."""

import pytest

from blockalloc.forecasting.freshness import ago


@pytest.mark.parametrize(
    ("seconds", "words"), [(-3, "just now"), (0, "just now"), (4, "just now"), (5, "5 s ago"), (60, "1 min ago")]
)
def test_the_last_seconds_are_just_now(seconds: int, words: str) -> None:
    assert ago(seconds) == words
