"""Migration operations: create VCL's tables or adopt them as they are; the text encoding of our own tables."""

from itertools import groupby
from typing import Any

from django.db.backends.base.schema import BaseDatabaseSchemaEditor
from django.db.migrations.operations import CreateModel
from django.db.migrations.operations.base import Operation
from django.db.migrations.state import ProjectState

from blockalloc.schema import base_rows, tables
from blockalloc.schema.adopt import check_adoptable, check_readable, check_server, vcl_tables_in
from blockalloc.schema.ddl import mariadb_table, sqlite_table
from blockalloc.schema.facts import NEWEST


class CreateOrAdoptTables(Operation):
    """Without VCL's tables in the database, create them with their base rows. With them, check and change nothing."""

    reduces_to_sql = True
    reversible = True

    def describe(self) -> str:
        """As `migrate --plan` shows it."""
        return "Create VCL's tables, or adopt them where they exist"

    def state_forwards(self, app_label: str, state: ProjectState) -> None:
        """Nothing: the migration's other operations have the models."""

    def database_forwards(
        self,
        app_label: str,
        schema_editor: BaseDatabaseSchemaEditor,
        from_state: ProjectState,
        to_state: ProjectState,
    ) -> None:
        """See the class."""
        check_server(schema_editor.connection)
        check_readable(schema_editor.connection)
        if vcl_tables_in(schema_editor.connection):
            check_adoptable(schema_editor.connection)
        else:
            create_tables(schema_editor)

    def database_backwards(
        self,
        app_label: str,
        schema_editor: BaseDatabaseSchemaEditor,
        from_state: ProjectState,
        to_state: ProjectState,
    ) -> None:
        """Nothing: the tables are VCL's, with all of the site's data. Migrating back must not drop them."""


class EncodeAsUtf8mb4(Operation):
    """Convert our own table of `model` to utf8mb4, for new tables in VCL's database are latin1. On SQLite, nothing."""

    reduces_to_sql = True
    reversible = True

    def __init__(self, model: str, collation: str = "utf8mb4_bin") -> None:
        self.model = model
        self.collation = collation

    def describe(self) -> str:
        """As `migrate --plan` shows it."""
        return f"Store the text of {self.model} as utf8mb4"

    def state_forwards(self, app_label: str, state: ProjectState) -> None:
        """Nothing: models have no encodings."""

    def database_forwards(
        self,
        app_label: str,
        schema_editor: BaseDatabaseSchemaEditor,
        from_state: ProjectState,
        to_state: ProjectState,
    ) -> None:
        """See the class."""
        if schema_editor.connection.vendor != "mysql":
            return
        table = schema_editor.quote_name(to_state.apps.get_model(app_label, self.model)._meta.db_table)
        schema_editor.execute(f"ALTER TABLE {table} CONVERT TO CHARACTER SET utf8mb4 COLLATE {self.collation}")

    def database_backwards(
        self,
        app_label: str,
        schema_editor: BaseDatabaseSchemaEditor,
        from_state: ProjectState,
        to_state: ProjectState,
    ) -> None:
        """Nothing: the encoding is dropped with the table."""


class CreateOwnModel(CreateModel):
    """Create a table of ours whose text is utf8mb4, in one statement: new tables in VCL's database are latin1."""

    def database_forwards(
        self,
        app_label: str,
        schema_editor: BaseDatabaseSchemaEditor,
        from_state: ProjectState,
        to_state: ProjectState,
    ) -> None:
        """See the class. On SQLite, nothing is special."""
        if schema_editor.connection.vendor == "mysql":
            # An attribute of this editor, which serves this migration only.
            encoding = "CHARACTER SET utf8mb4 COLLATE utf8mb4_bin"
            schema_editor.sql_create_table = f"{type(schema_editor).sql_create_table} {encoding}"
        super().database_forwards(app_label, schema_editor, from_state, to_state)


def create_tables(schema_editor: BaseDatabaseSchemaEditor, version: str = NEWEST) -> None:
    """Create the tables of a version of VCL (one of facts.VERSIONS) in an empty database, with their base rows."""
    quote = schema_editor.quote_name
    mysql = schema_editor.connection.vendor == "mysql"
    statements = mariadb_table if mysql else sqlite_table
    if mysql:
        # Tables refer to each other in circles. (On SQLite Django's schema editor has switched the checks off.)
        schema_editor.execute("SET FOREIGN_KEY_CHECKS = 0")
    try:
        for table in tables(version).values():
            for statement in statements(table, quote):
                schema_editor.execute(statement)
        for name, rows in base_rows().items():
            _insert(schema_editor, name, rows)
    finally:
        if mysql:
            schema_editor.execute("SET FOREIGN_KEY_CHECKS = 1")


def _insert(schema_editor: BaseDatabaseSchemaEditor, table: str, rows: list[dict[str, Any]]) -> None:
    quote = schema_editor.quote_name
    for columns, alike in groupby(rows, key=tuple):  # one statement for rows with the same columns
        values = [list(row.values()) for row in alike]
        places = ", ".join([f"({', '.join(['%s'] * len(columns))})"] * len(values))
        sql = f"INSERT INTO {quote(table)} ({', '.join(map(quote, columns))}) VALUES {places}"  # noqa: S608 - our own names
        schema_editor.execute(sql, tuple(value for row in values for value in row))
