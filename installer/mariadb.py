"""Talking to the database server with its command-line client. No password is on a command line."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from installer.database_url import DatabaseUrl
from installer.machine import Machine
from installer.runner import Result

_CLIENT = "mariadb"
_PLAIN = ("--batch", "--skip-column-names")
# The server answered, and does not let the account in: 1044, 1045, 1130, 1698.
_REFUSED = ("ERROR 1045", "ERROR 1044", "ERROR 1130", "ERROR 1698")


@dataclass(frozen=True)
class Client:
    """A way to sign in to the server."""

    command: Sequence[str]
    env: Mapping[str, str]

    def query(self, machine: Machine, sql: str) -> Result:
        """Run statements that only look."""
        return machine.run(self.command, env=self.env, stdin=sql)


def is_installed(machine: Machine) -> bool:
    """Whether the client is there."""
    return machine.run([_CLIENT, "--version"]).status == 0


def account(url: DatabaseUrl) -> Client:
    """Sign in as an account of the service."""
    place = [f"--socket={url.socket}"] if url.socket else []
    if not url.is_local:
        place = [f"--host={url.host}", f"--port={url.port}", "--protocol=tcp"]
    return Client([_CLIENT, "--no-defaults", *_PLAIN, *place, f"--user={url.user}"], {"MYSQL_PWD": url.password})


def administrator(machine: Machine, url: DatabaseUrl, options: Path | None) -> Client | None:
    """Sign in as somebody who may make accounts: by a client option file, or as root by the local server's socket.

    None when neither is possible.
    """
    if options is not None:
        return Client([_CLIENT, f"--defaults-extra-file={options}", *_PLAIN, *_address(url, options)], {})
    if not url.is_local:
        return None
    socket = [f"--socket={url.socket}"] if url.socket else []
    root = Client([_CLIENT, *_PLAIN, *socket, "--user=root"], {})
    done = root.query(machine, "SELECT COUNT(*) FROM mysql.user")
    return root if done.status == 0 else None


def _address(url: DatabaseUrl, options: Path) -> Sequence[str]:
    """The server's address, unless the option file names one."""
    try:
        text = options.read_text(encoding="utf-8")
    except OSError:
        text = ""
    names = {line.partition("=")[0].strip() for line in text.splitlines()}
    if names & {"host", "socket"} or url.is_local:
        return []
    return [f"--host={url.host}", f"--port={url.port}"]


def is_refusal(done: Result) -> bool:
    """Whether the server answered, but does not let the account in."""
    return any(error in done.text for error in _REFUSED)
