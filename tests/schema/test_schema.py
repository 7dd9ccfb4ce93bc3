"""VCL's tables are made to the letter, adopted untouched, or refused; the models say the same as the tables."""

import re
from collections import defaultdict
from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any

import pytest
from django.apps import apps
from django.core.management.base import CommandError
from django.db import connection as migrated
from django.db import models
from django.db.migrations.state import ProjectState

from blockalloc.models import Guard
from blockalloc.schema import Column, base_rows, columns, tables
from blockalloc.schema.adopt import NOT_NEEDED, SchemaMismatch, check_server
from blockalloc.schema.operations import CreateOrAdoptTables
from tests.support.empty_site import Site, site_on
from tests.support.servers.mariadb_server import PrivateMariaDB

VCL_MODELS = [model for model in apps.get_app_config("blockalloc").get_models() if not model._meta.managed]


def model_of(table: str) -> type[models.Model]:
    return next(model for model in VCL_MODELS if model._meta.db_table == table)


@pytest.fixture(scope="module")
def fresh(mariadb_server: PrivateMariaDB, django_db_blocker: Any) -> Iterator[Site]:
    """A site on MariaDB with all tables made, for tests that only read."""
    with django_db_blocker.unblock():
        for site in site_on(mariadb_server, "fresh"):
            assert site.migrate().returncode == 0
            yield site


class TestMigrate:
    """`manage.py migrate`, from outside."""

    def test_empty_database_gets_tables_and_base_rows(self, site: Site) -> None:
        done = site.migrate()
        assert (done.returncode, done.stderr) == (0, "")
        present = set(site.connection.introspection.table_names())
        assert set(tables()) <= present
        for name, rows in base_rows().items():
            count = f"SELECT COUNT(*) FROM {site.connection.ops.quote_name(name)}"  # noqa: S608 - names are our own
            assert site.sql(count) == [(len(rows),)]
        assert site.sql("SELECT id, n FROM blockalloc_guard") == [(1, 0)]

    def test_adopted_tables_are_not_touched(self, vcl: Site) -> None:
        before = vcl.contents()
        done = vcl.migrate()
        assert (done.returncode, done.stderr) == (0, "")
        assert vcl.contents() == before
        assert "Caf" in before
        assert vcl.sql("SELECT id, n FROM blockalloc_guard") == [(1, 0)]

    def test_refusal_is_one_clear_error(self, vcl: Site) -> None:
        vcl.sql("ALTER TABLE reservation DROP COLUMN connectport")
        before, tables_before = vcl.contents(), vcl.connection.introspection.table_names()
        done = vcl.migrate()
        assert done.returncode == 1
        assert "column reservation.connectport is missing" in done.stderr
        assert "Traceback" not in done.stderr
        assert vcl.contents() == before
        assert vcl.connection.introspection.table_names() == tables_before

    def test_a_database_of_another_program_is_refused(self, site: Site) -> None:
        site.sql("CREATE TABLE wp_posts (id INTEGER)")
        done = site.migrate()
        assert done.returncode == 1
        assert "wp_posts" in done.stderr
        assert site.connection.introspection.table_names() == ["wp_posts"]


class TestAdoption:
    """What is checked before VCL's tables are taken as they are."""

    def test_all_that_is_missing_is_listed(self, vcl: Site) -> None:
        vcl.sql("ALTER TABLE reservation DROP COLUMN connectport")
        vcl.sql("ALTER TABLE computer DROP COLUMN notes")
        vcl.sql("DROP TABLE semaphore")
        with pytest.raises(SchemaMismatch) as refusal:
            vcl.operate()
        assert refusal.value.problems == [
            "column computer.notes is missing",
            "column reservation.connectport is missing",
            "table semaphore is missing",
        ]
        assert all(problem in str(refusal.value) for problem in refusal.value.problems)

    def test_half_a_schema_is_refused(self, site: Site) -> None:
        site.sql("CREATE TABLE state (id INTEGER, name VARCHAR(20))")
        with pytest.raises(SchemaMismatch) as refusal:
            site.operate()
        assert "table blockTimes is missing" in refusal.value.problems
        assert "table state is missing" not in refusal.value.problems
        assert site.connection.introspection.table_names() == ["state"]

    def test_tables_that_nothing_reads_may_be_missing_or_different(self, vcl: Site) -> None:
        vcl.sql("DROP TABLE changelog")
        vcl.sql("ALTER TABLE vmprofile DROP COLUMN rsapub")
        vcl.sql("ALTER TABLE vmhost ADD COLUMN vmlimit INTEGER")
        before = vcl.contents()
        vcl.operate()
        assert vcl.contents() == before

    def test_local_times_where_instants_are_due_are_refused(self, mariadb_site: Site) -> None:
        mariadb_site.operate()
        mariadb_site.sql("ALTER TABLE managementnode MODIFY lastcheckin datetime NULL")  # as in VCL 2.4.2 and 2.5
        mariadb_site.sql("ALTER TABLE semaphore MODIFY expires datetime NULL")
        mariadb_site.sql("ALTER TABLE request MODIFY start timestamp NULL")
        with pytest.raises(SchemaMismatch) as refusal:
            mariadb_site.operate()
        assert refusal.value.problems == [
            "column request.start is a timestamp, not a datetime",
            "column semaphore.expires is a datetime, not a timestamp",
        ]

    def test_going_back_leaves_vcls_tables(self, vcl: Site) -> None:
        before = vcl.contents()
        state = ProjectState()
        with vcl.connection.schema_editor() as schema_editor:
            CreateOrAdoptTables().database_backwards("blockalloc", schema_editor, state, state)
        assert vcl.contents() == before

    def test_not_needed_tables_are_tables(self) -> None:
        assert set(tables()) >= NOT_NEEDED


@pytest.mark.once(on="mariadb")
class TestMariaDB:
    """The tables that were made, against the facts, as the server itself describes them."""

    def test_columns(self, fresh: Site) -> None:
        made: dict[str, list[Column]] = defaultdict(list)
        for table, name, kind, null, default, extra in fresh.sql(
            "SELECT table_name, column_name, column_type, is_nullable, column_default, extra "
            "FROM information_schema.columns WHERE table_schema = DATABASE() ORDER BY table_name, ordinal_position"
        ):
            made[table].append(Column(name, kind, null == "YES", default, extra))
        assert {name: tuple(made[name]) for name in tables()} == {
            name: table.columns for name, table in tables().items()
        }

    def test_indexes(self, fresh: Site) -> None:
        made: dict[str, dict[tuple[str, bool], list[str]]] = defaultdict(lambda: defaultdict(list))
        for table, index, not_unique, column in fresh.sql(
            "SELECT table_name, index_name, non_unique, column_name FROM information_schema.statistics "
            "WHERE table_schema = DATABASE() ORDER BY table_name, index_name, seq_in_index"
        ):
            made[table][index, not not_unique].append(column)
        assert {name: dict(made[name]) for name in tables()} == {
            name: {(index.name, index.unique): list(index.columns) for index in table.indexes}
            for name, table in tables().items()
        }

    def test_foreign_keys(self, fresh: Site) -> None:
        made: dict[str, set[tuple[str, ...]]] = defaultdict(set)
        for table, *key in fresh.sql(
            "SELECT k.table_name, k.column_name, k.referenced_table_name, k.referenced_column_name, "
            "r.update_rule, r.delete_rule FROM information_schema.key_column_usage k "
            "JOIN information_schema.referential_constraints r ON r.constraint_schema = k.table_schema "
            "AND r.constraint_name = k.constraint_name AND r.table_name = k.table_name "
            "WHERE k.table_schema = DATABASE() AND k.referenced_table_name IS NOT NULL"
        ):
            made[table].add(tuple(key))
        assert {name: made[name] for name in tables()} == {
            name: {(key.column, key.table, key.target, key.on_update, key.on_delete) for key in table.foreign_keys}
            for name, table in tables().items()
        }

    def test_engine_and_collation(self, fresh: Site) -> None:
        kinds = fresh.sql(
            "SELECT table_name, engine, table_collation FROM information_schema.tables WHERE table_schema = DATABASE()"
        )
        collated = fresh.sql(
            "SELECT DISTINCT table_name, collation_name FROM information_schema.columns "
            "WHERE table_schema = DATABASE() AND collation_name IS NOT NULL"
        )
        assert {kind[1:] for kind in kinds if kind[0] in tables()} == {("InnoDB", "latin1_swedish_ci")}
        assert {collation for table, collation in collated if table in tables()} == {"latin1_swedish_ci"}
        assert ("blockalloc_idempotencykey", "utf8mb4_bin") in collated


@pytest.mark.django_db
class TestModels:
    """The models say what the tables are."""

    def test_there_is_one_for_each_table(self) -> None:
        assert sorted(model._meta.db_table for model in VCL_MODELS) == sorted(tables())

    @pytest.mark.parametrize("name", sorted(tables()))
    def test_columns_are_those_of_the_table(self, name: str) -> None:
        fields = {field.column: field for field in model_of(name)._meta.local_concrete_fields if field.column}
        assert set(fields) == set(columns(name))
        for column in tables()[name].columns:
            field = fields[column.name]
            assert field.null == column.null, column.name
            if migrated.vendor == "mysql":
                bare = re.sub(r"(?<=int)\(\d+\)", "", column.type) + (
                    " AUTO_INCREMENT" if column.extra == "auto_increment" else ""
                )
                assert field.db_parameters(migrated)["type"] == bare, column.name

    @pytest.mark.parametrize("name", sorted(tables()))
    def test_columns_can_be_read_from_the_database(self, name: str) -> None:
        with migrated.cursor() as cursor:
            made = {column.name for column in migrated.introspection.get_table_description(cursor, name)}
        assert made == set(columns(name))
        assert model_of(name)._default_manager.count() == len(base_rows().get(name, []))
        assert all(map(str, model_of(name)._default_manager.all()))

    @pytest.mark.parametrize("name", sorted(tables()))
    def test_foreign_keys_are_those_of_the_table(self, name: str) -> None:
        keys = {
            field.column: (field.related_model._meta.db_table, field.target_field.column)
            for field in model_of(name)._meta.local_concrete_fields
            if isinstance(field, models.ForeignKey)
        }
        assert keys == {key.column: (key.table, key.target) for key in tables()[name].foreign_keys}

    @pytest.mark.parametrize("name", sorted(tables()))
    def test_defaults_are_those_of_the_table(self, name: str) -> None:
        for field in model_of(name)._meta.local_concrete_fields:
            column = next((column for column in tables()[name].columns if column.name == field.column), None)
            if column is None or column.default in {None, "current_timestamp()"}:
                continue
            if isinstance(field, models.ForeignKey) and column.default == "0":
                assert not field.has_default(), "0 refers to nothing: such a column must be given"
                continue
            value = field.get_prep_value(field.get_default())
            assert {None: "NULL"}.get(value, str(value)) == (column.default or "").strip("'"), field.column


@pytest.mark.parametrize(
    ("is_mariadb", "version", "told"),
    [(False, (8, 0, 36), "MySQL 8.0.36"), (True, (10, 3, 39), "MariaDB 10.3.39")],
)
def test_a_server_that_lacks_what_the_sql_needs_is_refused(
    is_mariadb: bool, version: tuple[int, ...], told: str
) -> None:
    server = SimpleNamespace(vendor="mysql", mysql_is_mariadb=is_mariadb, mysql_version=version)
    with pytest.raises(CommandError, match=told):
        check_server(server)  # type: ignore[arg-type]


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("_round", [1, 2])
def test_tests_that_commit_begin_with_a_new_sites_rows(_round: int) -> None:
    assert Guard.objects.filter(n=0).update(n=1) == 1
    assert model_of("state")._default_manager.filter(name="reload").delete()
