"""Accounts with exactly the rights that `print_grants` prints, on MariaDB: what they can do, and what they are told."""

import re
from collections.abc import Iterator

import pytest

from blockalloc.schema.held_rights import Held
from blockalloc.schema.rights import WRITTEN, own_tables
from tests.support.accounts_of_least_right import Account
from tests.support.empty_site import Site
from tests.support.servers.mariadb_server import SECRET_KEY
from tests.support.servers.own_process import ROOT, run

pytestmark = pytest.mark.once(on="mariadb")


@pytest.fixture
def account(mariadb_site: Site) -> Iterator[Account]:
    """An account without any right, where VCL's tables are."""
    mariadb_site.operate()
    account = Account(mariadb_site, "limited")
    yield account
    account.drop()


def manage(account: Account, *arguments: str) -> tuple[int, str]:
    """The exit status, and everything that was printed."""
    settings = {"DJANGO_SECRET_KEY": SECRET_KEY, "VCL_TIME_ZONE": "UTC", "DJANGO_ALLOWED_HOSTS": "blocks.example.edu"}
    done = run("manage.py", *arguments, DATABASE_URL=account.url, VCL_TRUSTED_PROXIES="127.0.0.1", **settings)
    assert "Traceback" not in done.stderr
    return done.returncode, done.stdout + done.stderr


def test_there_and_back_again(mariadb_site: Site, account: Account) -> None:
    before, vcl = mariadb_site.all_contents(), mariadb_site.contents()
    account.may("migrating")
    assert manage(account, "migrate", "-v0") == (0, "")
    assert mariadb_site.contents() == vcl
    migrated = mariadb_site.all_contents()

    # Without the right to drop, nothing is changed at all.
    accounts = "auth_group, auth_group_permissions, auth_permission, auth_user, auth_user_groups and "
    for command, kept in (
        (("drop_own_tables", "--yes"), accounts),
        (("migrate", "blockalloc", "0002"), "blockalloc_cache, blockalloc_calendar_feed, "),
        (("migrate", "auth", "zero"), accounts),
    ):
        status, said = manage(account, *command)
        assert status == 2
        assert f"may not drop {kept}" in said
        assert "manage.py print_grants going-back" in said
    assert mariadb_site.all_contents() == migrated
    assert manage(account, "drop_own_tables")[1].split("\n")[:-2] == sorted(
        own_tables(), key=lambda t: (t == "django_migrations", t)
    )
    assert mariadb_site.all_contents() == migrated

    account.may("going-back")
    assert manage(account, "migrate", "blockalloc", "0002", "-v0") == (0, "")
    assert manage(account, "migrate", "blockalloc", "zero", "-v0") == (0, "")
    mariadb_site.sql("CREATE TABLE blockalloc_of_a_later_version (id INTEGER)")
    assert manage(account, "drop_own_tables", "--yes")[0] == 2
    mariadb_site.sql("DROP TABLE blockalloc_of_a_later_version")
    status, said = manage(account, "drop_own_tables", "--yes")
    assert (status, said.splitlines()[-1]) == (0, "10 tables dropped. VCL's tables are as they were.")
    assert mariadb_site.all_contents() == before
    assert manage(account, "drop_own_tables", "--yes") == (0, "No table of this service or of Django is there.\n")

    account.may("going-back", "--revoke")
    assert "DROP" not in account.rights()
    account.may("migrating", "--revoke")
    assert account.rights().strip() == "GRANT USAGE ON *.* TO `limited`@`localhost`"


def test_only_what_is_dropped_needs_the_right(mariadb_site: Site, account: Account) -> None:
    """As when a release is taken back that has a table of its own."""
    account.may("migrating")
    assert manage(account, "migrate", "-v0") == (0, "")
    assert "may not drop blockalloc_forecast_seen. Nothing" in manage(account, "migrate", "blockalloc", "0024")[1]
    database = mariadb_site.connection.settings_dict["NAME"]
    mariadb_site.sql(f"GRANT DROP ON {database}.blockalloc_forecast_seen TO limited@localhost")
    assert manage(account, "migrate", "blockalloc", "0024", "-v0") == (0, "")
    assert "blockalloc_forecast_seen" not in mariadb_site.connection.introspection.table_names()


def test_what_check_settings_says_of_rights(mariadb_site: Site, account: Account) -> None:
    mariadb_site.migrate()
    database = mariadb_site.connection.settings_dict["NAME"]
    mariadb_site.sql(f"GRANT SELECT ON {database}.* TO limited@localhost")
    status, said = manage(account, "check_settings")
    assert status == 2
    (line,) = [line for line in said.splitlines() if "lacks rights" in line]
    assert line.startswith("error: the database account lacks rights: INSERT, UPDATE, DELETE on blockComputers; ")
    assert all(f"{', '.join(privileges)} on {table};" in line for table, privileges in WRITTEN.items())
    assert line.endswith("; manage.py print_grants running prints them")

    account.may("running")
    assert "database account" not in manage(account, "check_settings")[1]

    mariadb_site.sql(f"REVOKE DELETE ON {database}.semaphore FROM limited@localhost")
    assert "lacks rights: DELETE on semaphore; manage.py" in manage(account, "check_settings")[1]
    account.may("running")
    account.may("indexing")
    mariadb_site.sql(f"GRANT DROP, UPDATE ON {database}.* TO limited@localhost")
    status, said = manage(account, "check_settings")
    assert status == 1
    assert (
        f"doubtful: the database account may do more than the service needs: DROP, UPDATE on {database}.*; "
        f"INDEX on {database}.log; INDEX on {database}.request; manage.py print_grants running"
    ) in said


def test_a_lacking_right_does_not_read_as_a_missing_table(mariadb_site: Site, account: Account) -> None:
    database = mariadb_site.connection.settings_dict["NAME"]
    before = mariadb_site.all_contents()
    status, said = manage(account, "migrate")
    assert status == 2
    assert "the database account lacks a right: (1044, " in said
    assert "manage.py print_grants migrating prints it" in said

    # A right on any table opens the database, in which nothing else can be seen then.
    mariadb_site.sql(f"GRANT CREATE ON {database}.blockalloc_guard TO limited@localhost")
    status, said = manage(account, "migrate")
    assert status == 1
    assert "it lacks SELECT on affiliation, blockComputers, " in said
    assert "missing" not in said

    for table in mariadb_site.connection.introspection.table_names():
        if table != "computer":
            mariadb_site.sql(f"GRANT SELECT ON {database}.{table} TO limited@localhost")
    mariadb_site.sql(f"GRANT SELECT (id, hostname) ON {database}.computer TO limited@localhost")
    status, said = manage(account, "migrate")
    assert status == 1
    assert "it lacks SELECT on computer.stateid, " in said
    mariadb_site.sql(f"REVOKE SELECT (id, hostname) ON {database}.computer FROM limited@localhost")  # noqa: S608
    assert "it lacks SELECT on computer. Nothing was changed. " in manage(account, "migrate")[1]
    assert "table computer may not be read by the database account" in manage(account, "check_vcl")[1]
    assert mariadb_site.all_contents() == before


def test_indexes_need_a_right_of_their_own(mariadb_site: Site, account: Account) -> None:
    mariadb_site.migrate()
    account.may("running")
    status, said = manage(account, "check_vcl", "--create-indexes")
    assert status == 2
    assert "INDEX command denied" in said
    assert "manage.py print_grants indexing prints it" in said
    account.may("indexing")
    assert manage(account, "check_vcl", "--create-indexes")[0] == 0
    account.may("indexing", "--revoke")
    assert "INDEX" not in account.rights()


@pytest.mark.no_database
def test_tables_of_vcls_that_the_code_writes_are_those_that_may_be_written() -> None:
    """As the statements are written in the source; that they are sent with these rights only, all tests see to."""
    found: dict[str, set[str]] = {}
    names = "|".join(WRITTEN) + "|user|log|computer|variable|sublog|usergroup|managementnode|reservationaccounts"
    for path in sorted((ROOT / "blockalloc").rglob("*.py")):
        if {"demo", "migrations", "schema"} & set(path.parts) or path.name == "query_log.py":
            continue  # the last one looks for a statement of VCL's
        source = path.read_text(encoding="utf-8")
        for verb, table in re.findall(rf"\b(UPDATE|DELETE FROM|INSERT INTO|REPLACE INTO) `?({names})\b", source):
            found.setdefault(table, set()).add(verb.split()[0])
        for table in re.findall(rf'\binsert\(\s*"({names})"', source):
            found.setdefault(table, set()).add("INSERT")
    assert found == {table: set(privileges) for table, privileges in WRITTEN.items()}


@pytest.mark.no_database
@pytest.mark.parametrize(
    ("pattern", "database", "covers"),
    [("vcl", "vcl", True), (r"my\_vcl", "my_vcl", True), (r"my\_vcl", "myXvcl", False), ("my_vcl", "myXvcl", True),
     ("v%", "vcl", True), ("v.l", "vcl", False), ("", "anything", True)],
)  # fmt: skip
def test_rights_on_databases_are_patterns(pattern: str, database: str, covers: bool) -> None:
    assert Held(frozenset(), pattern, "").covers(database, "log") == covers
