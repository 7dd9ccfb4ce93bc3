"""Fixtures of the tests of the demo."""

import pytest
from pytest_django import Settings

from tests.support.empty_site import mariadb_site, site  # noqa: F401 - fixtures


@pytest.fixture
def demo_process(settings: Settings) -> None:
    """This process runs the demo, as with BLOCKALLOC_DEMO=1 in its environment; its database is that of the run."""
    settings.BLOCKALLOC_DEMO = True
