"""A small site with one class on Monday, for tests of whole allocations on the database: rows of `SiteRows`."""

import datetime
import zoneinfo
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import Any

import time_machine
from django.db import connection
from django.test import override_settings

from blockalloc.contract.messages import BlockAllocationCall, Caller
from blockalloc.store.times import to_utc
from tests.golden import tables
from tests.support.sites.rows import BLOCK_TIME, IMAGE, NODE, SiteRows, insert_request
from tests.support.sites.rows import USER_GROUP as GROUP

ZONE = "America/New_York"
NOW = datetime.datetime(2026, 3, 2, 8, 0, tzinfo=zoneinfo.ZoneInfo(ZONE))
START, END = 1772478000, 1772485200  # of block time 10: 2026-03-02 14:00 to 16:00
FIRST_COMPUTER = 10
OTHER_GROUP, OTHER_MEMBER = 20, 200  # the first group of other classes, and its member; then 21, 201 …
CALLER = Caller(3, "vclsystem@Local")


def rows(computers: int = 6, machines: int = 4, blocks: int = 1, members: int = 2) -> SiteRows:
    """The rows of a site with so many computers, and blocks of so many machines at the same hours.

    Block times have the ids 10, 11 …; computers 10, 11 …, in the order in which they are chosen.
    """
    site = SiteRows()
    site.remove_computers()
    for number in range(computers):
        site.add_computer(FIRST_COMPUTER + number, RAM=4096 + number)
    site.remove_blocks()
    for id_ in range(BLOCK_TIME, BLOCK_TIME + blocks):
        site.add_block(id_, numMachines=machines)
    for number in range(2, members):
        site.add_user(110 + number)
    return site


@contextmanager
def class_site(**numbers: int) -> Iterator[None]:
    """The site in the database, its zone in the settings, and the clock stopped at NOW."""
    with override_settings(TIME_ZONE=ZONE, VCL_ALLOW_PLAIN_HTTP=True), time_machine.travel(NOW, tick=False):
        tables.load(rows(**numbers), ZONE)
        yield


def put_semaphore(computer: int, procid: str, expires: int) -> None:
    """A row in VCL's table `semaphore` that expires so many seconds from NOW."""
    row = {"computerid": computer, "imageid": IMAGE, "imagerevisionid": IMAGE, "managementnodeid": NODE}
    tables.insert("semaphore", [row | {"procid": procid, "expires": to_utc(int(NOW.timestamp()) + expires)}], "UTC")


def semaphore_procids() -> list[str]:
    """Whose rows there are in that table."""
    return sorted(row["procid"] for row in tables.read(leave_out=())["semaphore"])


def grant_to_group() -> None:
    """Let the members of the class use the computers, through the privilege tree."""
    tables.insert("userpriv", [{"usergroupid": GROUP, "privnodeid": 3, "userprivtypeid": 6}], ZONE)
    tables.insert("resourcepriv", [{"resourcegroupid": 11, "privnodeid": 3, "type": "available"}], ZONE)


def give_to_others(block_times: Iterable[int]) -> None:
    """Let each of these block times be a class of a group of its own, with one member."""
    for number, block_time in enumerate(block_times):
        group, user = OTHER_GROUP + number, OTHER_MEMBER + number
        tables.insert("usergroup", [{"id": group, "name": f"class {group}", "affiliationid": 1, "ownerid": 1}], ZONE)
        tables.insert("user", [{"id": user, "unityid": f"user{user}", "affiliationid": 1, "email": ""}], ZONE)
        tables.insert("usergroupmembers", [{"userid": user, "usergroupid": group}], ZONE)
        with connection.cursor() as cursor:
            cursor.execute(
                "UPDATE blockRequest SET groupid = %s "
                "WHERE id = (SELECT t.blockRequestid FROM blockTimes t WHERE t.id = %s)",
                [group, block_time],
            )


def load(computers: Iterable[int], image: int = IMAGE, revision: int = IMAGE) -> None:
    """Load an image on computers."""
    with connection.cursor() as cursor:
        cursor.executemany(
            "UPDATE computer SET currentimageid = %s, imagerevisionid = %s WHERE id = %s",
            [[image, revision, computer] for computer in computers],
        )


def a_call(machines: int = 4, block_time: int = BLOCK_TIME, *, ignore: bool = True, key: str | None = None) -> Any:
    """The seven parameters for the class."""
    return BlockAllocationCall(IMAGE, START, END, machines, GROUP, ignore, block_time, key)


def reserve(computer: int, start: str, end: str, user: int = 1, image: int = IMAGE) -> None:
    """A user's reservation, as VCL's front end makes one. Local times."""
    asked = min(start, "2026-03-02 07:57:00")  # three minutes before NOW
    request = {"stateid": 13, "laststateid": 13, "userid": user, "start": start, "end": end, "daterequested": asked}
    insert_request(request, [computer], {"imageid": image, "imagerevisionid": 10, "managementnodeid": NODE}, ZONE)


def computers_of(block_time: int = BLOCK_TIME) -> list[int]:
    """The computers of a block time."""
    return sorted(row["computerid"] for row in tables.read()["blockComputers"] if row["blockTimeid"] == block_time)
