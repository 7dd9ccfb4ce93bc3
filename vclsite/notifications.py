"""Settings about notifications: the mail server, who is written to, webhooks."""

import base64
import ipaddress
import re
from collections.abc import Sequence
from datetime import time
from typing import NamedTuple
from urllib.parse import SplitResult, unquote, urlsplit

from vclsite import environment
from vclsite.production import is_loopback

_ADDRESS = re.compile(r"[A-Za-z0-9.!#$%&'*+/=?^_{|}~-]+@[A-Za-z0-9-]+(?:\.[A-Za-z0-9-]+)*")
_PORTS = {"smtp": 25, "smtp+starttls": 587, "smtps": 465}
JSON = "json"
FORMATS = (JSON, "slack", "mattermost", "matrix", "teams")
_ENCODED = "whsec_"
_SHORTEST_SECRET = 24  # bytes; Standard Webhooks has as many
_NEW_SECRET = (  # how to make one
    "python3 -c 'import base64, secrets; print(\"whsec_\" + base64.b64encode(secrets.token_bytes(32)).decode())'"  # noqa: S105
)


class MailServer(NamedTuple):
    """A mail server. `security`: "" for none, "starttls" or "tls". Without `user` nobody signs in."""

    host: str
    port: int
    security: str = ""
    user: str = ""
    password: str = ""


class Webhook(NamedTuple):
    """An address that is posted to, which may contain a secret; `format` is one of FORMATS."""

    format: str
    url: str


def service_url(name: str, hosts: Sequence[str]) -> str:
    """Where people reach the staff pages, https://host[:port] without a path; for links in messages.

    By default the first of ALLOWED_HOSTS that is a name. "": there is none.
    """
    named = [host for host in hosts if not is_loopback(host) and "*" not in host and not host.startswith(".")]
    url = environment.text(name, f"https://{named[0]}" if named else "").rstrip("/")
    try:
        parts = urlsplit(url)
        usable = not url or (parts.scheme in ("http", "https") and bool(parts.hostname) and url.count("/") == 2)
        _ = parts.port
    except ValueError:
        usable = False
    if not usable or "@" in url:
        environment.problem(name, f"{name}={url!r}: use an address without a path, such as https://blocks.example.edu")
        return ""
    return url


def mail_server(name: str) -> MailServer | None:
    """The mail server; None: no mail is sent. Anything that is not an address of one is a problem, and not quoted."""
    url = environment.text(name, "")
    if not url:
        return None
    try:
        parts = urlsplit(url)
        port = parts.port or _PORTS[parts.scheme]
    except (ValueError, KeyError):
        port = 0
    if not port or not parts.hostname or parts.path not in ("", "/") or parts.query or parts.fragment:
        environment.problem(
            name,
            f"{name}: use an address such as smtp://mail.example.edu, smtps://user:password@mail.example.edu "
            "or smtp+starttls://user:password@mail.example.edu:587",
        )
        return None
    security = {"smtp": "", "smtp+starttls": "starttls", "smtps": "tls"}[parts.scheme]
    return MailServer(parts.hostname, port, security, unquote(parts.username or ""), unquote(parts.password or ""))


def sender(name: str, hosts: Sequence[str]) -> str:
    """The address that mails come from; by default blockalloc@ the first name in ALLOWED_HOSTS."""
    named = [host for host in hosts if not is_loopback(host) and "*" not in host and not host.startswith(".")]
    address = environment.text(name, f"blockalloc@{named[0] if named else 'localhost'}")
    if not _ADDRESS.fullmatch(address):
        environment.problem(name, f"{name}={address!r}: use one mail address, such as vcl@example.edu")
        return "blockalloc@localhost"
    return address


def addresses(name: str) -> list[str]:
    """Mail addresses separated by commas. Others are a problem."""
    given = environment.words(name, "")
    for word in given:
        if not _ADDRESS.fullmatch(word):
            environment.problem(name, f"{name}: {word!r}: use mail addresses such as vcl-staff@example.edu")
    return [word for word in given if _ADDRESS.fullmatch(word)]


def time_of_day(name: str, default: str) -> time | None:
    """A time of day, 07:00; None for "off". Anything else is a problem."""
    text = environment.text(name, default)
    if text.lower() == "off":
        return None
    if not re.fullmatch(r"([01]\d|2[0-3]):[0-5]\d", text):
        environment.problem(name, f"{name}={text!r}: use a time of day such as {default}, or off")
        text = default
    return time.fromisoformat(text)


def webhooks(name: str, *, private_addresses: bool) -> list[Webhook]:
    """The webhooks, separated by white space: https://… for JSON, or with a format: slack+https://…

    Addresses of the own network, and http://, are only for `private_addresses` (VCL_WEBHOOK_PRIVATE_ADDRESSES). Others
    are a problem; they are not quoted, for they may contain a secret.
    """
    hooks, wrong = [], []
    for number, word in enumerate(environment.text(name, "").split(), 1):
        format_, _plus, url = word.partition("+") if "+" in word.partition("://")[0] else (JSON, "", word)
        problem = _problem_of_webhook(format_, url, private_addresses=private_addresses)
        if problem:
            wrong.append(f"{name}: address {number}: {problem}")
        else:
            hooks.append(Webhook(format_, url))
    if wrong:
        environment.problem(name, "; ".join(wrong))
    return list(dict.fromkeys(hooks))


def _problem_of_webhook(format_: str, url: str, *, private_addresses: bool) -> str:
    right = (
        "use addresses such as https://example.edu/hook (JSON) or slack+https://hooks.slack.com/… "
        f"({', '.join(FORMATS[1:])}), separated by spaces"
    )
    try:
        parts = urlsplit(url)
        _ = parts.port
    except ValueError:
        return right
    usable = parts.scheme in ("http", "https") and parts.hostname and "@" not in parts.netloc and not parts.fragment
    if not usable or format_ not in FORMATS or not (url.isascii() and url.isprintable()):
        return right
    return "" if private_addresses else _problem_of_public(parts)


def _problem_of_public(parts: SplitResult) -> str:
    if _is_internal(parts.hostname or ""):
        return "it is an address of this host or an internal network: VCL_WEBHOOK_PRIVATE_ADDRESSES=1 allows that"
    if parts.scheme == "http":
        return "it is plain HTTP: use https:// (within an internal network, VCL_WEBHOOK_PRIVATE_ADDRESSES=1 allows http://)"
    return ""


def _is_internal(host: str) -> bool:
    """Whether an address says so by itself. Names are looked up when something is sent."""
    try:
        return not ipaddress.ip_address(host).is_global
    except ValueError:
        return is_loopback(host)


def webhook_secret(name: str, hooks: Sequence[Webhook]) -> str:
    """The secret that signs what is posted as JSON. One that is too short is a problem, as is a missing one.

    It is the text as it was set: `secret_bytes` is the key that it stands for.
    """
    secret = environment.text(name, "")
    if not secret:
        if any(hook.format == JSON for hook in hooks):
            environment.problem(
                name,
                f"{name} is not set, and VCL_WEBHOOK_URL has an address for JSON, whose receiver could not tell "
                f"messages of this service from forged ones: set a new one: {_NEW_SECRET}",
            )
        return ""
    try:
        secret_bytes(secret)
    except ValueError:
        environment.problem(
            name,
            f"{name}: use at least {_SHORTEST_SECRET} characters that nobody can guess, or whsec_ and the base64 of at "
            f"least {_SHORTEST_SECRET} bytes: {_NEW_SECRET}",
        )
        return ""
    return secret


def secret_bytes(secret: str) -> bytes:
    """The key that a secret stands for: whsec_ and base64 as Standard Webhooks writes it, any other text as UTF-8.

    Raises ValueError when it has too few bytes.
    """
    if secret.startswith(_ENCODED):
        key = base64.b64decode(secret.removeprefix(_ENCODED), validate=True)  # binascii.Error is a ValueError
    else:
        key = secret.encode()
    if len(key) < _SHORTEST_SECRET:
        raise ValueError("too short")
    return key
