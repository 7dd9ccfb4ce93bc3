"""Ids of rows in addresses."""

from django.urls import register_converter
from django.urls.converters import IntConverter

NOBODYS = 2**63 - 1  # the highest that SQLite takes; VCL's columns and ours end before


class RowId(IntConverter):
    """`<row_id:name>`: an id of any length. One that no database holds stands for a row that is not there."""

    def to_python(self, value: str) -> int:
        """The id, or one that nothing has."""
        digits = value.lstrip("0")
        return int(digits or 0) if len(digits) < len(str(NOBODYS)) else NOBODYS


register_converter(RowId, "row_id")
