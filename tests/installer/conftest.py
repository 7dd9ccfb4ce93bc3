"""A bare machine, a release to install on it, and the programs as an operator starts them."""

import subprocess
from argparse import Namespace
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from installer import going_back, upgrade
from installer.cli import parser
from installer.errors import REFUSED, Refused
from installer.install import install
from installer.journal import Journal
from installer.release import Release
from installer.uninstall import uninstall
from tests.support.bare_machine import BareMachine, release

ANSWERS = (
    *("--server-name", "blocks.example.edu", "--database-server", "localhost", "--time-zone", "America/New_York"),
    *("--front-end-url", "https://vcl.example.edu/vcl/index.php"),
)


@pytest.fixture(scope="session")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> tuple[str, str]:
    """A certificate and its key."""
    folder = tmp_path_factory.mktemp("certificate")
    request = ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"]
    files = ["-keyout", str(folder / "key"), "-out", str(folder / "certificate"), "-subj", "/CN=blocks.example.edu"]
    subprocess.run([*request, *files], check=True, capture_output=True)
    return (folder / "certificate").read_text(), (folder / "key").read_text()


@dataclass
class Programs:
    """The three programs on one machine. Each returns its exit status; `said` is what it said."""

    bare: BareMachine
    source: Path
    ask: Callable[[str], str] | None = None
    said: str = ""
    lines: list[str] = field(default_factory=list)

    def install(self, *words: str, source: Path | None = None) -> int:
        """bin/install of a release, by default the first one."""
        options = parser("install").parse_args(words)
        release = Release(source or self.source)
        return self._run(options, lambda journal: install(options, self.bare.machine, release, journal, self.ask))

    def upgrade(self, place: Path, *words: str) -> int:
        """bin/upgrade of the installed release; an archive's own program runs here too."""
        options = parser("upgrade").parse_args([str(place), *words])
        if place.is_dir():
            release = Release(place)
            return self._run(options, lambda journal: upgrade.to_release(options, self.bare.machine, release, journal))

        def pass_to(unpacked: Release, passed_on: object) -> int:
            before = self.lines
            status = self.upgrade(unpacked.folder, *(str(word) for word in list(passed_on)[1:]))  # type: ignore[call-overload]
            self.lines = before + self.lines
            return status

        return self._run(
            options, lambda journal: upgrade.from_archive(options, self.bare.machine, journal, pass_to=pass_to)
        )

    def back(self, *words: str) -> int:
        """bin/upgrade --back."""
        options = parser("upgrade").parse_args(["--back", *words])
        return self._run(options, lambda journal: going_back.go_back(options, self.bare.machine, journal))

    def uninstall(self, *words: str) -> int:
        """bin/uninstall."""
        options = parser("uninstall").parse_args(words)
        release = Release(self.source)
        return self._run(options, lambda journal: uninstall(options, self.bare.machine, release, journal))

    def _run(self, options: Namespace, program: Callable[[Journal], int]) -> int:
        self.lines = []
        self.bare.commands, self.bare.statements = [], []
        log = None if options.dry_run else self.bare.machine.layout.log
        try:
            status = program(Journal(self.lines.append, log, "bin/test --as typed"))
        except Refused as refusal:
            self.lines.append(f"error: {refusal}")
            status = REFUSED
        self.said = "\n".join(self.lines)
        return status


@pytest.fixture
def bare(tmp_path: Path, certificate: tuple[str, str]) -> BareMachine:
    """A machine on which nothing is installed; MariaDB runs on it, and the certificate is where it mostly is."""
    machine = BareMachine(tmp_path / "root")
    machine.put("etc/ssl/certs/blocks.example.edu.pem", certificate[0])
    machine.put("etc/ssl/private/blocks.example.edu.key", certificate[1])
    return machine


@pytest.fixture
def programs(bare: BareMachine, tmp_path: Path) -> Programs:
    """The programs of release 0.2.0."""
    return Programs(bare, release(tmp_path / "blockalloc-0.2.0", "0.2.0"))


@pytest.fixture
def installed(programs: Programs) -> Programs:
    """The same on a machine on which 0.2.0 is installed."""
    assert programs.install(*ANSWERS) == 0, programs.said
    return programs
