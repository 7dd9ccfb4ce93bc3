"""A small site for the staff's pages, and how the tests read the pages."""

import re
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from django.db.models import Model
from django.test import Client
from django.urls import reverse

from blockalloc.models import (
    OS,
    BlockComputer,
    BlockRequest,
    BlockTime,
    Computer,
    Image,
    ImageRevision,
    ManagementNode,
    Provisioning,
    Request,
    Reservation,
    State,
    User,
    UserGroup,
    VmHost,
    VmProfile,
)
from tests.support.sites.accounts import make_user

NEW_YORK = ZoneInfo("America/New_York")
NOW = datetime(2026, 11, 25, 12, 0, tzinfo=NEW_YORK)  # a Wednesday
MONDAY = datetime(2026, 11, 30, 9, 0, tzinfo=NEW_YORK)
HOUR = timedelta(hours=1)
DAY = timedelta(days=1)
LOCAL, ADMIN, VCLRELOAD = 1, 1, 2
PENDING, RELOAD = 14, 19
STRANGE = "strangers"  # in the name of everything of the other affiliation; too long to be part of a random token
PAGES = ("blockrequest", "blocktime", "computer", "image", "request")


def state(name: str) -> State:
    return State.objects.get(name=name)


def add_image(name: str, **values: object) -> Image:
    """An image with an old revision and one in production."""
    os = OS.objects.get(name="vmwarelinux")
    image = Image.objects.create(name=f"file-{name}", prettyname=name, OS=os, minram=2048, minprocnumber=2, **values)
    for number, production in ((1, 0), (2, 1)):
        ImageRevision.objects.create(
            image=image,
            revision=number,
            user_id=ADMIN,
            datecreated=NOW - 30 * DAY,
            deleted=0,
            production=production,
            imagename=f"file-{name}-v{number}",
        )
    return image


def revision(image: Image, number: int) -> ImageRevision:
    return ImageRevision.objects.get(image=image, revision=number)


@dataclass
class Site:
    """Rows to look at; `serial` keeps names unique."""

    serial: int = 0
    nodes: list[ManagementNode] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.ubuntu = add_image("Ubuntu 22.04")
        self.windows = add_image("Windows 11")
        self.profile = VmProfile.objects.create(profilename="KVM", image=self.ubuntu, datastorepath="/vm")
        self.node()

    def node(self) -> ManagementNode:
        self.nodes.append(ManagementNode.objects.create(hostname=f"mn{len(self.nodes)}.edu", state_id=2))
        return self.nodes[-1]

    def group(self, name: str) -> UserGroup:
        return UserGroup.objects.create(name=name, affiliation_id=LOCAL, owner_id=ADMIN)

    def computer(self, hostname: str, image: Image, number: int = 2, **values: object) -> Computer:
        self.serial += 1
        return Computer.objects.create(
            hostname=hostname,
            IPaddress=f"10.0.{self.serial // 250}.{self.serial % 250}",
            state=state("available"),
            currentimage=image,
            nextimage=image,
            imagerevision=revision(image, number),
            provisioning=Provisioning.objects.order_by("pk")[0],
            RAM=4096,
            procnumber=4,
            procspeed=3000,
            rsa="PRIVATE KEY",
            **values,
        )

    def virtual(self, hostname: str, image: Image) -> Computer:
        host = self.computer(f"host-of-{hostname}", image)
        vmhost = VmHost.objects.create(computer=host, vmprofile=self.profile)
        return self.computer(hostname, image, type="virtualmachine", vmhost=vmhost)

    def request(
        self, name: str, image: Image, group: UserGroup | None, machines: int, **values: object
    ) -> BlockRequest:
        values = {"expireTime": MONDAY + 30 * DAY, "owner_id": ADMIN, "managementnode": self.nodes[0], **values}
        return BlockRequest.objects.create(name=name, image=image, group=group, numMachines=machines, **values)

    def time(self, request: BlockRequest, start: datetime, **values: object) -> BlockTime:
        return BlockTime.objects.create(blockRequest=request, start=start, end=start + 2 * HOUR, **values)

    def hold(self, time: BlockTime, *computers: Computer, image: Image | None = None, **reload: object) -> Request:
        """Give the time these computers, with one reload for all of them."""
        image = image or time.blockRequest.image
        reload = {"state_id": RELOAD, "laststate_id": RELOAD, "user_id": VCLRELOAD, "preload": 1, **reload}
        request = self.reserve(image, time.start - HOUR / 2, time.start, *computers, **reload)
        for computer in computers:
            row = BlockComputer(blockTime=time, computer=computer, image=image, reloadrequestid=request.pk)
            row.save(force_insert=True)
        return request

    def reserve(self, image: Image, start: datetime, end: datetime, *computers: Computer, **values: object) -> Request:
        request = Request.objects.create(start=start, end=end, **values)
        for computer in computers:
            Reservation.objects.create(
                request=request,
                computer=computer,
                image=image,
                imagerevision=revision(image, 2),
                managementnode=self.nodes[-1],
                pw="SESSION PASSWORD",
            )
        return request

    def class_(self, name: str, start: datetime = MONDAY, computers: int = 2, **values: object) -> BlockTime:
        """A block with one time and its own computers, half of which have the image loaded."""
        request = self.request(name, self.ubuntu, self.group(name), computers, **values)
        time = self.time(request, start, processed=1)
        for number in range(computers):
            image = self.ubuntu if number % 2 else self.windows
            self.hold(time, self.virtual(f"{name}-pc{number}".lower(), image))
        return time


@dataclass
class TwoAffiliations:
    """Blocks of NCSU and of another affiliation, which share computers and an image."""

    site: Site
    own: list[BlockTime] = field(default_factory=list)
    others: list[BlockTime] = field(default_factory=list)
    reloads: dict[bool, list[Request]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        site = self.site
        self.shared = [
            site.computer(f"shared{number}", site.windows, notes=f"{STRANGE}-admin@{STRANGE}: broken fan")
            for number in range(2)
        ]
        self.owner = make_user("odette", "NCSU")
        self.stranger = make_user(f"{STRANGE}-owner", f"{STRANGE}-university")
        Image.objects.filter(pk=site.windows.pk).update(owner=self.stranger)
        Image.objects.filter(pk=site.ubuntu.pk).update(owner=self.owner)
        self.own = self._blocks("home", self.owner, MONDAY)
        # Before ours: they are the computers' next ones.
        self.others = self._blocks(STRANGE, self.stranger, MONDAY - 24 * HOUR)
        site.reserve(
            site.ubuntu, MONDAY, MONDAY + HOUR, *self.shared, state_id=13, laststate_id=13, user_id=self.stranger.pk
        )

    def _blocks(self, name: str, owner: User, start: datetime) -> list[BlockTime]:
        site = self.site
        group = UserGroup.objects.create(name=f"{name}-group", affiliation=owner.affiliation, owner=owner)
        image = site.ubuntu
        times = []
        for number in range(2):
            request = site.request(
                f"{name}-block{number}", image, group, 2, owner_id=owner.pk, comments=f"for {name}-teacher"
            )
            times.append(site.time(request, start + number * 4 * HOUR, processed=1))
            self.reloads.setdefault(name == STRANGE, []).append(site.hold(times[-1], *self.shared))
        return times

    def computers(self) -> list[Computer]:
        """The computers that both have."""
        return self.shared


def list_url(page: str, **query: object) -> str:
    return reverse(f"admin:blockalloc_{page}_changelist", query=query)


def page_url(page: str, key: object) -> str:
    return reverse(f"admin:blockalloc_{page}_change", args=[key])


def text(client: Client, url: str) -> str:
    """What the page says, as one reads it."""
    response = client.get(url)
    assert response.status_code == 200, url
    return " ".join(re.sub(r"<[^>]*>", " ", response.content.decode().replace("<wbr>", "")).split())


def listed(client: Client, page: str, **query: object) -> list[str]:
    """The first cells of a list's rows."""
    response = client.get(list_url(page, **query))
    assert response.status_code == 200, query
    rows = re.findall(r'<th class="field-\w+[^>]*>(.*?)</th>', response.content.decode())
    return [re.sub(r"<[^>]*>", "", row) for row in rows]


def rows(client: Client, url: str, column: str) -> list[str]:
    """The cells of a column, of a list or of a table on a page."""
    cells = re.findall(rf'<t[dh] class="field-{column}[ "][^>]*>(.*?)</t[dh]>', client.get(url).content.decode())
    return [re.sub(r"<[^>]*>", "", cell) for cell in cells]


def key_of(page: str) -> int:
    models: dict[str, type[Model]] = {
        "blockrequest": BlockRequest,
        "blocktime": BlockTime,
        "computer": Computer,
        "image": Image,
    }
    key: int = models.get(page, Request)._default_manager.order_by("-pk").values_list("pk", flat=True)[0]
    return key
