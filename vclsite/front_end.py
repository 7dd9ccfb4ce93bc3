"""Settings about VCL's own front end: where it is, and which calls are passed on to it."""

import ssl
from urllib.parse import SplitResult, urlsplit

from vclsite import environment
from vclsite.production import is_loopback

# The methods that VCL's back end calls besides block allocations.
BACK_END_METHODS = "XMLRPCautoCapture,XMLRPCcheckCryptSecrets,XMLRPCfinishBaseImageCapture"

# How long the front end has for a call, in seconds: VCL's back end waits for 180.
ANSWER_SECONDS = 170
MAX_CONCURRENT_CALLS = 4  # calls that a worker process passes on; each takes one of its threads

# Answered here. If they were passed on, the front end would allocate by itself, without this service's guarantees.
_OURS = {
    "xmlrpcblockallocation",
    "xmlrpcprocessblocktime",
    "xmlrpcexplainblockallocation",
    "xmlrpcplanblockseries",
    "xmlrpctest",
}
_NAME = set("abcdefghijklmnopqrstuvwxyz0123456789_.")
_LONGEST_NAME = 100


def address(name: str, *, plain_http: bool) -> str:
    """The front end's full address; "" when there is none. Anything else is a problem.

    Names and passwords are sent there: http:// is for this machine only, or with `plain_http` (VCL_ALLOW_PLAIN_HTTP).
    """
    url = environment.text(name, "")
    wrong = _problem(url, plain_http=plain_http) if url else ""
    if wrong:
        right = "use the full address of VCL's own front end, such as https://vcl.example.edu/index.php"
        environment.problem(name, f"{name}: {wrong}: {right}")
    return "" if wrong else url


def methods(name: str) -> list[str]:
    """The methods that are passed on. Methods that must not be, and words that can't be names, are a problem."""
    given = environment.words(name, BACK_END_METHODS)
    refusals = {method: refusal for method in given if (refusal := _refusal(method))}
    if refusals:
        environment.problem(name, "; ".join(f"{name}: {method!r} {why}" for method, why in refusals.items()))
    return [method for method in given if method not in refusals]


def certificates(name: str) -> str:
    """The file with the certificates of the CAs that vouch for the front end; "": the CAs that the system trusts.

    A file that can't be read or has no certificates is a problem.
    """
    file = environment.text(name, "")
    try:
        if file:
            ssl.create_default_context(cafile=file)
    except OSError as error:  # ssl.SSLError is one
        environment.problem(
            name,
            f"{name}={file!r}: {error.strerror or error}: give the full path of a file with certificates in PEM form "
            "(-----BEGIN CERTIFICATE-----)",
        )
        return ""
    return file


def _refusal(method: str) -> str:
    folded = method.lower()
    if not set(folded) <= _NAME or len(method) > _LONGEST_NAME:
        return "is not the name of a method: use names separated by commas"
    if folded in _OURS:
        return "can't be passed on: it is answered here"
    if folded.startswith("system."):
        return "can't be passed on: with system.multicall VCL's front end would allocate blocks beside this service"
    return ""


def _problem(url: str, *, plain_http: bool) -> str:
    """What is wrong with an address; "" when nothing is. It is not quoted: a password may be in it."""
    if "@" in url:
        return "it contains a name or password, but calls are passed on with the caller's own"
    if not (url.isascii() and url.isprintable() and " " not in url):
        return "it has characters that an address can't have"
    try:
        parts = urlsplit(url)
        host, _port = parts.hostname, parts.port
    except ValueError:
        return "its host name or port can't be read"
    return _problem_of_parts(parts, host or "", url, plain_http=plain_http)


def _problem_of_parts(parts: SplitResult, host: str, url: str, *, plain_http: bool) -> str:
    if parts.scheme not in ("https", "http") or not host:
        return "it is not https://… with a host name"
    if parts.scheme == "http" and not (plain_http or is_loopback(host)):
        return "it is plain HTTP, names and passwords would travel in the clear"
    if "?" in url or "#" in url:
        return "it has more than a path after the host name (?mode=xmlrpccall is added here)"
    if parts.path in ("", "/"):
        return "it has no path"
    return ""
