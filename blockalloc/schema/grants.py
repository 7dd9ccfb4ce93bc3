"""The statements that grant and revoke rights. Names are checked, and quoted for the server."""

import re
from collections.abc import Iterator
from dataclasses import dataclass

from blockalloc.schema.rights import Purpose, Right, needed, revocable

# What needs no second thought between quotes; accounts and databases have no other names in practice.
_NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.$-]*")
_HOST = re.compile(r"[A-Za-z0-9_.%:-]+(/[0-9.]+)?")
_LONGEST_ACCOUNT, _LONGEST_HOST, _LONGEST_DATABASE = 80, 60, 64  # characters, in every MariaDB


@dataclass(frozen=True, slots=True)
class Account:
    """An account of the database server: a name, and the pattern of the hosts that it connects from."""

    name: str
    host: str

    def __str__(self) -> str:
        return f"'{self.name}'@'{self.host}'"


def account_name(text: str) -> str:
    """The name as it is. Raises ValueError for one that is not made of letters, digits and _.$-, or too long."""
    return _checked(text, _NAME, _LONGEST_ACCOUNT, "letters, digits, _ . $ and -")


def host_pattern(text: str) -> str:
    """The pattern as it is, such as 10.0.0.%. Raises ValueError for what is no name, address, network or pattern."""
    return _checked(text, _HOST, _LONGEST_HOST, "a name, an address, or a pattern with % such as 10.0.0.%")


def database_name(text: str) -> str:
    """The name as it is. Raises ValueError for one that is not made of letters, digits and _.$-, or too long."""
    name = _checked(text, _NAME, _LONGEST_DATABASE, "letters, digits, _ $ and -")
    if "." in name:
        raise ValueError(f"{text!r} has a dot: use letters, digits, _ $ and -")
    return name


def grants(purpose: Purpose, account: Account, database: str) -> Iterator[str]:
    """One statement for each table."""
    for right in needed(purpose):
        yield f"GRANT {', '.join(right.privileges)} ON {_object(right, database)} TO {account};"


def revocations(purpose: Purpose, account: Account, database: str) -> Iterator[str]:
    """One statement for each table. The server refuses one for a right that it never granted (error 1147)."""
    for right in revocable(purpose):
        yield f"REVOKE {', '.join(right.privileges)} ON {_object(right, database)} FROM {account};"


def _object(right: Right, database: str) -> str:
    if right.table:
        return f"`{database}`.`{right.table}`"
    # For rights on a whole database its name is a pattern, in which _ stands for any character.
    pattern = database.replace("_", r"\_")
    return f"`{pattern}`.*"


def _checked(text: str, form: re.Pattern[str], longest: int, right: str) -> str:
    if not form.fullmatch(text):
        raise ValueError(f"{text!r}: use {right}")
    if len(text) > longest:
        raise ValueError(f"{text!r} is too long: use at most {longest} characters")
    return text
