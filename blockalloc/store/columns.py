"""Whether the database has every table and column that the service reads, and lets its account read them."""

from functools import cache

from django.apps import apps
from django.db import models

from blockalloc.store.sql import fetch


def try_to_read() -> None:
    """Read no row of each table that a model names, and all its columns, in one statement.

    The database finds tables, columns and rights before it looks for rows. Raises DatabaseError, which names what is
    missing.
    """
    fetch(_statement())


@cache
def _statement() -> str:
    found = apps.get_app_config("blockalloc").get_models()
    return " UNION ALL ".join(_part(model) for model in found if not model._meta.proxy)


def _part(model: type[models.Model]) -> str:
    columns = (f"`{field.column}` IS NULL" for field in model._meta.concrete_fields)
    return f"SELECT 1 FROM `{model._meta.db_table}` WHERE 0 = 1 AND ({' OR '.join(columns)})"
