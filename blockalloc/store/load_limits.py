"""How many computers a management node loads by xCAT at a time, by rows of VCL's table `variable`.

vcld looks for the row of its own node by two names, then for that of all nodes, and takes the first value that is
neither "" nor "0". If that is no whole number, or if there is none, the limit is 10. A value that PHP has serialized
can't be read by vcld, which then behaves as if there were no such row.
"""

import re
from collections.abc import Iterable, Iterator, Mapping
from typing import NamedTuple

USUAL = 10  # loads at a time
NAMES = ("xcat|throttle", "xcat|throttle|%", "%|xcat|throttle")  # of the rows, for LIKE
MOST_OF_VALUE = 100  # characters that have to be read of a value: a longer one is no number
_OF_ALL = "xcat|throttle"
_YAML_SCALAR = re.compile(r"(?:---)?\s*(['\"]?)([^'\"\n]*)\1\s*(?:\.\.\.)?\s*")


class Variable(NamedTuple):
    """A row of `variable`: `serialization` is `none`, `yaml` or `phpserialize`."""

    name: str
    serialization: str
    value: str


class Problem(NamedTuple):
    """A row that sets no limit, though somebody meant it to: what is wrong with it, and what would be right."""

    name: str
    text: str


class Limits:
    """The limits that rows of `variable` set."""

    def __init__(self, variables: Iterable[Variable]) -> None:
        self._variables: Mapping[str, Variable] = {_key(row.name): row for row in variables}

    def of(self, hostname: str) -> int:
        """The loads at a time of the management node with this name (`managementnode.hostname`)."""
        for name in _names(hostname):
            row = self._variables.get(_key(name))
            value = _text(row) if row else None
            if value not in (None, "", "0"):
                return _number(value) or USUAL
        return USUAL

    def problems(self, hostnames: Iterable[str]) -> Iterator[Problem]:
        """What is wrong with the rows, on a site with these management nodes."""
        known = {_key(name) for hostname in hostnames for name in _names(hostname)}
        for key, row in sorted(self._variables.items()):
            if key not in known and key != _OF_ALL:
                text = "names no management node: write the node's hostname as in the table managementnode"
                yield Problem(row.name, text)
                continue
            value = _text(row)
            if value is None:
                text = "is serialized by PHP, which vcld can't read: write a whole number, with serialization none"
                yield Problem(row.name, text)
            elif value not in ("", "0") and not _number(value):
                text = f"is {row.value[:MOST_OF_VALUE]!r}, so that vcld takes {USUAL}: write a whole number above 0"
                yield Problem(row.name, text)


def _names(hostname: str) -> tuple[str, ...]:
    return f"{_OF_ALL}|{hostname}", f"{hostname}|{_OF_ALL}", _OF_ALL


def _key(name: str) -> str:
    """A name as VCL's collation compares it."""
    return name.rstrip(" ").lower()


def _text(row: Variable) -> str | None:
    """The value as vcld has it; None where it has none."""
    if row.serialization == "phpserialize":
        return None
    if row.serialization == "yaml" and (scalar := _YAML_SCALAR.fullmatch(row.value)):
        return scalar[2].strip()
    return row.value


def _number(value: str | None) -> int:
    """A whole number above 0; 0 for anything else."""
    return int(value) if value and re.fullmatch(r"[0-9]{1,9}\n?", value) else 0
