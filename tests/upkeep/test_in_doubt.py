"""While the site's clock is in doubt nothing is changed, and nothing is noted that rests on it (SPEC 9)."""

from collections.abc import Iterator
from datetime import UTC, datetime

import pytest

from blockalloc.models import ClassHeld, Heartbeat, ImageTrust, SeenLoad
from blockalloc.upkeep import staff
from scheduling.upkeep.trust import Memory, Trust
from tests.support.sites.back_end_stage import C0, at
from tests.support.sites.morning import BACK_END
from tests.support.sites.still_morning import CLASS, StillMorning, still_morning

# On MariaDB, to load a site commits.
pytestmark = [pytest.mark.django_db(transaction=True)]


@pytest.fixture
def site() -> Iterator[StillMorning]:
    """At nine the class has the first four of eight computers."""
    with still_morning() as stage:
        stage.allocate()
        yield stage


@pytest.fixture
def doubt(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(
        "blockalloc.upkeep.trust.look", lambda now: Trust("five hours off", memory=Memory(now, "host", "UTC"))
    )


@pytest.mark.usefixtures("doubt")
def test_nothing_is_changed_and_it_is_said(site: StillMorning) -> None:
    site.fail(C0)
    before = site.send("SELECT * FROM blockComputers"), site.reloads()
    report = site.look_at("14:01")
    assert (report.doubt, report.actions, report.held) == ("five hours off", [], 0)
    assert (site.send("SELECT * FROM blockComputers"), site.reloads()) == before
    assert Heartbeat.objects.get().doubt == "five hours off"
    assert not ClassHeld.objects.exists()


@pytest.mark.usefixtures("doubt")
def test_staff_cannot_put_right_either(site: StillMorning) -> None:
    site.fail(C0)
    site.go("09:01")
    assert staff.put_right(CLASS, BACK_END).text == "the site's clock is in doubt: five hours off"
    assert staff.proposed(CLASS, BACK_END).obstacle == "the site's clock is in doubt: five hours off"
    assert C0 in site.block_computers(CLASS)


def moment(clock: str) -> datetime:
    return datetime.fromtimestamp(at(clock), UTC)


def test_staff_trust_an_image_on_a_class_that_needs_nothing(site: StillMorning) -> None:
    for number in range(3):
        SeenLoad.objects.create(
            request_id=number, computer_id=C0, hostname="c", image_id=10, revision_id=10, block_time_id=CLASS,
            begun=moment("08:50"), at_work=moment("08:51"), over=moment("08:52"), outcome="failed",
        )  # fmt: skip
    site.go("09:01")
    assert staff.put_right(CLASS, BACK_END).text.startswith("its image may be loaded again")
    assert ImageTrust.objects.get().image_id == 10
    assert staff.put_right(CLASS, BACK_END).text == "nothing has to be done"
