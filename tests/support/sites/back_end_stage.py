"""A small site with simulated back ends, for tests of the simulation: computers, reloads, users, a class at 14:00."""

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from simulation.back_end import states
from simulation.back_end.conditions import Conditions
from simulation.back_end.events import Event, What
from simulation.back_end.loop import BackEnds
from simulation.back_end.site import Site
from tests.golden import tables
from tests.support.connections import DjangoConnection
from tests.support.sites import class_site
from tests.support.sites.class_site import FIRST_COMPUTER, NODE, ZONE
from tests.support.sites.rows import insert_request

OTHER_NODE = 11
IMAGE, OTHER_IMAGE = 10, 11  # their production revisions have the same numbers
OLD_REVISION = 9  # of IMAGE
C0, C1, C2 = range(FIRST_COMPUTER, FIRST_COMPUTER + 3)
USER = 110
MINUTE, HOUR = 60, 3600
LOAD = 10 * MINUTE  # how long a load takes, unless a test says otherwise
LOADED_AFTER = LOAD + MINUTE  # after a request's start its load is certainly over by then
VM_HOSTS = (7, 8)
XCAT, VMWARE, LIBVIRT, BARE = 1, 7, 9, 10  # provisioning


def at(clock: str, day: str = "2026-03-02") -> int:
    """The instant of a local time, "14:00" or "14:00:30"."""
    return int(datetime.fromisoformat(f"{day} {clock}").replace(tzinfo=ZoneInfo(ZONE)).timestamp())


def local(instant: int) -> str:
    """The local time of an instant, as a DATETIME column has it."""
    return datetime.fromtimestamp(instant, ZoneInfo(ZONE)).strftime("%Y-%m-%d %H:%M:%S")


class Stage:
    """The site, its back ends (all of them by default on NODE), and what the service answers to them.

    `answers`: what XMLRPCprocessBlockTime returns, in this order, then the last one for ever;
    an exception is raised. `asked`: the block times that it was called for.
    """

    def __init__(self, computers: int = 3, nodes: tuple[int, ...] = (NODE,), **conditions: Any) -> None:
        rows = class_site.rows(computers=computers)
        rows.add_image(OTHER_IMAGE)
        rows.add_revision(OLD_REVISION, IMAGE, production=0, revision=99)
        rows["managementnode"].append({**rows["managementnode"][0], "id": OTHER_NODE, "hostname": "mn11"})
        rows["request"], rows["reservation"] = [], []
        rows["vmprofile"] = [{"id": 1, "profilename": "ESXi", "imageid": 1, "datastorepath": "datastore1"}]
        rows["vmhost"] = [{"id": host, "computerid": C0 - 7 + host, "vmprofileid": 1} for host in VM_HOSTS]
        steps = "statuscheck loadimageblade info doesimageexists startload loadimagecomplete loadimagefailed failed"
        rows["computerloadstate"] = [
            {"id": 1 + number, "loadstatename": name}
            for number, name in enumerate(f"{steps} nodeready begin reserved editnodetype xcatstage5".split())
        ]
        tables.load(rows, ZONE)
        self.answers: list[Mapping[str, Any] | Exception] = [{"status": "success", "allocated": 4, "unallocated": 0}]
        self.asked: list[int] = []
        self.site = Site(DjangoConnection(), ZoneInfo(ZONE), self._answer, Conditions(**conditions))
        self.back_ends = BackEnds(self.site, nodes)
        self.now = 0

    def rounds(self, until: int, since: int | None = None, every: int = 12) -> None:
        """Rounds from `since` (by default the last one) to `until`, the last of them at that very second."""
        if since is not None:
            self.now = since - every
        while self.now < until:
            self.now = min(until, self.now + every)
            self.back_ends.round(self.now)

    def _answer(self, block_time: int, _ignore_privileges: int) -> Mapping[str, Any]:
        self.asked.append(block_time)
        answer = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        if isinstance(answer, Exception):
            raise answer
        return answer

    # --- setting up -------------------------------------------------------------------------------

    def send(self, sql: str, *params: Any) -> list[tuple[Any, ...]]:
        """Send a statement of the test; its rows."""
        return list(self.site.rows.connection.send(sql, params).rows)

    def request(self, *computers: int, start: int, end: int | None = None, **more: Any) -> int:
        """A request with a reservation for each computer; a reload, unless it says otherwise. Its id."""
        state = more.get("state", states.RELOAD)
        until = local(start + 20 * MINUTE if end is None else end)
        row = {"stateid": state, "laststateid": more.get("last", state), "userid": more.get("user", 2)}
        row |= {"preload": more.get("preload", 1), "start": local(start), "end": until}
        row |= {"daterequested": local(min(start, self.now or start))}
        nodes = more.get("nodes") or [more.get("node", NODE)] * len(computers)
        image = more.get("image", IMAGE)
        loaded = {"imageid": image, "imagerevisionid": more.get("revision", image)}
        return insert_request(row, computers, loaded, ZONE, nodes)

    def user(self, *computers: int, start: int, end: int, **more: Any) -> int:
        """A user's reservation that has just been made."""
        return self.request(
            *computers, start=start, end=end, **{"state": states.NEW, "preload": 0, "user": USER, **more}
        )

    def use(self, computer: int, start: int, end: int, image: int = IMAGE, last: int = states.RESERVED) -> int:
        """A user's reservation in use."""
        self.set(computer, stateid=states.INUSE, currentimageid=image, imagerevisionid=image)
        self.site.tainted.add(computer)
        return self.user(computer, start=start, end=end, image=image, state=states.INUSE, last=last)

    def set(self, computer: int, **values: Any) -> None:
        """Change a computer's row."""
        for name, value in values.items():
            self.send(f"UPDATE computer SET {name} = %s WHERE id = %s", value, computer)  # noqa: S608

    def block_time(self, id_: int, start: int, end: int, request: int | None = None, **more: Any) -> None:
        """A further block time, of an existing request or else of a new accepted one for two machines."""
        if request is None:
            row = {"name": f"block {id_}", "imageid": IMAGE, "numMachines": 2, "groupid": 10, "repeating": "list"}
            row |= {"ownerid": 1, "managementnodeid": NODE, "processing": 0, "status": "accepted"}
            row |= {"expireTime": "2026-03-02 23:59:59", **more}
            tables.insert("blockRequest", [{"id": id_, **row}], ZONE)
        row = {"id": id_, "blockRequestid": request or id_, "start": local(start), "end": local(end), "processed": 0}
        tables.insert("blockTimes", [{**row, "skip": 0}], ZONE)

    def add_block_computers(self, block_time: int, *computers: int, image: int = IMAGE, reload: int = 0) -> None:
        """Let a block time have these computers."""
        row = {"blockTimeid": block_time, "imageid": image, "reloadrequestid": reload}
        tables.insert("blockComputers", [{**row, "computerid": computer} for computer in computers], ZONE)

    # --- results ----------------------------------------------------------------------------------

    def states(self, request: int) -> tuple[int, int] | None:
        """A request's state and last state; None when it is gone."""
        return self.site.rows.states(request)

    def state(self, computer: int) -> int:
        """A computer's state."""
        return self.site.rows.computer_state(computer)

    def loaded(self, computer: int) -> tuple[int, int]:
        """The image and the revision on a computer."""
        return self.site.rows.loaded(computer)

    def block_computers(self, block_time: int) -> list[int]:
        """The computers of a block time."""
        rows = self.send("SELECT computerid FROM blockComputers WHERE blockTimeid = %s ORDER BY 1", block_time)
        return [row[0] for row in rows]

    def block(self, request: int) -> tuple[str, int]:
        """The status of a block request, and whether it is marked as being worked on."""
        status, processing = self.send("SELECT status, processing FROM blockRequest WHERE id = %s", request)[0]
        return status, processing

    def events(self, *what: What) -> list[Event]:
        """The events of these kinds."""
        return self.site.log.of(*what)

    def begun(self, request: int) -> int | None:
        """When the (last) process of a request was forked."""
        times = [event.at for event in self.events(What.PROCESS_FORKED) if event.request == request]
        return times[-1] if times else None

    def loads(self, what: What = What.LOAD_BEGAN) -> list[tuple[int, int]]:
        """The loads that began (or ended, or failed), as (computer, request)."""
        return [(event.computer, event.request) for event in self.events(what)]


def seconds(of: Mapping[int, int]) -> Callable[[int, int, Any], int]:
    """Load times by computer, ten minutes for others."""
    return lambda computer, _image, _chance: of.get(computer, LOAD)
