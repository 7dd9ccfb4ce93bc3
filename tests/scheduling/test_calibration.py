"""What was said of classes, and what came."""

import pytest

from scheduling.calibration import EDGES, ClassSaid, calibration, wilson

pytestmark = [pytest.mark.no_database, pytest.mark.once(on="mariadb")]


def said(last: float | None, ready: int | None, image: str = "Ubuntu", nodes: str = "", had: int = 10) -> ClassSaid:
    return ClassSaid(image, had, ready, None, last, frozenset(nodes.split()))


def test_the_interval_of_wilson() -> None:
    assert wilson(9, 10) == pytest.approx((0.5958, 0.9821), abs=1e-4)
    assert wilson(0, 10) == pytest.approx((0.0, 0.2775), abs=1e-4)
    assert wilson(10, 10) == pytest.approx((0.7225, 1.0), abs=1e-4)
    assert wilson(0, 0) == (0, 1)


@pytest.mark.parametrize(
    ("value", "number"), [(0.0, 0), (0.499, 0), (0.5, 1), (0.8, 2), (0.9, 3), (0.95, 4), (0.979, 4), (0.98, 5), (1, 5)]
)
def test_a_probability_is_in_one_bin(value: float, number: int) -> None:
    bins = calibration([said(value, 10)]).all.last.bins
    assert [each.tally.classes for each in bins] == [int(place == number) for place in range(len(EDGES) - 1)]


def test_means_shares_and_seats() -> None:
    report = calibration([said(0.91, 10), said(0.93, 9), said(0.94, 12), said(0.3, 0)])
    tally = report.all.last.bins[3].tally
    assert (tally.classes, tally.came, tally.seats, tally.seats_ready) == (3, 2, 30, 29)
    assert tally.said == pytest.approx(0.92666, abs=1e-4)
    assert tally.share == pytest.approx(2 / 3)
    assert (tally.low, tally.high) == wilson(2, 3)
    assert (report.all.last.all.classes, report.all.last.all.came) == (4, 2)
    assert (report.seats, report.seats_ready) == (40, 29)


def test_the_two_looks_are_counted_apart() -> None:
    report = calibration([ClassSaid("Ubuntu", 10, 10, 0.6, 0.99), ClassSaid("Ubuntu", 10, 10, None, 0.99)])
    assert (report.all.at_allocation.all.classes, report.all.last.all.classes) == (1, 2)
    assert report.all.at_allocation.bins[1].tally.came == 1


def test_what_nobody_looked_at_or_spoke_of_does_not_count() -> None:
    report = calibration([said(0.9, None), said(None, 10), said(0.9, 0, had=0)])
    assert (report.begun, report.looked_at, report.seats, report.counted) == (2, 1, 10, 0)
    assert not report.by_image
    assert report.all.last.all.share is None


def test_a_class_counts_for_its_image_and_each_of_its_nodes() -> None:
    report = calibration([said(0.9, 10, nodes="mn1 mn2"), said(0.9, 3, "Debian", nodes="mn2")])
    assert {name: group.last.all.classes for name, group in report.by_image.items()} == {"Debian": 1, "Ubuntu": 1}
    assert {name: (group.last.all.classes, group.last.all.came) for name, group in report.by_node.items()} == {
        "mn1": (1, 1),
        "mn2": (2, 1),
    }
