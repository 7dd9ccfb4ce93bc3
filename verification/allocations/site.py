"""The site of a campaign: blades, virtual machines, images of every kind, and block times to be filled.

Its block times lie some days ahead of the real clock. Blades are plenty; the lab's computers, the memory of the VM
hosts and the licences of one image are few, so that many calls come up short.
"""

import copy
import random
import time
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from tests.golden.replay import read_case

Rows = dict[str, list[dict[str, Any]]]

HOUR = 3600
GROUP, NODE = 10, 10
PLAIN, VIRTUAL, CLUSTER, LAB, LICENSED = 10, 11, 12, 13, 14  # images
LICENCES = 20  # computers that may run the licensed image at a time
VM_RAM, HOST_RAM, VMS_OF_A_HOST = 2048, 10 * 2048, 12  # memory for 9 of its 12 VMs
_FIRST_COMPUTER, _FIRST_BLOCK = 100, 100
_VMWARE = {"provisioningid": 7, "type": "virtualmachine"}
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
    """The rows, and what can be asked for."""

    rows: Rows
    block_times: list[BlockTime]
    first_start: int
    hours: int

    def wish(self, choice: random.Random) -> tuple[int, int, int, int]:
        """(image, start, end, machines) of something that somebody may want."""
        images = list(_WANTED)
        (image,) = choice.choices(images, [_WANTED[image][0] for image in images])
        start = self.first_start + choice.randrange(self.hours) * HOUR
        return image, start, start + choice.choice([1, 1, 2, 3]) * HOUR, choice.randint(*_WANTED[image][1])


def site(block_times: int, computers: int, hours: int, choice: random.Random) -> Site:
    """A site with so many block times in so many hours of some days."""
    rows = copy.deepcopy(read_case(Path(__file__).parent.parent / "golden" / "basic-0.json")["tables"])
    _images(rows)
    _computers(rows, computers)
    rows["managementnode"][0]["lastcheckin"] = text(int(time.time()))
    first_start = (int(time.time()) // HOUR + 48) * HOUR
    empty = Site(rows, [], first_start, hours)
    found = [BlockTime(id_, *empty.wish(choice)) for id_ in range(_FIRST_BLOCK, _FIRST_BLOCK + block_times)]
    request, when = rows["blockRequest"][0], rows["blockTimes"][0]
    rows["blockRequest"] = [
        {
            **request,
            "id": wanted.id,
            "name": f"block {wanted.id}",
            "imageid": wanted.image_id,
            "numMachines": wanted.machines,
            "expireTime": text(wanted.end),
        }
        for wanted in found
    ]
    rows["blockTimes"] = [
        {**when, "id": wanted.id, "blockRequestid": wanted.id, "start": text(wanted.start), "end": text(wanted.end)}
        for wanted in found
    ]
    return Site(rows, found, first_start, hours)


def text(instant: int) -> str:
    """A time as VCL's columns hold it; the site is at UTC."""
    return datetime.fromtimestamp(instant, UTC).strftime("%Y-%m-%d %H:%M:%S")


def _images(rows: Rows) -> None:
    """The other images, each in an image group of its own, and which computer group that is mapped to."""
    plain, revision = rows["image"][1], rows["imagerevision"][1]
    changes: dict[int, dict[str, Any]] = {
        VIRTUAL: {"OSid": 36, "minram": VM_RAM},
        CLUSTER: {"imagemetaid": 10},
        LAB: {},
        LICENSED: {"maxconcurrent": LICENCES},
    }
    rows["imagemeta"] = [{"id": 10, "subimages": 1}]
    rows["subimages"] = [{"imagemetaid": 10, "imageid": PLAIN}]
    groups = {VIRTUAL: 21, CLUSTER: 11, LAB: 22, LICENSED: 11}
    for id_, change in changes.items():
        rows["image"].append({**plain, "id": id_, "name": f"image-{id_}", "prettyname": f"Image {id_}", **change})
        rows["imagerevision"].append({**revision, "id": id_, "imageid": id_, "imagename": f"image-{id_}"})
        rows["resource"].append({"id": 500 + id_, "resourcetypeid": 13, "subid": id_})
        rows["resourcegroup"].append(_group(30 + id_, 13))
        rows["resourcegroupmembers"].append({"resourceid": 500 + id_, "resourcegroupid": 30 + id_})
        rows["resourcemap"].append(_map(30 + id_, 13, groups[id_]))
    for group in (21, 22):
        rows["resourcegroup"].append(_group(group, 12))
        rows["resourcemap"].append(_map(12, 16, group))


def _group(id_: int, kind: int) -> dict[str, Any]:
    return {"id": id_, "name": f"group {id_}", "ownerusergroupid": 3, "resourcetypeid": kind}


def _map(group: int, kind: int, computers: int) -> dict[str, Any]:
    return {
        "resourcegroupid1": group,
        "resourcetypeid1": kind,
        "resourcegroupid2": computers,
        "resourcetypeid2": 12,
    }


def _computers(rows: Rows, count: int) -> None:
    """Three of four are blades, of which a few are also the lab's; the others VMs, twelve on a host."""
    model = rows["computer"][0]
    old = {row["id"] for row in rows["resource"] if row["resourcetypeid"] == 12}
    rows["resource"] = [row for row in rows["resource"] if row["id"] not in old]
    rows["resourcegroupmembers"] = [row for row in rows["resourcegroupmembers"] if row["resourceid"] not in old]
    rows["computer"], rows["vmhost"] = [], []
    rows["vmprofile"] = [{"id": 1, "profilename": "local", "imageid": 1, "datastorepath": "datastore1"}]
    blades = count * 3 // 4
    for number in range(count):
        id_ = _FIRST_COMPUTER + number
        computer = {**model, "id": id_, "hostname": f"c{id_}", "IPaddress": "", "RAM": 4096 + number}
        groups = [11, 22] if number < max(blades // 20, 3) else [11]
        if number >= blades:
            computer |= {**_VMWARE, "vmhostid": 1 + (number - blades) // VMS_OF_A_HOST}
            groups = [21]
        rows["computer"].append(computer)
        rows["resource"].append({"id": 1000 + id_, "resourcetypeid": 12, "subid": id_})
        rows["resourcegroupmembers"] += [{"resourceid": 1000 + id_, "resourcegroupid": group} for group in groups]
    for host in range(1, 2 + (count - blades - 1) // VMS_OF_A_HOST):
        id_ = _FIRST_COMPUTER + count + host
        in_use = {"id": id_, "stateid": 20, "hostname": f"host{host}", "IPaddress": "", "RAM": HOST_RAM}
        rows["computer"].append({**model, **in_use})
        rows["vmhost"].append({"id": host, "computerid": id_, "vmprofileid": 1})
