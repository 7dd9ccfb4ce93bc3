"""Rows that are past their keeping time: counted, and removed in portions that are short for everybody beside them."""

from collections.abc import Sequence
from dataclasses import dataclass

from blockalloc.store.sql import Value, execute, fetch, placeholders


@dataclass(frozen=True, slots=True)
class Past:
    """Rows of `table` that are past their keeping time, the oldest first by the column `since`.

    `condition` says which, in SQL, with its `values`. `key` is the table's primary key. `looks_elsewhere`: the
    condition reads other tables, on which a DELETE with it would set locks; whatever meets it once always will.
    """

    table: str
    condition: str
    values: Sequence[Value]
    since: str
    key: str = "id"
    looks_elsewhere: bool = False

    def count(self) -> int:
        """How many there are. One statement."""
        return int(fetch(f"SELECT COUNT(*) FROM `{self.table}` WHERE {self.condition}", self.values)[0][0])

    def remove(self, at_most: int) -> int:
        """Remove up to so many of the oldest; how many were removed. Two statements, one where there are none.

        Fewer than `at_most` were removed: no more were left, or somebody else has removed some of them.
        """
        sql = (
            f"SELECT `{self.key}` FROM `{self.table}` WHERE {self.condition} ORDER BY {self.since} LIMIT {int(at_most)}"
        )
        keys = [key for (key,) in fetch(sql, self.values)]
        if not keys:
            return 0
        removed, values = f"DELETE FROM `{self.table}` WHERE `{self.key}` IN ({placeholders(len(keys))})", [*keys]
        if not self.looks_elsewhere:  # a row may be in use again by now
            removed, values = f"{removed} AND {self.condition}", [*keys, *self.values]
        return execute(removed, values)
