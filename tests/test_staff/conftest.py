"""The site of the admin's tests, and who looks at it."""

from tests.test_admin.conftest import _clock, cs101, site, viewer

__all__ = ["_clock", "cs101", "site", "viewer"]
