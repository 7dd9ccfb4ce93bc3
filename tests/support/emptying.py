"""What Django does after a test that commits, in few statements: it used to take most of the time of such a test."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from django.contrib.auth.models import Permission
from django.contrib.contenttypes.models import ContentType
from django.db import connection, transaction
from django.db.models import Model
from django.test import TransactionTestCase

from tests.golden.tables import empty
from tests.support.checksums import checksums

_MADE_BY_MIGRATE: tuple[type[Model], ...] = (ContentType, Permission)
_TEARDOWN = "_fixture_teardown"  # of Django alone: its types do not have it


class Emptying:
    """In place of `TransactionTestCase._fixture_teardown`.

    Django empties each managed table and makes all content types and permissions again. Here it does so after
    the first such test; after all others these two tables are left as they are, or put back if a test changed them.
    """

    def __init__(self) -> None:
        self._django = getattr(TransactionTestCase, _TEARDOWN)
        self._kept: dict[type[Model], list[tuple[Any, ...]]] = {}
        self._checksums: dict[str, int] = {}
        self._tables: set[str] = set()

    def __call__(self, case: TransactionTestCase) -> None:
        """Clean up after a test."""
        if not self._kept:
            self._django(case)
            self._kept = {model: _rows(model) for model in _MADE_BY_MIGRATE}
            self._checksums = checksums([model._meta.db_table for model in self._kept])
            self._tables = set(connection.introspection.django_table_names(only_existing=True, include_views=False))
            return
        now = checksums([model._meta.db_table for model in self._kept])
        changed = [model for model in self._kept if now[model._meta.db_table] != self._checksums[model._meta.db_table]]
        untouched = {model._meta.db_table for model in self._kept if model not in changed}
        with connection.constraint_checks_disabled(), transaction.atomic():
            empty(sorted(self._tables - untouched))
            for model in changed:
                _insert(model, self._kept[model])
        ContentType.objects.clear_cache()


@contextmanager
def quick_emptying() -> Iterator[None]:
    """Tests that commit are cleaned up by `Emptying`."""
    emptying = Emptying()
    setattr(TransactionTestCase, _TEARDOWN, lambda case: emptying(case))
    try:
        yield
    finally:
        setattr(TransactionTestCase, _TEARDOWN, emptying._django)


def _rows(model: type[Model]) -> list[tuple[Any, ...]]:
    return list(model._default_manager.order_by("pk").values_list())


def _insert(model: type[Model], rows: Sequence[tuple[Any, ...]]) -> None:
    columns = [str(field.column) for field in model._meta.concrete_fields]
    names, marks = ", ".join(columns), ", ".join(["%s"] * len(columns))
    with connection.cursor() as cursor:
        cursor.executemany(f"INSERT INTO {model._meta.db_table} ({names}) VALUES ({marks})", rows)  # noqa: S608
