"""bin/uninstall: the way back. Nothing of VCL's is touched."""

from argparse import Namespace
from collections.abc import Sequence
from pathlib import Path

from installer import checks, mariadb, nginx, vcld_conf
from installer.actions import Action, Remove, Run
from installer.database_url import DatabaseUrl
from installer.errors import DONE, Refused, StepFailed
from installer.journal import Journal
from installer.layout import USER
from installer.machine import Machine, shown_command
from installer.program import Step, run
from installer.release import Release
from installer.settings_text import values_of
from installer.steps.settings import MIGRATION_ACCOUNT, migration_account, running_account

_UNITS = "blockalloc*.*"
_LIVE_SECONDS = 90  # longer than the rows of keep_ready live; on several machines there may always be some


def uninstall(options: Namespace, machine: Machine, release: Release, journal: Journal) -> int:
    """Remove the service from this machine, or go on removing it. Returns the exit status; raises Refused."""
    checks.refuse_everybody_but_root(machine, "bin/uninstall")
    _refuse_while_vcld_calls(machine)
    if options.drop_tables and not _code(machine, release).python.exists() and _has_tables(machine, options):
        raise Refused(
            "--drop-tables needs an installed release, and none is left on this machine: run bin/install again first, "
            "or drop the tables by hand (docs/by-hand.md#the-way-back)"
        )
    dry_run = options.dry_run
    journal.say("Dry run: nothing is changed. This would be done:" if dry_run else "Removing block allocations for VCL")
    status = run(_steps(options, machine, release), machine, journal, dry_run=dry_run)
    if status == DONE:
        for line in _last_words(options, machine, journal):
            journal.say(line)
    return status


def _refuse_while_vcld_calls(machine: Machine) -> None:
    values = vcld_conf.values_of(machine.read(machine.layout.vcld_conf) or "")
    hosts = values_of(machine.read(machine.layout.settings) or "").get("DJANGO_ALLOWED_HOSTS", "").split(",")
    names = {host.strip() for host in hosts} | {nginx.name_in(machine.read(machine.layout.nginx_site) or "")}
    if any(vcld_conf.calls_here(values, name) for name in names if name):
        raise Refused(
            "VCL's back end still calls this service: put the host name of VCL's own front end into xmlrpc_url in "
            f"{machine.layout.shown(machine.layout.vcld_conf)}, restart vcld, do the same on the other management "
            "nodes, and run this again"
        )


def _code(machine: Machine, release: Release) -> Release:
    """The release whose commands are used: the current one, or the one that this program belongs to."""
    current = machine.layout.current
    return Release(current.resolve()) if current.is_dir() else release


def _steps(options: Namespace, machine: Machine, release: Release) -> Sequence[Step]:
    layout = machine.layout
    steps = [
        Step("systemd's units", _units),
        Step("nginx's site of the service", _site),
    ]
    code = _code(machine, release)
    steps.append(_claims(code))
    if options.drop_tables:
        steps.append(_tables(machine, options.database_admin, code))
        steps.append(_accounts(options.database_admin))
    steps += [
        Step("The operator's command", lambda _machine: _present(layout.command)),
        Step(f"The user {USER}", _user),
    ]
    if options.remove_settings:
        steps.append(Step("The settings", lambda _machine: _present(layout.configuration)))
    steps.append(Step("The releases", _releases))
    return steps


def _present(*paths: Path) -> Sequence[Action]:
    return [Remove(path) for path in paths if path.exists() or path.is_symlink()]


def _units(machine: Machine) -> Sequence[Action]:
    # A socket would start its service again: it is stopped first.
    files = sorted(machine.layout.units.glob(_UNITS), key=lambda path: (path.suffix != ".socket", path.name))
    units = [path for path in files if path.is_file() and not path.is_symlink()]
    others = [path for path in files if path not in units]  # folders of what `systemctl edit` wrote
    stamps = sorted(machine.layout.at("/var/lib/systemd/timers").glob("stamp-blockalloc*"))  # when a timer ran last
    if not files and not stamps:
        return []
    names = [path.name for path in units]
    stop = [Run(["systemctl", "disable", "--now", *names])] if names else []
    clear = [Run(["systemctl", "daemon-reload"]), Run(["systemctl", "reset-failed", "blockalloc*"], may_fail=True)]
    return [*stop, *(Remove(path) for path in (*units, *others, *stamps)), *clear]


def _site(machine: Machine) -> Sequence[Action]:
    site = machine.layout.nginx_site
    files = _present(site, site.with_name(f"{site.name}.dist"))
    is_active = machine.succeeds(["systemctl", "is-active", "-q", "nginx.service"])
    return [*files, Run(["systemctl", "reload", "nginx.service"])] if files and is_active else files


def _user(machine: Machine) -> Sequence[Action]:
    return [Run(["userdel", USER])] if machine.has_user(USER) else []


def _releases(machine: Machine) -> Sequence[Action]:
    layout = machine.layout
    ours = {layout.releases.name, layout.current.name, layout.previous.name}
    actions = list(_present(layout.current, layout.previous, layout.releases))
    if layout.home.is_dir() and not {path.name for path in layout.home.iterdir()} - ours:
        actions.append(Remove(layout.home))
    return actions


# --- The database -----------------------------------------------------------------------------
def _claims(code: Release) -> Step:
    """The service's rows in VCL's table `semaphore`: VCL would overlook its own beside one that is past."""

    def plan(machine: Machine) -> Sequence[Action]:
        url = running_account(machine)
        if url is None or not code.python.exists() or not mariadb.is_installed(machine):
            return []
        database = url.name.replace("`", "``")
        count = f"SELECT COUNT(*) FROM `{database}`.semaphore WHERE procid LIKE 'blockalloc%:%'"  # noqa: S608
        done = mariadb.account(url).query(machine, count)
        if done.status or done.output.strip() == "0":
            return []
        manage = [str(code.python), str(code.folder / "manage.py")]
        return [Run([*manage, "remove_claims", "--wait", str(_LIVE_SECONDS)], may_fail=True)]

    return Step("The service's rows in VCL's table semaphore, which expire within seconds", plan)


def _tables(machine: Machine, admin: Path | None, code: Release) -> Step:
    """The service's and Django's tables. Their account must have DROP, or an administrator's is used."""

    def command(*words: str) -> Sequence[str]:
        return [str(code.python), str(code.folder / "manage.py"), "drop_own_tables", *words]

    def plan(machine: Machine) -> Sequence[Action]:
        if running_account(machine) is None or not code.python.exists():
            return []
        env = _dropping(machine, admin)
        done = machine.run(command(), env=env)
        if done.status:
            raise StepFailed(f"the tables cannot be listed:\n{done.text.strip()}")
        if "blockalloc_" not in done.output and "django_" not in done.output:
            return []
        tables = done.output.strip().splitlines()[:-1]
        note = f"drops {', '.join(tables)}"
        return [Run(command("--yes"), env, note=note)]

    return Step(
        "The service's tables in VCL's database; VCL's own are not touched",
        plan,
        advice=(
            "The account needs DROP on these tables: as the server's administrator, give it with what\n"
            f"{_going_back(machine, code)}\n"
            "prints, or name an administrator's client option file with --database-admin. Without --drop-tables "
            "the rest is removed."
        ),
    )


def _going_back(machine: Machine, code: Release) -> str:
    """The command that prints the right to drop, for the account of this machine, as the server knows it."""
    command = [str(code.python), str(code.folder / "manage.py"), "print_grants", "going-back"]
    url = migration_account(machine) or running_account(machine)
    if url is None or not mariadb.is_installed(machine):
        return shown_command(command)
    _, host = _signed_in_as(machine, url)
    pattern = ["--host", host] if host else []
    return shown_command([*command, "--account", url.user, *pattern, "--database", url.name])


def _has_tables(machine: Machine, options: Namespace) -> bool:
    """Whether tables of the service are left, as far as the server shows: accounts that are gone had their tables."""
    url = running_account(machine)
    if url is None or not mariadb.is_installed(machine):
        return False
    client = mariadb.administrator(machine, url, options.database_admin) or mariadb.account(url)
    name = url.name.replace("`", "``")
    return bool(client.query(machine, rf"SHOW TABLES FROM `{name}` LIKE 'blockalloc\_%'").output.strip())


def _dropping(machine: Machine, admin: Path | None) -> dict[str, str]:
    """The environment of the command that drops tables: an administrator's account, or that of the migrations."""
    url = running_account(machine)
    assert url is not None
    if admin is not None:
        option = _options_in(admin)
        account = url.as_account(option.get("user", "root"), option.get("password", ""))
        return {"DATABASE_URL": account.text()}
    if mariadb.administrator(machine, url, None):
        return {"DATABASE_URL": url.as_account("root", "").text()}
    migrating = migration_account(machine)
    return {"DATABASE_URL": migrating.text() if migrating else url.text()}


def _options_in(path: Path) -> dict[str, str]:
    """What a client option file says in its group [client]."""
    values: dict[str, str] = {}
    group = ""
    for line in path.read_text(encoding="utf-8").splitlines():
        text = line.strip()
        if text.startswith("["):
            group = text
        elif group in ("[client]", "[mariadb]", "[mysql]") and not text.startswith(("#", ";")):
            name, _, value = text.partition("=")
            values[name.strip()] = value.strip().strip("'\"")
    return values


def _accounts(admin: Path | None) -> Step:
    """The two accounts of the server, dropped by its administrator."""

    def plan(machine: Machine) -> Sequence[Action]:
        sql, url = _drop_users(machine), running_account(machine)
        if url is None:
            return []
        administrator = mariadb.administrator(machine, url, admin)
        if not sql or administrator is None:
            return []
        return [Run(administrator.command, administrator.env, "\n".join(sql) + "\n", " ".join(sql))]

    def check(machine: Machine) -> Sequence[str]:
        sql = _drop_users(machine)
        return [f"left for the administrator of the database: {' '.join(sql)}"] if sql else []

    return Step("The accounts on the database server", plan, check)


def _drop_users(machine: Machine) -> Sequence[str]:
    """DROP USER for each of the two accounts that still lets us in: its own name for itself is exact."""
    statements = []
    for url in (running_account(machine), migration_account(machine)):
        if url is None or url.user not in (USER, MIGRATION_ACCOUNT):
            continue
        name, host = _signed_in_as(machine, url)
        if name:
            statements.append(f"DROP USER '{name}'@'{host}';")
    return statements


def _signed_in_as(machine: Machine, url: DatabaseUrl) -> tuple[str, str]:
    """An account's name and host pattern, as the server knows them; empty if it does not let us in."""
    done = mariadb.account(url).query(machine, "SELECT CURRENT_USER()")
    name, _, host = done.output.strip().rpartition("@")
    return ("", "") if done.status else (name, host)


def _last_words(options: Namespace, machine: Machine, journal: Journal) -> Sequence[str]:
    if options.dry_run:
        number = journal.changes
        return ["", f"Dry run: {number} actions would be done, nothing was changed." if number else "Nothing to do."]
    layout = machine.layout
    kept = []
    if layout.configuration.exists():
        kept.append("/etc/blockalloc, the settings (--remove-settings)")
    if not options.drop_tables:
        kept.append(
            "the service's tables in VCL's database, unless they were dropped before (bin/install, and then "
            "bin/uninstall --drop-tables, drops them)"
        )
    if layout.home.exists():
        kept.append("/opt/blockalloc: there are files in it that bin/install has not put there")
    kept += ["the packages of the system", f"{layout.shown(layout.log)}, the log of what was done"]
    begin = "The service is removed." if journal.changes else "Nothing had to be removed."
    return ["", f"{begin} Left here:", *(f"  - {line}" for line in kept), *_reminder(machine)]


def _reminder(machine: Machine) -> Sequence[str]:
    if machine.layout.vcld_conf.exists():
        return []
    return ["xmlrpc_url in /etc/vcl/vcld.conf of each management node has to name VCL's own front end again."]
