"""What a release did is told in sentences; the words of the records are those of the store."""

import pytest

from blockalloc.pages.release_words import in_sentences
from blockalloc.store.release import Released

pytestmark = [pytest.mark.no_database, pytest.mark.once(on="sqlite")]


@pytest.mark.parametrize(
    ("released", "said"),
    [
        (Released(["c10"], [], 0), "Released 1 computer: c10."),
        (Released(["c10", "c11"], [], 1), "Released 2 computers: c10 and c11. 1 reload was removed."),
        (
            Released(["c10", "c11", "c12"], ["c10"], 2),
            "Released 3 computers: c10, c11 and c12. 2 reloads were removed. The load of c10 goes on.",
        ),
        (
            Released(["c10", "c11"], ["c10", "c11"], 0),
            "Released 2 computers: c10 and c11. The loads of c10 and c11 go on.",
        ),
        (Released([], [], 0), "It had no computers to release."),
    ],
)
def test_a_release(released: Released, said: str) -> None:
    assert in_sentences(str(released)) == said
    assert in_sentences(f"skipped; {released}") == f"Skipped. {said}"


@pytest.mark.parametrize(
    ("rest", "said"),
    [
        ("machines left: 1", "The class has 1 machine left."),
        ("machines left: 0", "The class has 0 machines left."),
        (
            "machines left: 2; in use by now, so left in the class: c12 and c13",
            "The class has 2 machines left. Left in the class: c12 and c13, in use by now.",
        ),
    ],
)
def test_what_is_left(rest: str, said: str) -> None:
    assert in_sentences(f"{Released(['c10'], [], 0)}; {rest}") == f"Released 1 computer: c10. {said}"


def test_other_words_stay() -> None:
    text = "no computer was released; the class has none of those that were chosen"
    assert in_sentences(text) == "No computer was released. The class has none of those that were chosen."
