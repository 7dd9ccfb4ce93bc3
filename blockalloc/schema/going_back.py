"""Migrations that would drop tables are refused as a whole if the account may not drop them."""

from collections.abc import Iterator, Sequence
from typing import Any

from django.db import connections
from django.db.migrations import Migration
from django.db.migrations.operations import CreateModel, SeparateDatabaseAndState
from django.db.migrations.operations.base import Operation

from blockalloc.schema.held_rights import check_may_drop


def refuse_without_rights(plan: Sequence[tuple[Migration, bool]], using: str, **_: Any) -> None:
    """For Django's signal before migrations. Raises CommandError when they go back and the account lacks DROP."""
    undone = [operation for migration, backwards in plan if backwards for operation in migration.operations]
    if any(isinstance(operation, CreateModel) for operation in _on_the_database(undone)):
        check_may_drop(connections[using])


def _on_the_database(operations: Sequence[Operation]) -> Iterator[Operation]:
    for operation in operations:
        if isinstance(operation, SeparateDatabaseAndState):
            yield from operation.database_operations
        else:
            yield operation
