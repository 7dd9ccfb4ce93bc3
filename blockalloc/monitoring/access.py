"""Who may ask: programs at certain addresses, or with a token."""

import ipaddress
import secrets

from django.conf import settings
from django.core.exceptions import ImproperlyConfigured
from django.http import HttpRequest

from blockalloc.web import transport


def may_ask(request: HttpRequest) -> bool:
    """Whether it comes from one of VCL_METRICS_NETWORKS, or brings VCL_METRICS_TOKEN (`Authorization: Bearer …`)."""
    return _has_token(request) or _is_near(request)


def _has_token(request: HttpRequest) -> bool:
    token: str = settings.VCL_METRICS_TOKEN
    given = request.headers.get("Authorization", "")
    return bool(token) and secrets.compare_digest(given.encode(), f"Bearer {token}".encode())


def _is_near(request: HttpRequest) -> bool:
    """By the client's address, which is that of the connection only where no proxy is in between."""
    try:
        if transport.has_passed_unknown_proxy(request):
            return False
        address = ipaddress.ip_address(transport.client_address(request))
    except (ValueError, ImproperlyConfigured):
        return False
    address = getattr(address, "ipv4_mapped", None) or address
    return any(address in ipaddress.ip_network(network) for network in settings.VCL_METRICS_NETWORKS)
