"""The looks of keep_ready that are killed, each on a small site of its own."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import time_machine
from django.db import connection

from blockalloc.allocation import service
from blockalloc.upkeep.passes import Keeper
from tests.golden import tables
from tests.support.boundaries import Boundary, at_boundaries
from tests.support.sites.class_site import CALLER, FIRST_COMPUTER, IMAGE, ZONE
from verification.kills.scenarios import Visit, let_image_be_a_cluster, somebody_reserves

C0, C1, C2 = range(FIRST_COMPUTER, FIRST_COMPUTER + 3)
_MAINTENANCE, _FAILED = 10, 5


def at(clock: str) -> int:
    """The instant of a local time of the day, Unix seconds."""
    return int(datetime.fromisoformat(f"2026-03-02 {clock}").replace(tzinfo=ZoneInfo(ZONE)).timestamp())


QUIET, BEFORE_LOADS = at("09:30:00"), at("13:37:30")


@dataclass(frozen=True)
class PassScenario:
    """A look at `now` (Unix seconds) at classes from 14:00 to 16:00, on the class site with its numbers.

    `prepare` comes before it, at eight o'clock; `meanwhile` right after the first claim was committed.
    """

    name: str
    prepare: Callable[[], object]
    now: int = QUIET
    site: Mapping[str, int] = field(default_factory=dict)
    meanwhile: Callable[[], object] | None = None

    def check_in(self) -> None:
        """Let the management node be alive at the look."""
        checked_in = datetime.fromtimestamp(self.now - 5, UTC)
        _send("UPDATE managementnode SET lastcheckin = %s", f"{checked_in:%Y-%m-%d %H:%M:%S}")

    def run(self, visit: Visit) -> int:
        """Look; `visit` sees each statement. Returns how many block times were changed."""
        claimed = passed = False

        def step(boundary: Boundary) -> None:
            nonlocal claimed, passed
            if boundary.after and not passed:
                claimed |= "semaphore" in boundary.sql and "INSERT" in boundary.sql
                if claimed and boundary.sql == "COMMIT":
                    passed = True
                    if self.meanwhile is not None:
                        self.meanwhile()
            visit(boundary)

        with time_machine.travel(self.now, tick=False), at_boundaries(step):
            return len(Keeper().look().actions)


# --- Sites ----------------------------------------------------------------------------------------


def _send(sql: str, *params: int | str) -> None:
    with connection.cursor() as cursor:
        cursor.execute(sql, list(params))


def _allocate(*block_times: int) -> None:
    """At eight o'clock, as the site is then."""
    for block_time in block_times:
        service.process_block_time(block_time, True, CALLER)


def _set_state(computer: int, state: int) -> None:
    _send("UPDATE computer SET stateid = %s WHERE id = %s", state, computer)


def _drop_reload(computer: int) -> None:
    """As the back end does when it found a user on the computer: the request is gone, nothing is loaded."""
    sql = "SELECT reloadrequestid FROM blockComputers WHERE computerid = %s"
    with connection.cursor() as cursor:
        cursor.execute(sql, [computer])
        requests = [row[0] for row in cursor.fetchall()]
    for request in requests:
        _send("DELETE FROM reservation WHERE requestid = %s", request)
        _send("DELETE FROM request WHERE id = %s", request)


def _one_in_maintenance() -> None:
    _allocate(10)
    _set_state(C1, _MAINTENANCE)


def _one_not_loaded() -> None:
    _allocate(10)
    _drop_reload(C1)


def _three_classes() -> None:
    """One lacks all its machines, one has a computer that failed, one a computer that nothing loads."""
    _allocate(11, 12)
    _set_state(C0, _FAILED)
    _drop_reload(C2)


def _holds() -> None:
    """Two computers are about to load; one is loaded and still held, as of a look of a minute ago."""
    _allocate(10)
    _drop_reload(C2)
    _send("UPDATE computer SET currentimageid = %s, imagerevisionid = %s WHERE id = %s", IMAGE, IMAGE, C2)
    expires = datetime.fromtimestamp(BEFORE_LOADS + 15, UTC)
    for computer in (C0, C2):
        row = {"computerid": computer, "imageid": IMAGE, "imagerevisionid": IMAGE, "managementnodeid": 10}
        held = {"procid": "blockalloc-held:keep_ready.earlier", "expires": f"{expires:%Y-%m-%d %H:%M:%S}"}
        tables.insert("semaphore", [row | held], "UTC")


def _cluster_without_a_part() -> None:
    let_image_be_a_cluster()
    _allocate(10)
    _set_state(C1, _FAILED)
    _send("DELETE FROM blockComputers WHERE computerid = %s", C1)


def _image_that_fails() -> None:
    """Three loads of the image have failed; other computers are still to load it."""
    from blockalloc.models import SeenLoad

    _allocate(10)
    when = datetime.fromtimestamp(at("09:20"), UTC)
    for number in range(3):
        SeenLoad.objects.create(
            request_id=900 + number, computer_id=C0 + 5 + number, hostname=f"c{C0 + 5 + number}", image_id=IMAGE,
            revision_id=IMAGE, node_id=10, block_time_id=10, begun=when, at_work=when, over=when,
            outcome=SeenLoad.FAILED,
        )  # fmt: skip


def _leftovers() -> None:
    """A skipped class still has its computers, another one has lost a row, and its reload is there.

    Somebody has reserved just now: without such a row nothing is removed.
    """
    _allocate(10, 11)
    _send("UPDATE blockTimes SET skip = 1 WHERE id = 11")
    _send("DELETE FROM blockComputers WHERE blockTimeid = 10 AND computerid = %s", C0)
    _send(
        "INSERT INTO request (id, stateid, userid, laststateid, start, `end`, daterequested) "
        "VALUES (900, 13, 1, 13, '2026-03-02 20:00:00', '2026-03-02 21:00:00', '2026-03-02 09:29:30')"
    )


PASSES = [
    PassScenario("keep_ready: a class without machines", lambda: None, site={"machines": 3}),
    PassScenario("keep_ready: a computer in maintenance", _one_in_maintenance, site={"machines": 3}),
    PassScenario("keep_ready: a computer to be loaded again", _one_not_loaded, site={"machines": 3}),
    PassScenario(
        "keep_ready: three classes at once", _three_classes, site={"computers": 12, "machines": 2, "blocks": 3}
    ),
    PassScenario(
        "keep_ready: a computer is lost to somebody", lambda: None, site={"machines": 3}, meanwhile=somebody_reserves
    ),
    PassScenario(
        "keep_ready: a cluster lost a computer", _cluster_without_a_part, site={"computers": 8, "machines": 3}
    ),
    PassScenario("keep_ready: an image that fails to load", _image_that_fails, site={"computers": 9, "machines": 3}),
    PassScenario(
        "keep_ready: a skipped class, a reload left over", _leftovers, site={"computers": 9, "machines": 2, "blocks": 2}
    ),
    PassScenario("keep_ready: holds", _holds, now=BEFORE_LOADS, site={"machines": 3}),
]
