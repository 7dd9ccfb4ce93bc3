"""Plays the week: VCL's programs, people, a look of `keep_ready` every minute, rounds of `notify`."""

import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from random import Random
from typing import Any

import time_machine
from django.test import override_settings

from bench.readiness.play import Clock
from blockalloc.allocation import service
from blockalloc.contract.messages import Caller
from blockalloc.notifications.sending import Sender
from blockalloc.upkeep.passes import Keeper
from simulation.back_end.mails import Mail
from simulation.connections import Connection
from simulation.days.day import Day
from simulation.days.demand import Arrival, Demand
from simulation.days.loads import Loads
from simulation.days.people import Account, People
from simulation.days.users import Users
from vclsite.notifications import MailServer, Webhook
from verification.notifications import site
from verification.notifications.inbox import Inbox, Received
from verification.notifications.troubles import Troubles
from verification.notifications.truth import Course, Truth
from verification.notifications.week import MINUTE, ZONE, Class, Trouble, Week

SECRET = "a secret of the campaign, long enough"
_BACK_END = Caller(3, "vclsystem@Local", door="XMLRPCprocessBlockTime")
SERVICE_URL = "https://blocks.campus.example"
_USERS, _FAILING = 0.2, 0.01
_NOTIFY = 20  # seconds between two rounds
_COMES_WITHIN = 10 * MINUTE  # of the start: members


@dataclass
class Played:
    """What came of a week: what was so, and what people received. `vcl_mails` are those of VCL's back end.

    `rounds` of `notify`, and the `problems` that they had.
    """

    week: Week
    courses: Mapping[int, Course]
    received: list[Received]
    vcl_mails: list[Mail]
    rounds: int
    problems: Counter[str]
    seconds: float = 0.0


@contextmanager
def stage(inbox: Inbox) -> Iterator[None]:
    """The settings of the week."""
    url = f"http://127.0.0.1:{inbox.webhook}/news"
    with override_settings(
        TIME_ZONE=str(ZONE),
        VCL_ALLOW_PLAIN_HTTP=True,
        VCL_SERVICE_URL=SERVICE_URL,
        VCL_SMTP_URL=MailServer("127.0.0.1", inbox.smtp),
        VCL_MAIL_FROM="blockalloc@campus.example",
        VCL_SITE_MAIL=[site.SITE_MAIL],
        VCL_WEBHOOK_URL=[Webhook("json", url)],
        VCL_WEBHOOK_SECRET=SECRET,
        VCL_WEBHOOK_PRIVATE_ADDRESSES=True,
    ):
        yield


def play(week: Week, doubles: Connection, inbox: Inbox, progress: Callable[[str], None] = lambda _text: None) -> Played:
    """Play it on the empty database that Django uses. `doubles`: the connection of VCL's programs."""
    begun = time.perf_counter()
    with stage(inbox), time_machine.travel(week.begin, tick=False) as traveller:
        clock = Clock(traveller)
        with clock.for_new_sessions():
            site.load(week)
            playing = _Playing(week, doubles, clock, inbox, progress)
            playing.run()
    played = playing.result()
    played.seconds = time.perf_counter() - begun
    return played


class _Playing:
    """A week that is being played."""

    def __init__(
        self, week: Week, doubles: Connection, clock: Clock, inbox: Inbox, progress: Callable[[str], None]
    ) -> None:
        self._week, self._clock, self._inbox, self._progress = week, clock, inbox, progress
        broken = frozenset(each.image for each in week.classes if each.trouble is Trouble.BROKEN)
        loads = Loads(minutes=site.LOAD_MINUTES, failing=_FAILING, broken=broken)
        self._day = Day(doubles, ZONE, week.begin, week.nodes(), self._process, loads=loads, seed=week.seed)
        self._truth = Truth(self._day)
        self._keeper = Keeper()
        self._sender = Sender(threads=1)
        self._rounds = 0
        self._problems: Counter[str] = Counter()
        self._people_come(doubles)
        Troubles(week, self._day, self._asked_by_staff)

    def run(self) -> None:
        """From the first morning to the evening of the last day."""
        day = self._day
        day.at(day.now + MINUTE // 2, lambda: day.every(MINUTE, self._look))
        day.at(day.now + MINUTE // 2 + 5, lambda: day.every(_NOTIFY, self._notify))
        while day.now < self._week.end:
            day.run(min(day.now + 60 * MINUTE, self._week.end))
            self._progress(f"{day.front_end.local(day.now)}: {len(self._inbox.received)} messages")

    def result(self) -> Played:
        """What came of it."""
        courses = dict(self._truth.courses)
        mails = list(self._day.site.mails)
        return Played(self._week, courses, list(self._inbox.received), mails, self._rounds, self._problems)

    def _people_come(self, doubles: Connection) -> None:
        week, chance = self._week, Random(f"{self._week.seed} people")
        campus = week.labs[0]
        users = Users(self._day, People(doubles, site.users(week)), list(campus.computers), week.seed)
        demand = Demand(_USERS, len(campus.computers), dict.fromkeys(campus.images, 1 / len(campus.images)))
        for begin, end in week.days_of_users():
            for arrival in demand.arrivals(begin, end, chance):
                users.expect(arrival)
        members = {
            lab.number: Users(self._day, People(doubles, site.strangers()), list(lab.computers)) for lab in week.labs
        }
        for each in week.classes:
            for member in each.members:
                at = each.start + chance.randint(1, _COMES_WITHIN)
                arrival = Arrival(at, each.image, (each.end - each.start) // MINUTE, chosen_end=True)
                members[each.lab.number].expect(arrival, Account(member, f"user{member}", 1))

    def _process(self, block_time: int, ignore_privileges: int) -> Mapping[str, Any]:
        """The back end's call."""
        self._clock.go_to(self._day.now)
        outcome = service.process_block_time(block_time, bool(ignore_privileges), _BACK_END)
        self._truth.called(block_time)
        return {"status": outcome.status, "allocated": outcome.allocated, "unallocated": outcome.unallocated}

    def _asked_by_staff(self, each: Class, work: Callable[[], object]) -> None:
        """What staff do on our pages."""
        self._clock.go_to(self._day.now)
        work()
        if each.trouble is Trouble.RELEASED:
            self._truth.released.add(each.id)
        self._truth.called(each.id)

    def _look(self) -> None:
        self._clock.go_to(self._day.now)
        self._keeper.look()
        self._truth.look()

    def _notify(self) -> None:
        self._clock.go_to(self._day.now)
        self._rounds += 1
        self._problems.update(self._sender.round().problems)
        self._inbox.collect(self._day.now)
