"""Steps of others while a call is under way."""

from tests.support.claim_and_confirm import between_claim_and_confirm  # noqa: F401 - a fixture
