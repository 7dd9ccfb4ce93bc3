"""A management node whose calls are passed on all the time, beside all other requests: it must get its answers."""

import http.client
import threading
from types import TracebackType
from typing import Self
from xmlrpc.client import Fault, loads

from tests.support.servers.front_end_server import Received
from verification.fuzz.passed_on.calls import METHODS
from verification.fuzz.passed_on.front_end import BAD, GOOD, MARK, FrontEnd
from verification.fuzz.request import PASSWORD_MARK

USER = "the-neighbour"
ADDRESS = "198.51.100.200"
_PAUSE = 0.01  # seconds between its calls
_TEMPERS = [each for each in (*GOOD, *BAD) if each not in ("large", "too_large")]
_OURS = (205, 208)


class Neighbour:
    """It calls from the moment on that its block is entered. `refusals` are those of its calls, for the log."""

    def __init__(self, port: int, front_end: FrontEnd) -> None:
        self._port, self._front_end = port, front_end
        self._stopped = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self.calls = self.refusals = 0
        self.broken: list[str] = []
        self.quiet = threading.Lock()  # keeps it from calling

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, _kind: type[BaseException] | None, _error: BaseException | None, _trace: TracebackType | None
    ) -> None:
        self._stopped.set()
        self._thread.join(10)

    def _run(self) -> None:
        while not self._stopped.wait(_PAUSE):
            with self.quiet:
                try:
                    self._call(f"{PASSWORD_MARK}{self.calls}-{_TEMPERS[self.calls % len(_TEMPERS)]}")
                except Exception as error:
                    self.broken.append(f"the neighbour's call {self.calls}: {error!r}")
                self.calls += 1

    def _call(self, password: str) -> None:
        body = _body(METHODS[self.calls % len(METHODS)], self.calls)
        headers = {"Content-Type": "text/xml", "X-User": USER, "X-Pass": password, "X-APIVERSION": "2"}
        way = {"X-Forwarded-For": ADDRESS, "X-Forwarded-Proto": "https"}
        connection = http.client.HTTPConnection("127.0.0.1", self._port, timeout=20)
        connection.request("POST", "/xmlrpc/", body, {**headers, **way})
        answer = connection.getresponse().read()
        connection.close()
        got = self._front_end.take(is_its_own)
        documents = [passed.document for passed in got if passed.document]
        if [passed.call.body for passed in got] not in ([], [body]):
            raise AssertionError(f"the front end got {got}")
        if documents:
            assert [answer] == documents, answer[:500]
            return
        assert MARK.encode() not in answer, answer[:500]
        self.refusals += 1
        assert _code(answer) in _OURS, answer


def is_its_own(call: Received) -> bool:
    """Whether a call that the front end got is the neighbour's."""
    return call.header("X-User") == USER


def _body(method: str, number: int) -> bytes:
    params = f"<params><param><value><int>{number}</int></value></param></params>"
    return f"<methodCall><methodName>{method}</methodName>{params}</methodCall>".encode()


def _code(answer: bytes) -> int:
    try:
        loads(answer)
    except Fault as refused:
        return refused.faultCode
    return 0
