"""Classes of one image that together want more than there is."""

from scheduling.forecast.collisions import Collision, Wanted, collisions
from scheduling.windows import HOUR

EXAM = Wanted(1, 7, 9 * HOUR, 11 * HOUR, 50, 68, is_short=True)
LAB = Wanted(2, 7, 9 * HOUR, 11 * HOUR, 20, 68, is_short=False)


def test_the_exam_and_the_lab() -> None:
    assert collisions([LAB, EXAM]) == [Collision(7, 9 * HOUR, 70, 68, [1, 2])]


def test_there_is_none_where_computers_suffice_or_hours_or_images_differ() -> None:
    for lab in (
        LAB._replace(machines=18),
        LAB._replace(start=11 * HOUR, end=12 * HOUR),
        LAB._replace(image_id=8),
    ):
        assert collisions([EXAM, lab]) == []


def test_one_class_alone_is_none() -> None:
    assert collisions([EXAM._replace(machines=80)]) == []


def test_classes_of_which_all_have_their_machines_are_none() -> None:
    assert collisions([EXAM._replace(is_short=False), LAB]) == []


def test_where_nobody_has_counted_the_computers_there_is_none() -> None:
    assert collisions([EXAM._replace(fit=0), LAB._replace(fit=0)]) == []
    assert collisions([EXAM, LAB._replace(fit=0)])[0].fit == 68


def test_the_moment_with_the_most_machines_counts() -> None:
    later = Wanted(3, 7, 10 * HOUR, 12 * HOUR, 30, 68, is_short=True)
    assert collisions([LAB, EXAM, later]) == [Collision(7, 10 * HOUR, 100, 68, [1, 2, 3])]
    much_later = Wanted(4, 7, 11 * HOUR, 13 * HOUR, 40, 68, is_short=False)
    assert collisions([LAB, EXAM, later, much_later]) == [Collision(7, 10 * HOUR, 100, 68, [1, 2, 3])]


def test_collisions_without_a_common_class_are_two() -> None:
    again = [
        each._replace(block_time_id=number, start=each.start + 48 * HOUR, end=each.end + 48 * HOUR)
        for number, each in ((11, EXAM), (12, LAB))
    ]
    assert [each.at for each in collisions([EXAM, LAB, *again])] == [9 * HOUR, 57 * HOUR]
