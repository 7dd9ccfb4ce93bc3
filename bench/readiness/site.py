"""The rows of a day's morning: computers with something on them, images, users, one class in the afternoon."""

import datetime
import zoneinfo
from random import Random
from typing import Any

from django.apps import apps
from django.core.cache import cache
from django.db import connection, transaction

from bench.readiness.cells import Cell
from blockalloc.models import Guard, StaffAccount
from blockalloc.schema import base_rows
from tests.golden import tables
from tests.support.sites.rows import IMAGE, NODE, NODE_GROUP, NODE_KIND, USER_GROUP, SiteRows

ZONE = zoneinfo.ZoneInfo("America/New_York")
START = int(datetime.datetime(2026, 3, 2, 14, 0, tzinfo=ZONE).timestamp())  # of the class, a Monday
END = START + 2 * 3600
BLOCK_TIME = 10
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


def members(cell: Cell) -> range:
    """The ids of the members of the class."""
    return range(FIRST_MEMBER, FIRST_MEMBER + cell.seats)


def users(cell: Cell) -> range:
    """The ids of all others: enough that nobody has two reservations."""
    return range(FIRST_USER, FIRST_USER + 2 * cell.computers)


def shares(of_class: float) -> dict[int, float]:
    """Image -> share: that of the image of the class, and equal ones of the others."""
    return {IMAGE: of_class} | dict.fromkeys(OTHER_IMAGES, (1 - of_class) / len(OTHER_IMAGES))


def load(cell: Cell, seed: int) -> None:
    """Replace all rows, VCL's and ours, by those of the morning; the class comes with `insert_class`."""
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
    for member in members(cell):
        site.add_user(member)
    for user in users(cell):
        site.add_user(user, groups=())
    _forget()
    tables.load(site, str(ZONE))


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
    images = shares(cell.loaded)
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


def insert_class(cell: Cell) -> None:
    """The class, as VCL's page for block requests makes it: it expires at the end of its last day."""
    request = {"id": BLOCK_TIME, "name": "class", "imageid": IMAGE, "numMachines": cell.seats, "groupid": USER_GROUP}
    request |= {"repeating": "list", "ownerid": 1, "managementnodeid": NODE, "processing": 0, "status": "accepted"}
    tables.insert("blockRequest", [{**request, "expireTime": f"{local(END)[:10]} 23:59:59"}], str(ZONE))
    time = {"id": BLOCK_TIME, "blockRequestid": BLOCK_TIME, "start": local(START), "end": local(END)}
    tables.insert("blockTimes", [{**time, "processed": 0, "skip": 0}], str(ZONE))
