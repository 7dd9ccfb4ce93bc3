"""bin/upgrade: to another release, and back when it does not run; bin/upgrade --back: to the release before."""

import subprocess
import tempfile
from argparse import Namespace
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

from installer import archive, checks, inputs, nginx
from installer.actions import Action, Link, Remove
from installer.errors import DONE, FAILED, Refused
from installer.inputs import Config
from installer.install import going_live, preparing, target_of
from installer.journal import Journal
from installer.layout import Layout
from installer.machine import Machine
from installer.program import Step, run
from installer.release import Release
from installer.settings_text import values_of
from installer.steps import database, system

HandOver = Callable[[Release, Sequence[str]], int]


def hand_over(release: Release, arguments: Sequence[str]) -> int:
    """Run a release's own bin/upgrade: only that one knows the steps to its version."""
    return subprocess.run([str(release.folder / "bin" / "upgrade"), *arguments], check=False).returncode


def from_archive(options: Namespace, machine: Machine, journal: Journal, pass_to: HandOver = hand_over) -> int:
    """Verify and unpack an archive, and let its own program go on. Returns the exit status; raises Refused."""
    path: Path = options.release
    checks.refuse_everybody_but_root(machine, f"bin/upgrade {path}")
    if not path.is_file():
        raise Refused(
            f"{path}: there is no such file: give the archive blockalloc-VERSION.tar.gz, or its unpacked folder"
        )
    archive.verify(path)
    journal.say(f"{path}: the checksum is right")
    # Below the releases' folder: not every /tmp may run programs.
    place = machine.layout.releases if machine.layout.releases.is_dir() and not options.dry_run else None
    with tempfile.TemporaryDirectory(prefix=".unpacked-", dir=place) as folder:
        release = Release(archive.unpack(path, Path(folder)))
        release.folder.parent.chmod(0o755)
        return pass_to(release, [str(release.folder), *_passed_on(options)])


def _passed_on(options: Namespace) -> Sequence[str]:
    """The options, for the new release's program; it runs while this one holds the lock."""
    words = ["--instead-of", str(options.release), "--python", str(options.python)]
    words += ["--dry-run"] if options.dry_run else []
    for name in ("wheels", "database_admin"):
        if value := getattr(options, name):
            words += [f"--{name.replace('_', '-')}", str(value)]
    return words


def to_release(options: Namespace, machine: Machine, release: Release, journal: Journal) -> int:
    """Upgrade to the release in a folder. Returns the exit status; raises Refused before anything is changed."""
    checks.refuse_everybody_but_root(machine, "bin/upgrade")
    before, last = installed(machine.layout), machine.target(machine.layout.previous)
    config = configuration(options, release, machine)
    checks.refuse_problems(config, machine, upgrade=True)
    if release.version != before.version and release.order < before.order:
        raise Refused(
            f"{release.version} is older than {before.version}, which is in use: bin/upgrade --back goes back"
        )
    journal.say(f"Upgrading from {before.version} to {release.version}\n")
    status = run(preparing(config, machine, journal.command), machine, journal, dry_run=options.dry_run)
    if status != DONE:
        journal.say(f"{before.version} runs as before.")
        return status
    changes = journal.changes
    journal.say(f"\n{release.version} is prepared. It takes over:")
    live = [*going_live(config, machine), database.settings_after(target_of(config, machine))]
    status = run(live, machine, journal, dry_run=options.dry_run)
    if status == DONE:
        journal.changes += changes
        status = run([system.older_releases(config)], machine, journal, dry_run=options.dry_run)
        journal.say(_end(before, release, dry_run=options.dry_run))
        return status
    if before.version != release.version and not options.dry_run:
        _switch_back(config, before, last, machine, journal)
    return FAILED


def _end(before: Release, release: Release, *, dry_run: bool) -> str:
    if dry_run:
        return "\nDry run: nothing was changed."
    if before.version == release.version:
        return f"\n{release.version} is in use."
    return f"\n{release.version} is in use. Back to {before.version}: /opt/blockalloc/current/bin/upgrade --back"


def _switch_back(config: Config, before: Release, last: str | None, machine: Machine, journal: Journal) -> None:
    """Let `before` run again; `last` is what the link `previous` named beside it."""

    def as_it_was(machine: Machine) -> Sequence[Action]:
        link = machine.layout.previous
        return [Link(link, last)] if last else [Remove(link)]

    failed = config.release.version
    journal.say(f"\n{failed} does not run as it should: back to {before.version}.")
    steps = [*going_live(replace(config, release=before), machine), Step("The release before", as_it_was)]
    status = run(steps, machine, journal, dry_run=False)
    if status == DONE:
        journal.say(
            f"\n{before.version} runs again; the reason why {failed} does not is above. The tables are those of "
            f"{failed}, on which {before.version} works too."
        )
    else:
        journal.say(f"\n{before.version} does not run either: journalctl -u blockalloc has the reason.")


def installed(layout: Layout) -> Release:
    """The release in use. Raises Refused when there is none."""
    if not layout.current.is_dir():
        raise Refused("no release is installed here (/opt/blockalloc/current is not there): run bin/install")
    return Release(layout.current.resolve())


def configuration(options: Namespace, release: Release, machine: Machine) -> Config:
    """The answers of the installation, from its settings and its site of nginx."""
    site = machine.read(machine.layout.nginx_site)
    settings = values_of(machine.read(machine.layout.settings) or "")
    complete = Namespace(
        server_name=nginx.name_in(site or ""),
        certificate="",
        certificate_key="",
        database_server="",
        database_name="",
        front_end_url="",
        front_end="VCL_FRONT_END_URL" in settings,
        time_zone="",
        trusted_proxies="127.0.0.1",
        account_host="",
        nginx=site is not None,
        python=options.python,
        wheels=options.wheels,
        database_admin=options.database_admin,
        any_system=True,
    )
    return inputs.config(complete, release, machine, None)
