"""Sends what is in the outbox: round by round, a few recipients at a time, each recipient's messages in their order.

A message is noted as sent at once when its receiver has taken it. A sender that dies between the two leaves it to the
next, who sends it again with the same key: that cannot be ruled out, only be kept short.
"""

import logging
import os
import random
import socket
import time
import uuid
from collections import deque
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextvars import copy_context
from datetime import date

from django.db import connection

from blockalloc import clock
from blockalloc.measures import deliveries
from blockalloc.models import Recipient
from blockalloc.notifications import observing, outbox
from blockalloc.notifications.delivering import Absences, Courier, Report, Unnoted
from blockalloc.notifications.delivery import Channel
from blockalloc.notifications.mail import MailChannel, MailRound
from blockalloc.notifications.webhooks.channel import WebhookChannel
from blockalloc.store import heartbeat, lanes
from blockalloc.store import outbox as stored
from scheduling.windows import DAY, MINUTE

THREADS = 4  # a recipient whose server hangs holds up one of them
ROUND_SECONDS = 60.0  # after which no delivery is begun: news has to be taken in, too
TRIED_FOR = DAY  # seconds from when a message was made
KEEP_READY_MISSED = 3 * MINUTE  # after its last look
LOOK_EVERY = MINUTE  # in its place, and no more often than it

log = logging.getLogger(__name__)

Channels = Callable[[], Mapping[str, Channel]]


def channels_of_round() -> Channels:
    """Makes the channels of each thread of a round; what they find out about the mail server they share."""
    together = MailRound()
    return lambda: {Recipient.MAIL: MailChannel(together), Recipient.WEBHOOK: WebhookChannel()}


class Sender:
    """Sends round after round; remembers from one to the next which channels do not work."""

    def __init__(
        self,
        *,
        threads: int = THREADS,
        is_stopped: Callable[[], bool] = lambda: False,
        channels: Callable[[], Channels] = channels_of_round,
    ) -> None:
        """`threads` at work at a time; with 1, the caller's. `is_stopped` ends a round after the deliveries in hand."""
        self._threads = threads
        self._is_stopped = is_stopped
        self._channels = channels
        self._token = f"{socket.gethostname()[:24]}-{os.getpid()}-{uuid.uuid4().hex[:16]}"
        self._absences = Absences()
        self._unnoted = Unnoted()
        self._summary_day: date | None = None
        self._looked: int | None = None

    def round(self) -> Report:
        """One round. Raises DatabaseError when the database does not answer."""
        began, report = time.monotonic(), Report(clock.now())
        self._unnoted.note_all()
        self._observe(report.at)
        report.news = outbox.find_recipients(report.at)
        self._summarise(report.at)
        for channel in stored.give_up(report.at - TRIED_FOR, report.at):
            report.count("given_up")
            deliveries.count_given_up(channel)
        self._send(report, began + ROUND_SECONDS)
        report.milliseconds = round((time.monotonic() - began) * 1000)
        return report

    def _observe(self, now: int) -> None:
        """Look at the classes where keep_ready does not: that it is away is no reason not to tell people."""
        if self._looked is not None and 0 <= now - self._looked < LOOK_EVERY:
            return
        self._looked = now
        try:
            last = heartbeat.read()
            if last is None or last.at < now - KEEP_READY_MISSED:
                observing.observe(now)
        except Exception:  # what is news already is told all the same
            log.exception("the classes could not be looked at")

    def _summarise(self, now: int) -> None:
        day = outbox.summary_day(now)
        if day is not None and day != self._summary_day:
            outbox.add_summaries(day, now)
            self._summary_day = day

    def _send(self, report: Report, until: float) -> None:
        free = lanes.with_work(self._token, report.at)
        random.shuffle(free)  # other senders have the same list
        # Those whose server has failed come last: it may take long again.
        waiting = deque(sorted(free, key=lambda lane: lane.failures > 0))
        make_channels = self._channels()

        def is_over() -> bool:
            return self._is_stopped() or time.monotonic() > until

        def work() -> None:
            courier = Courier(make_channels(), report, self._absences, self._unnoted, is_over)
            try:
                while waiting and not is_over():
                    courier.work(waiting.popleft())
            except BaseException:
                waiting.clear()  # the database does not answer: the others would find out the same
                raise
            finally:
                courier.close()

        if self._threads == 1:
            work()
        else:
            _in_threads(work, min(self._threads, len(waiting)))


def _in_threads(work: Callable[[], None], number: int) -> None:
    """Let so many threads do it, each with a connection of its own to the database. Raises what one of them raised."""

    def as_thread() -> None:
        try:
            work()
        finally:
            connection.close()

    with ThreadPoolExecutor(max(number, 1), thread_name_prefix="sender") as pool:
        done = [pool.submit(copy_context().run, as_thread) for _ in range(number)]
    for each in done:
        each.result()
