"""The day: VCL's programs, people, calls and looks on the rows, and a scrape each minute.

Until noon nothing goes wrong. Then one thing after the other does: each is to be seen in the figures, and ends.
"""

import contextlib
import hashlib
from collections.abc import Callable, Iterator, Mapping
from http import HTTPStatus
from random import Random
from typing import Any

import time_machine
from django.contrib.auth.models import User as StaffUser
from django.core.management import call_command
from django.db import DatabaseError, OperationalError, connection
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.backends.signals import connection_created
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
from tests.support.servers.front_end_server import FrontEndServer, Received, always, http, value
from verification.metrics import site
from verification.metrics.endpoint import Endpoint
from verification.metrics.site import CELL, MINUTE

TOKEN = "a-token-for-prometheus-alone"
_SETTINGS = {"ALLOWED_HOSTS": ["testserver"], "VCL_RELOAD_POLICY": "ready", "VCL_METRICS_TOKEN": TOKEN}
_SALT = "8ht2Pa55"
_WRONG = rpc_calls.signing_in(password="wrong")
_OF_STRANGER = "198.51.100.7"


class Played:
    """What came of the day. `scrapes`: their number; `texts`: /metrics at noon and in the evening."""

    def __init__(self) -> None:
        self.scrapes = 0
        self.texts: list[str] = []


def play(seed: int, doubles: Connection, endpoint: Endpoint) -> Played:
    """Play the day of this seed on the database that Django uses. Raises NotAnswered."""
    begin = site.instant(site.BEGIN)
    with (
        stage(),
        FrontEndServer(always(http(value({"status": "success"})))) as front_end,
        override_settings(**_SETTINGS, VCL_FRONT_END_URL=front_end.url),
        time_machine.travel(begin, tick=False) as traveller,
    ):
        clock = Clock(traveller)
        with clock.for_new_sessions(), contextlib.ExitStack() as troubles:
            password = f"{rpc_calls.SIGNED_IN['X-Pass']}{_SALT}"
            passhash = hashlib.sha1(password.encode()).hexdigest()  # noqa: S324 - as VCL does
            site.load(seed, doubles, {"passhash": passhash, "salt": _SALT})
            playing = _Playing(seed, doubles, clock, endpoint, front_end, troubles)
            playing.run()
            return playing.played


class _Playing:
    """The day that is being played."""

    def __init__(
        self,
        seed: int,
        doubles: Connection,
        clock: Clock,
        endpoint: Endpoint,
        front_end: FrontEndServer,
        troubles: contextlib.ExitStack,
    ) -> None:
        self.played = Played()
        self._seed, self._doubles, self._clock = seed, doubles, clock
        self._endpoint, self._front_end, self._troubles = endpoint, front_end, troubles
        loads = Loads(minutes=CELL.load_minutes, law=CELL.law, failing=0.0, broken=frozenset([site.BROKEN]))
        begin = site.instant(site.BEGIN)
        self._day = Day(doubles, site.ZONE, begin, morning.nodes(CELL), self._process, loads=loads, seed=seed)
        self._keeper = Keeper()
        self._staff = Client()
        self._staff.force_login(StaffUser.objects.create_superuser("root"))
        self._looking = True

    def run(self) -> None:
        """From the morning to the evening."""
        day = self._day
        for number, each in enumerate(site.CLASSES):
            day.at(site.instant(each.known), lambda number=number: site.insert_class(number))  # type: ignore[misc]
        self._people_come()
        self._calls()
        self._go_wrong()
        day.every(MINUTE, self._each_minute)
        day.run(site.instant(site.QUIET_UNTIL))
        self.played.texts.append(self._endpoint.text)
        day.run(site.instant(site.END))
        self.played.texts.append(self._endpoint.text)

    def _each_minute(self) -> None:
        self._clock.go_to(self._day.now)
        if self._looking:
            with contextlib.suppress(DatabaseError):
                self._keeper.look()
        site_metrics.latest.forget()  # it is kept for seconds, which are hours here
        self._endpoint.ask(self._day.now)
        self.played.scrapes += 1

    # --- people and calls -----------------------------------------------------------------------

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
            start = site.instant(each.start)
            for _ in members:
                at = start + chance.randint(1, 10 * MINUTE)
                theirs.expect(Arrival(at, each.image, int(60 * each.hours), chosen_end=True))

    def _process(self, block_time: int, ignore_privileges: int) -> Mapping[str, Any]:
        """The back end's call. Raises xmlrpc.client.Fault."""
        self._clock.go_to(self._day.now)
        answer = rpc_calls.call("XMLRPCprocessBlockTime", block_time, ignore_privileges)
        assert isinstance(answer, dict)
        return answer

    def _calls(self) -> None:
        """Calls of all kinds, an hour long and again."""
        for hour in range(site.BEGIN, site.END):
            number = _number_after(hour)
            id_, explained = site.block_time(number), site.parameters(number)
            self._at(hour + 0.1, lambda: self._call("XMLRPCautoCapture", 1))
            self._at(hour + 0.2, lambda explained=explained: self._call("XMLRPCexplainBlockAllocation", *explained))
            self._at(hour + 0.3, lambda id_=id_: self._command("--block-time", id_, "--dry-run"))
            self._at(hour + 0.4, lambda id_=id_: self._command("--block-time", id_))
            self._at(hour + 0.5, lambda id_=id_: self._page(id_))

    def _page(self, block_time: int) -> None:
        """Somebody presses "Allocate now"."""
        answer = self._staff.post(reverse("admin:blocktime_action", args=[block_time, "allocate"]), secure=True)
        assert answer.status_code < HTTPStatus.BAD_REQUEST, answer.content

    def _call(self, method: str, *parameters: object) -> None:
        """A call whose answer does not matter."""
        rpc_calls.post(rpc_calls.document(method, *parameters))

    def _command(self, *words: object) -> None:
        with contextlib.suppress(SystemExit):  # a class that is short
            call_command("allocate_block", *map(str, words), stdout=_Nowhere(), stderr=_Nowhere())

    def _at(self, hours: float, act: Callable[[], object]) -> None:
        """Do something of the service's at a time of the day."""

        def then() -> None:
            self._clock.go_to(self._day.now)
            act()

        self._day.at(site.instant(hours), then)

    # --- what goes wrong ------------------------------------------------------------------------

    def _go_wrong(self) -> None:
        self._at(12.0, self._wrong_passwords)
        self._during(12.2, 12.3, self._silent_front_end)
        self._during(12.4, 12.6, self._no_looks)
        self._during(15.5, 15.6, lambda: self._database_says(OperationalError("the server has gone away")))
        self._during(15.8, 15.95, lambda: override_settings(TIME_ZONE="Asia/Tokyo"))
        self._at(16.2, self._calls_with_an_error)
        self._day.stop_node(morning.nodes(CELL)[0], site.instant(18.2), site.instant(19.1))

    def _during(self, begin: float, end: float, trouble: Callable[[], contextlib.AbstractContextManager[Any]]) -> None:
        """Let a trouble be there for some time of the day."""
        inside = contextlib.ExitStack()
        self._troubles.callback(inside.close)
        self._at(begin, lambda: inside.enter_context(trouble()))
        self._at(end, inside.close)

    def _wrong_passwords(self) -> None:
        for _ in range(25):
            rpc_calls.post(rpc_calls.TEST, headers=_WRONG, peer=_OF_STRANGER)

    @contextlib.contextmanager
    def _silent_front_end(self) -> Iterator[None]:
        """VCL's front end breaks off what it is asked."""
        as_before, self._front_end.behave = self._front_end.behave, _break_off
        self._call("XMLRPCautoCapture", 1)
        yield
        self._front_end.behave = as_before

    @contextlib.contextmanager
    def _no_looks(self) -> Iterator[None]:
        self._looking = False
        yield
        self._looking = True

    @staticmethod
    @contextlib.contextmanager
    def _database_says(error: Exception, about: str = "") -> Iterator[None]:
        """Each statement of the service fails that has these words in it."""

        def refuse(execute: Callable[..., object], sql: str, *others: object) -> object:
            if about in sql:
                raise error
            return execute(sql, *others)

        def join(connection: BaseDatabaseWrapper, **_signal: object) -> None:
            connection.execute_wrappers.append(refuse)

        connection_created.connect(join)  # those of other threads
        try:
            with connection.execute_wrapper(refuse):
                yield
        finally:
            connection_created.disconnect(join)

    def _calls_with_an_error(self) -> None:
        with self._database_says(RuntimeError("an error of the service"), "blockalloc_guard"):
            for _ in range(4):
                self._call("XMLRPCprocessBlockTime", site.block_time(len(site.CLASSES) - 1), 1)


def _number_after(hour: int) -> int:
    """The class that starts next, of those that are known from the morning on."""
    numbers = [number for number, each in enumerate(site.CLASSES) if each.start > hour + 1 and not each.known]
    return numbers[0] if numbers else len(site.CLASSES) - 1


def _break_off(_server: FrontEndServer, _call: Received) -> bytes:
    """A behaviour of VCL's front end."""
    raise ConnectionResetError


class _Nowhere:
    """What commands print is nobody's."""

    def write(self, _text: str) -> None:
        """Nothing."""
