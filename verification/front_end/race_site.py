"""The site of the free race: pools of a few computers, each for an image of its own.

All processes meet at one pool at a time and go on to the next a moment later, by the clock. When
they come back to a pool, the rows that hold its computers for front ends have expired; and they
come for another day, so that nothing has to be cleared away and all is there to be judged at the end.
"""

import time
from dataclasses import dataclass
from typing import Any

from tests.support.sites import class_site

HOUR, DAY = 3600, 86400
POOLS, COMPUTERS = 50, 5
TICK = 0.12  # seconds that a meeting lasts
SEMAPHORE_SECONDS = 4  # of ours; less than it takes to come round
FIRST_IMAGE, FIRST_COMPUTER, FIRST_GROUP = 100, 1000, 1000


@dataclass(frozen=True, slots=True)
class Meeting:
    """Where and for which hours everybody wants computers (Unix seconds)."""

    image: int
    computers: range
    start: int
    end: int


def meeting(tick: int, begun: float) -> Meeting:
    """The meeting of a tick of a race that began at `begun`."""
    pool, day = tick % POOLS, tick // POOLS
    start = (int(begun) // HOUR + 6) * HOUR + DAY * day
    first = FIRST_COMPUTER + COMPUTERS * pool
    return Meeting(FIRST_IMAGE + pool, range(first, first + COMPUTERS), start, start + 2 * HOUR)


def next_tick(begun: float, last: int) -> int:
    """Wait for the next meeting after `last`; its number."""
    tick = max(last + 1, int((time.time() - begun) / TICK) + 1)
    time.sleep(max(begun + tick * TICK - time.time(), 0))
    return tick


def rows(*, loaded: bool = False) -> dict[str, list[dict[str, Any]]]:
    """The rows of the site; its clock is the real one, in UTC. `loaded`: computers hold the image of their pool."""
    site = class_site.rows(computers=1, blocks=2)  # blocks of the race have later ids
    image, computer = site["image"][-1], site["computer"][0]
    revision = site["imagerevision"][-1]
    for pool in range(POOLS):
        id_, group = FIRST_IMAGE + pool, FIRST_GROUP + 2 * pool
        site["image"].append({**image, "id": id_, "name": f"image {id_}", "prettyname": f"image {id_}"})
        site["imagerevision"].append({**revision, "id": id_, "imageid": id_, "imagename": f"image {id_}"})
        for kind, number in ((13, group), (12, group + 1)):
            name = f"group {number}"
            site["resourcegroup"].append(
                {"id": number, "name": name, "ownerusergroupid": 3, "resourcetypeid": kind}
            )  # fmt: skip
        _join(site, 13, id_, group)
        for number in range(COMPUTERS):
            place = FIRST_COMPUTER + COMPUTERS * pool + number
            holds = {"currentimageid": id_, "imagerevisionid": id_} if loaded else {}
            site["computer"].append({**computer, "id": place, "hostname": f"c{place}", **holds})
            _join(site, 12, place, group + 1)
        _map(site, 13, group, group + 1)
        _map(site, 16, class_site.NODE + 2, group + 1)
    checkin = time.strftime("%Y-%m-%d %H:%M:%S", time.gmtime(time.time() + DAY))
    site["managementnode"] = [{**site["managementnode"][0], "lastcheckin": checkin}]
    return site


def _join(site: dict[str, list[dict[str, Any]]], kind: int, subject: int, group: int) -> None:
    resource = 10_000 * kind + subject
    site["resource"].append({"id": resource, "resourcetypeid": kind, "subid": subject})
    site["resourcegroupmembers"].append({"resourceid": resource, "resourcegroupid": group})


def _map(site: dict[str, list[dict[str, Any]]], kind: int, group: int, computers: int) -> None:
    site["resourcemap"].append(
        {"resourcegroupid1": group, "resourcetypeid1": kind, "resourcegroupid2": computers, "resourcetypeid2": 12}
    )
