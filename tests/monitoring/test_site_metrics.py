"""What /metrics says of the site: values on a known one, whether they are those of the pages, how many there may be."""

from collections import Counter
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.core.cache import cache
from django.db import connection
from django.test.utils import CaptureQueriesContext
from pytest_django import Settings

from blockalloc.accounts import lockout
from blockalloc.models import (
    BlockRequest,
    BlockTime,
    ClassHeld,
    Heartbeat,
    LoopSeen,
    Message,
    News,
    Notice,
    Recipient,
    SeenLoad,
    Watch,
)
from blockalloc.models.scope import Scope
from blockalloc.monitoring import site_metrics
from blockalloc.monitoring.load_times import KeptLoadTimes
from blockalloc.reports import calibration, readiness
from tests.support.sites.forecasts import forecast_run, foresee
from tests.support.sites.staff_site import HOUR, NOW, Site, add_image
from tests.support.staff_fixtures import _at_noon, site, wednesday_noon

__all__ = ["_at_noon", "site", "wednesday_noon"]
pytestmark = pytest.mark.django_db

MINUTE = timedelta(minutes=1)


@pytest.fixture(autouse=True)
def _load_times(monkeypatch: pytest.MonkeyPatch) -> None:
    """No test knows those that another one has learned."""
    monkeypatch.setattr(site_metrics, "load_times", KeptLoadTimes())


def values(name: str) -> dict[str, float]:
    """The series of a metric: the values of its labels -> its value."""
    (family,) = [family for family in site_metrics.read() if family.name == name]
    return {",".join(sample.labels.values()): sample.value for sample in family.samples}


def load(image: int, outcome: str, ago: timedelta = HOUR, number: int = 1) -> None:
    """Loads that keep_ready has seen."""
    begun = SeenLoad.objects.count()
    SeenLoad.objects.bulk_create(
        SeenLoad(
            request_id=begun + each, computer_id=1, hostname="c1", image_id=image, revision_id=1,
            begun=NOW - ago, at_work=NOW - ago, outcome=outcome,
        )
        for each in range(number)
    )  # fmt: skip


class TestClasses:
    """Those that are on or start within VCL_KEEP_READY_HOURS."""

    def test_levels_are_those_of_the_pages(self, site: Site) -> None:
        ready = site.time(site.request("ready", site.ubuntu, None, 1), NOW + 2 * HOUR, processed=1)
        site.hold(ready, site.virtual("ready-pc", site.ubuntu))
        site.time(site.request("short", site.ubuntu, None, 3), NOW + HOUR, processed=1)
        site.class_("CS101", NOW + 3 * HOUR)
        site.time(site.request("skipped", site.ubuntu, None, 3), NOW + HOUR, processed=1, skip=1)
        site.time(site.request("tomorrow", site.ubuntu, None, 3), NOW + 24 * HOUR)
        site.time(site.request("asked for later", site.ubuntu, None, 3), NOW + 6 * HOUR - MINUTE)
        site.time(site.request("over", site.ubuntu, None, 3), NOW - 3 * HOUR, processed=1)
        refused = site.request("refused", site.ubuntu, None, 3, status="rejected")
        site.time(refused, NOW + HOUR)
        now = int(NOW.timestamp())
        shown: Counter[str] = Counter(
            each.readiness.signal.level
            for each in readiness.read(BlockTime.objects.filter(start__lt=NOW + 6 * HOUR), now)
            if each.is_current_or_upcoming(now)
        )
        names = {"at_risk": "bad", "watch": "watch", "good": "good", "not_asked": "plain"}
        found = values("blockalloc_classes")
        assert found == {name: shown[level] for name, level in names.items()}
        assert sum(found.values()) == 4
        assert found["at_risk"] == 1
        assert found["good"] >= 1

    def test_machines_start_and_probability(self, site: Site, settings: Settings) -> None:
        settings.VCL_RELOAD_POLICY = "ready"
        Heartbeat.objects.create(pk=1, at=NOW, host="h", milliseconds=1)
        time = site.class_("CS101", NOW + 2 * HOUR, computers=3)
        Watch.objects.create(
            block_time_id=time.pk, first_seen=NOW, ready=0.875, late=0.1, minutes=3, outlook_at=NOW, at_risk=""
        )
        key = f"{time.pk},{site.ubuntu.prettyname}"
        assert values("blockalloc_class_machines") == {
            f"{key},wanted": 3, f"{key},allocated": 3, f"{key},ready": 1,
        }  # fmt: skip
        assert values("blockalloc_class_start_timestamp_seconds") == {key: (NOW + 2 * HOUR).timestamp()}
        assert values("blockalloc_class_ready_ratio") == {key: 0.875}

    def test_all_that_is_ready_is_sure(self, site: Site) -> None:
        time = site.time(site.request("ready", site.ubuntu, None, 1), NOW + 2 * HOUR, processed=1)
        site.hold(time, site.virtual("ready-pc", site.ubuntu), state_id=5, laststate_id=19)
        assert values("blockalloc_class_ready_ratio") in ({f"{time.pk},Ubuntu 22.04": 1.0}, {})
        assert values("blockalloc_class_machines")[f"{time.pk},Ubuntu 22.04,ready"] == 1

    def test_a_class_that_has_begun_stays_for_a_quarter_of_an_hour(self, site: Site) -> None:
        request = site.request("on", site.ubuntu, None, 1)
        recent, earlier = (site.time(request, NOW - ago * MINUTE, processed=1) for ago in (14, 16))
        assert {key.partition(",")[0] for key in values("blockalloc_class_start_timestamp_seconds")} == {str(recent.pk)}
        assert sum(values("blockalloc_classes").values()) == 2
        assert earlier.pk != recent.pk

    def test_reloads_that_should_have_begun(self, site: Site) -> None:
        assert values("blockalloc_loads_late") == {"": 0}
        site.class_("CS101", NOW + 10 * MINUTE, computers=4)  # reloads begin half an hour before the start
        assert values("blockalloc_loads_late") == {"": 2}


class TestLoads:
    """Of the last 24 hours, by image and outcome."""

    def test_by_image_and_outcome(self, site: Site) -> None:
        load(site.ubuntu.pk, SeenLoad.LOADED, number=3)
        load(site.ubuntu.pk, SeenLoad.FAILED)
        load(site.windows.pk, SeenLoad.AT_WORK)
        load(site.windows.pk, SeenLoad.LOADED, ago=25 * HOUR)
        load(99999, SeenLoad.DROPPED)
        found = {key: number for key, number in values("blockalloc_loads").items() if number}
        assert found == {
            "Ubuntu 22.04,loaded": 3, "Ubuntu 22.04,failed": 1, "Windows 11,at_work": 1, "image 99999,dropped": 1,
        }  # fmt: skip
        assert values("blockalloc_loads")["Windows 11,failed"] == 0  # an alert needs a series to begin with

    def test_images_of_one_name_are_one(self, site: Site) -> None:
        """Prometheus refuses an answer that has a series twice."""
        load(99999, SeenLoad.LOADED)  # gone, and so without a name
        load(add_image("image 99999").pk, SeenLoad.LOADED)
        assert values("blockalloc_loads")["image 99999,loaded"] == 2


class TestCalibration:
    """What was said of the classes of 30 days, and what came."""

    def test_as_on_the_page(self) -> None:
        now = int(NOW.timestamp())
        assert values("blockalloc_calibration_classes") == {"allocation": 0, "last": 0}
        assert values("blockalloc_calibration_said_ratio") == {}
        for number, (had, ready, first, last) in enumerate(
            [(4, 4, 0.9, 0.95), (4, 3, 0.8, None), (4, 5, None, 0.99), (4, None, 0.1, 0.1), (0, 0, 0.2, 0.2)]
        ):
            self._held(number, NOW - timedelta(days=number), had, ready, first, last)
        self._held(9, NOW - timedelta(days=31), 4, 0, 1.0, 1.0)
        said = calibration.report(now, Scope(None), days=30).said.all
        for label, look in (("allocation", said.at_allocation.all), ("last", said.last.all)):
            assert values("blockalloc_calibration_classes")[label] == look.classes == 2
            assert values("blockalloc_calibration_said_ratio")[label] == pytest.approx(look.said)
            assert values("blockalloc_calibration_came_ratio")[label] == pytest.approx(look.share)

    def _held(
        self, number: int, start: datetime, had: int, ready: int | None, first: float | None, last: float | None
    ) -> None:
        ClassHeld.objects.create(
            block_time_id=number + 1, block_request_id=1, block_name="b", image_id=1, image_name="i", user_group="g",
            owner="o", start=start, end=start, wanted=4, had=had, ready_at_start=ready,
            said_at_allocation=first, said_last=last,
        )  # fmt: skip


class TestForecast:
    """Of the classes of the next seven days."""

    def test_classes_and_machines(self, site: Site) -> None:
        forecast_run(NOW - MINUTE, milliseconds=2300)
        starts = [NOW + HOUR, NOW + timedelta(days=6), NOW + timedelta(days=8), NOW - HOUR]
        for number, start in enumerate(starts):
            foresee(site.time(site.request(f"class {number}", site.ubuntu, None, 5), start), 3)
        foresee(site.time(site.request("fine", site.ubuntu, None, 5), NOW + HOUR), 5)
        assert values("blockalloc_forecast_classes_short") == {"": 2}
        assert values("blockalloc_forecast_machines_missing") == {"": 4}
        assert values("blockalloc_forecast_checked_timestamp_seconds") == {"": (NOW - MINUTE).timestamp()}
        assert values("blockalloc_forecast_duration_seconds") == {"": 2.3}

    @pytest.mark.parametrize("change", [{"at": NOW - 15 * MINUTE}, {"problem": "a fault"}], ids=["stale", "broken"])
    def test_what_is_not_checked_is_not_zero(self, change: dict[str, Any]) -> None:
        forecast_run(**change)
        assert values("blockalloc_forecast_classes_short") == {}
        assert values("blockalloc_forecast_machines_missing") == {}
        assert len(values("blockalloc_forecast_checked_timestamp_seconds")) == 1

    def test_none_has_been_made(self) -> None:
        assert values("blockalloc_forecast_classes_short") == {}
        assert values("blockalloc_forecast_checked_timestamp_seconds") == {}


class TestLoopsAndNotifications:
    """Whether they are at work."""

    def test_loops(self) -> None:
        assert values("blockalloc_loop_last_seen_timestamp_seconds") == {}
        Heartbeat.objects.create(pk=1, at=NOW - MINUTE, host="h", milliseconds=1, doubt="")
        LoopSeen.objects.create(name="notify", host="h", at=NOW - 2 * MINUTE)
        assert values("blockalloc_loop_last_seen_timestamp_seconds") == {
            "keep_ready": (NOW - MINUTE).timestamp(), "notify": (NOW - 2 * MINUTE).timestamp(),
        }  # fmt: skip
        assert values("blockalloc_keep_ready_in_doubt") == {"": 0}
        Heartbeat.objects.update(doubt="the clock is wrong")
        assert values("blockalloc_keep_ready_in_doubt") == {"": 1}

    def test_notifications(self) -> None:
        assert values("blockalloc_notifications") == {"waiting": 0, "failed": 0}
        assert values("blockalloc_notification_oldest_waiting_seconds") == {"": 0}
        someone = Recipient.objects.create(key="vcl:1", channel=Recipient.MAIL, address="a@example.edu")
        for number, (sent, failed) in enumerate([(None, None), (NOW, None), (None, NOW)]):
            Message.objects.create(
                recipient=someone, key=str(number), kind=Message.NEWS, address="a", subject="s",
                created=NOW - 5 * MINUTE, sent=sent, failed=failed,
            )  # fmt: skip
        assert values("blockalloc_notifications") == {"waiting": 1, "failed": 1}
        assert values("blockalloc_notification_oldest_waiting_seconds") == {"": 300}
        told, new = (self._news(NOW - ago * MINUTE, taken) for ago, taken in ((9, NOW), (1, None)))
        Notice.objects.create(news=told, recipient=someone)
        assert values("blockalloc_notifications")["waiting"] == 3
        assert values("blockalloc_notification_oldest_waiting_seconds") == {"": 540}
        assert new.taken is None

    def _news(self, at: datetime, taken: datetime | None) -> News:
        return News.objects.create(
            at=at, kind="short", block_time_id=1, block_request_id=1, block_name="b", image_name="i", user_group="g",
            owner="o", start=NOW, end=NOW, wanted=4, usable=3, taken=taken,
        )  # fmt: skip

    def test_lockouts(self, settings: Settings) -> None:
        settings.VCL_LOCKOUT_FAILURES = 3
        for user, address, failures in (("a", "10.0.0.1", 2), ("b", "10.0.0.2", 3), ("b", "10.0.0.3", 4)):
            for _ in range(failures):
                lockout.begin("VCL", user, address).failed()
        # Of two addresses: the pair with the user, and the address by itself.
        assert values("blockalloc_lockouts_in_force") == {"": 4}
        settings.VCL_LOCKOUT_FAILURES = 4
        assert values("blockalloc_lockouts_in_force") == {"": 0}
        cache.clear()
        assert values("blockalloc_lockouts_in_force") == {"": 0}


class TestCost:
    """It does not grow with the site."""

    def test_the_number_of_statements(self, site: Site) -> None:
        def statements() -> int:
            with CaptureQueriesContext(connection) as captured:
                site_metrics.read()
            return len(captured)

        forecast_run()
        site.class_("one", NOW + HOUR)
        site.time(site.request("short", site.ubuntu, None, 3), NOW + HOUR, processed=1)
        site_metrics.read()  # load times are learned
        few = statements()
        for number in range(12):
            site.class_(f"more{number}", NOW + HOUR + number * MINUTE)
            load(site.ubuntu.pk, SeenLoad.LOADED)
        site.time(site.request("shorter", site.ubuntu, None, 3), NOW + HOUR, processed=1)
        assert statements() == few <= 18

    def test_the_number_of_series(self, site: Site) -> None:
        """500 images load, and 1,000 classes begin within six hours."""
        first = site.request("many", site.ubuntu, None, 2)
        requests = BlockRequest.objects.bulk_create(
            BlockRequest(
                name=f"class {number}", image=site.ubuntu, numMachines=2, expireTime=first.expireTime, owner_id=1,
                managementnode=site.nodes[0], status=first.status, repeating=first.repeating,
            )
            for number in range(20)
        )  # fmt: skip
        requests = [*BlockRequest.objects.filter(name__startswith="class ")]
        BlockTime.objects.bulk_create(
            BlockTime(blockRequest=requests[number % 20], start=NOW + number * MINUTE / 3, end=NOW + 8 * HOUR)
            for number in range(1000)
        )
        for image in range(500):
            load(image + 1000, SeenLoad.LOADED, number=1 + image % 3)
        families = site_metrics.read()
        by_name = {family.name: len(family.samples) for family in families}
        assert sum(values("blockalloc_classes").values()) == 1000
        assert by_name["blockalloc_class_machines"] == 3 * site_metrics.MOST_CLASSES
        assert by_name["blockalloc_class_start_timestamp_seconds"] == site_metrics.MOST_CLASSES
        assert by_name["blockalloc_loads"] == len(SeenLoad.OUTCOMES) * (site_metrics.MOST_IMAGES + 1)
        assert sum(by_name.values()) < 700
        shown = values("blockalloc_loads")
        assert sum(shown.values()) == SeenLoad.objects.count()
        assert shown["other,loaded"] == SeenLoad.objects.count() - 3 * site_metrics.MOST_IMAGES
        starts = sorted(values("blockalloc_class_start_timestamp_seconds").values())
        assert datetime.fromtimestamp(starts[0], UTC) == NOW  # the next ones, not any


class TestLoadTimes:
    """They are learned once, and anew beside the scrapes."""

    def test_what_is_kept_costs_no_statement(self, site: Site) -> None:
        kept, now = KeptLoadTimes(), int(NOW.timestamp())
        with CaptureQueriesContext(connection) as first:
            assert kept({site.ubuntu.pk: 8}, now) == {site.ubuntu.pk: 8 * 60}
        assert len(first) == 1
        with CaptureQueriesContext(connection) as again:
            assert kept({site.ubuntu.pk: 8}, now + 599) == {site.ubuntu.pk: 8 * 60}
        assert len(again) == 0

    def test_another_reloadtime_counts_at_once(self, site: Site) -> None:
        kept, now = KeptLoadTimes(), int(NOW.timestamp())
        kept({site.ubuntu.pk: 8}, now)
        assert kept({site.ubuntu.pk: 12}, now) == {site.ubuntu.pk: 12 * 60}

    def test_what_is_half_an_hour_old_is_not_used(self, site: Site) -> None:
        kept, now = KeptLoadTimes(), int(NOW.timestamp())
        kept({site.ubuntu.pk: 8}, now)
        with CaptureQueriesContext(connection) as captured:
            kept({site.ubuntu.pk: 8}, now + 1800)
        assert len(captured) == 1
