"""Databases beside the one of the run."""

from tests.support.empty_site import mariadb_site, site  # noqa: F401 - fixtures
from tests.upgrade.first_version import first_version  # noqa: F401 - fixture
