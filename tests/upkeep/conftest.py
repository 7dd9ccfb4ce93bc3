"""What tests of keep_ready share."""

import pytest
from pytest_django import Settings

from tests.support.claim_and_confirm import between_claim_and_confirm

__all__ = ["between_claim_and_confirm"]

_ON_SQLITE, _ON_MARIADB = pytest.mark.once(on="sqlite"), pytest.mark.once(on="mariadb")


@pytest.fixture(params=["vcl", "ready"])
def policy(request: pytest.FixtureRequest, settings: Settings) -> str:
    """The policy of reloads: what tests with it promise holds under both.

    A test that names a time of policy `vcl` has `@pytest.mark.parametrize("policy", ["vcl"], indirect=True)`.
    """
    return _set(settings, request.param)


@pytest.fixture(params=[pytest.param("vcl", marks=_ON_SQLITE), pytest.param("ready", marks=_ON_MARIADB)])
def policy_of_the_run(request: pytest.FixtureRequest, settings: Settings) -> str:
    """The same for whole mornings, which take seconds: one policy on each database."""
    return _set(settings, request.param)


def _set(settings: Settings, policy: str) -> str:
    settings.VCL_RELOAD_POLICY = policy
    return policy
