"""The versions of VCL that the service works on, as their sites are; and those that it refuses by their names."""

import pytest
from django.core.management.base import CommandError

from blockalloc.inspection.drift import Drift
from blockalloc.schema import VERSIONS, base_rows, forms, tables
from blockalloc.schema.adopt import SchemaMismatch, check_adoptable
from blockalloc.store.inspection_rows import READS
from tests.support.empty_site import Site
from tests.support.vcl_versions import make_tables

pytestmark = pytest.mark.once(on="mariadb")
OLDER = VERSIONS[:-1]
# What the script by which VCL upgrades its database leaves otherwise than a new site has it.
UPGRADED = {
    "2.4.2": [
        "ALTER TABLE vmhost MODIFY vmprofileid smallint(5) unsigned NOT NULL DEFAULT 1",
        "ALTER TABLE changelog DROP INDEX reservation_user_remoteIP, "
        "ADD UNIQUE KEY reservation_user_remoteIP (reservationid, userid, remoteIP)",
    ],
    "2.5": [],
    "2.5.1": ["ALTER TABLE computerloadlog MODIFY id int(12) unsigned NOT NULL AUTO_INCREMENT"],
}


def of_version(site: Site, version: str) -> Site:
    """A database with the tables of a version."""
    make_tables(site.connection, version)
    return site


def drift(site: Site) -> list[str]:
    """The differences that check_vcl names, without the one that our migrations have not run."""
    return [finding.text for finding in Drift(site.connection).findings() if "migrations" not in finding.subject]


@pytest.mark.parametrize("version", VERSIONS)
def test_a_site_of_each_version_is_in_order_new_or_upgraded(mariadb_site: Site, version: str) -> None:
    site = of_version(mariadb_site, version)
    for change in ("SELECT 1", "SET FOREIGN_KEY_CHECKS = 0", *UPGRADED[version]):
        site.sql(change)
        check_adoptable(site.connection)
        assert drift(site) == []
    assert Drift(site.connection).is_readable()


def test_the_oldest_is_adopted_as_it_is(mariadb_site: Site) -> None:
    site = of_version(mariadb_site, VERSIONS[0])
    site.sql("UPDATE user SET lastupdated = 0")
    before = site.contents()
    done = site.migrate()
    assert (done.returncode, done.stderr) == (0, "")
    assert site.contents() == before
    assert site.sql("SELECT id, n FROM blockalloc_guard") == [(1, 0)]


def test_vcl_2_3_is_refused_by_its_name(mariadb_site: Site) -> None:
    site = of_version(mariadb_site, "2.4.2")
    for change in (
        "SET FOREIGN_KEY_CHECKS = 0",
        "DROP TABLE semaphore",
        "ALTER TABLE managementnode DROP COLUMN availablenetworks, ADD COLUMN predictivemoduleid smallint(5) "
        "unsigned NOT NULL DEFAULT 1",
        "ALTER TABLE blockRequest ADD COLUMN admingroupid mediumint(8) unsigned NOT NULL",
        "ALTER TABLE sublog DROP COLUMN id",
    ):
        site.sql(change)
    before = site.contents()
    done = site.migrate()
    assert done.returncode == 1
    assert "it looks like VCL 2.3 or older." in done.stderr
    assert "VCL 2.4.2, 2.5 or 2.5.1" in done.stderr
    assert "table semaphore is missing" in done.stderr
    assert "Traceback" not in done.stderr
    assert site.contents() == before
    assert "blockalloc_guard" not in site.connection.introspection.table_names()
    assert "look like those of VCL 2.3 or older" in drift(site)[0]


def test_vcl_2_4_whose_block_requests_need_more_is_refused_by_its_name(mariadb_site: Site) -> None:
    site = of_version(mariadb_site, "2.4.2")
    site.sql("ALTER TABLE blockRequest ADD COLUMN admingroupid mediumint(8) unsigned NOT NULL")
    with pytest.raises(SchemaMismatch, match=r"it looks like VCL 2\.4 or 2\.4\.1\.") as refusal:
        check_adoptable(site.connection)
    (problem,) = refusal.value.problems
    assert "blockRequest.admingroupid has no default" in problem


@pytest.mark.parametrize("definition", ["INTEGER NOT NULL DEFAULT 0", "INTEGER NULL", "INTEGER AS (id + 1) VIRTUAL"])
def test_more_columns_that_need_no_value_are_adopted(mariadb_site: Site, definition: str) -> None:
    site = of_version(mariadb_site, VERSIONS[-1])
    site.sql(f"ALTER TABLE blockRequest ADD COLUMN more {definition}")
    check_adoptable(site.connection)


def test_tables_of_no_version_are_not_given_the_name_of_one(mariadb_site: Site) -> None:
    site = of_version(mariadb_site, VERSIONS[-1])
    site.sql("ALTER TABLE computer DROP COLUMN notes")
    with pytest.raises(CommandError) as refusal:
        check_adoptable(site.connection)
    assert "looks like" not in str(refusal.value)


def test_the_versions_differ_in_what_is_known() -> None:
    assert [each.type for each in forms("managementnode", "lastcheckin")] == ["timestamp", "datetime"]
    assert [each.type for each in forms("image", "prettyname")] == ["varchar(80)", "varchar(60)"]
    assert forms("image", "nothing") == ()
    assert {
        version: "vmlimit" in [each.name for each in tables(version)["vmhost"].columns] for version in VERSIONS
    } == {
        "2.4.2": True,
        "2.5": False,
        "2.5.1": False,
    }


@pytest.mark.parametrize("version", OLDER)
def test_all_that_is_read_and_written_is_in_each_version(version: str) -> None:
    for table, names in [*READS.items(), *((name, rows[0]) for name, rows in base_rows().items() if rows)]:
        assert set(names) <= {column.name for column in tables(version)[table].columns}, table
