"""The description of VCL's tables (`facts`), the SQL that creates them (`ddl`), migration operations (`operations`)."""

from blockalloc.schema.facts import Column, ForeignKey, Index, Table, base_rows, columns, tables

__all__ = ["Column", "ForeignKey", "Index", "Table", "base_rows", "columns", "tables"]
