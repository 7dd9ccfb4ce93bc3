"""What tests of keep_ready share."""

import pytest
from pytest_django import Settings

from tests.support.claim_and_confirm import between_claim_and_confirm

__all__ = ["between_claim_and_confirm"]


@pytest.fixture(params=["vcl", "ready"])
def policy(request: pytest.FixtureRequest, settings: Settings) -> str:
    """The policy of reloads: what tests with it promise holds under both.

    A test that names a time of policy `vcl` has `@pytest.mark.parametrize("policy", ["vcl"], indirect=True)`.
    """
    settings.VCL_RELOAD_POLICY = request.param
    return str(request.param)
