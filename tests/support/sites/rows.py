"""Rows of a small VCL site, table by table: the second of the three builders (see tests/README.md).

`SiteRows()` is the plainest recorded case: image 10, computers in group 11, management node 10, block request and
block time 10 for user group 10. What a test or a campaign needs besides is added; `tests.golden.tables.load` puts
all of it into the database. A row has the columns that matter; the others have the defaults of VCL's schema.
"""

import copy
import functools
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from tests import golden
from tests.golden import tables
from tests.golden.replay import read_case
from tests.golden.tables import Row

IMAGE = NODE = BLOCK_TIME = USER_GROUP = 10
IMAGE_GROUP, COMPUTER_GROUP, NODE_GROUP = 10, 11, 12
COMPUTER_KIND, IMAGE_KIND, NODE_KIND = 12, 13, 16  # ids in VCL's table `resourcetype`


class SiteRows(dict[str, list[Row]]):
    """The rows by table. Every `add_…` takes columns of the row as keywords."""

    def __init__(self) -> None:
        super().__init__(copy.deepcopy(_plainest()))
        self._computer = dict(self["computer"][0]) | {"IPaddress": "", "RAM": 4096}
        self._request, self._time = self["blockRequest"][0], self["blockTimes"][0]

    def row(self, table: str, id_: int) -> Row:
        """The row of a table with this id. Raises ValueError when there is none."""
        (row,) = (row for row in self[table] if row["id"] == id_)
        return row

    # --- images -----------------------------------------------------------------------------------

    def add_image(self, id_: int, *, groups: Iterable[int] = (IMAGE_GROUP,), **columns: Any) -> None:
        """An image like image 10, in these image groups, with a production revision of the same number."""
        name = f"Image {id_}"
        self["image"].append({**self.row("image", IMAGE), "id": id_, "name": name, "prettyname": name, **columns})
        self.add_revision(id_, id_)
        self.join(IMAGE_KIND, id_, groups)

    def add_revision(self, id_: int, image: int, **columns: Any) -> None:
        """A further revision of an image, in production unless a keyword says otherwise."""
        model = self.row("imagerevision", IMAGE)
        name = self.row("image", image)["name"]
        self["imagerevision"].append({**model, "id": id_, "imageid": image, "imagename": name, **columns})

    # --- computers --------------------------------------------------------------------------------

    def remove_computers(self) -> None:
        """Remove all computers, for a site with its own."""
        resources = {row["id"] for row in self["resource"] if row["resourcetypeid"] == COMPUTER_KIND}
        self["computer"] = []
        self["resource"] = [row for row in self["resource"] if row["id"] not in resources]
        members = self["resourcegroupmembers"]
        self["resourcegroupmembers"] = [row for row in members if row["resourceid"] not in resources]

    def add_computer(self, id_: int, *, groups: Iterable[int] = (COMPUTER_GROUP,), **columns: Any) -> None:
        """An available blade in these computer groups; without a group it is no candidate."""
        self["computer"].append({**self._computer, "id": id_, "hostname": f"c{id_}", **columns})
        self.join(COMPUTER_KIND, id_, groups)

    # --- resource groups --------------------------------------------------------------------------

    def add_resource_group(self, id_: int, kind: int, *, mapped_to: Iterable[int] = ()) -> None:
        """A group of computers, images or management nodes; the latter two may be mapped to computer groups."""
        self["resourcegroup"].append(
            {"id": id_, "name": f"group {id_}", "ownerusergroupid": 3, "resourcetypeid": kind}
        )  # fmt: skip
        for computers in mapped_to:
            self.map(id_, kind, computers)

    def map(self, group: int, kind: int, computers: int) -> None:
        """Map a group of images or of management nodes to a group of computers."""
        ours = {"resourcegroupid1": group, "resourcetypeid1": kind}
        self["resourcemap"].append({**ours, "resourcegroupid2": computers, "resourcetypeid2": COMPUTER_KIND})

    def join(self, kind: int, subject: int, groups: Iterable[int]) -> None:
        """Let a computer, an image or a management node be in groups."""
        resource = 10_000 * kind + subject
        for number, group in enumerate(groups):
            if not number:
                self["resource"].append({"id": resource, "resourcetypeid": kind, "subid": subject})
            self["resourcegroupmembers"].append({"resourceid": resource, "resourcegroupid": group})

    # --- people -----------------------------------------------------------------------------------

    def add_user_group(self, id_: int, **columns: Any) -> None:
        """A user group like that of block request 10, without members."""
        self["usergroup"].append({**self.row("usergroup", USER_GROUP), "id": id_, "name": f"class {id_}", **columns})

    def add_user(self, id_: int, *, groups: Iterable[int] = (USER_GROUP,)) -> None:
        """A user, who is a member of these groups."""
        self["user"].append({**self["user"][-1], "id": id_, "unityid": f"user{id_}"})
        self["usergroupmembers"] += [{"userid": id_, "usergroupid": group} for group in groups]

    # --- blocks -----------------------------------------------------------------------------------

    def remove_blocks(self) -> None:
        """Remove all block requests and block times."""
        self["blockRequest"], self["blockTimes"] = [], []

    def add_block(self, id_: int, start: str | None = None, end: str | None = None, **columns: Any) -> None:
        """A block request with one block time, both with this id; times are local, those of block time 10 or given."""
        times = {"start": start, "end": end} if start else {}
        expires = {"expireTime": end} if end else {}
        self["blockRequest"].append({**self._request, "id": id_, "name": f"block {id_}", **expires, **columns})
        self["blockTimes"].append({**self._time, "id": id_, "blockRequestid": id_, **times})


@functools.cache
def _plainest() -> Mapping[str, list[Row]]:
    (folder,) = golden.__path__
    rows: Mapping[str, list[Row]] = read_case(Path(folder) / "basic-0.json")["tables"]
    return rows


def insert_request(
    columns: Row, computers: Iterable[int], reservation: Row, time_zone: str, nodes: Iterable[int] | None = None
) -> int:
    """Insert a request with a reservation of each computer into the database; the request's id.

    `columns` are those of the request, `reservation` those that all its reservations share; `nodes` may give
    each reservation a management node of its own. Times are local times of `time_zone`.
    """
    tables.insert("request", [columns], time_zone)
    id_ = tables.newest_id("request")
    rows = [{**reservation, "requestid": id_, "computerid": computer} for computer in computers]
    if nodes is not None:
        rows = [{**row, "managementnodeid": node} for row, node in zip(rows, nodes, strict=True)]
    tables.insert("reservation", rows, time_zone)
    return id_
