"""The service's own commands, run by a release's Python."""

from collections.abc import Mapping, Sequence

from installer.layout import USER
from installer.machine import Machine
from installer.release import Release
from installer.settings_text import values_of


def as_service(release: Release, *arguments: str) -> Sequence[str]:
    """The command line of a manage.py command, as the service's user."""
    return ["runuser", "-u", USER, "--", str(release.python), str(release.folder / "manage.py"), *arguments]


def as_root(release: Release, *arguments: str) -> Sequence[str]:
    """The same as root: for migrations, whose account the service's user must not see in a process's environment."""
    return [str(release.python), str(release.folder / "manage.py"), *arguments]


def with_migration_account(machine: Machine) -> Mapping[str, str]:
    """The environment of a command that makes or changes tables."""
    file = machine.layout.migration_settings
    url = values_of(machine.read(file) or "").get("DATABASE_URL", "")
    return {"DATABASE_URL": url or f"(that of {machine.layout.shown(file)})"}
