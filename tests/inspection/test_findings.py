"""What an inspection finds, kind by kind, and what it leaves alone."""

import json
from collections.abc import Iterator
from dataclasses import asdict
from typing import Any

import pytest

from blockalloc.allocation import service
from blockalloc.inspection import inspect
from tests.golden import tables
from tests.support.sites.class_site import CALLER, GROUP, ZONE, a_call, class_site
from tests.support.sites.disorder import (
    ADMIN,
    COMPLETE,
    DELETED,
    FAILED,
    IN_USE,
    MEMBER,
    NEW,
    PENDING,
    RELOAD,
    RELOAD_USER,
    C,
    block_time,
    change,
    found,
    held,
    hold,
    kinds,
    planned,
    reload,
    request,
)

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture(autouse=True)
def site() -> Iterator[None]:
    """Six computers; block times 10, 11 and 12 of one machine from 14:00 to 16:00; nothing allocated. It is 8:00."""
    with class_site(machines=1, blocks=3):
        yield


def test_an_empty_site_is_in_order() -> None:
    assert found() == []


def test_an_allocation_leaves_everything_in_order() -> None:
    assert service.allocate_block(a_call(1), CALLER) == 1
    assert found() == []


def test_nothing_is_written() -> None:
    held(10, C)
    held(11, C)
    reload("13:00", "13:20", C + 1)
    before = tables.read(leave_out=())
    assert found()
    assert tables.read(leave_out=()) == before


def test_findings_can_be_written_as_json() -> None:
    held(10, C)
    held(11, C)
    assert json.loads(json.dumps([asdict(finding) for finding in found()]))


class TestBlockAndBlock:
    """`double_booking` of two block times."""

    def test_the_same_hours(self) -> None:
        held(10, C)
        held(11, C)
        held(12, C + 1)
        (finding,) = found()
        assert finding.kind == "double_booking"
        assert finding.subject == {"computer": C, "block_time": 10, "other_block_time": 11}
        assert not finding.repairable
        assert "c10 is held by block time 10 (block 10, 2026-03-02 14:00:00–16:00:00)" in finding.text

    def test_three_blocks_are_three_pairs(self) -> None:
        for block in (10, 11, 12):
            held(block, C)
        assert kinds() == ["double_booking"] * 3

    @pytest.mark.parametrize(("load", "overlaps"), [("15:59", True), ("16:00", False)])
    def test_a_reload_that_begins_in_the_other_class(self, load: str, overlaps: bool) -> None:
        block_time(11, "16:20", "18:00")
        held(10, C)
        held(11, C, load, "16:20")
        assert kinds() == ["double_booking"] * overlaps

    @pytest.mark.parametrize(("start", "count"), [("16:20", 0), ("16:19", 1)])
    @pytest.mark.parametrize("reload_id", [0, 999])
    def test_without_a_reload_the_load_time_tells_from_when(self, start: str, count: int, reload_id: int) -> None:
        """Ten minutes for the load of the image, ten to spare (SPEC 8.15)."""
        change("computer", id=C, imagerevisionid=10)
        block_time(11, start, "18:00")
        held(10, C)
        hold(11, C, reload_id)
        assert kinds() == ["double_booking"] * count

    @pytest.mark.parametrize(("load", "count"), [("16:00", 0), ("15:59", 1)])
    def test_a_loaded_computer_stays_the_classs_from_when_its_load_was_planned(self, load: str, count: int) -> None:
        change("computer", id=C, imagerevisionid=10)
        block_time(11, "16:10", "18:00")
        held(10, C)
        hold(11, C, 999)
        planned(11, C, 999, load)
        assert kinds() == ["double_booking"] * count

    @pytest.mark.parametrize("other", [(12, C, 999), (11, C + 1, 999), (11, C, 998)])
    def test_a_record_counts_for_its_own_row_only(self, other: tuple[int, int, int]) -> None:
        change("computer", id=C, imagerevisionid=10)
        block_time(11, "16:10", "18:00")
        held(10, C)
        hold(11, C, 999)
        planned(*other, "16:05")
        assert kinds() == ["double_booking"]

    def test_a_time_between_that_is_inside_a_long_one(self) -> None:
        block_time(10, "09:00", "20:00")
        block_time(11, "10:00", "11:00")
        block_time(12, "15:00", "16:00")
        held(10, C, "08:40", "09:00")
        held(11, C, "09:40", "10:00")
        held(12, C, "14:40", "15:00")
        assert [finding.subject["other_block_time"] for finding in found()] == [11, 12]

    def test_a_third_that_meets_the_first_only(self) -> None:
        block_time(10, "09:00", "11:00")
        block_time(11, "15:00", "16:00")
        block_time(12, "10:00", "10:30")
        held(10, C, "08:40", "09:00")
        held(11, C, "14:40", "15:00")
        held(12, C, "09:40", "10:00")
        (finding,) = found()
        assert finding.subject == {"computer": C, "block_time": 10, "other_block_time": 12}

    @pytest.mark.parametrize(("at", "count"), [("15:59", 1), ("16:00", 0)])
    def test_what_is_over_is_no_double_booking(self, at: str, count: int) -> None:
        for block in (10, 11):
            hold(block, C)
        assert kinds(at) == ["double_booking"] * count

    def test_skipped_times_and_other_requests_hold_their_computers_too(self) -> None:
        change("blockTimes", id=11, skip=1)
        change("blockRequest", id=11, status="deleted")
        held(10, C)
        held(11, C)
        assert kinds() == ["double_booking"]

    def test_hours_that_the_clock_shows_twice(self) -> None:
        # 01:30 to 01:50 is the first time; 02:00 an hour and ten minutes later. On the wall they do not overlap,
        # and neither do they in time.
        block_time(10, "2026-11-01 01:30:00", "2026-11-01 01:50:00")
        block_time(11, "2026-11-01 02:00:00", "2026-11-01 03:00:00")
        change("computer", id=C, imagerevisionid=10)
        hold(10, C)
        hold(11, C)
        assert kinds() == []

    def test_an_hour_that_the_clock_skips(self) -> None:
        # 02:30 is the instant of 03:30: a block until then and one from 03:00 on overlap, whatever the wall says.
        block_time(10, "2026-03-08 01:00:00", "2026-03-08 02:30:00")
        block_time(11, "2026-03-08 03:00:00", "2026-03-08 04:00:00")
        change("computer", id=C, imagerevisionid=10)
        hold(10, C)
        hold(11, C)
        assert kinds() == ["double_booking"]


class TestBlockAndReservation:
    """`double_booking` and `reload_overlap` of a block time and a user's reservation."""

    @pytest.mark.parametrize(
        ("start", "end", "kind"),
        [
            ("15:00", "15:30", ["double_booking"]),
            ("13:00", "14:01", ["double_booking"]),
            ("15:59", "18:00", ["double_booking"]),
            ("16:00", "18:00", []),
            ("13:30", "14:00", ["reload_overlap"]),
            ("12:00", "13:41", ["reload_overlap"]),
            ("12:00", "13:40", []),
        ],
    )
    def test_hours(self, start: str, end: str, kind: list[str]) -> None:
        held(10, C)
        id_ = request(start, end, C)
        assert kinds() == kind
        assert [finding.subject for finding in found()] == [{"computer": C, "block_time": 10, "request": id_}] * len(
            kind
        )

    def test_the_text_names_user_and_times(self) -> None:
        held(10, C)
        id_ = request("15:00", "17:00", C)
        (finding,) = found()
        assert f"is reserved by admin, request {id_} (2026-03-02 15:00:00–17:00:00)" in finding.text

    @pytest.mark.parametrize("computer", [C + 1, C + 2])
    def test_another_computer(self, computer: int) -> None:
        held(10, C)
        request("14:00", "16:00", computer)
        assert kinds() == []

    @pytest.mark.parametrize(
        ("state", "count"),
        [
            ((IN_USE, NEW), 1),
            ((NEW, NEW), 1),
            ((PENDING, NEW), 1),
            ((DELETED, IN_USE), 1),
            ((FAILED, NEW), 0),
            ((COMPLETE, IN_USE), 0),
            ((PENDING, RELOAD), 0),
        ],
    )
    def test_states_that_occupy(self, state: tuple[int, int], count: int) -> None:
        held(10, C)
        request("14:00", "16:00", C, state=state)
        assert kinds() == ["double_booking"] * count

    def test_another_reload_does_not_occupy(self) -> None:
        held(10, C)
        reload("07:30", "08:10", C)
        assert kinds() == []

    @pytest.mark.parametrize("hours", [("14:00", "16:00"), ("12:00", "14:30"), ("15:00", "19:00")])
    def test_a_member_uses_the_classs_computer(self, hours: tuple[str, str]) -> None:
        held(10, C)
        request(*hours, C, user=MEMBER)
        assert kinds() == []

    def test_a_member_with_another_image(self) -> None:
        held(10, C)
        request("14:00", "16:00", C, user=MEMBER, image=1)
        assert kinds() == ["double_booking"]

    def test_a_member_of_another_group(self) -> None:
        tables.insert("usergroup", [{"id": 77, "name": "others", "affiliationid": 1, "ownerid": 1}], ZONE)
        tables.insert("usergroupmembers", [{"usergroupid": 77, "userid": MEMBER}], ZONE)
        tables.change({"delete": {"usergroupmembers": [{"usergroupid": GROUP, "userid": MEMBER}]}}, ZONE)
        held(10, C)
        request("14:00", "16:00", C, user=MEMBER)
        assert kinds() == ["double_booking"]

    def test_a_block_without_a_group_is_nobodys(self) -> None:
        change("blockRequest", id=10, groupid=None)
        for other in (11, 12):
            block_time(other, "16:00", "18:00")
        held(10, C)
        request("14:00", "16:00", C, user=MEMBER)
        assert kinds() == ["double_booking"]

    def test_an_image_that_the_block_has_on_another_computer(self) -> None:
        held(10, C)
        hold(10, C + 1, reload("13:40", "14:00", C + 1, image=1), image=1)
        request("14:00", "16:00", C, user=MEMBER, image=1)
        assert kinds() == ["double_booking"]

    def test_its_own_reload_in_whatever_state(self) -> None:
        own = held(10, C, "13:00", "15:00")
        change("request", id=own, stateid=21, laststateid=21)
        assert kinds() == []

    @pytest.mark.parametrize(("at", "count"), [("14:59", 1), ("15:00", 0)])
    def test_a_reservation_that_is_over(self, at: str, count: int) -> None:
        hold(10, C)
        request("13:00", "15:00", C)
        assert kinds(at) == ["double_booking"] * count

    @pytest.mark.parametrize(("at", "count"), [("15:59", 1), ("16:00", 0)])
    def test_a_class_that_is_over(self, at: str, count: int) -> None:
        hold(10, C)
        request("15:00", "19:00", C)
        assert kinds(at) == ["double_booking"] * count

    def test_an_adopted_reservation_is_in_order(self) -> None:
        request("13:30", "15:00", C + 3, user=MEMBER)
        assert service.allocate_block(a_call(1), CALLER) == 1
        assert [row["computerid"] for row in tables.read()["blockComputers"]] == [C + 3]
        assert found() == []

    @pytest.mark.parametrize(("end", "count"), [("13:40", 0), ("13:41", 1)])
    def test_one_in_the_time_in_which_it_is_kept_loaded(self, end: str, count: int) -> None:
        change("computer", id=C, imagerevisionid=10)
        hold(10, C, 999)
        planned(10, C, 999, "13:40")
        request("13:00", end, C)
        assert kinds() == ["reload_overlap"] * count
        assert all("is kept, loaded, for the class" in finding.text for finding in found())


class TestOtherClasses:
    """`taken_by_other_class`."""

    OTHERS, STUDENT = 77, 500

    @pytest.fixture(autouse=True)
    def another_class(self, site: None) -> None:
        """Block time 11 is of a group of its own, with one member."""
        tables.insert("usergroup", [{"id": self.OTHERS, "name": "others", "affiliationid": 1, "ownerid": 1}], ZONE)
        tables.insert("user", [{"id": self.STUDENT, "unityid": "student", "affiliationid": 1, "email": ""}], ZONE)
        tables.insert("usergroupmembers", [{"usergroupid": self.OTHERS, "userid": self.STUDENT}], ZONE)
        change("blockRequest", id=11, groupid=self.OTHERS)

    def test_a_member_of_it_has_the_computer(self) -> None:
        held(10, C)
        id_ = request("14:00", "16:00", C, user=self.STUDENT)
        (finding,) = found()
        assert (finding.kind, finding.repairable) == ("taken_by_other_class", False)
        assert finding.subject == {"computer": C, "block_time": 10, "request": id_, "other_block_time": 11}
        assert "is reserved by student" in finding.text
        assert finding.text.endswith(
            "user is a member of the class of block time 11 (block 11, 2026-03-02 14:00:00–16:00:00)"
        )

    @pytest.mark.parametrize(
        "row",
        [
            {"table": "blockTimes", "skip": 1},
            {"table": "blockRequest", "status": "requested"},
            {"table": "blockTimes", "start": "2026-03-02 16:00:00", "end": "2026-03-02 18:00:00"},
        ],
    )
    def test_a_class_that_is_not_then_is_none(self, row: dict[str, Any]) -> None:
        table = row["table"]
        change(table, id=11, **{name: value for name, value in row.items() if name != "table"})
        held(10, C)
        request("14:00", "16:00", C, user=self.STUDENT)
        assert kinds() == ["double_booking"]

    def test_a_reservation_outside_the_hours_of_his_class(self) -> None:
        block_time(11, "15:00", "16:00")
        held(10, C)
        request("14:00", "15:00", C, user=self.STUDENT)
        assert kinds() == ["double_booking"]

    def test_a_member_of_both_classes(self) -> None:
        tables.insert("usergroupmembers", [{"usergroupid": self.OTHERS, "userid": MEMBER}], ZONE)
        held(10, C)
        request("14:00", "16:00", C, user=MEMBER, image=1)
        assert kinds() == ["double_booking"]

    def test_his_own_class_is_in_order(self) -> None:
        held(11, C)
        request("14:00", "16:00", C, user=self.STUDENT)
        assert kinds() == []

    def test_who_came_in_the_gap_is_told_once(self) -> None:
        held(10, C)
        request("14:00", "16:00", C, user=self.STUDENT, asked="06:30")
        (finding,) = found()
        assert finding.kind == "taken_meanwhile"
        assert "member of the class of block time 11" in finding.text


class TestTakenMeanwhile:
    """`taken_meanwhile`: reserved when the class was given it. Reloads are made at 6:30."""

    @pytest.mark.parametrize(
        ("asked", "kind"),
        [
            ("2026-03-02 06:28:59", "double_booking"),
            ("2026-03-02 06:29:00", "taken_meanwhile"),
            ("06:30", "taken_meanwhile"),
            ("2026-03-02 06:31:00", "taken_meanwhile"),
            ("2026-03-02 06:31:01", "double_booking"),
        ],
    )
    def test_within_a_minute(self, asked: str, kind: str) -> None:
        held(10, C)
        request("14:00", "16:00", C, asked=asked)
        assert kinds() == [kind]

    def test_the_record_of_the_call_tells_when_the_reload_is_gone(self) -> None:
        assert service.allocate_block(a_call(1), CALLER) == 1
        (row,) = tables.read()["blockComputers"]
        change("computer", id=row["computerid"], imagerevisionid=10)
        tables.change({"delete": {"reservation": [{"requestid": row["reloadrequestid"]}]}}, ZONE)
        tables.change({"delete": {"request": [{"id": row["reloadrequestid"]}]}}, ZONE)
        assert kinds("08:10") == []
        request("14:00", "16:00", row["computerid"], asked="2026-03-02 08:00:10")
        assert kinds("08:10") == ["taken_meanwhile"]

    def test_a_member_with_the_image_uses_it(self) -> None:
        held(10, C)
        request("14:00", "16:00", C, user=MEMBER, asked="06:30")
        assert kinds() == []

    def test_the_time_before_the_class_only(self) -> None:
        """VCL's front end does not look at reloads: it reserves a computer then at any time."""
        held(10, C)
        request("13:00", "14:00", C, asked="06:30")
        assert kinds() == ["reload_overlap"]


class TestEarlyReloads:
    """`early_reload`."""

    def test_a_reload_with_preload_0(self) -> None:
        hold(10, C, reload("13:40", "14:00", C, preload=0))
        held(11, C + 1)
        (finding,) = found()
        assert (finding.kind, finding.repairable) == ("early_reload", True)
        assert finding.subject["block_time"] == 10

    @pytest.mark.parametrize(("at", "repairable"), [("13:03:59", [True]), ("13:04", [False]), ("13:40", [])])
    def test_while_it_is_to_come(self, at: str, repairable: list[bool]) -> None:
        hold(10, C, reload("13:40", "14:00", C, preload=0))
        assert [finding.repairable for finding in found(at) if finding.kind == "early_reload"] == repairable

    def test_a_cluster_is_told_once(self) -> None:
        own = reload("13:40", "14:00", C, C + 1, preload=0)
        hold(10, C, own)
        hold(10, C + 1, own)
        assert kinds() == ["early_reload"]

    def test_of_what_does_not_take_place_none(self) -> None:
        hold(10, C, reload("13:40", "14:00", C, preload=0))
        change("blockTimes", id=10, skip=1)
        hold(11, C + 1, reload("13:40", "14:00", C + 1, preload=0))
        change("blockRequest", id=11, status="deleted")
        assert kinds() == []

    def test_one_that_is_under_way_is_none(self) -> None:
        hold(10, C, reload("13:40", "14:00", C, preload=0, state=(PENDING, RELOAD)))
        assert kinds() == []


class TestAbandonedReloads:
    """`abandoned_reload`."""

    def test_one_of_ours_whose_row_is_gone(self) -> None:
        id_ = reload("13:40", "14:00", C)
        planned(10, C, id_)
        (finding,) = found()
        assert (finding.kind, finding.repairable) == ("abandoned_reload", True)
        assert finding.subject == {"request": id_, "computers": [C]}
        assert "of c10 (2026-03-02 13:40:00–14:00:00) was made for block time 10" in finding.text

    def test_whose_block_time_is_gone_too(self) -> None:
        planned(99, C, reload("13:40", "14:00", C))
        (finding,) = found()
        assert "was made for block time 99 (gone)" in finding.text

    def test_one_that_its_class_needs_is_none(self) -> None:
        planned(10, C, held(10, C))
        assert kinds() == []

    def test_one_of_a_computer_that_has_a_newer_reload(self) -> None:
        old = reload("13:40", "14:00", C)
        planned(10, C, old)
        planned(10, C, held(10, C))
        assert [finding.subject["request"] for finding in found()] == [old]

    def test_a_part_of_a_cluster_is_told_once(self) -> None:
        own = reload("13:40", "14:00", C, C + 1)
        hold(10, C, own)
        for computer in (C, C + 1):
            planned(10, computer, own)
        (finding,) = found()
        assert (finding.kind, finding.subject) == ("abandoned_reload", {"request": own, "computers": [C + 1]})

    @pytest.mark.parametrize(
        ("preload", "at", "repairable"),
        [
            (1, "13:38:59", True), (1, "13:39", False), (1, "13:50", False),
            (0, "13:03:59", True), (0, "13:04", False), (0, "13:39", False),
        ],
    )  # fmt: skip
    def test_near_its_start_it_may_have_begun(self, preload: int, at: str, repairable: bool) -> None:
        planned(10, C, reload("13:40", "14:00", C, preload=preload))
        assert [(each.kind, each.repairable) for each in found(at)] == [("abandoned_reload", repairable)]

    def test_one_that_was_not_taken_in_time(self) -> None:
        planned(10, C, reload("13:40", "14:00", C))
        assert kinds("14:00") == ["orphaned_reload"]

    @pytest.mark.parametrize("state", [(PENDING, RELOAD), (FAILED, RELOAD), (COMPLETE, RELOAD)])
    def test_one_under_way_or_done_is_none(self, state: tuple[int, int]) -> None:
        planned(10, C, reload("13:40", "14:00", C, state=state))
        assert kinds() == []


class TestOrphanedReloads:
    """`orphaned_reload`."""

    def test_a_reload_that_no_block_names(self) -> None:
        held(10, C)
        id_ = reload("13:00", "13:20", C + 1)
        (finding,) = found()
        assert (finding.kind, finding.subject, finding.repairable) == ("orphaned_reload", {"request": id_}, True)
        assert f"reload request {id_} of c11 (2026-03-02 13:00:00–13:20:00)" in finding.text

    def test_one_without_computers(self) -> None:
        reload("07:00", "09:00")
        assert [(finding.kind, finding.repairable) for finding in found()] == [("orphaned_reload", True)]

    def test_one_that_was_not_taken_in_time(self) -> None:
        reload("07:00", "08:00", C)
        (finding,) = found()
        assert (finding.kind, finding.repairable) == ("orphaned_reload", False)
        assert "no management node has taken it" in finding.text

    def test_one_of_a_class_that_was_not_taken_in_time(self) -> None:
        held(10, C)
        assert [(finding.kind, finding.repairable) for finding in found("14:00")] == [("orphaned_reload", False)]

    @pytest.mark.parametrize("start", ["08:00", "07:45"])
    def test_a_reload_asked_for_by_hand_begins_at_once(self, start: str) -> None:
        reload(start, "08:05", C)
        assert kinds() == []

    def test_one_about_to_begin_is_left_to_the_back_end(self) -> None:
        reload("08:01", "08:30", C)
        assert [finding.repairable for finding in found()] == [False]
        assert [finding.repairable for finding in found("07:59")] == [True]

    def test_one_that_begins_early_is_left_to_it_for_longer(self) -> None:
        reload("08:36", "08:50", C, preload=0)
        assert [finding.repairable for finding in found()] == [False]
        assert [finding.repairable for finding in found("07:59")] == [True]

    @pytest.mark.parametrize("computers", [[C], []])
    def test_one_of_a_call_that_may_be_at_work_is_told_and_left_alone(self, computers: list[int]) -> None:
        reload("13:00", "13:20", *computers, asked="08:00")
        assert [finding.repairable for finding in found()] == [False]
        assert [finding.repairable for finding in found("08:09")] == [False]
        assert [finding.repairable for finding in found("08:10")] == [True]

    @pytest.mark.parametrize(
        "state", [(PENDING, RELOAD), (RELOAD, NEW), (FAILED, RELOAD), (COMPLETE, RELOAD), (21, 21)]
    )
    def test_one_that_is_under_way_or_done_is_none(self, state: tuple[int, int]) -> None:
        request("13:00", "13:20", C, state=state, user=RELOAD_USER)
        assert kinds() == []

    def test_a_reload_of_somebody_else_is_none(self) -> None:
        request("13:00", "13:20", C, state=(RELOAD, RELOAD), user=ADMIN)
        assert kinds() == []

    def test_a_user_of_that_name_elsewhere_is_somebody_else(self) -> None:
        tables.insert("user", [{"id": 500, "unityid": "vclreload", "affiliationid": 2, "email": ""}], ZONE)
        request("13:00", "13:20", C, state=(RELOAD, RELOAD), user=500)
        assert kinds() == []


class TestComputersWithoutReload:
    """`no_reload`."""

    @pytest.mark.parametrize("reload_id", [0, 999])
    def test_none_or_gone(self, reload_id: int) -> None:
        hold(10, C, reload_id)
        (finding,) = found()
        assert (finding.kind, finding.repairable) == ("no_reload", False)
        assert finding.subject == {"computer": C, "block_time": 10, "request": reload_id}
        assert "does not hold Image 10" in finding.text

    @pytest.mark.parametrize("state", [(FAILED, RELOAD), (COMPLETE, RELOAD), (DELETED, RELOAD)])
    def test_failed_or_done_with(self, state: tuple[int, int]) -> None:
        own = held(10, C)
        change("request", id=own, stateid=state[0], laststateid=state[1])
        assert "no_reload" in kinds()

    def test_under_way(self) -> None:
        own = held(10, C)
        change("request", id=own, stateid=PENDING)
        assert kinds() == []

    def test_it_holds_the_image(self) -> None:
        change("computer", id=C, imagerevisionid=10)
        hold(10, C)
        assert kinds() == []

    def test_it_holds_an_old_revision(self) -> None:
        revision = next(row for row in tables.read()["imagerevision"] if row["id"] == 10)
        tables.insert("imagerevision", [{**revision, "id": 11, "revision": 1, "production": 0}], ZONE)
        change("computer", id=C, imagerevisionid=11)
        hold(10, C)
        assert kinds() == ["no_reload"]

    @pytest.mark.parametrize(("at", "count"), [("13:59", 1), ("14:00", 0)])
    def test_of_classes_to_come_only(self, at: str, count: int) -> None:
        hold(10, C)
        assert kinds(at) == ["no_reload"] * count

    def test_of_skipped_times_none(self) -> None:
        change("blockTimes", id=10, skip=1)
        hold(10, C)
        assert kinds() == []

    @pytest.mark.parametrize("status", ["requested", "completed", "rejected", "deleted"])
    def test_of_other_requests_none(self, status: str) -> None:
        change("blockRequest", id=10, status=status)
        hold(10, C)
        assert kinds() == []


class TestPartialCalls:
    """`partial_call`."""

    def test_a_reload_of_another_computer(self) -> None:
        own = reload("13:40", "14:00", C + 1)
        hold(10, C, own)
        texts = [finding.text for finding in found()]
        assert kinds() == ["partial_call"] * 2
        assert "does not load Image 10" in texts[0]
        assert "loads c11 for image 10, and no block time holds it so" in texts[1]

    def test_a_reload_of_another_image(self) -> None:
        hold(10, C, reload("13:40", "14:00", C, image=1))
        assert set(kinds()) == {"partial_call"}

    def test_half_a_cluster(self) -> None:
        own = reload("13:40", "14:00", C, C + 1)
        hold(10, C, own)
        (finding,) = found()
        assert (finding.kind, finding.subject) == ("partial_call", {"request": own, "computer": C + 1})

    def test_a_reload_without_computers(self) -> None:
        hold(10, C, reload("13:40", "14:00"))
        assert kinds() == ["partial_call", "orphaned_reload"]

    def test_a_class_that_is_over(self) -> None:
        hold(10, C, reload("13:40", "18:00", C + 1))
        assert "partial_call" in kinds("15:59")
        assert [finding.subject for finding in found("16:00") if "computer" in finding.subject] != []

    def api_request(self) -> int:
        call = a_call(1, block_time=0)
        assert service.allocate_block(call, CALLER) == 1
        assert found() == []
        return max(int(row["id"]) for row in tables.read()["blockRequest"])

    def test_a_new_block_without_its_time(self) -> None:
        id_ = self.api_request()
        tables.change({"delete": {"blockComputers": [{"blockTimeid": id_}], "blockTimes": [{"id": id_}]}}, ZONE)
        assert found()[0].subject == {"block_request": id_}
        assert kinds() == ["partial_call", "abandoned_reload"]

    @pytest.mark.parametrize("table", ["blockWebDate", "blockWebTime"])
    def test_a_new_block_without_the_rows_of_the_form(self, table: str) -> None:
        id_ = self.api_request()
        tables.change({"delete": {table: [{"blockRequestid": id_}]}}, ZONE)
        (finding,) = found()
        assert finding.text.endswith(f"has no row in {table}")

    def test_a_block_whose_time_the_back_end_removed(self) -> None:
        id_ = self.api_request()
        tables.change({"delete": {"blockComputers": [{"blockTimeid": id_}], "blockTimes": [{"id": id_}]}}, ZONE)
        assert "partial_call" in kinds("15:59")
        assert "partial_call" not in kinds("16:00")

    def test_a_block_that_is_over_and_not_yet_expired(self) -> None:
        """It expires at the end of the day; hours before that the back end has removed its time."""
        id_ = self.api_request()
        tables.change({"delete": {"blockComputers": [{"blockTimeid": id_}], "blockTimes": [{"id": id_}]}}, ZONE)
        change("blockRequest", id=id_, expireTime="2026-03-02 23:59:58")
        assert "partial_call" in kinds("15:59")
        assert "partial_call" not in kinds("16:00")
        tables.change({"delete": {"blockWebTime": [{"blockRequestid": id_}]}}, ZONE)
        assert "partial_call" in kinds("16:00")
        assert "partial_call" in kinds("23:59:58")
        assert "partial_call" not in kinds("23:59:59")

    @pytest.mark.parametrize("row", [{"status": "deleted"}, {"ownerid": ADMIN}, {"name": "APIs of CS101"}])
    def test_other_requests_without_times(self, row: dict[str, object]) -> None:
        change("blockRequest", id=10, name="API:2026-03-02 14:00:00", ownerid=RELOAD_USER)
        tables.change({"delete": {"blockTimes": [{"id": 10}]}}, ZONE)
        assert kinds() == ["partial_call"]
        change("blockRequest", id=10, **row)
        assert kinds() == []


def _kinds_at(now: int) -> list[str]:
    return [finding.kind for finding in inspect(now)]


class TestEndedBlockTimes:
    """`ended_block_time`."""

    @pytest.fixture(autouse=True)
    def one_class(self, site: None) -> None:
        """Only block time 10 is over in the afternoon."""
        for other in (11, 12):
            block_time(other, "20:00", "22:00")

    @pytest.mark.parametrize(("at", "count"), [("16:15", 0), ("16:15:01", 1)])
    @pytest.mark.parametrize("computers", [0, 2])
    def test_a_quarter_of_an_hour_after_the_end(self, at: str, count: int, computers: int) -> None:
        for number in range(computers):
            hold(10, C + number)
        assert kinds(at) == ["ended_block_time"] * count

    @pytest.mark.parametrize(
        ("table", "row"),
        [
            ("blockTimes", {"skip": 1}),
            ("blockRequest", {"status": "deleted"}),
            ("blockRequest", {"status": "requested"}),
        ],
    )
    def test_whatever_became_of_it(self, table: str, row: dict[str, Any]) -> None:
        """The back end looks at it on every node, skipped and unaccepted ones too."""
        change(table, id=10, **row)
        assert kinds("16:16") == ["ended_block_time"]

    def test_the_text_names_its_computers(self) -> None:
        for computer in range(C, C + 6):
            hold(10, computer)
        (finding,) = found("18:00")
        assert (finding.repairable, finding.subject) == (True, {"block_time": 10, "computers": [*range(C, C + 6)]})
        assert "and still holds c10, c11, c12, c13, c14 and 1 more" in finding.text

    def test_an_hour_that_comes_twice_makes_it_no_older(self) -> None:
        """Until 01:30 of a night in which that comes twice: it is over for certain after the second."""
        block_time(10, "2025-11-02 00:30:00", "2025-11-02 01:30:00")
        second = 1762065000  # 06:30 UTC
        over = [time for time in (second + 900, second + 901) if "ended_block_time" in _kinds_at(time)]
        assert over == [second + 901]


class TestStuckProcessing:
    """`stuck_processing`."""

    @pytest.mark.parametrize(
        ("at", "count"),
        [
            ("07:59:59", 1),
            ("08:00", 0),
            ("08:30", 0),
            ("08:30:01", 1),
            ("15:59:59", 1),
            ("16:00", 0),
            ("16:30", 0),
            ("16:30:01", 1),
            ("19:00", 0),
            ("19:31", 1),
        ],
    )
    def test_when_nothing_is_due(self, at: str, count: int) -> None:
        change("blockRequest", id=10, processing=1, expireTime="2026-03-02 19:00:00")
        assert kinds(at).count("stuck_processing") == count

    @pytest.mark.parametrize(("at", "count"), [("15:59:59", 1), ("16:00", 0), ("16:30", 0), ("16:30:01", 1)])
    def test_at_its_end_when_its_time_is_gone(self, at: str, count: int) -> None:
        """The back end removes the block time first, and takes the mark away after that."""
        change("blockRequest", id=10, processing=1, expireTime="2026-03-02 23:59:59")
        tables.change({"delete": {"blockTimes": [{"id": 10}]}}, ZONE)
        dates = {"blockRequestid": 10, "start": "2026-03-02", "end": "2026-03-02", "days": 0}
        tables.insert("blockWebDate", [dates], ZONE)
        clock = {"starthour": 2, "startminute": 0, "startmeridian": "pm", "endhour": 4, "endminute": 0}
        tables.insert("blockWebTime", [{"blockRequestid": 10, **clock, "endmeridian": "pm", "order": 0}], ZONE)
        assert kinds(at).count("stuck_processing") == count

    def test_a_request_without_times(self) -> None:
        change("blockRequest", id=10, processing=1)
        tables.change({"delete": {"blockTimes": [{"id": 10}]}}, ZONE)
        (finding,) = found("08:10")
        assert finding.subject == {"block_request": 10}
        assert finding.repairable

    @pytest.mark.parametrize("row", [{"processing": 0}, {"processing": 1, "status": "completed"}])
    def test_others(self, row: dict[str, object]) -> None:
        change("blockRequest", id=10, **row)
        assert kinds("10:00") == []
