"""A site, and the staff who look at it on a Wednesday at noon."""

from tests.support.staff_fixtures import _at_noon, cs101, site, staff, viewer, wednesday_noon  # noqa: F401 - fixtures
