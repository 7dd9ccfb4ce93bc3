"""What is known of the load of each computer of a class, under policy `ready`."""

from collections.abc import Sequence
from typing import Any

import pytest

from scheduling.choice import Chooser
from scheduling.class_jobs import ClassJobs
from scheduling.facts import Block, BlockComputer, Computer, Image, Reservation
from scheduling.mending import Mending
from scheduling.plan import Assignment, Machine
from scheduling.reload_plan import Window
from scheduling.reloads.exchange import long_load
from scheduling.reloads.jobs import Job, Slot
from scheduling.reloads.places import Capacity, Places
from scheduling.reloads.policy import ReadyPolicy
from scheduling.state_ids import COMPLETE, FAILED
from scheduling.timing import Chosen
from tests.support.sites.facts import (
    END,
    HOUR,
    IMAGE,
    MINUTE,
    NODES,
    NOW,
    START,
    SUB_IMAGE,
    VM_ENGINE,
    block,
    block_computer,
    computer,
    image,
    member,
    node,
    own_block_computer,
    reservation,
    site,
    vm,
)
from tests.support.sites.ready import MODEL, at_work, own_reload, ready, user_until

pytestmark = [pytest.mark.no_database, pytest.mark.once(on="mariadb")]

REVISION = image().revision_id
LONG, MEAN = long_load(MODEL) // MINUTE, MODEL.mean / MINUTE
LEAVES = 2  # minutes from a user's end until the back end loads the computer
EXCHANGES = [START - 20 * MINUTE, START - 30 * MINUTE]
MEMBER = member(11)
TWO_NODES: dict[str, Any] = {
    "management_nodes": [node(1), node(2)],
    "node_groups": {1: frozenset({NODES}), 2: frozenset({NODES})},
}
SILENT = NOW - 10 * MINUTE


class Known:
    """The jobs of a class on a small site, and the two sets that come with them."""

    def __init__(
        self, there: Sequence[Computer], chosen: Chosen, policy: ReadyPolicy, mending: Mending | None,
        of_class: Block, **changes: Any,
    ) -> None:  # fmt: skip
        facts = site(there, ready_policy=policy, **changes)
        chooser = Chooser(facts, of_class, ignore_privileges=True)
        self.class_jobs = ClassJobs(facts, of_class, policy, mending, chooser)
        self.chosen = chosen
        self.jobs = {job.computer_id: job for job in self.class_jobs.of(chosen, EXCHANGES)}
        self.by_itself, self.to_exchange = self.class_jobs.by_itself, self.class_jobs.to_exchange


def taken(each: Computer, of: Image | None = None, **changes: Any) -> Machine:
    """A machine that was chosen, of one computer."""
    reload = Window(START - 30 * MINUTE, START)
    return Machine((Assignment(each, of or image(), node()),), reload, MEMBER, **changes)


def of_chosen(*there: Computer, policy: ReadyPolicy | None = None, adopted: int | None = None, **changes: Any) -> Known:
    """The jobs of computers that were chosen."""
    machines = [taken(each, adopted_request=adopted) for each in there]
    return Known(there, Chosen(machines, [], len(there)), policy or ready(), None, block(len(there)), **changes)


def of_own(
    *there: Computer, mending: Mending | None = None, policy: ReadyPolicy | None = None, again: Sequence[Machine] = (),
    **changes: Any,
) -> Known:  # fmt: skip
    """The jobs of computers that the block time has."""
    own = [own_block_computer(each.id) for each in there]
    rows = {"block_computers": [*own, *changes.pop("others", [])], **changes}
    return Known(there, Chosen([], again, 0), policy or ready(), mending, block(len(there)), **rows)


def job_of(known: Known, computer_id: int = 1) -> Job:
    return known.jobs[computer_id]


class TestChosen:
    def test_a_free_computer_is_to_be_planned(self) -> None:
        assert job_of(of_chosen(computer())) == Job(1, (1,), None, is_limited=True, earliest=NOW)

    def test_all_nodes_that_have_checked_in_and_may_load_it(self) -> None:
        assert job_of(of_chosen(computer(), **TWO_NODES)).nodes == (1, 2)
        nodes = [node(1, last_checkin=SILENT), node(2)]
        assert job_of(of_chosen(computer(), **TWO_NODES | {"management_nodes": nodes})).nodes == (2,)

    def test_a_virtual_machine_is_on_its_host_and_may_have_no_limit(self) -> None:
        limited = Capacity({1: 10}, limited_engines=frozenset({VM_ENGINE + 1}))
        policy = ReadyPolicy(MODEL, Places(limited), 0.95, is_mended=True)
        found = job_of(of_chosen(vm(1, 7), policy=policy))
        assert (found.host, found.is_limited) == (7, False)

    def test_one_that_holds_the_image_needs_no_load(self) -> None:
        assert job_of(of_chosen(computer(revision_id=REVISION))).holds_image
        assert not job_of(of_chosen(computer(revision_id=REVISION + 1))).holds_image

    def test_one_that_another_class_has_before_does_not_hold_it_any_more_by_then(self) -> None:
        before = block_computer(1, START - 3 * HOUR, START - 2 * HOUR)
        found = job_of(of_chosen(computer(revision_id=REVISION), block_computers=[before]))
        assert (found.holds_image, found.earliest) == (False, START - 2 * HOUR)

    def test_an_adopted_one_begins_when_it_does_on_its_node(self) -> None:
        found = job_of(of_chosen(computer(), adopted=7001, **TWO_NODES))
        assert (found.nodes, found.begins) == ((1,), START - 30 * MINUTE)

    def test_an_adopted_one_is_not_taken_for_one_that_the_back_end_loads(self) -> None:
        known = of_chosen(computer(), adopted=7001, reservations=[user_until(60, request_id=7001)])
        assert job_of(known).begins == START - 30 * MINUTE
        assert not known.by_itself


class TestAgain:
    def test_one_is_loaded_by_the_one_node_that_may(self) -> None:
        there = computer(revision_id=REVISION)
        known = of_own(there, mending=Mending(again={1: 2}), again=[taken(there)], **TWO_NODES)
        assert job_of(known) == Job(1, (2,), None, is_limited=True, earliest=NOW)
        assert len(known.jobs) == 1

    def test_any_node_may_where_none_is_named(self) -> None:
        known = of_own(computer(), mending=Mending(again={1: None}), again=[taken(computer())], **TWO_NODES)
        assert job_of(known).nodes == (1, 2)


class TestOwn:
    def test_one_whose_reload_is_gone_has_been_dealt_with(self) -> None:
        holding, other = of_own(computer(1, revision_id=REVISION), computer(2)).jobs.values()
        assert (holding.holds_image, other.holds_image) == (True, False)
        assert (holding.begins, other.begins) == (NOW, NOW)

    def test_a_reload_that_waits_keeps_its_begin_and_its_node_where_nobody_mends(self) -> None:
        found = job_of(of_own(computer(), reservations=[own_reload(lead=25, management_node_id=2)], **TWO_NODES))
        assert (found.begins, found.nodes) == (START - 25 * MINUTE, (2,))

    def test_where_the_class_is_mended_it_is_to_be_planned(self) -> None:
        known = of_own(computer(), mending=Mending(), reservations=[own_reload(lead=25)], **TWO_NODES)
        assert job_of(known) == Job(
            1, (1, 2), None, is_limited=True, earliest=NOW, planned=Slot(START - 25 * MINUTE, 1)
        )

    @pytest.mark.parametrize(("seconds", "is_planned"), [(60, False), (61, True)])
    def test_not_once_a_node_may_have_read_it(self, seconds: int, is_planned: bool) -> None:
        reload = own_reload()._replace(start=NOW + seconds)
        found = job_of(of_own(computer(), mending=Mending(), reservations=[reload]))
        assert found.begins == (None if is_planned else NOW + seconds)

    def test_it_can_begin_as_early_as_it_does_even_if_the_computer_is_not_free_by_then(self) -> None:
        before = block_computer(1, START - 3 * HOUR, START - HOUR)
        known = of_own(computer(), mending=Mending(), reservations=[own_reload(lead=90)], others=[before])
        assert job_of(known).earliest == START - 90 * MINUTE

    def test_where_all_nodes_are_silent_it_stays_on_its_own(self) -> None:
        known = of_own(
            computer(), mending=Mending(), reservations=[own_reload()], management_nodes=[node(last_checkin=SILENT)]
        )
        assert job_of(known).nodes == (1,)

    def test_one_at_work_has_been_so_since_its_start(self) -> None:
        found = job_of(of_own(computer(), reservations=[at_work(begun=NOW - 4 * MINUTE, management_node_id=2)]))
        assert (found.begun, found.begins, found.nodes) == (NOW - 4 * MINUTE, None, (2,))

    def test_one_that_began_before_its_start_began_just_now(self) -> None:
        assert job_of(of_own(computer(), reservations=[at_work(begun=NOW + MINUTE)])).begun == NOW

    def test_one_at_work_is_the_classs_own_load(self) -> None:
        assert not of_own(computer(), reservations=[at_work()]).by_itself

    def test_the_computers_of_other_classes_and_those_that_are_gone_are_none_of_ours(self) -> None:
        rows = [own_block_computer(77), block_computer(2)]
        known = Known([computer(1), computer(2)], Chosen([], [], 0), ready(), None, block(), block_computers=rows)
        assert known.jobs == {}

    @pytest.mark.parametrize("reloads", [[], [own_reload()]], ids=["loaded", "waiting"])
    @pytest.mark.parametrize(
        ("changes", "holds_image"),
        [
            ({"image_id": 99}, False),
            ({"image_id": IMAGE}, True),
            ({"image_id": 99, "lead": -30}, True),  # for a class after this one
            ({"image_id": 99, "state_id": COMPLETE, "last_state_id": COMPLETE}, True),
        ],
        ids=str,
    )
    def test_one_that_an_earlier_class_loads_with_something_else_counts_as_a_load(
        self, reloads: list[Reservation], changes: dict[str, Any], holds_image: bool
    ) -> None:
        of_another = own_reload(**{"lead": 180, "request_id": 8900, **changes})
        known = of_own(computer(revision_id=REVISION), mending=Mending(), reservations=[of_another, *reloads])
        assert job_of(known).holds_image == holds_image

    def test_each_computer_of_a_cluster_has_to_hold_its_own_image(self) -> None:
        there = [computer(1, revision_id=REVISION), computer(2, revision_id=REVISION)]
        rows = [own_block_computer(1), own_block_computer(2, SUB_IMAGE)]
        cluster = block(1, [image(), image(SUB_IMAGE)])
        known = Known(there, Chosen([], [], 0), ready(), None, cluster, block_computers=rows)
        assert [job_of(known, id_).holds_image for id_ in (1, 2)] == [True, False]


class TestUsers:
    """Who has a computer before the class: the back end loads the image after them, without being asked."""

    @pytest.mark.parametrize("is_own", [True, False])
    def test_the_back_end_loads_the_computer_after_its_user(self, is_own: bool) -> None:
        user = user_until(60, management_node_id=2)
        known = (of_own if is_own else of_chosen)(computer(revision_id=REVISION), reservations=[user])
        assert known.by_itself == {1}
        assert not known.to_exchange
        found = job_of(known)
        assert (found.begins, found.nodes) == (START - (60 - LEAVES) * MINUTE, (2,))
        assert not found.holds_image

    def test_that_of_the_classs_own_reload_does_not_matter_then(self) -> None:
        known = of_own(computer(), mending=Mending(), reservations=[own_reload(lead=25), user_until(60)])
        assert job_of(known).begins == START - (60 - LEAVES) * MINUTE

    def test_of_several_users_the_last_one_counts(self) -> None:
        rows = [user_until(60), user_until(40, request_id=1), user_until(50, request_id=2)]
        assert job_of(of_own(computer(), reservations=rows)).begins == START - (40 - LEAVES) * MINUTE

    def test_who_should_have_left_leaves_now(self) -> None:
        overdue = reservation(1, NOW - HOUR, NOW - MINUTE)
        assert job_of(of_own(computer(), reservations=[overdue])).begins == NOW + LEAVES * MINUTE

    @pytest.mark.parametrize(
        "row",
        [
            user_until(60, state_id=COMPLETE),
            user_until(60, state_id=FAILED),
            reservation(1, START, END),
            user_until(60, user_id=MEMBER.id, image_id=IMAGE),
        ],
        ids=["over", "failed", "after the class has begun", "a member with the image"],
    )
    def test_others_are_no_users(self, row: Reservation) -> None:
        known = of_own(computer(), reservations=[row], members=[MEMBER])
        assert not known.by_itself
        assert job_of(known).begins == NOW

    def test_a_member_with_another_image_is_one(self) -> None:
        known = of_own(computer(), reservations=[user_until(60, user_id=MEMBER.id)], members=[MEMBER])
        assert known.by_itself == {1}

    def test_so_is_a_stranger_with_the_image(self) -> None:
        known = of_own(computer(), reservations=[user_until(60, image_id=IMAGE)], members=[MEMBER])
        assert known.by_itself == {1}

    def test_a_load_that_the_back_end_makes_instead_of_the_next_classs_reload(self) -> None:
        known = of_own(computer(), reservations=[at_work(request_id=1, begun=NOW - 5 * MINUTE), own_reload()])
        assert known.by_itself == {1}
        assert (job_of(known).begun, job_of(known).nodes) == (NOW - 5 * MINUTE, (1,))

    def test_a_reload_that_waits_for_an_earlier_class_is_no_load_of_ours(self) -> None:
        known = of_own(computer(), reservations=[own_reload(lead=180, request_id=1, image_id=99), own_reload()])
        assert not known.by_itself

    def test_computers_of_labs_are_not_loaded_after_users(self) -> None:
        known = of_own(computer(type="lab"), mending=Mending(), reservations=[user_until(60), own_reload()])
        assert not known.by_itself
        assert job_of(known).begins is None


class TestEarlierClasses:
    """The back end loads the image of the class that has the computer next; ours has to be loaded later."""

    @staticmethod
    def earlier(begins: int, ends: int) -> BlockComputer:
        """Another class that has the computer between so many minutes before the start."""
        return block_computer(1, START - begins * MINUTE, START - ends * MINUTE)

    @pytest.mark.parametrize(
        ("user", "of_class", "is_ours"),
        [(180, (150, 60), False), (70, (150, 60), False), (60, (150, 60), True), (45, (150, 60), True)],
        ids=["before it", "leaves it early", "leaves at its end", "after it"],
    )
    def test_a_load_after_a_user_is_ours_if_no_other_class_has_the_computer_then(
        self, user: int, of_class: tuple[int, int], is_ours: bool
    ) -> None:
        rows = [user_until(user)]
        known = of_chosen(computer(), reservations=rows, block_computers=[self.earlier(*of_class)])
        assert known.by_itself == ({1} if is_ours else set())
        assert job_of(known).begins == (START - (user - LEAVES) * MINUTE if is_ours else None)

    def test_ours_begins_when_that_class_is_over(self) -> None:
        rows = [user_until(180)]
        known = of_chosen(computer(), reservations=rows, block_computers=[self.earlier(150, 60)])
        assert job_of(known).earliest == START - 60 * MINUTE

    def test_or_when_its_image_is_loaded_if_that_takes_longer(self) -> None:
        rows = [user_until(63), own_reload(lead=64)]
        known = of_own(computer(), mending=Mending(), reservations=rows, others=[self.earlier(150, 60)])
        assert job_of(known).earliest == START - (63 - LEAVES) * MINUTE + round(MODEL.mean)

    def test_a_class_with_our_image_uses_the_computer_too(self) -> None:
        other = self.earlier(150, 60)._replace(image_id=IMAGE)
        known = of_own(computer(revision_id=REVISION), reservations=[user_until(180), own_reload()], others=[other])
        assert (known.by_itself, job_of(known).holds_image) == (set(), False)

    def test_one_who_stays_too_long_does_so_whichever_class_is_next(self) -> None:
        """The load after them begins eleven minutes before the start."""
        rows: dict[str, Any] = {"reservations": [user_until(11 + LEAVES)], "others": [self.earlier(150, 5)]}
        known = of_own(computer(), **rows)
        assert known.to_exchange == {1}
        (job,) = known.class_jobs.of(known.chosen, [])
        assert not known.class_jobs.to_exchange
        assert job.begins == START - 11 * MINUTE + round(MODEL.mean)

    def test_a_load_of_our_image_at_work_is_not_for_us_either(self) -> None:
        rows = [at_work(request_id=1), own_reload()]
        known = of_own(computer(), mending=Mending(), reservations=rows, others=[self.earlier(150, 60)])
        assert (known.by_itself, job_of(known).begun) == (set(), None)

    def test_classes_after_ours_do_not_matter(self) -> None:
        after = block_computer(1, END + HOUR, END + 2 * HOUR)
        assert of_own(computer(), reservations=[user_until(60)], others=[after]).by_itself == {1}


class TestLoadsForOthers:
    """A load of another image is at work: ours begins when that is over."""

    OVER = NOW + 7 * MINUTE  # the image takes ten
    LOAD = at_work(begun=NOW - 3 * MINUTE, image_id=99, request_id=1)

    def test_chosen(self) -> None:
        known = of_chosen(computer(), reservations=[self.LOAD])
        assert job_of(known) == Job(1, (1,), None, is_limited=True, earliest=self.OVER)
        assert not known.by_itself

    def test_to_be_planned(self) -> None:
        reload = own_reload()._replace(start=NOW + 5 * MINUTE)
        found = job_of(of_own(computer(), mending=Mending(), reservations=[self.LOAD, reload]))
        assert (found.earliest, found.begins) == (self.OVER, None)

    @pytest.mark.parametrize(("begins", "in_fact"), [(5, 7), (9, 9)])
    def test_a_reload_that_finds_it_at_work_waits(self, begins: int, in_fact: int) -> None:
        reload = own_reload()._replace(start=NOW + begins * MINUTE)
        found = job_of(of_own(computer(revision_id=REVISION), reservations=[self.LOAD, reload]))
        assert (found.begins, found.holds_image) == (NOW + in_fact * MINUTE, False)

    def test_our_reload_is_gone(self) -> None:
        assert job_of(of_own(computer(), reservations=[self.LOAD])).begins == self.OVER

    def test_it_should_be_over(self) -> None:
        overdue = self.LOAD._replace(start=NOW - 12 * MINUTE)
        assert job_of(of_chosen(computer(), reservations=[overdue])).earliest == NOW

    def test_ours_can_begin_by_the_start_at_the_latest(self) -> None:
        long = self.LOAD._replace(reload_minutes=600)
        assert job_of(of_chosen(computer(), reservations=[long])).earliest == START

    def test_of_several_the_last_to_begin_counts(self) -> None:
        ours = at_work(begun=NOW - MINUTE, request_id=2)
        for rows in ([self.LOAD, ours], [ours, self.LOAD]):
            assert of_chosen(computer(), reservations=rows).by_itself == {1}


class TestOrder:
    def test_jobs_come_by_computer_id_in_whatever_order_the_rows_are(self) -> None:
        """So exchanges and places are the same in each look."""
        there = [computer(id_) for id_ in (3, 1, 2)]
        known = of_own(*there, reservations=[user_until(0, id_) for id_ in (1, 2, 3)])
        assert list(known.jobs) == [1, 2, 3]
        assert [job.begins for job in known.jobs.values()] == [EXCHANGES[0], EXCHANGES[1], EXCHANGES[1]]

    def test_chosen_ones_among_them(self) -> None:
        own = [own_block_computer(2)]
        there = [computer(id_) for id_ in (3, 2, 1)]
        machines = [taken(there[0]), taken(there[2])]
        known = Known(there, Chosen(machines, [], 2), ready(), None, block(3), block_computers=own)
        assert list(known.jobs) == [1, 2, 3]


class TestUsersWhoStay:
    """Where keep_ready runs, the computer is exchanged while a substitute has time."""

    @pytest.mark.parametrize(("minutes", "stays"), [(LONG + LEAVES, False), (LONG + LEAVES - 1, True)])
    def test_those_after_whom_a_long_load_is_done_too_late(self, minutes: int, stays: bool) -> None:
        known = of_own(computer(), reservations=[user_until(minutes)])
        assert (known.by_itself, known.to_exchange) == ((set(), {1}) if stays else ({1}, set()))

    def test_without_keep_ready_the_load_after_them_is_the_best_hope(self) -> None:
        rows = [user_until(int(MEAN) + LEAVES + 1)]
        known = of_own(computer(), policy=ready(is_mended=False), reservations=rows)
        assert (known.by_itself, known.to_exchange) == ({1}, set())

    def test_each_has_a_substitute_that_begins_a_little_earlier(self) -> None:
        there = [computer(id_) for id_ in range(1, 5)]
        rows = [user_until(0, each.id) for each in there]
        known = of_own(*there, reservations=rows)
        assert known.to_exchange == {1, 2, 3, 4}
        assert [job_of(known, each.id).begins for each in there] == [EXCHANGES[0], *[EXCHANGES[1]] * 3]

    def test_one_who_leaves_before_that_is_waited_for(self) -> None:
        """The load after them begins before the substitute's would, long as it may take."""
        known = of_own(computer(), reservations=[user_until(LONG + LEAVES - 1)])
        exchanged = [START - (LONG - 5) * MINUTE]
        (job,) = known.class_jobs.of(known.chosen, exchanged)
        assert job.begins == START - (LONG - 1) * MINUTE

    def test_where_nothing_can_be_exchanged_the_load_after_them_it_is(self) -> None:
        known = of_own(computer(), reservations=[user_until(5)])
        (job,) = known.class_jobs.of(known.chosen, [])
        assert job.begins == START - (5 - LEAVES) * MINUTE
        assert not known.class_jobs.to_exchange

    def test_asked_again_they_are_counted_anew(self) -> None:
        known = of_own(computer(1), computer(2), reservations=[user_until(0, 1), user_until(60, 2)])
        again = known.class_jobs.of(known.chosen, EXCHANGES)
        assert {job.computer_id: job for job in again} == known.jobs
        assert (known.class_jobs.by_itself, known.class_jobs.to_exchange) == ({2}, {1})
