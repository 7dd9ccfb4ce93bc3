"""The rows of a day's morning, and connections to them."""

import datetime
from typing import Any

from tests.golden import tables
from tests.support.connections import DjangoConnection
from tests.support.sites.class_site import rows
from verification.random_days.day import BEGIN, IMAGES, LOAD_MINUTES, OURS, ZONE, Class, Day

NODE = 10


def local(instant: int) -> str:
    """What a DATETIME column stores."""
    return f"{datetime.datetime.fromtimestamp(instant, ZONE):%Y-%m-%d %H:%M:%S}"


def load(day: Day) -> None:
    """Replace all rows by those of the morning; classes that are known later come with `insert`."""
    site = rows(computers=day.computers, machines=1)
    _images(site)
    for row in site["computer"]:
        row["currentimageid"] = row["imagerevisionid"] = day.holds[row["id"]] or 1
    for table in ("blockRequest", "blockTimes", "blockWebDate", "blockWebTime"):
        site[table] = []
    site["variable"] = [{"name": "xcat|throttle", "serialization": "none", "value": "3", "timestamp": local(BEGIN)}]
    for each in day.classes:
        site["usergroup"].append({**site["usergroup"][-1], "id": each.group, "name": f"class {each.number}"})
        for user in each.members:
            site["user"].append({**site["user"][-1], "id": user, "unityid": f"user{user}"})
            site["usergroupmembers"].append({"userid": user, "usergroupid": each.group})
    tables.load(site, str(ZONE))


def _images(site: dict[str, list[dict[str, Any]]]) -> None:
    """A second image beside the first, which all computers can run too."""
    (first,) = (row for row in site["image"] if row["id"] == IMAGES[0])
    first["reloadtime"] = LOAD_MINUTES[first["id"]]
    (revision,) = (row for row in site["imagerevision"] if row["imageid"] == IMAGES[0])
    (resource,) = (row for row in site["resource"] if row["resourcetypeid"] == 13 and row["subid"] == IMAGES[0])
    group = next(row["resourcegroupid"] for row in site["resourcegroupmembers"] if row["resourceid"] == resource["id"])
    for id_ in IMAGES[1:]:
        site["image"].append(
            {**first, "id": id_, "name": f"image {id_}", "prettyname": f"Image {id_}", "reloadtime": LOAD_MINUTES[id_]}
        )
        site["imagerevision"].append({**revision, "id": id_, "imageid": id_, "imagename": f"image {id_}"})
        site["resource"].append({**resource, "id": 900 + id_, "subid": id_})
        site["resourcegroupmembers"].append({"resourceid": 900 + id_, "resourcegroupid": group})


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
