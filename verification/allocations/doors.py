"""The ways in which a worker makes its calls: the service in its own process, on any node, or XML-RPC over HTTP."""

import http.client
import random
import xmlrpc.client
from collections.abc import Sequence

from django.conf import settings
from django.db import connections
from django.db.backends.base.base import BaseDatabaseWrapper

from blockalloc.allocation import service
from blockalloc.contract.messages import BlockAllocationCall, Caller, Refusal
from tests.support.rpc_calls import SIGNED_IN, document
from vclsite.database import database
from verification.allocations.calls import Call
from verification.allocations.site import GROUP

CALLER = Caller(3, "vclsystem@Local")
HTTP_SECONDS = 120


class ConnectionCut(Exception):
    """No answer will come."""


class Doors:
    """`place` is the node that the last call went through."""

    def __init__(self, urls: Sequence[str], address: tuple[str, int] | None, choice: random.Random) -> None:
        self._choice = choice
        self._address = address
        self._http: http.client.HTTPConnection | None = None
        self.place = ""
        self._lost: BaseDatabaseWrapper | None = None  # the node through which no answer came
        for number, url in enumerate(urls):
            node = database(url, settings.VCL_GUARD_WAIT_SECONDS)
            connections.settings[f"node{number}"] = connections.settings["default"] | node
        self._nodes = [connections.create_connection(f"node{number}") for number in range(len(urls))]

    def make(self, call: Call, *, cut: bool) -> int:
        """The answer. Raises Refusal, ConnectionCut when none can come, and whatever the service raises."""
        if call.door == "http":
            return self._over_http(call, cut=cut)
        node = self._choice.choice([node for node in self._nodes if node is not self._lost] or self._nodes)
        self._lost = node  # until it has answered
        self._enter(node)
        try:
            return self._through_the_service(call)
        except Refusal:
            self._lost = None
            raise

    def _through_the_service(self, call: Call) -> int:
        if call.door == "process":
            answer = service.process_block_time(call.block_time, True, CALLER).allocated
        else:
            parameters = call.image_id, call.start, call.end, call.machines, GROUP, True, call.block_time
            answer = service.allocate_block(BlockAllocationCall(*parameters, call.key), CALLER)
        self._lost = None
        return answer

    def _enter(self, node: BaseDatabaseWrapper) -> None:
        """Let the service work on this node. As before each request, a connection that is broken is made anew."""
        self.place = node.alias
        connections["default"] = node
        node.close_if_unusable_or_obsolete()

    def _over_http(self, call: Call, *, cut: bool) -> int:
        assert self._address is not None
        if self._http is None:
            self._http = http.client.HTTPConnection(*self._address, timeout=HTTP_SECONDS)
        parameters = call.image_id, call.start, call.end, call.machines, GROUP, 1, call.block_time
        headers = SIGNED_IN | {"Content-Type": "text/xml"} | ({"X-Idempotency-Key": call.key} if call.key else {})
        body = document("XMLRPCblockAllocation", *parameters)
        try:
            self._http.request("POST", "/xmlrpc/", body, headers)
            if cut:
                raise ConnectionCut("cut when the call had been sent")
            (answer,), _ = xmlrpc.client.loads(self._http.getresponse().read())
        except xmlrpc.client.Fault as fault:
            raise Refusal(fault.faultCode, fault.faultString) from fault
        except ConnectionCut:
            self._http.close()
            raise
        except (http.client.HTTPException, OSError) as error:
            self._http.close()
            raise ConnectionCut(repr(error)) from error
        assert isinstance(answer, int)
        return answer
