"""A private MariaDB server of another version than the installed one: its programs lie unpacked in a folder."""

import subprocess
from pathlib import Path

from tests.support.servers.mariadb_server import MariaDBUnavailable, PrivateMariaDB, as_root

# What mariadb-install-db runs; before 10.11 the names began with "mysql".
_SYSTEM_TABLES = ("system_tables", "performance_tables", "system_tables_data")
# The server takes a line for a statement here.
_FIRST = (
    b"CREATE DATABASE mysql;\nUSE mysql;\n"
    b"SET @skip_auth_anonymous = 1, @current_hostname = '', @auth_root_socket = NULL;\n"
)


class UnpackedMariaDB(PrivateMariaDB):
    """A server from `root`, a folder into which its packages and all that they need were unpacked (bin/fetch-mariadb).

    It runs with the libraries there, down to the C library, whatever this machine has.
    """

    def __init__(self, root: Path, port: int | None = None) -> None:
        super().__init__(port)
        self._root = root

    def _server(self) -> list[str]:
        folders = [folder for place in ("lib", "usr/lib") for folder in (self._root / place).glob("*-linux-gnu*")]
        loaders = [loader for folder in folders for loader in folder.glob("ld-linux*.so.*")]
        program = self._root / "usr/sbin/mariadbd"
        if not loaders or not program.exists():
            raise MariaDBUnavailable(f"{self._root} lacks a MariaDB server or its libraries: fetch it again")
        libraries = ":".join(map(str, folders))
        start = [str(loaders[0]), "--library-path", libraries, str(program), "--no-defaults"]
        return [*start, f"--basedir={self._root / 'usr'}", f"--lc-messages-dir={self._shared()}"]

    def _install(self) -> None:
        data = self._home / "data"
        data.mkdir()
        files = [next(self._shared().glob(f"*_{name}.sql")) for name in _SYSTEM_TABLES]
        sql = _FIRST + b"\n".join(file.read_bytes() for file in files)
        command = [*self._server(), f"--datadir={data}", *as_root(), "--bootstrap", "--max-allowed-packet=8M"]
        done = subprocess.run(command, input=sql, capture_output=True, env=self._environment(), check=False)
        if done.returncode:
            raise MariaDBUnavailable(f"{self._root} made no data directory:\n{done.stderr.decode(errors='replace')}")

    def _shared(self) -> Path:
        for name in ("mariadb", "mysql"):
            if (self._root / "usr/share" / name / "english").exists():
                return self._root / "usr/share" / name
        raise MariaDBUnavailable(f"{self._root} has no MariaDB server in it: bin/fetch-mariadb fetches one")
