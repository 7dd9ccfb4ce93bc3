"""The numbers of a class: what counts as allocated, usable, ready, late, and each computer in one state."""

import pytest

from scheduling.class_numbers import ASKED_AHEAD, ClassNumbers, allocated_and_spares, numbers_of
from scheduling.ready_computer import BlockFacts, ComputerFacts, computer_readiness
from scheduling.state_ids import PENDING, RELOAD
from scheduling.windows import HOUR, MINUTE

pytestmark = pytest.mark.no_database

START, LOAD = 1_800_000_000, 8 * MINUTE
IMAGE, OTHER, NEW, FOREIGN = 1, 2, 12, 21
BLOCK = BlockFacts(
    start=START, end=START + 2 * HOUR, processed=True, skip=False, status="accepted", expires=START + 9 * HOUR,
    machines=2, image_ids=(IMAGE,), load_seconds=LOAD,
)  # fmt: skip
LOADED = ComputerFacts(1, "pc", IMAGE, NEW, "available", False, IMAGE, NEW)
WAITING = LOADED._replace(
    current_image_id=OTHER, revision_id=FOREIGN, target_revision_id=NEW,
    reload_state=RELOAD, reload_last_state=RELOAD, reload_start=START - 20 * MINUTE,
)  # fmt: skip
LATE = WAITING._replace(reload_start=START - 5 * MINUTE)
FAILED = LOADED._replace(state="failed")
BOOKED = LOADED._replace(booked_until=START - HOUR)
CLUSTER = BLOCK._replace(image_ids=(IMAGE, OTHER, OTHER))


def counted(
    *computers: ComputerFacts, before: int = 30 * MINUTE, block: BlockFacts = BLOCK, plan_is_known: bool = False
) -> ClassNumbers:
    """The numbers so many seconds before the start."""
    now = START - before
    judged = [
        computer_readiness(each._replace(id=number, hostname=f"pc-{number}"), block, now)
        for number, each in enumerate(computers)
    ]
    return numbers_of(block, judged, now, plan_is_known=plan_is_known)


def node(of: ComputerFacts = LOADED) -> ComputerFacts:
    """A further computer of a machine of CLUSTER."""
    return of._replace(image_id=OTHER, production_id=FOREIGN, current_image_id=OTHER, revision_id=FOREIGN)


@pytest.mark.parametrize(
    ("computers", "expected"),
    [
        ((), ClassNumbers(2)),
        ((LOADED,), ClassNumbers(2, 1, 1, 1, computers={"loaded": 1})),
        ((LOADED, WAITING), ClassNumbers(2, 2, 2, 1, computers={"loaded": 1, "waiting": 1})),
        ((LOADED, FAILED), ClassNumbers(2, 2, 1, 1, computers={"loaded": 1, "failed": 1})),
        ((LOADED, LOADED, FAILED), ClassNumbers(2, 2, 2, 2, spares=1, computers={"loaded": 2, "failed": 1})),
        ((LOADED, LATE), ClassNumbers(2, 2, 2, 1, late=1, computers={"loaded": 1, "waiting": 1})),
        ((LOADED, LOADED, LATE), ClassNumbers(2, 2, 2, 2, spares=1, computers={"loaded": 2, "waiting": 1})),
        ((FAILED, LATE), ClassNumbers(2, 2, 1, 0, late=1, computers={"failed": 1, "waiting": 1})),
        ((LOADED, BOOKED), ClassNumbers(2, 2, 2, 1, computers={"loaded": 1, "booked before": 1})),
    ],
)
def test_machines_of_one_computer(computers: tuple[ComputerFacts, ...], expected: ClassNumbers) -> None:
    found = counted(*computers)
    assert found == expected
    assert sum(found.computers.values()) == len(computers)
    assert (found.missing, found.failed) == (2 - found.usable, found.allocated - found.usable)


def test_a_cluster_counts_once() -> None:
    heads = [LOADED, LOADED]
    nodes = [node(), node(), node()]
    found = counted(*heads, *nodes, block=CLUSTER)
    assert (found.wanted, found.allocated, found.usable, found.ready, found.spares) == (2, 1, 1, 1, 0)
    assert found.count("loaded") == 5
    one_failed = counted(*heads, node(), node(FAILED), node(FAILED), block=CLUSTER)
    assert (one_failed.allocated, one_failed.usable, one_failed.ready) == (1, 0, 0)


def test_no_machine_is_ready_before_the_back_end_asks() -> None:
    near, far = (counted(LOADED, LOADED, before=before) for before in (ASKED_AHEAD, ASKED_AHEAD + 1))
    assert (near.ready, far.ready) == (2, 0)
    assert near.computers == far.computers == {"loaded": 2}
    assert far.usable == 2


def test_what_others_have_before_is_to_be_loaded_again() -> None:
    found = counted(BOOKED, BOOKED, before=3 * HOUR)
    assert (found.ready, found.usable, found.to_load, found.late) == (0, 2, 2, 0)
    assert counted(BOOKED, before=0).ready == 1  # the class has begun: it is its own now
    assert computer_readiness(BOOKED, BLOCK, START - 3 * HOUR).ready_at == START - HOUR + LOAD
    with_reload = BOOKED._replace(reload_state=RELOAD, reload_start=START - 20 * MINUTE)
    assert computer_readiness(with_reload, BLOCK, START - 3 * HOUR).ready_at == START - 20 * MINUTE + LOAD


def test_what_leaves_too_late_is_late() -> None:
    found = counted(LOADED, LOADED._replace(booked_until=START - LOAD + 1))
    assert (found.ready, found.late) == (1, 1)


@pytest.mark.parametrize(
    ("computer", "late"),
    [(LATE, 0), (LATE._replace(reload_state=PENDING, state="reloading", load_begun=START - 6 * MINUTE), 1)],
)
def test_where_the_plan_is_known_loads_that_wait_are_not_late(computer: ComputerFacts, late: int) -> None:
    assert counted(LOADED, computer, before=5 * MINUTE, plan_is_known=True).late == late


@pytest.mark.parametrize(
    ("image_ids", "by_image", "expected"),
    [((IMAGE,), {IMAGE: 5}, (2, 3)), ((IMAGE, OTHER), {IMAGE: 5, OTHER: 1}, (1, 0)), ((IMAGE,), {}, (0, 0))],
)
def test_machines_of_counted_computers(
    image_ids: tuple[int, ...], by_image: dict[int, int], expected: tuple[int, int]
) -> None:
    assert allocated_and_spares(image_ids, by_image, 2) == expected
