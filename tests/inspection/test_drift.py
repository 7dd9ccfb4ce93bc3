"""Each difference from VCL's tables is a finding; a database in order has none."""

import pytest
from django.db import connection

from blockalloc.inspection import inspect, is_about_rows_unread
from blockalloc.inspection.drift import READ_BY, Drift, holds
from blockalloc.schema import Column, columns, tables
from blockalloc.store.inspection_rows import READS
from tests.support.empty_site import Site
from tests.support.sites.disorder import now


def drift_texts(site: Site) -> list[str]:
    """The texts of the findings about a database's tables, without the one that our migrations have not run."""
    return [finding.text for finding in Drift(site.connection).findings() if "migrations" not in finding.subject]


@pytest.mark.django_db
def test_a_migrated_database_has_none() -> None:
    assert list(Drift(connection).findings()) == []
    assert Drift(connection).is_readable()
    assert Drift(connection).obstacle_to_repairs() == ""


@pytest.mark.django_db
def test_findings_are_part_of_an_inspection(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Drift, "is_readable", lambda _: False)
    (finding,) = inspect(now())
    assert finding.kind == "schema_drift"
    assert is_about_rows_unread(finding)


def test_vcls_own_tables_are_in_order_and_ours_are_missing(vcl: Site) -> None:
    (finding,) = Drift(vcl.connection).findings()
    assert "run manage.py migrate" in finding.text
    assert "blockalloc.0002_own_tables" in finding.subject["migrations"]
    assert Drift(vcl.connection).is_readable()
    assert "run manage.py migrate first" in Drift(vcl.connection).obstacle_to_repairs()


def test_an_empty_database_is_one_finding(site: Site) -> None:
    (text,) = drift_texts(site)
    assert "no table of VCL" in text
    assert not Drift(site.connection).is_readable()


def test_missing_tables(vcl: Site) -> None:
    vcl.sql("DROP TABLE semaphore")
    vcl.sql("DROP TABLE changelog")
    assert drift_texts(vcl) == [
        "table semaphore is missing",
        "table changelog is missing (nothing here reads that table)",
    ]


def test_missing_columns(vcl: Site) -> None:
    vcl.sql("ALTER TABLE computer DROP COLUMN notes")
    vcl.sql("ALTER TABLE blockRequest DROP COLUMN processing")
    assert drift_texts(vcl) == ["column blockRequest.processing is missing", "column computer.notes is missing"]
    assert not Drift(vcl.connection).is_readable()
    assert "tables or columns are missing" in Drift(vcl.connection).obstacle_to_repairs()


def test_columns_that_the_rows_are_not_judged_by_may_be_missing(vcl: Site) -> None:
    vcl.sql("ALTER TABLE computer DROP COLUMN notes")
    assert Drift(vcl.connection).is_readable()


def test_more_tables_columns_and_indexes_are_no_drift(vcl: Site) -> None:
    vcl.sql("CREATE TABLE oneclick (id INTEGER)")
    vcl.sql("ALTER TABLE vmhost ADD COLUMN vmlimit INTEGER")
    vcl.sql("CREATE INDEX more ON request (daterequested)")
    assert drift_texts(vcl) == []


@pytest.mark.parametrize(("table", "index"), [("log", "imageid"), ("sublog", "logid")])
def test_missing_indexes(vcl: Site, table: str, index: str) -> None:
    if vcl.connection.vendor == "mysql":
        vcl.sql(f"ALTER TABLE {table} DROP FOREIGN KEY {_foreign_key(vcl, table, index)}")
        vcl.sql(f"DROP INDEX {index} ON {table}")
    else:
        vcl.sql(f"DROP INDEX {table}_{index}")
    assert drift_texts(vcl) == [f"{table} ({index}) has no index: reading by it is slow"]


def _foreign_key(vcl: Site, table: str, column: str) -> str:
    rows = vcl.sql(
        "SELECT table_name, column_name, constraint_name FROM information_schema.key_column_usage "
        "WHERE table_schema = DATABASE() AND referenced_table_name IS NOT NULL"
    )
    return next(str(name) for of, by, name in rows if (of, by) == (table, column))


def test_an_index_of_another_name_or_with_more_columns_will_do(vcl: Site) -> None:
    vcl.sql("CREATE INDEX other ON request (start, `end`)")
    vcl.sql("DROP INDEX start ON request" if vcl.connection.vendor == "mysql" else "DROP INDEX request_start")
    assert drift_texts(vcl) == []


class TestMariaDB:
    """What only MariaDB can have wrong."""

    @pytest.fixture
    def maria(self, mariadb_site: Site) -> Site:
        mariadb_site.operate()
        return mariadb_site

    @pytest.mark.parametrize(
        ("change", "text"),
        [
            ("semaphore MODIFY expires datetime NULL", "semaphore.expires is datetime, not timestamp"),
            ("blockRequest MODIFY numMachines tinyint NOT NULL", "is tinyint(4), not tinyint(3) unsigned"),
            ("image MODIFY prettyname varchar(20) NOT NULL", "is varchar(20), not varchar(80)"),
            (
                "blockRequest MODIFY status enum('requested','accepted') NOT NULL",
                "is enum('requested','accepted'), not",
            ),
            ("blockWebDate MODIFY weeknum tinyint unsigned NOT NULL", "blockWebDate.weeknum does not take NULL"),
            (
                "blockComputers DROP PRIMARY KEY, ADD KEY (blockTimeid, computerid)",
                "blockComputers (blockTimeid, computerid) is not unique",
            ),
            ("blockComputers DROP PRIMARY KEY", "blockComputers (blockTimeid, computerid) is not unique"),
        ],
    )
    def test_columns_and_keys(self, maria: Site, change: str, text: str) -> None:
        maria.sql("SET FOREIGN_KEY_CHECKS = 0")
        maria.sql(f"ALTER TABLE {change}")
        (only,) = drift_texts(maria)
        assert text in only

    def test_wider_columns_are_no_drift(self, maria: Site) -> None:
        maria.sql("ALTER TABLE blockRequest MODIFY numMachines smallint unsigned NOT NULL")
        maria.sql("ALTER TABLE image MODIFY description mediumtext NULL, MODIFY prettyname varchar(200) NOT NULL")
        assert drift_texts(maria) == []

    def test_tables_without_transactions(self, maria: Site) -> None:
        assert maria.migrate().returncode == 0
        maria.sql("SET FOREIGN_KEY_CHECKS = 0")
        maria.sql("ALTER TABLE blockalloc_guard ENGINE = MyISAM")
        maria.sql("DROP TABLE subimages")
        maria.sql(
            "CREATE TABLE subimages (imagemetaid smallint unsigned NOT NULL, imageid smallint unsigned NOT NULL, "
            "KEY (imagemetaid), KEY (imageid)) ENGINE = MyISAM"
        )
        texts = drift_texts(maria)
        assert len(texts) == 2
        assert all("no transactions" in text for text in texts)
        obstacle = Drift(maria.connection).obstacle_to_repairs()
        assert obstacle == "there are no transactions in subimages, blockalloc_guard: convert them to InnoDB first"


def test_the_columns_and_indexes_that_are_used_are_part_of_vcl() -> None:
    for name, listed in READS.items():
        assert set(listed) <= set(columns(name))
    for name, indexes in READ_BY.items():
        there = [index.columns for index in tables()[name].indexes]
        for wanted in indexes:
            assert any(index[: len(wanted)] == wanted for index in there), (name, wanted)


@pytest.mark.parametrize(
    ("actual", "wanted", "fits"),
    [
        ("int(10) unsigned", "mediumint(8) unsigned", True),
        ("bigint(20)", "int(10) unsigned", True),
        ("int(11)", "int(10) unsigned", False),
        ("smallint(5) unsigned", "mediumint(8) unsigned", False),
        ("tinyint(1) unsigned", "tinyint(3) unsigned", True),
        ("varchar(79)", "varchar(80)", False),
        ("varchar(80)", "varchar(80)", True),
        ("text", "varchar(255)", True),
        ("text", "mediumtext", False),
        ("longtext", "mediumtext", True),
        ("enum('b','a','c')", "enum('a','b')", True),
        ("enum('a')", "enum('a','b')", False),
        ("varchar(9)", "enum('a','b')", False),
        ("datetime", "timestamp", False),
        ("timestamp", "datetime", False),
        ("date", "datetime", False),
        ("blob", "blob", True),
    ],
)
def test_types_that_can_store_the_values_of_others(actual: str, wanted: str, fits: bool) -> None:
    def column(kind: str) -> Column:
        return Column("x", kind, False, None)

    assert holds(column(actual), column(wanted)) == fits
