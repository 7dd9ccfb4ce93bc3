"""The site and its staff are those of the admin's tests."""

from tests.support.staff import _clock, cs101, site, staff, viewer  # noqa: F401
