"""The images, their revisions and how long each takes to load."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from blockalloc.demo.rows import ADMIN, Rows

# Ids of VCL's own rows: operating systems and image types.
_CENTOS, _UBUNTU, _RHEL, _WIN10, _ESXI = 53, 30, 54, 55, 38
_VM_UBUNTU, _VM_WIN10, _VM_WIN2016 = 44, 56, 58
_PARTIMAGE, _KICKSTART, _VMDK = 2, 5, 6

# Resource groups of images.
GENERAL, ENGINEERING, CLUSTERS, VIRTUAL, HOSTS = (
    "General images",
    "Engineering images",
    "Cluster images",
    "VMware images",
    "Host images",
)

UBUNTU = "Ubuntu 22.04"
CENTOS = "CentOS 7 base"
OFFICE = "Windows 10 Office"
RHEL = "Red Hat developer tools"
MATLAB = "MATLAB R2023b (Windows 10)"
SOLIDWORKS = "SolidWorks 2023"
HADOOP = "Hadoop cluster (head and two workers)"
HADOOP_WORKER = "Hadoop worker"
VM_WIN10 = "Windows 10 desktop (VMware)"
VM_UBUNTU = "Ubuntu server (VMware)"
VM_WIN2016 = "Windows Server 2016 (VMware)"
ESXI = "VMware ESXi host"


@dataclass(frozen=True)
class ImageSpec:
    """One image as the site offers it; `popularity` weighs it in a year's reservations."""

    file: str
    group: str
    os: int
    load_seconds: int
    popularity: int
    minimum: tuple[int, int, int, int]  # RAM in MB, processors, MHz, Mbit/s
    type: int = _PARTIMAGE
    revisions: int = 2
    more: Mapping[str, int] = field(default_factory=dict)


SPECS = {
    UBUNTU: ImageSpec("ubuntuimage-ubuntu2204", GENERAL, _UBUNTU, 380, 30, (4096, 2, 2000, 1000), revisions=4),
    CENTOS: ImageSpec("centos7image-base", GENERAL, _CENTOS, 290, 14, (2048, 1, 2000, 100), revisions=3),
    OFFICE: ImageSpec("win10-office", GENERAL, _WIN10, 690, 20, (8192, 2, 2000, 1000), revisions=3),
    RHEL: ImageSpec("rhelimage-developer", GENERAL, _RHEL, 340, 8, (4096, 2, 2000, 100)),
    MATLAB: ImageSpec(
        "win10-matlab2023b", ENGINEERING, _WIN10, 930, 10, (16384, 4, 2400, 1000), more={"maxconcurrent": 20}
    ),
    SOLIDWORKS: ImageSpec("win10-solidworks2023", ENGINEERING, _WIN10, 780, 8, (32768, 8, 3000, 10000)),
    HADOOP: ImageSpec("ubuntuimage-hadoop-head", CLUSTERS, _UBUNTU, 520, 4, (16384, 4, 2400, 1000)),
    HADOOP_WORKER: ImageSpec(
        "ubuntuimage-hadoop-worker", CLUSTERS, _UBUNTU, 430, 0, (8192, 4, 2400, 1000), more={"forcheckout": 0}
    ),
    VM_WIN10: ImageSpec("vmwarewin10-desktop", VIRTUAL, _VM_WIN10, 240, 12, (6144, 2, 2000, 1000), type=_VMDK),
    VM_UBUNTU: ImageSpec("vmwareubuntu-server", VIRTUAL, _VM_UBUNTU, 170, 9, (2048, 1, 2000, 1000), type=_VMDK),
    # New: never loaded yet, so its load time can only be image.reloadtime.
    VM_WIN2016: ImageSpec("vmwarewin2016-server", VIRTUAL, _VM_WIN2016, 600, 0, (4096, 2, 2000, 1000), type=_VMDK),
    ESXI: ImageSpec(
        "esxi-host", HOSTS, _ESXI, 1200, 0, (8192, 4, 2000, 1000), _KICKSTART, revisions=1, more={"forcheckout": 0}
    ),
}

# One machine of a cluster: the computers of its subimages beside that of the image itself.
SUBIMAGES = {HADOOP: (HADOOP_WORKER, HADOOP_WORKER)}


@dataclass(frozen=True)
class Images:
    """Ids by the image's name: of the image and of its revisions, the production revision last."""

    ids: dict[str, int]
    revisions: dict[str, list[int]]

    def production(self, name: str) -> int:
        """The id of the image's production revision."""
        return self.revisions[name][-1]


def add_images(rows: Rows, now: datetime) -> Images:
    """Add the images with their revisions, and the cluster's subimages."""
    images = Images({}, {})
    for name, spec in SPECS.items():
        number = images.ids[name] = _image(rows, name, spec, now)
        images.revisions[name] = [_revision(rows, number, spec, n, now) for n in range(spec.revisions)]
    for name, parts in SUBIMAGES.items():
        meta = rows.add("imagemeta", subimages=1)
        rows.row("image", images.ids[name])["imagemetaid"] = meta
        for part in parts:
            rows.link("subimages", imagemetaid=meta, imageid=images.ids[part])
    return images


def _image(rows: Rows, name: str, spec: ImageSpec, now: datetime) -> int:
    ram, processors, speed, network = spec.minimum
    return rows.add(
        "image",
        name=f"{spec.file}-v{spec.revisions - 1}",
        prettyname=name,
        ownerid=ADMIN,
        imagetypeid=spec.type,
        OSid=spec.os,
        minram=ram,
        minprocnumber=processors,
        minprocspeed=speed,
        minnetwork=network,
        reloadtime=max(1, spec.load_seconds // 60),
        lastupdate=now - timedelta(days=50),
        size=4000 + spec.load_seconds * 20,
        architecture="x86_64",
        maxconcurrent=spec.more.get("maxconcurrent"),
        forcheckout=spec.more.get("forcheckout", 1),
    )


def _revision(rows: Rows, image: int, spec: ImageSpec, number: int, now: datetime) -> int:
    return rows.add(
        "imagerevision",
        imageid=image,
        revision=number,
        userid=ADMIN,
        datecreated=now - timedelta(days=50 + 120 * (spec.revisions - 1 - number)),
        deleted=0,
        production=int(number == spec.revisions - 1),
        imagename=f"{spec.file}-v{number}",
    )
