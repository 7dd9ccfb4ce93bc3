"""Which of the suggested indexes a database lacks, what they would win there, and their creation."""

from dataclasses import asdict, dataclass
from typing import Any

from django.db import DatabaseError, connection

from blockalloc.schema.present import folded, present_tables
from blockalloc.schema.suggested import SUGGESTED, SuggestedIndex
from blockalloc.store.sql import execute, fetch, waiting_at_most
from vclsite import database_errors

# Seconds. While a statement waits for a table to be free of transactions, all others wait behind it.
LONGEST_WAIT = 5.0
# Others read and write the table meanwhile; without these words MariaDB might lock it and say nothing.
_ONLINE = {"mysql": " ALGORITHM=INPLACE LOCK=NONE", "sqlite": ""}


@dataclass(frozen=True, slots=True)
class MissingIndex:
    """A suggested index that a database lacks, with what it would win there. `taken`: another has its name."""

    index: SuggestedIndex
    wins: str
    taken: bool

    @property
    def statement(self) -> str:
        """The statement that makes it; harmless where it is there already."""
        listed = ", ".join(f"`{column}`" for column in self.index.columns)
        online = _ONLINE[connection.vendor]
        return f"CREATE INDEX IF NOT EXISTS `{self.index.name}` ON `{self.index.table}` ({listed}){online}"

    def description(self) -> dict[str, Any]:
        """For programs."""
        kept = {name: value for name, value in asdict(self.index).items() if name != "counts"}
        return {**kept, "wins": self.wins, "statement": self.statement}


class NotCreated(Exception):
    """An index could not be created; the text says why and what would help."""


def missing() -> list[MissingIndex]:
    """Those that are not there under any name; none on tables that have not all of the columns."""
    return [
        MissingIndex(index, index.wins.format(*fetch(index.counts)[0]), taken) for index, taken in _lacking().items()
    ]


def create(wanted: MissingIndex) -> bool:
    """Make an index, while others work. False: another has its name, and is left alone. Raises NotCreated."""
    try:
        with waiting_at_most(lambda: LONGEST_WAIT):
            execute(wanted.statement)
    except DatabaseError as error:
        reason = database_errors.description(error) or error
        raise NotCreated(f"{wanted.index.name} was not created ({wanted.statement}): {reason}") from error
    return wanted.index not in _lacking()


def _lacking() -> dict[SuggestedIndex, bool]:
    """Suggested index that is not there -> whether its name is taken by one on other columns."""
    present = present_tables(connection)
    lacking = {}
    for index in SUGGESTED:
        there = present.get(folded(connection, index.table))
        if there is None or not there.columns.keys() >= set(index.columns):
            continue
        size = len(index.columns)
        if not any(other.columns[:size] == index.columns for other in there.indexes):
            lacking[index] = any(other.name.lower() == index.name for other in there.indexes)
    return lacking
