"""Settings from the environment and from the settings file: one small reader for each kind of value.

The environment overrides the file. Each reader notes the value in force and its source. A value that cannot be used
is noted as a problem, and the default is taken: `refuse_problems` stops the start with all problems at once.
"""

import functools
import ipaddress
import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import TypeVar

from django.core.exceptions import ImproperlyConfigured

from vclsite import settings_file
from vclsite.settings_file import SettingsFile

_TRUE = {"1", "true", "yes", "on"}
_FALSE = {"0", "false", "no", "off", ""}
T = TypeVar("T")
_EXAMPLE = "DATABASE_URL=mysql://user:password@db.example.edu/vcl"


class Source(StrEnum):
    """Where the value of a setting comes from."""

    ENVIRONMENT = "environment"
    FILE = "file"
    DEFAULT = "default"
    DEMO = "demo site"


@dataclass(frozen=True, slots=True)
class Setting:
    """A setting as it is in force; a value may be a secret."""

    name: str
    value: str
    source: Source


_in_force: dict[str, Setting] = {}
_problems: dict[str, str] = {}  # by setting: reading a setting again replaces its problem
_tolerant = False


# --- Values -----------------------------------------------------------------------------------
def text(name: str, default: str) -> str:
    """The value of setting `name`, without surrounding white space; `default` when unset."""
    value = _given(name)
    return _note(name, default) if value is None else value.strip()


def flag(name: str, *, default: bool) -> bool:
    """A yes/no setting. One that is neither is a problem."""
    value = _given(name)
    if value is None:
        _note(name, str(int(default)))
        return default
    word = value.strip().lower()
    if word not in _TRUE | _FALSE:
        problem(name, f"{name}={value!r}: use 1 or 0 (also yes/no, true/false, on/off)")
        return default
    return word in _TRUE


def whole_number(name: str, default: int, *, low: int, high: int) -> int:
    """A whole number between `low` and `high`. Anything else is a problem."""
    value = _given(name)
    if value is None:
        _note(name, str(default))
        return default
    try:
        number = int(value)
    except ValueError:
        number = None
    if number is None or not low <= number <= high:
        problem(name, f"{name}={value!r}: use a whole number from {low} to {high}")
        return default
    return number


def share(name: str, default: float, *, low: float, high: float) -> float:
    """A share as a decimal number (0.95 for 95 %) between `low` and `high`. Anything else is a problem."""
    value = _given(name)
    if value is None:
        return float(_note(name, str(default)))
    try:
        number = float(value) if value.isascii() else None
    except ValueError:
        number = None
    if number is None or not low <= number <= high:
        problem(name, f"{name}={value!r}: use a share from {low} to {high}, such as {default} for {default:.0%}")
        return default
    return number


def one_of(name: str, default: str, *others: str) -> str:
    """One of several words: `default` or one of `others`. Any other word is a problem."""
    value = _given(name)
    if value is None:
        return _note(name, default)
    word = value.strip().lower()
    if word not in {default, *others}:
        problem(name, f"{name}={value!r}: use {' or '.join([default, *others])}")
        return default
    return word


def words(name: str, default: str) -> list[str]:
    """A list separated by commas; empty entries are dropped."""
    return [word.strip() for word in text(name, default).split(",") if word.strip()]


def networks(name: str, default: str = "") -> list[str]:
    """Addresses and networks (10.1.2.3, 10.1.2.0/24) separated by commas. Others are a problem."""
    usable = []
    for word in words(name, default):
        try:
            ipaddress.ip_network(word)
        except ValueError:
            problem(name, f"{name}: {word!r}: use addresses such as 10.1.2.3 or 10.1.2.0/24")
        else:
            usable.append(word)
    return usable


def database_url(demo: str) -> str:
    """DATABASE_URL. The demo site's is BLOCKALLOC_DEMO_DATABASE_URL, `demo` when that is unset.

    There is no other default: "" is a problem.
    """
    name = "DATABASE_URL"
    if is_demo():
        return _note(name, os.environ.get(settings_file.DEMO_DATABASE, "").strip() or demo, Source.DEMO)
    url = text(name, "")
    if not url and not file().problems:
        problem(name, f"no database is named: {name} {_where_not(name)}. {_how_to_name_a_database()}")
    return url


def database_setting() -> str:
    """The name of the setting that says which database is used."""
    return settings_file.DEMO_DATABASE if is_demo() else "DATABASE_URL"


def _where_not(name: str) -> str:
    path, source = file().path, _in_force[name].source
    if source is not Source.DEFAULT:
        return f"is empty in the {source}"
    if path is None:
        return "is not in the environment, and no settings file is read"
    where = f"not in {path}" if file().is_there else f"there is no file {path}"
    return f"is not in the environment, and {where}"


def _given(name: str) -> str | None:
    """The setting's value in the environment or the file; None when neither has one. Notes the source."""
    _problems.pop(name, None)
    for source, values in ((Source.ENVIRONMENT, os.environ), (Source.FILE, file().values)):
        if (value := values.get(name)) is not None:
            return _note(name, value, source)
    return None


def _note(name: str, value: str, source: Source = Source.DEFAULT) -> str:
    _in_force[name] = Setting(name, value, source)
    return value


# --- The demo site and the file ---------------------------------------------------------------
def is_demo() -> bool:
    """Whether BLOCKALLOC_DEMO asks for the demo site: then neither the file nor DATABASE_URL counts."""
    value = os.environ.get(settings_file.DEMO, "").strip().lower()
    if value not in _TRUE | _FALSE:
        problem(settings_file.DEMO, f"{settings_file.DEMO}={value!r}: use 1 for the demo site, or unset it")
    return value in _TRUE


@functools.cache
def file() -> SettingsFile:
    """The settings file of this process, read once."""
    return file_as_it_is()


def file_as_it_is() -> SettingsFile:
    """The same file, read now: what the next process would begin with."""
    return SettingsFile() if is_demo() else settings_file.read(os.environ.get(settings_file.WHICH))


# --- What was read, and what is wrong ---------------------------------------------------------
def in_force() -> Sequence[Setting]:
    """All settings that have been read so far, in the order in which they were read first."""
    return list(_in_force.values())


def problem(name: str, what: str) -> None:
    """Note that a setting cannot be used. `what` names it, says what would be right, and contains no secret."""
    _problems[name] = what


def checked(name: str, read: Callable[[], T], otherwise: T) -> T:
    """The result of `read`; `otherwise`, with the problem noted, when it raises ImproperlyConfigured."""
    try:
        return read()
    except ImproperlyConfigured as error:
        problem(name, str(error))
        return otherwise


def problems() -> list[tuple[str, str]]:
    """All problems with the file and with settings that were read, each with the setting's name ("" without one).

    If the file has problems, the last of them ends with how to name a database: that line may be the one refused.
    """
    of_file = [("", what) for what in file().problems]
    if of_file:
        of_file[-1] = ("", f"{of_file[-1][1]}. {_how_to_name_a_database()}")
    return of_file + list(_problems.items())


def is_usable(name: str) -> bool:
    """Whether a setting was read and nothing is wrong with it."""
    return bool(_in_force[name].value) and name not in _problems


def tolerate_problems() -> None:
    """From now on, start in spite of problems: for a command that reports them."""
    global _tolerant
    _tolerant = True


def refuse_problems() -> None:
    """Raise ImproperlyConfigured with all problems, unless problems are tolerated."""
    all_problems = problems()
    if all_problems and not _tolerant:
        raise ImproperlyConfigured("\n".join(what for _name, what in all_problems))


def _how_to_name_a_database() -> str:
    return (
        f"Name the database by a line such as {_EXAMPLE} in {file().path or settings_file.STANDARD}, or by that "
        f"variable in the environment; for the demo site set {settings_file.DEMO}=1 (docs/settings.md)"
    )
