"""What bin/install refuses, all at once, before anything is changed."""

from pathlib import Path

import pytest

from installer.cli import parser
from installer.errors import REFUSED, Refused
from installer.install import install
from installer.journal import Journal
from installer.release import Release
from tests.installer.conftest import ANSWERS, Programs
from tests.support.bare_machine import release

pytestmark = [pytest.mark.no_database, pytest.mark.once(on="sqlite")]


def refused(programs: Programs, *words: str) -> str:
    """What it says, if it changes nothing."""
    before = programs.bare.picture()
    assert programs.install(*words) == REFUSED
    assert programs.bare.picture() == before
    assert programs.bare.changing == []
    return programs.said


def replaced(option: str, value: str) -> list[str]:
    """The answers, with another one for an option."""
    words = list(ANSWERS)
    words[words.index(option) + 1] = value
    return words


def test_what_is_missing_is_named_with_its_option(programs: Programs) -> None:
    said = refused(programs)
    for option in ("--server-name", "--database-server", "--front-end-url", "--time-zone"):
        assert f"{option} is missing: " in said
    assert "--database-name" not in said  # it has a default


def test_on_a_terminal_it_asks_for_what_is_missing_and_nothing_else(programs: Programs) -> None:
    questions = []

    def ask(question: str) -> str:
        questions.append(question)
        return {"the name": "blocks.example.edu", "the time": "America/New_York"}[question[:8]]

    programs.ask = ask
    assert programs.install("--database-server", "localhost", "--no-front-end") == 0
    assert [question[:8] for question in questions] == ["the name", "the time"]
    assert "VCL_FRONT_END_URL is empty: set it before a back end calls here" in programs.said


def test_a_management_node_knows_the_answers(programs: Programs) -> None:
    programs.bare.put(
        "etc/vcl/vcld.conf",
        "# comment\ndatabase=vcl2\nserver=localhost\nxmlrpc_url=https://vcl.example.edu/vcl/index.php?mode=xmlrpccall\n",
    )
    (programs.bare.root / "etc/localtime").symlink_to("/usr/share/zoneinfo/Europe/Berlin")
    assert programs.install("--server-name", "blocks.example.edu", "--dry-run") == 0
    for part in ("vcl2 on this machine", "Europe/Berlin", "front end:   https://vcl.example.edu/vcl/index.php\n"):
        assert part in programs.said


def test_a_front_end_that_the_settings_do_not_have(installed: Programs) -> None:
    assert "--no-front-end: VCL_FRONT_END_URL in the settings says otherwise" in refused(installed, "--no-front-end")


def test_an_option_that_contradicts_the_settings(installed: Programs) -> None:
    said = refused(installed, "--time-zone", "Europe/Berlin", "--database-server", "db.example.edu")
    assert "VCL_TIME_ZONE in /etc/blockalloc/blockalloc.env is 'America/New_York', and settings that exist" in said
    assert "--database-server db.example.edu: DATABASE_URL in /etc/blockalloc/blockalloc.env has another" in said


@pytest.mark.parametrize(
    ("option", "value", "text"),
    [
        ("--server-name", "https://blocks.example.edu", "'https://blocks.example.edu' is not well-formed"),
        ("--server-name", "a;b", "'a;b' is not well-formed"),
        ("--database-server", "db.example.edu:99999", "use a host, or host:port"),
        ("--database-server", "root@db", "use a host, or host:port"),
        ("--time-zone", "New York", "use a name such as America/New_York"),
        ("--front-end-url", "vcl.example.edu", "use https://, the host and the path"),
        ("--front-end-url", "https://vcl.example.edu/index.php?mode=xmlrpccall", "without ?mode=xmlrpccall"),
        ("--front-end-url", "http://vcl.example.edu/index.php", "would travel in the clear"),
        ("--front-end-url", "https://[x/index.php", "it is not well-formed"),
        ("--front-end-url", "https://blocks.example.edu/index.php", "is the name of this service"),
    ],
)
def test_names_that_are_not_well_formed(programs: Programs, option: str, value: str, text: str) -> None:
    assert text in refused(programs, *replaced(option, value))


def test_everything_is_said_at_once(programs: Programs) -> None:
    programs.bare.python = "3.9"
    programs.bare.used_ports = {8000, 443}
    programs.bare.put("etc/os-release", 'PRETTY_NAME="Debian GNU/Linux 11"\nID=debian\nVERSION_ID="11"\n')
    (programs.bare.root / "run/mysqld/mysqld.sock").unlink()
    said = refused(programs, *ANSWERS)
    for part in (
        "it is Python 3.9, and 3.11 or newer is needed",
        "another program listens on 127.0.0.1:8000",
        "another program than nginx listens on port 443",
        "this is Debian GNU/Linux 11",
        "the database server does not run on this machine (/run/mysqld/mysqld.sock is not there)",
    ):
        assert part in said


def test_another_system_can_be_tried(programs: Programs) -> None:
    programs.bare.put("etc/os-release", "ID=devuan\n")
    assert programs.install(*ANSWERS, "--any-system") == 0


def test_only_root_may(programs: Programs) -> None:
    machine = programs.bare.machine
    machine.is_root = False
    options = parser("install").parse_args(ANSWERS)
    with pytest.raises(Refused, match="only root can do this: sudo "):
        install(options, machine, Release(programs.source), Journal(print, None, ""), None)


def test_a_python_that_the_services_user_may_not_run(programs: Programs) -> None:
    python = programs.bare.put("root/python/bin/python3", "")
    python.chmod(0o755)
    (programs.bare.root / "root").chmod(0o700)
    said = refused(programs, *ANSWERS, "--python", "/root/python/bin/python3")
    assert "the service's user may not run it, as /root is closed to other users: use the system's" in said


def test_a_release_that_is_not_whole(programs: Programs) -> None:
    (programs.source / "requirements.lock").unlink()
    assert "it has no requirements.lock: unpack the archive again" in refused(programs, *ANSWERS)


def test_certificates_that_are_none(programs: Programs) -> None:
    missing = refused(
        programs, *ANSWERS, "--certificate", "/etc/ssl/none.pem", "--certificate-key", "/etc/ssl/none.key"
    )
    assert "--certificate /etc/ssl/none.pem: there is no such file" in missing
    programs.bare.put("etc/ssl/certs/blocks.example.edu.pem", "nothing")
    assert "they are not a certificate and its key in PEM form" in refused(programs, *ANSWERS)


def test_a_certificate_that_nobody_named(programs: Programs) -> None:
    (programs.bare.root / "etc/ssl/certs/blocks.example.edu.pem").unlink()
    assert "--certificate is missing: the file of the TLS certificate" in refused(programs, *ANSWERS)


def test_a_database_server_that_cannot_be_reached(programs: Programs) -> None:
    programs.bare.unreachable = {"db.example.edu"}
    said = refused(programs, *replaced("--database-server", "db.example.edu"))
    assert "the database server db.example.edu:3306 cannot be reached (connection refused)" in said


def test_an_upgrade_is_not_an_installation(installed: Programs, tmp_path: Path) -> None:
    newer = release(tmp_path / "blockalloc-0.3.0", "0.3.0")
    before = installed.bare.picture()
    assert installed.install(source=newer) == REFUSED
    assert f"{newer}/bin/upgrade {newer}" in installed.said
    assert installed.bare.picture() == before


def test_a_database_url_that_is_none_is_not_quoted(programs: Programs) -> None:
    programs.bare.put("etc/blockalloc/blockalloc.env", "DATABASE_URL=postgres://me:secret@host/x\n")
    said = refused(programs, *ANSWERS)
    assert "/etc/blockalloc/blockalloc.env: DATABASE_URL is not mysql://" in said
    assert "secret" not in said
