"""Migrations run while the service does: they touch no table of VCL's, and old code runs on the new tables."""

import json
import re
import subprocess
import sys
from typing import Any

import pytest
from django.db import models
from django.db.migrations import operations as django_operations
from django.db.migrations.loader import MigrationLoader
from django.db.migrations.operations.base import Operation
from django.db.models import NOT_PROVIDED

from blockalloc.schema.operations import EncodeAsUtf8mb4
from blockalloc.schema.rights import own_tables
from tests.support.empty_site import Site
from tests.support.servers.mariadb_server import SECRET_KEY
from tests.support.servers.own_process import ROOT, inherited

# The first migration that an upgrade of a released version applies.
FIRST_UPGRADE = 13
SETTINGS = {"DJANGO_SECRET_KEY": SECRET_KEY, "DJANGO_SETTINGS_MODULE": "vclsite.settings"}
# `migrate` to each of the states, and every statement that it sends.
WATCH = """
import json, sys
import django
django.setup()
from django.core.management import call_command
from django.db import connection
sent = []
def note(execute, sql, params, many, context):
    sent.append(sql)
    return execute(sql, params, many, context)
with connection.execute_wrapper(note):
    call_command("migrate", verbosity=0)
    for app in ("blockalloc", "admin", "sessions", "auth", "contenttypes"):
        if app == "auth":  # its first state has no room for names as long as those of our permissions
            connection.cursor().execute("DELETE FROM auth_permission")
        call_command("migrate", app, "zero", verbosity=0)
print(json.dumps(sent))
"""
_NAME = r"""[`"]?(?:new__)?(\w+)[`"]?"""
_WRITES = re.compile(
    rf"\s*(?:CREATE TABLE|ALTER TABLE|DROP TABLE|INSERT(?: IGNORE| OR IGNORE)? INTO|REPLACE INTO|UPDATE|DELETE FROM"
    rf"|(?:CREATE(?: UNIQUE)? INDEX|DROP INDEX) \S+ ON) {_NAME}",
    re.IGNORECASE,
)
_HARMLESS = re.compile(
    r"\s*(\(?SELECT|SHOW|SET|PRAGMA|BEGIN IMMEDIATE|SAVEPOINT|RELEASE SAVEPOINT"
    r'|DROP INDEX (IF EXISTS )?"(auth|blockalloc|django)_[a-z_0-9]+"$)',  # SQLite's names of indexes begin like this
    re.IGNORECASE,
)


def tables_of(statement: str) -> set[str]:
    """The tables that a statement writes, alters or refers to; "?" for one of an unknown kind."""
    if _HARMLESS.match(statement):
        return set()
    written = _WRITES.match(statement)
    if written is None:
        return {"?"}
    others = re.findall(rf"(?:REFERENCES|RENAME TO) {_NAME}", statement, re.IGNORECASE)
    return {written[1], *others}


def statements(site: Site) -> list[str]:
    done = subprocess.run(
        [sys.executable, "-c", WATCH],
        cwd=ROOT,
        env={**inherited(), **SETTINGS, "DATABASE_URL": site.url},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    sent: list[str] = json.loads(done.stdout)
    return sent


def test_no_statement_of_a_migration_names_a_table_of_vcls(vcl: Site) -> None:
    before = vcl.contents()
    sent = statements(vcl)
    wrong = [statement for statement in sent if not tables_of(statement) <= set(own_tables())]
    assert wrong == []
    made = {table for statement in sent if "CREATE TABLE" in statement for table in tables_of(statement)}
    assert made == set(own_tables()), "what print_grants names is what migrations make"
    assert vcl.contents() == before


@pytest.mark.no_database
@pytest.mark.once(on="mariadb")
@pytest.mark.parametrize(
    ("statement", "named"),
    [
        ("ALTER TABLE `request` ADD COLUMN x INTEGER", {"request"}),
        ("CREATE INDEX `x` ON `log` (`start`)", {"log"}),
        ("UPDATE `user` SET x = 1", {"user"}),
        ("INSERT INTO `state` VALUES (1)", {"state"}),
        ("CREATE TABLE `mine` (x INTEGER REFERENCES `user` (`id`))", {"mine", "user"}),
        ('CREATE TABLE "new__mine" (x INTEGER)', {"mine"}),
        ("RENAME TABLE a TO b", {"?"}),
        ("TRUNCATE `log`", {"?"}),
        ("SELECT 1", set()),
    ],
)
def test_statements_are_read_right(statement: str, named: set[str]) -> None:
    assert tables_of(statement) == named


# --- What the version before can't work with --------------------------------------------------------


def obstacle(operation: Operation, new_models: set[str]) -> str:
    """Why code of the version before might fail on the new tables; "" for what it does not notice."""
    if isinstance(operation, django_operations.SeparateDatabaseAndState):
        return next(filter(None, (obstacle(each, new_models) for each in operation.database_operations)), "")
    if isinstance(operation, django_operations.CreateModel):
        new_models.add(operation.name_lower)
        return ""
    if isinstance(operation, (django_operations.AlterModelOptions, django_operations.AddIndex)):
        return ""
    of_model = str(getattr(operation, "model", "") or getattr(operation, "model_name", "")).lower()
    if of_model in new_models and isinstance(operation, (EncodeAsUtf8mb4, django_operations.AddField)):
        return ""
    if isinstance(operation, django_operations.AddField):
        field = operation.field
        if field.null or field.db_default is not NOT_PROVIDED:
            return ""
        return f"{of_model}.{operation.name} is neither nullable nor has a default in the database"
    return f"{type(operation).__name__} is not known to leave the version before alone"


def migrations() -> dict[str, list[Operation]]:
    found = MigrationLoader(None).disk_migrations
    return {name: list(each.operations) for (app, name), each in found.items() if app == "blockalloc"}


@pytest.mark.no_database
@pytest.mark.once(on="mariadb")
def test_the_version_before_runs_on_the_new_tables() -> None:
    for name, operations in migrations().items():
        if int(name[:4]) >= FIRST_UPGRADE:
            new_models: set[str] = set()
            assert [why for operation in operations if (why := obstacle(operation, new_models))] == [], name


@pytest.mark.no_database
@pytest.mark.once(on="mariadb")
def test_a_migration_that_failed_can_be_run_again() -> None:
    """MariaDB rolls back no statement that changes tables: what a migration did before it failed it would do again."""
    for name, operations in migrations().items():
        if int(name[:4]) >= FIRST_UPGRADE:
            assert len(operations) == 1, f"{name}: give each operation a migration of its own"


@pytest.mark.no_database
@pytest.mark.once(on="mariadb")
@pytest.mark.parametrize(
    ("operation", "fits"),
    [
        (django_operations.AddField("decision", "x", models.IntegerField(null=True)), True),
        (django_operations.AddField("decision", "x", models.CharField(max_length=9, db_default="")), True),
        (django_operations.AddField("decision", "x", models.CharField(max_length=9, default="")), False),
        (django_operations.AddIndex("decision", models.Index(fields=["x"], name="x")), True),
        (django_operations.RemoveField("decision", "x"), False),
        (django_operations.RenameField("decision", "x", "y"), False),
        (django_operations.AlterField("decision", "x", models.IntegerField(null=True)), False),
        (django_operations.DeleteModel("Decision"), False),
        (django_operations.RunSQL("SELECT 1"), False),
        (
            django_operations.SeparateDatabaseAndState(
                database_operations=[django_operations.RemoveField("decision", "x")]
            ),
            False,
        ),
        (EncodeAsUtf8mb4("Decision"), False),
    ],
    ids=lambda value: value.describe() if isinstance(value, Operation) else str(value),
)
def test_what_the_version_before_does_not_notice(operation: Any, fits: bool) -> None:
    assert (obstacle(operation, set()) == "") == fits
    assert obstacle(EncodeAsUtf8mb4("New"), {"new"}) == ""
