"""Collects the demo site's rows, table by table, and numbers them."""

from datetime import date, datetime

Value = int | str | datetime | date | None
Row = dict[str, Value]
Tables = dict[str, list[Row]]

# VCL's own rows (users, groups, nodes of the tree, states) have small ids. The demo's begin here in
# every table, without gaps, so that they are recognised by their number alone.
FIRST_ID = 101

# Rows that every new VCL site has.
ADMIN, VCLRELOAD, VCLSYSTEM = 1, 2, 3
LOCAL = 1  # affiliation
VCL_NODE = 3  # node of the privilege tree below which a site builds its own
ALWAYS_OPEN = 1  # schedule "VCL 24x7"


class Rows:
    """Rows of VCL's tables, in the order in which they were added."""

    def __init__(self) -> None:
        self.tables: Tables = {}

    def add(self, table: str, **values: Value) -> int:
        """Add a row and return its id, the next one of the table (for tables with a key column `id`)."""
        rows = self.tables.setdefault(table, [])
        number = FIRST_ID + len(rows)
        rows.append({"id": number, **values})
        return number

    def link(self, table: str, **values: Value) -> None:
        """Add a row to a table that has no key column `id`."""
        self.tables.setdefault(table, []).append(dict(values))

    def row(self, table: str, number: int) -> Row:
        """The row to which `add` gave this id; changes to it are kept."""
        return self.tables[table][number - FIRST_ID]
