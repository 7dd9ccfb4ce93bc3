"""The file of settings: what is accepted reads as systemd reads it, everything else is refused with its line."""

import os
import re
import stat
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest
from hypothesis import assume, example, given, settings
from hypothesis import strategies as st

from tests.support.properties import examples
from tests.support.servers import systemd_reader
from tests.support.servers.own_process import ROOT
from vclsite import settings_file

pytestmark = [pytest.mark.no_database, pytest.mark.once(on="sqlite")]

SECRET = "hunter2"


def parsed(content: str | bytes, path: Path = Path("/a.env")) -> settings_file.SettingsFile:
    """What our reader makes of a file."""
    return settings_file.parse(content if isinstance(content, bytes) else content.encode(), path)


def both(content: str, path: Path) -> tuple[dict[str, str], dict[str, str]]:
    """A file that we accept, as we and as systemd read it."""
    path.write_text(content)
    found = settings_file.read(str(path))
    assert found.problems == ()
    return dict(found.values), systemd_reader.load(path)


# --- What is accepted -----------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("line", "value"),
    [
        ("A=plain", "plain"),
        ("  A = plain \t", "plain"),
        ("A=", ""),
        ('A=""', ""),
        ("A=''", ""),
        ("A=two words", "two words"),
        ("A=#hash", "#hash"),
        ("A=a#b", "a#b"),
        ("A='a #b'", "a #b"),
        ('A="a #b" ', "a #b"),
        ("A=100%", "100%"),
        ("A=p@ss=word", "p@ss=word"),
        ("A==", "="),
        ("A=$HOME ${HOME} $(id) $$", "$HOME ${HOME} $(id) $$"),
        ('A="$HOME ${HOME} $(id) `id`"', "$HOME ${HOME} $(id) `id`"),
        ("A='$HOME'", "$HOME"),
        ('A=" spaces "', " spaces "),
        ("A=it", "it"),
        ('A="it\'s"', "it's"),
        ("A='say \"so\"'", 'say "so"'),
        ('A="say \\"so\\""', 'say "so"'),
        ('A="a\\\\"', "a\\"),
        ("A='C:\\new'", "C:\\new"),
        ('A="C:\\\\new"', "C:\\new"),
        ("A=tab\tinside", "tab\tinside"),
        ("A=é€😀", "é€😀"),
        ("A=a;b", "a;b"),
        ("A=mysql://u:p%40%23@db.example.edu:3306/vcl?x=y", "mysql://u:p%40%23@db.example.edu:3306/vcl?x=y"),
    ],
)
@pytest.mark.parametrize("end", ["\n", ""])
def test_a_value_reads_alike(line: str, value: str, end: str, tmp_path: Path) -> None:
    content = f"# a comment, 'with \"quotes\n\n \t\n\t# another\nB=1\n{line}{end}"
    assert both(content, tmp_path / "a.env") == ({"A": value, "B": "1"}, {"A": value, "B": "1"})


_ODD = "ab =#;'\"\\$%@\t\r\n`{}()é\u00a0\u0085\u2028\ufeff\x00\x0b\x1f\x7f\ufdd0\uffff"
_TEXT = st.text(st.sampled_from(_ODD) | st.characters(codec="utf-8"), max_size=12)
_QUOTED = st.builds("{0}{1}{0}".format, st.sampled_from("'\""), st.text(st.sampled_from("ab #$'\"\\\\="), max_size=8))
_NAME = st.sampled_from(["A", "B", "_c9"])
_LINE = st.builds(
    "{}{}{}={}{}{}".format,
    st.sampled_from(["", "", " ", "\t"]),
    _NAME,
    st.sampled_from(["", "", " "]),
    st.sampled_from(["", "", " ", "\t "]),
    _TEXT | _QUOTED | st.text(st.sampled_from("ab #$;='\\"), max_size=8),
    st.sampled_from(["", "", " ", "\t"]),
)
_ANY_LINE = _LINE | st.builds("{}#{}".format, st.sampled_from(["", " ", ";"]), _TEXT) | _TEXT


@settings(max_examples=examples(ci=500, long=20000))
@given(st.lists(_ANY_LINE, min_size=1, max_size=6))
@example(["# ends in a backslash \\", "A=1"])
@example(['A="a\\\\"', 'B="b"'])
@example(["A='", "B='"])
def test_every_file_that_we_accept_is_read_alike(lines: list[str]) -> None:
    content = "\n".join(line for line in lines if not parsed(line).problems)
    found = parsed(content)
    if found.problems:
        assert all("set twice" in problem for problem in found.problems)
        return
    path = Path(os.environ["PYTEST_OWN_DIRECTORY"]) / "any.env"
    path.write_bytes(content.encode())
    assert systemd_reader.load(path) == found.values


@settings(max_examples=examples(ci=300, long=10000))
@given(st.text(st.characters(codec="utf-8", exclude_categories=("Cc", "Cs", "Cn", "Zs", "Zl", "Zp")) | st.just(" ")))
def test_every_value_can_be_written(value: str) -> None:
    assume("\ufeff" not in value)
    escaped = value.replace("\\", "\\\\").replace('"', '\\"')
    path = Path(os.environ["PYTEST_OWN_DIRECTORY"]) / "written.env"
    assert both(f'A="{escaped}"\n', path) == ({"A": value}, {"A": value})


@pytest.fixture(autouse=True)
def _own_directory(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> None:
    """Hypothesis calls a property many times, a fixture's directory is made once: so by its name."""
    monkeypatch.setenv("PYTEST_OWN_DIRECTORY", str(tmp_path_factory.getbasetemp()))


# --- What docs/settings.md and docs/by-hand.md say -------------------------------------------
DOCS = ROOT / "docs"


@pytest.mark.parametrize(
    ("document", "begins", "ends"),
    [("settings.md", "## The file\n\n```sh\n", "```"), ("by-hand.md", "blockalloc.env <<'END'\n", "END\n")],
)
def test_the_files_that_are_shown_read_alike(document: str, begins: str, ends: str, tmp_path: Path) -> None:
    shown = (DOCS / document).read_text().partition(begins)[2].partition(ends)[0]
    ours, of_systemd = both(shown, tmp_path / "a.env")
    assert ours == of_systemd
    assert len(ours) >= 4


def test_what_is_shown_as_refused_is_and_the_other_is_not() -> None:
    table = (DOCS / "settings.md").read_text().partition("| refused | write instead |\n|---|---|\n")[2]
    told = 0
    for row in table.partition("\n\n")[0].splitlines():
        refused, instead = (
            [code for code in re.findall("`([^`]+)`", cell) if "NAME" in code or "comment" in code]
            for cell in row.strip("| ").split(" | ")
        )
        told += len(refused)
        assert all(parsed(line).problems for line in refused), row
        assert not any(parsed(line).problems for line in instead), row
    assert told >= 9


# --- What is refused ------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("line", "told"),
    [
        (f"PW={SECRET} # mine", "PW: a comment cannot follow a value"),
        (f"PW={SECRET}\t#mine", "PW: a comment cannot follow a value"),
        (f"PW= #{SECRET}", "PW: a comment cannot follow a value"),
        (f'PW="{SECRET}" # mine', "text after the closing quote"),
        (f'PW="a"{SECRET}', "text after the closing quote"),
        (f"PW='it's {SECRET}'", "text after the closing quote"),
        (f"PW='a' '{SECRET}'", "text after the closing quote"),
        (f"export PW={SECRET}", "without export"),
        (f"\texport\tPW={SECRET}", "without export"),
        (SECRET, "there is no = in this line"),
        (f"; PW={SECRET}", "begins with #, not with ;"),
        (f"{SECRET}-x=1", "not a name"),
        (f"9{SECRET}=1", "not a name"),
        ("=1", "not a name"),
        (f"'PW'={SECRET}", "not a name"),
        (f'PW="{SECRET}', 'the closing " is missing'),
        (f'PW="{SECRET}\\"', 'the closing " is missing'),
        (f"PW='{SECRET}", "the closing ' is missing"),
        (f"PW={SECRET}\\", "a backslash without quotes"),
        (f"PW={SECRET}\\nx", "a backslash without quotes"),
        (f'PW="{SECRET}\\n"', 'may only come before " or \\'),
        (f'PW="{SECRET}\\$x"', 'may only come before " or \\'),
        (f"PW='{SECRET}\\\\x'", "two backslashes in a row"),
        (f"PW='{SECRET}\\'", "or one at the end"),
        (f"PW={SECRET}'s", "a quote inside the value"),
        (f'PW={SECRET}"', "a quote inside the value"),
        (f"PW={SECRET}\r", "save the file with Unix line endings"),
        (f"PW={SECRET}\x00", "a control character (U+0000)"),
        (f"PW={SECRET}\x1b", "a control character (U+001B)"),
        (f"PW={SECRET}\u00a0#", "looks like a space but is none (U+00A0)"),
        (f"\ufeffPW={SECRET}", "byte order mark"),
        (f"PW={SECRET}\ufdd0", "U+FDD0 is not a character"),
        ("# a comment \\", "a comment ending in a backslash"),
        ("BLOCKALLOC_ENV=/x", "counts in the environment only"),
        ("BLOCKALLOC_DEMO=1", "counts in the environment only"),
        (f"BLOCKALLOC_DEMO_DATABASE_URL={SECRET}", "counts in the environment only"),
        ("OK=2", "OK is set twice"),
    ],
)
def test_a_line_that_is_not_plain_is_refused(line: str, told: str) -> None:
    found = parsed(f"# one\nOK=1\n{line}\nLAST=1")
    (problem,) = found.problems
    assert problem.startswith("/a.env:3: ")
    assert told in problem
    assert SECRET not in problem
    assert found.values == {"OK": "1", "LAST": "1"}  # for a report of all that is wrong


def test_a_value_over_several_lines_is_refused() -> None:
    assert len(parsed(f'A="{SECRET}\n{SECRET}"\n').problems) == 2


def test_a_file_that_is_not_utf_8_is_refused() -> None:
    (problem,) = parsed(b"A=1\nB=\xe9\n").problems
    assert problem == "/a.env:2: not UTF-8: save the file in that encoding"


# --- Files that cannot be read --------------------------------------------------------------------
def test_no_file_is_read_when_the_variable_is_empty() -> None:
    assert settings_file.read("") == settings_file.SettingsFile()


def test_the_standard_file_need_not_be_there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(settings_file, "STANDARD", str(tmp_path / "none" / "a.env"))
    assert settings_file.read(None).problems == ()
    assert not settings_file.read(None).is_there


@pytest.mark.parametrize("make", ["nothing", "folder", "pipe", "behind a file", "circle"])
def test_what_is_named_and_no_file_is_refused(make: str, tmp_path: Path) -> None:
    path = tmp_path / "a.env"
    match make:
        case "folder":
            path.mkdir()
        case "pipe":
            os.mkfifo(path)
        case "behind a file":
            path.touch()
            path /= "a.env"
        case "circle":
            path.symlink_to(path)
    (problem,) = settings_file.read(str(path)).problems
    assert str(path) in problem
    assert "BLOCKALLOC_ENV" in problem


def test_the_whole_path_is_asked_for() -> None:
    (problem,) = settings_file.read("a.env").problems
    assert problem == "BLOCKALLOC_ENV=a.env: give the whole path, beginning with /"


_AS_SOMEBODY_ELSE = """
import os, sys
from vclsite import settings_file
if os.geteuid() == 0:
    os.setgroups([]); os.setgid(65534); os.setuid(65534)
print(settings_file.read(sys.argv[1]).problems)
"""


def problems_of_somebody_else(path: Path) -> str:
    """What is told to a user who may do no more than the modes of files allow: nobody, when this is root."""
    command: Sequence[str] = [sys.executable, "-c", _AS_SOMEBODY_ELSE, str(path)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True, env={"PATH": "/bin"})
    return done.stdout


@pytest.fixture
def open_folder() -> Iterator[Path]:
    """A folder that everybody may enter, unlike those of pytest."""
    with tempfile.TemporaryDirectory() as directory:
        Path(directory).chmod(0o711)
        yield Path(directory)


@pytest.mark.parametrize(("closed", "told"), [("file", "may not read"), ("folder", "may not enter the folder of")])
def test_a_file_that_may_not_be_read_tells_who_may_not(closed: str, told: str, open_folder: Path) -> None:
    folder = open_folder / "etc"
    folder.mkdir()
    path = folder / "a.env"
    path.write_text(f"A={SECRET}\n")
    path.chmod(0 if closed == "file" else 0o644)
    folder.chmod(0o755 if closed == "file" else 0)
    try:
        told_problems = problems_of_somebody_else(path)
    finally:
        folder.chmod(stat.S_IRWXU)
    who = "nobody" if os.geteuid() == 0 else settings_file.process_user()
    assert f"this process runs as {who}, who {told}" in told_problems
    assert str(path) in told_problems
    assert SECRET not in told_problems
