"""Settings about VCL's own front end: where it is, and which calls are passed on to it."""

import ssl
from pathlib import Path
from urllib.parse import SplitResult, urlsplit

from django.core.exceptions import ImproperlyConfigured

from vclsite import environment
from vclsite.production import is_loopback

# What VCL's back end calls besides block allocations.
BACK_END_METHODS = "XMLRPCautoCapture,XMLRPCcheckCryptSecrets,XMLRPCfinishBaseImageCapture"

# Answered here. Passed on, the front end would allocate by itself, beside everything that this service promises.
_OURS = {"xmlrpcblockallocation", "xmlrpcprocessblocktime", "xmlrpcexplainblockallocation", "xmlrpctest"}
_NAME = set("abcdefghijklmnopqrstuvwxyz0123456789_.")
_LONGEST_NAME = 100


def address(name: str, *, plain_http: bool) -> str:
    """The front end's full address; "" when there is none. Raises ImproperlyConfigured for what can't be one.

    Names and passwords go there: http:// is for this machine only, or with `plain_http` (VCL_ALLOW_PLAIN_HTTP).
    """
    url = environment.text(name, "")
    problem = _problem(url, plain_http=plain_http) if url else ""
    if problem:
        raise ImproperlyConfigured(
            f"{name}: {problem}: use the full address of VCL's own front end, such as https://vcl.example.edu/index.php"
        )
    return url


def methods(name: str) -> list[str]:
    """The methods that are passed on. Raises ImproperlyConfigured for those that must not be, and for no names."""
    given = environment.words(name, BACK_END_METHODS)
    for method in given:
        folded = method.lower()
        if not set(folded) <= _NAME or len(method) > _LONGEST_NAME:
            raise ImproperlyConfigured(f"{name}: {method!r} is no name of a method: use names separated by commas")
        if folded in _OURS or folded.startswith("system."):
            raise ImproperlyConfigured(
                f"{name}: {method} can't be passed on: it is answered here, or VCL's front end would allocate blocks "
                "by it beside this service (system.multicall)"
            )
    return given


def certificates(name: str) -> str:
    """The file with the certificates of the CAs that vouch for the front end; "": those that the system trusts.

    Raises ImproperlyConfigured when it can't be read or holds none.
    """
    file = environment.text(name, "")
    if file:
        try:
            ssl.create_default_context(cafile=file)
        except OSError as error:  # ssl.SSLError is one
            raise ImproperlyConfigured(
                f"{name}={file!r}: {error.strerror or error}: use a file with certificates in PEM form "
                f"(-----BEGIN CERTIFICATE-----){'' if Path(file).is_absolute() else ', by its full path'}"
            ) from error
    return file


def _problem(url: str, *, plain_http: bool) -> str:
    """What is wrong with an address; "" when nothing is."""
    try:
        parts = urlsplit(url)
        host, _port = parts.hostname, parts.port
    except ValueError as error:
        return str(error)
    if parts.username is not None or parts.password is not None:
        return "it holds a name or password, which is that of whoever calls"  # and is not repeated here
    if not (url.isascii() and url.isprintable() and " " not in url):
        return f"{url!r} has characters that an address can't have"
    return _problem_of_parts(url, parts, host or "", plain_http=plain_http)


def _problem_of_parts(url: str, parts: SplitResult, host: str, *, plain_http: bool) -> str:
    if parts.scheme not in ("https", "http") or not host:
        return f"{url!r} is not https://… with a host name"
    if parts.scheme == "http" and not (plain_http or is_loopback(host)):
        return f"{url!r} is plain HTTP, names and passwords would travel in the clear"
    if parts.query or parts.fragment or "?" in url or "#" in url:
        return f"{url!r} has more than a path after the host name (?mode=xmlrpccall is added here)"
    if parts.path in ("", "/"):
        return f"{url!r} has no path"
    return ""
