"""How many computers of a class were used: sums of intervals, compared with a count second by second."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scheduling.upkeep.usage import Usage, Use, usage
from tests.support.properties import PROFILE

pytestmark = [pytest.mark.no_database, pytest.mark.once(on="sqlite")]

START, END = 100, 200


def use(computer: int, start: int, end: int) -> Use:
    return Use(computer, start, end)


@pytest.mark.parametrize(
    ("uses", "expected"),
    [
        ([], Usage(0, 0.0)),
        ([use(1, 0, 300)], Usage(1, 1.0)),  # only the time of the class counts
        ([use(1, 100, 150), use(2, 150, 200)], Usage(1, 1.0)),  # one leaves as the other comes
        ([use(1, 100, 150), use(2, 149, 200)], Usage(2, 1.01)),
        ([use(1, 100, 150), use(1, 120, 160)], Usage(1, 0.6)),  # the same computer twice
        ([use(1, 0, 100), use(2, 200, 300)], Usage(0, 0.0)),
        ([use(1, 180, 120)], Usage(0, 0.0)),  # an end before its start
    ],
)
def test_examples(uses: list[Use], expected: Usage) -> None:
    assert usage(uses, START, END) == expected


moments = st.integers(-5, 25)


@PROFILE
@given(st.lists(st.builds(Use, st.integers(1, 5), moments, moments), max_size=12), st.integers(1, 20))
def test_usage_is_what_counting_each_second_gives(uses: list[Use], length: int) -> None:
    counts = [len({each.computer_id for each in uses if each.start <= second < each.end}) for second in range(length)]
    result = usage(uses, 0, length)
    assert result.peak == max(counts)
    assert result.mean == pytest.approx(sum(counts) / length)
