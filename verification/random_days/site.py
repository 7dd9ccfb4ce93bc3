"""The rows of a day's morning, and connections to them."""

import datetime

from blockalloc import clock
from blockalloc.models import ClassHeld, Decision, Heartbeat, ImageTrust, News, SeenLoad, Standing, Watch
from tests.golden import tables
from tests.support.connections import DjangoConnection
from tests.support.sites.class_site import rows
from tests.support.sites.rows import SiteRows
from verification.random_days.day import BEGIN, IMAGES, LOAD_MINUTES, OURS, STRANGER, ZONE, Class, Day

NODE = 10


def local(instant: int) -> str:
    """What a DATETIME column stores."""
    return f"{datetime.datetime.fromtimestamp(instant, ZONE):%Y-%m-%d %H:%M:%S}"


def load(day: Day) -> None:
    """Replace all rows by those of the morning; classes that are known later come with `insert`.

    What the service remembers of other days goes too: its block times had the same ids.
    """
    for model in (Decision, Watch, SeenLoad, ClassHeld, Heartbeat, ImageTrust, Standing, News):
        model.objects.all().delete()
    site = rows(computers=day.computers, machines=1)
    _images(site)
    for row in site["computer"]:
        row["currentimageid"] = row["imagerevisionid"] = day.loaded[row["id"]] or 1
    site.remove_blocks()
    site["variable"] = [{"name": "xcat|throttle", "serialization": "none", "value": "3", "timestamp": local(BEGIN)}]
    for each in day.classes:
        site.add_user_group(each.group, name=f"class {each.number}")
        for user in each.members:
            site.add_user(user, groups=[each.group])
    tables.load(site, str(ZONE))


def _images(site: SiteRows) -> None:
    """A second image beside the first, which all computers can run too."""
    first, *others = IMAGES
    site.row("image", first)["reloadtime"] = LOAD_MINUTES[first]
    for id_ in others:
        site.add_image(id_, reloadtime=LOAD_MINUTES[id_])


def insert(each: Class) -> int:
    """A class that VCL's page for block requests has made: it expires at the end of its last day. Its block time."""
    assert each.how != OURS
    send = DjangoConnection().send
    request = send(
        "INSERT INTO blockRequest (name, imageid, numMachines, groupid, repeating, ownerid, managementnodeid, "
        "expireTime, processing, status) VALUES (%s, %s, %s, %s, 'list', 1, %s, %s, 0, 'accepted')",
        [f"class {each.number}", each.image, each.machines, each.group, NODE, f"{local(each.end)[:10]} 23:59:59"],
    ).new_id
    sql = "INSERT INTO blockTimes (blockRequestid, start, `end`, processed, skip) VALUES (%s, %s, %s, 0, 0)"
    return send(sql, [request, local(each.start), local(each.end)]).new_id


def reserve(computer: int, start: int, end: int) -> int:
    """A stranger's reservation of a computer for some hours (Unix seconds); its request."""
    send = DjangoConnection().send
    request = send(
        "INSERT INTO request (stateid, laststateid, userid, start, `end`, daterequested) "
        "VALUES (13, 13, %s, %s, %s, %s)",
        [STRANGER, local(start), local(end), local(clock.now())],
    ).new_id
    send(
        "INSERT INTO reservation (requestid, computerid, imageid, imagerevisionid, managementnodeid) "
        "VALUES (%s, %s, %s, %s, %s)",
        [request, computer, IMAGES[0], IMAGES[0], NODE],
    )
    return request
