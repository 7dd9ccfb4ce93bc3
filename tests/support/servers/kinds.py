"""Which MariaDB server a run is on, and the tables of which version of VCL: options of the programs that start one."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import quote

from blockalloc.schema.facts import NEWEST, VERSIONS
from tests.support.servers.mariadb_server import PrivateMariaDB
from tests.support.servers.unpacked_server import UnpackedMariaDB

STRICT = "STRICT_ALL_TABLES,NO_ZERO_DATE,NO_ZERO_IN_DATE,ONLY_FULL_GROUP_BY"


@dataclass(frozen=True)
class Kind:
    """A server with VCL's tables.

    `programs` is a folder that bin/fetch-mariadb made (None: the installed server), `sql_mode` that of the server,
    `own_sql_mode` that of the service's sessions ("": as each has it by itself).
    """

    vcl: str = NEWEST
    programs: Path | None = None
    sql_mode: str = ""
    own_sql_mode: str = ""

    def server(self) -> PrivateMariaDB:
        """The server, not started."""
        return PrivateMariaDB() if self.programs is None else UnpackedMariaDB(self.programs)

    def arguments(self) -> Sequence[str]:
        """What it is started with."""
        return [f"--sql-mode={self.sql_mode}"] if self.sql_mode else []

    def url(self, server: PrivateMariaDB, database: str) -> str:
        """The DATABASE_URL of a database on it."""
        mode = f"&sql_mode={quote(self.own_sql_mode)}" if self.own_sql_mode else ""
        return f"{server.url(database)}{mode}"

    def prepare(self) -> None:
        """Let `migrate` find the tables, where they are not those that it makes. Once Django is there."""
        from tests.support.vcl_versions import make_before_migrating

        if self.vcl != NEWEST or self.own_sql_mode:
            make_before_migrating(self.vcl)


def add_options(add: Callable[..., Any]) -> None:
    """Declare the options by which a program is told a Kind; `add` is its parser's own function for that."""
    add("--vcl", choices=VERSIONS, default=NEWEST, help=f"with the tables of this version of VCL (default: {NEWEST})")
    add("--programs", type=Path, metavar="FOLDER", help="a MariaDB server that bin/fetch-mariadb has fetched to FOLDER")
    add("--sql-mode", metavar="MODES", default="", help="the server's sql_mode; 'strict' for all that are strict")
    add("--own-sql-mode", metavar="MODES", default="", help="that of the service's sessions, instead of its own")


def kind_of(options: Any) -> Kind:
    """What the options say."""
    modes = [STRICT if mode == "strict" else mode for mode in (options.sql_mode, options.own_sql_mode)]
    return Kind(options.vcl, options.programs, *modes)
