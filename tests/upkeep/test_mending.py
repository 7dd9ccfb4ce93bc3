"""Exchange and new reloads on the database: by claim and confirm, as any allocation (SPEC 9.1 to 9.3)."""

from collections.abc import Iterator
from typing import Any

import pytest
from pytest_django import Settings

from blockalloc.allocation import block_time_actions
from blockalloc.models import BlockTime, Decision
from blockalloc.reports.readiness import read
from tests.golden import tables
from tests.support.claim_and_confirm import Between
from tests.support.sites.back_end_stage import C0, HOUR, MINUTE, OTHER_NODE, at
from tests.support.sites.class_site import IMAGE, NODE, ZONE, grant_to_group
from tests.support.sites.morning import BACK_END, END, START
from tests.support.sites.rows import COMPUTER_KIND, IMAGE_GROUP, IMAGE_KIND, NODE_GROUP, NODE_KIND
from tests.support.sites.still_morning import CLASS, MAINTENANCE, StillMorning, still_morning
from tests.support.statements import Send, around_statements

# On MariaDB, to load a site commits.
pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("policy")]

GIVEN_UP = C0 + 1
FOUR = [C0, C0 + 1, C0 + 2, C0 + 3]


@pytest.fixture
def site() -> Iterator[StillMorning]:
    """At nine the class has the first four of eight computers."""
    with still_morning() as stage:
        stage.allocate()
        assert stage.block_computers(CLASS) == FOUR
        yield stage


class TestBetweenClaimAndConfirm:
    """What others do in that moment."""

    def test_nobody_does_anything(self, site: StillMorning) -> None:
        before = site.reloads()
        site.fail(GIVEN_UP)
        (action,) = site.look_at("09:01").actions
        assert site.block_computers(CLASS) == [C0, C0 + 2, C0 + 3, C0 + 4]
        assert set(site.reloads()) == {C0, C0 + 2, C0 + 3, C0 + 4}  # the reload of what was given up is withdrawn
        assert site.reloads().items() >= {(id_, before[id_]) for id_ in (C0, C0 + 2, C0 + 3)}
        assert action.text == "given up: c11 (it is in state failed); taken: c14; 4 of 4 machines"
        assert site.records() == ["given up: c11 (it is in state failed); taken: c14"]

    def test_a_user_takes_the_substitute(self, site: StillMorning, between_claim_and_confirm: Between) -> None:
        site.fail(GIVEN_UP)
        between_claim_and_confirm(lambda: site.user(C0 + 4, start=START, end=END, user=1))
        site.look_at("09:01")
        assert site.block_computers(CLASS) == [C0, C0 + 2, C0 + 3, C0 + 5]

    def test_a_user_takes_the_last_substitute(self, site: StillMorning, between_claim_and_confirm: Between) -> None:
        site.fail(GIVEN_UP)
        site.send("UPDATE computer SET stateid = %s WHERE id > %s", MAINTENANCE, C0 + 4)
        between_claim_and_confirm(lambda: site.user(C0 + 4, start=START, end=END, user=1))
        site.look_at("09:01")
        assert site.block_computers(CLASS) == FOUR
        assert GIVEN_UP in site.reloads()
        assert not [row for row in site.semaphores() if row[1].startswith("blockalloc:")]

    def test_staff_release_the_class(self, site: StillMorning, between_claim_and_confirm: Between) -> None:
        site.fail(GIVEN_UP)
        between_claim_and_confirm(lambda: block_time_actions.release_block_time(CLASS, BACK_END))
        assert site.look_at("09:01").actions == []
        assert (site.block_computers(CLASS), site.reloads(), site.records()) == ([], {}, [])
        assert not [row for row in site.semaphores() if row[1].startswith("blockalloc:")]
        assert site.look_at("09:02").actions == []

    def test_a_member_begins_to_use_what_was_given_up(
        self, site: StillMorning, between_claim_and_confirm: Between
    ) -> None:
        site.fail(GIVEN_UP)
        between_claim_and_confirm(lambda: site.use(GIVEN_UP, site.now, END))
        assert site.look_at("09:01").actions == []
        assert site.block_computers(CLASS) == FOUR
        assert (set(site.reloads()), site.records()) == (set(FOUR), [])

    def test_one_of_two_recovers(self, site: StillMorning, between_claim_and_confirm: Between) -> None:
        """Its substitute is not taken, and the class has no more than it wants."""
        site.fail(GIVEN_UP)
        site.fail(C0 + 2)
        between_claim_and_confirm(lambda: site.set(GIVEN_UP, stateid=2))
        (action,) = site.look_at("09:01").actions
        assert site.block_computers(CLASS) == [C0, C0 + 1, C0 + 3, C0 + 4]
        assert "c11" not in action.text
        assert not [row for row in site.semaphores() if row[1].startswith("blockalloc:")]

    def test_the_back_end_takes_it_from_the_class(self, site: StillMorning, between_claim_and_confirm: Between) -> None:
        site.fail(GIVEN_UP)
        between_claim_and_confirm(lambda: site.send("DELETE FROM blockComputers WHERE computerid = %s", GIVEN_UP))
        site.look_at("09:01")
        assert site.block_computers(CLASS) == [C0, C0 + 2, C0 + 3, C0 + 4]
        assert site.look_at("09:02").actions == []

    def test_another_look_does_not_say_that_it_cannot_be_loaded(
        self, site: StillMorning, between_claim_and_confirm: Between, settings: Settings
    ) -> None:
        """The claim in its way is that of the look that loads it."""
        settings.VCL_GUARD_WAIT_SECONDS = 1
        lose_reload(site, GIVEN_UP)
        between_claim_and_confirm(site.look)
        site.look_at("09:01")
        assert len(site.records()) == 1
        assert "loaded again: c11" in site.records()[0]

    def test_the_back_end_takes_it_while_its_reload_is_written(self, site: StillMorning) -> None:
        lose_reload(site, GIVEN_UP)

        def remove(send: Send) -> Any:
            site.send("DELETE FROM blockComputers WHERE computerid = %s", GIVEN_UP)
            return send()

        with around_statements("UPDATE blockComputers SET reloadrequestid", remove):
            assert site.look_at("09:01").actions == []
        assert GIVEN_UP not in site.reloads()
        assert site.records() == []

    def test_what_was_to_be_loaded_again_is_taken(self, site: StillMorning, between_claim_and_confirm: Between) -> None:
        lose_reload(site, GIVEN_UP)
        between_claim_and_confirm(lambda: site.user(GIVEN_UP, start=START, end=END, user=1))
        assert site.look_at("09:01").actions == []
        assert (GIVEN_UP in site.reloads(), site.records()) == (False, [])
        assert not [row for row in site.semaphores() if row[1].startswith("blockalloc:")]
        site.look_at("09:02")
        assert site.block_computers(CLASS) == [C0, C0 + 2, C0 + 3, C0 + 4]


def test_what_cannot_be_loaded_again_is_exchanged(site: StillMorning) -> None:
    lose_reload(site, GIVEN_UP)
    site.block_time(20, START, END, numMachines=1, status="completed")
    site.add_block_computers(20, GIVEN_UP)  # another class has it as well
    (action,) = site.look_at("09:01").actions
    assert "held by block time 20" in action.text
    assert site.block_computers(CLASS) == [C0, C0 + 2, C0 + 3, C0 + 4]
    assert site.look_at("09:02").actions == []


def lose_reload(site: StillMorning, computer: int) -> None:
    """The reload of a computer is dropped by the back end."""
    request = site.reloads()[computer]
    site.send("DELETE FROM reservation WHERE requestid = %s", request)
    site.send("DELETE FROM request WHERE id = %s", request)


class TestExchange:
    """Which computers go, and what they are exchanged for."""

    def test_without_a_substitute_it_stays_as_the_best_hope(self, site: StillMorning) -> None:
        site.send("UPDATE computer SET stateid = %s WHERE id > %s", MAINTENANCE, C0 + 3)
        site.fail(GIVEN_UP)
        assert len(site.look_at("09:01").actions) == 1
        assert site.block_computers(CLASS) == FOUR
        assert set(site.reloads()) == set(FOUR)

    def test_what_could_not_be_is_on_record_once(self, site: StillMorning) -> None:
        site.send("UPDATE computer SET stateid = %s WHERE id > %s", MAINTENANCE, C0 + 3)
        site.fail(GIVEN_UP)
        for minute in range(1, 30):
            site.look_at(f"12:{minute:02d}")
        assert len(site.records()) == 1
        assert "no other computer for: c11 (it is in state failed)" in site.records()[0]
        assert Decision.objects.filter(action=Decision.KEEP_READY).values_list("allocated", "wanted").get() == (3, 4)

    def test_and_again_when_the_outcome_changes(self, site: StillMorning) -> None:
        site.send("UPDATE computer SET stateid = %s WHERE id > %s", MAINTENANCE, C0 + 3)
        site.fail(GIVEN_UP)
        site.look_at("13:01")
        site.fail(C0 + 2)
        site.look_at("13:02")
        site.look_at("13:03")
        assert len(site.records()) == 2
        assert "no other computer for: c11 and c12" in site.records()[1]

    def test_members_are_only_given_what_they_may_use(self) -> None:
        with still_morning(computers=8) as site:
            set_apart(site, C0 + 4, C0 + 5, C0 + 6)
            grant_to_group()
            assert site.allocate(ignore=False) == 4
            site.fail(GIVEN_UP)
            site.look_at("09:01")
            assert site.block_computers(CLASS) == [C0, C0 + 2, C0 + 3, C0 + 7]
            site.fail(C0 + 2)
            site.look_at("09:02")
            assert C0 + 2 in site.block_computers(CLASS)

    def test_fewer_than_the_request_wants_stay_fewer(self) -> None:
        with still_morning() as site:
            assert site.allocate(3) == 3
            assert site.look_at("09:01").actions == []
            site.fail(GIVEN_UP)
            site.look_at("09:02")
            assert site.block_computers(CLASS) == [C0, C0 + 2, C0 + 3]

    def test_a_limit_of_the_image_that_is_reached(self, site: StillMorning) -> None:
        site.send("UPDATE image SET maxconcurrent = 4 WHERE id = %s", IMAGE)
        site.fail(GIVEN_UP)
        site.look_at("09:01")
        assert site.block_computers(CLASS) == [C0, C0 + 2, C0 + 3, C0 + 4]

    def test_a_limit_leaves_no_more_than_it_allows(self, site: StillMorning) -> None:
        site.send("UPDATE image SET maxconcurrent = 3 WHERE id = %s", IMAGE)
        site.fail(GIVEN_UP)
        site.look_at("09:01")
        assert len(site.block_computers(CLASS)) == 4
        assert site.block_computers(CLASS) == FOUR

    def test_nothing_is_taken_from_another_class(self) -> None:
        with still_morning(computers=8) as site:
            site.block_time(20, START, END, groupid=10, numMachines=4)
            assert (site.allocate(), site.allocate(block_time=20)) == (4, 4)
            theirs = site.block_computers(20)
            site.fail(GIVEN_UP)
            site.look_at("13:59")
            assert (site.block_computers(20), site.block_computers(CLASS)) == (theirs, FOUR)


def set_apart(site: StillMorning, *computers: int) -> None:
    """Put computers into a group of their own, which is mapped but not granted to the members."""
    group = 19
    row = {"id": group, "name": "apart", "ownerusergroupid": 3, "resourcetypeid": COMPUTER_KIND}
    tables.insert("resourcegroup", [row], ZONE)
    theirs = {"resourcegroupid2": group, "resourcetypeid2": COMPUTER_KIND}
    for first, kind in ((IMAGE_GROUP, IMAGE_KIND), (NODE_GROUP, NODE_KIND)):
        tables.insert("resourcemap", [{"resourcegroupid1": first, "resourcetypeid1": kind, **theirs}], ZONE)
    for each in computers:
        resource = site.send("SELECT id FROM resource WHERE resourcetypeid = %s AND subid = %s", COMPUTER_KIND, each)
        site.send("UPDATE resourcegroupmembers SET resourcegroupid = %s WHERE resourceid = %s", group, resource[0][0])


class TestClusters:
    """Machines of several computers: parts are exchanged one by one."""

    @pytest.fixture
    def cluster(self) -> Iterator[StillMorning]:
        """The class wants two machines of two computers each, of which it has all four."""
        with still_morning() as site:
            tables.insert("imagemeta", [{"id": 77, "subimages": 1}], ZONE)
            site.send("UPDATE image SET imagemetaid = 77 WHERE id = %s", IMAGE)
            tables.insert("subimages", [{"imagemetaid": 77, "imageid": IMAGE}], ZONE)
            site.send("UPDATE blockRequest SET numMachines = 2")
            assert site.allocate() == 2
            assert site.block_computers(CLASS) == FOUR
            yield site

    def test_a_part_is_exchanged(self, cluster: StillMorning) -> None:
        before = cluster.named_reloads()
        partner = next(id_ for id_, request in before.items() if request == before[GIVEN_UP] and id_ != GIVEN_UP)
        cluster.fail(GIVEN_UP)
        cluster.look_at("09:01")
        after = cluster.named_reloads()
        assert set(after) == {C0, C0 + 2, C0 + 3, C0 + 4}
        assert after[partner] == before[partner]
        left = cluster.send("SELECT computerid FROM reservation WHERE requestid = %s", before[GIVEN_UP])
        assert left == [(partner,)]
        assert after[C0 + 4] not in before.values()

    def test_both_parts_of_a_machine(self, cluster: StillMorning) -> None:
        before = cluster.named_reloads()
        for id_ in (id_ for id_, request in before.items() if request == before[GIVEN_UP]):
            cluster.fail(id_)
        cluster.look_at("09:01")
        after = cluster.named_reloads()
        assert len(after) == 4
        assert before[GIVEN_UP] not in after.values()
        assert cluster.send("SELECT COUNT(*) FROM request WHERE id = %s", before[GIVEN_UP]) == [(0,)]

    def test_a_part_whose_reload_was_moved_to_another_computer_is_loaded_again(self, cluster: StillMorning) -> None:
        """As VCL's front end does it: the block computer still names the request."""
        before = cluster.named_reloads()
        cluster.send("UPDATE reservation SET computerid = %s WHERE computerid = %s", C0 + 7, GIVEN_UP)
        cluster.look_at("09:01")
        after = cluster.named_reloads()
        assert after[GIVEN_UP] != before[GIVEN_UP]
        assert {id_: request for id_, request in after.items() if id_ != GIVEN_UP} == {
            id_: request for id_, request in before.items() if id_ != GIVEN_UP
        }


class TestNodes:
    """A management node that is silent."""

    @pytest.fixture
    def two(self) -> Iterator[StillMorning]:
        """Computers that either of two nodes can load; the first has the reloads."""
        with still_morning(computers=4) as site:
            site.allocate()
            resource = 10_000 * NODE_KIND + OTHER_NODE
            tables.insert("resource", [{"id": resource, "resourcetypeid": NODE_KIND, "subid": OTHER_NODE}], ZONE)
            tables.insert("resourcegroupmembers", [{"resourceid": resource, "resourcegroupid": NODE_GROUP}], ZONE)
            yield site

    def look(self, site: StillMorning, clock: str, *silent: int) -> None:
        """A look while some nodes are silent."""
        site.go(clock)
        site.check_in(*silent)
        site.look()

    def nodes(self, site: StillMorning) -> set[int]:
        """The nodes that have reloads."""
        return {row[0] for row in site.send("SELECT managementnodeid FROM reservation")}

    @pytest.mark.parametrize("policy", ["vcl"], indirect=True)  # under `ready`: see test_planning
    def test_its_computers_are_loaded_by_the_other_one_when_there_is_no_time_left(self, two: StillMorning) -> None:
        before = two.reloads()
        self.look(two, "13:30", NODE)
        assert (two.reloads(), self.nodes(two)) == (before, {NODE})
        for minute in range(31, 39):
            self.look(two, f"13:{minute}", NODE)
        assert self.nodes(two) == {OTHER_NODE}
        assert set(two.reloads()) == set(two.block_computers(CLASS)) == set(FOUR)
        assert two.named_reloads() == two.reloads()  # the old ones are withdrawn
        assert not set(two.reloads().values()) & set(before.values())

    def test_a_reload_that_can_be_withdrawn_no_longer_gets_no_second_one(
        self, two: StillMorning, between_claim_and_confirm: Between
    ) -> None:
        """The last moment to withdraw it passes between claim and confirm."""
        two.send("UPDATE request SET start = '2026-03-02 13:37:00'")

        def pass_by() -> None:
            two.go("13:36:03")
            two.check_in(NODE)

        two.go("13:35:58")
        two.check_in(NODE)
        between_claim_and_confirm(pass_by)
        two.check_in(NODE)
        two.look()
        waiting = two.send(
            "SELECT v.computerid, COUNT(*) FROM reservation v JOIN request q ON q.id = v.requestid "
            "WHERE q.stateid = 19 GROUP BY v.computerid"
        )
        assert dict(waiting) == dict.fromkeys(FOUR, 1)

    def test_nothing_happens_when_it_comes_back_in_time(self, two: StillMorning) -> None:
        before = two.reloads()
        self.look(two, "13:30", NODE)
        self.look(two, "13:38")
        assert two.reloads() == before

    def test_without_another_node_all_stay_as_they_are(self, two: StillMorning) -> None:
        before = two.reloads()
        self.look(two, "13:38", NODE, OTHER_NODE)
        assert two.reloads() == before

    def test_pages_show_what_the_look_expects(self, two: StillMorning) -> None:
        self.look(two, "13:11", NODE, OTHER_NODE)
        (ready,) = read(BlockTime.objects.filter(pk=CLASS), two.now)
        assert ready.readiness.signal.level == "bad"
        assert "may be late: c10, c11 and 2 more (their management node" in str(ready.readiness.signal)
        self.look(two, "13:12")
        (ready,) = read(BlockTime.objects.filter(pk=CLASS), two.now)
        assert ready.readiness.signal.level == "good", str(ready.readiness.signal)


class TestLate:
    """What is missing shortly before the start, and after it (SPEC 9.1)."""

    @pytest.fixture
    def missing(self) -> Iterator[StillMorning]:
        """Nothing is allocated; the class is from 14:00 to 16:00, and its image loads in ten minutes."""
        with still_morning() as site:
            site.send("UPDATE blockTimes SET processed = 1")
            yield site

    def windows(self, site: StillMorning) -> set[tuple[int, int]]:
        """Begin and end of the reloads."""
        rows = site.site.rows.connection.send("SELECT start, `end` FROM request", []).rows
        return {(at(str(start)[11:19]), at(str(end)[11:19])) for start, end in rows}

    def test_ten_minutes_before_the_start(self, missing: StillMorning) -> None:
        missing.look_at("13:50")
        assert len(missing.block_computers(CLASS)) == 4
        now = START - 10 * MINUTE
        assert self.windows(missing) == {(now, now + 20 * MINUTE)}

    @pytest.mark.parametrize("policy", ["vcl"], indirect=True)
    def test_in_time_a_reload_ends_at_the_start(self, missing: StillMorning) -> None:
        missing.look_at("13:00")
        assert self.windows(missing) == {(START - 20 * MINUTE - step * MINUTE, START) for step in range(4)}

    @pytest.mark.parametrize(("clock", "number"), [("14:50:00", 4), ("14:50:01", 0)])
    def test_until_the_middle_of_the_class(self, missing: StillMorning, clock: str, number: int) -> None:
        missing.look_at(clock)
        assert len(missing.block_computers(CLASS)) == number

    def test_what_is_lost_after_the_middle_stays(self, missing: StillMorning) -> None:
        missing.look_at("13:00")
        missing.fail(GIVEN_UP)
        assert missing.look_at("15:00").actions == []

    def test_a_class_that_is_over_is_left_alone(self, missing: StillMorning) -> None:
        assert missing.look_at("16:00").block_times == []


class TestBackEndFirst:
    """It is to ask for the machines first (SPEC 9.1)."""

    def test_two_minutes_after_it_can_ask(self) -> None:
        with still_morning("08:01") as site:
            assert site.look_at("08:01:59").actions == []
            assert len(site.look_at("08:02").actions) == 1

    def test_five_minutes_from_the_first_look_that_saw_it_at_work(self) -> None:
        with still_morning() as site:
            site.send("UPDATE blockRequest SET processing = 1")
            for clock in ("09:00", "09:04:59"):
                assert site.look_at(clock).actions == []
            assert len(site.look_at("09:05").actions) == 1

    def test_once_it_is_done_nobody_waits(self) -> None:
        with still_morning() as site:
            site.send("UPDATE blockRequest SET processing = 1")
            site.look_at("09:00")
            site.send("UPDATE blockRequest SET processing = 0")
            assert len(site.look_at("09:01").actions) == 1

    def test_each_time_anew(self) -> None:
        with still_morning() as site:
            for clock in ("09:00", "10:00"):
                site.send("UPDATE blockRequest SET processing = 1")
                assert site.look_at(clock).actions == []
                site.send("UPDATE blockRequest SET processing = 0")
                site.send("UPDATE blockTimes SET skip = 1")
                site.look_at(f"{clock[:2]}:10")
                site.send("UPDATE blockTimes SET skip = 0")
                site.send("UPDATE blockalloc_watch SET processing_seen = NULL")


class TestLoadAgain:
    """A computer whose reload is gone (SPEC 9.3)."""

    def test_it_gets_a_new_one_when_it_has_to_begin(self, site: StillMorning) -> None:
        lose_reload(site, GIVEN_UP)
        site.look_at("09:01")
        assert site.named_reloads() == site.reloads()
        assert set(site.reloads()) == set(FOUR)

    def test_once(self, site: StillMorning) -> None:
        lose_reload(site, GIVEN_UP)
        site.look_at("09:01")
        assert site.look_at("09:02").actions == []
        assert len(site.records()) == 1
        assert "loaded again: c11" in site.records()[0]

    def test_what_can_not_be_loaded_is_on_record_once(self, site: StillMorning) -> None:
        lose_reload(site, GIVEN_UP)
        site.semaphore(GIVEN_UP, seconds=HOUR)
        for minute in range(1, 5):
            site.look_at(f"09:{5 * minute:02d}")
        assert len(site.records()) == 1
        assert "c11 cannot be loaded again: somebody is reserving it at this moment" in site.records()[0]


def test_a_wish_that_changed_is_a_new_wish(site: StillMorning) -> None:
    """Staff allocate anew after a release: from then on the class is kept ready again."""
    block_time_actions.release_block_time(CLASS, BACK_END)
    assert site.look_at("09:01").actions == []
    site.allocate(2)
    site.fail(site.block_computers(CLASS)[0])
    site.look_at("09:02")
    assert len(site.block_computers(CLASS)) == 2


def test_what_was_done_is_counted(site: StillMorning) -> None:
    site.fail(GIVEN_UP)
    lose_reload(site, C0 + 2)
    site.send("DELETE FROM blockComputers WHERE computerid = %s", C0 + 3)
    site.look_at("09:01")
    counts = site.send("SELECT replaced, loaded_again, added FROM blockalloc_watch WHERE block_time_id = %s", CLASS)
    assert counts == [(1, 1, 1)]
