"""The rights that the account of a connection has, as the server tells them; on SQLite there are none to be had."""

import re
from collections.abc import Collection, Iterator
from dataclasses import dataclass

from django.core.management.base import CommandError
from django.db.backends.base.base import BaseDatabaseWrapper

from blockalloc.schema.rights import own_tables_in

_NAME = r"`((?:[^`]|``)+)`"
_LINE = re.compile(rf"GRANT (.+?) ON (?:TABLE )?(?:(\*)|{_NAME})\.(?:\*|{_NAME}) TO ")
_PRIVILEGE = re.compile(r"([A-Z][A-Z ]*[A-Z])( \([^)]*\))?")
ALL = "ALL PRIVILEGES"


@dataclass(frozen=True, slots=True)
class Held:
    """Privileges on a table, on all tables of the databases that a pattern matches (`table` is ""), or on all."""

    privileges: frozenset[str]
    database: str  # a pattern unless there is a table; "" for all databases
    table: str

    def covers(self, database: str, table: str = "") -> bool:
        """Whether they are for this table, or for some table of the database. Some servers fold the case of names."""
        if self.table:
            of_database = self.database.lower() == database.lower()
            return of_database and (not table or self.table.lower() == table.lower())
        return not self.database or bool(re.fullmatch(_regex(self.database), database, re.IGNORECASE))

    @property
    def place(self) -> str:
        """What they are for, as people write it."""
        return f"{self.database or '*'}.{self.table or '*'}"


def held(connection: BaseDatabaseWrapper) -> list[Held]:
    """Those of the account, and of the roles that are active. Rights on single columns are left out."""
    with connection.cursor() as cursor:
        cursor.execute("SHOW GRANTS")
        return [right for (line,) in cursor.fetchall() for right in _parsed(line)]


def check_may_drop(connection: BaseDatabaseWrapper, tables: Collection[str] = ()) -> None:
    """Raise CommandError unless the account may drop these of the tables that `migrate` has made; all by default.

    To be asked first: statements that change tables can't be rolled back, and half of the way is no state.
    """
    if connection.vendor != "mysql":
        return
    rights, database = held(connection), str(connection.settings_dict["NAME"])
    kept = [
        table
        for table in own_tables_in(connection)
        if (not tables or table in tables)
        and not any({"DROP", ALL} & right.privileges and right.covers(database, table) for right in rights)
    ]
    if kept:
        more = f" and {len(kept) - 5} more" if kept[5:] else ""
        raise CommandError(
            f"The database account may not drop {', '.join(kept[:5])}{more}. "
            "Nothing was changed. manage.py print_grants going-back prints the GRANTs.",
            returncode=2,
        )


def _parsed(line: str) -> Iterator[Held]:
    found = _LINE.match(line)
    if found is None:  # a role, which has lines of its own, or a proxy
        return
    listed, everywhere, database, table = found.groups()
    privileges = {name for name, columns in _PRIVILEGE.findall(listed) if not columns}
    if "WITH GRANT OPTION" in line[found.end() :]:
        privileges.add("GRANT OPTION")
    yield Held(
        frozenset(privileges),
        "" if everywhere else (database or "").replace("``", "`"),
        (table or "").replace("``", "`"),
    )


def _regex(pattern: str) -> str:
    """A pattern of MariaDB's, in which a backslash takes the meaning away from % and _."""
    parts = re.findall(r"\\?.", pattern, re.DOTALL)
    return "".join({"%": ".*", "_": "."}.get(part, re.escape(part[-1])) for part in parts)
