"""/etc/vcl/vcld.conf, on a management node: where VCL's database and its front end are."""

from collections.abc import Mapping
from urllib.parse import urlsplit


def values_of(text: str) -> Mapping[str, str]:
    """The values of the file, without white space around them."""
    lines = (line.partition("=") for line in text.splitlines() if not line.lstrip().startswith("#"))
    return {name.strip(): value.strip() for name, equals, value in lines if equals}


def front_end_of(values: Mapping[str, str]) -> str:
    """The front end's address, from `xmlrpc_url`: without ?mode=xmlrpccall; "" when there is none."""
    return values.get("xmlrpc_url", "").partition("?")[0]


def calls_here(values: Mapping[str, str], server_name: str) -> bool:
    """Whether vcld calls this service instead of VCL's front end."""
    try:
        host = urlsplit(values.get("xmlrpc_url", "")).hostname
    except ValueError:
        return False
    return bool(host) and host == server_name.lower()
