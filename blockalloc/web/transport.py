"""How a request came: over TLS or not, and from which address.

A proxy's headers count only if the site names the proxy (VCL_TRUSTED_PROXIES): anyone else could
send the same headers.
"""

import ipaddress
from functools import lru_cache
from typing import TypeAlias

from django.conf import settings
from django.core.exceptions import ImproperlyConfigured
from django.http import HttpRequest

_Address: TypeAlias = ipaddress.IPv4Address | ipaddress.IPv6Address
_Network: TypeAlias = ipaddress.IPv4Network | ipaddress.IPv6Network


def is_secure(request: HttpRequest) -> bool:
    """Whether the client's connection is HTTPS, here or at a trusted proxy."""
    if request.is_secure():
        return True
    return is_from_trusted_proxy(request) and is_said_to_be_secure(request)


def is_said_to_be_secure(request: HttpRequest) -> bool:
    """Whether X-Forwarded-Proto says that the client's connection is HTTPS. Anybody can say so."""
    # Several proxies make a list of it: every hop must have been HTTPS.
    schemes = request.headers.get("X-Forwarded-Proto", "").split(",")
    return all(scheme.strip().lower() == "https" for scheme in schemes)


def is_from_trusted_proxy(request: HttpRequest) -> bool:
    """Whether the request came from a trusted proxy: its own headers count then."""
    return _is_trusted(_address(request.META.get("REMOTE_ADDR", "")))


def client_address(request: HttpRequest) -> str:
    """The caller's address: the last one on the way here that is not a trusted proxy's."""
    nearest: str = request.META.get("REMOTE_ADDR", "")
    hops = request.headers.get("X-Forwarded-For", "").split(",")
    while hops and _is_trusted(_address(nearest)):
        before = _address(hops.pop())
        if before is None:  # not an address, so nothing before it counts either
            break
        nearest = str(before)
    return nearest


def is_address(host: str) -> bool:
    """Whether the value of a Host header is an IP address, with or without a port, and no name."""
    return _address(host.strip("[]")) is not None or _address(host.rpartition(":")[0].strip("[]")) is not None


def has_passed_unknown_proxy(request: HttpRequest) -> bool:
    """Whether a proxy that is not trusted has sent it on: then nobody knows the client's address."""
    is_sent_on = "X-Forwarded-For" in request.headers or "Forwarded" in request.headers
    return is_sent_on and not is_from_trusted_proxy(request)


def _is_trusted(address: _Address | None) -> bool:
    networks = _trusted_networks(tuple(settings.VCL_TRUSTED_PROXIES))
    return address is not None and any(address in network for network in networks)


@lru_cache
def _trusted_networks(entries: tuple[str, ...]) -> tuple[_Network, ...]:
    try:
        return tuple(ipaddress.ip_network(entry, strict=False) for entry in entries)
    except ValueError as error:
        raise ImproperlyConfigured(f"VCL_TRUSTED_PROXIES: {error}") from error


def _address(text: str) -> _Address | None:
    """The IP address in `text`, an IPv4 one mapped into IPv6 as IPv4; None for anything else."""
    try:
        address = ipaddress.ip_address(text.strip())
    except ValueError:
        return None
    mapped = address.ipv4_mapped if isinstance(address, ipaddress.IPv6Address) else None
    return mapped or address
