"""Runs with a front end: bytes over sockets to the real server, with the calls of a neighbour all the time."""

from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from blockalloc.models import ManagementNode
from tests.support.servers.front_end_server import Received
from tests.support.servers.live_server import LiveServer
from verification.fuzz.door import Answer
from verification.fuzz.framing import Exchange, exchange
from verification.fuzz.judge import Broken
from verification.fuzz.passed_on import calls
from verification.fuzz.passed_on.front_end import MARK, FrontEnd, Passed
from verification.fuzz.passed_on.judge import CREDENTIALS, arrived, nothing_of_its_own
from verification.fuzz.passed_on.neighbour import ADDRESS, Neighbour, is_its_own
from verification.fuzz.sockets import SocketCampaign

_LATE = 20  # exchanges that were cut off whose calls may still come
_ODD_WAYS = (b"X-Forwarded-For: 10.9.9.9", b"X-Forwarded-Proto: http\r\n")  # not by the proxy that is trusted
_BUSY = b": busy, as many calls as may be are being passed on"


class PassingSocketCampaign(SocketCampaign):
    """Most of the exchanges are calls that are passed on, or nearly so."""

    _front_end_behind = True
    _documents: list[bytes]  # of the front end, that have to come back in this exchange
    _faults: dict[bytes | None, int | None]  # their codes

    @contextmanager
    def _server(self, home: Path, **environment: str) -> Iterator[LiveServer]:
        self._cut_off: deque[Exchange] = deque(maxlen=_LATE)
        with FrontEnd() as self._front_end, super()._server(home, VCL_FRONT_END_URL=self._front_end.url) as server:
            with Neighbour(server.port, self._front_end) as self._neighbour:
                yield server
            self._refusals += self._neighbour.refusals
            self._tally.broken += self._neighbour.broken
            self._tally.kinds["neighbour's calls"] += self._neighbour.calls

    def _exchange(self, number: int) -> Exchange:
        return exchange(self._tally.seed, number, calls.request)

    def _new_site(self) -> None:
        with self._neighbour.quiet:
            super()._new_site()
            ManagementNode.objects.update(IPaddress=ADDRESS)

    def _judge(self, sent: Exchange, answers: list[Answer]) -> None:
        got = self._front_end.take(lambda call: not is_its_own(call))
        if unreadable := self._front_end.take_unreadable():
            raise Broken(f"the front end got what is no call: {unreadable}")
        for passed in got:
            arrived(passed.call, "")
        ours = [passed for passed in got if _belongs(passed.call, sent)]
        if late := [passed for passed in got if passed not in ours and not self._was_cut_off(passed.call)]:
            raise Broken(
                f"the front end got a call that was not sent: {late[0].call.head!r} {late[0].call.body[:300]!r}"
            )
        if sent.cut:
            self._cut_off.append(sent)
        self._expect(sent, ours)
        super()._judge(sent, answers)
        if self._documents and sent.recipe.startswith("plain"):
            raise Broken(f"an answer of the front end did not come back: {self._documents[0][:300]!r}")

    def _expect(self, sent: Exchange, ours: list[Passed]) -> None:
        self._documents = [passed.document for passed in ours if passed.document]
        self._faults = {passed.document: passed.fault for passed in ours}
        odd_way = any(header in sent.data for header in _ODD_WAYS)
        if sent.recipe == f"plain, {calls.SURE}" and not odd_way and len(ours) != 1:
            raise Broken(f"one call has to be passed on, the front end got {len(ours)}")

    def _is_anothers(self, answer: Answer) -> bool:
        nothing_of_its_own(answer)
        if answer.body in self._documents and answer.status == 200:
            self._documents.remove(answer.body)
            fault = self._faults[answer.body]
            self._tally.kinds["passed on: answer" if fault is None else f"passed on: fault {fault}"] += 1
            self._refusals += fault in (3, 7, 8, 34)
            return True
        if MARK.encode() in answer.body:
            raise Broken(f"an answer of the front end to another call: {answer.body[:500]!r}")
        if _BUSY in answer.body:  # those who were cut off may still have the places
            self._tally.kinds["fault 205"] += 1
            self._refusals += 1
            return True
        return False

    def _was_cut_off(self, call: Received) -> bool:
        return any(_belongs(call, sent) for sent in self._cut_off)


def _belongs(call: Received, sent: Exchange) -> bool:
    """Whether body and credentials of a call are those of the exchange."""
    named = [(call.header(name) or "").encode("latin-1").split(b",") for name in CREDENTIALS]
    if not all(part.strip() in sent.data for parts in named for part in parts):
        return False
    return call.body in sent.data or call.body == sent.body
