"""What goes wrong between allocation and class is mended by the next looks (SPEC 9.1 to 9.4)."""

from collections.abc import Iterator

import pytest

from blockalloc.models import Decision
from tests.support.sites.back_end_stage import C0, C1, C2, HOUR, MINUTE, OTHER_IMAGE
from tests.support.sites.morning import END, START, Morning, morning

# On MariaDB, to load a site commits, and a morning takes many seconds: there half of them are played, under one policy.
pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def site() -> Iterator[Morning]:
    """Eight computers, of which the class wants four; they have another image loaded."""
    with morning(computers=8) as stage:
        stage.send("UPDATE computer SET currentimageid = %s, imagerevisionid = %s", OTHER_IMAGE, OTHER_IMAGE)
        yield stage


@pytest.mark.usefixtures("policy")
@pytest.mark.once(on="sqlite")
def test_a_quiet_morning_needs_no_change(site: Morning) -> None:
    site.until("14:00", since="07:55")
    assert site.ready() == 4
    assert site.done == []


@pytest.mark.usefixtures("policy_of_the_run")
def test_a_failed_load_is_made_up_for(site: Morning) -> None:
    site.failing = {C0 + 3: 1}  # the first to be loaded
    site.until("14:00", since="07:55")
    assert site.ready() == 4
    assert C0 + 3 not in site.block_computers(10)
    assert len(site.done) == 1


@pytest.mark.usefixtures("policy")
@pytest.mark.once(on="sqlite")
def test_a_service_that_could_not_be_reached_is_made_up_for(site: Morning) -> None:
    site.down = True
    site.until("08:01", since="07:55")
    assert site.asked
    site.down = False
    site.until("14:00")
    assert site.ready() == 4


@pytest.mark.usefixtures("policy_of_the_run")
def test_a_class_that_was_due_while_the_service_was_away_is_had_minutes_later(site: Morning) -> None:
    """The back end asks six times within half a minute, and never again: no call about the class is on record."""
    site.down = True
    site.until("08:01", since="07:55")
    assert len(site.asked) == 6
    assert site.send("SELECT processed FROM blockTimes WHERE id = 10")[0][0] == 1
    site.until("08:03")
    assert len(site.block_computers(10)) == 4
    assert [*Decision.objects.values_list("action", flat=True)] == [Decision.KEEP_READY]
    assert len(site.asked) == 6


@pytest.mark.usefixtures("policy_of_the_run")
def test_a_class_that_was_due_while_everything_was_away_is_had_by_the_first_look(site: Morning) -> None:
    """Neither the service nor keep_ready ran, for hours."""
    site.down, site.keeps = True, False
    site.until("11:00", since="07:55")
    assert (len(site.asked), site.block_computers(10)) == (6, [])
    site.look()
    assert len(site.block_computers(10)) == 4


@pytest.mark.usefixtures("policy_of_the_run")
def test_a_computer_in_maintenance_is_exchanged_at_once(site: Morning) -> None:
    site.until("09:00", since="07:55")
    site.set(C1, stateid=10)
    site.until("09:01")
    assert C1 not in site.block_computers(10)
    assert len(site.block_computers(10)) == 4
    site.until("14:00")
    assert site.ready() == 4


@pytest.mark.usefixtures("policy")
@pytest.mark.once(on="sqlite")
@pytest.mark.parametrize("policy", ["vcl"], indirect=True)  # under `ready`: see test_planning
def test_a_user_who_stays_too_long_is_waited_for_as_long_as_there_is_time(site: Morning) -> None:
    site.until("11:00", since="07:55")
    site.use(C2, START - 3 * HOUR, START, image=OTHER_IMAGE)
    site.until("13:37")
    assert C2 in site.block_computers(10)
    site.until("13:41")
    assert C2 not in site.block_computers(10)
    site.until("14:00")
    assert site.ready() == 4


@pytest.mark.usefixtures("policy")
@pytest.mark.once(on="sqlite")
def test_a_computer_whose_reload_was_dropped_is_loaded_again(site: Morning) -> None:
    site.until("13:00", since="07:55")
    site.use(C2, START - HOUR, START - 21 * MINUTE, image=OTHER_IMAGE)
    site.until("14:00")
    assert site.ready() == 4


@pytest.mark.usefixtures("policy_of_the_run")
def test_an_intruder_is_made_way_for_at_the_next_look(site: Morning) -> None:
    site.until("09:00", since="07:55")
    site.user(C2, start=START + 5 * MINUTE, end=END)
    site.send("UPDATE request SET userid = 1 WHERE stateid = 13")
    site.until("09:01")
    assert C2 not in site.block_computers(10)
    site.until("14:00")
    assert site.ready() == 4


@pytest.mark.usefixtures("policy")
@pytest.mark.once(on="sqlite")
def test_released_stays_released(site: Morning) -> None:
    from blockalloc.allocation import block_time_actions
    from tests.support.sites.morning import BACK_END

    site.until("09:00", since="07:55")
    block_time_actions.release_block_time(10, BACK_END)
    site.until("14:00")
    assert site.block_computers(10) == []


@pytest.mark.usefixtures("policy")
@pytest.mark.once(on="sqlite")
def test_loading_computers_are_held_and_loaded_ones_are_not(site: Morning) -> None:
    held: list[int] = []
    site.each_minute = lambda: held.append(
        site.send("SELECT COUNT(*) FROM semaphore WHERE expires >= %s", _utc(site.now))[0][0]
    )
    site.until("14:00", since="13:00")
    assert max(held) == 4
    assert site.send("SELECT COUNT(*) FROM semaphore") == [(0,)]


def _utc(instant: int) -> str:
    from blockalloc.store.times import to_utc

    return to_utc(instant)
