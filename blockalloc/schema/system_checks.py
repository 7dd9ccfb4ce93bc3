"""A database that the service cannot work on is refused before `migrate` creates a single table in it."""

from collections.abc import Sequence
from typing import Any

from django.core.checks import CheckMessage, Error, Tags, register
from django.core.management.base import CommandError
from django.db import connections

from blockalloc.schema.adopt import check_adoptable, check_empty, check_readable, check_server, vcl_tables_in
from blockalloc.schema.shared import check_may_share


@register(Tags.database)
def check_databases(databases: Sequence[str] | None, **_: Any) -> list[CheckMessage]:
    """blockalloc.E001: the server is too old, its VCL tables are of no supported version, or Django's are another's.

    Run by `migrate`.
    """
    return [problem for alias in databases or () for problem in _check(alias)]


def _check(alias: str) -> list[CheckMessage]:
    connection = connections[alias]
    try:
        check_server(connection)
        check_readable(connection)
        if vcl_tables_in(connection):
            check_adoptable(connection)
        else:
            check_empty(connection)
        check_may_share(connection)
    except CommandError as refusal:
        return [Error(str(refusal), id="blockalloc.E001")]
    return []
