"""The day: VCL's programs, people, calls, looks and notifications on the rows, and a scrape each minute.

Until noon nothing goes wrong. Then one thing after the other does: each is to be seen in the figures, and ends.
"""

import hashlib
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager, ExitStack, suppress
from dataclasses import dataclass, field
from http import HTTPStatus
from random import Random
from typing import Any

import time_machine
from django.contrib.auth.models import User as StaffUser
from django.core.management import CommandError, call_command
from django.db import DatabaseError, OperationalError
from django.test import Client, override_settings
from django.urls import reverse

from bench.readiness import site as morning
from bench.readiness.play import Clock, stage
from blockalloc.monitoring import site_metrics
from blockalloc.upkeep.passes import Keeper
from simulation.connections import Connection
from simulation.days.day import Day
from simulation.days.demand import Arrival, Demand
from simulation.days.loads import Loads
from simulation.days.people import People
from simulation.days.users import Users
from tests.support import rpc_calls
from tests.support.servers.front_end_server import FrontEndServer, always, http, value
from tests.support.servers.mail_server import HOST, MailServer
from vclsite import notifications
from verification.metrics import site, troubles
from verification.metrics.endpoint import Endpoint
from verification.metrics.site import CELL, MINUTE

TOKEN = "a-token-for-prometheus-alone"
_SALT = "8ht2Pa55"
_PASSHASH = hashlib.sha1(f"{rpc_calls.SIGNED_IN['X-Pass']}{_SALT}".encode()).hexdigest()  # noqa: S324 - as VCL does
_WRONG = rpc_calls.signing_in(password="wrong")
_STRANGER = "198.51.100.7"


@dataclass
class Played:
    """What came of the day: how often /metrics was asked, its text at noon and in the evening, and mails."""

    scrapes: int = 0
    texts: list[str] = field(default_factory=list)
    mails: int = 0


def play(seed: int, doubles: Connection, endpoint: Endpoint) -> Played:
    """Play the day of this seed on the database that Django uses. Raises NotAnswered."""
    with (
        stage(),
        FrontEndServer(always(http(value({"status": "success"})))) as front_end,
        MailServer() as mail_server,
        override_settings(
            ALLOWED_HOSTS=["testserver"],
            VCL_RELOAD_POLICY="ready",
            VCL_METRICS_TOKEN=TOKEN,
            VCL_FRONT_END_URL=front_end.url,
            VCL_SMTP_URL=notifications.MailServer(HOST, mail_server.port),
            VCL_SITE_MAIL=["desk@example.edu", "lab@example.edu"],
        ),
        time_machine.travel(site.instant(site.BEGIN), tick=False) as traveller,
        ExitStack() as stack,
    ):
        clock = Clock(traveller)
        stack.enter_context(clock.for_new_sessions())
        site.load(seed, doubles, {"passhash": _PASSHASH, "salt": _SALT})
        playing = _Playing(seed, doubles, clock, endpoint, stack)
        playing.go_wrong(front_end, mail_server)
        playing.run()
        playing.played.mails = len(mail_server.received)
        return playing.played


class _Playing:
    """The day that is being played. `stack` ends what goes wrong if the day does not."""

    def __init__(self, seed: int, doubles: Connection, clock: Clock, endpoint: Endpoint, stack: ExitStack) -> None:
        self.played = Played()
        self._seed, self._doubles, self._clock, self._endpoint, self._stack = seed, doubles, clock, endpoint, stack
        loads = Loads(minutes=CELL.load_minutes, law=CELL.law, failing=0.0, broken=frozenset([site.BROKEN]))
        begin = site.instant(site.BEGIN)
        self._day = Day(doubles, site.ZONE, begin, morning.nodes(CELL), self._process, loads=loads, seed=seed)
        self._keeper = Keeper()
        self._staff = Client()
        self._staff.force_login(StaffUser.objects.create_superuser("root"))
        self._is_looking = self._is_notifying = self._is_forecasting = True

    def run(self) -> None:
        """From the morning to the evening."""
        day = self._day
        for number, each in enumerate(site.CLASSES):
            day.at(site.instant(each.known), lambda number=number: site.insert_class(number))  # type: ignore[misc]
        self._people_come()
        for hour in range(site.BEGIN, site.END):
            self._expect_calls(hour)
        day.every(MINUTE, self._each_minute)
        for until in (site.QUIET_UNTIL, site.END):
            day.run(site.instant(until))
            self.played.texts.append(self._endpoint.text)

    def go_wrong(self, front_end: FrontEndServer, mail_server: MailServer) -> None:
        """Put on the agenda what goes wrong, beside a broken image and a class that is too large."""
        away = OperationalError("the server has gone away")
        error = RuntimeError("an error of the service")
        self._at(12.0, self._sign_in_wrongly)
        self._during(12.2, 12.3, lambda: troubles.front_end_breaks_off(front_end))
        self._at(12.25, lambda: self._call("XMLRPCautoCapture", 1))
        self._at(12.4, lambda: self._run_loops(looking=False))
        self._at(12.6, lambda: self._run_loops())
        self._during(12.9, 13.4, lambda: troubles.mail_server_says(mail_server, "451 4.3.0 later"))
        self._at(13.5, lambda: self._run_loops(forecasting=False))
        self._at(14.1, lambda: self._run_loops())
        self._during(15.5, 15.6, lambda: troubles.database_says(away))
        self._during(15.8, 15.95, lambda: override_settings(TIME_ZONE="Asia/Tokyo"))
        self._during(16.2, 16.21, lambda: troubles.database_says(error, "blockalloc_guard"))
        for _ in range(4):
            self._at(16.2, lambda: self._call("XMLRPCprocessBlockTime", site.block_time(7), 1))
        self._at(17.3, lambda: self._run_loops(notifying=False))
        self._at(17.45, lambda: self._run_loops())
        self._during(18.2, 19.1, lambda: troubles.mail_server_says(mail_server, "550 5.1.1 nobody of that name"))
        self._day.stop_node(morning.nodes(CELL)[0], site.instant(18.2), site.instant(19.1))

    # --- what the service does by itself --------------------------------------------------------

    def _each_minute(self) -> None:
        self._clock.go_to(self._day.now)
        if self._is_looking:
            with suppress(DatabaseError):
                self._keeper.look()
        if self._is_notifying:
            with suppress(CommandError):  # the database does not answer
                call_command("notify", stdout=_Nowhere())
        if self._is_forecasting:
            with suppress(CommandError):
                call_command("forecast", stdout=_Nowhere())
        site_metrics.latest.forget()  # it is kept for seconds, which are hours here
        self._endpoint.ask(self._day.now)
        self.played.scrapes += 1

    def _run_loops(self, *, looking: bool = True, notifying: bool = True, forecasting: bool = True) -> None:
        self._is_looking, self._is_notifying, self._is_forecasting = looking, notifying, forecasting

    # --- people ---------------------------------------------------------------------------------

    def _people_come(self) -> None:
        day, chance = self._day, Random(f"{self._seed} people")
        computers = list(morning.computers(CELL))
        users = Users(day, People(self._doubles, morning.users(CELL)), computers, self._seed)
        wanted = {image: share for image, share in morning.shares(CELL, CELL.wanted).items() if image != site.BROKEN}
        demand = Demand(CELL.users, CELL.computers, wanted)
        begin, end = site.instant(site.BEGIN), site.instant(site.END)
        users.seat(demand.present(begin, chance), Random(f"{self._seed} seats"))
        for arrival in demand.arrivals(begin, end, chance):
            users.expect(arrival)
        for number, each in enumerate(site.CLASSES):
            members = morning.members(CELL, site.block_time(number))[: each.seats]
            theirs = Users(day, People(self._doubles, members), computers, self._seed)
            for _ in members:
                at = site.instant(each.start) + chance.randint(1, 10 * MINUTE)
                theirs.expect(Arrival(at, each.image, int(60 * each.hours), chosen_end=True))

    # --- calls ----------------------------------------------------------------------------------

    def _process(self, block_time: int, ignore_privileges: int) -> Mapping[str, Any]:
        """The back end's call. Raises xmlrpc.client.Fault."""
        self._clock.go_to(self._day.now)
        answer = rpc_calls.call("XMLRPCprocessBlockTime", block_time, ignore_privileges)
        assert isinstance(answer, dict)
        return answer

    def _expect_calls(self, hour: int) -> None:
        """Calls of all other kinds, for the class that starts next."""
        known = [number for number, each in enumerate(site.CLASSES) if each.start > hour + 1 and not each.known]
        number = known[0] if known else len(site.CLASSES) - 1
        id_ = site.block_time(number)
        self._at(hour + 0.1, lambda: self._call("XMLRPCautoCapture", 1))
        self._at(hour + 0.2, lambda: self._call("XMLRPCexplainBlockAllocation", *site.parameters(number)))
        self._at(hour + 0.25, lambda: self._call("XMLRPCblockAllocation", *site.parameters(number)))
        self._at(hour + 0.3, lambda: self._command("--block-time", id_, "--dry-run"))
        self._at(hour + 0.4, lambda: self._command("--block-time", id_))
        self._at(hour + 0.45, lambda: self._page(id_))

    def _call(self, method: str, *parameters: object) -> None:
        """A call whose answer does not matter."""
        rpc_calls.post(rpc_calls.document(method, *parameters))

    def _command(self, *words: object) -> None:
        with suppress(SystemExit):  # a class that is short
            call_command("allocate_block", *map(str, words), stdout=_Nowhere(), stderr=_Nowhere())

    def _page(self, block_time: int) -> None:
        """Somebody presses "Allocate now"."""
        answer = self._staff.post(reverse("admin:blocktime_action", args=[block_time, "allocate"]), secure=True)
        assert answer.status_code < HTTPStatus.BAD_REQUEST, answer.content

    def _sign_in_wrongly(self) -> None:
        for _ in range(25):
            rpc_calls.post(rpc_calls.TEST, headers=_WRONG, peer=_STRANGER)

    # --- the agenda -----------------------------------------------------------------------------

    def _at(self, hours: float, act: Callable[[], object]) -> None:
        """Do something of the service's at a time of the day."""

        def then() -> None:
            self._clock.go_to(self._day.now)
            act()

        self._day.at(site.instant(hours), then)

    def _during(self, begin: float, end: float, trouble: Callable[[], AbstractContextManager[Any]]) -> None:
        """Let something be wrong for some time of the day."""
        inside = self._stack.enter_context(ExitStack())
        self._at(begin, lambda: inside.enter_context(trouble()))
        self._at(end, inside.close)


class _Nowhere:
    """What commands print is nobody's."""

    def write(self, _text: str) -> None:
        """Nothing."""

    def flush(self) -> None:
        """Nothing."""
