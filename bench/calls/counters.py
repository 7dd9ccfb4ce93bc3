"""The work of the database server for one call, by its own counters."""

from collections.abc import Callable
from dataclasses import dataclass

from bench.calls.database import MARIADB, Database

_STATUS = "SHOW GLOBAL STATUS WHERE Variable_name = 'Questions' OR Variable_name LIKE 'Handler_read%'"


@dataclass(frozen=True, slots=True)
class Work:
    """Statements that came in, and rows that were read for them."""

    statements: int
    rows: int


def work_of(database: Database, work: Callable[[], object]) -> Work | None:
    """The server's work while only `work` uses it; None for a database without counters."""
    if database.kind != MARIADB:
        work()
        return None
    connection = database.connect()

    def read() -> Work:
        counters = {name: int(number) for name, number in connection.run(_STATUS)}
        questions = counters.pop("Questions")
        return Work(questions, sum(counters.values()))

    first = read()
    second = read()
    work()
    third = read()
    connection.close()
    # Reading the counters is a statement, too, and reads rows: as many the second time as the third.
    return Work(
        (third.statements - second.statements) - (second.statements - first.statements),
        (third.rows - second.rows) - (second.rows - first.rows),
    )


def least(first: Work | None, second: Work | None) -> Work | None:
    """The smaller of two: a call in a new thread of the service has to open a connection first."""
    return min((work for work in (first, second) if work), key=lambda work: work.statements, default=None)
