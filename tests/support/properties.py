"""Hypothesis profiles for property tests.

`make test` tries the same code on the same examples each time: it never fails by chance. With HYPOTHESIS_PROFILE=long
(`make test-long`) there are many more examples, others each time, and a failure says how to reproduce it.
"""

import os

from hypothesis import HealthCheck, settings

_PROFILE = os.environ.get("HYPOTHESIS_PROFILE", "ci")
# A slow machine is no failure.
settings.register_profile("ci", derandomize=True, deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.register_profile(
    "long", deadline=None, max_examples=5000, print_blob=True, suppress_health_check=[HealthCheck.too_slow]
)
settings.load_profile(_PROFILE)  # a test's own settings override it


def examples(*, ci: int, long: int) -> int:
    """How many examples a property is tried on in this run."""
    return {"ci": ci, "long": long}[_PROFILE]


# For properties of plans, on random sites.
PROFILE = settings(
    max_examples=examples(ci=100, long=10000),
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)
