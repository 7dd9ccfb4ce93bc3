"""What must hold after every allocation call, judged by the rows of the tables alone.

Nothing of the service is used here: the rules are written anew, from the rows as
tests.golden.tables.read() gives them. Where the full rule is long (who counts towards
maxconcurrent), what is checked is a part of it that holds in every case. Only what a call added is
judged; a site may be in disorder before.
"""

import datetime
from collections import Counter, defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Any

Row = dict[str, Any]
Rows = dict[str, list[Row]]
RELOAD_USER = ("vclreload", 1)  # unityid, affiliation
FAILED, COMPLETE, PENDING, RELOAD, HOST_IN_USE = 5, 12, 14, 19, 20
NOT_IN_USE = {1, FAILED, 11, COMPLETE, 16, 17}  # deleted, failed, timeout, complete, image, makeproduction
QUARTER = 900  # seconds


@dataclass(frozen=True)
class BlockComputer:
    """A computer of a block time, which has it from the start of its reload to the end of the block."""

    time_id: int
    computer_id: int
    image_id: int
    request_id: int
    start: int
    block_start: int
    end: int

    def meets(self, start: int, end: int, margin: int = 0) -> bool:
        """Whether the block time has the computer within `margin` seconds of an interval."""
        return self.start < end + margin and start < self.end + margin


@dataclass(frozen=True)
class Change:
    """The rows before and after a call, its time and zone, and its answer; `policy` is `VCL_RELOAD_POLICY`."""

    before: Rows
    after: Rows
    now: datetime.datetime
    answer: Any
    ignore_privileges: bool
    policy: str = "vcl"

    def instant(self, local: str) -> int:
        """Unix seconds of a local time: the first of two, an hour later when the clock skips it."""
        return int(datetime.datetime.fromisoformat(local).replace(tzinfo=self.now.tzinfo).timestamp())

    def local(self, instant: int) -> str:
        """The site time of an instant."""
        return f"{datetime.datetime.fromtimestamp(instant, self.now.tzinfo):%Y-%m-%d %H:%M:%S}"

    def by_id(self, table: str) -> dict[int, Row]:
        """The rows after the call."""
        return {row["id"]: row for row in self.after[table]}

    @cached_property
    def block_computers(self) -> list[BlockComputer]:
        """All block computers after the call."""
        times, requests = self.by_id("blockTimes"), self.by_id("request")
        rows = []
        for row in self.after["blockComputers"]:
            time, request = times[row["blockTimeid"]], requests.get(row["reloadrequestid"])
            block_start = self.instant(time["start"])
            start = self.instant(request["start"]) if request else block_start
            ids = (row["blockTimeid"], row["computerid"], row["imageid"], row["reloadrequestid"])
            rows.append(BlockComputer(*ids, start, block_start, self.instant(time["end"])))
        return rows

    @cached_property
    def new(self) -> list[BlockComputer]:
        """The block computers that the call added."""
        old = {(row["blockTimeid"], row["computerid"]) for row in self.before["blockComputers"]}
        return [own for own in self.block_computers if (own.time_id, own.computer_id) not in old]

    @cached_property
    def new_requests(self) -> list[Row]:
        """Requests that the call added."""
        old = {row["id"] for row in self.before["request"]}
        return [row for row in self.after["request"] if row["id"] not in old]

    def reservations(self) -> Iterator[tuple[Row, Row]]:
        """Every request that was there before, with each of its reservations."""
        requests = {row["id"]: row for row in self.before["request"]}
        for row in self.before["reservation"]:
            if row["requestid"] in requests:
                yield requests[row["requestid"]], row

    def block(self, time_id: int) -> Row:
        """The block request of a block time."""
        return self.by_id("blockRequest")[self.by_id("blockTimes")[time_id]["blockRequestid"]]

    def images_of(self, time_id: int) -> Counter[int]:
        """The images of one machine of a block, with how many computers need each."""
        image = self.by_id("image")[self.block(time_id)["imageid"]]
        meta = self.by_id("imagemeta").get(image["imagemetaid"])
        parts = self.after["subimages"] if meta and meta["subimages"] else []
        return Counter([image["id"], *(row["imageid"] for row in parts if row["imagemetaid"] == image["imagemetaid"])])

    def members(self, time_id: int) -> set[int]:
        """Ids of the members of a block's user group."""
        group = self.block(time_id)["groupid"]
        return {row["userid"] for row in self.after["usergroupmembers"] if row["usergroupid"] == group}


def occupies(request: Row) -> bool:
    """Whether a request occupies its computers."""
    state, last = request["stateid"], request["laststateid"]
    return state not in (FAILED, COMPLETE, RELOAD) and not (state == PENDING and last == RELOAD)


def broken(change: Change) -> list[str]:
    """Every rule that the call broke, in words; empty when all is well."""
    times = reload_times if change.policy == "vcl" else reloads_in_time
    rules = (
        no_more_than_wanted, no_computer_twice, within_maxconcurrent, hosts_not_over_committed,
        reservations_respected, times, everything_belongs_together, true_numbers, nothing_else_changed,
    )  # fmt: skip
    return [f"{rule.__name__}: {text}" for rule in rules for text in rule(change)]


def no_more_than_wanted(change: Change) -> Iterator[str]:
    """A block that got something has no more of any image than its machines need."""
    for time_id in {own.time_id for own in change.new}:
        count = Counter(own.image_id for own in change.block_computers if own.time_id == time_id)
        wanted = change.block(time_id)["numMachines"]
        images = change.images_of(time_id)
        for image_id, number in count.items():
            if number > images[image_id] * wanted:
                yield f"block time {time_id} has {number} computers for image {image_id}, {wanted} machines wanted"


def no_computer_twice(change: Change) -> Iterator[str]:
    """A computer is with one block from the start of its reload to the end of the block."""
    for new in change.new:
        for other in change.block_computers:
            same = other.computer_id == new.computer_id and other.time_id != new.time_id
            if same and new.meets(other.start, other.end):
                yield f"computer {new.computer_id} is in block times {new.time_id} and {other.time_id}"


def within_maxconcurrent(change: Change) -> Iterator[str]:
    """The image of a new computer is used by no more computers at a time than it may be."""
    for time_id, image_id in {(own.time_id, own.image_id) for own in change.new}:
        most = change.by_id("image")[image_id]["maxconcurrent"]
        count = len(_users_of_image(change, time_id, image_id))
        if most is not None and count > most:
            yield f"image {image_id} is used by {count} computers during block time {time_id}, at most {most}"


def _users_of_image(change: Change, time_id: int, image_id: int) -> set[int]:
    """Computers in use for the image during a block; blocks of its members' groups aside when privileges count."""
    members = change.members(time_id)
    exempt = {row["usergroupid"] for row in change.after["usergroupmembers"] if row["userid"] in members}
    block = next(new for new in change.new if new.time_id == time_id)
    users = {own.computer_id for own in change.block_computers if (own.time_id, own.image_id) == (time_id, image_id)}
    for own in change.block_computers:
        request, time = change.block(own.time_id), change.by_id("blockTimes")[own.time_id]
        counts = not time["skip"] and request["status"] != "deleted"
        counts = counts and (change.ignore_privileges or request["groupid"] not in exempt)
        if counts and own.image_id == image_id and block.block_start < own.end and own.block_start < block.end:
            users.add(own.computer_id)
    for request, row in change.reservations():
        in_use = request["stateid"] not in NOT_IN_USE and request["userid"] != _reload_user(change)
        start, end = change.instant(request["start"]), change.instant(request["end"])
        if in_use and row["imageid"] == image_id and block.block_start < end and start < block.end:
            users.add(row["computerid"])
    return users


def _reload_user(change: Change) -> int:
    users = change.after["user"]
    return next(int(row["id"]) for row in users if (row["unityid"], row["affiliationid"]) == RELOAD_USER)


def hosts_not_over_committed(change: Change) -> Iterator[str]:
    """VMs of a host that gets something new need less than its memory."""
    computers, images, revisions = change.by_id("computer"), change.by_id("image"), change.by_id("imagerevision")
    install_types = {row["id"]: row["installtype"] for row in change.after["OS"]}
    hosts = {row["id"]: row["computerid"] for row in change.after["vmhost"]}
    loads: dict[int, dict[int, int]] = defaultdict(dict)  # host computer -> computer -> MB
    for own in change.new:
        host = hosts.get(computers[own.computer_id]["vmhostid"])
        if host is not None and install_types[images[own.image_id]["OSid"]] == "vmware":
            loads[host][own.computer_id] = images[own.image_id]["minram"]
    for host, new in loads.items():
        need = 0
        for machine in change.after["computer"]:
            if hosts.get(machine["vmhostid"]) == host:
                revision = revisions.get(machine["imagerevisionid"])
                loaded = images[revision["imageid"]]["minram"] if revision else 0
                need += new.get(machine["id"], loaded)
        others = {id_ for id_ in new if _has_to_load(change, id_)}
        if others and need >= computers[host]["RAM"]:
            yield f"VM host {host} has {computers[host]['RAM']} MB for images that need {need}"
        if others and computers[host]["stateid"] != HOST_IN_USE:
            yield f"VM host {host} is in state {computers[host]['stateid']}"


def _has_to_load(change: Change, computer_id: int) -> bool:
    """Whether a new computer does not have the production revision of its image yet."""
    image_id = next(own.image_id for own in change.new if own.computer_id == computer_id)
    production = {
        row["id"] for row in change.after["imagerevision"] if row["imageid"] == image_id and row["production"]
    }
    return change.by_id("computer")[computer_id]["imagerevisionid"] not in production


def reservations_respected(change: Change) -> Iterator[str]:
    """A new computer is free, or a member has reserved it, from later than now, for the image of the block."""
    for own in change.new:
        others = list(_in_the_way(change, own))
        for request in others:
            if len(others) > 1 or not _may_join(change, own, request):
                yield f"computer {own.computer_id} of block time {own.time_id} is reserved by request {request['id']}"


def _in_the_way(change: Change, own: BlockComputer) -> Iterator[Row]:
    """Requests of others that occupy a new computer within a quarter of an hour of the block and its reload."""
    for request, row in change.reservations():
        span = change.instant(request["start"]), change.instant(request["end"])
        if row["computerid"] == own.computer_id and occupies(request) and own.meets(*span, QUARTER):
            yield request


def _may_join(change: Change, own: BlockComputer, request: Row) -> bool:
    images = [row["imageid"] for row in change.before["reservation"] if row["requestid"] == request["id"]]
    return (
        request["userid"] in change.members(own.time_id)
        and change.instant(request["start"]) > change.now.timestamp()
        and change.block(own.time_id)["imageid"] in images
        and change.instant(request["start"]) < own.end
        and change.instant(request["end"]) > own.block_start
    )


def reload_times(change: Change) -> Iterator[str]:
    """Reloads begin by load time, a step apart; that of a reserved computer ends when the reservation begins."""
    for time_id in {own.time_id for own in change.new}:
        load = load_seconds(change, change.block(time_id)["imageid"])
        step = 120 if load > 840 else 60
        block_start = next(own.block_start for own in change.new if own.time_id == time_id)
        first = block_start - load - 600
        places = Counter[int]()
        for request in change.new_requests:
            computers = [own for own in change.new if own.request_id == request["id"] and own.time_id == time_id]
            if not computers:
                continue
            joined = [other for own in computers for other in _in_the_way(change, own)]
            if joined:
                end = min(block_start, change.instant(joined[0]["start"]))
                wanted = (change.local(end - load - 300), change.local(end))
                if wanted != (request["start"], request["end"]):
                    yield f"request {request['id']}: {request['start']} to {request['end']}, not {wanted}"
                continue
            place = next((n for n in range(256) if change.local(first - n * step) == request["start"]), -1)
            places[place] += 1
            if request["end"] != change.local(block_start):
                yield f"request {request['id']} ends at {request['end']}"
        if places != Counter(range(places.total())):
            yield f"block time {time_id}: reloads take the steps {sorted(places.elements())}"


def reloads_in_time(change: Change) -> Iterator[str]:
    """Policy `ready`: reloads are planned; none begins in the past, and each leaves time for a load before its end.

    It ends at the start of the block, or when the reservation begins that the computer is reloaded for.
    """
    for own in change.new:
        request = next(row for row in change.new_requests if row["id"] == own.request_id)
        starts = [change.instant(other["start"]) for other in _in_the_way(change, own)]
        end = min([own.block_start, *starts])
        load = load_seconds(change, change.block(own.time_id)["imageid"])
        if change.instant(request["end"]) != end:
            yield f"request {request['id']} ends at {request['end']}, not {change.local(end)}"
        if not change.now.timestamp() <= own.start <= end - load:
            yield f"request {request['id']} begins at {request['start']}: it is {change.now}, a load takes {load} s"


def load_seconds(change: Change, image_id: int) -> int:
    """How long an image takes to load, by the last twelve months."""
    year = change.now.replace(tzinfo=None, year=change.now.year - 1).isoformat(" ")
    spans = [
        change.instant(row["loaded"]) - change.instant(row["start"])
        for row in change.after["log"]
        if row["imageid"] == image_id and row["wasavailable"] == 1 and row["ending"] != "failed"
        if row["nowfuture"] == "now" and row["loaded"] and row["start"] > year
    ]
    spans = [span for span in spans if 120 < span < 1800]
    return sum(spans) // len(spans) if spans else change.by_id("image")[image_id]["reloadtime"] * 60


def everything_belongs_together(change: Change) -> Iterator[str]:
    """Every new reload request has computers of a block, and every new computer of a block its reload."""
    old = {row["id"] for row in change.before["reservation"]}
    reloads = {
        (row["requestid"], row["computerid"], row["imageid"])
        for row in change.after["reservation"]
        if row["id"] not in old
    }
    expected = {(own.request_id, own.computer_id, own.image_id) for own in change.new}
    if reloads != expected:
        stray, missing = sorted(reloads - expected), sorted(expected - reloads)
        yield f"reloads without a block: {stray}, in a block without reload: {missing}"
    for request in change.new_requests:
        if (request["stateid"], request["laststateid"]) != (RELOAD, RELOAD):
            yield f"request {request['id']} is no reload"
        if request["userid"] != _reload_user(change) or request["id"] not in {key[0] for key in reloads}:
            yield f"request {request['id']} has no computers, or is not the reload user's"
        if request["end"] <= request["start"]:
            yield f"request {request['id']} ends before it starts"


def true_numbers(change: Change) -> Iterator[str]:
    """`allocated` and `unallocated` are whole numbers: what the block has, and what it still wants."""
    if not isinstance(change.answer, dict) or "allocated" not in change.answer:
        return
    allocated, unallocated = change.answer["allocated"], change.answer["unallocated"]
    if type(allocated) is not int or type(unallocated) is not int or unallocated < 0:
        yield f"allocated {allocated!r}, unallocated {unallocated!r}"
    for time_id in {own.time_id for own in change.new}:
        count = Counter(own.image_id for own in change.block_computers if own.time_id == time_id)
        wanted = change.block(time_id)["numMachines"]
        machines = min(count[image_id] // number for image_id, number in change.images_of(time_id).items())
        if (allocated, unallocated) != (machines, wanted - machines):
            yield f"answer {change.answer}, but block time {time_id} has {machines} of {wanted} machines"


def nothing_else_changed(change: Change) -> Iterator[str]:
    """Rows are added, to the tables of blocks and reservations; none is changed or removed."""
    written = "blockComputers blockRequest blockTimes blockWebDate blockWebTime request reservation".split()
    for table, old in change.before.items():
        new = change.after[table]
        gone = [row for row in old if row not in new] if old != new else []
        if gone:
            yield f"{table}: rows changed or removed: {gone}"
        if len(new) > len(old) and table not in written:
            yield f"{table}: rows added"
