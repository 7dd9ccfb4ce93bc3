"""When spares are given back, and which computers go."""

from collections.abc import Sequence
from typing import Any

import pytest

from scheduling.upkeep.facts import BlockTimeFacts, WatchedComputer
from scheduling.upkeep.needs import Needs, needs
from scheduling.upkeep.spares import GIVEN_BACK_AFTER, are_due, complete_since, spares, to_give_back
from scheduling.upkeep.target import RecordedCall, Target, target
from tests.support.sites.upkeep_facts import (
    END,
    HOUR,
    LAST,
    MINUTE,
    NOW,
    START,
    block,
    block_time,
    booking,
    computer,
    loaded,
    loading,
    member_booking,
    waiting,
)

pytestmark = [pytest.mark.no_database, pytest.mark.once(on="mariadb")]
AT = START - HOUR


def a_class(*computers: WatchedComputer, machines: int = 3, on_record: int = 2, **changes: Any) -> BlockTimeFacts:
    """A class of so many machines, with so many spares on record."""
    plain = block_time(*computers, **changes)
    return plain._replace(target=Target(machines, ignore_privileges=True, spares=on_record))


def ready(number: int) -> list[WatchedComputer]:
    """So many computers that are ready; the reload of each was written after that of the one before."""
    return [loaded(id_, reload_id=7000 + id_) for id_ in range(1, number + 1)]


def look(facts: BlockTimeFacts, now: int = AT) -> Needs:
    return needs(facts, now)


def since(facts: BlockTimeFacts, last_look: int | None = AT - MINUTE, now: int = AT) -> int | None:
    return complete_since(facts, look(facts, now).conditions, last_look, now)


def due(facts: BlockTimeFacts, now: int = AT) -> bool:
    return are_due(facts, look(facts, now).conditions, now)


def gone(facts: BlockTimeFacts, now: int = AT) -> list[int]:
    return sorted(each.computer.id for each in to_give_back(facts, look(facts, now).conditions))


class TestNumber:
    def test_it_is_what_the_class_has_beyond_the_machines_wanted(self) -> None:
        assert spares(a_class(*ready(5))) == 2

    def test_those_that_were_lost_are_no_longer_there(self) -> None:
        assert spares(a_class(*ready(4))) == 1
        assert spares(a_class(*ready(2))) == 0

    def test_computers_that_nobody_took_as_spares_are_none(self) -> None:
        """Somebody has asked for fewer machines than the class had."""
        assert spares(a_class(*ready(5), on_record=0)) == 0
        assert spares(a_class(*ready(5), machines=1, on_record=1)) == 1

    def test_of_a_cluster_whole_machines_count(self) -> None:
        several = [loaded(id_, image_id=image, current_image_id=image) for id_, image in enumerate([1, 1, 1, 2, 2])]
        facts = a_class(*several, machines=1, block=block(image_ids=(1, 2)))
        assert spares(facts) == 1


class TestOnRecord:
    @pytest.mark.parametrize(
        ("calls", "number"),
        [
            ([RecordedCall("allocate", 3, spares=2)], 2),
            ([RecordedCall("allocate", 3, spares=2), RecordedCall("allocate", 3)], 2),
            ([RecordedCall("allocate", 3), RecordedCall("keep ready", spares=1)], 1),
            ([RecordedCall("allocate", 3, spares=2), RecordedCall("keep ready", spares=-2)], 0),
            ([RecordedCall("allocate", 3, spares=1), RecordedCall("keep ready", spares=-2)], 0),
            ([RecordedCall("allocate", 3, spares=2), RecordedCall("release")], 0),
            ([RecordedCall("allocate", 3, spares=2), RecordedCall("release"), RecordedCall("allocate", 3)], 0),
        ],
    )
    def test_spares_are_those_taken_since_the_last_release(self, calls: Sequence[RecordedCall], number: int) -> None:
        assert target(calls, 3).spares == number

    def test_what_keep_ready_takes_changes_nothing_else(self) -> None:
        calls = [RecordedCall("allocate", 2, ignore_privileges=False), RecordedCall("keep ready", spares=1)]
        assert target(calls, 3) == Target(2, ignore_privileges=False, spares=1)


class TestComplete:
    def test_from_the_first_look_that_sees_all_machines_ready(self) -> None:
        assert since(a_class(*ready(5))) == AT

    def test_from_then_on_while_looks_follow_one_another(self) -> None:
        assert since(a_class(*ready(5), complete_since=AT - 5 * MINUTE)) == AT - 5 * MINUTE

    def test_a_spare_that_is_not_ready_does_not_matter(self) -> None:
        assert since(a_class(*ready(3), waiting(4), waiting(5))) == AT

    def test_not_while_a_machine_is_wanting(self) -> None:
        assert since(a_class(*ready(2), waiting(3), waiting(4), complete_since=AT - 5 * MINUTE)) is None

    @pytest.mark.parametrize("last", [None, AT - 4 * MINUTE, AT + MINUTE])
    def test_anew_after_a_time_without_looks(self, last: int | None) -> None:
        assert since(a_class(*ready(5), complete_since=AT - 14 * MINUTE), last_look=last) == AT

    def test_a_class_without_spares_is_not_watched(self) -> None:
        assert since(a_class(*ready(3))) is None


class TestDue:
    def test_after_fifteen_minutes_and_not_before(self) -> None:
        facts = a_class(*ready(5), complete_since=AT)
        assert not due(facts, AT + GIVEN_BACK_AFTER - 1)
        assert due(facts, AT + GIVEN_BACK_AFTER)

    def test_not_when_a_computer_has_just_failed(self) -> None:
        failed = [each._replace(facts=each.facts._replace(state="failed")) for each in ready(5)[:3]]
        assert not due(a_class(*failed, *ready(5)[3:], complete_since=AT - HOUR))

    def test_after_the_start_too(self) -> None:
        used = [loaded(id_, bookings=[member_booking(START, END)], state="inuse") for id_ in (1, 2, 3)]
        assert due(a_class(*used, loaded(4), complete_since=START - 10 * MINUTE), START + 6 * MINUTE)


class TestWhichGo:
    def test_those_that_are_not_ready_go_first(self) -> None:
        assert gone(a_class(waiting(1), loading(2, begun=AT - MINUTE), *ready(5)[2:])) == [1, 2]

    def test_then_those_that_were_chosen_last(self) -> None:
        assert gone(a_class(*ready(5))) == [4, 5]
        assert gone(a_class(*reversed(ready(5)))) == [4, 5]

    def test_the_least_hopeful_ones_first(self) -> None:
        failed = computer(9, state="failed")
        assert gone(a_class(*ready(4), failed, on_record=1)) == [9]

    def test_no_more_than_there_are(self) -> None:
        assert gone(a_class(*ready(3))) == []

    def test_none_that_a_member_uses(self) -> None:
        used = [each._replace(bookings=[member_booking(AT - MINUTE, END)]) for each in ready(5)[3:]]
        assert gone(a_class(*ready(3), *used)) == [2, 3]

    def test_none_that_somebody_is_just_reserving(self) -> None:
        four = ready(5)[3]._replace(live_semaphore=True)
        assert gone(a_class(*ready(3), four, ready(5)[4])) == [3, 5]

    def test_of_a_cluster_as_many_for_each_image(self) -> None:
        several = [
            loaded(id_, image_id=image, current_image_id=image, reload_id=7000 + id_)
            for id_, image in enumerate([1, 1, 1, 2, 2, 2])
        ]
        facts = a_class(*several, machines=2, on_record=1, block=block(image_ids=(1, 2)))
        assert gone(facts) == [2, 5]


class TestNeeds:
    def test_a_computer_that_a_spare_makes_up_for_is_given_up_without_another_one(self) -> None:
        needed = look(a_class(*ready(3), computer(4, state="failed"), waiting(5)))
        assert [each.computer.id for each in needed.give_up] == [4]
        assert needed.missing == 0

    def test_when_more_are_lost_than_there_are_spares_others_are_needed(self) -> None:
        lost = [computer(id_, state="failed") for id_ in (3, 4, 5)]
        needed = look(a_class(*ready(2), *lost))
        assert len(needed.give_up) == 3
        assert needed.missing == 1

    def test_one_that_will_be_late_goes_when_a_substitute_would_have_to_load(self) -> None:
        stays = waiting(4, bookings=[booking(NOW, START)])
        facts = a_class(*ready(3), stays, on_record=1)
        assert look(facts, LAST - MINUTE).is_met
        needed = look(facts, LAST)
        assert [each.computer.id for each in needed.give_up] == [4]
        assert needed.missing == 0

    def test_a_doubtful_computer_is_no_risk_while_spares_make_up_for_it(self) -> None:
        stays = waiting(4, bookings=[booking(NOW, START)])
        assert look(a_class(*ready(3), stays, on_record=1), LAST - MINUTE).at_risk == []
        assert len(look(a_class(*ready(2), stays, on_record=1), LAST - MINUTE).at_risk) == 1
