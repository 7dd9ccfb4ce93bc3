"""The site of the day: the rows of the morning, and the classes with their hours."""

import datetime
from typing import NamedTuple

from bench.readiness import site as morning
from bench.readiness.cells import Cell
from simulation.connections import Connection
from tests.golden import tables
from tests.support.sites.rows import IMAGE, NODE

ZONE = morning.ZONE
MINUTE, HOUR = 60, 3600
BROKEN = IMAGE + 3  # each load of this image fails


class Class(NamedTuple):
    """A class of the day. `start` and `known`, when its block request is made, are hours of the day."""

    start: float
    seats: int
    image: int
    known: float = 0
    hours: float = 1


CLASSES = [
    Class(8, 12, IMAGE, hours=1.5),
    Class(9, 10, IMAGE + 1),
    Class(10.5, 12, IMAGE + 2),
    Class(13, 8, BROKEN, known=11.6),
    Class(14, 56, IMAGE, known=11.7),
    Class(17, 12, IMAGE + 1),
    Class(19, 12, IMAGE + 2),
    Class(20, 10, IMAGE, hours=1.5),
]
WITH_BROKEN_IMAGE, TOO_LARGE = 3, 4  # numbers of classes
BEGIN, END = 5, 22  # hours
QUIET_UNTIL = 11.5  # until then nothing goes wrong

CELL = Cell(
    seats=max(each.seats for each in CLASSES),
    classes=len(CLASSES),
    computers=60,
    users=0.1,
    failing=0.0,
    minutes_before=(14 - BEGIN) * 60,
)  # fmt: skip


def instant(hours: float) -> int:
    """A time of the day as Unix seconds."""
    return int(datetime.datetime(2026, 3, 2, tzinfo=ZONE).timestamp() + HOUR * hours)


def block_time(number: int) -> int:
    """The id of the block time (and block request) of a class."""
    return morning.BLOCK_TIME + number


def parameters(number: int) -> tuple[object, ...]:
    """The seven parameters of a call for a class."""
    each, id_ = CLASSES[number], block_time(number)
    hours = (instant(each.start), instant(each.start + each.hours))
    return (each.image, *hours, each.seats, morning.group_of(id_), 1, id_)


def load(seed: int, connection: Connection, account: dict[str, str]) -> None:
    """Replace all rows by those of the morning, without classes. The caller's local account gets these columns."""
    morning.load(CELL, seed)
    columns = ", ".join(f"{name} = %s" for name in account)
    connection.send(f"UPDATE localauth SET {columns}", [*account.values()])  # noqa: S608 - our own names


def insert_class(number: int) -> None:
    """A class, as VCL's page for block requests makes it: it expires at the end of its day."""
    each, id_, zone = CLASSES[number], block_time(number), str(ZONE)
    start, end = (morning.local(instant(hours)) for hours in (each.start, each.start + each.hours))
    request = {"id": id_, "name": f"class {number}", "imageid": each.image, "numMachines": each.seats, "ownerid": 1,
               "groupid": morning.group_of(id_), "repeating": "list", "managementnodeid": NODE, "processing": 0,
               "status": "accepted", "expireTime": f"{end[:10]} 23:59:59"}  # fmt: skip
    tables.insert("blockRequest", [request], zone)
    time = {"id": id_, "blockRequestid": id_, "start": start, "end": end, "processed": 0, "skip": 0}
    tables.insert("blockTimes", [time], zone)
