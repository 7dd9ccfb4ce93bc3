"""The rows of a day's morning: computers with something on them, images, users, past loads; classes at 14:00."""

import datetime
import zoneinfo
from random import Random
from typing import Any

from django.apps import apps
from django.core.cache import cache
from django.db import connection, transaction

from bench.readiness import past
from bench.readiness.cells import Cell, Records
from blockalloc.models import Guard, SeenLoad, StaffAccount
from blockalloc.schema import base_rows
from tests.golden import tables
from tests.support.sites.rows import IMAGE, NODE, NODE_GROUP, NODE_KIND, USER_GROUP, SiteRows

ZONE = zoneinfo.ZoneInfo("America/New_York")
START = int(datetime.datetime(2026, 3, 2, 14, 0, tzinfo=ZONE).timestamp())  # of the class, a Monday
END = START + 2 * 3600
BLOCK_TIME = 10  # of the first class
FIRST_GROUP = 500  # the user groups of further classes follow it
FIRST_COMPUTER, FIRST_HOST = 100, 20_000
FIRST_MEMBER, FIRST_USER = 1_000, 10_000
OTHER_IMAGES = range(IMAGE + 1, IMAGE + 6)
_VMWARE, _ONE_VM_MB = 7, 4096


def local(instant: int) -> str:
    """What a DATETIME column stores."""
    return f"{datetime.datetime.fromtimestamp(instant, ZONE):%Y-%m-%d %H:%M:%S}"


def begin(cell: Cell) -> int:
    """When the day begins (Unix seconds)."""
    return START - 60 * cell.minutes_before


def computers(cell: Cell) -> range:
    """The ids of the computers, in VCL's order of choice."""
    return range(FIRST_COMPUTER, FIRST_COMPUTER + cell.computers)


def nodes(cell: Cell) -> range:
    """The ids of the management nodes."""
    return range(NODE, NODE + cell.nodes)


def block_times(cell: Cell) -> range:
    """The ids of the block times (and block requests) of the classes."""
    return range(BLOCK_TIME, BLOCK_TIME + cell.classes)


def image_of(cell: Cell, block_time: int) -> int:
    """The image of a class."""
    return IMAGE + (block_time - BLOCK_TIME if cell.own_images else 0)


def class_images(cell: Cell) -> list[int]:
    """The images of all classes."""
    return sorted({image_of(cell, each) for each in block_times(cell)})


def group_of(block_time: int) -> int:
    """The user group of a class."""
    return USER_GROUP if block_time == BLOCK_TIME else FIRST_GROUP + block_time


def members(cell: Cell, block_time: int = BLOCK_TIME) -> range:
    """The ids of the members of a class."""
    first = FIRST_MEMBER + cell.seats * (block_time - BLOCK_TIME)
    return range(first, first + cell.seats)


def users(cell: Cell) -> range:
    """The ids of all others: enough that nobody has two reservations."""
    return range(FIRST_USER, FIRST_USER + 2 * cell.computers)


def shares(cell: Cell, of_classes: float) -> dict[int, float]:
    """Image -> share: equal ones of the images of the classes, and of the others."""
    ours = class_images(cell)
    others = [image for image in OTHER_IMAGES if image not in ours]
    return dict.fromkeys(ours, of_classes / len(ours)) | dict.fromkeys(others, (1 - of_classes) / len(others))


def load(cell: Cell, seed: int) -> None:
    """Replace all rows, VCL's and ours, by those of the morning; classes come with `insert_classes`."""
    site = SiteRows()
    site.remove_blocks()
    site["request"], site["reservation"] = [], []
    site["computerloadstate"] = base_rows()["computerloadstate"]
    site["variable"] = [
        {"name": "xcat|throttle", "serialization": "none", "value": str(cell.limit), "timestamp": local(begin(cell))}
    ]
    _add_images(site, cell)
    _add_computers(site, cell, Random(f"{seed} computers"))
    _add_nodes(site, cell)
    for block_time in block_times(cell):
        group = group_of(block_time)
        if group != USER_GROUP:
            site.add_user_group(group)
        for member in members(cell, block_time):
            site.add_user(member, groups=[group])
    for user in users(cell):
        site.add_user(user, groups=())
    seen = _add_past(site, cell, Random(f"{seed} past"))
    _forget()
    tables.load(site, str(ZONE))
    SeenLoad.objects.bulk_create(seen)


def _add_past(site: SiteRows, cell: Cell, chance: Random) -> list[SeenLoad]:
    """Past loads in VCL's log; the rows of those that passes of keep_ready have seen."""
    loads = [
        load
        for image in (IMAGE, *OTHER_IMAGES)
        for load in past.past_loads(cell, image, computers(cell), begin(cell), chance)
    ]
    if cell.records is not Records.SEEN:
        site["log"], site["sublog"] = past.log_rows(loads, users(cell), NODE, local, chance)
    if cell.records is Records.LOG:
        return []
    engine = site.row("computer", FIRST_COMPUTER)["provisioningid"]
    return past.seen_loads(loads, nodes(cell), site.row("provisioning", engine)["name"], chance)


def _forget() -> None:
    """Delete what the service remembers of another day."""
    kept = {Guard, StaffAccount}
    ours = [model for model in apps.get_app_config("blockalloc").get_models() if model._meta.managed]
    with connection.constraint_checks_disabled(), transaction.atomic():
        tables.empty([model._meta.db_table for model in ours if model not in kept])
    cache.clear()


def _add_images(site: SiteRows, cell: Cell) -> None:
    site.row("image", IMAGE)["reloadtime"] = round(cell.load_minutes)
    if cell.vm_hosts:
        vmware = [row["id"] for row in site["OS"] if row["installtype"] == "vmware"]
        site.row("image", IMAGE)["OSid"] = vmware[0]
    for id_ in OTHER_IMAGES:
        site.add_image(id_)


def _add_computers(site: SiteRows, cell: Cell, chance: Random) -> None:
    site.remove_computers()
    images = shares(cell, cell.loaded)
    hosts = _add_hosts(site, cell)
    for number, id_ in enumerate(computers(cell)):
        (image,) = chance.choices([*images], [*images.values()])
        columns: dict[str, Any] = {"currentimageid": image, "imagerevisionid": image}
        if hosts:
            columns |= {"type": "virtualmachine", "vmhostid": hosts[number % len(hosts)], "provisioningid": _VMWARE}
        site.add_computer(id_, RAM=_ONE_VM_MB, **columns)


def _add_hosts(site: SiteRows, cell: Cell) -> list[int]:
    """The ids of the VM hosts; each has the memory for all its machines."""
    if not cell.vm_hosts:
        return []
    site["vmprofile"] = [{"id": 1, "profilename": "ESXi", "imageid": 1, "datastorepath": "datastore1"}]
    site["vmhost"] = []
    memory = _ONE_VM_MB * (cell.computers // cell.vm_hosts + 2)
    for number in range(cell.vm_hosts):
        site.add_computer(FIRST_HOST + number, groups=(), stateid=20, RAM=memory)
        site["vmhost"].append({"id": 1 + number, "computerid": FIRST_HOST + number, "vmprofileid": 1})
    return [row["id"] for row in site["vmhost"]]


def _add_nodes(site: SiteRows, cell: Cell) -> None:
    """All management nodes can load all computers."""
    first = site["managementnode"][0] | {"lastcheckin": local(begin(cell))}
    site["managementnode"] = [
        {**first, "id": id_, "hostname": f"mn{id_}.example.org", "IPaddress": f"10.9.0.{id_}"} for id_ in nodes(cell)
    ]
    for id_ in nodes(cell):
        if id_ != NODE:
            site.join(NODE_KIND, id_, [NODE_GROUP])


def insert_classes(cell: Cell) -> None:
    """The classes, as VCL's page for block requests makes them: they expire at the end of their last day."""
    for id_ in block_times(cell):
        request = {"id": id_, "name": f"class {id_}", "imageid": image_of(cell, id_), "numMachines": cell.seats}
        request |= {"groupid": group_of(id_), "repeating": "list", "ownerid": 1, "managementnodeid": NODE}
        request |= {"processing": 0, "status": "accepted", "expireTime": f"{local(END)[:10]} 23:59:59"}
        tables.insert("blockRequest", [request], str(ZONE))
        time = {"id": id_, "blockRequestid": id_, "start": local(START), "end": local(END)}
        tables.insert("blockTimes", [{**time, "processed": 0, "skip": 0}], str(ZONE))
