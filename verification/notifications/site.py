"""The rows of the site of a week: labs with computers, images and nodes of their own; people; past loads; classes."""

import datetime
from collections.abc import Sequence
from random import Random
from typing import Any

from django.contrib.auth.models import User as StaffUser

from bench.readiness import past
from bench.readiness.cells import Cell
from blockalloc.accounts.vcl_accounts import MANAGES_BLOCKS_OF_AFFILIATION
from blockalloc.models import StaffAccount
from blockalloc.schema import base_rows
from tests.golden import tables
from tests.support.sites.accounts import SALT
from tests.support.sites.rows import COMPUTER_KIND, IMAGE, IMAGE_KIND, NODE, NODE_KIND, SiteRows
from verification.notifications.week import OWNERS, STRANGERS, ZONE, Class, Lab, Trouble, Week

BIOLOGY = 5  # an affiliation, of which every third owner is
BIOLOGY_STAFF = 690  # a user of VCL who may see the classes of that affiliation
SITE_MAIL, STAFF_MAIL = "desk@campus.example", "biology-staff@campus.example"
LOAD_MINUTES = 10
OUT_OF_ORDER = 2  # computers of a lab that something is wrong with
_FIRST_USER, _FIRST_STRANGER = 50_000, 40_000
_IMAGE_GROUPS, _COMPUTER_GROUPS, _NODE_GROUPS = 1_000, 2_000, 3_000  # of lab 0; the others follow
_LOADS = 10  # that a node runs at a time
_MAINTENANCE = 10  # the state of a computer


def local(instant: int) -> str:
    """What a DATETIME column stores."""
    return f"{datetime.datetime.fromtimestamp(instant, ZONE):%Y-%m-%d %H:%M:%S}"


def owner_mail(owner: int) -> str:
    """The address of an owner."""
    return f"owner{owner}@campus.example"


def is_biology(owner: int) -> bool:
    """Whether the owner is of the affiliation that the staff member sees."""
    return owner % 3 == 0


def wants_no_mail(owner: int) -> bool:
    """Whether the owner has told VCL to send no mail."""
    return owner % 10 == 1


def users(week: Week) -> range:
    """The ids of the users of the campus: enough that nobody has two reservations."""
    return range(_FIRST_USER, _FIRST_USER + 2 * len(week.labs[0].computers))


def strangers() -> range:
    """The ids of users who come to the labs of classes in trouble."""
    return range(_FIRST_STRANGER, _FIRST_STRANGER + STRANGERS)


def load(week: Week) -> None:
    """Fill the empty database with the rows of the first morning, but for classes that are made later."""
    site = SiteRows()
    site.remove_blocks()
    site.remove_computers()
    site["request"], site["reservation"] = [], []
    _leave_groups(site)
    for table in ("computerloadstate", "usergroupprivtype"):
        site[table] = base_rows()[table]
    site["variable"] = [
        {"name": "xcat|throttle", "serialization": "none", "value": str(_LOADS), "timestamp": local(week.begin)}
    ]
    for lab in week.labs:
        _add_lab(site, lab, week)
    _add_nodes(site, week)
    _add_people(site, week)
    _add_past(site, week)
    tables.load(site, str(ZONE))
    staff = StaffUser.objects.create(username="biology-staff@Biology", is_staff=True)
    StaffAccount.objects.create(user=staff, vcl_user_id=BIOLOGY_STAFF, digest="signed in once")
    for each in week.classes:
        if each.known <= week.begin:
            insert_class(each)


def insert_class(each: Class) -> None:
    """A class as VCL's page for block requests makes it: it expires at the end of its last day."""
    request = {"id": each.id, "name": each.name, "imageid": each.image, "numMachines": each.seats}
    request |= {"groupid": each.id, "repeating": "list", "ownerid": each.owner, "managementnodeid": NODE}
    request |= {"processing": 0, "status": "accepted", "expireTime": f"{local(each.end)[:10]} 23:59:59"}
    tables.insert("blockRequest", [request], str(ZONE))
    time = {"id": each.id, "blockRequestid": each.id, "start": local(each.start), "end": local(each.end)}
    tables.insert("blockTimes", [{**time, "processed": 0, "skip": 0}], str(ZONE))


def _leave_groups(site: SiteRows) -> None:
    """Let the image and the management node that are there be in no groups; those of their labs come."""
    gone = {row["id"] for row in site["resource"] if (row["resourcetypeid"], row["subid"]) in _THERE}
    for table, column in (("resource", "id"), ("resourcegroupmembers", "resourceid")):
        site[table] = [row for row in site[table] if row[column] not in gone]


_THERE = ((IMAGE_KIND, IMAGE), (NODE_KIND, NODE))


def _add_lab(site: SiteRows, lab: Lab, week: Week) -> None:
    images, computers, nodes = (first + lab.number for first in (_IMAGE_GROUPS, _COMPUTER_GROUPS, _NODE_GROUPS))
    site.add_resource_group(computers, COMPUTER_KIND)
    site.add_resource_group(images, IMAGE_KIND, mapped_to=[computers])
    site.add_resource_group(nodes, NODE_KIND, mapped_to=[computers])
    for image in lab.images:
        if image == IMAGE:
            site.join(IMAGE_KIND, image, [images])
        else:
            site.add_image(image, groups=[images], reloadtime=LOAD_MINUTES)
    chance = Random(f"{week.seed} {lab.number} computers")
    away = set(lab.computers[-OUT_OF_ORDER:]) if _trouble_of(lab, week) in _SOME_AWAY else ()
    for id_ in lab.computers:
        image = chance.choice((1, *lab.images)) if not lab.number else 1
        state = {"stateid": _MAINTENANCE} if id_ in away else {}
        site.add_computer(id_, groups=[computers], RAM=4096, currentimageid=image, imagerevisionid=image, **state)


_SOME_AWAY = (Trouble.SOME_BACK, Trouble.FORECAST)


def _trouble_of(lab: Lab, week: Week) -> Trouble:
    return next((each.trouble for each in week.classes if lab.number and each.lab == lab), Trouble.NONE)


def _add_nodes(site: SiteRows, week: Week) -> None:
    first = site["managementnode"][0] | {"lastcheckin": local(week.begin)}
    site["managementnode"] = [
        {**first, "id": id_, "hostname": f"mn{id_}.campus.example", "IPaddress": f"10.9.0.{id_}"}
        for id_ in week.nodes()
    ]
    for id_ in week.nodes():
        site.join(NODE_KIND, id_, [_NODE_GROUPS + lab.number for lab in week.labs if lab.node == id_])


def _add_people(site: SiteRows, week: Week) -> None:
    site["affiliation"].append({"id": BIOLOGY, "name": "Biology", "dataUpdateText": ""})
    for each in week.classes:
        site.add_user_group(each.id, name=f"members of {each.name}")
        for member in each.members:
            site.add_user(member, groups=[each.id])
    for user in (*users(week), *strangers()):
        site.add_user(user, groups=())
    for owner in OWNERS:
        columns = {"email": owner_mail(owner), "emailnotices": int(not wants_no_mail(owner))}
        _add_person(site, owner, affiliationid=BIOLOGY if is_biology(owner) else 1, **columns)
    _add_person(site, BIOLOGY_STAFF, affiliationid=BIOLOGY, email=STAFF_MAIL, emailnotices=1)
    site["localauth"].append(
        {"userid": BIOLOGY_STAFF, "passhash": "0" * 40, "salt": SALT, "lastupdated": local(week.begin)}
    )
    right = next(row["id"] for row in site["usergroupprivtype"] if row["name"] == MANAGES_BLOCKS_OF_AFFILIATION)
    site.add_user_group(BIOLOGY_STAFF, name="staff of Biology")
    site["usergroupmembers"].append({"userid": BIOLOGY_STAFF, "usergroupid": BIOLOGY_STAFF})
    site["usergrouppriv"] = [{"usergroupid": BIOLOGY_STAFF, "userprivtypeid": right}]


def _add_person(site: SiteRows, id_: int, **columns: Any) -> None:
    site.add_user(id_, groups=())
    site["user"][-1] |= {"firstname": "Robin", "lastname": f"Person {id_}", **columns}


def _add_past(site: SiteRows, week: Week) -> None:
    """Past loads of all images in VCL's log, from which the service learns how long they take."""
    cell, chance = Cell(load_minutes=LOAD_MINUTES), Random(f"{week.seed} past")
    loads: Sequence[past.PastLoad] = [
        each
        for lab in week.labs
        for image in lab.images
        for each in past.past_loads(cell, image, lab.computers, week.begin, chance)
    ]
    site["log"], site["sublog"] = past.log_rows(list(loads), users(week), NODE, local, chance)
