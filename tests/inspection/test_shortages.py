"""Classes that have fewer machines than they want (`short_class`), and why."""

import json
from collections.abc import Iterator

import pytest
import time_machine
from django.db import connection

from blockalloc.allocation import service
from blockalloc.allocation.block_time_actions import release_block_time, skip_block_time, unskip_block_time
from blockalloc.contract.messages import Caller, Refusal
from blockalloc.models import Decision
from blockalloc.upkeep.releasing import release_some
from tests.golden import tables
from tests.support.sites.class_site import CALLER, IMAGE, NOW, ZONE, a_call, class_site, computers_of
from tests.support.sites.disorder import FAILED, C, add_block_computer, change, planned, reload, short_classes

pytestmark = pytest.mark.django_db(transaction=True)
STAFF = Caller(3, "vclsystem@Local", "10.0.0.7", "admin", "operator")


@pytest.fixture(autouse=True)
def site() -> Iterator[None]:
    """Block time 10 of two machines, 14:00 to 16:00, and six computers. It is 8:00."""
    with class_site(machines=2):
        yield


def why(at: str = "08:02") -> str:
    """The reason in the text of the only finding."""
    (finding,) = short_classes(at)
    before, reason = finding.text.split(" machines that it wants: ")
    assert before.startswith("block time 10 (block 10, 2026-03-02 14:00:00–16:00:00) has ")
    return reason


def remove_computers(*computers: int, state: int | None = None) -> None:
    """The back end takes computers out of the block; it removes their requests when it has failed."""
    for computer in computers:
        own = next(row["reloadrequestid"] for row in tables.read()["blockComputers"] if row["computerid"] == computer)
        tables.change({"delete": {"blockComputers": [{"computerid": computer}]}}, ZONE)
        tables.change({"delete": {"reservation": [{"requestid": own}], "request": [{"id": own}]}}, ZONE)
        if state is not None:
            change("computer", id=computer, stateid=state)


def test_the_finding() -> None:
    add_block_computer(10, C)
    (finding,) = short_classes()
    assert finding.subject == {"block_time": 10, "machines": 1, "wanted": 2}
    assert not finding.repairable
    assert " has 1 of the 2 machines that it wants: " in finding.text


@pytest.mark.parametrize(("at", "count"), [("08:01:59", 0), ("08:02", 1), ("15:59:59", 1), ("16:00", 0)])
def test_from_two_minutes_after_the_back_end_asks_until_it_is_over(at: str, count: int) -> None:
    change("blockRequest", id=10, expireTime="2026-03-02 23:59:59")
    assert len(short_classes(at)) == count


def test_a_class_that_has_its_machines_is_in_order() -> None:
    assert service.allocate_block(a_call(2), CALLER) == 2
    assert short_classes() == []


@pytest.mark.parametrize(
    ("table", "row"),
    [
        ("blockTimes", {"skip": 1}),
        ("blockRequest", {"status": "requested"}),
        ("blockRequest", {"status": "completed"}),
        ("blockRequest", {"expireTime": "2026-03-02 08:01:59"}),
    ],
)
def test_block_times_that_do_not_take_place_need_none(table: str, row: dict[str, object]) -> None:
    assert len(short_classes()) == 1
    change(table, id=10, **row)
    assert short_classes() == []


def test_of_a_cluster_whole_machines_count() -> None:
    tables.insert("imagemeta", [{"id": 10, "subimages": 1}], ZONE)
    tables.insert("subimages", [{"imagemetaid": 10, "imageid": 1}], ZONE)
    change("image", id=IMAGE, imagemetaid=10)
    for computer, image in ((C, IMAGE), (C + 1, IMAGE), (C + 2, 1)):
        add_block_computer(10, computer, image=image)
    assert short_classes()[0].subject["machines"] == 1
    add_block_computer(10, C + 3, image=1)
    assert short_classes() == []


# --- why ------------------------------------------------------------------------------------------


def test_never_asked() -> None:
    assert why() == "nobody has asked for them (processed = 0)"


def test_asked_and_never_arrived() -> None:
    change("blockTimes", id=10, processed=1)
    assert "no call for it is on record here: the service could not be reached when the back end asked" in why()


def test_asked_and_short() -> None:
    for computer in range(C + 1, C + 6):
        change("computer", id=computer, stateid=FAILED)
    assert service.allocate_block(a_call(2), CALLER) == 1
    assert why().startswith("the last call for it, at 2026-03-02 08:00:00, could allocate 1 of 2 (")
    assert Decision.objects.get().text in why()


def test_asked_for_fewer() -> None:
    assert service.allocate_block(a_call(1), CALLER) == 1
    assert why() == "the last call for it, at 2026-03-02 08:00:00, asked for 1 only"


def test_refused() -> None:
    change("image", id=IMAGE, deleted=1)
    with pytest.raises(Refusal):
        service.allocate_block(a_call(2), CALLER)
    assert why().startswith("the last call for it, at 2026-03-02 08:00:00, was refused: ")


def test_taken_away_by_a_failed_load() -> None:
    service.allocate_block(a_call(2), CALLER)
    first, second = computers_of()
    remove_computers(first, state=FAILED)
    assert why() == f"taken away after failed loads: c{first}"
    remove_computers(second)
    assert f"taken away after failed loads: c{first}; not in it any more: c{second} (" in why()


def test_a_planned_reload_is_evidence_when_the_decision_record_is_gone() -> None:
    change("blockTimes", id=10, processed=1)
    add_block_computer(10, C)
    planned(10, C + 1, reload("13:40", "14:00", C + 1))
    change("computer", id=C + 1, stateid=FAILED)
    assert why() == "taken away after failed loads: c11"


def test_released_by_whom_and_when() -> None:
    service.allocate_block(a_call(2), CALLER)
    with time_machine.travel(NOW.replace(hour=9), tick=False):
        release_block_time(10, STAFF)
    assert why("09:10") == "it was released by operator at 2026-03-02 09:00:00"


def test_some_of_its_computers_were_released() -> None:
    service.allocate_block(a_call(2), CALLER)
    with time_machine.travel(NOW.replace(hour=9), tick=False):
        release_some(10, {computers_of(10)[0]}, (), STAFF, "no teacher")
    assert why("09:10") == "1 computer of it released by operator at 2026-03-02 09:00:00"
    service.allocate_block(a_call(2), CALLER)
    assert short_classes("09:10") == []


def test_skipped_and_then_not() -> None:
    service.allocate_block(a_call(2), CALLER)
    skip_block_time(10, STAFF)
    assert short_classes() == []
    unskip_block_time(10, STAFF)
    assert why() == "it was skipped by operator at 2026-03-02 08:00:00"


def test_calls_before_a_release_do_not_count() -> None:
    """Released, then allocated again for one machine: that is why."""
    service.allocate_block(a_call(2), CALLER)
    release_block_time(10, STAFF)
    service.allocate_block(a_call(1), CALLER)
    assert why() == "the last call for it, at 2026-03-02 08:00:00, asked for 1 only"


def test_a_release_that_was_refused_is_none() -> None:
    change("blockTimes", id=10, skip=1)
    with pytest.raises(Refusal):
        skip_block_time(10, STAFF)
    change("blockTimes", id=10, skip=0)
    assert why() == "nobody has asked for them (processed = 0)"


def test_being_asked_for() -> None:
    change("blockRequest", id=10, processing=1)
    assert why() == "a management node is marked as asking for it at this moment"


def test_a_name_that_moves_the_cursor() -> None:
    release_block_time(10, Caller(3, "vclsystem@Local", "", "admin", "op\x1b[2J"))
    assert "op\\x1b[2J" in why()


def test_a_finding_can_be_written_as_json() -> None:
    assert json.loads(json.dumps(short_classes()[0].subject)) == {"block_time": 10, "machines": 0, "wanted": 2}


class TestWithoutOurTables:
    """The reason then comes from VCL's rows alone."""

    @pytest.fixture(autouse=True)
    def no_tables(self, site: None) -> Iterator[None]:
        names = ("blockalloc_decision", "blockalloc_planned_reload", "blockalloc_load_time")
        with connection.cursor() as cursor:
            for name in names:
                cursor.execute(f"ALTER TABLE {name} RENAME TO kept_{name}")
        yield
        with connection.cursor() as cursor:
            for name in names:
                cursor.execute(f"ALTER TABLE kept_{name} RENAME TO {name}")

    def test_never_asked(self) -> None:
        assert why() == "nobody has asked for them (processed = 0)"

    @pytest.mark.parametrize("hours", [0, 24])
    def test_asked(self, hours: int, settings: object) -> None:
        settings.VCL_LOAD_TIME_HOURS = hours  # type: ignore[attr-defined]
        add_block_computer(10, C, 999)
        change("blockTimes", id=10, processed=1)
        assert why().endswith("why they are missing is not on record: our own tables are not made")
