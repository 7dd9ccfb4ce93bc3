"""Sites of older versions of VCL, on MariaDB: their tables are there before the migrations, which adopt them."""

from collections.abc import Mapping
from typing import Any

from django.db import connections
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.models.signals import pre_migrate

from blockalloc import check_ins
from blockalloc.schema import tables
from blockalloc.schema.adopt import vcl_tables_in
from blockalloc.schema.facts import NEWEST
from blockalloc.schema.operations import create_tables

_ZERO = "0000-00-00 00:00:00"


def make_before_migrating(version: str) -> None:
    """Let `migrate` find the tables of a version of VCL in databases that have none yet, in this process."""

    def make(*, using: str, **_: Any) -> None:
        connection = connections[using]
        if not vcl_tables_in(connection):
            make_tables(connection, version)

    pre_migrate.connect(make, weak=False, dispatch_uid="vcl_versions")


def make_tables(connection: BaseDatabaseWrapper, version: str) -> None:
    """The tables of a version of VCL in an empty database, with their base rows: in no strict mode, as VCL's script."""
    with connection.cursor() as cursor:
        cursor.execute("SET @service_mode = @@sql_mode, sql_mode = ''")
        with connection.schema_editor() as schema_editor:
            create_tables(schema_editor, version)
        cursor.execute("SET sql_mode = @service_mode")
    check_ins.look(connection=connection)  # the connection is older than the tables


def version_of(connection: BaseDatabaseWrapper) -> str:
    """The version of VCL that the tables of the database are those of."""
    if not check_ins.are_local(connection):
        return NEWEST
    kept = _versions.get(str(connection.settings_dict["NAME"]))
    if kept is None:
        with connection.cursor() as cursor:
            present = {column.name for column in connection.introspection.get_table_description(cursor, "vmhost")}
        kept = _versions[str(connection.settings_dict["NAME"])] = "2.4.2" if "vmlimit" in present else "2.5"
    return kept


_versions: dict[str, str] = {}


def fitted(row: Mapping[str, Any], table: str, version: str) -> dict[str, Any]:
    """A row of the newest version as an older one stores it: columns that must not be NULL there have a value."""
    if version == NEWEST:
        return dict(row)
    newest = {column.name: column for column in tables()[table].columns}
    of_version = tables(version)[table].columns
    result = {name: value for name, value in row.items() if name in {column.name for column in of_version}}
    for column in of_version:
        other = newest.get(column.name)
        if column.null or row.get(column.name) is not None or (other is not None and not other.null):
            continue
        result.pop(column.name, None)
        if column.default is None:
            result[column.name] = _ZERO if column.kind == "datetime" else 0
    return result
