"""One lane at a time: its messages in their order, until none is left or one is not delivered."""

import logging
import random
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from threading import Lock

from django.db import Error, InterfaceError, OperationalError, connection

from blockalloc import clock
from blockalloc.measures import deliveries
from blockalloc.measures.deliveries import Outcome
from blockalloc.notifications import outbox
from blockalloc.notifications.delivery import Channel, NotDelivered, Outgoing, Refused
from blockalloc.store import lanes
from blockalloc.store.lanes import Lane, Waiting
from scheduling.windows import MINUTE

log = logging.getLogger(__name__)

_FIRST_PAUSE, _LONGEST_PAUSE = 30, 30 * MINUTE  # after failures of a recipient
_FIRST_ABSENCE, _LONGEST_ABSENCE = 15, 5 * MINUTE  # after those of a whole channel
NOTING_SECONDS, _NOTING_PAUSE = 30.0, 0.5  # for which a database that is away is asked to note what was sent


@dataclass
class Report:
    """What a round did; several threads count. `at` in Unix seconds; `problems` in words, each once."""

    at: int
    milliseconds: int = 0
    news: int = 0
    made: int = 0
    sent: int = 0
    not_delivered: int = 0
    refused: int = 0
    given_up: int = 0
    problems: list[str] = field(default_factory=list)
    _lock: Lock = field(default_factory=Lock, repr=False)

    def count(self, what: str, problem: str = "") -> None:
        """Count one more of a member."""
        with self._lock:
            setattr(self, what, getattr(self, what) + 1)
            if problem and problem not in self.problems:
                self.problems.append(problem)

    @property
    def is_quiet(self) -> bool:
        """Whether there was nothing to do."""
        return not (self.news or self.made or self.sent or self.not_delivered or self.refused or self.given_up)


class Absences:
    """Which channels did not work at all, for every recipient alike: until when they are left alone.

    The mail server that is away is tried once a round, and with growing pauses, not once for each message.
    """

    def __init__(self) -> None:
        self._away: dict[str, tuple[int, float]] = {}  # how often in a row; until when (Unix seconds)
        self._lock = Lock()

    def is_away(self, channel: str, now: int) -> bool:
        """Whether the channel is left alone now."""
        return now < self._away.get(channel, (0, 0.0))[1]

    def failed(self, channel: str, now: int) -> bool:
        """The channel does not work; whether that is new. Several threads may find it out together."""
        with self._lock:
            times, until = self._away.get(channel, (0, 0.0))
            if now < until:
                return False
            self._away[channel] = times + 1, now + _pause(times, _FIRST_ABSENCE, _LONGEST_ABSENCE)
            return True

    def worked(self, channel: str) -> None:
        """The channel works."""
        with self._lock:
            self._away.pop(channel, None)


class Unnoted:
    """Messages that were sent while the database was away: what is still to be noted, before anything else is sent."""

    def __init__(self) -> None:
        self._sent: dict[int, tuple[Lane, int]] = {}

    def note_all(self) -> None:
        """Note them now. Raises DatabaseError."""
        for id_ in list(self._sent):
            self.note(id_)

    def note(self, id_: int) -> bool:
        """Note one; whether its lane is still the sender's. Raises DatabaseError."""
        lane, at = self._sent[id_]
        is_own = lanes.sent(lane, id_, at)
        del self._sent[id_]
        return is_own

    def sent(self, lane: Lane, message_id: int, at: int) -> bool:
        """A message was sent at `at` (Unix seconds): note it, for a while also in a database that is away.

        Whether its lane is still the sender's. Raises DatabaseError; then it is noted another time.
        """
        self._sent[message_id] = lane, at
        until = time.monotonic() + NOTING_SECONDS
        while True:
            try:
                return self.note(message_id)
            except (OperationalError, InterfaceError):
                if time.monotonic() > until or connection.in_atomic_block:
                    raise
                connection.close()
                time.sleep(_NOTING_PAUSE)


class Courier:
    """Works on lanes, one at a time, in one thread with channels of its own."""

    def __init__(
        self,
        channels: Mapping[str, Channel],
        report: Report,
        absences: Absences,
        unnoted: Unnoted,
        is_over: Callable[[], bool],
    ) -> None:
        """`is_over`: no other delivery is to be begun."""
        self._channels = channels
        self._report = report
        self._absences = absences
        self._unnoted = unnoted
        self._is_over = is_over

    def work(self, lane: Lane) -> None:
        """Send what the recipient is to get now. Raises DatabaseError."""
        now = clock.now()
        if self._absences.is_away(lane.channel, now) or not lanes.claim(lane, now):
            return
        try:
            while not self._is_over() and (message := self._next(lane)) and self._deliver(lane, message):
                pass
        except Error:
            raise
        except Exception as error:  # the other recipients must not suffer
            log.exception("nothing could be sent to %s", lane.key)
            self._postpone(lane, f"an error of the service: {type(error).__name__}")
        finally:
            lanes.release(lane)

    def close(self) -> None:
        """End what the channels have open."""
        for channel in self._channels.values():
            channel.close()

    def _next(self, lane: Lane) -> Waiting | None:
        """The message to be sent now: one that waits, or a new one."""
        message = lanes.next_message(lane.recipient_id)
        if message is None and outbox.make_message(lane, clock.now()):
            self._report.count("made")
            message = lanes.next_message(lane.recipient_id)
        return message

    def _deliver(self, lane: Lane, message: Waiting) -> bool:
        """Send one message; whether another may follow."""
        if not lanes.renew(lane, clock.now()):  # we were held up, and another sender is at work for the recipient
            return False
        began = time.monotonic()
        failure = _failure_of(self._channels[lane.channel], _outgoing(lane, message))
        took = time.monotonic() - began
        is_own = failure is None and self._unnoted.sent(lane, message.id, clock.now())  # at once
        if failure is not None:
            return self._failed(lane, message, failure, took)
        self._absences.worked(lane.channel)
        self._report.count("sent")
        deliveries.count(lane.channel, Outcome.DELIVERED, took)
        return is_own

    def _failed(self, lane: Lane, message: Waiting, failure: Refused | NotDelivered, took: float) -> bool:
        """Note a message that was not delivered; whether another may follow."""
        now, problem, refused = clock.now(), str(failure), isinstance(failure, Refused)
        is_everybodys = isinstance(failure, NotDelivered) and failure.everybody
        if is_everybodys and not self._absences.failed(lane.channel, now):
            return False  # another thread has just found that out
        log.warning("message %s to %s was not delivered: %s", message.key, lane.key, problem)
        lanes.attempted(lane, message.id, problem, now, refused=refused)
        self._report.count("refused" if refused else "not_delivered", problem)
        deliveries.count(lane.channel, Outcome.REFUSED if refused else Outcome.RETRIED, took)
        if not refused and not is_everybodys:
            self._postpone(lane, problem)
        return refused

    @staticmethod
    def _postpone(lane: Lane, problem: str) -> None:
        pause = _pause(lane.failures, _FIRST_PAUSE, _LONGEST_PAUSE)
        lanes.postpone(lane, problem, int(clock.now() + pause))


def _failure_of(channel: Channel, outgoing: Outgoing) -> Refused | NotDelivered | None:
    """Deliver; None when that succeeds."""
    try:
        channel.deliver(outgoing)
    except (Refused, NotDelivered) as failure:
        return failure
    except Exception as error:
        log.exception("message %s to %s could not be sent", outgoing.key, outgoing.recipient)
        return NotDelivered(f"an error of the service: {type(error).__name__}")
    return None


def _outgoing(lane: Lane, message: Waiting) -> Outgoing:
    return Outgoing(
        message.key, lane.key, message.address, message.subject, message.text, message.html, message.body,
        message.unsubscribe, message.created,
    )  # fmt: skip


def _pause(failures: int, first: int, longest: int) -> float:
    """Seconds until the next attempt after so many failures before this one: doubled each time, not quite alike."""
    return float(min(first * 2 ** min(failures, 20), longest) * random.uniform(0.8, 1.2))
