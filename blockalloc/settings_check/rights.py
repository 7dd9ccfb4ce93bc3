"""Whether the database account has the rights that the service needs, and whether it has many more."""

from collections.abc import Iterator, Mapping

from django.db import DatabaseError, connection

from blockalloc.schema.held_rights import Held, held
from blockalloc.schema.present import PresentTable, folded, present_tables
from blockalloc.schema.rights import Purpose, needed
from blockalloc.settings_check.problems import Problem, doubtful, error

_LACKS_RIGHT = {1142, 1143}
# Statements are explained, not executed: the server asks for the same rights.
_TRIALS = {
    "INSERT": "EXPLAIN INSERT INTO {table} SELECT * FROM {table} WHERE 0 = 1",
    "UPDATE": "EXPLAIN UPDATE {table} SET {column} = {column} WHERE 0 = 1",
    "DELETE": "EXPLAIN DELETE FROM {table} WHERE 0 = 1",
}
_ROWS = {"INSERT", "UPDATE", "DELETE"}
_ENOUGH = {"USAGE", "SELECT", *_ROWS}


def check_rights() -> Iterator[Problem]:
    """Rights for running that the account lacks on tables that are there, and those that it does not need."""
    if connection.vendor != "mysql":
        return
    present = present_tables(connection)
    lacking = list(_lacking(present))
    if lacking:
        yield error(
            "DATABASE_URL",
            f"the database account lacks rights: {'; '.join(lacking)}; manage.py print_grants running prints them",
        )
    database = str(connection.settings_dict["NAME"])
    more = [text for right in held(connection) if right.covers(database) and (text := _too_many(right))]
    if more:
        yield doubtful(
            "DATABASE_URL",
            f"the database account may do more than the service needs: {'; '.join(sorted(more))}; "
            "manage.py print_grants running prints what is enough",
        )


def _lacking(present: Mapping[str, PresentTable]) -> Iterator[str]:
    for right in needed(Purpose.RUNNING):
        there = present.get(folded(connection, right.table))
        if there is None:  # another check reports tables that are missing
            continue
        column = next(iter(there.columns.values())).name
        refused = [privilege for privilege in right.privileges if _is_refused(privilege, right.table, column)]
        if refused:
            yield f"{', '.join(refused)} on {right.table}"


def _is_refused(privilege: str, table: str, column: str) -> bool:
    quote = connection.ops.quote_name
    try:
        with connection.cursor() as cursor:
            cursor.execute(_TRIALS[privilege].format(table=quote(table), column=quote(column)))
    except DatabaseError as problem:
        return bool(problem.args) and problem.args[0] in _LACKS_RIGHT
    return False


def _too_many(right: Held) -> str:
    """Privileges that change tables, or rows of all tables; "" when there are none."""
    more = right.privileges - (_ENOUGH if right.table else _ENOUGH - _ROWS)
    return f"{', '.join(sorted(more))} on {right.place}" if more else ""
