"""The calls that are killed, each on a small site of its own."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from django.db import connection

from blockalloc.allocation import service
from blockalloc.contract.messages import NewBlockCall
from tests.golden import tables
from tests.support.boundaries import Boundary, at_boundaries
from tests.support.sites.class_site import CALLER, END, GROUP, IMAGE, NODE, START, ZONE, a_call, grant_to_group

Visit = Callable[[Boundary], None]


@dataclass(frozen=True)
class Scenario:
    """A call on the class site, with its numbers. Of `machines` wanted it gets all when nothing happens to it.

    `prepare` comes before the call, `meanwhile` right after the first COMMIT, which is that of the
    claim. `repeatable`: the caller may call again, and the block has the same machines then, not more.
    """

    name: str
    call: Callable[[], int]
    machines: int
    site: Mapping[str, int] = field(default_factory=dict)
    prepare: Callable[[], object] = lambda: None
    meanwhile: Callable[[], object] = lambda: None
    repeatable: bool = True

    def run(self, visit: Visit) -> int:
        """Make the call; `visit` sees each of its statements. Returns the machines that it answers."""
        commits = 0

        def step(boundary: Boundary) -> None:
            nonlocal commits
            if boundary.after and boundary.sql == "COMMIT":
                commits += 1
                if commits == 1:
                    self.meanwhile()
            visit(boundary)

        with at_boundaries(step):
            return self.call()


def somebody_reserves() -> None:
    """A reservation of one of the computers that are chosen first, on a connection of its own."""
    other = connection.copy(alias="somebody")
    try:
        with other.cursor() as cursor:
            cursor.execute(
                "INSERT INTO request (stateid, userid, laststateid, start, `end`, daterequested) "
                "VALUES (13, 1, 13, '2026-03-02 14:00:00', '2026-03-02 16:00:00', '2026-03-02 08:00:00')"
            )
            cursor.execute(
                "INSERT INTO reservation (requestid, computerid, imageid, imagerevisionid, managementnodeid) "
                "VALUES (%s, 11, %s, 10, %s)",
                [cursor.lastrowid, IMAGE, NODE],
            )
    finally:
        other.close()


def let_image_be_a_cluster() -> None:
    """Let a machine be a cluster of two: the image and one subimage, which is the same image."""
    tables.insert("imagemeta", [{"id": 10, "subimages": 1}], ZONE)
    tables.insert("subimages", [{"imagemetaid": 10, "imageid": IMAGE}], ZONE)
    tables.change({"update": {"image": [{"id": IMAGE, "imagemetaid": 10}]}}, ZONE)


def _old_form() -> int:
    call = NewBlockCall(IMAGE, str(IMAGE), START, END, 3, GROUP, ignore_privileges=True)
    return service.create_block(call, CALLER).allocated


def _let_caller_use_the_image() -> None:
    tables.change({"update": {"image": [{"id": IMAGE, "ownerid": CALLER.user_id}]}}, ZONE)


SCENARIOS = [
    Scenario("a block time", lambda: service.allocate_block(a_call(4), CALLER), 4),
    Scenario(
        "privileges count",
        lambda: service.allocate_block(a_call(4, ignore=False), CALLER),
        4,
        prepare=grant_to_group,
    ),
    Scenario(
        "a block time is topped up",
        lambda: service.process_block_time(10, True, CALLER).allocated,
        5,
        {"machines": 5},
        prepare=lambda: service.allocate_block(a_call(2), CALLER),
    ),
    Scenario(
        "a computer is lost to somebody and exchanged",
        lambda: service.allocate_block(a_call(4), CALLER),
        4,
        meanwhile=somebody_reserves,
    ),
    Scenario(
        "machines of two computers",
        lambda: service.allocate_block(a_call(3), CALLER),
        3,
        {"machines": 3},
        prepare=let_image_be_a_cluster,
    ),
    Scenario(
        "a new block with an idempotency key",
        lambda: service.allocate_block(a_call(3, block_time=0, key="monday"), CALLER),
        3,
    ),
    Scenario(
        "a new block without one",
        lambda: service.allocate_block(a_call(3, block_time=0), CALLER),
        3,
        repeatable=False,
    ),
    Scenario("a new block in the form of VCL 2.x", _old_form, 3, prepare=_let_caller_use_the_image, repeatable=False),
]
