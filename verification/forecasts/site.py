"""The rows of the days' beginning."""

import datetime
from typing import Any

from blockalloc.models import (
    ClassHeld,
    Decision,
    Forecast,
    ForecastRun,
    Heartbeat,
    ImageTrust,
    News,
    SeenLoad,
    Standing,
    Watch,
)
from tests.golden import tables
from tests.support.sites.class_site import rows
from tests.support.sites.rows import NODE, SiteRows, insert_request
from verification.forecasts.days import (
    AT_ONCE,
    BEGIN,
    CLUSTER,
    LARGE,
    LIMITED,
    LOAD_MINUTES,
    MEMBERS,
    OPEN_BY_DAY,
    PLAIN,
    STRANGER,
    VIRTUAL,
    ZONE,
    Booking,
    Days,
)

_OUR_TABLES = (Decision, Watch, SeenLoad, ClassHeld, Heartbeat, ImageTrust, Standing, News, Forecast, ForecastRun)
_VM_HOST_IN_USE, _VMWARE_ENGINE, _VMWARE_OS = 20, 7, 56
_VIRTUAL_GROUPS = (20, 21)  # of images, of computers
_WEEKDAY_HOURS = [(day * 1440 + 8 * 60, day * 1440 + 19 * 60) for day in range(1, 6)]  # minutes of the week


def local(instant: int) -> str:
    """What a DATETIME column stores."""
    return f"{datetime.datetime.fromtimestamp(instant, ZONE):%Y-%m-%d %H:%M:%S}"


def load(days: Days) -> None:
    """Replace all rows by those of the days' beginning."""
    for model in _OUR_TABLES:
        model.objects.all().delete()
    site = rows(computers=0, machines=1)
    site.remove_blocks()
    site.row("managementnode", NODE)["lastcheckin"] = local(BEGIN)
    _images(site)
    _computers(site, days)
    _classes(site, days)
    tables.load(site, str(ZONE))
    for booking in days.bookings:
        _reserve(booking)


def _images(site: SiteRows) -> None:
    site.row("image", PLAIN)["reloadtime"] = LOAD_MINUTES[PLAIN]
    site.add_image(LARGE, reloadtime=LOAD_MINUTES[LARGE], minram=6000)
    site.add_image(LIMITED, reloadtime=LOAD_MINUTES[LIMITED], maxconcurrent=AT_ONCE)
    site.add_image(CLUSTER, reloadtime=LOAD_MINUTES[CLUSTER], imagemetaid=CLUSTER)
    site["imagemeta"] = [{"id": CLUSTER, "subimages": 1}]
    site["subimages"] = [{"imagemetaid": CLUSTER, "imageid": PLAIN}]
    images, _computers = _VIRTUAL_GROUPS
    site.add_image(VIRTUAL, groups=[images], reloadtime=LOAD_MINUTES[VIRTUAL], OSid=_VMWARE_OS, minram=2048)


def _computers(site: SiteRows, days: Days) -> None:
    images, virtual = _VIRTUAL_GROUPS
    site.add_resource_group(virtual, 12)
    site.add_resource_group(images, 13, mapped_to=[virtual])
    site.map(12, 16, virtual)  # the group of the management node
    site["schedule"].append({"id": OPEN_BY_DAY, "name": "by day", "ownerid": 1})
    site["scheduletimes"] += [{"scheduleid": OPEN_BY_DAY, "start": start, "end": end} for start, end in _WEEKDAY_HOURS]
    for host in days.hosts:
        site.add_computer(host, groups=[], stateid=_VM_HOST_IN_USE, RAM=days.rng.choice((6144, 8192)))
    if days.hosts:
        site["vmhost"] = [{"id": host, "computerid": host, "vmprofileid": 1} for host in days.hosts]
        site["vmprofile"] = [{"id": 1, "profilename": "local", "imageid": 1, "datastorepath": "datastore1"}]
    for each in days.computers:
        held = {"currentimageid": each.loaded, "imagerevisionid": each.loaded}
        columns: dict[str, Any] = {"RAM": each.ram, "stateid": each.state, "scheduleid": each.schedule, **held}
        if each.host is None:
            site.add_computer(each.id, **columns)
        else:
            kind = {"type": "virtualmachine", "provisioningid": _VMWARE_ENGINE, "vmhostid": each.host}
            site.add_computer(each.id, groups=[virtual], **columns, **kind)


def _classes(site: SiteRows, days: Days) -> None:
    for each in days.classes:
        if each.request not in {row["id"] for row in site["blockRequest"]}:
            site.add_user_group(each.request)
            for user in members(each.request):
                site.add_user(user, groups=[each.request])
            last = max(other.end for other in days.classes if other.request == each.request)
            columns = {"imageid": each.image, "numMachines": each.machines, "groupid": each.request}
            site.add_block(each.request, local(each.start), f"{local(last)[:10]} 23:59:59", **columns)
            site["blockTimes"].pop()
        times = {"start": local(each.start), "end": local(each.end)}
        site["blockTimes"].append({"id": each.id, "blockRequestid": each.request, **times, "processed": 0, "skip": 0})


def members(group: int) -> range:
    """The users of a user group."""
    return range(100 * group, 100 * group + MEMBERS)


def _reserve(booking: Booking) -> None:
    user = STRANGER if booking.group is None else members(booking.group)[0]
    times = {"start": local(booking.start), "end": local(booking.end), "daterequested": local(booking.start - 86400)}
    columns = {"stateid": 13, "laststateid": 13, "userid": user, **times}
    revision = {"imageid": booking.image, "imagerevisionid": booking.image, "managementnodeid": NODE}
    insert_request(columns, [booking.computer], revision, str(ZONE))
