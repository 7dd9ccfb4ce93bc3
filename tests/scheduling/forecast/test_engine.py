"""The rules of a forecast one by one."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import pytest

from scheduling.facts import Block, Computer, Fleet
from scheduling.forecast.engine import TOO_LATE, Beside, beside, forecast
from scheduling.forecast.facts import ClassAsked, ClassForecast, ForecastFacts
from scheduling.reasons import Reason
from scheduling.windows import DAY
from tests.support.sites import facts, ready
from tests.support.sites.facts import CALLER, END, GROUP, HOUR, LOAD, MINUTE, NOW, START

pytestmark = [pytest.mark.no_database, pytest.mark.once(on="sqlite")]

AHEAD = 6 * HOUR
PC = range(1, 7)


def class_(id_: int = 501, machines: int = 2, start: int = START, end: int | None = None, **changes: Any) -> ClassAsked:
    """A class of two hours that the back end asks for."""
    images = changes.pop("images", [facts.image()])
    block = Block(id_, start, start + 2 * HOUR if end is None else end, GROUP, images, machines)
    return ClassAsked(block, id_ + 1000, f"class {id_}", max(start - AHEAD, NOW))._replace(**changes)


def made(*classes: ClassAsked, computers: Sequence[Computer] | None = None, **changes: Any) -> list[ClassForecast]:
    """The forecast of a site of six computers."""
    return forecast(known(*classes, computers=computers, **changes))


def known(*classes: ClassAsked, computers: Sequence[Computer] | None = None, **changes: Any) -> ForecastFacts:
    """The facts of that site."""
    members = changes.pop("members", {})
    site = facts.site([facts.computer(id_) for id_ in PC] if computers is None else computers, **changes)
    return ForecastFacts(site, classes, NOW + 30 * DAY, members, {1: LOAD, 2: LOAD})


def machines(of: Sequence[ClassForecast]) -> list[int]:
    """The machines of each class."""
    return [each.machines for each in of]


def computers(of: ClassForecast) -> list[int]:
    """The computers of a class."""
    return sorted(row.computer_id for row in of.computers)


class TestOrder:
    def test_what_one_class_has_the_next_one_lacks(self) -> None:
        exam, course = made(class_(501, 5), class_(502, 4, start=START + HOUR))
        assert (exam.machines, exam.missing, exam.stopped_by) == (5, 0, None)
        assert (course.machines, course.missing, course.fit) == (1, 3, 6)
        assert course.stopped_by is not None
        assert course.stopped_by.rule == "no_computer"
        assert [(each.kind, each.id, each.computers) for each in course.in_the_way] == [("block time", 501, 5)]
        assert course.lost == {"other_block": 5}

    def test_who_is_asked_for_first_is_served_first_whatever_the_order_of_the_facts(self) -> None:
        assert machines(made(class_(501, 4, start=START + HOUR), class_(502, 4))) == [2, 4]

    def test_of_classes_that_start_together_the_lower_id_is_first(self) -> None:
        assert machines(made(class_(502, 4), class_(501, 4))) == [2, 4]

    def test_a_class_that_is_over_gives_its_computers_back(self) -> None:
        assert machines(made(class_(501, 6), class_(502, 6, start=END + HOUR))) == [6, 6]

    def test_time_moves_forward_only(self) -> None:
        from scheduling.forecast.moments import Moments

        moments = Moments(known())
        moments.at(NOW + 60, class_().block)
        with pytest.raises(ValueError, match="time moves forward only"):
            moments.at(NOW + 59, class_().block)


class TestWhatPasses:
    LATER = START + DAY

    def test_reservations_count_until_they_are_over(self) -> None:
        booked = [facts.reservation(id_, NOW, self.LATER - 7 * HOUR) for id_ in PC]
        assert machines(made(class_(501, 6), class_(502, 6, start=self.LATER), reservations=booked)) == [0, 6]

    def test_people_who_use_computers_now_have_gone_by_then(self) -> None:
        there = [facts.computer(id_, state="inuse") for id_ in PC]
        late = class_(501, 6, start=NOW + 10 * MINUTE)
        assert machines(made(late, class_(502, 6, start=self.LATER), computers=there)) == [0, 6]

    def test_computers_out_of_service_stay_so(self) -> None:
        there = [facts.computer(id_, state="maintenance" if id_ < 3 else "available") for id_ in PC]
        (later,) = made(class_(501, 6, start=self.LATER), computers=there)
        assert (later.machines, later.fit, later.lost) == (4, 4, {"usable_state": 2})

    def test_claims_of_this_moment_are_gone(self) -> None:
        assert machines(made(class_(501, 6), claimed=frozenset(PC))) == [6]

    def test_nodes_that_are_alive_stay_so(self) -> None:
        assert machines(made(class_(501, 6, start=START + 20 * DAY))) == [6]

    def test_site_maintenance_stops_everything(self) -> None:
        closed = [facts.maintenance(self.LATER - HOUR, self.LATER + HOUR)]
        (later,) = made(class_(501, 2, start=self.LATER), maintenances=closed)
        assert later.stopped_by is not None
        assert (later.machines, later.stopped_by.rule) == (0, "maintenance")

    def test_recent_failures_are_forgotten(self) -> None:
        failed = {(CALLER, image): frozenset({1}) for image in (1, 2)}
        other = class_(502, 1, start=self.LATER, images=[facts.image(2)])
        soon, later = made(class_(501, 1), other, recent_failures=failed)
        assert (computers(soon), computers(later)) == ([2], [1])


class TestWhatIsLoaded:
    OTHER = facts.image(2)

    def test_a_class_takes_the_computers_that_the_one_before_has_loaded(self) -> None:
        first = [class_(501, 1, images=[self.OTHER]), class_(502, 2, start=START)]
        again = class_(503, 2, start=START + DAY)
        _, before, after = made(*first, again)
        assert computers(before) == computers(after) == [2, 3]

    @pytest.mark.parametrize(("asked_before", "taken"), [(11, 1), (10, 2)])
    def test_not_before_the_load_is_over(self, asked_before: int, taken: int) -> None:
        loading = class_(501, 1, images=[self.OTHER]), class_(502, 1, start=START + HOUR)
        next_one = class_(503, 1, start=START + HOUR + AHEAD - asked_before * MINUTE)
        *_, after = made(*loading, next_one)
        assert computers(after) == [taken]

    def test_that_of_a_class_that_was_allocated_before(self) -> None:
        row = facts.block_computer(5, START, END, block_time_id=501, image_id=1)
        _, after = made(class_(501, 1), class_(502, 1, start=START + DAY), block_computers=[row])
        assert computers(after) == [5]


class TestAllocated:
    ROWS = [facts.block_computer(id_, START, END, block_time_id=501, image_id=1) for id_ in (5, 6)]

    def test_it_keeps_what_it_has_and_gets_what_it_lacks(self) -> None:
        (both,) = made(class_(501, 3), block_computers=self.ROWS)
        assert (both.had_before, both.machines, computers(both)) == (2, 3, [1, 5, 6])

    def test_one_that_is_refused_gets_nothing_more(self) -> None:
        why = Reason("not_asked", "nobody asks")
        (kept,) = made(class_(501, 3, refused=why), block_computers=self.ROWS)
        assert (kept.machines, kept.missing, kept.stopped_by) == (2, 1, why)

    def test_one_that_was_released_lacks_nothing(self) -> None:
        (released,) = made(class_(501, 0))
        assert (released.machines, released.missing, released.stopped_by) == (0, 0, None)

    def test_spares_are_no_machines(self) -> None:
        (both,) = made(class_(501, 1), block_computers=self.ROWS)
        assert (both.had_before, both.machines, computers(both)) == (2, 1, [5, 6])

    def test_in_its_second_half_nothing_is_loaded_any_more(self) -> None:
        now = {"start": NOW - HOUR, "end": NOW + 10 * MINUTE, "asked_at": NOW}
        on = class_(501, 2, **now)
        assert machines(made(on)) == [2]  # the back end asks for what it has not asked for
        (late,) = made(on._replace(asked_by="keep_ready"))
        assert (late.machines, late.stopped_by) == (0, TOO_LATE)


class TestPolicyReady:
    @pytest.mark.parametrize("until", [30, 1, -15])
    def test_computers_that_are_free_late_are_taken_last(self, until: int) -> None:
        booked = [facts.reservation(1, NOW, START - (15 + until) * MINUTE)]
        site: dict[str, Any] = {"reservations": booked, "ready_policy": ready.ready()}
        all_of_them, one = made(class_(501, 6), **site), made(class_(501, 1), **site)
        assert machines(all_of_them) == [5 if until < 0 else 6]
        assert computers(one[0]) == ([1] if until == 30 else [2])

    def test_too_little_time_is_said(self) -> None:
        late = class_(501, 2, start=NOW + 5 * MINUTE)
        (hurried,) = made(late, ready_policy=ready.ready())
        assert (hurried.machines, hurried.is_late) == (2, True)
        (calm,) = made(class_(501, 2), ready_policy=ready.ready())
        assert not calm.is_late

    def test_loads_begin_before_the_start_and_not_all_at_once(self) -> None:
        (many,) = made(class_(501, 6), ready_policy=ready.ready({1: 2}))
        begins = [row.reload_start for row in many.computers]
        assert NOW <= min(begins) < max(begins) < START


class TestBeside:
    def test_a_further_class_has_what_the_others_leave(self) -> None:
        others = class_(501, 4), class_(502, 1, start=START + HOUR)
        site = known(*others)
        further = replace(class_(0, 4).block, block_time_id=0)
        one = beside(site, forecast(site), further, ignore_privileges=True)
        assert (one.machines, one.missing, one.fit, one.asked.id) == (1, 3, 6, 0)
        assert {each.id for each in one.in_the_way} == {501, 502}

    def test_several_dates_know_nothing_of_one_another(self) -> None:
        site = known(class_(501, 4))
        dates = Beside(site, forecast(site))
        later = replace(class_(0, 6).block, block_time_id=0, start=START + DAY, end=END + DAY)
        again = replace(class_(0, 6).block, block_time_id=0)
        every = [dates.of(block, ignore_privileges=True).machines for block in (later, again, later)]
        assert every == [6, 2, 6]


def test_the_facts_are_left_as_they_are() -> None:
    there = known(class_(501, 3), class_(502, 3, start=START + DAY))
    before = [*there.site.computers.values()]
    forecast(there)
    assert [*Fleet.of_rows(before).values()] == [*there.site.computers.values()]
