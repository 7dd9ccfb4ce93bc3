"""Another program on Django in VCL's database: its tables are neither used nor dropped."""

import subprocess
import sys

import pytest

from blockalloc.schema.rights import own_tables_in
from tests.support.empty_site import Site
from tests.support.servers.mariadb_server import SECRET_KEY
from tests.support.servers.own_process import ROOT, inherited

pytestmark = pytest.mark.once(on="sqlite")

SETTINGS = {
    "DJANGO_SECRET_KEY": SECRET_KEY, "VCL_TIME_ZONE": "UTC", "DJANGO_ALLOWED_HOSTS": "blocks.example.edu",
    "VCL_TRUSTED_PROXIES": "127.0.0.1",
}  # fmt: skip
THEIRS = "INSERT INTO django_migrations (app, name, applied) VALUES ('shop', '0001_initial', '2026-01-01 00:00:00')"


def manage(site: Site, *arguments: str) -> tuple[int, str]:
    """The exit status, and everything that was printed."""
    done = subprocess.run(
        [sys.executable, "manage.py", *arguments],
        cwd=ROOT,
        env={**inherited(), **SETTINGS, "DATABASE_URL": site.url},
        capture_output=True,
        text=True,
        check=False,
    )
    assert "Traceback" not in done.stderr
    return done.returncode, done.stdout + done.stderr


def test_the_tables_of_another_program_are_not_used(vcl: Site) -> None:
    vcl.sql("CREATE TABLE django_migrations (id INTEGER, app VARCHAR(99), name VARCHAR(99), applied DATETIME)")
    vcl.sql(THEIRS)
    before = vcl.all_contents()
    status, said = manage(vcl, "migrate")
    assert status == 1
    assert "another program on Django, with migrations of shop" in said
    assert vcl.all_contents() == before


def test_nor_are_they_dropped(vcl: Site) -> None:
    """On a site that shares them already, migrations go on."""
    assert manage(vcl, "migrate", "-v0") == (0, "")
    vcl.sql(THEIRS)
    assert manage(vcl, "migrate", "-v0") == (0, "")
    before = vcl.all_contents()
    for options in ((), ("--yes",)):
        status, said = manage(vcl, "drop_own_tables", *options)
        assert status == 1
        assert "with migrations of shop: Django's tables (auth_…, django_…) are that program's too" in said
    assert vcl.all_contents() == before

    vcl.sql("DELETE FROM django_migrations WHERE app = 'shop'")
    assert manage(vcl, "drop_own_tables", "--yes")[0] == 0
    vcl.connection.close()
    assert own_tables_in(vcl.connection) == []
