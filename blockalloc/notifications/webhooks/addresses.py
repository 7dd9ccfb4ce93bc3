"""Which addresses may be posted to, and the look-up of a name, which may take no longer than it is given.

A name whose answer is under somebody else's control must not lead to this host or its network: to a database, a
management node, or the address at which a cloud tells its machines their secrets.
"""

import ipaddress
import socket
import threading
from collections.abc import Sequence
from ipaddress import IPv4Address, IPv6Address

Address = IPv4Address | IPv6Address

_LOOK_UPS = 4  # that may be under way in this process

# For nobody's webhook, whatever the settings say: this host by no name of its own, link-local addresses (metadata of
# most clouds), multicast, reserved; and the addresses of clouds' metadata that are elsewhere.
_NEVER = [
    ipaddress.ip_network(text)
    for text in (
        "0.0.0.0/8 169.254.0.0/16 224.0.0.0/4 240.0.0.0/4 168.63.129.16/32 192.0.0.192/32 100.100.100.200/32 "
        "::/128 fe80::/10 ff00::/8 fd00:ec2::/32"
    ).split()
]
# Not said to be inside by `is_global` of every supported Python.
_INSIDE = [ipaddress.ip_network(text) for text in "192.0.0.0/24 192.88.99.0/24 fec0::/10 64:ff9b:1::/48".split()]
_NAT64 = ipaddress.ip_network("64:ff9b::/96")


class NoAddress(Exception):
    """Nothing may be posted there, or nobody knows where it is. The text says why, for people, after the name."""


def addresses_of(host: str, port: int, seconds: float, *, private: bool) -> list[str]:
    """The addresses of a host, all of them allowed; with `private`, those of the own network are.

    A host with one address that is not allowed has none. Raises NoAddress, after `seconds` at the latest.
    """
    found = _look_up(host, port, seconds)
    for text in found:
        address = ipaddress.ip_address(text.partition("%")[0])
        if is_never_allowed(address):
            raise NoAddress(f"leads to {text}, where nothing is posted to")
        if not private and is_inside(address):
            raise NoAddress(
                f"leads to {text}, an address of an internal network: VCL_WEBHOOK_PRIVATE_ADDRESSES=1 allows that"
            )
    return found


def is_inside(address: Address) -> bool:
    """Whether an address is no public one: of this host, of an internal network, of no single host."""
    address = _really(address)
    return (
        not address.is_global
        or address.is_multicast
        or address.is_reserved
        or any(address in network for network in (*_INSIDE, *_NEVER))
    )


def is_never_allowed(address: Address) -> bool:
    """Whether no webhook can be there, even if internal addresses are allowed."""
    address = _really(address)
    return any(address in network for network in _NEVER)


def _really(address: Address) -> Address:
    """The IPv4 address that an IPv6 address leads to; otherwise the address itself."""
    if isinstance(address, IPv6Address):
        if address in _NAT64:
            return IPv4Address(int(address) & 0xFFFFFFFF)
        return address.ipv4_mapped or address.sixtofour or (address.teredo[1] if address.teredo else address)
    return address


_free = threading.BoundedSemaphore(_LOOK_UPS)


def _look_up(host: str, port: int, seconds: float) -> list[str]:
    """What the system's resolver says, which has no time-out that a caller could set, in a thread that may hang."""
    if not _free.acquire(timeout=seconds):
        raise NoAddress("was not looked up: other names are still being looked up")
    answers: list[Sequence[str] | OSError | UnicodeError] = []

    def ask() -> None:
        try:
            rows = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
            answers.append(list(dict.fromkeys(str(row[4][0]) for row in rows)))
        except (OSError, UnicodeError) as error:  # a name that is no name
            answers.append(error)
        finally:
            _free.release()

    thread = threading.Thread(target=ask, daemon=True)
    thread.start()
    thread.join(seconds)
    if not answers:
        raise NoAddress(f"was not looked up within {seconds:g} seconds")
    if isinstance(answers[0], Exception) or not answers[0]:
        raise NoAddress("is a name without an address")
    return list(answers[0])
