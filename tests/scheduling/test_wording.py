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
