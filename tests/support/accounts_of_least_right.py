"""Accounts on the tests' MariaDB server, with exactly the rights that `print_grants` prints."""

from tests.support.empty_site import Site
from tests.support.servers.own_process import run


class Account:
    """An account without rights on the server of a site."""

    def __init__(self, site: Site, name: str) -> None:
        assert site.server is not None
        self._site, self._server, self._name = site, site.server, name
        self._server.execute(f"CREATE OR REPLACE USER {name}@localhost")

    @property
    def url(self) -> str:
        """The DATABASE_URL of the site for this account."""
        return self._site.url.replace("root@", f"{self._name}@", 1)

    def may(self, *purpose: str) -> None:
        """Run what `print_grants` prints for a purpose; with --revoke too."""
        database = str(self._site.connection.settings_dict["NAME"])
        done = run("manage.py", "print_grants", *purpose, "--account", self._name, "--database", database)
        assert done.returncode == 0, done.stderr
        self._server.execute(done.stdout)

    def rights(self) -> str:
        """What the server says of them."""
        return self._server.execute(f"SHOW GRANTS FOR {self._name}@localhost")

    def drop(self) -> None:
        """Remove it."""
        self._server.execute(f"DROP USER {self._name}@localhost")
