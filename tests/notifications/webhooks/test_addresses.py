"""Where webhooks may be, and look-ups of names that go wrong."""

import ipaddress
import socket
import threading
import time
from collections.abc import Callable
from typing import Any

import pytest

from blockalloc.notifications.webhooks.addresses import NoAddress, addresses_of, is_inside, is_never_allowed

pytestmark = [pytest.mark.no_database, pytest.mark.once(on="mariadb")]

OUTSIDE = ["93.184.216.34", "8.8.8.8", "2606:2800:220:1::1", "::ffff:8.8.8.8", "64:ff9b::808:808", "2002:808:808::1"]
INSIDE = [
    *("127.0.0.1", "127.8.8.8", "10.0.0.5", "172.16.0.1", "172.31.255.255", "192.168.1.1", "100.64.0.1"),
    *("192.0.0.8", "192.0.2.1", "198.18.0.1", "203.0.113.9", "192.88.99.1"),
    *("::1", "fc00::1", "fd12:3456::1", "fec0::1", "2001:db8::1", "::7f00:1", "64:ff9b:1::1"),
    *("::ffff:127.0.0.1", "::ffff:10.0.0.5", "64:ff9b::a00:5", "2002:7f00:1::1", "2002:a00:5::"),
]
NEVER = [
    *("0.0.0.0", "0.1.2.3", "169.254.169.254", "224.0.0.1", "239.1.1.1", "240.0.0.1", "255.255.255.255"),  # noqa: S104
    *("168.63.129.16", "192.0.0.192", "100.100.100.200", "::", "fe80::1", "ff02::1", "fd00:ec2::254"),
    *("::ffff:169.254.169.254", "::ffff:0.0.0.0", "64:ff9b::a9fe:a9fe", "2002:a9fe:a9fe::1"),
]


@pytest.fixture
def resolver(monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """Say what the resolver answers: addresses, or what happens instead."""

    def answers(*addresses: str, instead: Callable[[], Any] = lambda: None) -> None:
        def getaddrinfo(_host: str, port: int, **_options: object) -> list[tuple[Any, ...]]:
            instead()
            return [(0, 0, 0, "", (address, port)) for address in addresses]

        monkeypatch.setattr(socket, "getaddrinfo", getaddrinfo)

    return answers


@pytest.mark.parametrize("address", OUTSIDE)
def test_public_addresses(address: str) -> None:
    assert not is_inside(ipaddress.ip_address(address))
    assert not is_never_allowed(ipaddress.ip_address(address))


@pytest.mark.parametrize("address", INSIDE)
def test_addresses_inside(resolver: Callable[..., None], address: str) -> None:
    resolver(address)
    with pytest.raises(NoAddress, match=r"internal network: VCL_WEBHOOK_PRIVATE_ADDRESSES=1"):
        addresses_of("hooks.example.edu", 443, 1, private=False)
    assert addresses_of("hooks.example.edu", 443, 1, private=True) == [address]


@pytest.mark.parametrize("address", [*NEVER, "fe80::1%eth0"])
@pytest.mark.parametrize("private", [False, True])
def test_addresses_that_nothing_allows(resolver: Callable[..., None], address: str, private: bool) -> None:
    resolver(address)
    with pytest.raises(NoAddress, match="where nothing is posted to"):
        addresses_of("hooks.example.edu", 443, 1, private=private)


@pytest.mark.parametrize("host", ["127.1", "0x7f000001", "2130706433", "0177.0.0.1", "localhost", "::ffff:127.0.0.1"])
def test_other_spellings_of_this_host(host: str) -> None:
    with pytest.raises(NoAddress, match="internal network"):
        addresses_of(host, 80, 5, private=False)


def test_one_address_inside_spoils_a_name(resolver: Callable[..., None]) -> None:
    resolver("93.184.216.34", "10.0.0.5")
    with pytest.raises(NoAddress, match=r"leads to 10\.0\.0\.5"):
        addresses_of("hooks.example.edu", 443, 1, private=False)


def test_each_address_comes_once(resolver: Callable[..., None]) -> None:
    resolver("93.184.216.34", "2606:2800:220:1::1", "93.184.216.34")
    assert addresses_of("hooks.example.edu", 443, 1, private=False) == ["93.184.216.34", "2606:2800:220:1::1"]


@pytest.mark.parametrize("host", ["no-such-name.invalid", "a" * 64 + ".example.edu", "x..example.edu"])
def test_names_without_an_address(host: str) -> None:
    with pytest.raises(NoAddress, match="is a name without an address"):
        addresses_of(host, 443, 10, private=False)


def test_a_resolver_that_hangs_hangs_nobody(resolver: Callable[..., None]) -> None:
    answer = threading.Event()
    resolver("93.184.216.34", instead=answer.wait)
    begun = time.monotonic()
    for _ in range(4):
        with pytest.raises(NoAddress, match=r"was not looked up within 0\.05 seconds"):
            addresses_of("hooks.example.edu", 443, 0.05, private=False)
    threads = threading.active_count()
    for _ in range(3):  # no more threads than four
        with pytest.raises(NoAddress, match="other names are still being looked up"):
            addresses_of("hooks.example.edu", 443, 0.05, private=False)
    assert threading.active_count() <= threads
    assert time.monotonic() - begun < 2
    answer.set()
    assert addresses_of("hooks.example.edu", 443, 5, private=False) == ["93.184.216.34"]
