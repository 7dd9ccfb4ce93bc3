"""gunicorn's access lines, with fields for programs and without anything secret."""

from collections.abc import Mapping
from datetime import timedelta
from typing import Any
from urllib.parse import quote

from gunicorn import glogging

from vclsite.logs import request_id
from vclsite.logs.paths import without_signature

_LONGEST_PATH = 300  # characters
_PLAIN = "/:@!$&'()*+,;=~-"  # characters that a path may have as they are


class ServerLog(glogging.Logger):  # type: ignore[misc]  # gunicorn has no annotations
    """gunicorn's logger. An access line has no headers, which hold the password, and no query."""

    def access(self, resp: Any, req: Any, environ: Mapping[str, Any], request_time: timedelta) -> None:
        """Write the line of a request that was answered."""
        address = environ.get(request_id.ADDRESS_KEY) or environ.get("REMOTE_ADDR", "-")
        method, protocol = environ.get("REQUEST_METHOD", "-"), environ.get("SERVER_PROTOCOL", "-")
        path = path_to_show(environ.get("PATH_INFO") or getattr(req, "path", None) or "-")
        status = str(resp.status)[:3]
        sent = getattr(resp, "sent", 0)
        milliseconds = round(request_time.total_seconds() * 1000)
        self.access_log.info(
            '%s "%s %s %s" %s %d %dms', address, method, path, protocol, status, sent, milliseconds,
            extra={
                "request_id": environ.get(request_id.ID_KEY, ""),
                "fields": {
                    "address": address, "method": method, "path": path,
                    "status": int(status) if status.isdecimal() else None,  # none: it failed before it was answered
                    "bytes": sent, "duration_ms": milliseconds,
                },
            },
        )  # fmt: skip


def path_to_show(path: str) -> str:
    """A path as WSGI has it (PATH_INFO), percent-encoded, cut off where it is long, the secret of a calendar hidden."""
    return quote(without_signature(path).encode("latin-1", "replace"), safe=_PLAIN)[:_LONGEST_PATH]
