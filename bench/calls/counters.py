"""What the database server did for one call, by its own counters."""

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
    """What the server does while `work` is the only one to use it; None where the database counts nothing."""
    if database.kind != MARIADB:
        work()
        return None
    connection = database.connect()

    def read() -> Work:
        found = {name: int(number) for name, number in connection.run(_STATUS)}
        questions = found.pop("Questions")
        return Work(questions, sum(found.values()))

    first = read()
    second = read()
    work()
    third = read()
    connection.close()
    # To ask for the counters is a statement too, and reads rows: as many the second time as the third.
    return Work(
        (third.statements - second.statements) - (second.statements - first.statements),
        (third.rows - second.rows) - (second.rows - first.rows),
    )


def least(first: Work | None, second: Work | None) -> Work | None:
    """The smaller of two: a call by a thread of the service that is new has to open a connection first."""
    return min((work for work in (first, second) if work), key=lambda work: work.statements, default=None)
