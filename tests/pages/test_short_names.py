"""Host names are shown without the site's domain."""

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from blockalloc.pages.short_names import ShortNames, forget, short_names
from tests.support.sites.staff_site import Site


@pytest.mark.parametrize(
    ("hostname", "shown"),
    [
        ("cs-04.example.edu", "cs-04"),
        ("CS-04.Example.EDU", "CS-04"),
        ("cs-04.physics.example.edu", "cs-04.physics.example.edu"),
        ("taken.example.edu", "taken.example.edu"),
        ("taken", "taken"),
        ("10.20.9.1", "10.20.9.1"),
        ("", ""),
    ],
)
def test_only_the_sites_domain_is_left_out(hostname: str, shown: str) -> None:
    assert ShortNames("example.edu", frozenset({"taken"})).of(hostname) == shown


@pytest.mark.parametrize("hostname", ["vm-1", "vm-1.example.edu"])
def test_a_site_without_a_domain_has_whole_names(hostname: str) -> None:
    assert ShortNames("").of(hostname) == hostname


@pytest.mark.django_db
def test_the_domain_is_that_of_most_computers_and_is_remembered(site: Site) -> None:
    for name in ("a.example.edu", "b.example.edu", "c.other.edu", "10.0.0.1", "10.0.0.2", "10.0.0.3", "b"):
        site.computer(name, site.ubuntu)
    forget()
    with CaptureQueriesContext(connection) as statements:
        shown = [short_names().of(name) for name in ("a.example.edu", "b.example.edu", "c.other.edu")]
    assert shown == ["a", "b.example.edu", "c.other.edu"]
    assert len(statements) == 1
