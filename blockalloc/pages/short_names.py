"""Host names as pages show them: without the site's domain, which says nothing where nearly all have it."""

import time
from collections import Counter
from dataclasses import dataclass

from blockalloc.models import Computer

_SECONDS = 600  # for so long a process remembers the site's domain


@dataclass(frozen=True, slots=True)
class ShortNames:
    """How host names are shortened: `domain` is that of most of the site's computers, "" for none.

    `taken` has the names without a domain that computers have: another one is not shortened to the same name.
    """

    domain: str
    taken: frozenset[str] = frozenset()

    def of(self, hostname: str) -> str:
        """`cs-04` for `cs-04.example.edu`; a name of another domain, or one that would be another's, as it is."""
        name, _, domain = hostname.partition(".")
        is_of_site = bool(domain) and domain.casefold() == self.domain
        return name if is_of_site and name.casefold() not in self.taken else hostname


_known: tuple[float, ShortNames] | None = None  # with the time of time.monotonic() at which they were read


def short_names() -> ShortNames:
    """How the site's host names are shortened: one statement, and none for ten minutes after it."""
    global _known
    if _known is None or time.monotonic() - _known[0] > _SECONDS:
        _known = (time.monotonic(), _read())
    return _known[1]


def forget() -> None:
    """Read the names anew the next time."""
    global _known
    _known = None


def _read() -> ShortNames:
    names = [name.casefold() for name in Computer.objects.filter(deleted=0).values_list("hostname", flat=True)]
    # An address is no name with a domain.
    domains = Counter(
        domain for name, _, domain in (each.partition(".") for each in names) if domain and not name.isdecimal()
    )
    domain = max(domains, key=lambda each: (domains[each], each), default="")
    return ShortNames(domain, frozenset(name for name in names if "." not in name))
