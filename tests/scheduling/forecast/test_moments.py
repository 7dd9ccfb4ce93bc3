"""A site as time moves on: what it is said to have promised at each moment."""

import pytest

from scheduling.forecast.facts import ForecastFacts
from scheduling.forecast.moments import Moments
from scheduling.windows import DAY
from tests.support.sites import facts
from tests.support.sites.facts import END, HOUR, MINUTE, NOW, START

pytestmark = [pytest.mark.no_database, pytest.mark.once(on="sqlite")]

TODAY, TOMORROW = facts.block(), facts.block(start=START + DAY, end=END + DAY)


def moments(*ends: int) -> Moments:
    """A site with a reservation of an hour and a class's computer that end at each of these times."""
    computers = [facts.computer(id_) for id_, _ in enumerate(ends, 1)]
    reservations = [facts.reservation(id_, end - HOUR, end) for id_, end in enumerate(ends, 1)]
    rows = [facts.block_computer(id_, end - HOUR, end) for id_, end in enumerate(ends, 1)]
    return Moments(ForecastFacts(facts.site(computers, reservations=reservations, block_computers=rows), [], NOW + DAY))


def promised(of: Moments, moment: int, block: facts.Block) -> list[int]:
    """On which computers something is promised then, as each of the four places has it."""
    site = of.at(moment, block)
    ids = [each.computer_id for each in site.reservations]
    assert sorted(row.computer_id for row in site.block_computers) == sorted(ids)
    for by_computer in (of.bookings.reservations, of.bookings.block_computers):
        assert sorted(id_ for id_, rows in by_computer.items() if rows) == sorted(ids)
    return sorted(ids)


def test_at_the_moment_of_the_facts_all_counts_that_is_there() -> None:
    assert promised(moments(NOW - MINUTE, START), NOW, TODAY) == [1, 2]


def test_later_what_is_over_is_gone() -> None:
    site = moments(NOW + HOUR, NOW + HOUR + 1)
    assert promised(site, NOW + HOUR, TODAY) == [2]
    assert promised(site, NOW + HOUR + 1, TODAY) == []


def test_what_begins_long_after_the_block_does_not_matter_yet() -> None:
    site = moments(START, START + DAY)
    assert promised(site, NOW, TODAY) == [1]
    assert promised(site, NOW + DAY, TOMORROW) == [2]


def test_what_has_come_and_gone_between_two_moments_never_mattered() -> None:
    assert promised(moments(NOW + 12 * HOUR), NOW + DAY, TOMORROW) == []


def test_rows_that_are_added() -> None:
    site = moments(START)
    before = site.at(NOW, TODAY)
    site.add([facts.block_computer(7)])
    assert len(before.block_computers) == 1
    assert [row.computer_id for row in site.at(NOW, TODAY).block_computers] == [1, 7]
    assert [row.computer_id for row in site.bookings.block_computers[7]] == [7]
