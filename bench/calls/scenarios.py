"""The scenarios: the sites, and the calls on each. Site after site, so that each is loaded once."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from bench.calls.database import MARIADB, SQLITE
from bench.calls.site import Sizes, Wanted

_SIX = tuple(Wanted(machines, ignore) for machines in (10, 30, 70) for ignore in (True, False))
_SEVENTY = (Wanted(70, True),)
_RUSH = Wanted(20, True, days=5, hours=(8, 11, 13, 15, 17), each=20)
_RUSH_SETTINGS = {"GUNICORN_THREADS": "64", "VCL_GUARD_WAIT_SECONDS": "60"}

# Growth: one variable at a time around the base site, which has the middle value of each.
_COMPUTERS = (500, 1_000, 2_500, 5_000, 10_000, 20_000, 40_000, 65_000)
_MACHINES = (1, 2, 5, 10, 20, 35, 70, 140, 255)
_LOG = (2_000, 20_000, 200_000, 2_000_000)
_PAST = (0, 1_000, 10_000, 100_000)
_WORKERS = (1, 2, 4, 8)


@dataclass(frozen=True, slots=True)
class Scenario:
    """Calls of one kind on one site.

    `curve` and `x` say where it belongs in the plot of growth. With `rush` all block times of its kind are allocated
    at once, by a caller each.
    """

    name: str
    sizes: Sizes | None  # None: the rows of another program
    machines: int = 70
    ignore: bool = True
    database: str = MARIADB
    index: bool = False  # the suggested indexes are made first, and stay
    silent: bool = False  # no management node is alive
    rush: bool = False
    workers: int = 1
    settings: Mapping[str, str] = field(default_factory=dict)
    curve: str = ""
    x: int = 0

    @property
    def key(self) -> str:
        """Which block times of the site it takes: machines/ignoreprivileges."""
        return f"{self.machines}/{int(self.ignore)}"

    @property
    def place(self) -> tuple[str, Sizes | None, str]:
        """Scenarios of the same place share a database. A rush uses up its block times: it has one of its own."""
        return self.database, self.sizes, self.name if self.rush else ""


def short() -> list[Scenario]:
    """The scenarios that take a few minutes."""
    base = Sizes((*_SIX[:4], Wanted(70, True, hours=(14, 18)), _SIX[5]))
    growing = [
        Scenario(f"{wanted.machines} machines, privileges {'ignored' if wanted.ignore else 'count'}", base,
                 wanted.machines, wanted.ignore)
        for wanted in base.wanted
    ]  # fmt: skip
    large = Sizes((Wanted(255, True),), computers=65_000)
    return [
        *growing,
        Scenario("70 machines, with the suggested indexes", base, index=True),
        Scenario("70 machines, SQLite", Sizes(_SEVENTY), database=SQLITE),
        Scenario("255 machines of 65,000 computers", large, 255),
        Scenario("rush: 500 calls of 20 machines, 8 workers", Sizes((_RUSH,)), 20, rush=True, workers=8,
                 settings=_RUSH_SETTINGS),
    ]  # fmt: skip


def full() -> list[Scenario]:
    """The short scenarios, and those that show how the cost grows."""
    return [*short(), *_by_computers(), *_by_machines(), *_by_log(), *_by_past(), *_by_workers(), _silent()]


def of_rows(keys: list[str]) -> list[Scenario]:
    """The scenarios for the block times in rows of another program, by machines/ignoreprivileges."""
    scenarios = []
    for key in keys:
        machines, _, ignore = key.partition("/")
        privileges = "ignored" if ignore == "1" else "count"
        scenarios.append(Scenario(f"{machines} machines, privileges {privileges}", None, int(machines), ignore == "1"))
    return sorted(scenarios, key=lambda each: (each.machines, not each.ignore))


def named(every: list[Scenario], parts: Sequence[str]) -> list[Scenario]:
    """The scenarios with one of the parts in their names; all when there are no parts."""
    return [each for each in every if not parts or any(part in each.name for part in parts)]


def _by_computers() -> list[Scenario]:
    return [
        Scenario(f"{n:,} computers", Sizes(_SEVENTY, computers=n), curve="computers of the site", x=n)
        for n in _COMPUTERS
    ]


def _by_machines() -> list[Scenario]:
    sizes = Sizes(tuple(Wanted(n, True) for n in _MACHINES))
    return [Scenario(f"{n} machines", sizes, n, curve="machines of the call", x=n) for n in _MACHINES]


def _by_log() -> list[Scenario]:
    scenarios = []
    for n in _LOG:
        sizes = Sizes((Wanted(70, True, hours=(10, 14, 18)),), log=n)
        scenarios += [
            Scenario(f"{n:,} rows of log", sizes, curve="rows of log", x=n),
            Scenario(f"{n:,} rows of log, load times kept for a day", sizes, settings={"VCL_LOAD_TIME_HOURS": "24"},
                     curve="rows of log, load times kept for a day", x=n),
            Scenario(f"{n:,} rows of log, indexes", sizes, index=True, curve="rows of log, with indexes", x=n),
        ]  # fmt: skip
    return scenarios


def _by_past() -> list[Scenario]:
    return [
        *(Scenario(f"{n:,} past block times", Sizes(_SEVENTY, past_times=n), curve="past block times", x=n)
          for n in _PAST),
        *(Scenario(f"{n:,} past decisions", Sizes(_SEVENTY, decisions=n), curve="past decisions", x=n)
          for n in _PAST),
    ]  # fmt: skip


def _by_workers() -> list[Scenario]:
    return [
        Scenario(f"rush, {n} worker{'s' * (n > 1)}", Sizes((_RUSH,)), 20, rush=True, workers=n, settings=_RUSH_SETTINGS,
                 curve="workers under a rush", x=n)
        for n in _WORKERS
    ]  # fmt: skip


def _silent() -> Scenario:
    sizes = Sizes((Wanted(30, True),), computers=2_000)
    return Scenario("30 machines of 2,000 computers, all management nodes silent", sizes, 30, silent=True)
