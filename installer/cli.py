"""The command lines of bin/install, bin/upgrade and bin/uninstall."""

import fcntl
import os
import shlex
import sys
from argparse import SUPPRESS, ArgumentParser, Namespace
from collections.abc import Sequence
from pathlib import Path

from installer import going_back, inputs, upgrade
from installer.errors import INTERRUPTED, REFUSED, Refused
from installer.install import install
from installer.journal import Journal
from installer.layout import Layout
from installer.machine import Machine
from installer.program import say_to
from installer.release import Release
from installer.uninstall import uninstall

_STATUS = (
    "Exit status: 0 done, 1 a step failed (run it again to go on), 2 refused before anything was changed, "
    "3 the accounts of the database have to be made first, by somebody else."
)


def main(arguments: Sequence[str], folder: Path) -> int:
    """Run a program: its name, and its options. `folder` is the release that it belongs to. Returns the exit status."""
    name, *words = arguments
    options = parser(name).parse_args(words)
    os.umask(0o022)
    machine = Machine()
    try:
        with _Alone(machine.layout, needed=machine.is_root and not getattr(options, "instead_of", None)):
            return _run(name, options, words, machine, Release(folder))
    except Refused as refusal:
        print(f"error: {refusal}\nNothing was changed.", file=sys.stderr)
        return REFUSED
    except KeyboardInterrupt:
        print("\ninterrupted", file=sys.stderr)
        return INTERRUPTED


def _run(name: str, options: Namespace, words: Sequence[str], machine: Machine, release: Release) -> int:
    log = None if options.dry_run else machine.layout.log
    typed = [f"{release.folder}/bin/{name}", *words]
    if original := getattr(options, "instead_of", None):
        typed = ["/opt/blockalloc/current/bin/upgrade", str(original)]
    journal = Journal(say_to(sys.stdout), log, shlex.join(typed))
    if name == "install":
        return install(options, machine, release, journal, _ask if sys.stdin.isatty() else None)
    if name == "uninstall":
        return uninstall(options, machine, release, journal)
    if options.back:
        return going_back.go_back(options, machine, journal)
    if options.release.is_dir():
        return upgrade.to_release(options, machine, Release(options.release.resolve()), journal)
    return upgrade.from_archive(options, machine, journal)


def _ask(question: str) -> str:
    try:
        return input(question)
    except EOFError:
        return ""


class _Alone:
    """Only one of the three programs runs at a time."""

    def __init__(self, layout: Layout, *, needed: bool) -> None:
        self._path, self._needed = layout.at("/run/blockalloc-install.lock"), needed

    def __enter__(self) -> None:
        if not self._needed:
            return
        self._file = self._path.open("w")
        try:
            fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise Refused("another bin/install, bin/upgrade or bin/uninstall is running: wait for it") from None

    def __exit__(self, *_unused: object) -> None:
        if self._needed:
            self._file.close()


# --- Options ----------------------------------------------------------------------------------
def parser(name: str) -> ArgumentParser:
    """The options of `install`, `upgrade` or `uninstall`."""
    made = {"install": _install, "upgrade": _upgrade, "uninstall": _uninstall}[name]()
    made.add_argument("--dry-run", action="store_true", help="show everything that would be done, and change nothing")
    made.add_argument(
        "--database-admin",
        type=_path,
        metavar="FILE",
        help="a client option file ([client] with user and password) of an account that may make database accounts; "
        "without it, root of a server on this machine is tried",
    )
    return made


def _install() -> ArgumentParser:
    made = ArgumentParser(
        "bin/install",
        description="Install the service on this machine, or go on where an earlier run stopped. What is not given is "
        "taken from /etc/blockalloc/blockalloc.env, then from /etc/vcl/vcld.conf; what is nowhere is asked for.",
        epilog=_STATUS,
    )
    made.add_argument("--server-name", metavar="NAME", help="the service's host name, such as blocks.example.edu")
    made.add_argument("--database-server", metavar="HOST", help="VCL's database server; localhost: this machine")
    made.add_argument("--database-name", metavar="NAME", help="VCL's database (default: vcl)")
    made.add_argument("--front-end-url", metavar="URL", help="VCL's front end: https://vcl.example.edu/vcl/index.php")
    made.add_argument(
        "--no-front-end", dest="front_end", action="store_false", help="calls for VCL's front end are not passed on"
    )
    made.add_argument("--time-zone", metavar="ZONE", help="of VCL's front end, such as America/New_York")
    made.add_argument("--certificate", metavar="FILE", help="the TLS certificate of the host name, with its chain")
    made.add_argument("--certificate-key", metavar="FILE", help="the certificate's key")
    made.add_argument("--no-nginx", dest="nginx", action="store_false", help="another server ends TLS in front")
    made.add_argument(
        "--trusted-proxies",
        metavar="ADDRESSES",
        default="127.0.0.1",
        help="of the servers in front of the service (default: %(default)s)",
    )
    made.add_argument(
        "--account-host",
        metavar="PATTERN",
        help="for the database's accounts: where the server sees this machine (default: localhost, or its address)",
    )
    _building(made)
    made.add_argument("--any-system", action="store_true", help="also on a system that it is not made for")
    return made


def _upgrade() -> ArgumentParser:
    made = ArgumentParser(
        "bin/upgrade",
        description="Upgrade the service, and switch back when the new release does not run; or go back one release.",
        epilog=_STATUS,
    )
    which = made.add_mutually_exclusive_group(required=True)
    which.add_argument(
        "release", nargs="?", type=_path, help="the archive, with its .sha256 beside it, or an unpacked release"
    )
    which.add_argument(
        "--back", action="store_true", help="use the release before, and undo what was added to the tables"
    )
    # Used by the program of the release before, which runs meanwhile: the archive that it has unpacked.
    made.add_argument("--instead-of", type=_path, help=SUPPRESS)
    _building(made)
    return made


def _uninstall() -> ArgumentParser:
    made = ArgumentParser(
        "bin/uninstall",
        description="Remove the service from this machine. Nothing of VCL's is touched. Before that, every vcld has to "
        "call VCL's own front end again.",
        epilog=_STATUS,
    )
    made.add_argument("--drop-tables", action="store_true", help="also the service's tables, with all that is in them")
    made.add_argument("--remove-settings", action="store_true", help="also /etc/blockalloc")
    return made


def _building(made: ArgumentParser) -> None:
    made.add_argument(
        "--python",
        type=Path,
        default=inputs.SYSTEM_PYTHON,
        metavar="PATH",
        help="the Python to build on, 3.11 or newer (default: %(default)s)",
    )
    made.add_argument(
        "--wheels", type=_path, metavar="FOLDER", help="a folder with the Python packages, for a machine without PyPI"
    )


def _path(text: str) -> Path:
    return Path(text).absolute()
