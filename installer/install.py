"""bin/install: from an unpacked release to a running service."""

from argparse import Namespace
from collections.abc import Sequence
from urllib.parse import urlsplit

from installer import checks, inputs
from installer.errors import DONE
from installer.inputs import Ask, Config
from installer.journal import Journal
from installer.machine import Machine
from installer.program import Step, run
from installer.release import Release
from installer.steps import accounts, database, front, settings, system, units


def install(options: Namespace, machine: Machine, release: Release, journal: Journal, ask: Ask | None) -> int:
    """Install a release, or go on where an earlier run stopped. Returns the exit status; raises Refused."""
    checks.refuse_everybody_but_root(machine, f"{release.folder}/bin/install")
    config = inputs.config(options, release, machine, ask)
    checks.refuse_problems(config, machine)
    for line in _introduction(config, dry_run=options.dry_run):
        journal.say(line)
    status = run(steps(config, machine, journal.command), machine, journal, dry_run=options.dry_run)
    if status == DONE:
        for line in _last_words(config, journal, machine, dry_run=options.dry_run):
            journal.say(line)
    return status


def target_of(config: Config, machine: Machine) -> Release:
    """The folder in which the release is installed."""
    return Release(machine.layout.releases / config.release.version)


def preparing(config: Config, machine: Machine, again: str) -> Sequence[Step]:
    """Everything that does not touch what runs."""
    target = target_of(config, machine)
    return [
        system.packages(config),
        system.user(),
        system.release(config, target),
        system.virtual_environment(config, target),
        system.static_files(config, target),
        settings.files(config),
        accounts.accounts(config, target, again),
        database.settings_before(target),
        database.migrate(target),
    ]


def going_live(config: Config, machine: Machine) -> Sequence[Step]:
    """The prepared release takes over."""
    target, source = target_of(config, machine), config.release
    return [
        front.jobs_of_0_1(),
        units.files(source),
        front.switch(target),
        front.command(),
        units.running(target, source),
        *([front.site(config, source)] if config.nginx else []),
        front.answers(config),
    ]


def steps(config: Config, machine: Machine, again: str) -> Sequence[Step]:
    """All steps of an installation."""
    target = target_of(config, machine)
    closing = [database.settings_after(target), database.check_vcl(target), system.older_releases(config)]
    return [*preparing(config, machine, again), *going_live(config, machine), *closing]


def _introduction(config: Config, *, dry_run: bool) -> Sequence[str]:
    facts = {
        "release": f"{config.release.version}, from {config.release.folder}",
        "name": config.server_name,
        "database": f"{config.database.name} on {config.database.host}, port {config.database.port}",
        "time zone": config.time_zone,
        "front end": config.front_end_url or "none",
        "certificate": f"{config.certificate}, key {config.certificate_key}" if config.nginx else "none: no nginx here",
    }
    if config.database.is_local:
        facts["database"] = f"{config.database.name} on this machine"
    title = "Dry run: nothing is changed. This would be done:" if dry_run else "Installing block allocations for VCL"
    return [title, *(f"  {name + ':':<13}{value}" for name, value in facts.items()), ""]


def _last_words(config: Config, journal: Journal, machine: Machine, *, dry_run: bool) -> Sequence[str]:
    if dry_run:
        number = journal.changes
        return ["", f"Dry run: {number} actions would be done, nothing was changed." if number else "Nothing to do."]
    if not journal.changes:
        return ["", f"{config.release.version} is installed and runs. Nothing had to be changed."]
    old = machine.layout.home / "manage.py"
    note = ["  - The checkout of 0.1 in /opt/blockalloc is not used any more: docs/installation.md#from-01"]
    front_end = [
        "  - VCL_FRONT_END_URL is empty: set it before a back end calls here, or its image captures fail and the",
        "    computers go to maintenance (docs/installation.md#6-tell-the-back-end)",
    ]
    return [
        "",
        f"{config.release.version} is installed and runs at https://{config.server_name}/",
        "What is left to do:",
        "  - An account for the staff pages:    blockalloc createsuperuser",
        *([] if config.front_end_url else front_end),
        "  - The back end's address, in /etc/vcl/vcld.conf of each management node, with the path as it is there:",
        f"        xmlrpc_url=https://{config.server_name}{_path(config)}?mode=xmlrpccall",
        "    and then: systemctl restart vcld (docs/installation.md#6-tell-the-back-end)",
        *(note if old.exists() else []),
        "  - Mails about classes at risk:       docs/installation.md#7-mails",
        "The service's log:                 journalctl -u 'blockalloc*'",
        f"What this program did:             {machine.layout.shown(machine.layout.log)}",
        "Settings:                          /etc/blockalloc/blockalloc.env (docs/settings.md)",
        "The way back:                      /opt/blockalloc/current/bin/uninstall",
    ]


def _path(config: Config) -> str:
    return urlsplit(config.front_end_url).path or "/index.php"
