"""The accounts on the database server, with the rights that `print_grants` names and no others."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from installer import mariadb
from installer.actions import Action, Do, Remove, Run, Write
from installer.database_url import DatabaseUrl
from installer.errors import StepFailed, Waiting
from installer.grants import Grant, grants_in, missing, rights_in, tables_of
from installer.inputs import Config
from installer.layout import USER
from installer.machine import Machine, shown_command
from installer.program import Step
from installer.release import Release
from installer.steps.settings import MIGRATION_ACCOUNT, migration_account, running_account

_BOTH = ("running", "migrating")


@dataclass(frozen=True)
class _State:
    """What the server says about an account. `problem`: why it cannot be asked, though it should let us in."""

    account: DatabaseUrl
    may_sign_in: bool
    lacks: Sequence[Grant]
    host: str
    problem: str = ""


def accounts(config: Config, target: Release, again: str) -> Step:
    """Two accounts: one to run the service, one to make its tables."""

    def plan(machine: Machine) -> Sequence[Action]:
        if not mariadb.is_installed(machine) or not target.python.exists():
            return _outlook(config, machine, target)
        states = _states(config, machine, target)
        sql = list(_statements(machine, target, states))
        path = machine.layout.accounts_sql
        if not sql or any(state.problem for state in states):
            return [Remove(path)] if path.exists() and not sql else []
        administrator = mariadb.administrator(machine, config.database, config.database_admin)
        text = "\n".join(sql) + "\n"
        if administrator:
            # An account that is there, but has another password than the settings, is this machine's: it gets theirs.
            note = (
                f"{len(sql)} statements: two accounts ({USER}, {MIGRATION_ACCOUNT}), what print_grants prints for each"
            )
            give = Run(administrator.command, administrator.env, text, note)
            return [give, *([Remove(path)] if path.exists() else [])]
        return [] if machine.read(path) == text else [Write(path, text, 0o600)]

    def check(machine: Machine) -> Sequence[str]:
        states = _states(config, machine, target)
        problems = [state.problem for state in states if state.problem]
        if problems:
            raise StepFailed("\n".join(problems))
        if all(state.may_sign_in and not state.lacks for state in states):
            return [f"{state.account.user}@{state.host}: signs in, and has its rights" for state in states]
        path = machine.layout.shown(machine.layout.accounts_sql)
        if not machine.layout.accounts_sql.exists():
            raise StepFailed("the server took the statements, but an account still does not have its rights")
        server = "this machine" if config.database.is_local else config.database.host
        raise Waiting(
            f"the database accounts have to be made by somebody who may make accounts on the database server, "
            f"{server}. {path} has the statements; it contains passwords. Give it to the server, as its "
            "administrator:\n"
            f"    mariadb --host={config.database.host} --port={config.database.port} --user=root --password <{path}\n"
            f"Or let this program do it, with a client option file: {again} --database-admin FILE"
        )

    return Step(
        "Database accounts, each with the rights that it needs",
        plan,
        check,
        "each account signs in, and has the rights that print_grants names",
        "Is the server started? The account that signs in is in /etc/blockalloc/blockalloc.env and migration.env.",
    )


def _outlook(config: Config, machine: Machine, target: Release) -> Sequence[Action]:
    """For a dry run on a machine without the client or the release: the statements cannot be known yet."""
    if config.database_admin:
        how = f"made with the account in {config.database_admin}"
    elif not config.database.is_local:
        how = "written to /etc/blockalloc/accounts.sql, for the administrator of the database server"
    elif not mariadb.is_installed(machine):
        how = "made as the server's root, if its socket lets root in, else written to /etc/blockalloc/accounts.sql"
    elif mariadb.administrator(machine, config.database, None):
        how = "made as the server's root, through its socket"
    else:
        how = "written to /etc/blockalloc/accounts.sql, as the server does not let root in"

    def later(_machine: Machine) -> None:
        raise StepFailed("the database's client or the release's Python is missing")

    manage = [str(target.python), str(target.folder / "manage.py"), "print_grants"]
    accounts = zip(_BOTH, (config.database.user, MIGRATION_ACCOUNT), strict=True)
    lines = [
        f"what is missing of {config.database.user}, {MIGRATION_ACCOUNT} and these rights is {how}:",
        *(
            f"  {shown_command([*manage, purpose, '--account', name, '--database', config.database.name])}"
            for purpose, name in accounts
        ),
    ]
    return [Do(lines, later)]


def _states(config: Config, machine: Machine, target: Release) -> Sequence[_State]:
    urls = (running_account(machine), migration_account(machine))
    return [
        _state(config, machine, target, url, purpose)
        for url, purpose in zip(urls, _BOTH, strict=True)
        if url is not None
    ]


def _state(config: Config, machine: Machine, target: Release, url: DatabaseUrl, purpose: str) -> _State:
    done = mariadb.account(url).query(machine, "SELECT CURRENT_USER(); SHOW GRANTS;")
    if done.status and not mariadb.is_refusal(done):
        return _State(url, False, [], "", f"{url.user} cannot ask the server: {done.text.strip()}")
    host = _host(config, machine, url)
    if done.status:
        return _State(url, False, needed(machine, target, purpose, url, host), host)
    host = done.output.partition("\n")[0].rpartition("@")[2] or host
    present = rights_in(grants_in(done.output))
    return _State(url, True, missing(needed(machine, target, purpose, url, host), present), host)


def _host(config: Config, machine: Machine, url: DatabaseUrl) -> str:
    """Where the server sees this machine's connections come from."""
    if config.account_host:
        return config.account_host
    return "localhost" if url.is_local else machine.network.own_address(url.host, url.port)


def needed(machine: Machine, target: Release, purpose: str, url: DatabaseUrl, host: str) -> Sequence[Grant]:
    """What an account needs for a purpose, by the release's own `print_grants`."""
    command = [str(target.python), str(target.folder / "manage.py"), "print_grants", purpose]
    options = ["--account", url.user, "--host", host, "--database", url.name]
    return grants_in(machine.must_run([*command, *options]).output)


def _statements(machine: Machine, target: Release, states: Sequence[_State]) -> Iterator[str]:
    """What is missing, in SQL. Tables that are still to be made are those that the migrations' account may make."""
    if not any(state.lacks or not state.may_sign_in for state in states):
        return
    own = tables_of(needed(machine, target, "migrating", states[-1].account, states[-1].host))
    for state in states:
        account = f"'{state.account.user}'@'{state.host}'"
        if not state.may_sign_in:
            password = state.account.password.replace("\\", "\\\\").replace("'", "''")
            yield f"CREATE USER IF NOT EXISTS {account} IDENTIFIED BY '{password}';"
            yield f"ALTER USER {account} IDENTIFIED BY '{password}';"
        for grant in state.lacks:
            yield from grant.sql(before_the_table=grant.place in own and "CREATE" not in grant.rights)
