"""The description of VCL's tables (`facts`), the SQL that creates them (`ddl`), migration operations (`operations`)."""

from blockalloc.schema.facts import VERSIONS, Column, ForeignKey, Index, Table, base_rows, columns, forms, tables

__all__ = ["VERSIONS", "Column", "ForeignKey", "Index", "Table", "base_rows", "columns", "forms", "tables"]
