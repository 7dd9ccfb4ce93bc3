"""Rights of database accounts: what `print_grants` asks for, compared with what an account has."""

import re
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence, Set
from dataclasses import dataclass

Rights = Mapping[str, Set[str]]  # by what they are on: "vcl.computer", "vcl.*", "*.*"

_STATEMENT = re.compile(r"^\s*GRANT\s+(.+?)\s+ON\s+(?:TABLE\s+)?(\S+)\s+TO\s+(\S+?);?(?:\s|$)", re.MULTILINE)
_EVERYTHING = "ALL PRIVILEGES"


@dataclass(frozen=True, slots=True)
class Grant:
    """One GRANT statement: rights on one table, or on all of a database."""

    rights: frozenset[str]
    on: str  # as in the statement, quoted
    to: str

    @property
    def place(self) -> str:
        """What it is on, unquoted: `vcl.computer`."""
        return self.on.replace("`", "").replace("\\", "")

    def sql(self, *, before_the_table: bool = False) -> Iterator[str]:
        """The statements.

        A right on a table that does not exist yet can be granted only together with CREATE, which is then taken away.
        """
        words = ", ".join(sorted(self.rights))
        if not before_the_table:
            yield f"GRANT {words} ON {self.on} TO {self.to};"
            return
        yield f"GRANT CREATE, {words} ON {self.on} TO {self.to};"
        yield f"REVOKE CREATE ON {self.on} FROM {self.to};"


def grants_in(text: str) -> Sequence[Grant]:
    """The GRANT statements of a text: what `print_grants` or SHOW GRANTS prints."""
    return [
        Grant(frozenset(word.strip().upper() for word in match[1].split(",")), match[2], match[3])
        for match in _STATEMENT.finditer(text)
    ]


def rights_in(grants: Sequence[Grant]) -> Rights:
    """The rights of all statements together."""
    rights: defaultdict[str, set[str]] = defaultdict(set)
    for grant in grants:
        rights[grant.place] |= grant.rights - {"USAGE"}
    return rights


def missing(needed: Sequence[Grant], present: Rights) -> Sequence[Grant]:
    """The statements whose rights an account does not have, neither on the table nor on the whole database."""
    return [grant for grant in needed if not _is_covered(grant, present)]


def _is_covered(grant: Grant, present: Rights) -> bool:
    database = grant.place.partition(".")[0]
    have: set[str] = set()
    for place in (grant.place, f"{database}.*", "*.*"):
        have |= present.get(place, set())
    return _EVERYTHING in have or grant.rights <= have


def tables_of(grants: Sequence[Grant]) -> Set[str]:
    """The single tables that statements are about."""
    return {grant.place for grant in grants if not grant.place.endswith("*")}
