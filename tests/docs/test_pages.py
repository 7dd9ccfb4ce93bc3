"""The pages for operators: links lead somewhere, commands are well-formed and are those that there are."""

import re
import shlex
import subprocess
from pathlib import Path

import pytest
from django.core.management import get_commands, load_command_class

from blockalloc.version import VERSION
from installer.cli import parser
from installer.database_url import DatabaseUrl
from installer.inputs import Config
from installer.release import Release
from installer.steps import system
from tests.support.pages import anchors
from tests.support.servers.own_process import ROOT
from vclsite import settings_file

pytestmark = [pytest.mark.no_database, pytest.mark.once(on="sqlite")]

PAGES = [*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md")]
README = (ROOT / "README.md").read_text()
OPERATORS = [
    "api.md",
    "by-hand.md",
    "check_vcl.md",
    "installation.md",
    "monitoring.md",
    "operate.md",
    "readiness.md",
    "settings.md",
    "staff.md",
    "troubleshooting.md",
]


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_no_conflict_of_a_merge_is_left(page: Path) -> None:
    assert not re.search(r"^(<{7}|={7}|>{7})( |$)", page.read_text(), re.MULTILINE)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_links_lead_somewhere(page: Path) -> None:
    for link in re.findall(r"\]\(([^)\s]+)\)", page.read_text()):
        if "://" in link:
            continue
        name, _, anchor = link.partition("#")
        target = page.parent / name if name else page
        assert target.exists(), link
        assert not anchor or anchor in anchors(target), link


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_pictures_are_there(page: Path) -> None:
    """Those that are HTML, because they have another one for people who want no motion."""
    for name in re.findall(r'<(?:img|source)[^>]* src(?:set)?="([^"]+)"', page.read_text()):
        assert (page.parent / name).exists(), name


def test_what_moves_has_a_picture_that_stands_still() -> None:
    (still,) = re.findall(r'<source media="\(prefers-reduced-motion: reduce\)" srcset="(\S+)">', README)
    (moving,) = re.findall(r'<img src="(\S+)"', README)
    assert b"acTL" in (ROOT / moving).read_bytes()[:100]
    for name in (still, moving):
        assert (ROOT / name).stat().st_size < 1_000_000


def blocks(page: str) -> list[str]:
    """What a page shows of the shell."""
    return re.findall(r"^```sh\n(.*?)^```", (ROOT / "docs" / page).read_text(), re.MULTILINE | re.DOTALL)


@pytest.mark.parametrize("page", OPERATORS)
def test_commands_are_well_formed(page: str) -> None:
    for block in blocks(page):
        done = subprocess.run(["bash", "-n"], input=block, capture_output=True, text=True, check=False)
        assert (done.returncode, done.stderr) == (0, ""), block


def commands_of_ours(page: str) -> list[str]:
    """What a page says after `manage.py`, or after the command `blockalloc` of an installed site."""
    text = (ROOT / "docs" / page).read_text()
    return re.findall(
        r"(?:\bmanage\.py|(?:^|[`(]|\b(?:sudo|root|or) |&& )blockalloc) ([a-z_]+(?: --?[^\n`|&#]*)?)(?=[\n`|&#]| 2>)",
        re.sub(r" +#.*$", "", text, flags=re.MULTILINE),
        re.MULTILINE,
    )


@pytest.mark.parametrize("page", OPERATORS)
def test_commands_of_ours_have_these_options(page: str) -> None:
    names = get_commands()
    for line in set(commands_of_ours(page)) - {"help"}:  # Django has no class for that one
        name, *arguments = shlex.split(re.sub(r"\bN\b", "1", line))
        parser = load_command_class(names[name], name).create_parser("manage.py", name)
        parser.parse_args(arguments)  # ends the test when they are others


@pytest.mark.parametrize("page", OPERATORS)
def test_nothing_is_left_to_be_written(page: str) -> None:
    text = (ROOT / "docs" / page).read_text()
    assert re.findall(r"^[A-Z]{4,}$|\b(?:TODO|FIXME|TBD)\b", text, re.MULTILINE) == []
    assert re.findall(r"^(#+ .*)\n+(?=## )", text, re.MULTILINE) == [], "a heading without a text"


def test_both_ways_to_write_a_command_are_found() -> None:
    assert "allocate_block --block-time 4711" in commands_of_ours("troubleshooting.md")
    assert "check_vcl --kind wrong_time_zone wrong_clock" in commands_of_ours("troubleshooting.md")
    assert "check_settings" in commands_of_ours("settings.md")


@pytest.mark.parametrize("page", OPERATORS)
def test_the_programs_of_the_installation_have_these_options(page: str) -> None:
    for line in "".join(blocks(page)).replace("\\\n", " ").splitlines():
        if match := re.match(r"(?:\S*/)?bin/(install|upgrade|uninstall)\b(.*)", line):
            parser(match[1]).parse_args(shlex.split(match[2]))  # ends the test when they are others


def test_every_option_that_is_described_is_one() -> None:
    text = "".join((ROOT / "docs" / page).read_text() for page in ("installation.md", "operate.md"))
    told = set(re.findall(r"`(--[a-z-]+)", text)) - {"--block-time", "--explain"}
    programs = [parser(name) for name in ("install", "upgrade", "uninstall")]
    options = {word for each in programs for action in each._actions for word in action.option_strings}
    of_others = {"--yes", "--repair", "--single-transaction", "--host", "--loop", "--days", "--json", "--forecast"}
    assert told <= options | of_others
    not_told = {"-h", "--help", "--instead-of", "--python", "--any-system"}
    assert options - set(re.findall(r"--[a-z-]+", text)) == not_told - {"--help"}


def test_what_the_programs_refer_to_is_there() -> None:
    told = [
        found
        for path in (ROOT / "installer").rglob("*.py")
        for found in re.findall(r"docs/([\w-]+\.md)(?:#([\w-]+))?", path.read_text())
    ]
    assert told
    for page, anchor in told:
        assert not anchor or anchor in anchors(ROOT / "docs" / page), (page, anchor)
        assert (ROOT / "docs" / page).exists(), page


def test_what_is_done_by_hand_is_what_the_units_need() -> None:
    by_hand = "".join(blocks("by-hand.md"))
    units = {path.name: path.read_text() for path in (ROOT / "deploy" / "systemd").iterdir()}
    values = dict(re.findall(r"^(\w+)=(.+)$", units["blockalloc.service"], re.MULTILINE))
    assert f"ln -sfn releases/{VERSION} {values['WorkingDirectory']}\n" in by_hand
    assert f" {values['User']}\n" in by_hand.partition("useradd ")[2]
    assert f"cat >{settings_file.STANDARD} <<" in by_hand
    for command in ("enable --now", "disable --now"):
        named = " ".join(re.findall(rf"systemctl {command} (.*)", by_hand)).split()
        assert set(named) == {name for name, text in units.items() if "\n[Install]\n" in text}


def test_packages_by_hand_are_those_of_the_installation() -> None:
    match = re.search(r"^apt-get install (.*)$", "".join(blocks("by-hand.md")), re.MULTILINE)
    assert match is not None
    step = system.packages(Config(Release(ROOT), "", DatabaseUrl("localhost", "vcl"), "", ""))
    assert set(match[1].split()) == set(step.title.partition(": ")[2].split(", "))
