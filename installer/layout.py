"""Where everything is on an installed machine."""

from dataclasses import dataclass
from pathlib import Path

USER = "blockalloc"
ADDRESS = ("127.0.0.1", 8000)  # of blockalloc.socket, and of the upstream server in nginx's site
COMMAND = "/usr/local/sbin/blockalloc"


@dataclass(frozen=True)
class Layout:
    """The paths of an installation, below `root`, which is "/" except in tests."""

    root: Path = Path("/")

    def at(self, path: str | Path) -> Path:
        """An absolute path of the machine, below the root."""
        return self.root / str(path).lstrip("/")

    def shown(self, path: str | Path) -> str:
        """A path as an operator knows it, without the root of a test."""
        path = Path(path)
        return f"/{path.relative_to(self.root)}" if path.is_relative_to(self.root) else str(path)

    @property
    def home(self) -> Path:
        """The folder of all releases."""
        return self.at("/opt/blockalloc")

    @property
    def releases(self) -> Path:
        """Each release in a folder named after its version."""
        return self.home / "releases"

    @property
    def current(self) -> Path:
        """The link to the release in use."""
        return self.home / "current"

    @property
    def previous(self) -> Path:
        """The link to the release before."""
        return self.home / "previous"

    @property
    def configuration(self) -> Path:
        """The folder of the settings."""
        return self.at("/etc/blockalloc")

    @property
    def settings(self) -> Path:
        """The settings file of the service."""
        return self.configuration / "blockalloc.env"

    @property
    def migration_settings(self) -> Path:
        """The database account of migrations, for root only."""
        return self.configuration / "migration.env"

    @property
    def accounts_sql(self) -> Path:
        """Statements that a database administrator has to run, when this program may not."""
        return self.configuration / "accounts.sql"

    @property
    def going_back_sql(self) -> Path:
        """The same, for `bin/upgrade --back`."""
        return self.configuration / "going-back.sql"

    @property
    def units(self) -> Path:
        """systemd's folder for the machine's own units."""
        return self.at("/etc/systemd/system")

    @property
    def nginx_site(self) -> Path:
        """nginx's configuration of the service."""
        return self.at("/etc/nginx/conf.d/blockalloc.conf")

    @property
    def command(self) -> Path:
        """The operator's command."""
        return self.at(COMMAND)

    @property
    def old_cron(self) -> Path:
        """The jobs of an installation of 0.1, which timers have replaced."""
        return self.at("/etc/cron.d/blockalloc")

    @property
    def log(self) -> Path:
        """What was done, for later; without secrets."""
        return self.at("/var/log/blockalloc-install.log")

    @property
    def vcld_conf(self) -> Path:
        """The configuration of VCL's back end, on a management node."""
        return self.at("/etc/vcl/vcld.conf")
