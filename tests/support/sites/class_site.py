"""A small site with one class on Monday, for tests of whole allocations on the database.

Made from the plainest recorded case: one image, one group of computers, one management node.
"""

import copy
import datetime
import zoneinfo
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import time_machine
from django.db import connection
from django.test import override_settings

from blockalloc.contract.messages import BlockAllocationCall, Caller
from tests.golden import tables
from tests.golden.replay import read_case

ZONE = "America/New_York"
NOW = datetime.datetime(2026, 3, 2, 8, 0, tzinfo=zoneinfo.ZoneInfo(ZONE))
START, END = 1772478000, 1772485200  # of block time 10: 2026-03-02 14:00 to 16:00
IMAGE, GROUP, BLOCK_TIME, NODE = 10, 10, 10, 10
FIRST_COMPUTER = 10
OTHER_GROUP, OTHER_MEMBER = 20, 200  # the first group of other classes, and its member; then 21, 201 …
CALLER = Caller(3, "vclsystem@Local")


def rows(computers: int = 6, machines: int = 4, blocks: int = 1, members: int = 2) -> dict[str, list[dict[str, Any]]]:
    """The rows of a site with so many computers, and blocks of so many machines at the same hours.

    Block times have the ids 10, 11 …; computers 10, 11 …, in the order in which they are chosen.
    """
    site = copy.deepcopy(read_case(Path(__file__).parent / "golden" / "basic-0.json")["tables"])
    model = site["computer"][0]
    keep = {row["subid"] for row in site["resource"] if row["resourcetypeid"] == 12}
    resources = {row["id"] for row in site["resource"] if row["resourcetypeid"] == 12}
    assert keep  # the recorded case has computers
    site["resource"] = [row for row in site["resource"] if row["id"] not in resources]
    site["resourcegroupmembers"] = [row for row in site["resourcegroupmembers"] if row["resourceid"] not in resources]
    site["computer"] = []
    for number in range(computers):
        id_ = FIRST_COMPUTER + number
        site["computer"].append({**model, "id": id_, "RAM": 4096 + number, "hostname": f"c{id_}", "IPaddress": ""})
        site["resource"].append({"id": 1000 + id_, "resourcetypeid": 12, "subid": id_})
        site["resourcegroupmembers"].append({"resourceid": 1000 + id_, "resourcegroupid": 11})
    request, time = site["blockRequest"][0], site["blockTimes"][0]
    ids = range(BLOCK_TIME, BLOCK_TIME + blocks)
    site["blockRequest"] = [{**request, "id": id_, "name": f"block {id_}", "numMachines": machines} for id_ in ids]
    site["blockTimes"] = [{**time, "id": id_, "blockRequestid": id_} for id_ in ids]
    for number in range(2, members):
        user = 110 + number
        site["user"].append({**site["user"][-1], "id": user, "unityid": f"user{user}"})
        site["usergroupmembers"].append({"userid": user, "usergroupid": GROUP})
    return site


@contextmanager
def class_site(**numbers: int) -> Iterator[None]:
    """The site in the database, its zone in the settings, and its clock standing at NOW."""
    with override_settings(TIME_ZONE=ZONE, VCL_ALLOW_PLAIN_HTTP=True), time_machine.travel(NOW, tick=False):
        tables.load(rows(**numbers), ZONE)
        yield


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
    """Let computers hold an image."""
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
    asked = min(start, "2026-03-02 07:57:00")  # three minutes ago, when it is NOW
    request = {"stateid": 13, "laststateid": 13, "userid": user, "start": start, "end": end, "daterequested": asked}
    tables.insert("request", [request], ZONE)
    newest = max(row["id"] for row in tables.read()["request"])
    row = {"requestid": newest, "computerid": computer, "imageid": image, "imagerevisionid": 10}
    tables.insert("reservation", [{**row, "managementnodeid": NODE}], ZONE)


def computers_of(block_time: int = BLOCK_TIME) -> list[int]:
    """The computers that a block time holds."""
    return sorted(row["computerid"] for row in tables.read()["blockComputers"] if row["blockTimeid"] == block_time)
