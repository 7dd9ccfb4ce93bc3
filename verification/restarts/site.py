"""The site of the campaign: as many classes at the same hours as there are calls, each of one computer."""

import hashlib
import time

from tests.support.rpc_calls import SIGNED_IN
from tests.support.sites.rows import SiteRows
from verification.allocations.site import text

HOUR = 3600
FIRST_BLOCK, FIRST_COMPUTER = 100, 100
_START, _LENGTH = 5 * HOUR, HOUR  # from now on


def rows(calls: int) -> SiteRows:
    """The rows, on the real clock; the site is at UTC. There is one computer for each class and none to spare."""
    site = SiteRows()
    site.remove_computers()
    site.remove_blocks()
    start = int(time.time()) // HOUR * HOUR + _START
    for number in range(calls):
        site.add_computer(FIRST_COMPUTER + number, RAM=4096)
        site.add_block(FIRST_BLOCK + number, text(start), text(start + _LENGTH), numMachines=1)
    salt, password = "8ht2Pa55", SIGNED_IN["X-Pass"]
    passhash = hashlib.sha1(f"{password}{salt}".encode()).hexdigest()  # noqa: S324 - as VCL does
    site["localauth"][0] |= {"passhash": passhash, "salt": salt}
    site["managementnode"][0]["lastcheckin"] = text(int(time.time()))
    return site
