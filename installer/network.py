"""What is asked over the network: ports, addresses, the health check."""

import http.client
import socket
import ssl
import time
from dataclasses import dataclass
from typing import Protocol

_SECONDS = 5.0


@dataclass(frozen=True, slots=True)
class Answer:
    """The answer to a health check; `status` is 0 when there was none, and `text` says why."""

    status: int
    text: str
    trusted: bool = True  # whether this machine trusts the certificate


class Network(Protocol):
    """The network as this machine sees it, or, in tests, a double of it."""

    def is_in_use(self, address: str, port: int) -> bool:
        """Whether a program listens on this port of the machine."""

    def own_address(self, host: str, port: int) -> str:
        """This machine's address as the server at `host` sees it. Raises OSError when it does not answer."""

    def health(self, name: str, *, tls: bool) -> Answer:
        """Ask for /healthz as `name`: through nginx on this machine, or (`tls` off) the service itself."""

    def has_ipv6(self) -> bool:
        """Whether this machine can listen on IPv6 addresses."""


class SystemNetwork:
    """The network of the machine itself."""

    def is_in_use(self, address: str, port: int) -> bool:
        """See `Network`."""
        with socket.socket() as listener:
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)  # a server that was just stopped is none
            try:
                listener.bind((address, port))
            except OSError:
                return True
        return False

    def own_address(self, host: str, port: int) -> str:
        """See `Network`."""
        with socket.create_connection((host, port), timeout=_SECONDS) as connection:
            return str(connection.getsockname()[0])

    def health(self, name: str, *, tls: bool) -> Answer:
        """See `Network`. The first answer may take a while: a worker starts."""
        answer = Answer(0, "")
        for _ in range(20):
            answer = self._health(name, tls=tls)
            if answer.status == 200:
                break
            time.sleep(0.5)
        return answer

    def _health(self, name: str, *, tls: bool) -> Answer:
        if not tls:
            return _ask(http.client.HTTPConnection("127.0.0.1", 8000, timeout=_SECONDS), name)
        try:
            return _ask(_Here(name, ssl.create_default_context()), name)
        except ssl.SSLCertVerificationError:
            context = ssl.create_default_context()
            context.check_hostname = False
            context.verify_mode = ssl.CERT_NONE  # what is asked is whether it answers; the operator hears of the rest
            answer = _ask(_Here(name, context), name)
            return Answer(answer.status, answer.text, trusted=False)

    def has_ipv6(self) -> bool:
        """See `Network`."""
        try:
            with socket.socket(socket.AF_INET6) as listener:
                listener.bind(("::1", 0))
        except OSError:
            return False
        return True


class _Here(http.client.HTTPSConnection):
    """A connection to this machine, whatever address its name has elsewhere."""

    def __init__(self, name: str, context: ssl.SSLContext) -> None:
        super().__init__(name, timeout=_SECONDS, context=context)
        self._tls = context

    def connect(self) -> None:
        """Connect to the server in front."""
        plain = socket.create_connection(("127.0.0.1", 443), timeout=_SECONDS)
        self.sock = self._tls.wrap_socket(plain, server_hostname=self.host)


def _ask(connection: http.client.HTTPConnection, name: str) -> Answer:
    try:
        connection.request("GET", "/healthz", headers={"Host": name})
        response = connection.getresponse()
        return Answer(response.status, response.read(200).decode(errors="replace").strip())
    except ssl.SSLCertVerificationError:
        raise
    except (OSError, http.client.HTTPException) as error:
        return Answer(0, str(error) or type(error).__name__)
    finally:
        connection.close()
