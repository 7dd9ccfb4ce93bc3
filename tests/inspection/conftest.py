"""Databases beside the one of the run."""

from tests.support.empty_site import mariadb_site, site, vcl  # noqa: F401 - fixtures
