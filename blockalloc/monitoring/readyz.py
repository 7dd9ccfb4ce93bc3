"""/readyz: whether this process could answer a call now, and if not, why."""

import json
import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from django.db import Error
from django.http import HttpRequest, HttpResponse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from blockalloc.monitoring import access
from blockalloc.monitoring.latest import Latest
from blockalloc.monitoring.service_checks import DATABASE, Check, ServiceChecks, State

log = logging.getLogger(__name__)

KEPT_SECONDS = 5.0  # an answer counts so long from its beginning: asking more often costs the database nothing
WAIT_SECONDS = 4.0  # an answer is waited for so long from its beginning


@dataclass(frozen=True, slots=True)
class Report:
    """What a run of all checks has shown."""

    checks: Sequence[Check]

    @property
    def is_ready(self) -> bool:
        """Whether nothing has failed."""
        return not any(check.state is State.FAILED for check in self.checks)

    @property
    def database_answers(self) -> bool:
        """Whether more can be asked of the database."""
        return any(check.name == DATABASE and check.state is State.OK for check in self.checks)

    def as_text(self) -> str:
        """A line for each check; what is not well says so."""
        lines = [
            f"{check.name}: {'' if check.state is State.OK else f'{check.state}: '}{check.text}"
            for check in self.checks
        ]
        return "\n".join([_word(self), *lines, ""])

    def as_json(self) -> str:
        """The same for programs."""
        checks = [check._asdict() for check in self.checks]
        return json.dumps({"ready": self.is_ready, "checks": checks}, ensure_ascii=False)


class ReadyChecks:
    """Reports, made as often as they are needed and no more; a change between two of them is logged."""

    def __init__(self, checks: Callable[[], Sequence[Check]], kept: float = KEPT_SECONDS, wait: float = WAIT_SECONDS):
        self._checks, self._wait = checks, wait
        self._was_ready = True
        self._latest = Latest("readyz", self._made, kept=kept, wait=wait)

    def report(self) -> Report:
        """The report of the last seconds, or a new one."""
        report = self._latest.get()
        if report is None:
            report = Report([Check(DATABASE, State.FAILED, f"no answer within {self._wait:g} s, see the log")])
        self._say(report)
        return report

    def _made(self) -> Report:
        return Report(self._checks())

    def _say(self, report: Report) -> None:
        """Leave a change in the log: of those who ask, many may not know the reason."""
        if report.is_ready != self._was_ready:
            self._was_ready = report.is_ready
            failed = [f"{check.name}: {check.text}" for check in report.checks if check.state is State.FAILED]
            log.warning("%s", f"not ready: {'; '.join(failed)}" if failed else "ready again")


checks = ReadyChecks(ServiceChecks().run)


@never_cache
@require_safe
def readyz(request: HttpRequest) -> HttpResponse:
    """200 when this process can answer calls, 503 when not; in words to those who may know. `?format=json`."""
    report = checks.report()
    status = 200 if report.is_ready else 503
    if not (access.may_ask(request) or (report.database_answers and _is_staff(request))):
        return HttpResponse(_word(report), status=status, content_type="text/plain")
    if request.GET.get("format") == "json":
        return HttpResponse(report.as_json(), status=status, content_type="application/json")
    return HttpResponse(report.as_text(), status=status, content_type="text/plain; charset=utf-8")


def _word(report: Report) -> str:
    return "ready" if report.is_ready else "not ready"


def _is_staff(request: HttpRequest) -> bool:
    """Whether somebody of the staff is signed in: a question to the database."""
    try:
        return bool(request.user.is_active and request.user.is_staff)
    except Error:
        return False
