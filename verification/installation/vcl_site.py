"""VCL's database as SQL: its tables, and rows of a small site with classes to come and accounts to sign in."""

import hashlib
import random
from collections.abc import Iterator
from typing import Any

from blockalloc.schema import ddl, facts
from verification.allocations.site import site

CALLER, PASSWORD = "vclsystem", "p4ss"
FIRST_BLOCK_TIME = 100
_SALT = "8ht2Pa55"


def sql(name: str = "vcl") -> str:
    """Statements that make the database `name`."""
    return "\n".join(_statements(name)) + "\n"


def _statements(name: str) -> Iterator[str]:
    yield f"CREATE DATABASE `{name}` CHARACTER SET latin1; USE `{name}`; SET foreign_key_checks = 0;"
    for table in facts.tables().values():
        yield from (f"{statement};" for statement in ddl.mariadb_table(table, _quoted))
    rows = site(block_times=6, computers=60, hours=24, choice=random.Random(1)).rows
    for name_of_table, listed in rows.items():
        yield from (_insert(name_of_table, row) for row in listed)
    hashed = hashlib.sha1(f"{PASSWORD}{_SALT}".encode()).hexdigest()  # noqa: S324 - as VCL does
    values = f"'{hashed}', '{_SALT}', NOW(), 0"
    yield "REPLACE INTO localauth (userid, passhash, salt, lastupdated, lockedout) "
    yield f"SELECT id, {values} FROM user WHERE unityid = '{CALLER}';"  # noqa: S608


def _insert(table: str, row: dict[str, Any]) -> str:
    columns = ", ".join(map(_quoted, row))
    return f"INSERT INTO {_quoted(table)} ({columns}) VALUES ({', '.join(map(_literal, row.values()))});"  # noqa: S608


def _quoted(name: str) -> str:
    return f"`{name}`"


def _literal(value: object) -> str:
    if value is None:
        return "NULL"
    if isinstance(value, int):
        return str(int(value))
    text = str(value).replace("\\", "\\\\").replace("'", "''")
    return f"'{text}'"
