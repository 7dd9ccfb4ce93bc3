"""Whether the machine can take the service: everything is looked at before anything is changed."""

import re
import ssl
import stat
from collections.abc import Callable, Iterator
from pathlib import Path

from installer.errors import Refused
from installer.inputs import SYSTEM_PYTHON, Config
from installer.layout import ADDRESS
from installer.machine import Machine
from installer.release import Release

_SYSTEMS = {("debian", "12"), ("debian", "13"), ("ubuntu", "24.04")}
_OLDEST = (3, 11)
SOCKET = "/run/mysqld/mysqld.sock"


def refuse_problems(config: Config, machine: Machine, *, upgrade: bool = False) -> None:
    """Raise Refused with all reasons why the service cannot be installed here, or (`upgrade`) this release."""
    wanted = [check for check in _CHECKS if not (upgrade and check is _another_version)]
    problems = [problem for check in wanted for problem in check(config, machine)]
    if problems:
        raise Refused("\n".join(problems))


def refuse_everybody_but_root(machine: Machine, command: str) -> None:
    """Raise Refused unless root runs this."""
    if not machine.is_root:
        raise Refused(f"only root can do this: sudo {command}")


def _release(config: Config, _machine: Machine) -> Iterator[str]:
    missing = config.release.missing()
    if missing:
        yield (
            f"{config.release.folder} is not a whole release, it has no {', '.join(missing)}: unpack the archive again "
            "(tar xzf …) and run its bin/install"
        )


def _system(config: Config, machine: Machine) -> Iterator[str]:
    text = machine.read(machine.layout.at("/etc/os-release")) or ""
    values = dict(re.findall(r'^([A-Z_]+)="?([^"\n]*)"?$', text, re.MULTILINE))
    system = (values.get("ID", ""), values.get("VERSION_ID", ""))
    if system not in _SYSTEMS and not config.any_system:
        yield (
            f"this is {values.get('PRETTY_NAME', 'an unknown system')}; the installation is made for Debian 12 and 13 "
            "and Ubuntu 24.04: with --any-system it is tried all the same"
        )
    if not machine.layout.at("/run/systemd/system").is_dir():
        yield "systemd does not run here, and the service's units need it: docs/by-hand.md tells how to do without"


def _python(config: Config, machine: Machine) -> Iterator[str]:
    path = config.python
    done = machine.run([str(path), "-I", "-c", "import sys; print('%d.%d' % sys.version_info[:2], sys.executable)"])
    words = done.output.split()
    if done.status or len(words) != 2:
        yield f"--python {path}: it cannot be run: give the full path of a Python 3.11 or newer"
        return
    if tuple(int(number) for number in words[0].split(".")) < _OLDEST:
        yield f"--python {path}: it is Python {words[0]}, and 3.11 or newer is needed"
    real = machine.layout.at(path).resolve()
    places = [place for place in (real, *real.parents) if place.is_relative_to(machine.layout.root.resolve())]
    closed = [place for place in places if not _is_open(place)]
    if closed:
        yield (
            f"--python {path}: the service's user may not run it, as {machine.layout.shown(closed[-1])} is closed to "
            f"other users: use the system's, {SYSTEM_PYTHON}"
        )


def _is_open(path: Path) -> bool:
    try:
        return bool(path.stat().st_mode & stat.S_IXOTH)
    except OSError:
        return True  # it has just run: a test's root, which does not have it


def _another_version(config: Config, machine: Machine) -> Iterator[str]:
    target = machine.target(machine.layout.current)
    installed = Path(target).name if target else ""
    if installed and installed != config.release.version:
        yield (
            f"{installed} is installed here, and this is {config.release.version}: "
            f"{config.release.folder}/bin/upgrade {config.release.folder}"
        )
    there = Release(machine.layout.releases / config.release.version)
    if installed == config.release.version and there.folder.is_dir() and there.digest != config.release.digest:
        yield (
            f"{installed} is installed here and in use, but its files differ from those in {config.release.folder}: "
            "a release is not changed once it is installed; run /opt/blockalloc/current/bin/install, or install a "
            "release with another version"
        )


def _ports(config: Config, machine: Machine) -> Iterator[str]:
    address, port = ADDRESS
    ours = any(
        machine.succeeds(["systemctl", "is-active", "-q", f"blockalloc.{kind}"]) for kind in ("socket", "service")
    )
    if not ours and machine.network.is_in_use(address, port):
        yield f"another program listens on {address}:{port}, where the service has to: stop it (ss -ltnp shows which)"
    if config.nginx and not machine.succeeds(["systemctl", "is-active", "-q", "nginx.service"]):
        for taken in (each for each in (80, 443) if machine.network.is_in_use("0.0.0.0", each)):  # noqa: S104 - a look
            yield (
                f"another program than nginx listens on port {taken}: stop it, or use it as the server in front of the "
                "service, with --no-nginx (ss -ltnp shows which it is; docs/by-hand.md tells what it has to do)"
            )


def _files(config: Config, machine: Machine) -> Iterator[str]:
    if config.wheels is not None and not config.wheels.is_dir():
        yield f"--wheels {config.wheels}: it is not a folder: give the folder that has the Python packages"
    if config.database_admin is not None and not config.database_admin.is_file():
        yield f"--database-admin {config.database_admin}: there is no such file: give a client option file"
    if config.nginx:
        yield from _certificates(config, machine)


def _certificates(config: Config, machine: Machine) -> Iterator[str]:
    given = {"certificate": config.certificate, "certificate-key": config.certificate_key}
    absent = [option for option, path in given.items() if not machine.layout.at(path).is_file()]
    for option in absent:
        yield f"--{option} {given[option]}: there is no such file: give the full path of one in PEM form"
    if absent:
        return
    certificate, key = (machine.layout.at(path) for path in given.values())
    try:
        ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER).load_cert_chain(certificate, key, password=lambda: b"")
    except (ssl.SSLError, OSError) as error:
        yield (
            f"--certificate {config.certificate}, --certificate-key {config.certificate_key}: they are not a "
            f"certificate and its key in PEM form, without a pass phrase ({error})"
        )


def _database(config: Config, machine: Machine) -> Iterator[str]:
    database = config.database
    if database.is_local:
        socket = database.socket or SOCKET
        if not machine.layout.at(socket).exists():
            yield (
                f"the database server does not run on this machine ({socket} is not there): start it, or name the "
                "machine on which it runs with --database-server"
            )
        return
    try:
        machine.network.own_address(database.host, database.port)
    except OSError as error:
        yield (
            f"the database server {database.host}:{database.port} cannot be reached ({error}): see to its "
            "bind-address and to firewalls, or name another with --database-server"
        )


_CHECKS: list[Callable[[Config, Machine], Iterator[str]]] = [
    _release,
    _system,
    _python,
    _another_version,
    _ports,
    _files,
    _database,
]
