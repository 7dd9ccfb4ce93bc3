"""The site of a campaign: blades, virtual machines, images of every kind, and block times to be filled.

Its block times lie some days ahead of the real clock. Blades are plenty; the lab's computers, the memory of the VM
hosts and the licences of one image are few, so that many calls come up short.
"""

import random
import time
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from tests.support.sites.rows import COMPUTER_GROUP, COMPUTER_KIND, IMAGE_KIND, NODE_GROUP, NODE_KIND, SiteRows

HOUR = 3600
GROUP, NODE = 10, 10
PLAIN, VIRTUAL, CLUSTER, LAB, LICENSED = 10, 11, 12, 13, 14  # images
LICENCES = 20  # computers that may run the licensed image at a time
VM_RAM, HOST_RAM, VMS_OF_A_HOST = 2048, 10 * 2048, 12  # memory for 9 of its 12 VMs
_FIRST_COMPUTER, _FIRST_BLOCK = 100, 100
_VMS, _LAB = 21, 22  # computer groups
_VMWARE: dict[str, Any] = {"provisioningid": 7, "type": "virtualmachine"}
# Image: how often it is wanted, and the machines that a block wants of it.
_WANTED = {PLAIN: (10, (2, 20)), VIRTUAL: (4, (2, 12)), CLUSTER: (3, (1, 4)), LAB: (3, (2, 6)), LICENSED: (3, (2, 8))}


@dataclass(frozen=True)
class BlockTime:
    """A block time that exists; instants are Unix seconds."""

    id: int
    image_id: int
    start: int
    end: int
    machines: int


@dataclass(frozen=True)
class Site:
    """The rows, and the block times to ask for."""

    rows: SiteRows
    block_times: list[BlockTime]
    first_start: int
    hours: int

    def wish(self, choice: random.Random) -> tuple[int, int, int, int]:
        """(image, start, end, machines) of something that somebody may want."""
        images = list(_WANTED)
        (image,) = choice.choices(images, [_WANTED[image][0] for image in images])
        start = self.first_start + choice.randrange(self.hours) * HOUR
        return image, start, start + choice.choice([1, 1, 2, 3]) * HOUR, choice.randint(*_WANTED[image][1])


def site(
    block_times: int, computers: int, hours: int, choice: random.Random, first_start: int | None = None
) -> Site:  # fmt: skip
    """A site with so many block times in so many hours, from `first_start` (Unix seconds; by default in two days)."""
    rows = SiteRows()
    _images(rows)
    _computers(rows, computers)
    rows["managementnode"][0]["lastcheckin"] = text(int(time.time()))
    first_start = first_start or (int(time.time()) // HOUR + 48) * HOUR
    empty = Site(rows, [], first_start, hours)
    wanted = [BlockTime(id_, *empty.wish(choice)) for id_ in range(_FIRST_BLOCK, _FIRST_BLOCK + block_times)]
    rows.remove_blocks()
    for block in wanted:
        rows.add_block(
            block.id, text(block.start), text(block.end), imageid=block.image_id, numMachines=block.machines
        )  # fmt: skip
    return Site(rows, wanted, first_start, hours)


def text(instant: int) -> str:
    """A time as in VCL's columns; the site is at UTC."""
    return datetime.fromtimestamp(instant, UTC).strftime("%Y-%m-%d %H:%M:%S")


def _images(rows: SiteRows) -> None:
    """The other images, each in an image group of its own, and which computer group that is mapped to."""
    changes: dict[int, dict[str, Any]] = {
        VIRTUAL: {"OSid": 36, "minram": VM_RAM},
        CLUSTER: {"imagemetaid": 10},
        LAB: {},
        LICENSED: {"maxconcurrent": LICENCES},
    }
    rows["imagemeta"] = [{"id": 10, "subimages": 1}]
    rows["subimages"] = [{"imagemetaid": 10, "imageid": PLAIN}]
    for group in (_VMS, _LAB):
        rows.add_resource_group(group, COMPUTER_KIND)
        rows.map(NODE_GROUP, NODE_KIND, group)
    computers = {VIRTUAL: _VMS, CLUSTER: COMPUTER_GROUP, LAB: _LAB, LICENSED: COMPUTER_GROUP}
    for id_, columns in changes.items():
        rows.add_resource_group(30 + id_, IMAGE_KIND, mapped_to=[computers[id_]])
        rows.add_image(id_, groups=[30 + id_], **columns)


def _computers(rows: SiteRows, count: int) -> None:
    """Three of four are blades, of which a few are also the lab's; the others VMs, twelve on a host."""
    rows.remove_computers()
    rows["vmhost"] = []
    rows["vmprofile"] = [{"id": 1, "profilename": "local", "imageid": 1, "datastorepath": "datastore1"}]
    blades = count * 3 // 4
    for number in range(count):
        id_, ram = _FIRST_COMPUTER + number, 4096 + number
        if number >= blades:
            host = 1 + (number - blades) // VMS_OF_A_HOST
            rows.add_computer(id_, groups=[_VMS], RAM=ram, vmhostid=host, **_VMWARE)
        else:
            groups = [COMPUTER_GROUP, _LAB] if number < max(blades // 20, 3) else [COMPUTER_GROUP]
            rows.add_computer(id_, groups=groups, RAM=ram)
    for host in range(1, 2 + (count - blades - 1) // VMS_OF_A_HOST):
        id_ = _FIRST_COMPUTER + count + host
        rows.add_computer(id_, groups=[], stateid=20, hostname=f"host{host}", RAM=HOST_RAM)
        rows["vmhost"].append({"id": host, "computerid": id_, "vmprofileid": 1})
