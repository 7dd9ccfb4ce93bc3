"""Computers, virtual machines and their hosts, management nodes, and what may run where."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import cast

from blockalloc.demo import images as im
from blockalloc.demo.images import Images
from blockalloc.demo.rows import ADMIN, ALWAYS_OPEN, Row, Rows

# Resource groups of computers.
CS, ENGINEERING, LIBRARY, VMS, HOSTS = (
    "CS blades",
    "Engineering blades",
    "Library blades",
    "Virtual machines",
    "VM hosts",
)

# Where the images of a group may run. The first pool is the one that reservations mostly get.
POOLS_OF_IMAGES = {
    im.GENERAL: (CS, LIBRARY),
    im.ENGINEERING: (ENGINEERING,),
    im.CLUSTERS: (CS,),
    im.VIRTUAL: (VMS,),
    im.HOSTS: (HOSTS,),
}
# Management nodes, and the computers that each can load.
_NODES = {
    "North": ("mn-north.example.edu", (CS, LIBRARY)),
    "South": ("mn-south.example.edu", (CS, ENGINEERING, VMS, HOSTS)),
}

# Ids of VCL's own rows.
AVAILABLE, RESERVED, FAILED, RELOADING, INUSE, MAINTENANCE, VMHOSTINUSE = 2, 3, 5, 6, 8, 10, 20
_COMPUTER, _IMAGE, _MANAGEMENT_NODE = 12, 13, 16  # resource types
_XCAT, _VMWARE = 1, 7  # provisioning

_HOST_RAM = 32768
# The images of a host's six virtual machines, which take 26 of its 32 GB. One Ubuntu can give way to
# a Windows, a second one cannot.
_ON_EACH_HOST = (im.VM_WIN10, im.VM_WIN10, im.VM_WIN10, im.VM_UBUNTU, im.VM_UBUNTU, im.VM_WIN2016)
_HOSTS = 4

# The computers that cannot be used: their state, and since when (in days) and why, for their notes.
_BROKEN = {
    "cs-07": (FAILED, 2, "Fails to boot: power supply? (ticket 4702)"),
    "cs-31": (FAILED, 5, "Memory errors at boot, two modules ordered (ticket 4688)"),
    "eng-12": (FAILED, 1, "Does not answer on the management network, cable to be checked"),
    "cs-44": (MAINTENANCE, 6, "New firmware, back by the end of the week"),
    "lib-05": (MAINTENANCE, 12, "Disk is being replaced under warranty (ticket 4630)"),
}


@dataclass(frozen=True)
class Hardware:
    """RAM in MB, processors, MHz, Mbit/s."""

    ram: int
    processors: int
    speed: int
    network: int = 1000


@dataclass(frozen=True)
class Inventory:
    """What the other parts refer to: images, computers by pool, management nodes by pool."""

    images: Images
    pools: dict[str, list[Row]]
    managers: dict[str, list[int]]
    groups: dict[str, int]  # resource groups by name

    def pool(self, image: str) -> str:
        """The pool of computers that mostly runs the image."""
        return POOLS_OF_IMAGES[im.SPECS[image].group][0]


def add_inventory(rows: Rows, now: datetime, staff: int) -> Inventory:
    """Add everything that can be reserved; `staff` is the user group that owns the resource groups."""
    images = im.add_images(rows, now)
    inventory = Inventory(images, {}, {}, {})
    hours = _teaching_hours(rows)
    _add_blades(rows, inventory, hours)
    _add_virtual_machines(rows, inventory)
    _add_notes(inventory, now)
    _add_resource_groups(rows, inventory, staff)
    _add_management_nodes(rows, inventory, now, staff)
    _add_maps(rows, inventory)
    return inventory


def load(computer: Row, images: Images, image: str, revision: int = -1) -> None:
    """Load that revision of the image on the computer, the production revision unless another is named."""
    computer["currentimageid"] = computer["nextimageid"] = images.ids[image]
    computer["imagerevisionid"] = images.revisions[image][revision]


def _teaching_hours(rows: Rows) -> int:
    """Mondays to Fridays, 7:00 to 22:00."""
    schedule = rows.add("schedule", name="Library opening hours", ownerid=ADMIN)
    for day in range(1, 6):
        rows.link("scheduletimes", scheduleid=schedule, start=day * 1440 + 7 * 60, end=day * 1440 + 22 * 60)
    return schedule


def _add_blades(rows: Rows, inventory: Inventory, hours: int) -> None:
    old, middle, new = Hardware(8192, 4, 2400), Hardware(16384, 8, 2600), Hardware(32768, 16, 2900, 10000)
    blades = [old] * 24 + [middle] * 24 + [new] * 12
    inventory.pools[CS] = [_blade(rows, f"cs-{n:02}", hardware) for n, hardware in enumerate(blades, 1)]
    strong = Hardware(65536, 16, 3200, 10000)
    inventory.pools[ENGINEERING] = [_blade(rows, f"eng-{n:02}", strong) for n in range(1, 21)]
    plain = Hardware(8192, 4, 2200)
    inventory.pools[LIBRARY] = [_blade(rows, f"lib-{n:02}", plain, scheduleid=hours) for n in range(1, 13)]

    # What is loaded on them from earlier work, by turns. Three have an Ubuntu that is no longer the production one.
    images = inventory.images
    turns = (im.UBUNTU, im.CENTOS, im.OFFICE, im.UBUNTU, im.RHEL, im.HADOOP_WORKER)
    for n, computer in enumerate(inventory.pools[CS]):
        load(computer, images, im.HADOOP if n in (35, 53) else turns[n % 6], revision=-2 if n in (0, 21, 39) else -1)
    for n, computer in enumerate(inventory.pools[ENGINEERING]):
        load(computer, images, im.MATLAB if n % 3 else im.SOLIDWORKS)
    for n, computer in enumerate(inventory.pools[LIBRARY]):
        load(computer, images, im.OFFICE if n % 4 else im.UBUNTU)


def _blade(rows: Rows, name: str, hardware: Hardware, **more: int) -> Row:
    return _computer(rows, name, hardware, type="blade", provisioningid=_XCAT, **more)


def _add_virtual_machines(rows: Rows, inventory: Inventory) -> None:
    images = inventory.images
    profile = rows.add(
        "vmprofile", profilename="VMware ESXi - local storage", imageid=images.ids[im.ESXI], datastorepath="datastore1"
    )
    hosts, machines = [], []
    for n in range(1, _HOSTS + 1):
        host = _blade(rows, f"esx-{n}", Hardware(_HOST_RAM, 32, 2800, 10000), stateid=VMHOSTINUSE)
        load(host, images, im.ESXI)
        hosts.append(host)
        vmhost = rows.add("vmhost", computerid=host["id"], vmprofileid=profile)
        for letter, image in zip("abcdef", _ON_EACH_HOST, strict=True):
            vm = _computer(
                rows,
                f"vm-{n}{letter}",
                Hardware(8192, 2, 2800),
                type="virtualmachine",
                provisioningid=_VMWARE,
                vmhostid=vmhost,
                vmtypeid=1,
            )
            load(vm, images, image)
            machines.append(vm)
    inventory.pools[HOSTS], inventory.pools[VMS] = hosts, machines


def _computer(rows: Rows, name: str, hardware: Hardware, **more: int | str) -> Row:
    number = rows.add("computer")
    row = rows.row("computer", number)
    row |= {
        "stateid": _BROKEN[name][0] if name in _BROKEN else AVAILABLE,
        "ownerid": ADMIN,
        "scheduleid": ALWAYS_OPEN,
        "RAM": hardware.ram,
        "procnumber": hardware.processors,
        "procspeed": hardware.speed,
        "network": hardware.network,
        "hostname": f"{name}.example.edu",
        "IPaddress": f"10.20.{number // 250}.{number % 250 + 1}",
        "privateIPaddress": f"192.168.{number // 250}.{number % 250 + 1}",
        "eth0macaddress": f"52:54:00:a0:{number // 256:02x}:{number % 256:02x}",
        "vmhostid": None,
        "vmtypeid": None,
        "notes": None,
    }
    row |= more
    return row


def _add_notes(inventory: Inventory, now: datetime) -> None:
    """The notes of the computers that cannot be used, as VCL's pages write them: `user date@reason`."""
    for computer in [each for pool in inventory.pools.values() for each in pool]:
        name = str(computer["hostname"]).partition(".")[0]
        if name in _BROKEN:
            _, days, reason = _BROKEN[name]
            written = (now - timedelta(days=days)).replace(tzinfo=None)
            computer["notes"] = f"admin {written:%Y-%m-%d %H:%M:%S}@{reason}"


def _add_resource_groups(rows: Rows, inventory: Inventory, staff: int) -> None:
    for group in POOLS_OF_IMAGES:
        members = [inventory.images.ids[name] for name, spec in im.SPECS.items() if spec.group == group]
        inventory.groups[group] = _resource_group(rows, group, _IMAGE, staff, members)
    for pool, computers in inventory.pools.items():
        members = [cast(int, computer["id"]) for computer in computers]
        inventory.groups[pool] = _resource_group(rows, pool, _COMPUTER, staff, members)


def _resource_group(rows: Rows, name: str, kind: int, owner: int, members: Sequence[int]) -> int:
    group = rows.add("resourcegroup", name=name, ownerusergroupid=owner, resourcetypeid=kind)
    for member in members:
        resource = rows.add("resource", resourcetypeid=kind, subid=member)
        rows.link("resourcegroupmembers", resourceid=resource, resourcegroupid=group)
    return group


def _add_management_nodes(rows: Rows, inventory: Inventory, now: datetime, staff: int) -> None:
    for n, (name, (hostname, pools)) in enumerate(_NODES.items()):
        node = rows.add(
            "managementnode",
            IPaddress=f"10.20.9.{n + 1}",
            hostname=hostname,
            ownerid=ADMIN,
            stateid=AVAILABLE,
            # The one column here that is an instant, not a local time of the site.
            lastcheckin=now.astimezone(UTC).replace(tzinfo=None) - timedelta(seconds=5),
            availablenetworks="",
        )
        inventory.groups[name] = _resource_group(rows, f"{name} management nodes", _MANAGEMENT_NODE, staff, [node])
        for pool in pools:
            inventory.managers.setdefault(pool, []).append(node)


def _add_maps(rows: Rows, inventory: Inventory) -> None:
    for group, pools in POOLS_OF_IMAGES.items():
        for pool in pools:
            _map(rows, inventory.groups[group], _IMAGE, inventory.groups[pool])
    for name, (_hostname, pools) in _NODES.items():
        for pool in pools:
            _map(rows, inventory.groups[name], _MANAGEMENT_NODE, inventory.groups[pool])


def _map(rows: Rows, group: int, kind: int, pool: int) -> None:
    rows.link(
        "resourcemap", resourcegroupid1=group, resourcetypeid1=kind, resourcegroupid2=pool, resourcetypeid2=_COMPUTER
    )
