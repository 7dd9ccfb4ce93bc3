"""The SQL that creates VCL's tables on MariaDB, and their counterparts on SQLite."""

from collections.abc import Callable, Iterator

from blockalloc.schema.facts import Column, ForeignKey, Table

Quote = Callable[[str], str]

_SQLITE_TYPES = {"varchar": "VARCHAR", "enum": "VARCHAR", "date": "DATE", "blob": "BLOB"}
_TEXT_KINDS = {"varchar", "enum", "text", "mediumtext", "longtext"}


def mariadb_table(table: Table, quote: Quote) -> Iterator[str]:
    """One statement: exactly VCL's table. Foreign key checks must be off, for tables refer to later ones."""
    lines = [_mariadb_column(column, quote) for column in table.columns]
    for index in table.indexes:
        listed = _listed(index.columns, quote)
        if index.name == "PRIMARY":
            lines.append(f"PRIMARY KEY ({listed})")
        else:
            lines.append(f"{'UNIQUE ' if index.unique else ''}KEY {quote(index.name)} ({listed})")
    lines += [_foreign_key(key, quote) for key in table.foreign_keys]
    yield (
        f"CREATE TABLE {quote(table.name)} ({', '.join(lines)}) "
        "ENGINE=InnoDB DEFAULT CHARSET=latin1 COLLATE=latin1_swedish_ci"
    )


def sqlite_table(table: Table, quote: Quote) -> Iterator[str]:
    """The table with SQLite's types, then its indexes, whose names are unique in the whole database there."""
    numbered = next((column.name for column in table.columns if column.auto_increment), None)
    lines = [_sqlite_column(column, quote) for column in table.columns]
    if table.primary_key and not numbered:
        lines.append(f"PRIMARY KEY ({_listed(table.primary_key, quote)})")
    # Deferred, as Django's own foreign keys on SQLite are. RESTRICT would be checked at once even so.
    lines += [
        f"{_foreign_key(key, quote).replace(' RESTRICT', ' NO ACTION')} DEFERRABLE INITIALLY DEFERRED"
        for key in table.foreign_keys
    ]
    yield f"CREATE TABLE {quote(table.name)} ({', '.join(lines)})"
    for index in table.indexes:
        if index.columns != (numbered,) and (index.name != "PRIMARY" or numbered):
            unique = "UNIQUE " if index.unique else ""
            name = quote(f"{table.name}_{index.name}")
            yield f"CREATE {unique}INDEX {name} ON {quote(table.name)} ({_listed(index.columns, quote)})"


def _mariadb_column(column: Column, quote: Quote) -> str:
    words = [quote(column.name), column.type, "NULL" if column.null else "NOT NULL"]
    if column.default is not None:
        words += ["DEFAULT", column.default]
    return " ".join([*words, column.extra]).strip()


def _sqlite_column(column: Column, quote: Quote) -> str:
    words = [quote(column.name), sqlite_type(column), "NULL" if column.null else "NOT NULL"]
    if column.kind in _TEXT_KINDS:
        words.append("COLLATE NOCASE")  # latin1_swedish_ci ignores case
    if column.auto_increment:
        words.append("PRIMARY KEY AUTOINCREMENT")
    if column.default is not None:
        words += ["DEFAULT", column.default.replace("current_timestamp()", "CURRENT_TIMESTAMP")]
    return " ".join(words)


def sqlite_type(column: Column) -> str:
    """The type of a column on SQLite.

    Times are TEXT: the driver would convert columns declared as `datetime`, and fail on zero dates.
    """
    if "int" in column.kind:
        return "INTEGER"
    name = _SQLITE_TYPES.get(column.kind, "TEXT")
    if column.kind == "enum":
        return f"{name}({max(map(len, column.words))})"
    return f"{name}({column.type.split('(')[1].rstrip(')')})" if column.kind == "varchar" else name


def _foreign_key(key: ForeignKey, quote: Quote) -> str:
    return (
        f"FOREIGN KEY ({quote(key.column)}) REFERENCES {quote(key.table)} ({quote(key.target)}) "
        f"ON DELETE {key.on_delete} ON UPDATE {key.on_update}"
    )


def _listed(columns: tuple[str, ...], quote: Quote) -> str:
    return ", ".join(map(quote, columns))
