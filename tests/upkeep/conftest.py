"""What tests of keep_ready share."""

from tests.support.claim_and_confirm import between_claim_and_confirm

__all__ = ["between_claim_and_confirm"]
