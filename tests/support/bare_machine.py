"""A double of a machine for `installer`: a folder as its root, programs that do to it what the real ones would.

It keeps what the real machine keeps: packages, users, units, accounts of the database server. Every command that was
run is in `commands`; `changing` leaves out those that only look.
"""

import json
import re
import shutil
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from installer.layout import Layout
from installer.machine import Machine
from installer.network import Answer
from installer.runner import Result
from tests.support.servers.own_process import ROOT

DEBIAN = 'PRETTY_NAME="Debian GNU/Linux 12 (bookworm)"\nID=debian\nVERSION_ID="12"\n'
RUNNING_TABLES, OWN_TABLES = ("request", "reservation"), ("blockalloc_guard", "django_session")
_LOOKS = re.compile(
    r"dpkg-query|dpkg --audit|mariadb|systemctl (is-|show)|nginx -t|journalctl|"
    r".* (print_grants|check_settings|check_vcl|showmigrations|sqlmigrate)\b|"
    r".* migrate --check|.* -c |.* drop_own_tables$"
)


@dataclass
class BareMachine:
    """The double. Attributes are what an operator would find there; tests change them to make something fail."""

    root: Path
    packages: set[str] = field(default_factory=lambda: {"mariadb-client", "python3-venv"})
    accounts: dict[str, dict[str, set[str]]] = field(default_factory=dict)  # by name: rights by place
    passwords: dict[str, str] = field(default_factory=dict)
    root_may_sign_in: bool = True
    enabled: set[str] = field(default_factory=set)
    active: set[str] = field(default_factory=set)
    applied: set[str] = field(default_factory=set)  # migrations
    claims: int = 0  # rows of the service in VCL's table semaphore
    settings_problems: list[dict[str, str]] = field(default_factory=list)
    failing: dict[str, str] = field(default_factory=dict)  # a command that begins so fails, and says this
    broken_releases: set[str] = field(default_factory=set)  # do not answer
    used_ports: set[int] = field(default_factory=set)
    unreachable: set[str] = field(default_factory=set)
    commands: list[str] = field(default_factory=list)
    statements: list[str] = field(default_factory=list)
    python: str = "3.11"
    interrupt_at: str = ""
    own_address_of: str = "10.0.0.5"

    def __post_init__(self) -> None:
        self._number = 100
        for name, text in {
            "etc/os-release": DEBIAN,
            "etc/passwd": "root:x:0:0::/root:/bin/bash\n",
            "proc/uptime": "1000.0 1.0",
            "run/mysqld/mysqld.sock": "",
        }.items():
            self.put(name, text)
        (self.root / "run/systemd/system").mkdir(parents=True)
        (self.root / "etc/systemd/system").mkdir(parents=True)

    def put(self, path: str, text: str) -> Path:
        """Write a file of the machine."""
        file = self.root / path.lstrip("/")
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)
        return file

    @property
    def machine(self) -> Machine:
        """The machine as the installer sees it."""
        return Machine(Layout(self.root), self, self, is_root=True, pause=lambda _seconds: None)

    @property
    def changing(self) -> list[str]:
        """The commands that were run and do more than look, and the statements of SQL."""
        return [command for command in self.commands if not _LOOKS.match(command)] + self.statements

    def picture(self) -> dict[str, str]:
        """All files and links with their contents, to compare."""
        return dict(self._picture())

    def _picture(self) -> Iterator[tuple[str, str]]:
        for path in sorted(self.root.rglob("*")):
            name = str(path.relative_to(self.root))
            if path.is_symlink():
                yield name, f"-> {path.readlink()}"
            elif path.is_file():
                yield name, f"{path.stat().st_mode:o} {path.read_text(errors='replace')}"

    # --- Network ------------------------------------------------------------------------------
    def is_in_use(self, address: str, port: int) -> bool:
        """See `installer.network.Network`."""
        return port in self.used_ports

    def own_address(self, host: str, port: int) -> str:
        """See `installer.network.Network`."""
        if host in self.unreachable:
            raise OSError("connection refused")
        return self.own_address_of

    def health(self, name: str, *, tls: bool) -> Answer:
        """See `installer.network.Network`."""
        version = (self.root / "opt/blockalloc/current").readlink().name
        if version in self.broken_releases:
            return Answer(502, "Bad Gateway")
        return Answer(200, "ok") if "blockalloc.service" in self.active else Answer(0, "connection refused")

    def has_ipv6(self) -> bool:
        """See `installer.network.Network`."""
        return True

    # --- Programs -----------------------------------------------------------------------------
    def run(self, command: Sequence[str], *, env: Mapping[str, str] | None = None, stdin: str = "") -> Result:
        """See `installer.runner.Runner`."""
        text = " ".join(command)
        self.commands.append(text)
        if self.interrupt_at and self.interrupt_at in text:
            raise KeyboardInterrupt
        for begin, said in self.failing.items():
            if text.startswith(begin):
                return Result(1, "", said)
        words = list(command)
        if words[:4] == ["runuser", "-u", "blockalloc", "--"]:
            words = words[4:]
        name = Path(words[0]).name
        programs: dict[str, Callable[[list[str], Mapping[str, str], str], Result]] = {
            "dpkg-query": self._dpkg_query,
            "apt-get": self._apt_get,
            "useradd": self._useradd,
            "userdel": self._userdel,
            "python3": self._python,
            "python": self._python,
            "mariadb": self._mariadb,
            "systemctl": self._systemctl,
        }
        program = programs.get(name)
        return program(words[1:], env or {}, stdin) if program else Result(0)

    def _dpkg_query(self, words: list[str], _env: Mapping[str, str], _stdin: str) -> Result:
        return Result(0, "installed") if words[-1] in self.packages else Result(1)

    def _apt_get(self, words: list[str], _env: Mapping[str, str], _stdin: str) -> Result:
        if "install" in words:
            self.packages |= {word for word in words[words.index("install") :] if not word.startswith("-")}
        return Result(0)

    def _useradd(self, words: list[str], _env: Mapping[str, str], _stdin: str) -> Result:
        file = self.root / "etc/passwd"
        file.write_text(f"{file.read_text()}{words[-1]}:x:999:999::/opt/blockalloc:/usr/sbin/nologin\n")
        return Result(0)

    def _userdel(self, words: list[str], _env: Mapping[str, str], _stdin: str) -> Result:
        file = self.root / "etc/passwd"
        file.write_text("".join(line for line in file.open() if not line.startswith(f"{words[-1]}:")))
        return Result(0)

    # --- Python and manage.py -----------------------------------------------------------------
    def _python(self, words: list[str], env: Mapping[str, str], _stdin: str) -> Result:
        if words[0] == "-I":
            return Result(0, f"{self.python} /usr/bin/python3\n")
        if words[:2] == ["-m", "venv"]:
            file = Path(words[-1]) / "bin" / "python"
            shutil.rmtree(words[-1], ignore_errors=True)
            file.parent.mkdir(parents=True)
            file.write_text("")
        if not words[0].endswith("manage.py"):
            return Result(0)
        folder = Path(words[0]).parent
        return self._manage(folder, words[1], words[2:], env)

    def _manage(self, folder: Path, command: str, words: list[str], env: Mapping[str, str]) -> Result:
        known = {path.stem for path in (folder / "blockalloc/migrations").glob("*.py")}
        if command == "collectstatic":
            (folder / "static").mkdir()
            (folder / "static" / "pages.css").write_text("")
        if command == "print_grants":
            return Result(0, "\n".join(_grants(words, adds="0002_next" in known)))
        if command == "check_settings":
            missing = [
                {"severity": "error", "name": "", "text": "migrations are not applied (x): run manage.py migrate"}
            ]
            problems = self.settings_problems + (missing if known - self.applied else [])
            return Result(2 if problems else 0, json.dumps({"problems": problems}))
        if command == "check_vcl":
            return Result(0, "Everything is in order.")
        if command == "migrate":
            return self._migrate(known, words)
        if command == "showmigrations":
            return Result(0, "\n".join(f" [{'X' if name in self.applied else ' '}] {name}" for name in sorted(known)))
        if command == "sqlmigrate":
            return Result(0, "DROP TABLE `blockalloc_next` CASCADE;" if "0002" in words[-1] else "")
        if command == "remove_claims":
            self.claims = 0
        if command == "drop_own_tables":
            return self._drop_own_tables(words, env)
        return Result(0)

    def _migrate(self, known: set[str], words: list[str]) -> Result:
        if "--check" in words:
            return Result(1 if known - self.applied else 0)
        if words[-1] == "--no-input":
            self.applied |= known
        else:
            self.applied = {name for name in self.applied if name <= words[-1]}
        return Result(0)

    def _drop_own_tables(self, words: list[str], env: Mapping[str, str]) -> Result:
        if not self.applied:
            return Result(0, "No table of this service or of Django is there.")
        if "--yes" in words:
            if "root" not in env["DATABASE_URL"]:
                return Result(1, "", "DROP command denied to user (1142)")
            self.applied = set()
        return Result(0, "\n".join([*OWN_TABLES, f"{len(OWN_TABLES)} tables"]))

    # --- The database server ------------------------------------------------------------------
    def _mariadb(self, words: list[str], env: Mapping[str, str], stdin: str) -> Result:
        if "mariadb-client" not in self.packages:
            return Result(127, "", "mariadb: not found")
        if words == ["--version"]:
            return Result(0, "mariadb 10.11")
        user = next((word.partition("=")[2] for word in words if word.startswith("--user=")), "")
        if user in ("root", "") and "--no-defaults" not in words:
            if not self.root_may_sign_in and not any(word.startswith("--defaults-extra-file") for word in words):
                return Result(1, "", "ERROR 1698 (28000): Access denied for user 'root'@'localhost'")
            for statement in stdin.splitlines():
                self._execute(statement)
            return Result(0, "3\n")
        if user not in self.accounts or self.passwords[user] != env["MYSQL_PWD"]:
            return Result(1, "", f"ERROR 1045 (28000): Access denied for user '{user}'")
        if "semaphore" in stdin:
            return Result(0, f"{self.claims}\n")
        lines = [f"{user}@localhost"]
        if "SHOW GRANTS" not in stdin:
            return Result(0, f"{lines[0]}\n")
        for place, rights in self.accounts[user].items():
            database, table = place.split(".")
            on = f"`{database}`.*" if table == "*" else f"`{database}`.`{table}`"
            lines.append(f"GRANT {', '.join(sorted(rights))} ON {on} TO `{user}`@`localhost`")
        return Result(0, "\n".join(lines) + "\n")

    def give(self, sql: str) -> None:
        """Give statements to the server, as its administrator."""
        for statement in sql.splitlines():
            self._execute(statement)

    def _execute(self, statement: str) -> None:
        if statement.startswith("SELECT"):
            return
        self.statements.append(statement)
        user = (re.search(r"['`](\w+)['`]@", statement) or ["", ""])[1]
        if match := re.match(r"(?:CREATE|ALTER) USER .*IDENTIFIED BY '([^']*)'", statement):
            self.accounts.setdefault(user, {})
            self.passwords[user] = match[1]
        elif match := re.match(r"(GRANT|REVOKE) (.*) ON (\S+) (?:TO|FROM)", statement):
            place, rights = match[3].replace("`", ""), set(match[2].split(", "))
            have = self.accounts[user].setdefault(place, set())
            have -= rights if match[1] == "REVOKE" else set()
            have |= rights if match[1] == "GRANT" else set()
        elif statement.startswith("DROP USER"):
            self.accounts.pop(user, None)

    # --- systemd ------------------------------------------------------------------------------
    def _systemctl(self, words: list[str], _env: Mapping[str, str], _stdin: str) -> Result:
        verb, names = words[0], [word for word in words[1:] if not word.startswith("-")]
        if verb.startswith("is-"):
            return Result(0 if names[0] in (self.active if verb == "is-active" else self.enabled) else 3)
        if verb == "enable":
            self.enabled |= set(names)
        if verb in ("start", "restart", "reload", "reload-or-restart"):
            self.active |= set(names)
            self._begin(names[0])
        if verb in ("stop", "disable"):
            self.active -= set(names)
        if verb == "disable":
            self.enabled -= set(names)
        if verb == "show":
            return Result(0, self._shown(words[2], names[-1]))
        return Result(0)

    def _begin(self, unit: str) -> None:
        """A new process of the unit, in the folder of the current release."""
        self._number += 1
        process = self.root / "proc" / str(self._number)
        process.mkdir(parents=True)
        current = self.root / "opt/blockalloc/current"
        if current.exists():
            (process / "cwd").symlink_to(current.resolve())
        self.put(f"proc/pid-of-{unit}", str(self._number))

    def _shown(self, name: str, unit: str) -> str:
        if name == "MainPID":
            file = self.root / "proc" / f"pid-of-{unit}"
            return file.read_text() if file.exists() else "0"
        return ""


def _grants(words: list[str], *, adds: bool) -> Iterator[str]:
    """What print_grants prints; `adds`: the release has a table more."""
    purpose = words[0]
    options = dict(zip(words[1::2], words[2::2], strict=True))
    to, database = f"'{options['--account']}'@'{options['--host']}'", options["--database"]
    yield f"GRANT SELECT ON `{database}`.* TO {to};"
    if purpose == "running":
        for table in RUNNING_TABLES + OWN_TABLES:
            yield f"GRANT INSERT, UPDATE, DELETE ON `{database}`.`{table}` TO {to};"
        return
    more = ", DROP" if purpose == "going-back" else ""
    for table in (*OWN_TABLES, *(["blockalloc_next"] if adds else [])):
        yield f"GRANT CREATE, ALTER{more}, INSERT ON `{database}`.`{table}` TO {to};"


# --- Releases -----------------------------------------------------------------------------------
_UNIT = "[Service]\nExecReload=/bin/true\n\n[Install]\nWantedBy=multi-user.target\n"
_UNITS = ("blockalloc.socket", "blockalloc.service", "blockalloc-keep-ready.service", "blockalloc-prune.timer")


def release(
    folder: Path, version: str, *, migrations: Sequence[str] = ("0001_first",), unit: str = "", more: Sequence[str] = ()
) -> Path:
    """A release, as an archive unpacks it, with little in it; `more` are units that others lack."""
    files = {
        "blockalloc/version.py": f'VERSION = "{version}"\n',
        "manage.py": "",
        "requirements.lock": f"Django==5.2.19 --hash=sha256:{version}\n",
        "deploy/nginx.conf": (ROOT / "deploy" / "nginx.conf").read_text(),
        "bin/blockalloc": "",
        "bin/install": "",
        "vclsite/settings.py": "",
        "templates/base.html": "",
        "scheduling/__init__.py": "",
        "static/pages.css": "",
        **{f"blockalloc/migrations/{name}.py": "" for name in migrations},
        **{f"deploy/systemd/{name}": f"# {unit}\n{_UNIT}" for name in (*_UNITS, *more)},
        "deploy/systemd/blockalloc-prune.service": f"# {unit}\n[Service]\n",
    }
    for name, text in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return folder
