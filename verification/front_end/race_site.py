"""The site of the free race: pools of a few computers, each for an image of its own.

All processes meet at one pool at a time and go on to the next a moment later, by the clock. When
they come back to a pool, the holds on its computers have expired; and they come for another day,
so that no row has to be deleted and all of them can be judged at the end.
"""

import time
from dataclasses import dataclass

from tests.support.sites import class_site
from tests.support.sites.rows import COMPUTER_KIND, IMAGE_KIND, NODE_GROUP, NODE_KIND, SiteRows

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


def rows(*, loaded: bool = False) -> SiteRows:
    """The rows of the site; its clock is the real one, in UTC. `loaded`: with their pool's image on the computers."""
    site = class_site.rows(computers=1, blocks=2)  # blocks of the race have later ids
    for pool in range(POOLS):
        image, group = FIRST_IMAGE + pool, FIRST_GROUP + 2 * pool
        computers = group + 1
        site.add_resource_group(computers, COMPUTER_KIND)
        site.add_resource_group(group, IMAGE_KIND, mapped_to=[computers])
        site.map(NODE_GROUP, NODE_KIND, computers)
        site.add_image(image, groups=[group])
        holds = {"currentimageid": image, "imagerevisionid": image} if loaded else {}
        for number in range(COMPUTERS):
            site.add_computer(FIRST_COMPUTER + COMPUTERS * pool + number, groups=[computers], **holds)
    checkin = time.strftime("%Y-%m-%d %H:%M:%S", time.gmtime(time.time() + DAY))
    site["managementnode"] = [{**site["managementnode"][0], "lastcheckin": checkin}]
    return site
