"""Warnings in words for staff: true of a class that had machines before; in records of every release."""

import pytest

from blockalloc.contract.messages import WARNING_LATE, WARNING_NOTHING_ALLOCATED
from blockalloc.contract.warnings import in_words, record_in_words, without_warning

pytestmark = [pytest.mark.no_database, pytest.mark.once(on="sqlite")]

LATE, NOTHING = WARNING_LATE[0], WARNING_NOTHING_ALLOCATED[0]
WHY = "no further computer passes all rules. Really"
OURS = "no further machine could be allocated: 18 of 20 machines"


@pytest.mark.parametrize(
    ("code", "allocated", "wanted", "words"),
    [
        (NOTHING, 18, 20, OURS),
        (NOTHING, 0, 20, "no machine could be allocated"),
        (LATE, 18, 20, WARNING_LATE[1]),
    ],
)
def test_what_a_warning_says(code: int, allocated: int, wanted: int, words: str) -> None:
    assert in_words(code, allocated, wanted) == words
    assert without_warning(code, words) == ""
    assert without_warning(code, f"{words}. {WHY}") == WHY


@pytest.mark.parametrize(
    ("code", "text"),
    [(NOTHING, f"{WARNING_NOTHING_ALLOCATED[1]}. {WHY}"), (LATE, f"{WARNING_LATE[1]}. {WHY}"), (None, WHY),
     (NOTHING, WHY), (64, WHY)],
)  # fmt: skip
def test_reasons_of_records(code: int | None, text: str) -> None:
    assert without_warning(code, text) == WHY


@pytest.mark.parametrize(
    ("code", "text", "allocated", "wanted", "shown"),
    [
        (NOTHING, f"{WARNING_NOTHING_ALLOCATED[1]}. {WHY}", 18, 20, f"{OURS}. {WHY}"),
        (NOTHING, WARNING_NOTHING_ALLOCATED[1], 18, 20, OURS),
        (NOTHING, f"{OURS}. {WHY}", 18, 20, f"{OURS}. {WHY}"),
        (LATE, f"{WARNING_LATE[1]}. {WHY}", 18, 20, f"{WARNING_LATE[1]}. {WHY}"),
        (NOTHING, WARNING_NOTHING_ALLOCATED[1], None, None, WARNING_NOTHING_ALLOCATED[1]),
        (64, WHY, None, 20, WHY),
    ],
)
def test_records_of_earlier_releases_say_what_was_true(
    code: int, text: str, allocated: int | None, wanted: int | None, shown: str
) -> None:
    assert record_in_words(code, text, allocated, wanted) == shown
