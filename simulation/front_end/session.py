"""A piece of work of the front end, step by step."""

from collections.abc import Callable, Generator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Generic, TypeAlias, TypeVar
from zoneinfo import ZoneInfo

from simulation.connections import Answer, Blocked, Connection

Result = TypeVar("Result")
Statement: TypeAlias = tuple[str, Sequence[Any]]  # SQL and its parameters

_FORMAT = "%Y-%m-%d %H:%M:%S"


@dataclass(frozen=True, slots=True)
class FrontEnd:
    """The front end of a site: its connection, its clock (Unix seconds), and the zone of its local times."""

    connection: Connection
    clock: Callable[[], float]
    zone: ZoneInfo

    def local(self, instant: int) -> str:
        """The value of a DATETIME column for an instant (Unix seconds)."""
        return datetime.fromtimestamp(instant, self.zone).strftime(_FORMAT)

    def instant(self, local: datetime | str) -> int:
        """Unix seconds of a DATETIME column's value; MariaDB's driver gives a naive datetime, SQLite text."""
        naive = datetime.fromisoformat(local) if isinstance(local, str) else local
        return int(naive.replace(tzinfo=self.zone).timestamp())

    def utc(self, instant: int) -> str:
        """The value of a TIMESTAMP column for an instant (Unix seconds)."""
        return datetime.fromtimestamp(instant, UTC).strftime(_FORMAT)


@dataclass(frozen=True, slots=True)
class Step:
    """A statement; its parameters are made from the time (Unix seconds) at which it is sent first.

    The steps of a reservation have the letters of SPEC 8.7 for names, other steps a word.
    """

    name: str
    statement: Callable[[int], Statement]


Steps: TypeAlias = Generator[Step, Answer, Result]


class Session(Generic[Result]):
    """Work in progress. `result` is its result, once it is `done`."""

    def __init__(self, front_end: FrontEnd, steps: Steps[Result]) -> None:
        self.front_end = front_end
        self.result: Result | None = None
        self.blocked = 0  # how often a statement had to wait
        self.sent: list[str] = []  # the names of the steps done
        self._steps = steps
        self._next: Step | None = None
        self._ready: Statement | None = None  # a statement that had to wait
        self._resume(None)

    @property
    def done(self) -> bool:
        """Whether all statements were sent."""
        return self._next is None

    @property
    def next_step(self) -> str:
        """The name of the step that comes next, "" at the end."""
        return self._next.name if self._next else ""

    def advance(self) -> bool:
        """Send the next statement; False when it has to wait: the next call sends it again."""
        if self._next is None:
            return True
        if self._ready is None:
            now = self.front_end.clock()
            self.begins(self._next.name, now)
            self._ready = self._next.statement(int(now))
        try:
            answer = self.front_end.connection.send(*self._ready)
        except Blocked:
            self.blocked += 1
            return False
        self.sent.append(self._next.name)
        self._ready = None
        self._resume(answer)
        return True

    def finish(self) -> Result:
        """Do all steps that are left. Raises Blocked where one would have to wait."""
        while not self.done:
            if not self.advance():
                raise Blocked
        assert self.result is not None  # work has a result that is not None
        return self.result

    def begins(self, name: str, now: float) -> None:
        """A step is sent for the first time."""

    def _resume(self, answer: Answer | None) -> None:
        try:
            self._next = next(self._steps) if answer is None else self._steps.send(answer)
        except StopIteration as end:
            self._next = None
            self.result = end.value
