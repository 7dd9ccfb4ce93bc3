"""What people are told of mornings on which keep_ready looks once a minute."""

from collections.abc import Iterator

import pytest
from pytest_django import Settings

from blockalloc.models import Heartbeat, News
from scheduling.upkeep.trust import Memory, Trust
from simulation.back_end import states
from tests.support.sites.back_end_stage import C0, OTHER_IMAGE
from tests.support.sites.morning import Morning, morning
from tests.support.sites.still_morning import CLASS, still_morning

# On MariaDB, to load a site commits.
pytestmark = [pytest.mark.django_db(transaction=True)]


def kinds(block_time: int = CLASS) -> list[str]:
    return [*News.objects.filter(block_time_id=block_time).order_by("id").values_list("kind", flat=True)]


@pytest.fixture
def site() -> Iterator[Morning]:
    """Eight computers, of which the class at two wants four; they have another image loaded."""
    with morning(computers=8) as stage:
        stage.send("UPDATE computer SET currentimageid = %s, imagerevisionid = %s", OTHER_IMAGE, OTHER_IMAGE)
        yield stage


@pytest.fixture
def small_site() -> Iterator[Morning]:
    """The same with four computers: what is lost can't be made up for."""
    with morning(computers=4) as stage:
        stage.send("UPDATE computer SET currentimageid = %s, imagerevisionid = %s", OTHER_IMAGE, OTHER_IMAGE)
        yield stage


# --- Days without news ------------------------------------------------------------------------------


@pytest.mark.usefixtures("policy")
def test_a_quiet_day_is_no_news(site: Morning) -> None:
    site.until("14:12", since="12:55")
    assert kinds() == []


def test_what_is_made_up_for_in_time_is_no_news(site: Morning) -> None:
    site.failing = {C0 + 3: 1}
    site.until("13:10", since="12:55")
    site.set(C0 + 1, stateid=states.MAINTENANCE)
    site.until("14:05")
    assert len(site.done) == 2
    assert kinds() == []


def test_that_the_service_was_away_when_the_back_end_asked_is_no_news(site: Morning) -> None:
    """Minutes later keep_ready has got the machines."""
    site.down = True
    site.until("12:57", since="12:55")
    site.down = False
    site.until("14:05")
    assert (len(site.asked), site.ready()) == (6, 4)
    assert kinds() == []


# --- Days with news ---------------------------------------------------------------------------------


def test_a_shortage_that_keep_ready_mends(site: Morning) -> None:
    for computer in range(C0, C0 + 5):
        site.set(computer, stateid=states.MAINTENANCE)
    site.until("13:00", since="12:55")
    assert kinds() == ["short"]
    assert News.objects.get().by_back_end
    site.set(C0, stateid=states.AVAILABLE)
    site.until("14:05")
    short, mended = News.objects.order_by("id")
    assert (short.kind, short.wanted, short.usable) == ("short", 4, 3)
    assert (mended.kind, mended.usable, mended.tried) == ("mended", 4, "taken: c10; 1 computer added")
    assert (mended.by_back_end, mended.decision_id is None) == (False, False)


def test_a_computer_that_fails_and_cannot_be_exchanged(small_site: Morning) -> None:
    """Told once, with what keep_ready tried, however often it tries."""
    small_site.until("13:00", since="12:55")
    small_site.set(C0, stateid=states.MAINTENANCE)
    small_site.until("13:20")
    news = News.objects.get()
    assert (news.kind, news.wanted, news.usable) == ("short", 4, 3)
    assert "c10" in news.why
    assert "c10" in news.tried
    small_site.set(C0, stateid=states.AVAILABLE)
    small_site.until("14:05")
    assert kinds() == ["short", "mended"]


def test_a_node_that_dies_and_comes_back(small_site: Morning) -> None:
    """A risk, then late, then ready."""
    small_site.until("13:20", since="12:55")
    nodes = small_site.back_ends
    small_site.back_ends = type("Nothing", (), {"round": lambda self, now: None})()
    small_site.until("14:02")
    assert kinds() == ["at risk", "not ready"]
    small_site.back_ends = nodes
    small_site.until("14:40")
    assert small_site.ready() == 4
    assert kinds() == ["at risk", "not ready", "ready"]


# --- The look itself --------------------------------------------------------------------------------


def test_while_the_clock_is_in_doubt_nothing_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(
        "blockalloc.upkeep.trust.look", lambda now: Trust("five hours off", memory=Memory(now, "host", "UTC"))
    )
    with still_morning(computers=4) as site:
        site.allocate()
        site.fail(C0)
        for clock in ("09:01", "09:02", "13:50", "14:00"):
            site.look_at(clock)
        assert kinds() == []


def test_news_that_cannot_be_made_keeps_no_look_from_its_work(
    monkeypatch: pytest.MonkeyPatch, settings: Settings
) -> None:
    settings.VCL_RELOAD_POLICY = "vcl"

    def fail(*_given: object) -> int:
        raise RuntimeError

    monkeypatch.setattr("blockalloc.notifications.observing.observe", fail)
    with still_morning() as site:
        site.allocate()
        site.fail(C0)
        report = site.look_at("09:01")
        assert len(report.actions) == 1
        assert Heartbeat.objects.get().at.timestamp() == site.now
