"""Which migrations of this release a database lacks."""

from functools import cache

from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.migrations.loader import MigrationLoader
from django.db.migrations.recorder import MigrationRecorder


def unapplied(connection: BaseDatabaseWrapper) -> list[str]:
    """The migrations (`app.name`) of ours and of Django that are not applied, in their order. Two statements.

    Those that only another release knows do not matter. Raises DatabaseError.
    """
    applied = MigrationRecorder(connection).applied_migrations()
    return [f"{app}.{name}" for app, name in _needed() if (app, name) not in applied]


@cache
def _needed() -> tuple[tuple[str, str], ...]:
    graph = MigrationLoader(None).graph
    plan = (key for leaf in graph.leaf_nodes() for key in graph.forwards_plan(leaf))
    return tuple(dict.fromkeys(plan))
