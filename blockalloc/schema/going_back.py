"""Migrations that would drop tables are refused as a whole if the account may not drop them."""

from collections.abc import Iterator, Sequence
from typing import Any

from django.db import connections
from django.db.migrations import Migration
from django.db.migrations.operations import CreateModel, SeparateDatabaseAndState
from django.db.migrations.operations.base import Operation
from django.db.models import ManyToManyField

from blockalloc.schema.held_rights import check_may_drop


def refuse_without_rights(plan: Sequence[tuple[Migration, bool]], using: str, **_: Any) -> None:
    """For Django's signal before migrations. Raises CommandError when they go back and the account lacks DROP."""
    undone = [migration for migration, backwards in plan if backwards]
    dropped = {table for migration in undone for table in _made_by(migration)}
    if dropped:
        check_may_drop(connections[using], dropped)


def _made_by(migration: Migration) -> Iterator[str]:
    """The tables that a migration makes, and drops when it is undone."""
    for operation in _on_the_database(migration.operations):
        if isinstance(operation, CreateModel):
            table = operation.options.get("db_table") or f"{migration.app_label}_{operation.name_lower}"
            yield table
            yield from (f"{table}_{name}" for name, field in operation.fields if isinstance(field, ManyToManyField))


def _on_the_database(operations: Sequence[Operation]) -> Iterator[Operation]:
    for operation in operations:
        if isinstance(operation, SeparateDatabaseAndState):
            yield from operation.database_operations
        else:
            yield operation
