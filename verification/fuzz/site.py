"""The site that is fuzzed: one class as in tests/support/sites/class_site.py, and rows that every check can refuse."""

import datetime
import hashlib
from typing import Any

from django.core.cache import cache

from blockalloc.models import IdempotencyKey
from tests.golden import tables
from tests.golden.replay import PASSWORD
from tests.support.sites import class_site
from tests.support.sites.class_site import END, GROUP, IMAGE, NOW, START, ZONE
from tests.support.sites.rows import SiteRows

__all__ = ["END", "GROUP", "IMAGE", "NOW", "PASSWORD", "START", "ZONE"]

COMPUTERS, BLOCKS, MACHINES = 24, 10, 4
OTHER_PASSWORD = "other-pass"
OTHER_USER, LOCKED_USER = "user110", "user111"
EMPTY_GROUP = 11
DELETED_IMAGE, NO_REVISION, NOT_OURS = 11, 12, 13
SKIPPED, REQUESTED, EXPIRED, NO_GROUP, NOBODY, OF_DELETED_IMAGE, LARGE = 12, 13, 14, 15, 16, 17, 18
OPEN = (10, 11, LARGE, 19)  # block times that can be filled

_SALT = "8ht2Pa55"


def load(*, live_node: bool = True, ever: bool = False) -> None:
    """Replace all rows by the site's. Without `live_node` nobody can handle a new block.

    With `ever` the management node counts as alive and the blocks as not expired whatever the clock says.
    """
    site = rows()
    if not live_node:
        site["managementnode"][0]["lastcheckin"] = "2026-03-02 05:00:00"
    if ever:
        site["managementnode"][0]["lastcheckin"] = "2037-12-01 00:00:00"
        for request in site["blockRequest"]:
            request["expireTime"] = "2037-12-01 00:00:00" if request["id"] != EXPIRED else request["expireTime"]
    tables.load(site, ZONE)
    IdempotencyKey.objects.all().delete()
    cache.clear()


def rows() -> SiteRows:
    """The rows by table."""
    site = class_site.rows(computers=COMPUTERS, machines=MACHINES, blocks=BLOCKS)
    _more_images(site)
    _more_people(site)
    site.row("blockTimes", SKIPPED)["skip"] = 1
    changes: dict[int, dict[str, Any]] = {
        REQUESTED: {"status": "requested"},
        EXPIRED: {"expireTime": "2026-03-01 00:00:00"},
        NO_GROUP: {"groupid": None},
        NOBODY: {"groupid": EMPTY_GROUP},
        OF_DELETED_IMAGE: {"imageid": DELETED_IMAGE},
        LARGE: {"numMachines": 255},
    }
    for id_, columns in changes.items():
        site.row("blockRequest", id_).update(columns)
    return site


def _more_images(site: SiteRows) -> None:
    site.row("image", IMAGE)["ownerid"] = 3
    site.add_image(DELETED_IMAGE, groups=[], deleted=1)
    site.add_image(NO_REVISION, groups=[])
    site.add_image(NOT_OURS, groups=[], ownerid=1)
    site["imagerevision"] = [row for row in site["imagerevision"] if row["imageid"] != NO_REVISION]


def _more_people(site: SiteRows) -> None:
    site.add_user_group(EMPTY_GROUP)
    account = site["localauth"][0]
    for user, locked in ((110, 0), (111, 1)):
        site["localauth"].append({**account, "userid": user, "passhash": _hash(OTHER_PASSWORD), "lockedout": locked})
    # So that calls in which privileges count can succeed.
    site["userpriv"] = [{"usergroupid": GROUP, "privnodeid": 3, "userprivtypeid": 6}]
    site["resourcepriv"] = [{"resourcegroupid": 11, "privnodeid": 3, "type": "available"}]


def _hash(password: str) -> str:
    return hashlib.sha1((password + _SALT).encode()).hexdigest()  # noqa: S324 (VCL's format)


def local(text: str) -> int:
    """Unix seconds of a local time of the site."""
    zone = NOW.tzinfo
    return int(datetime.datetime.fromisoformat(text).replace(tzinfo=zone).timestamp())
