"""DATABASE_URL: taken apart, and put together."""

from dataclasses import dataclass, replace
from typing import Self
from urllib.parse import parse_qs, quote, unquote, urlsplit

from installer.errors import Refused

PORT = 3306


@dataclass(frozen=True)
class DatabaseUrl:
    """An account on a MariaDB server. `socket` is the path of the server's socket when the URL names one."""

    host: str
    name: str
    user: str = "blockalloc"
    password: str = ""
    port: int = PORT
    socket: str = ""

    @classmethod
    def parse(cls, url: str, where: str) -> Self:
        """Take apart a mysql:// URL. `where` names its place in errors, which never quote it. Raises Refused."""
        wrong = Refused(f"{where}: DATABASE_URL is not mysql://user:password@host/database: correct it")
        try:
            parts = urlsplit(url)
            port = parts.port or PORT
        except ValueError:
            raise wrong from None
        name = unquote(parts.path.lstrip("/"))
        if parts.scheme not in ("mysql", "mariadb") or not name or not parts.username:
            raise wrong
        socket = parse_qs(parts.query).get("unix_socket", [""])[0]
        user, password = unquote(parts.username), unquote(parts.password or "")
        return cls(parts.hostname or "localhost", name, user, password, port, socket)

    def as_account(self, user: str, password: str) -> Self:
        """The same database, for another account."""
        return replace(self, user=user, password=password)

    def text(self) -> str:
        """The URL."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        port = "" if self.port == PORT else f":{self.port}"
        socket = f"?unix_socket={quote(self.socket, safe='')}" if self.socket else ""
        account = f"{quote(self.user, safe='')}:{quote(self.password, safe='')}" if self.password else self.user
        return f"mysql://{account}@{host}{port}/{quote(self.name, safe='')}{socket}"

    @property
    def is_local(self) -> bool:
        """Whether the server is reached by its socket: this is what the name localhost means to the driver."""
        return self.host == "localhost"
