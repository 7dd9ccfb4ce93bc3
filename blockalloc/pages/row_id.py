"""Ids of rows in URLs."""

from django.urls import register_converter
from django.urls.converters import IntConverter

UNUSED = 2**63 - 1  # the highest that SQLite accepts; VCL's columns and ours have smaller ones


class RowId(IntConverter):
    """`<row_id:name>`: an id of any length. One that is too large for a database becomes an id that no row has."""

    def to_python(self, value: str) -> int:
        """The id, or UNUSED."""
        digits = value.lstrip("0")
        return int(digits or 0) if len(digits) < len(str(UNUSED)) else UNUSED


register_converter(RowId, "row_id")
