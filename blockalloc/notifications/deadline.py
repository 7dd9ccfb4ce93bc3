"""One deadline for a whole delivery: a socket's time-out is for each read, and a server may send a byte a minute."""

import socket
import time
from contextlib import suppress
from threading import Lock, Timer
from types import TracebackType
from typing import Self


class Deadline:
    """Shuts down the connection in use when the time for the delivery is over."""

    def __init__(self, seconds: float) -> None:
        self.seconds = seconds
        self.is_past = False
        self._end = time.monotonic() + seconds
        self._socket: socket.socket | None = None
        self._lock = Lock()
        self._timer = Timer(seconds, self._shut)
        self._timer.daemon = True

    def __enter__(self) -> Self:
        self._timer.start()
        return self

    def __exit__(
        self, _kind: type[BaseException] | None, _error: BaseException | None, _trace: TracebackType | None
    ) -> None:
        self._timer.cancel()
        with self._lock:
            self._socket = None

    def left(self) -> float:
        """Seconds left, for time-outs: never 0, which would mean not to wait at all."""
        return max(self._end - time.monotonic(), 0.001)

    def watch(self, used: socket.socket) -> None:
        """Set the socket that the delivery uses. Raises TimeoutError when the time is over already."""
        with self._lock:
            if self.is_past:
                raise TimeoutError
            self._socket = used

    def _shut(self) -> None:
        with self._lock:
            self.is_past = True
            if self._socket is not None:
                with suppress(OSError):  # it may be closed already
                    # Not SSLSocket's own: it would remove the TLS session under the thread that reads.
                    socket.socket.shutdown(self._socket, socket.SHUT_RDWR)
