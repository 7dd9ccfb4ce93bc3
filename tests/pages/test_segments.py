"""The bar of a class has a part for each computer that it has or lacks."""

import pytest

from blockalloc.pages.segments import segments
from scheduling.class_numbers import ClassNumbers

pytestmark = [pytest.mark.no_database, pytest.mark.once(on="sqlite")]


def parts(numbers: ClassNumbers, per_machine: int = 1) -> list[tuple[str, int, int]]:
    return [(part.kind, part.number, part.x) for part in segments(numbers, per_machine).parts]


def test_parts_stand_side_by_side_and_empty_ones_are_left_out() -> None:
    numbers = ClassNumbers(
        20, 18, 17, 6, computers={"loaded": 6, "loading": 7, "waiting": 3, "overdue": 1, "failed": 1}
    )
    assert parts(numbers) == [
        ("loaded", 6, 0),
        ("loading", 7, 6),
        ("waiting", 4, 13),
        ("failed", 1, 17),
        ("missing", 2, 18),
    ]
    assert segments(numbers).whole == 20


@pytest.mark.parametrize(
    ("computers", "missing"),
    [(0, 12), (3, 9), (7, 5)],  # two whole machines and one of three computers
)
def test_clusters_lack_computers(computers: int, missing: int) -> None:
    numbers = ClassNumbers(4, computers // 3, computers // 3, 0, computers={"waiting": computers})
    assert parts(numbers, 3)[-1] == ("missing", missing, computers)


def test_spares_are_no_machines_that_are_missing() -> None:
    assert parts(ClassNumbers(2, 2, 2, 2, spares=1, computers={"loaded": 3})) == [("loaded", 3, 0)]
