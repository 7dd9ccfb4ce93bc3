"""bin/upgrade --back: the release before is used again, and then the tables become its own again."""

from argparse import Namespace
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from installer import checks, manage, mariadb
from installer.actions import Action, Remove, Run, Write
from installer.database_url import DatabaseUrl
from installer.errors import DONE, Refused, Waiting
from installer.grants import Grant, grants_in, missing, rights_in, tables_of
from installer.inputs import Config
from installer.install import going_live
from installer.journal import Journal
from installer.machine import Machine
from installer.program import Step, run
from installer.release import Release
from installer.steps import accounts, database
from installer.steps.settings import migration_account
from installer.upgrade import configuration, installed


def go_back(options: Namespace, machine: Machine, journal: Journal) -> int:
    """Go back to the previous release, or finish doing so. Returns the exit status; raises Refused."""
    checks.refuse_everybody_but_root(machine, "bin/upgrade --back")
    older, newer = _older_and_newer(machine)
    config = replace(configuration(options, older, machine), release=older)
    journal.say(f"Going back from {newer.version} to {older.version}\n")
    tables = _Tables(config, older, newer).steps()
    steps = [*going_live(config, machine), *tables, database.settings_after(older)]
    status = run(steps, machine, journal, dry_run=options.dry_run)
    if status == DONE:
        journal.say("\nDry run: nothing was changed." if options.dry_run else f"\n{older.version} is in use.")
    return status


def _older_and_newer(machine: Machine) -> tuple[Release, Release]:
    """The release to go back to, and the one that is left: the latter is `previous` already if this ran before."""
    current = installed(machine.layout)
    if not machine.layout.previous.is_dir():
        raise Refused(f"there is no release before {current.version} on this machine: nothing to go back to")
    previous = Release(machine.layout.previous.resolve())
    older, newer = sorted((current, previous), key=lambda release: release.order)
    return older, newer


@dataclass(frozen=True)
class _Tables:
    """The migrations that the older release does not know are undone, by the newer one's code."""

    config: Config
    older: Release
    newer: Release

    def steps(self) -> Sequence[Step]:
        """None when both releases have the same tables."""
        if not self._unknown:
            return []
        advice = f"{self.older.version} runs, and works on the newer tables too."
        return [
            Step("The right to drop what the newer release made", self._give, self._wait, advice=advice),
            Step(f"The tables as {self.older.version} knows them", self._undo, advice=advice),
            Step("The right to drop, taken away again", self._take),
        ]

    @property
    def _unknown(self) -> Sequence[str]:
        return [name for name in self.newer.migrations if name not in self.older.migrations]

    def _applied(self, machine: Machine) -> Sequence[str]:
        """The migrations that are still to be undone, the last one first."""
        looks = manage.as_root(self.newer, "showmigrations", "blockalloc")
        shown = machine.must_run(looks, env=manage.with_migration_account(machine)).output
        return [name for name in reversed(self._unknown) if f"[X] {name}" in shown]

    def _undo(self, machine: Machine) -> Sequence[Action]:
        if not self._applied(machine):
            return []
        command = manage.as_root(self.newer, "migrate", "--no-input", "blockalloc", self.older.migrations[-1])
        return [Run(command, manage.with_migration_account(machine))]

    # --- Rights -------------------------------------------------------------------------------
    def _lacks(self, machine: Machine) -> Sequence[Grant]:
        """What the account of the migrations lacks to undo them: if a table is dropped, the rights for going back."""
        env = manage.with_migration_account(machine)
        undone = (
            manage.as_root(self.newer, "sqlmigrate", "--backwards", "blockalloc", name)
            for name in self._applied(machine)
        )
        url = migration_account(machine)
        if url is None or not any("DROP TABLE" in machine.must_run(command, env=env).output for command in undone):
            return []
        host, present = self._account(machine, url)
        return missing(accounts.needed(machine, self.newer, "going-back", url, host), rights_in(present))

    @staticmethod
    def _account(machine: Machine, url: DatabaseUrl) -> tuple[str, Sequence[Grant]]:
        """The host in the account's full name, and what it has."""
        done = mariadb.account(url).query(machine, "SELECT CURRENT_USER(); SHOW GRANTS;")
        return done.output.partition("\n")[0].rpartition("@")[2], grants_in(done.output)

    def _give(self, machine: Machine) -> Sequence[Action]:
        lacks, path = self._lacks(machine), machine.layout.going_back_sql
        if not lacks:
            return [Remove(path)] if path.exists() else []
        text = "".join(f"{statement}\n" for grant in lacks for statement in grant.sql())
        administrator = mariadb.administrator(machine, self.config.database, self.config.database_admin)
        if administrator:
            return [Run(administrator.command, administrator.env, text, text.strip().replace("\n", "\n      "))]
        return [] if machine.read(path) == text else [Write(path, text, 0o600, shows=True)]

    def _wait(self, machine: Machine) -> Sequence[str]:
        if not self._lacks(machine):
            return []
        path = machine.layout.shown(machine.layout.going_back_sql)
        raise Waiting(
            f"{self.older.version} runs already, on the tables of {self.newer.version}. To take back what the newer "
            f"one added, the account of the migrations needs the right to drop it. {path} has the statements for the "
            f"administrator of the database; with --database-admin FILE this program gives them"
        )

    def _take(self, machine: Machine) -> Sequence[Action]:
        """DROP goes, and every right on tables that are gone: there the server takes no right away without CREATE."""
        url = migration_account(machine)
        administrator = mariadb.administrator(machine, self.config.database, self.config.database_admin)
        if url is None or administrator is None:
            return []
        host, present = self._account(machine, url)
        kept = tables_of(accounts.needed(machine, self.older, "migrating", url, host))
        droppable = [grant for grant in present if "DROP" in grant.rights and not grant.place.endswith("*")]
        text = "".join(f"{statement}\n" for grant in droppable for statement in _revocation(grant, grant.place in kept))
        note = text.strip().replace("\n", "\n      ")
        return [Run(administrator.command, administrator.env, text, note)] if text else []


def _revocation(grant: Grant, is_kept: bool) -> Iterator[str]:
    rights = {"DROP"} if is_kept else grant.rights
    yield f"REVOKE {', '.join(sorted(rights))} ON {grant.on} FROM {grant.to};"
