"""The findings of an inspection, kind by kind, and what is no finding."""

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
    add_block_computer,
    add_with_reload,
    block_time,
    change,
    findings_at,
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
    assert findings_at() == []


def test_an_allocation_leaves_everything_in_order() -> None:
    assert service.allocate_block(a_call(1), CALLER) == 1
    assert findings_at() == []


def test_nothing_is_written() -> None:
    add_with_reload(10, C)
    add_with_reload(11, C)
    reload("13:00", "13:20", C + 1)
    before = tables.read(leave_out=())
    assert findings_at()
    assert tables.read(leave_out=()) == before


def test_findings_can_be_written_as_json() -> None:
    add_with_reload(10, C)
    add_with_reload(11, C)
    assert json.loads(json.dumps([asdict(finding) for finding in findings_at()]))


class TestBlockAndBlock:
    """`double_booking` of two block times."""

    def test_the_same_hours(self) -> None:
        add_with_reload(10, C)
        add_with_reload(11, C)
        add_with_reload(12, C + 1)
        (finding,) = findings_at()
        assert finding.kind == "double_booking"
        assert finding.subject == {"computer": C, "block_time": 10, "other_block_time": 11}
        assert not finding.repairable
        assert "c10 belongs to block time 10 (block 10, 2026-03-02 14:00:00–16:00:00)" in finding.text

    def test_three_blocks_are_three_pairs(self) -> None:
        for block in (10, 11, 12):
            add_with_reload(block, C)
        assert kinds() == ["double_booking"] * 3

    @pytest.mark.parametrize(("load", "overlaps"), [("15:59", True), ("16:00", False)])
    def test_a_reload_that_begins_in_the_other_class(self, load: str, overlaps: bool) -> None:
        block_time(11, "16:20", "18:00")
        add_with_reload(10, C)
        add_with_reload(11, C, load, "16:20")
        assert kinds() == ["double_booking"] * overlaps

    @pytest.mark.parametrize(("start", "count"), [("16:20", 0), ("16:19", 1)])
    @pytest.mark.parametrize("reload_id", [0, 999])
    def test_without_a_reload_the_load_time_gives_the_beginning(self, start: str, count: int, reload_id: int) -> None:
        """Ten minutes for the load of the image, and a margin of ten (SPEC 8.15)."""
        change("computer", id=C, imagerevisionid=10)
        block_time(11, start, "18:00")
        add_with_reload(10, C)
        add_block_computer(11, C, reload_id)
        assert kinds() == ["double_booking"] * count

    @pytest.mark.parametrize(("load", "count"), [("16:00", 0), ("15:59", 1)])
    def test_a_loaded_computer_belongs_to_the_class_from_its_planned_load_on(self, load: str, count: int) -> None:
        change("computer", id=C, imagerevisionid=10)
        block_time(11, "16:10", "18:00")
        add_with_reload(10, C)
        add_block_computer(11, C, 999)
        planned(11, C, 999, load)
        assert kinds() == ["double_booking"] * count

    @pytest.mark.parametrize("other", [(12, C, 999), (11, C + 1, 999), (11, C, 998)])
    def test_a_record_counts_for_its_own_row_only(self, other: tuple[int, int, int]) -> None:
        change("computer", id=C, imagerevisionid=10)
        block_time(11, "16:10", "18:00")
        add_with_reload(10, C)
        add_block_computer(11, C, 999)
        planned(*other, "16:05")
        assert kinds() == ["double_booking"]

    def test_block_times_within_a_long_one(self) -> None:
        block_time(10, "09:00", "20:00")
        block_time(11, "10:00", "11:00")
        block_time(12, "15:00", "16:00")
        add_with_reload(10, C, "08:40", "09:00")
        add_with_reload(11, C, "09:40", "10:00")
        add_with_reload(12, C, "14:40", "15:00")
        assert [finding.subject["other_block_time"] for finding in findings_at()] == [11, 12]

    def test_a_third_block_time_that_overlaps_the_first_only(self) -> None:
        block_time(10, "09:00", "11:00")
        block_time(11, "15:00", "16:00")
        block_time(12, "10:00", "10:30")
        add_with_reload(10, C, "08:40", "09:00")
        add_with_reload(11, C, "14:40", "15:00")
        add_with_reload(12, C, "09:40", "10:00")
        (finding,) = findings_at()
        assert finding.subject == {"computer": C, "block_time": 10, "other_block_time": 12}

    @pytest.mark.parametrize(("at", "count"), [("15:59", 1), ("16:00", 0)])
    def test_block_times_that_are_over(self, at: str, count: int) -> None:
        for block in (10, 11):
            add_block_computer(block, C)
        assert kinds(at) == ["double_booking"] * count

    def test_skipped_times_and_other_requests_have_their_computers_too(self) -> None:
        change("blockTimes", id=11, skip=1)
        change("blockRequest", id=11, status="deleted")
        add_with_reload(10, C)
        add_with_reload(11, C)
        assert kinds() == ["double_booking"]

    def test_hours_that_the_clock_shows_twice(self) -> None:
        # 01:30 to 01:50 is in the first of the two hours; 02:00 is an hour and ten minutes later. They overlap neither
        # in local time nor in fact.
        block_time(10, "2026-11-01 01:30:00", "2026-11-01 01:50:00")
        block_time(11, "2026-11-01 02:00:00", "2026-11-01 03:00:00")
        change("computer", id=C, imagerevisionid=10)
        add_block_computer(10, C)
        add_block_computer(11, C)
        assert kinds() == []

    def test_an_hour_that_the_clock_skips(self) -> None:
        # 02:30 is the instant of 03:30: a block until then and one from 03:00 on overlap in fact, not in local time.
        block_time(10, "2026-03-08 01:00:00", "2026-03-08 02:30:00")
        block_time(11, "2026-03-08 03:00:00", "2026-03-08 04:00:00")
        change("computer", id=C, imagerevisionid=10)
        add_block_computer(10, C)
        add_block_computer(11, C)
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
        add_with_reload(10, C)
        id_ = request(start, end, C)
        assert kinds() == kind
        assert [finding.subject for finding in findings_at()] == [
            {"computer": C, "block_time": 10, "request": id_}
        ] * len(kind)

    def test_the_text_names_user_and_times(self) -> None:
        add_with_reload(10, C)
        id_ = request("15:00", "17:00", C)
        (finding,) = findings_at()
        assert f"is reserved by admin, request {id_} (2026-03-02 15:00:00–17:00:00)" in finding.text

    @pytest.mark.parametrize("computer", [C + 1, C + 2])
    def test_another_computer(self, computer: int) -> None:
        add_with_reload(10, C)
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
        add_with_reload(10, C)
        request("14:00", "16:00", C, state=state)
        assert kinds() == ["double_booking"] * count

    def test_another_reload_does_not_occupy(self) -> None:
        add_with_reload(10, C)
        reload("07:30", "08:10", C)
        assert kinds() == []

    @pytest.mark.parametrize("hours", [("14:00", "16:00"), ("12:00", "14:30"), ("15:00", "19:00")])
    def test_a_member_uses_the_classs_computer(self, hours: tuple[str, str]) -> None:
        add_with_reload(10, C)
        request(*hours, C, user=MEMBER)
        assert kinds() == []

    def test_a_member_with_another_image(self) -> None:
        add_with_reload(10, C)
        request("14:00", "16:00", C, user=MEMBER, image=1)
        assert kinds() == ["double_booking"]

    def test_a_member_of_another_group(self) -> None:
        tables.insert("usergroup", [{"id": 77, "name": "others", "affiliationid": 1, "ownerid": 1}], ZONE)
        tables.insert("usergroupmembers", [{"usergroupid": 77, "userid": MEMBER}], ZONE)
        tables.change({"delete": {"usergroupmembers": [{"usergroupid": GROUP, "userid": MEMBER}]}}, ZONE)
        add_with_reload(10, C)
        request("14:00", "16:00", C, user=MEMBER)
        assert kinds() == ["double_booking"]

    def test_a_block_without_a_group_has_no_members(self) -> None:
        change("blockRequest", id=10, groupid=None)
        for other in (11, 12):
            block_time(other, "16:00", "18:00")
        add_with_reload(10, C)
        request("14:00", "16:00", C, user=MEMBER)
        assert kinds() == ["double_booking"]

    def test_an_image_that_the_block_has_on_another_computer(self) -> None:
        add_with_reload(10, C)
        add_block_computer(10, C + 1, reload("13:40", "14:00", C + 1, image=1), image=1)
        request("14:00", "16:00", C, user=MEMBER, image=1)
        assert kinds() == ["double_booking"]

    def test_its_own_reload_in_whatever_state(self) -> None:
        own = add_with_reload(10, C, "13:00", "15:00")
        change("request", id=own, stateid=21, laststateid=21)
        assert kinds() == []

    @pytest.mark.parametrize(("at", "count"), [("14:59", 1), ("15:00", 0)])
    def test_a_reservation_that_is_over(self, at: str, count: int) -> None:
        add_block_computer(10, C)
        request("13:00", "15:00", C)
        assert kinds(at) == ["double_booking"] * count

    @pytest.mark.parametrize(("at", "count"), [("15:59", 1), ("16:00", 0)])
    def test_a_class_that_is_over(self, at: str, count: int) -> None:
        add_block_computer(10, C)
        request("15:00", "19:00", C)
        assert kinds(at) == ["double_booking"] * count

    def test_an_adopted_reservation_is_in_order(self) -> None:
        request("13:30", "15:00", C + 3, user=MEMBER)
        assert service.allocate_block(a_call(1), CALLER) == 1
        assert [row["computerid"] for row in tables.read()["blockComputers"]] == [C + 3]
        assert findings_at() == []

    @pytest.mark.parametrize(("end", "count"), [("13:40", 0), ("13:41", 1)])
    def test_a_reservation_while_the_computer_is_kept_loaded(self, end: str, count: int) -> None:
        change("computer", id=C, imagerevisionid=10)
        add_block_computer(10, C, 999)
        planned(10, C, 999, "13:40")
        request("13:00", end, C)
        assert kinds() == ["reload_overlap"] * count
        assert all("is kept, loaded, for the class" in finding.text for finding in findings_at())


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
        add_with_reload(10, C)
        id_ = request("14:00", "16:00", C, user=self.STUDENT)
        (finding,) = findings_at()
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
    def test_a_class_that_does_not_take_place_then(self, row: dict[str, Any]) -> None:
        table = row["table"]
        change(table, id=11, **{name: value for name, value in row.items() if name != "table"})
        add_with_reload(10, C)
        request("14:00", "16:00", C, user=self.STUDENT)
        assert kinds() == ["double_booking"]

    def test_a_reservation_outside_the_hours_of_the_users_class(self) -> None:
        block_time(11, "15:00", "16:00")
        add_with_reload(10, C)
        request("14:00", "15:00", C, user=self.STUDENT)
        assert kinds() == ["double_booking"]

    def test_a_member_of_both_classes(self) -> None:
        tables.insert("usergroupmembers", [{"usergroupid": self.OTHERS, "userid": MEMBER}], ZONE)
        add_with_reload(10, C)
        request("14:00", "16:00", C, user=MEMBER, image=1)
        assert kinds() == ["double_booking"]

    def test_the_users_own_class_is_in_order(self) -> None:
        add_with_reload(11, C)
        request("14:00", "16:00", C, user=self.STUDENT)
        assert kinds() == []

    def test_a_reservation_made_in_the_gap_is_one_finding(self) -> None:
        add_with_reload(10, C)
        request("14:00", "16:00", C, user=self.STUDENT, asked="06:30")
        (finding,) = findings_at()
        assert finding.kind == "taken_meanwhile"
        assert "member of the class of block time 11" in finding.text


class TestTakenMeanwhile:
    """`taken_meanwhile`: reserved at the time of the allocation. Reloads are made at 6:30."""

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
        add_with_reload(10, C)
        request("14:00", "16:00", C, asked=asked)
        assert kinds() == [kind]

    def test_the_decision_record_has_the_time_when_the_reload_is_gone(self) -> None:
        assert service.allocate_block(a_call(1), CALLER) == 1
        (row,) = tables.read()["blockComputers"]
        change("computer", id=row["computerid"], imagerevisionid=10)
        tables.change({"delete": {"reservation": [{"requestid": row["reloadrequestid"]}]}}, ZONE)
        tables.change({"delete": {"request": [{"id": row["reloadrequestid"]}]}}, ZONE)
        assert kinds("08:10") == []
        request("14:00", "16:00", row["computerid"], asked="2026-03-02 08:00:10")
        assert kinds("08:10") == ["taken_meanwhile"]

    def test_a_member_with_the_image_uses_it(self) -> None:
        add_with_reload(10, C)
        request("14:00", "16:00", C, user=MEMBER, asked="06:30")
        assert kinds() == []

    def test_the_time_before_the_class_only(self) -> None:
        """VCL's front end does not look at reloads: it reserves a computer then at any time."""
        add_with_reload(10, C)
        request("13:00", "14:00", C, asked="06:30")
        assert kinds() == ["reload_overlap"]


class TestEarlyReloads:
    """`early_reload`."""

    def test_a_reload_with_preload_0(self) -> None:
        add_block_computer(10, C, reload("13:40", "14:00", C, preload=0))
        add_with_reload(11, C + 1)
        (finding,) = findings_at()
        assert (finding.kind, finding.repairable) == ("early_reload", True)
        assert finding.subject["block_time"] == 10

    @pytest.mark.parametrize(("at", "repairable"), [("13:03:59", [True]), ("13:04", [False]), ("13:40", [])])
    def test_while_it_is_to_come(self, at: str, repairable: list[bool]) -> None:
        add_block_computer(10, C, reload("13:40", "14:00", C, preload=0))
        assert [finding.repairable for finding in findings_at(at) if finding.kind == "early_reload"] == repairable

    def test_a_cluster_is_one_finding(self) -> None:
        own = reload("13:40", "14:00", C, C + 1, preload=0)
        add_block_computer(10, C, own)
        add_block_computer(10, C + 1, own)
        assert kinds() == ["early_reload"]

    def test_none_for_block_times_that_do_not_take_place(self) -> None:
        add_block_computer(10, C, reload("13:40", "14:00", C, preload=0))
        change("blockTimes", id=10, skip=1)
        add_block_computer(11, C + 1, reload("13:40", "14:00", C + 1, preload=0))
        change("blockRequest", id=11, status="deleted")
        assert kinds() == []

    def test_none_for_a_reload_under_way(self) -> None:
        add_block_computer(10, C, reload("13:40", "14:00", C, preload=0, state=(PENDING, RELOAD)))
        assert kinds() == []


class TestAbandonedReloads:
    """`abandoned_reload`."""

    def test_one_of_ours_whose_row_is_gone(self) -> None:
        id_ = reload("13:40", "14:00", C)
        planned(10, C, id_)
        (finding,) = findings_at()
        assert (finding.kind, finding.repairable) == ("abandoned_reload", True)
        assert finding.subject == {"request": id_, "computers": [C]}
        assert "of c10 (2026-03-02 13:40:00–14:00:00) was made for block time 10" in finding.text

    def test_one_whose_block_time_is_gone_too(self) -> None:
        planned(99, C, reload("13:40", "14:00", C))
        (finding,) = findings_at()
        assert "was made for block time 99 (gone)" in finding.text

    def test_none_for_a_reload_that_its_class_needs(self) -> None:
        planned(10, C, add_with_reload(10, C))
        assert kinds() == []

    def test_one_of_a_computer_that_has_a_newer_reload(self) -> None:
        old = reload("13:40", "14:00", C)
        planned(10, C, old)
        planned(10, C, add_with_reload(10, C))
        assert [finding.subject["request"] for finding in findings_at()] == [old]

    def test_a_part_of_a_cluster_is_one_finding(self) -> None:
        own = reload("13:40", "14:00", C, C + 1)
        add_block_computer(10, C, own)
        for computer in (C, C + 1):
            planned(10, computer, own)
        (finding,) = findings_at()
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
        assert [(each.kind, each.repairable) for each in findings_at(at)] == [("abandoned_reload", repairable)]

    def test_one_that_was_not_taken_in_time(self) -> None:
        planned(10, C, reload("13:40", "14:00", C))
        assert kinds("14:00") == ["orphaned_reload"]

    @pytest.mark.parametrize("state", [(PENDING, RELOAD), (FAILED, RELOAD), (COMPLETE, RELOAD)])
    def test_none_for_a_reload_under_way_or_done(self, state: tuple[int, int]) -> None:
        planned(10, C, reload("13:40", "14:00", C, state=state))
        assert kinds() == []


class TestOrphanedReloads:
    """`orphaned_reload`."""

    def test_a_reload_that_no_block_names(self) -> None:
        add_with_reload(10, C)
        id_ = reload("13:00", "13:20", C + 1)
        (finding,) = findings_at()
        assert (finding.kind, finding.subject, finding.repairable) == ("orphaned_reload", {"request": id_}, True)
        assert f"reload request {id_} of c11 (2026-03-02 13:00:00–13:20:00)" in finding.text

    def test_one_without_computers(self) -> None:
        reload("07:00", "09:00")
        assert [(finding.kind, finding.repairable) for finding in findings_at()] == [("orphaned_reload", True)]

    def test_one_that_was_not_taken_in_time(self) -> None:
        reload("07:00", "08:00", C)
        (finding,) = findings_at()
        assert (finding.kind, finding.repairable) == ("orphaned_reload", False)
        assert "no management node has taken it" in finding.text

    def test_one_of_a_class_that_was_not_taken_in_time(self) -> None:
        add_with_reload(10, C)
        assert [(finding.kind, finding.repairable) for finding in findings_at("14:00")] == [("orphaned_reload", False)]

    @pytest.mark.parametrize("start", ["08:00", "07:45"])
    def test_a_reload_asked_for_by_hand_begins_at_once(self, start: str) -> None:
        reload(start, "08:05", C)
        assert kinds() == []

    def test_one_about_to_begin_is_left_to_the_back_end(self) -> None:
        reload("08:01", "08:30", C)
        assert [finding.repairable for finding in findings_at()] == [False]
        assert [finding.repairable for finding in findings_at("07:59")] == [True]

    def test_one_that_begins_early_is_left_to_it_for_longer(self) -> None:
        reload("08:36", "08:50", C, preload=0)
        assert [finding.repairable for finding in findings_at()] == [False]
        assert [finding.repairable for finding in findings_at("07:59")] == [True]

    @pytest.mark.parametrize("computers", [[C], []])
    def test_one_of_a_call_that_may_still_be_running_is_not_repairable(self, computers: list[int]) -> None:
        reload("13:00", "13:20", *computers, asked="08:00")
        assert [finding.repairable for finding in findings_at()] == [False]
        assert [finding.repairable for finding in findings_at("08:09")] == [False]
        assert [finding.repairable for finding in findings_at("08:10")] == [True]

    @pytest.mark.parametrize(
        "state", [(PENDING, RELOAD), (RELOAD, NEW), (FAILED, RELOAD), (COMPLETE, RELOAD), (21, 21)]
    )
    def test_none_for_a_reload_under_way_or_done(self, state: tuple[int, int]) -> None:
        request("13:00", "13:20", C, state=state, user=RELOAD_USER)
        assert kinds() == []

    def test_none_for_a_reload_of_somebody_else(self) -> None:
        request("13:00", "13:20", C, state=(RELOAD, RELOAD), user=ADMIN)
        assert kinds() == []

    def test_a_user_of_that_name_elsewhere_is_somebody_else(self) -> None:
        tables.insert("user", [{"id": 500, "unityid": "vclreload", "affiliationid": 2, "email": ""}], ZONE)
        request("13:00", "13:20", C, state=(RELOAD, RELOAD), user=500)
        assert kinds() == []


class TestComputersWithoutReload:
    """`no_reload`."""

    @pytest.mark.parametrize("reload_id", [0, 999])
    def test_there_is_none_or_it_is_gone(self, reload_id: int) -> None:
        add_block_computer(10, C, reload_id)
        (finding,) = findings_at()
        assert (finding.kind, finding.repairable) == ("no_reload", False)
        assert finding.subject == {"computer": C, "block_time": 10, "request": reload_id}
        assert "does not hold Image 10" in finding.text

    @pytest.mark.parametrize("state", [(FAILED, RELOAD), (COMPLETE, RELOAD), (DELETED, RELOAD)])
    def test_failed_or_done_with(self, state: tuple[int, int]) -> None:
        own = add_with_reload(10, C)
        change("request", id=own, stateid=state[0], laststateid=state[1])
        assert "no_reload" in kinds()

    def test_under_way(self) -> None:
        own = add_with_reload(10, C)
        change("request", id=own, stateid=PENDING)
        assert kinds() == []

    def test_the_image_is_loaded(self) -> None:
        change("computer", id=C, imagerevisionid=10)
        add_block_computer(10, C)
        assert kinds() == []

    def test_an_old_revision_is_loaded(self) -> None:
        revision = next(row for row in tables.read()["imagerevision"] if row["id"] == 10)
        tables.insert("imagerevision", [{**revision, "id": 11, "revision": 1, "production": 0}], ZONE)
        change("computer", id=C, imagerevisionid=11)
        add_block_computer(10, C)
        assert kinds() == ["no_reload"]

    @pytest.mark.parametrize(("at", "count"), [("13:59", 1), ("14:00", 0)])
    def test_only_for_classes_to_come(self, at: str, count: int) -> None:
        add_block_computer(10, C)
        assert kinds(at) == ["no_reload"] * count

    def test_none_for_skipped_times(self) -> None:
        change("blockTimes", id=10, skip=1)
        add_block_computer(10, C)
        assert kinds() == []

    @pytest.mark.parametrize("status", ["requested", "completed", "rejected", "deleted"])
    def test_none_for_other_requests(self, status: str) -> None:
        change("blockRequest", id=10, status=status)
        add_block_computer(10, C)
        assert kinds() == []


class TestPartialCalls:
    """`partial_call`."""

    def test_a_reload_of_another_computer(self) -> None:
        own = reload("13:40", "14:00", C + 1)
        add_block_computer(10, C, own)
        texts = [finding.text for finding in findings_at()]
        assert kinds() == ["partial_call"] * 2
        assert "does not load Image 10" in texts[0]
        assert "loads c11 for image 10, and no block time holds it so" in texts[1]

    def test_a_reload_of_another_image(self) -> None:
        add_block_computer(10, C, reload("13:40", "14:00", C, image=1))
        assert set(kinds()) == {"partial_call"}

    def test_half_a_cluster(self) -> None:
        own = reload("13:40", "14:00", C, C + 1)
        add_block_computer(10, C, own)
        (finding,) = findings_at()
        assert (finding.kind, finding.subject) == ("partial_call", {"request": own, "computer": C + 1})

    def test_a_reload_without_computers(self) -> None:
        add_block_computer(10, C, reload("13:40", "14:00"))
        assert kinds() == ["partial_call", "orphaned_reload"]

    def test_a_class_that_is_over(self) -> None:
        add_block_computer(10, C, reload("13:40", "18:00", C + 1))
        assert "partial_call" in kinds("15:59")
        assert [finding.subject for finding in findings_at("16:00") if "computer" in finding.subject] != []

    def api_request(self) -> int:
        call = a_call(1, block_time=0)
        assert service.allocate_block(call, CALLER) == 1
        assert findings_at() == []
        return max(int(row["id"]) for row in tables.read()["blockRequest"])

    def test_a_new_block_without_its_time(self) -> None:
        id_ = self.api_request()
        tables.change({"delete": {"blockComputers": [{"blockTimeid": id_}], "blockTimes": [{"id": id_}]}}, ZONE)
        assert findings_at()[0].subject == {"block_request": id_}
        assert kinds() == ["partial_call", "abandoned_reload"]

    @pytest.mark.parametrize("table", ["blockWebDate", "blockWebTime"])
    def test_a_new_block_without_the_rows_of_the_form(self, table: str) -> None:
        id_ = self.api_request()
        tables.change({"delete": {table: [{"blockRequestid": id_}]}}, ZONE)
        (finding,) = findings_at()
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
            add_block_computer(10, C + number)
        assert kinds(at) == ["ended_block_time"] * count

    @pytest.mark.parametrize(
        ("table", "row"),
        [
            ("blockTimes", {"skip": 1}),
            ("blockRequest", {"status": "deleted"}),
            ("blockRequest", {"status": "requested"}),
        ],
    )
    def test_skipped_and_unaccepted_ones_too(self, table: str, row: dict[str, Any]) -> None:
        """The back end looks at those, too, on every node."""
        change(table, id=10, **row)
        assert kinds("16:16") == ["ended_block_time"]

    def test_the_text_names_its_computers(self) -> None:
        for computer in range(C, C + 6):
            add_block_computer(10, computer)
        (finding,) = findings_at("18:00")
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
        (finding,) = findings_at("08:10")
        assert finding.subject == {"block_request": 10}
        assert finding.repairable

    @pytest.mark.parametrize("row", [{"processing": 0}, {"processing": 1, "status": "completed"}])
    def test_others(self, row: dict[str, object]) -> None:
        change("blockRequest", id=10, **row)
        assert kinds("10:00") == []
