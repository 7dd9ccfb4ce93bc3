"""/readyz: whether this process could answer a call now, and if not, why."""

import json
import logging
import threading
import time
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from dataclasses import dataclass

from django.db import Error, connection
from django.http import HttpRequest, HttpResponse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from blockalloc.monitoring import access
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


class LatestReport:
    """One run of the checks at a time, in a thread of its own, whoever asks and however often.

    A database that hangs keeps that thread waiting, and whoever asks only until WAIT_SECONDS after it began.
    """

    def __init__(self, checks: Callable[[], Sequence[Check]]) -> None:
        self._checks = checks
        self._lock = threading.Lock()
        self._coming: Future[Report] | None = None
        self._begun = 0.0
        self._was_ready = True

    def get(self) -> Report:
        """The report of the last run, or of a new one when that is too old."""
        with self._lock:
            if self._coming is None or (self._coming.done() and time.monotonic() > self._begun + KEPT_SECONDS):
                self._coming, self._begun = Future(), time.monotonic()
                threading.Thread(target=self._run, args=[self._coming], name="readyz", daemon=True).start()
            coming, begun = self._coming, self._begun
        try:
            return coming.result(timeout=max(begun + WAIT_SECONDS - time.monotonic(), 0.0))
        except TimeoutError:
            text = f"no answer in {time.monotonic() - begun:.0f} s"
            return Report([Check(DATABASE, State.FAILED, text)])

    def _run(self, coming: Future[Report]) -> None:
        try:
            report = Report(self._checks())
            self._say(report)
            coming.set_result(report)
        except Exception:
            log.exception("the checks of /readyz failed")
            coming.set_result(Report([Check("checks", State.FAILED, "they failed themselves; the log has the reason")]))
        finally:
            connection.close()

    def _say(self, report: Report) -> None:
        """Leave a change in the log: of those who ask, many may not know the reason."""
        if report.is_ready != self._was_ready:
            self._was_ready = report.is_ready
            failed = [f"{check.name}: {check.text}" for check in report.checks if check.state is State.FAILED]
            log.warning("%s", f"not ready: {'; '.join(failed)}" if failed else "ready again")


latest = LatestReport(ServiceChecks().run)


@never_cache
@require_safe
def readyz(request: HttpRequest) -> HttpResponse:
    """200 when this process can answer calls, 503 when not; in words to those who may know. `?format=json`."""
    report = latest.get()
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
