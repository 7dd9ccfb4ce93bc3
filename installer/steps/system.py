"""The system's packages, the service's user, and the release with its virtual environment."""

import hashlib
import shutil
from collections.abc import Sequence
from pathlib import Path

from installer.actions import Action, Do, Folder, Remove, Run, Write
from installer.inputs import SYSTEM_PYTHON, Config
from installer.layout import USER
from installer.machine import Machine
from installer.program import Step
from installer.release import Release

_APT = ("apt-get", "-q", "-o", "DPkg::Lock::Timeout=120")
_PACKAGES = ("blockalloc", "scheduling", "simulation", "vclsite")
_STAMP = ".installed"  # in .venv: what was installed there, and is whole


def packages(config: Config) -> Step:
    """Debian's packages: what the driver is built with, the client that signs in to the database, nginx."""
    names = ["gcc", "pkg-config", "default-libmysqlclient-dev", "mariadb-client"]
    if config.python == SYSTEM_PYTHON:
        names += ["python3-venv", "python3-dev"]
    if config.nginx:
        names.append("nginx")

    def plan(machine: Machine) -> Sequence[Action]:
        missing = [name for name in names if not _is_installed(machine, name)]
        if not missing:
            return []
        # An installation that was interrupted: apt-get would refuse to begin another one.
        repair = [Run(["dpkg", "--configure", "-a"])] if machine.run(["dpkg", "--audit"]).output.strip() else []
        return [
            *repair,
            Run([*_APT, "update"], may_fail=True),  # a list that is a little old may still do
            Run([*_APT, "install", "-y", "--no-install-recommends", "--no-remove", *missing]),
        ]

    return Step(
        f"Packages of the system: {', '.join(names)}",
        plan,
        advice="See to the package sources (apt-get update), or install the packages by hand.",
    )


def _is_installed(machine: Machine, name: str) -> bool:
    return machine.run(["dpkg-query", "-W", "-f", "${db:Status-Status}", name]).output.strip() == "installed"


def user() -> Step:
    """The user that the service runs as."""

    def plan(machine: Machine) -> Sequence[Action]:
        if machine.has_user(USER):
            return []
        home = "/opt/blockalloc"
        options = ["--system", "--user-group", "--no-create-home", "--home-dir", home, "--shell", "/usr/sbin/nologin"]
        return [Run(["useradd", *options, USER])]

    return Step(f"The user {USER}, as which the service runs", plan)


def release(config: Config, target: Release) -> Step:
    """The release's files, in a folder of their own."""
    source = config.release

    def plan(machine: Machine) -> Sequence[Action]:
        folders = [
            Folder(folder)
            for folder in (machine.layout.home, machine.layout.releases)
            if not machine.is_owned(folder, 0o755)
        ]
        if source.folder.resolve() == target.folder.resolve() or _has_all(source, target):
            return folders
        what = (
            f"copy {len(source.files)} files of {source.folder} to {machine.layout.shown(target.folder)} (root, 0644)"
        )
        return [*folders, Do([what], lambda _machine: _copy(source, target))]

    return Step(f"Release {source.version}", plan)


def _has_all(source: Release, target: Release) -> bool:
    if not target.folder.is_dir():
        return False
    static = any(path.parts[0] == "static" for path in source.files)
    return Release(target.folder).digest == source.digest and (not static or (target.folder / "static").is_dir())


def _copy(source: Release, target: Release) -> None:
    """Copy beside the target and rename: a folder with a version's name is whole."""
    partial = target.folder.with_name(f".{target.folder.name}.partial")
    for left_over in (partial, target.folder):
        if left_over.exists():
            shutil.rmtree(left_over)
    for path in source.files:
        new = partial / path
        new.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(source.folder / path, new)
        executable = (source.folder / path).stat().st_mode & 0o100
        new.chmod(0o755 if executable else 0o644)
    for folder in (partial, *(path for path in partial.rglob("*") if path.is_dir())):
        folder.chmod(0o755)
    partial.rename(target.folder)


def virtual_environment(config: Config, target: Release) -> Step:
    """The release's own Python packages, pinned with their checksums."""
    folder = target.folder / ".venv"
    lock = config.release.folder / "requirements.lock"

    def plan(machine: Machine) -> Sequence[Action]:
        stamp = f"{hashlib.sha256(lock.read_bytes()).hexdigest()} {config.python}\n"
        usable = [str(target.python), "-c", "import django, MySQLdb"]
        if machine.read(folder / _STAMP) == stamp and machine.succeeds(usable):
            return []
        pip = [str(target.python), "-m", "pip", "install", "--quiet", "--no-input", "--disable-pip-version-check"]
        offline = ["--no-index", "--find-links", str(config.wheels)] if config.wheels else []
        cache = ["--no-cache-dir"]
        lock_file = str(target.folder / "requirements.lock")
        return [
            Run([str(config.python), "-m", "venv", "--clear", str(folder)]),
            Run([*pip, *cache, *offline, "--require-hashes", "-r", lock_file]),
            Run([str(target.python), "-m", "compileall", "-q", *(str(target.folder / name) for name in _PACKAGES)]),
            Write(folder / _STAMP, stamp),
        ]

    return Step(
        "Its Python packages, in a virtual environment of its own",
        plan,
        advice="Without a way to PyPI: --wheels FOLDER (docs/installation.md#without-the-internet).",
    )


def static_files(config: Config, target: Release) -> Step:
    """The style sheets and scripts of the pages, collected; an archive has them."""
    folders = [release.folder / "static" for release in (config.release, target)]

    def plan(_machine: Machine) -> Sequence[Action]:
        if any(folder.is_dir() and any(folder.iterdir()) for folder in folders):
            return []
        env = {"BLOCKALLOC_ENV": "", "DATABASE_URL": "sqlite://:memory:"}  # it needs neither settings nor a database
        return [Run([str(target.python), str(target.folder / "manage.py"), "collectstatic", "--no-input"], env=env)]

    return Step("Style sheets and scripts of the pages", plan)


def older_releases(config: Config) -> Step:
    """Only the release in use and the one before are kept."""

    def plan(machine: Machine) -> Sequence[Action]:
        layout = machine.layout
        kept = {config.release.version}
        kept |= {Path(machine.target(link) or "").name for link in (layout.current, layout.previous)}
        kept |= set(config.release.folder.parts)  # an archive that was unpacked here
        if not layout.releases.is_dir():
            return []
        return [Remove(folder) for folder in sorted(layout.releases.iterdir()) if folder.name not in kept]

    return Step("Releases older than the last one", plan)
