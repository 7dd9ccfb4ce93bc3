"""Lock-out after repeated failures to sign in, over XML-RPC and on the staff pages.

Failures are counted for each pair of user and address and for each address, never for a user alone:
else anybody could lock out the back end. All workers share the counts.

A counter is a set of numbered entries in the cache, one for each failure; an entry's value is the time
at which the failure stops counting. `cache.add` gives a number to one worker only, so nothing gets lost
between workers, as it would with a number that is read and written back. Time is divided into spans as long
as a failure counts, and the span is part of the key: no expired entry is used a second time, so one worker
cannot revive an entry while another one removes it. A success removes the entries that it has read; a
failure at the same moment may be removed with them.
"""

import hashlib
import ipaddress
import logging
import unicodedata
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from django.conf import settings
from django.core.cache import cache
from django.db import DatabaseError

from blockalloc import clock
from blockalloc.measures import sign_ins
from blockalloc.store.cache import shared

log = logging.getLogger(__name__)

_PREFIX, _NAME_LENGTH = "lockout:", 40  # of the keys; characters of the name that follows
_TRIES = 5  # to take an entry that successes at the same moment remove
IPV6_NETWORK_BITS = 64  # the smallest network that a provider's customer gets, to use all addresses in it


@dataclass(frozen=True, slots=True)
class Attempt:
    """An attempt to sign in: user, address, and the failures that counted when it began (key → end in Unix seconds)."""

    realm: str
    user: str
    address: str
    began: int  # Unix seconds
    pair: "_Counter"
    other_pair: "_Counter | None"  # that of another name for perhaps the same account
    place: "_Counter"
    failures: Mapping[str, int]

    @property
    def seconds_to_wait(self) -> int:
        """Seconds for which no credentials are checked; 0 when they may be checked now."""
        pair = seconds_to_wait(self.failures, [*self.pair.keys(self.began), *self._other_keys()], self.began)
        return max(pair, seconds_to_wait(self.failures, self.place.keys(self.began), self.began))

    def failed(self) -> None:
        """Count a failure. Raises DatabaseError when it can't be counted."""
        elsewhere = sum(1 for _ in _among(self.failures, self._other_keys()))
        pair_full = self.pair.add(self.failures, self.began, elsewhere)
        place_full = self.place.add(self.failures, self.began)
        sign_ins.count_failure(self.realm, locks_out=pair_full or place_full)
        if pair_full or place_full:
            whose = f"everybody at {self.address}" if place_full else f"{self.user[:100]!r} at {self.address}"
            count, seconds = settings.VCL_LOCKOUT_FAILURES, settings.VCL_LOCKOUT_SECONDS
            log.warning("lock-out of %s begins: %d failed sign-ins within %d seconds", whose, count, seconds)

    def succeeded(self) -> None:
        """End both counters, but not the other name's. Writes nothing when there was no failure."""
        others = set(self._other_keys())
        if ended := [key for key in self.failures if key not in others]:
            cache.delete_many(ended)

    def _other_keys(self) -> list[str]:
        return list(self.other_pair.keys(self.began)) if self.other_pair else []


def begin(realm: str, user: str, address: str, other_name: str = "") -> Attempt:
    """An attempt of `user` to sign in from `address`. Users of different realms have nothing to do with each other.

    `other_name` may be the same account's: failures with either count together. A success ends those of the name
    that was used; the others may have been meant for somebody else.

    Raises DatabaseError when the failures can't be read.
    """
    now = clock.now()
    place = network_of(address)
    pair, alone = _Counter.of("pair", realm, folded(user), place), _Counter.of("address", place)
    other = _Counter.of("pair", realm, folded(other_name), place) if other_name else None
    entries = cache.get_many([key for counter in (pair, other, alone) if counter for key in counter.keys(now)])
    live = {key: until for key, until in entries.items() if until > now}
    return Attempt(realm, user, address, now, pair, other, alone, live)


def in_force(now: int) -> int:
    """How many lock-outs there are at `now` (Unix seconds): of pairs and of addresses. One statement.

    Not those of an account that has two names, and too many failures only with both of them.
    """
    return shared().full_groups(_PREFIX, _NAME_LENGTH, settings.VCL_LOCKOUT_FAILURES, now)


def seconds_to_wait(failures: Mapping[str, int], keys: Iterable[str], now: int) -> int:
    """Seconds until fewer than VCL_LOCKOUT_FAILURES failures under these keys count; 0 when that is so now."""
    ends = sorted(_among(failures, keys))
    too_many = len(ends) - settings.VCL_LOCKOUT_FAILURES
    return ends[too_many] - now if too_many >= 0 else 0


def refusal(seconds: int) -> str:
    """The text for somebody who is locked out for so many seconds."""
    return f"too many failed sign-ins: try again in {seconds} seconds"


def folded(name: str) -> str:
    """`name` without capitals, accents and variants of letters: equal for names that a database may take for equal."""
    decomposed = unicodedata.normalize("NFKD", name)
    return "".join(letter for letter in decomposed if not unicodedata.combining(letter)).casefold()


def network_of(address: str) -> str:
    """What counts as one address: an IPv4 address, or the /64 network of an IPv6 one."""
    try:
        parsed = ipaddress.ip_address(address)
    except ValueError:  # a Unix socket has none
        return address
    if isinstance(parsed, ipaddress.IPv4Address):
        return str(parsed)
    if parsed.ipv4_mapped:
        return str(parsed.ipv4_mapped)
    return str(ipaddress.ip_network((int(parsed), IPV6_NETWORK_BITS), strict=False))


@dataclass(frozen=True, slots=True)
class _Counter:
    """The failures of one pair or one address."""

    name: str

    @classmethod
    def of(cls, *parts: str) -> "_Counter":
        """The counter of these names, which may be anything, of any length: its keys are made of their hash."""
        # repr() distinguishes ("a", "b") from ("a', 'b",).
        return cls(hashlib.sha256(repr(parts).encode("utf-8", "surrogatepass")).hexdigest()[:_NAME_LENGTH])

    def keys(self, now: int) -> Iterator[str]:
        """All keys of failures that may count now."""
        span = now // settings.VCL_LOCKOUT_SECONDS
        yield from self._keys_of(span - 1)
        yield from self._keys_of(span)

    def add(self, failures: Mapping[str, int], now: int, elsewhere: int = 0) -> bool:
        """Count a failure; returns whether this one filled the counter, with the failures that count `elsewhere`.

        Entries of a span are taken in order, so the number of the entry says how many there are.
        """
        seconds = settings.VCL_LOCKOUT_SECONDS
        span = now // seconds
        before = sum(1 for _ in _among(failures, self._keys_of(span - 1)))
        for number, key in enumerate(self._keys_of(span)):
            if key not in failures and _take(key, now + seconds):
                return elsewhere + before + number + 1 == settings.VCL_LOCKOUT_FAILURES
        return False  # others filled it in the meantime

    def _keys_of(self, span: int) -> Iterator[str]:
        for number in range(settings.VCL_LOCKOUT_FAILURES):
            yield f"{_PREFIX}{self.name}:{span}:{number}"


def _among(failures: Mapping[str, int], keys: Iterable[str]) -> Iterator[int]:
    return (failures[key] for key in keys if key in failures)


def _take(key: str, until: int) -> bool:
    """Whether the entry is ours now; if not, somebody else has it. Raises DatabaseError when nobody has it."""
    for _ in range(_TRIES):  # a success may remove somebody's entry between `add` and `get`
        if cache.add(key, until, timeout=settings.VCL_LOCKOUT_SECONDS):
            return True
        if cache.get(key) is not None:
            return False
    raise DatabaseError("a failed sign-in could not be counted: the cache's table does not take it")
