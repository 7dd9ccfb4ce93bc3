"""Runs with a front end: requests through the application."""

from collections.abc import Iterator
from contextlib import contextmanager

from verification.fuzz.campaign import Campaign
from verification.fuzz.door import Answer
from verification.fuzz.judge import Broken, Verdict
from verification.fuzz.passed_on import calls
from verification.fuzz.passed_on.front_end import FrontEnd
from verification.fuzz.passed_on.judge import LOCKOUT_FAILURES, PassingJudge
from verification.fuzz.request import FuzzRequest
from verification.fuzz.rows import Digest
from verification.fuzz.wording import CODES, OF_PASSING_ON


class PassingCampaign(Campaign):
    """Most of the requests are calls that are passed on, or nearly so.

    With a request are also saved those before it that were passed on: they may have left something behind.
    """

    _front_end_behind = True
    _wanted = CODES | OF_PASSING_ON
    _most_growth = 80.0  # some answers are large, and the double that makes them is in this process

    @contextmanager
    def _open(self) -> Iterator[None]:
        self._judge = PassingJudge()
        with FrontEnd() as self._front_end:
            settings = {"VCL_FRONT_END_METHODS": list(calls.METHODS), "VCL_LOCKOUT_FAILURES": LOCKOUT_FAILURES}
            with self._door.open(VCL_FRONT_END_URL=self._front_end.url, **settings):
                yield

    def _request(self, number: int) -> FuzzRequest:
        return calls.request(self._tally.seed, number)

    def _new_site(self, *, live_node: bool) -> None:
        super()._new_site(live_node=live_node)
        self._judge.new_site()

    def _verdict(self, request: FuzzRequest, answer: Answer, before: Digest) -> Verdict:
        got = self._front_end.take()
        if unreadable := self._front_end.take_unreadable():
            raise Broken(f"the front end got what is no call: {unreadable}")
        verdict = self._judge.judge(request, answer, got, before, self._digest)
        if got:
            self._wrote.append(request)
        return verdict
