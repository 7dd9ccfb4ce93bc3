"""The site and the time of the tests of sign-in."""

from tests.support.staff_fixtures import site, viewer, wednesday_noon  # noqa: F401 - fixtures
