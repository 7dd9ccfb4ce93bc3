"""The HTTP client for the front end: urllib3, with connections that are kept, and one deadline for each call.

A kept connection serves the same caller only: whatever a broken front end sends on it too late or unasked would be
taken for the answer to the next call, which must not be somebody else's.
"""

import time
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any
from urllib.parse import urlsplit

import urllib3
from urllib3.exceptions import HTTPError, ReadTimeoutError

from blockalloc.web.outgoing import (
    SLACK,
    Deadline,
    WatchedConnection,
    WatchedTlsConnection,
    detail,
    trust,
    what_happened,
)
from vclsite.front_end import ANSWER_SECONDS, MAX_CONCURRENT_CALLS

CONNECT_SECONDS = 5.0
LONGEST_ANSWER = 4 * 1024 * 1024  # bytes

# Apache closes connections that are idle for five seconds. A call on one that is just being closed would be lost.
KEPT_SECONDS = 4.0
CALLERS = 8  # for whom connections are kept
_CHUNK = 65536


class NoAnswer(Exception):
    """There is no complete answer. `problem` says, for the caller, what the front end did; `detail` is for the log."""

    def __init__(self, problem: str, detail: object = "") -> None:
        super().__init__(problem)
        self.detail = f"{problem}: {detail}" if detail else problem


@dataclass(frozen=True, slots=True)
class HttpAnswer:
    """A complete answer."""

    status: int
    headers: Mapping[str, str]  # names in any case
    body: bytes


class _Kept(WatchedConnection):
    """A connection that is not used again after a long pause."""

    _used_at = 0.0

    def getresponse(self) -> Any:
        """The head of the answer; its body is read from it."""
        answer = super().getresponse()
        self._used_at = time.monotonic()
        return answer

    @property
    def is_connected(self) -> bool:
        """Whether urllib3 may send another request on the connection."""
        return super().is_connected and time.monotonic() - self._used_at < KEPT_SECONDS


class _KeptTls(_Kept, WatchedTlsConnection):
    """The same over TLS."""


class _Pool(urllib3.HTTPConnectionPool):
    ConnectionCls = _Kept


class _TlsPool(urllib3.HTTPSConnectionPool):
    ConnectionCls = _KeptTls


@lru_cache(maxsize=CALLERS)
def front_end(url: str, ca_file: str, caller: str) -> "FrontEnd":
    """The front end at `url`, for one caller of this process: any text that is no other caller's."""
    return FrontEnd(url, ca_file)


class FrontEnd:
    """The front end's address and the connections to it. Calls of several threads at a time are fine."""

    def __init__(self, url: str, ca_file: str = "") -> None:
        """`url` is https://host[:port]/…/index.php (or http://…); `ca_file` names the only CAs that are trusted."""
        parts = urlsplit(url)
        assert parts.hostname, "the settings check that"
        self._path = f"{parts.path}?mode=xmlrpccall"
        if parts.scheme == "https":
            self._pool: urllib3.HTTPConnectionPool = _TlsPool(
                parts.hostname, parts.port, maxsize=MAX_CONCURRENT_CALLS, ssl_context=trust(ca_file)
            )
        else:
            self._pool = _Pool(parts.hostname, parts.port, maxsize=MAX_CONCURRENT_CALLS)

    def post(self, headers: Mapping[str, str], body: bytes, seconds: float = ANSWER_SECONDS) -> HttpAnswer:
        """Post `body`; the answer, whatever its status. Raises NoAnswer when there is none within `seconds`."""
        with Deadline(seconds) as deadline:
            try:
                answer = self._post(headers, body, seconds)
            except (HTTPError, OSError, ValueError) as error:
                if not (deadline.is_past or isinstance(error, ReadTimeoutError)):
                    raise NoAnswer(what_happened(error), detail(error)) from error
                answer = None
        if answer is None or deadline.is_past:  # an answer that was cut off may look complete
            raise NoAnswer(f"did not answer within {seconds:g} seconds")
        return answer

    def _post(self, headers: Mapping[str, str], body: bytes, seconds: float) -> HttpAnswer:
        response = self._pool.urlopen(
            "POST",
            self._path,
            body=body,
            headers=headers,
            retries=False,  # a call that may have been carried out is not made again
            redirect=False,
            timeout=urllib3.Timeout(connect=min(CONNECT_SECONDS, seconds), read=seconds + SLACK),
            preload_content=False,
            decode_content=False,
        )
        try:
            received = bytearray()
            while chunk := response.read(_CHUNK):
                received += chunk
                if len(received) > LONGEST_ANSWER:
                    raise NoAnswer(f"answered with more than {LONGEST_ANSWER} bytes")
        except BaseException:
            response.close()  # the next call must not get the rest of this answer
            raise
        return HttpAnswer(response.status, response.headers, bytes(received))
