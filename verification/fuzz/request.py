"""A request of the fuzzer: everything that a WSGI server hands over, as data that can be saved and repeated."""

import base64
from dataclasses import asdict, dataclass, field, replace
from typing import Any, Self
from urllib.parse import parse_qs

PASSWORD_MARK = "fuzzpw-"  # begins every password that the fuzzer makes up
DOORS = ("/xmlrpc/", "/xmlrpc")

Headers = tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class FuzzRequest:
    """One request. Header values are latin-1 text, as WSGI has them; `peer` is the address that it comes from.

    `length` is the Content-Length as it is sent ("" for none, None for the right one); a chunked
    body has none. `recipe` says how the request was made.
    """

    body: bytes
    headers: Headers = ()
    verb: str = "POST"
    path: str = "/xmlrpc/"
    query: str = ""
    peer: str = "198.51.100.7"
    scheme: str = "https"
    length: str | None = None
    chunked: bool = False
    recipe: str = field(default="", compare=False)

    def with_header(self, name: str, *values: str) -> Self:
        """The same request with these values, no other, under `name`; none at all removes the header."""
        others = [(other, value) for other, value in self.headers if other.lower() != name.lower()]
        return replace(self, headers=(*others, *((name, value) for value in values)))

    def header(self, name: str) -> str:
        """The value of a header as a server merges repeated ones; "" when there is none."""
        return ",".join(value for other, value in self.headers if other.lower() == name.lower())

    def is_for_the_door(self) -> bool:
        """Whether an orderly server must hand this to the XML-RPC view: then the answer is XML-RPC and nothing else."""
        front_end = self.path.endswith("/index.php") and parse_qs(self.query).get("mode", [""])[-1:] == ["xmlrpccall"]
        host = self.header("Host")
        return self.verb == "POST" and (self.path in DOORS or front_end) and host in ("localhost", "127.0.0.1")

    def as_json(self) -> dict[str, Any]:
        """For a file; the body in base64."""
        return {**asdict(self), "body": base64.b64encode(self.body).decode()}

    @classmethod
    def from_json(cls, saved: dict[str, Any]) -> Self:
        """The request that as_json() has written."""
        headers = tuple((name, value) for name, value in saved["headers"])
        return cls(**{**saved, "body": base64.b64decode(saved["body"]), "headers": headers})
