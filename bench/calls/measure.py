"""One scenario: the service's calls and the yardstick's, one after the other, and the cost of each call."""

import statistics
import time
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from zoneinfo import ZoneInfo

from bench.calls import rows
from bench.calls.counters import Work, least, work_of
from bench.calls.database import Database
from bench.calls.raw_sql import RawSQL, Task
from bench.calls.rush import Rush, call_at_once
from bench.calls.scenarios import Scenario
from bench.calls.server import Client, MeasuredServer
from bench.calls.site import ZONE, Site
from blockalloc.schema.suggested import SUGGESTED

TIMED = 15  # calls of a scenario whose times count
_WARM, _KEPT_OPEN = 3, 2  # calls before them; in the first ones, but for the very first, the server counts
BEFORE = _WARM + _KEPT_OPEN


@dataclass
class Measured:
    """The results of a scenario; times are milliseconds, memory is kilobytes."""

    scenario: Scenario
    times: list[float] = field(default_factory=list)  # of calls with a new connection each
    kept_open: list[float] = field(default_factory=list)
    raw: list[float] = field(default_factory=list)
    answers: list[int] = field(default_factory=list)
    differ: list[int] = field(default_factory=list)  # computers of each call that the yardstick did not choose
    work: Work | None = None
    memory: int = 0
    rush: Rush | None = None

    @property
    def median(self) -> float:
        """The main figure of a scenario."""
        return statistics.median(self.times)

    @property
    def p95(self) -> float:
        """What 95 of 100 calls do not exceed; of fewer than 20 the slowest."""
        return sorted(self.times)[-1 - len(self.times) // 20]

    @property
    def ratio(self) -> float | None:
        """The median to the yardstick's."""
        return self.median / statistics.median(self.raw) if self.raw else None


@dataclass(frozen=True, slots=True)
class Place:
    """A loaded site. `left` are the ids of block times that nothing was allocated to yet."""

    database: Database
    site: Site
    left: dict[str, list[int]]

    def take(self, key: str, number: int) -> list[int]:
        """The next block times of a kind. Raises NotEnough."""
        left = self.left.get(key, [])
        if len(left) < number:
            raise NotEnough(
                f"{number} block times of {key} (machines/ignoreprivileges) are needed, {len(left)} are left"
            )
        taken, left[:number] = left[:number], []
        return taken


class NotEnough(Exception):
    """The site has too few block times of a kind; the text says which."""


def measure(scenario: Scenario, place: Place, directory: Path, timed: int = TIMED) -> Measured:
    """Start the service on the site and time so many calls. Their block times are used up then, and BEFORE more."""
    if scenario.index:
        create_indexes(place.database)
    measured = Measured(scenario)
    server = MeasuredServer(directory, place.database)
    with server.begin({"WEB_CONCURRENCY": str(scenario.workers), **scenario.settings}):
        if scenario.rush:
            times = place.left.pop(scenario.key)
            tasks = [_task(place, scenario, id_) for id_ in times]
            with rows.kept_alive(place.database):
                measured.rush = call_at_once(
                    tasks, place.database, lambda task: _Call(server.url, place.site, scenario, task)
                )
            measured.times = measured.rush.times
            measured.answers = measured.rush.answers
        else:
            _one_by_one(measured, place, server, BEFORE + timed)
        measured.memory = server.peak_memory()
    return measured


def create_indexes(database: Database) -> None:
    """The indexes that the service suggests for large sites; nothing when they are there already."""
    connection = database.connect()
    for index in SUGGESTED:
        columns = ", ".join(f"`{column}`" for column in index.columns)
        connection.run(f"CREATE INDEX IF NOT EXISTS {index.name} ON `{index.table}` ({columns})")
    connection.commit()
    connection.close()
    database.analyze()


def _one_by_one(measured: Measured, place: Place, server: MeasuredServer, calls: int) -> None:
    """For each block time a call of the yardstick, which is undone, and then the service's call."""
    scenario, database = measured.scenario, place.database
    raw, kept_open = RawSQL(database), Client(server.url, place.site)
    for number, id_ in enumerate(place.take(scenario.key, calls)):
        (rows.fall_silent if scenario.silent else rows.check_in)(database)
        task = _task(place, scenario, id_)
        seconds, picked = raw.allocate(task)
        call = _Call(server.url, place.site, scenario, task)
        if number == 0:
            call()
        elif number < _WARM:
            measured.work = least(measured.work, work_of(database, call))
        elif number < BEFORE:
            measured.kept_open.append(call(kept_open)[0])
        else:
            measured.raw.append(1000 * seconds)
            took, answer = call()
            measured.times.append(took)
            measured.answers.append(answer)
        measured.differ.append(len(computers_of(database, id_) - picked))
    raw.close()
    kept_open.close()


class _Call:
    """One call of the service, with a connection of its own unless one is given; milliseconds and the answer."""

    def __init__(self, url: str, site: Site, scenario: Scenario, task: Task) -> None:
        self._url, self._site = url, site
        self._parameters = (
            task.image, _instant(task.start), _instant(task.end), task.machines, site.group, int(scenario.ignore),
            task.block_time,
        )  # fmt: skip

    def __call__(self, client: Client | None = None) -> tuple[float, int]:
        began = time.perf_counter()
        own = client or Client(self._url, self._site)
        answer = own.call(*self._parameters)
        took = time.perf_counter() - began
        if client is None:
            own.close()
        return 1000 * took, answer


def _task(place: Place, scenario: Scenario, block_time: int) -> Task:
    connection = place.database.connect()
    ((start, end),) = connection.run("SELECT start, `end` FROM blockTimes WHERE id = %(id)s", {"id": block_time})
    connection.close()
    group = None if scenario.ignore else place.site.group
    return Task(place.site.image, group, moment(start), moment(end), scenario.machines, block_time)


def computers_of(database: Database, block_time: int) -> set[int]:
    """The computers of a block time."""
    connection = database.connect()
    rows = connection.run("SELECT computerid FROM blockComputers WHERE blockTimeid = %(id)s", {"id": block_time})
    connection.close()
    return {computer for (computer,) in rows}


def moment(value: datetime | str) -> datetime:
    """A local time as the database gives it."""
    return value if isinstance(value, datetime) else datetime.fromisoformat(value)


def _instant(local: datetime) -> int:
    return int(local.replace(tzinfo=ZoneInfo(ZONE)).timestamp())
