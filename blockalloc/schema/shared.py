"""Another program on Django in the same database: it would have the same tables of Django's as this service."""

from django.apps import apps
from django.core.management.base import CommandError
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.migrations.recorder import MigrationRecorder

_OURS = "blockalloc"  # the label of our app


def check_may_share(connection: BaseDatabaseWrapper) -> None:
    """Raise CommandError when the first of our migrations would use another program's tables of Django's."""
    noted = _noted(connection)
    if _OURS not in noted and (others := _others(noted)):
        raise CommandError(
            f"This database has the tables of another program on Django, with migrations of {others}. Nothing was "
            "changed. Both would have the same accounts and sessions: move that program to a database of its own."
        )


def check_not_shared(connection: BaseDatabaseWrapper) -> None:
    """Raise CommandError when Django's tables are another program's too: they can't be dropped."""
    if others := _others(_noted(connection)):
        raise CommandError(
            f"Another program on Django uses this database, with migrations of {others}: Django's tables (auth_…, "
            "django_…) are that program's too. Nothing was changed. Drop the tables that begin with blockalloc_ by "
            "hand, and leave the others."
        )


def _noted(connection: BaseDatabaseWrapper) -> set[str]:
    """The labels of the apps whose migrations were applied."""
    return {app for app, _ in MigrationRecorder(connection).applied_migrations()}


def _others(noted: set[str]) -> str:
    """Those that are not this service's, in words."""
    return ", ".join(sorted(noted - {config.label for config in apps.get_app_configs()}))
