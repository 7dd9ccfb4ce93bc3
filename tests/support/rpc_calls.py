"""XML-RPC calls through Django's test client, and a stand-in for the service behind them."""

import xmlrpc.client
from dataclasses import dataclass, field

from django.http import HttpResponse
from django.test import Client

from blockalloc.contract.messages import BlockAllocationCall, Caller, NewBlockCall, Outcome

SIGNED_IN = {"X-User": "vclsystem", "X-Pass": "p4ss", "X-APIVERSION": "2"}


def post(
    body: str | bytes,
    *,
    path: str = "/xmlrpc/",
    headers: dict[str, str] | None = None,
    content_type: str = "text/xml",
    secure: bool = True,
    peer: str = "127.0.0.1",
) -> HttpResponse:
    """Posts `body` as it is."""
    client = Client(raise_request_exception=False)
    # Not client.post(): it would encode the body anew for a charset in the content type.
    response = client.generic(
        "POST",
        path,
        data=body.encode() if isinstance(body, str) else body,
        content_type=content_type,
        headers=SIGNED_IN if headers is None else headers,
        secure=secure,
        REMOTE_ADDR=peer,
    )
    assert isinstance(response, HttpResponse)
    return response


def answer(response: HttpResponse) -> object:
    """The value in `response`. Raises xmlrpc.client.Fault when it holds a fault."""
    assert response.status_code == 200, (response.status_code, response.content[:500])
    assert response["Content-Type"] == "text/xml; charset=utf-8"
    (value,), method = xmlrpc.client.loads(response.content)
    assert method is None
    return value


def document(method: str, *parameters: object) -> str:
    """The XML document of a call."""
    return xmlrpc.client.dumps(parameters, method, allow_none=True)  # type: ignore[arg-type]


TEST = document("XMLRPCtest", "x")


def call(method: str, *parameters: object, headers: dict[str, str] | None = None, peer: str = "127.0.0.1") -> object:
    """Calls `method` over (pretended) HTTPS. Raises xmlrpc.client.Fault."""
    return answer(post(document(method, *parameters), headers=headers, peer=peer))


def fault_of(response: HttpResponse) -> tuple[int, str]:
    """Code and text of the fault in `response`, which must hold one."""
    try:
        value = answer(response)
    except xmlrpc.client.Fault as fault:
        return fault.faultCode, fault.faultString
    raise AssertionError(f"no fault but {value!r}")


def signing_in(
    user: str = "vclsystem",
    password: str | None = SIGNED_IN["X-Pass"],
    version: str | None = "2",
) -> dict[str, str]:
    """The headers; None leaves one out."""
    headers = {"X-User": user, "X-Pass": password, "X-APIVERSION": version}
    return {name: value for name, value in headers.items() if value is not None}


@dataclass
class StubService:
    """Stands in for blockalloc.allocation.service: records the calls, and returns or raises what the test says."""

    outcome: Outcome = field(default_factory=lambda: Outcome("success", 2, 0, 10))
    count: int = 2
    error: Exception | None = None
    asked: list[tuple[object, ...]] = field(default_factory=list)

    def allocate_block(self, call: BlockAllocationCall, caller: Caller) -> int:
        """The seven-parameter call."""
        self._note(call, caller)
        return self.count

    def create_block(self, call: NewBlockCall, caller: Caller) -> Outcome:
        """The five- and six-parameter call."""
        self._note(call, caller)
        return self.outcome

    def process_block_time(self, block_time_id: int | None, ignore_privileges: bool | None, caller: Caller) -> Outcome:
        """XMLRPCprocessBlockTime."""
        self._note(block_time_id, ignore_privileges, caller)
        return self.outcome

    def _note(self, *asked: object) -> None:
        self.asked.append(asked)
        if self.error:
            raise self.error
