"""What VCL's tables are (`facts`), the SQL that makes them (`ddl`), and the migration operations (`operations`)."""

from blockalloc.schema.facts import Column, ForeignKey, Index, Table, base_rows, columns, tables

__all__ = ["Column", "ForeignKey", "Index", "Table", "base_rows", "columns", "tables"]
