"""Puts a site into an empty database: our own, or the rows of another program."""

import json
import re
import shutil
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from bench.calls import history, site
from bench.calls.database import Database, OnMariaDB
from bench.calls.site import ZONE, Draft, Site, Sizes

_SILENT_AFTER = 300  # seconds since a management node checked in
_REPORT_EVERY = 60.0  # seconds
_ALWAYS_SILENT = "2000-01-01 00:00:00"
_LOADED = re.compile(r"INTO TABLE `(\w+)`")
# Tables of VCL that our migrations do not make, and nothing here reads.
_SKIPPED = ("connectmethod", "connectmethodmap")


def local_now() -> datetime:
    """The site time now (naive, as in VCL's columns)."""
    return datetime.now(ZoneInfo(ZONE)).replace(tzinfo=None, microsecond=0)


def load(sizes: Sizes, database: Database) -> Site:
    """Fill a migrated database with the site of these sizes."""
    draft = Draft(sizes, local_now())
    for part in (site, history):
        for table in part.tables(draft):
            database.load(table.name, table.columns.split(), table.rows)
    database.analyze()
    return site.describe(draft)


class RowsError(Exception):
    """A folder of rows that cannot be used; the text says what is missing."""


def check_folder(folder: Path) -> None:
    """Raises RowsError when the folder has no rows."""
    for name in ("load.sql", "site.json"):
        if not (folder / name).is_file():
            raise RowsError(f"--rows {folder}: there is no {name} in it")


def load_folder(folder: Path, database: OnMariaDB) -> Site:
    """Fill a migrated database with the rows of another program: CSV files, `load.sql` and `site.json`.

    Its times are moved by whole days, so that the moment in site.json is less than a day ago. Management nodes that
    were silent at that moment stay so.
    """
    facts: dict[str, Any] = json.loads((folder / "site.json").read_text())
    statements = [line for line in (folder / "load.sql").read_text().splitlines() if not _is_skipped(line)]
    tables = sorted({name for line in statements for name in _LOADED.findall(line)})
    _time_zones(database)
    emptied = [f"DELETE FROM `{name}`;" for name in tables]  # noqa: S608 - names from the folder's own statements
    script = "\n".join(["SET foreign_key_checks = 0;", *emptied, *statements])
    _client(database, script, folder)
    now = datetime.fromisoformat(facts["now"])
    _check_in(database, now)
    _move(database, tables, (local_now() - now).days)
    database.analyze()
    return Site(facts["image"], facts["group"], facts["blocktimes"], facts["user"], facts["password"])


def _is_skipped(line: str) -> bool:
    """Also left out: ANALYZE, which is done for all tables at the end."""
    return line.startswith("ANALYZE") or any(name in _SKIPPED for name in _LOADED.findall(line))


def _time_zones(database: OnMariaDB) -> None:
    """The server's own table of time zones: rows may come in local time."""
    program = shutil.which("mariadb-tzinfo-to-sql")
    if program is None:
        raise RowsError("--rows: mariadb-tzinfo-to-sql is not installed")
    zones = subprocess.run([program, "/usr/share/zoneinfo"], capture_output=True, check=True)
    _client(database, zones.stdout.decode(), Path("/"), schema="mysql")


def _client(database: OnMariaDB, script: str, folder: Path, schema: str = "") -> None:
    program = shutil.which("mariadb")
    if program is None:
        raise RowsError("--rows: the program mariadb is not installed")
    command = [
        program, "--no-defaults", "--user=root", "--local-infile=1", "--default-character-set=utf8mb4",
        f"--socket={database.server.socket}", schema or database.name,
    ]  # fmt: skip
    done = subprocess.run(command, input=script.encode(), capture_output=True, cwd=folder, check=False)
    if done.returncode:
        raise RowsError(f"the rows could not be loaded: {done.stderr.decode(errors='replace')}")


def _check_in(database: OnMariaDB, now: datetime) -> None:
    """Mark the nodes that were silent at `now`, a local time: check_in() leaves those alone."""
    connection = database.connect()
    since = datetime.fromtimestamp(now.replace(tzinfo=ZoneInfo(ZONE)).timestamp() - _SILENT_AFTER, ZoneInfo("UTC"))
    connection.run(
        "UPDATE managementnode SET lastcheckin = %(mark)s WHERE lastcheckin < %(since)s",
        {"mark": _ALWAYS_SILENT, "since": since.strftime("%Y-%m-%d %H:%M:%S")},
    )
    connection.commit()
    connection.close()


def _move(database: OnMariaDB, tables: list[str], days: int) -> None:
    """Move all local times by so many days."""
    if days == 0:
        return
    connection = database.connect()
    columns = connection.run(
        "SELECT table_name, column_name FROM information_schema.columns WHERE table_schema = %(name)s "
        "AND data_type = 'datetime'",
        {"name": database.name},
    )
    connection.run("SET sql_mode = '', foreign_key_checks = 0")
    for table, column in columns:
        if table in tables:
            connection.run(
                f"UPDATE `{table}` SET `{column}` = `{column}` + INTERVAL {int(days)} DAY "  # noqa: S608 - our own names
                f"WHERE `{column}` > '1000-01-01'"
            )
    connection.commit()
    connection.close()


def check_in(database: Database) -> None:
    """Let the management nodes report that they are alive, except those that are silent on purpose."""
    _report(database, datetime.now(ZoneInfo("UTC")))


@contextmanager
def kept_alive(database: Database) -> Iterator[None]:
    """Let the management nodes report until the end: a node that was silent for 5 minutes gets no reloads."""
    over = threading.Event()

    def report() -> None:
        while not over.wait(_REPORT_EVERY):
            check_in(database)

    check_in(database)
    thread = threading.Thread(target=report, daemon=True)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()


def fall_silent(database: Database) -> None:
    """Make all management nodes silent for hours."""
    _report(database, datetime.now(ZoneInfo("UTC")) - timedelta(hours=5))


def _report(database: Database, when: datetime) -> None:
    connection = database.connect()
    connection.run(
        "UPDATE managementnode SET lastcheckin = %(when)s WHERE lastcheckin IS NULL OR lastcheckin <> %(mark)s",
        {"mark": _ALWAYS_SILENT, "when": when.strftime("%Y-%m-%d %H:%M:%S")},
    )
    connection.commit()
    connection.close()
