"""What an installation needs to know: from options, from settings that exist, from vcld.conf, or from the operator."""

import re
from argparse import Namespace
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from installer import settings_text, vcld_conf
from installer.database_url import PORT, DatabaseUrl
from installer.errors import Refused
from installer.layout import Layout
from installer.machine import Machine
from installer.nginx import certificates_in
from installer.release import Release

SYSTEM_PYTHON = Path("/usr/bin/python3")
Ask = Callable[[str], str]

_HOST = re.compile(r"(?=.{1,253}$)[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?(\.[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?)*")
_DATABASE = re.compile(r"[A-Za-z0-9_$-]{1,64}")
_ZONE = re.compile(r"[A-Za-z][A-Za-z0-9_+/-]*")
_ACCOUNT_HOST = re.compile(r"[A-Za-z0-9.%_:/-]{1,255}")
_LOOPBACK = {"localhost", "127.0.0.1", "::1"}


@dataclass(frozen=True)
class Config:
    """A complete answer to every question. `database` is the running account's; "" as a password: it has none yet."""

    release: Release
    server_name: str
    database: DatabaseUrl
    time_zone: str
    front_end_url: str
    trusted_proxies: str = "127.0.0.1"
    nginx: bool = True
    certificate: Path = Path()
    certificate_key: Path = Path()
    python: Path = SYSTEM_PYTHON
    wheels: Path | None = None
    database_admin: Path | None = None
    account_host: str = ""
    any_system: bool = False


class Answers:
    """Finds each answer once, in the same order everywhere, and collects what is missing or wrong."""

    def __init__(self, options: Namespace, settings: Mapping[str, str], where: str, ask: Ask | None) -> None:
        self._options, self._settings, self._where, self._ask = options, settings, where, ask
        self.problems: list[str] = []

    def get(self, option: str, question: str, *, setting: str = "", known: str = "", required: bool = True) -> str:
        """The value of `--option`.

        A setting that exists wins, and an option that contradicts it is a problem: settings are changed in their file.
        `known` is the value found elsewhere. Otherwise the operator is asked; without a terminal that is a problem.
        """
        given = getattr(self._options, option.replace("-", "_")) or ""
        present = self._settings.get(setting, "")
        if present and given and present != given:
            self.problems.append(
                f"--{option} {given}: {setting} in {self._where} is {present!r}, and settings that exist are kept: "
                "change it there, or leave the option out"
            )
        found = present or given or known
        if not found and required:
            found = self._asked(option, question)
        return found.strip()

    def _asked(self, option: str, question: str) -> str:
        if self._ask is None:
            self.problems.append(f"--{option} is missing: {question}")
            return ""
        answer = self._ask(f"{question}: ").strip()
        if not answer:
            self.problems.append(f"nothing was answered: {question} (--{option})")
        return answer

    def matching(self, option: str, value: str, pattern: re.Pattern[str], right: str) -> str:
        """The value, if it is well-formed; otherwise that is a problem."""
        if value and not pattern.fullmatch(value):
            self.problems.append(f"--{option}: {value!r} is not well-formed: use {right}")
        return value


def config(options: Namespace, release: Release, machine: Machine, ask: Ask | None) -> Config:
    """The answers for an installation. Raises Refused with everything that is missing or wrong, before any change."""
    layout = machine.layout
    settings = settings_text.values_of(machine.read(layout.settings) or "")
    vcld = vcld_conf.values_of(machine.read(layout.vcld_conf) or "")
    answers = Answers(options, settings, layout.shown(layout.settings), ask)
    name = _server_name(answers, settings)
    database = _database(answers, options, settings, vcld, layout)
    front_end = _front_end(answers, options, settings, vcld, name)
    zone = _time_zone(answers, machine, vcld)
    certificate, key = _certificate(answers, options, machine, name) if options.nginx and name else (Path(), Path())
    account_host = answers.matching(
        "account-host", options.account_host or "", _ACCOUNT_HOST, "a host or pattern as in 10.0.0.5 or 10.0.0.%"
    )
    if answers.problems:
        raise Refused("\n".join(answers.problems))
    assert database is not None
    return Config(
        release=release,
        server_name=name,
        database=database,
        time_zone=zone,
        front_end_url=front_end,
        trusted_proxies=settings.get("VCL_TRUSTED_PROXIES") or options.trusted_proxies,
        nginx=options.nginx,
        certificate=certificate,
        certificate_key=key,
        python=options.python,
        wheels=options.wheels,
        database_admin=options.database_admin,
        account_host=account_host,
        any_system=options.any_system,
    )


def _server_name(answers: Answers, settings: Mapping[str, str]) -> str:
    hosts = [host.strip() for host in settings.get("DJANGO_ALLOWED_HOSTS", "").split(",")]
    public = [host for host in hosts if host and host not in _LOOPBACK | {"[::1]"}]
    question = "the name by which back ends and browsers reach this service, such as blocks.example.edu"
    name = answers.get("server-name", question, known=public[0] if public else "").lower()
    if public and name not in public:
        answers.problems.append(f"--server-name {name}: DJANGO_ALLOWED_HOSTS in the settings has not got that name")
    return answers.matching("server-name", name, _HOST, "a host name such as blocks.example.edu, without https://")


def _database(
    answers: Answers, options: Namespace, settings: Mapping[str, str], vcld: Mapping[str, str], layout: Layout
) -> DatabaseUrl | None:
    if url := settings.get("DATABASE_URL"):
        try:
            present = DatabaseUrl.parse(url, layout.shown(layout.settings))
        except Refused as refusal:
            answers.problems.append(str(refusal))
            return None
        _agrees(answers, options, present, layout)
        return present
    question = "the host name of VCL's database server (localhost: this machine), with :port if it is not 3306"
    server = answers.get("database-server", question, known=vcld.get("server", "")).lower()
    name = answers.get("database-name", "the name of VCL's database", known=vcld.get("database", "") or "vcl")
    answers.matching("database-name", name, _DATABASE, "letters, digits, _, $ and -")
    host, port = _host_and_port(answers, server)
    return DatabaseUrl("localhost" if host in _LOOPBACK else host, name, port=port)


def _agrees(answers: Answers, options: Namespace, present: DatabaseUrl, layout: Layout) -> None:
    where = layout.shown(layout.settings)
    given = {"database-server": options.database_server, "database-name": options.database_name}
    here = {"database-server": {present.host, f"{present.host}:{present.port}"}, "database-name": {present.name}}
    for option, value in given.items():
        if value and value not in here[option]:
            answers.problems.append(
                f"--{option} {value}: DATABASE_URL in {where} has another, and settings that exist are kept: change it "
                "there, or leave the option out"
            )


def _host_and_port(answers: Answers, server: str) -> tuple[str, int]:
    match = re.fullmatch(r"(\[[0-9a-f:.]+\]|[^:\[\]]*)(?::(\d{1,5}))?", server) or re.fullmatch(
        r"([0-9a-f:.]+)()", server
    )
    host, port = (match[1].strip("[]"), int(match[2] or PORT)) if match else ("", 0)
    is_host = bool(_HOST.fullmatch(host)) or (":" in host and bool(re.fullmatch(r"[0-9a-f:.]+", host)))
    if server and not (is_host and 1 <= port <= 65535):
        answers.problems.append(
            f"--database-server: {server!r} is not well-formed: use a host, or host:port, such as db.example.edu"
        )
    return host, port


def _front_end(
    answers: Answers, options: Namespace, settings: Mapping[str, str], vcld: Mapping[str, str], name: str
) -> str:
    """Its address; "" when there is none, which an empty setting says too."""
    setting = "VCL_FRONT_END_URL"
    present = settings.get(setting)
    if bool(present) > options.front_end or (present == "" and options.front_end_url):
        contradicts = "--no-front-end" if present else "--front-end-url"
        answers.problems.append(
            f"{contradicts}: {setting} in the settings says otherwise, and settings that exist are kept: change it "
            "there, or leave the option out"
        )
    if not options.front_end or present == "":
        return ""
    known = "" if vcld_conf.calls_here(vcld, name) else vcld_conf.front_end_of(vcld)
    question = "the address of VCL's own front end, such as https://vcl.example.edu/vcl/index.php"
    url = answers.get("front-end-url", question, setting=setting, known=known)
    if wrong := _wrong_with_front_end(url, name) if url else "":
        answers.problems.append(f"--front-end-url: {wrong} (--no-front-end: there is none)")
    return url


def _wrong_with_front_end(url: str, name: str) -> str:
    """What is wrong with the address, and what would be right; "" when nothing is."""
    right = "use https://, the host and the path, such as https://vcl.example.edu/vcl/index.php"
    try:
        parts = urlsplit(url)
        host, _port = parts.hostname or "", parts.port
    except ValueError:
        return f"it is not well-formed: {right}"
    if parts.scheme not in ("https", "http") or not host or parts.path in ("", "/"):
        return f"it is not well-formed: {right}"
    if any(character in url for character in "?#@'\"\\ \t"):
        return f"it is more than an address, without ?mode=xmlrpccall and without a password: {right}"
    if parts.scheme == "http" and host not in _LOOPBACK:
        return f"names and passwords would travel in the clear: {right}"
    if host == name:
        return f"{name} is the name of this service: give the address of VCL's own front end"
    return ""


def _time_zone(answers: Answers, machine: Machine, vcld: Mapping[str, str]) -> str:
    """The zone of VCL's rows. This machine's own is known to be the same only if it is a management node."""
    question = "the time zone of VCL's front end and management nodes, such as America/New_York"
    zone = answers.get(
        "time-zone", question, setting="VCL_TIME_ZONE", known=_zone_of(machine) if vcld.get("server") else ""
    )
    answers.matching("time-zone", zone, _ZONE, "a name such as America/New_York or Europe/Berlin")
    zones = machine.layout.at("/usr/share/zoneinfo")
    if zone and (zones / "Europe").is_dir() and _ZONE.fullmatch(zone) and not (zones / zone).is_file():
        answers.problems.append(f"--time-zone: there is no zone {zone!r}: use a name such as America/New_York")
    return zone


def _zone_of(machine: Machine) -> str:
    target = machine.target(machine.layout.at("/etc/localtime")) or ""
    return target.partition("zoneinfo/")[2]


def _certificate(answers: Answers, options: Namespace, machine: Machine, name: str) -> tuple[Path, Path]:
    """The files of the certificate and its key: as given, as in the site that is there, or where they mostly are."""
    present = certificates_in(machine.read(machine.layout.nginx_site) or "")
    usual = [
        (f"/etc/letsencrypt/live/{name}/fullchain.pem", f"/etc/letsencrypt/live/{name}/privkey.pem"),
        (f"/etc/ssl/certs/{name}.pem", f"/etc/ssl/private/{name}.key"),
    ]
    there = [pair for pair in usual if all(machine.layout.at(path).exists() for path in pair)]
    known = (*([present] if present else []), *there, ("", ""))[0]
    # One that is given says what the other is.
    if options.certificate or options.certificate_key:
        known = ("", "")
    certificate = answers.get(
        "certificate", f"the file of the TLS certificate for {name}, with its chain (PEM)", known=known[0]
    )
    key = answers.get(
        "certificate-key", "the file of the certificate's key (PEM, without a pass phrase)", known=known[1]
    )
    for option, path in (("certificate", certificate), ("certificate-key", key)):
        if path and (not path.startswith("/") or settings_text.needs_quotes(path) or set(path) & set(";{}$")):
            answers.problems.append(f"--{option}: {path!r}: give the full path of a file, without spaces or quotes")
    return Path(certificate), Path(key)
