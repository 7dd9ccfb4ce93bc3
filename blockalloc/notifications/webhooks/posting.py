"""One POST to a webhook, within a few seconds, to an address that is allowed, whatever the other side does.

Its name is looked up once, and the connection goes to exactly the addresses that were examined: a name that leads
elsewhere a moment later leads nowhere. Nothing is followed, and nothing of the answer is used but its status. Proxies
of the environment (HTTPS_PROXY) are not used.
"""

import time
from collections.abc import Mapping
from contextlib import suppress
from urllib.parse import SplitResult, urlsplit

import urllib3
from urllib3.exceptions import HTTPError, ReadTimeoutError

from blockalloc.notifications.webhooks.addresses import NoAddress, addresses_of
from blockalloc.web.outgoing import (
    SLACK,
    Deadline,
    WatchedConnection,
    WatchedTlsConnection,
    detail,
    is_unreachable,
    trust,
    what_happened,
)

SECONDS = 10.0  # for everything
LOOK_UP_SECONDS = 4.0
CONNECT_SECONDS = 3.0
_READ = 4096  # bytes of an answer's body
_PORTS = {"http": 80, "https": 443}


class NoAnswer(Exception):
    """There is no answer. The text says why, for people, beginning with the host; `detail` is for the log."""

    def __init__(self, problem: str, detail: str = "") -> None:
        super().__init__(problem)
        self.detail = detail


class _Pool(urllib3.HTTPConnectionPool):
    ConnectionCls = WatchedConnection


class _TlsPool(urllib3.HTTPSConnectionPool):
    ConnectionCls = WatchedTlsConnection


def post(url: str, headers: Mapping[str, str], body: bytes, *, private: bool, seconds: float = SECONDS) -> int:
    """Post `body` to `url`; the status of the answer. `private`: addresses of the own network are allowed.

    Raises NoAnswer when there is none within `seconds`.
    """
    parts = urlsplit(url)
    host = parts.hostname
    assert host, "the settings check that"
    end = time.monotonic() + seconds
    try:
        port = parts.port or _PORTS[parts.scheme]
        addresses = addresses_of(host, port, min(LOOK_UP_SECONDS, seconds), private=private)
    except NoAddress as error:
        raise NoAnswer(f"{host} {error}") from error
    problem = None
    for address in addresses:
        try:
            return _post_to(address, parts, headers, body, end - time.monotonic())
        except (HTTPError, OSError, ValueError) as error:
            problem = error
        if not is_unreachable(problem):
            break
    assert problem is not None
    if time.monotonic() >= end or isinstance(problem, ReadTimeoutError | TimeoutError):
        raise NoAnswer(f"{host} did not answer in time") from problem
    raise NoAnswer(f"{host} {what_happened(problem)}", detail(problem)) from problem


def _post_to(address: str, parts: SplitResult, headers: Mapping[str, str], body: bytes, seconds: float) -> int:
    """The status, from one address. Raises TimeoutError after `seconds`, and what urllib3 raises."""
    if seconds <= 0:
        raise TimeoutError
    # The TLS handshake has as long again as the connection.
    timeout = urllib3.Timeout(connect=min(CONNECT_SECONDS, seconds / 2), read=seconds + SLACK)
    target = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    with _pool(address, parts, timeout) as pool, Deadline(seconds) as deadline:
        answer = pool.urlopen(
            "POST",
            target,
            body=body,
            headers={**headers, "Host": parts.netloc},
            retries=False,
            redirect=False,
            preload_content=False,
            decode_content=False,
        )
        try:
            if deadline.is_past:  # a head that was cut off may look complete
                raise TimeoutError
            # Some receivers stop working when nobody reads their answer. What it says does not matter.
            with suppress(HTTPError, OSError, ValueError):
                answer.read1(_READ)
        finally:
            answer.close()
        return answer.status


def _pool(address: str, parts: SplitResult, timeout: urllib3.Timeout) -> urllib3.HTTPConnectionPool:
    """For one connection to `address`; the name is what the certificate must have."""
    port = parts.port or _PORTS[parts.scheme]
    if parts.scheme == "https":
        return _TlsPool(address, port, timeout=timeout, ssl_context=trust(), server_hostname=parts.hostname)
    return _Pool(address, port, timeout=timeout)
