"""Words that several texts are made of."""

import pytest

from scheduling import wording

pytestmark = [pytest.mark.no_database, pytest.mark.once(on="mariadb")]


@pytest.mark.parametrize(
    ("reason", "of_two"),
    [
        ("it is in state failed", "they are in state failed"),
        (
            "it does not hold the image, and nothing will load it",
            "they do not hold the image, and nothing will load it",
        ),
        ("its reload should have begun at 08:20", "their reloads should have begun at 08:20"),
        ("its management node mn1 has never checked in", "their management node mn1 has never checked in"),
        ("request 4 has reserved it", "request 4 has reserved it"),
    ],
)
def test_a_reason_for_several_computers(reason: str, of_two: str) -> None:
    assert wording.said_of(1, reason) == reason
    assert wording.said_of(2, reason) == of_two


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (wording.allocated(18, 20), "18 of 20 machines"),
        (wording.allocated(20, 20, 2), "20 of 20 machines and 2 spares"),
        (wording.allocated(1, 1, 1), "1 of 1 machine and 1 spare"),
        (wording.of_asked(18, 20, 20), "18 of 20 machines"),
        (wording.of_asked(17, 18, 20), "17 of 18 machines asked for, of 20 that the series wants"),
        (wording.missing(2, 20), "2 of 20 machines missing"),
        (wording.missing(3, 20, 1), "3 of 20 machines missing (1 of them with a failed computer)"),
        (wording.missing(1, 20, 1), "1 of 20 machines missing"),
        (wording.usable(17, 20), "17 of 20 machines are usable"),
        (wording.usable(1, 20), "1 of 20 machines is usable"),
        (wording.usable(0, 1), "0 of 1 machine is usable"),
        (wording.could_be_allocated(18, 20), "18 of 20 machines could be allocated"),
    ],
)
def test_machines_of_a_class(text: str, expected: str) -> None:
    assert text == expected
