"""The settings file, which the service itself reads, and which a unit of systemd may read too (EnvironmentFile=).

The two readers, python-dotenv and systemd's, agree on plain lines only. A line that they would read differently, or
that one of them would silently drop, is refused: otherwise the web service and a command in a shell would not have the
same settings.
No message quotes any part of a value, as it may be a password.
"""

import io
import os
import pwd
import re
import stat
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from dotenv import dotenv_values

STANDARD = "/etc/blockalloc/blockalloc.env"
WHICH, DEMO, DEMO_DATABASE = "BLOCKALLOC_ENV", "BLOCKALLOC_DEMO", "BLOCKALLOC_DEMO_DATABASE_URL"
# They decide whether the file counts at all: systemd would pass them on, and the service would read another file.
ENVIRONMENT_ONLY = frozenset({WHICH, DEMO, DEMO_DATABASE})

_BLANK = " \t"
_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_DOUBLE_QUOTED = re.compile(r'"((?:[^"\\]|\\.)*)"(.*)')
_SINGLE_QUOTED = re.compile(r"'([^']*)'(.*)")
_IN_SINGLE_QUOTES = "put the value between single quotes"


@dataclass(frozen=True)
class SettingsFile:
    """The file's contents. `path` is None when no file counts; `problems` says why it can't be used, and what to do."""

    path: Path | None = None
    values: Mapping[str, str] = field(default_factory=dict)
    problems: tuple[str, ...] = ()
    is_there: bool = False


def read(named: str | None) -> SettingsFile:
    """Read the file that BLOCKALLOC_ENV names: None means the standard one, which need not be there, "" none."""
    if named == "":
        return SettingsFile()
    path = Path(named or STANDARD)
    if not path.is_absolute():
        return SettingsFile(path, problems=(f"{WHICH}={named}: give the whole path, beginning with /",))
    try:
        # Opening a pipe would wait for a writer.
        if not stat.S_ISREG(path.stat().st_mode):
            return SettingsFile(path, problems=(f"{path} is not a plain file: name one{_or_none()}",), is_there=True)
        content = path.read_bytes()
    except FileNotFoundError:
        if named is None:
            return SettingsFile(path)
        missing = f"{WHICH} names {path}, which is not there: correct the name{_or_none()}"
        return SettingsFile(path, problems=(missing,))
    except PermissionError:
        return SettingsFile(path, problems=(_denied(path),), is_there=True)
    except OSError as error:
        return SettingsFile(
            path, problems=(f"{path} cannot be read ({error.strerror}): correct that{_or_none()}",), is_there=True
        )
    return parse(content, path)


def parse(content: bytes, path: Path) -> SettingsFile:
    """The settings in `content`. Refused lines become problems with their line numbers; the others still count."""
    try:
        text = content.decode()
    except UnicodeDecodeError as error:
        bad = content.count(b"\n", 0, error.start) + 1
        return SettingsFile(path, problems=(f"{path}:{bad}: not UTF-8: save the file in that encoding",), is_there=True)
    values: dict[str, str] = {}
    problems = []
    for number, line in enumerate(text.split("\n"), 1):
        refusal = _refusal(line) or _twice(line, values)
        if refusal:
            problems.append(f"{path}:{number}: {refusal}")
        elif _is_assignment(line):
            values |= _values(line)
    return SettingsFile(path, values, tuple(problems), is_there=True)


def _values(line: str) -> dict[str, str]:
    # A line by itself: no value continues in the next one.
    values = dotenv_values(stream=io.StringIO(line), interpolate=False)
    return {name: value or "" for name, value in values.items()}


# --- A file that cannot be read ---------------------------------------------------------------
def _or_none() -> str:
    return f", or set {WHICH} to nothing to go without a file"


def _denied(path: Path) -> str:
    """What to do about a file that this process may not read, or whose folder it may not enter."""
    try:
        path.stat()
        may_not = f"read {path}"
    except PermissionError:
        may_not = f"enter the folder of {path}"
    who = process_user()
    return (
        f"this process runs as {who}, who may not {may_not}: run it as root or as the service's own user "
        f"(sudo -u blockalloc …), or give that user the right to (by a group: chgrp, chmod 640){_or_none()}"
    )


def process_user() -> str:
    """The name of the user that this process runs as."""
    try:
        return pwd.getpwuid(os.geteuid()).pw_name
    except KeyError:
        return f"user id {os.geteuid()}"


# --- Lines that are refused -------------------------------------------------------------------
def _is_assignment(line: str) -> bool:
    return bool(line.strip(_BLANK)) and not line.lstrip(_BLANK).startswith("#")


def _refusal(line: str) -> str:
    """What is wrong with a line, and what to write instead; "" when it is fine."""
    return next(_refusals(line), "")


def _refusals(line: str) -> Iterator[str]:
    yield from _odd_characters(line)
    if not _is_assignment(line):
        if line.endswith("\\"):
            yield "a comment ending in a backslash continues on the next line in some versions of systemd: remove it"
        return
    name, equals, value = line.partition("=")
    if line.lstrip(_BLANK).startswith(";"):
        yield "a comment begins with #, not with ;"
    if re.match(r"[ \t]*export[ \t]", line):
        yield "write NAME=value, without export"
    if not equals:
        yield "there is no = in this line: write NAME=value; a value ends on its own line, a comment begins with #"
    name = name.strip(_BLANK)
    if not _NAME.fullmatch(name):
        yield "the text before = is not a name: use letters, digits and _, with no digit first and no quotes"
    if name in ENVIRONMENT_ONLY:
        yield f"{name} counts in the environment only, as it decides whether this file counts: remove the line"
    yield from (f"{name}: {refusal}" for refusal in _refusals_of_value(value, value.strip(_BLANK)))


def _odd_characters(line: str) -> Iterator[str]:
    if line.endswith("\r"):
        yield "the line has a Windows line ending: save the file with Unix line endings"
    for character in line:
        code = ord(character)
        if character == "\ufeff":
            yield "there is a byte order mark (U+FEFF): save the file as UTF-8 without it"
        elif (code < 32 and character != "\t") or 127 <= code < 160:
            yield f"there is a control character (U+{code:04X}): remove it"
        elif character.isspace() and character not in _BLANK:
            yield f"there is a character that looks like a space but is none (U+{code:04X}): write a plain space"
        elif code & 0xFFFE == 0xFFFE or 0xFDD0 <= code <= 0xFDEF:
            yield f"U+{code:04X} is not a character: remove it"


def _refusals_of_value(raw: str, value: str) -> Iterator[str]:
    if value.startswith('"'):
        yield from _refusals_of_double_quoted(value)
    elif value.startswith("'"):
        yield from _refusals_of_single_quoted(value)
    else:
        if "\\" in value:
            yield f"a backslash without quotes, {_IN_SINGLE_QUOTES}"
        if re.search(r"[ \t]#", raw):
            yield "a comment cannot follow a value: put it on a line of its own, or the whole value between quotes"
        if "'" in value or '"' in value:
            yield "a quote inside the value: put the whole value between quotes of the other kind"


def _refusals_of_double_quoted(value: str) -> Iterator[str]:
    match = _DOUBLE_QUOTED.fullmatch(value)
    if not match:
        yield 'the closing " is missing: a value ends on its own line, and a " within it is written \\"'
        return
    yield from _text_after(match[2])
    if re.search(r'\\[^"\\]', re.sub(r"\\\\", "", match[1])):
        yield f'between double quotes a backslash may only come before " or \\, {_IN_SINGLE_QUOTES}'


def _refusals_of_single_quoted(value: str) -> Iterator[str]:
    match = _SINGLE_QUOTED.fullmatch(value)
    if not match:
        yield "the closing ' is missing: a value ends on its own line"
        return
    yield from _text_after(match[2])
    if "\\\\" in match[1] or match[1].endswith("\\"):
        yield (
            "two backslashes in a row, or one at the end: put the value between double quotes and write each backslash "
            "twice"
        )


def _text_after(text: str) -> Iterator[str]:
    if text.strip(_BLANK):
        yield (
            "there is text after the closing quote: put the whole value between quotes of a kind that it does not "
            "contain, and a comment on a line of its own"
        )


def _twice(line: str, values: Mapping[str, str]) -> str:
    name = line.partition("=")[0].strip(_BLANK)
    return f"{name} is set twice in this file: remove one of the lines" if name in values else ""
