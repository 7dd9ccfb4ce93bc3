"""Webhooks need no site: the clock and the time zone are those of the process."""

import pytest


@pytest.fixture(autouse=True)
def _at_noon() -> None:
    """In place of the folder's own."""
