"""Search in lists, in few steps for the database.

Django's own search joins all the tables and compares texts in each row of the join. Here each table is searched once,
and rows are selected by the keys of its matches: a site has thousands of computers, but tens of thousands of
reservations of them.
"""

from collections.abc import Iterable, Sequence
from itertools import islice
from typing import Any, TypeVar

from django.db.models import Model, Q, QuerySet
from django.utils.text import smart_split, unescape_string_literal

_Row = TypeVar("_Row", bound=Model)

_MOST_WORDS = 20
_LONGEST = 255  # characters of a word; names have no more


def search(rows: QuerySet[_Row], columns: Sequence[str], text: str) -> QuerySet[_Row]:
    """The rows in which each word of `text` is in one of `columns` ("group__name"), in upper or lower case.

    Words in quotes count as one. When several rows of another table belong to a row, one of them has all the words.
    Only the first 20 words count, since SQLite refuses long conditions.
    """
    words = [_unquoted(word)[:_LONGEST] for word in islice(smart_split(text), _MOST_WORDS)]
    if not words or not columns:
        return rows
    model = rows.model
    condition = Q()
    for word in words:
        condition &= Q.create([_contains(model, column, word) for column in columns], connector=Q.OR)
    if any(_is_to_many(model, column) for column in columns):
        # Without the conditions and counts of the list, which the search does not need.
        return rows.filter(pk__in=model._default_manager.filter(condition).order_by().values("pk"))
    return rows.filter(condition)


def _contains(model: type[Model], column: str, word: str) -> tuple[str, Any]:
    """The condition that a column contains the word: for a column of another table, that the row refers to a match."""
    path, _, name = column.rpartition("__")
    contains = (f"{name}__icontains", word)
    if not path:
        return contains
    *_, table = _tables(model, path.split("__"))
    return f"{path}__in", table._default_manager.filter(contains).order_by().values("pk")


def _is_to_many(model: type[Model], column: str) -> bool:
    """Whether several rows may be at the end of the path of a column."""
    steps = column.split("__")[:-1]
    tables = [model, *_tables(model, steps)]
    return any(table._meta.get_field(step).one_to_many for table, step in zip(tables, steps, strict=False))


def _tables(model: type[Model], steps: Iterable[str]) -> list[type[Model]]:
    """The tables along a path."""
    tables = []
    for step in steps:
        model = model._meta.get_field(step).related_model  # type: ignore[assignment]  # a relation, by the caller
        tables.append(model)
    return tables


def _unquoted(word: str) -> str:
    quoted = word.startswith(('"', "'")) and word[0] == word[-1]
    return unescape_string_literal(word) if quoted else word
