"""nginx's configuration of the service: made of the release's deploy/nginx.conf."""

import re
from pathlib import Path

_EXAMPLE_NAME = "blocks.example.edu"
_CERTIFICATE = re.compile(r"^(\s*ssl_certificate\s+)(\S+);", re.MULTILINE)
_KEY = re.compile(r"^(\s*ssl_certificate_key\s+)(\S+);", re.MULTILINE)
_NAME = re.compile(r"^(\s*server_name\s+)(\S+);", re.MULTILINE)
_IPV6 = re.compile(r"^\s*listen \[::\].*;\n", re.MULTILINE)


def site(template: str, *, name: str, certificate: Path, key: Path, ipv6: bool) -> str:
    """The configuration, for a host name and a certificate. A machine without IPv6 cannot listen on [::]."""
    text = _CERTIFICATE.sub(lambda match: f"{match[1]}{certificate};", template)
    text = _KEY.sub(lambda match: f"{match[1]}{key};", text)
    text = text.replace(_EXAMPLE_NAME, name)
    return text if ipv6 else _IPV6.sub("", text)


def certificates_in(text: str) -> tuple[str, str] | None:
    """The paths of the certificate and its key in a configuration; None when it has none."""
    certificate, key = _CERTIFICATE.search(text), _KEY.search(text)
    return (certificate[2], key[2]) if certificate and key else None


def name_in(text: str) -> str:
    """The host name in a configuration; "" when it has none."""
    names = [match[2] for match in _NAME.finditer(text)]
    return names[0] if names else ""
