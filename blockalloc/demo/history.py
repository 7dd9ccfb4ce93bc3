"""A year of reservations in VCL's log, from which the load times of the images are computed."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from random import Random

from blockalloc.demo import images as im
from blockalloc.demo.bookings import fits
from blockalloc.demo.inventory import Inventory
from blockalloc.demo.people import People
from blockalloc.demo.rows import Row, Rows

_DAYS, _LAST_DAY = 360, 3
# Reservations a day, at least and at most.
_ON_WEEKDAYS, _ON_WEEKENDS = (9, 14), (2, 4)
# Out of a hundred: no computer was available; the load failed; the computer had the image (too short
# to count as a load); it took too long to count; it was loaded ahead for a later start; the rest.
_PERCENT = (3, 4, 6, 2, 10, 75)
_ENDINGS = ("released", "released", "released", "timeout", "deleted", "nologin", "EOR")


@dataclass(frozen=True)
class _Outcome:
    """How a past reservation went."""

    ending: str
    seconds: int | None  # from its start until it was loaded
    nowfuture: str = "now"
    available: bool = True


def add_history(rows: Rows, inventory: Inventory, who: People, now: datetime) -> None:
    """Add some three thousand past reservations; no computer has two on the same day."""
    writer = _Writer(rows, inventory, Random("history"))
    random = writer.random
    users = sorted({user for members in who.members.values() for user in members})
    names = [name for name, spec in im.SPECS.items() if spec.popularity]
    weights = [im.SPECS[name].popularity for name in names]
    for day in range(_DAYS, _LAST_DAY, -1):
        date = (now - timedelta(days=day)).replace(hour=0, minute=0, second=0)
        unused = {pool: random.sample(computers, len(computers)) for pool, computers in inventory.pools.items()}
        for _ in range(random.randint(*(_ON_WEEKENDS if date.weekday() >= 5 else _ON_WEEKDAYS))):
            image = random.choices(names, weights)[0]
            start = date + timedelta(hours=random.randint(8, 20), seconds=random.randint(0, 3599))
            writer.add(random.choice(users), start, image, _take(unused[inventory.pool(image)], image))


def _take(unused: list[Row], image: str) -> list[tuple[Row, str]]:
    """Computers for the image and its subimages, removed from the unused ones; nothing if there are too few."""
    chosen: list[tuple[Row, str]] = []
    for name in (image, *im.SUBIMAGES.get(image, ())):
        computer = next((c for c in unused if fits(c, name)), None)
        if computer is None:
            return []
        unused.remove(computer)
        chosen.append((computer, name))
    return chosen


def _outcome(random: Random, load_seconds: int) -> _Outcome:
    ordinary = min(1790, max(130, int(random.gauss(load_seconds, load_seconds * 0.12))))
    ending = random.choice(_ENDINGS)
    outcomes = [
        _Outcome("none", None, available=False),
        _Outcome("failed", None),
        _Outcome(ending, random.randint(20, 110)),
        _Outcome(ending, random.randint(1850, 3500)),
        _Outcome(ending, -random.randint(60, 900), nowfuture="future"),
        _Outcome(ending, ordinary),
    ]
    return random.choices(outcomes, _PERCENT)[0]


@dataclass(frozen=True)
class _Writer:
    """Writes past reservations."""

    rows: Rows
    inventory: Inventory
    random: Random

    def add(self, user: int, start: datetime, image: str, computers: list[tuple[Row, str]]) -> None:
        """Add a reservation of the image on these computers."""
        if not computers:
            return
        outcome = _outcome(self.random, im.SPECS[image].load_seconds)
        log = self._log(user, start, image, outcome)
        if outcome.available:
            for computer, its_image in computers:
                self._sublog(log, computer, its_image)

    def _log(self, user: int, start: datetime, image: str, outcome: _Outcome) -> int:
        loaded = None if outcome.seconds is None else start + timedelta(seconds=outcome.seconds)
        used = timedelta(minutes=self.random.randint(20, 180))
        return self.rows.add(
            "log",
            userid=user,
            nowfuture=outcome.nowfuture,
            start=start,
            loaded=loaded,
            initialend=start + timedelta(hours=2),
            finalend=start + timedelta(minutes=12) if loaded is None else max(start, loaded) + used,
            wasavailable=int(outcome.available),
            ending=outcome.ending,
            computerid=None,
            imageid=self.inventory.images.ids[image],
        )

    def _sublog(self, log: int, computer: Row, image: str) -> None:
        host = computer["vmhostid"]
        managers = self.inventory.managers[self.inventory.pool(image)]
        self.rows.add(
            "sublog",
            logid=log,
            imageid=self.inventory.images.ids[image],
            imagerevisionid=self.inventory.images.production(image),
            computerid=computer["id"],
            managementnodeid=managers[log % len(managers)],
            hostcomputerid=self.rows.row("vmhost", host)["computerid"] if isinstance(host, int) else None,
        )
