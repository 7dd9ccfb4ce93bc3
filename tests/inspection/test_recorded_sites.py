"""Recorded sites: after our calls nothing is out of order about the computers that they took."""

from typing import Any

import pytest
from django.test import override_settings

from blockalloc.inspection import Finding, inspect
from tests.golden.replay import now_of, play
from tests.support.recorded import CASES, no_rows_but_the_cases  # noqa: F401 - a fixture

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.once(on="sqlite")]


def about(finding: Finding, taken: set[tuple[Any, Any]]) -> bool:
    """Whether a finding is about a computer that was taken for a block time."""
    subject = finding.subject
    return any((subject.get(key), subject.get("computer")) in taken for key in ("block_time", "other_block_time"))


@pytest.mark.parametrize("name", sorted(CASES)[::3])
def test_our_calls_leave_their_computers_in_order(name: str) -> None:
    calls = play(CASES[name])
    taken = {(row["blockTimeid"], row["computerid"]) for made in calls for row in made.new("blockComputers")}
    with override_settings(TIME_ZONE=CASES[name]["time_zone"]):
        findings = inspect(int(now_of(CASES[name]).timestamp()))
    assert [finding.text for finding in findings if about(finding, taken)] == []
