"""Which loads a look sees begin, go on and end."""

from typing import Any

import pytest

from scheduling.upkeep.seen_loads import AT_WORK, DROPPED, FAILED, LOADED, UNKNOWN, LoadFacts, NewLoad, seen_loads

pytestmark = [pytest.mark.no_database, pytest.mark.once(on="sqlite")]

NOW, START = 10_000, 9_000
OLD, PRODUCTION, OTHER = 11, 12, 99  # revisions
NOTED = 5


def load(**values: Any) -> LoadFacts:
    """A reload of a block computer, which holds another image; its request is gone."""
    usual = {"request_id": 1, "computer_id": 2, "hostname": "vm2", "image_id": 10, "revision_id": OLD, "node_id": 3}
    usual |= {"provisioning": "xcat", "start": START, "production_id": PRODUCTION, "current_revision_id": OTHER}
    return LoadFacts(**{**usual, "block_time_id": 7, **values})


def outcome(**values: Any) -> str | None:
    """What becomes of a load that was seen at work."""
    seen = seen_loads([load(noted_id=NOTED, **values)], NOW)
    assert not seen.new
    if seen.at_work == [NOTED]:
        return AT_WORK
    ((id_, its_outcome),) = seen.over
    assert id_ == NOTED
    return its_outcome


def new(**values: Any) -> NewLoad | None:
    """The load that a look notes for the first time, None for none."""
    seen = seen_loads([load(**values)], NOW)
    assert not seen.at_work
    assert not seen.over
    return next(iter(seen.new), None)


# --- loads that were seen at work ---------------------------------------------------------------


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        ({"is_begun": True, "state": "reloading"}, AT_WORK),
        (
            {"is_begun": True, "state": "available", "current_revision_id": PRODUCTION},
            AT_WORK,
        ),  # about to end
        ({"is_begun": True, "state": "reloading", "row_is_lost": True}, AT_WORK),  # released while it loads
        ({"current_revision_id": PRODUCTION}, LOADED),
        ({"current_revision_id": OLD}, LOADED),  # a new production revision meanwhile
        ({"current_revision_id": PRODUCTION, "state": "inuse"}, LOADED),
        ({"current_revision_id": PRODUCTION, "row_is_lost": True}, LOADED),
        ({"current_revision_id": PRODUCTION, "state": "failed"}, FAILED),
        ({"state": "failed"}, FAILED),
        ({"is_begun": True, "has_failed_step": True, "state": "reloading"}, FAILED),
        ({"has_failed_step": True, "current_revision_id": PRODUCTION}, FAILED),  # a preload that is tried again
        ({"row_is_lost": True}, FAILED),  # the image could not be fetched: the computer is available
        ({}, DROPPED),
        ({"state": "inuse"}, DROPPED),
        ({"state": "reserved"}, DROPPED),
        ({"state": "reloading"}, UNKNOWN),  # by another request
        ({"state": "maintenance"}, UNKNOWN),
        ({"state": "deleted"}, UNKNOWN),
        ({"state": ""}, UNKNOWN),
    ],
)
def test_outcomes(values: dict[str, Any], expected: str) -> None:
    assert outcome(**values) == expected


# --- loads that are new -------------------------------------------------------------------------


def test_a_load_begins_with_its_first_step() -> None:
    seen = new(is_begun=True, state="reloading", load_begun=9_500)
    assert seen is not None
    assert (seen.begun, seen.is_exact, seen.outcome) == (9_500, True, AT_WORK)


@pytest.mark.parametrize(("start", "begun"), [(START, START), (NOW + 60, NOW)])
def test_without_a_step_it_begins_by_the_request(start: int, begun: int) -> None:
    seen = new(is_begun=True, state="reloading", start=start)
    assert seen is not None
    assert (seen.begun, seen.is_exact) == (begun, False)


def test_a_reload_that_waits_for_a_user_to_leave_is_no_load_yet() -> None:
    assert new(is_begun=True, state="inuse") is None


def test_what_an_earlier_look_saw_end_is_not_noted_again() -> None:
    lingering = {"load_begun": 9_500, "last_over": 9_900}
    assert new(is_begun=True, has_failed_step=True, **lingering) is None
    assert new(**lingering) is None
    assert new(last_over=9_900) is None


def test_a_load_that_is_tried_again_is_another_one() -> None:
    seen = new(is_begun=True, state="reloading", load_begun=9_950, last_over=9_300)
    assert seen is not None
    assert (seen.begun, seen.outcome) == (9_950, AT_WORK)


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        ({"load_begun": 9_980, "current_revision_id": PRODUCTION}, LOADED),
        ({"load_begun": 9_980, "has_failed_step": True, "is_begun": True}, FAILED),
        ({"load_begun": 9_980, "row_is_lost": True}, FAILED),
        ({"state": "failed", "row_is_lost": True}, FAILED),
        ({"state": "failed"}, None),  # by something else
        ({"row_is_lost": True}, None),  # perhaps withdrawn
        ({"current_revision_id": PRODUCTION}, None),  # it had the image: nothing was loaded
        ({"state": "inuse"}, DROPPED),  # a user was there
        ({"state": "maintenance"}, None),
    ],
)
def test_loads_that_are_over_before_a_look_sees_them(values: dict[str, Any], expected: str | None) -> None:
    seen = new(**values)
    assert (seen.outcome if seen else None) == expected


def test_what_is_loaded_on_a_computer_of_a_class_is_the_production_revision() -> None:
    assert load().loads_revision_id == PRODUCTION
    assert load(block_time_id=None).loads_revision_id == OLD
    assert load(production_id=0).loads_revision_id == OLD
