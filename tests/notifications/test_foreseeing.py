"""What the forecast sees is told once, to those who may know it, and not again by allocations and looks."""

from datetime import datetime
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from blockalloc.models import BlockTime, Forecast, ForecastRun, ForecastSeen, News, Standing
from blockalloc.notifications.foreseeing import tell
from blockalloc.notifications.observing import observe
from blockalloc.store import foreseen, news
from scheduling.news.kinds import Kind
from scheduling.news.standing import View, step
from tests.support.sites.forecasts import forecast_run, foresee, in_the_way, minutes
from tests.support.sites.staff_site import DAY, HOUR, MONDAY, NOW, Site
from tests.support.sites.told import teacher

pytestmark = pytest.mark.django_db(transaction=True)
EXAM = MONDAY + 2 * HOUR
LATER = NOW + minutes(10)


def at(moment: datetime) -> int:
    return int(moment.timestamp())


def tell_at(*moments: datetime) -> list[int]:
    """How many news each of these runs made; each finds the forecast checked."""
    made = []
    for moment in moments:
        ForecastRun.objects.update(checked=moment)
        made.append(tell(at(moment)))
    return made


def kinds() -> list[str]:
    return [*News.objects.order_by("id").values_list("kind", flat=True)]


@pytest.fixture
def exam(site: Site) -> BlockTime:
    """Of an exam on Monday for which nobody has asked yet, the forecast sees 3 of 5 machines."""
    forecast_run()
    time = site.time(site.request("CS420 exam", site.ubuntu, site.group("CS420"), 5, owner_id=teacher().pk), EXAM)
    foresee(time, 3, why="68 computers can run the image", fit=3)
    return time


def test_two_runs_ten_minutes_apart_tell_it_once(exam: BlockTime) -> None:
    assert tell_at(NOW, NOW + minutes(9), LATER, LATER + minutes(1), LATER + DAY) == [0, 0, 1, 0, 0]
    told = News.objects.get()
    assert (told.kind, told.wanted, told.usable, told.ready) == ("foreseen", 5, 3, None)
    assert (told.block_time_id, told.block_name, told.owner) == (exam.pk, "CS420 exam", "odette@NCSU")
    assert (told.at, told.since, told.start) == (LATER, NOW, EXAM)
    assert (told.why, told.tried, told.by_back_end, told.taken) == ("68 computers can run the image", "", False, None)
    kept = Forecast.objects.get()
    assert (kept.told, kept.told_at) == (2, LATER)
    assert [(each.short, each.short_told) for each in Standing.objects.all()] == [(2, LATER)]
    assert not ForecastSeen.objects.exists()


def test_what_passes_leaves_nothing(exam: BlockTime) -> None:
    assert tell_at(NOW) == [0]
    assert ForecastSeen.objects.get().missing == 2
    foresee(exam, 5)
    assert tell_at(LATER) == [0]
    assert not ForecastSeen.objects.exists()
    assert (kinds(), Standing.objects.count()) == ([], 0)


def test_more_after_a_day_and_that_it_is_over(exam: BlockTime) -> None:
    tell_at(NOW, LATER)
    foresee(exam, 1)
    assert tell_at(LATER + HOUR, LATER + 2 * HOUR, LATER + DAY) == [0, 0, 1]
    assert Forecast.objects.get().told == 4
    foresee(exam, 5)
    assert tell_at(LATER + DAY + minutes(1), LATER + DAY + minutes(11), LATER + 2 * DAY) == [0, 1, 0]
    over = News.objects.order_by("-id")[0]
    assert (over.kind, over.usable, over.why, over.since) == ("foreseen over", 5, "", None)
    assert (Forecast.objects.get().told, Forecast.objects.get().told_at) == (0, LATER + DAY)
    assert Standing.objects.get().short == 0
    foresee(exam, 3)  # and comes back: not before a day after it was told last
    assert tell_at(LATER + 2 * DAY, LATER + 2 * DAY + minutes(10)) == [0, 1]


@pytest.mark.parametrize(
    "change",
    [
        {"checked": NOW - minutes(6)},
        {"problem": "OperationalError: (2006, 'gone')"},
        {"made": None},
    ],
    ids=["stale", "broken", "never made"],
)
def test_only_a_forecast_that_counts_makes_news(exam: BlockTime, change: dict[str, Any]) -> None:
    tell_at(NOW)
    ForecastRun.objects.update(**change)
    assert tell(at(LATER)) == 0
    ForecastRun.objects.update(checked=LATER, problem="", made=NOW)
    assert tell(at(LATER)) == 1


@pytest.mark.parametrize("change", ["skipped", "rejected", "asked", "moved", "next week"])
def test_classes_that_are_no_news(exam: BlockTime, change: str) -> None:
    """Not to take place; asked for, and maybe released since; not the one that was planned; too early."""
    tell_at(NOW)
    match change:
        case "skipped":
            exam.skip = 1
        case "rejected":
            exam.blockRequest.status = "rejected"
            exam.blockRequest.save()
        case "asked":
            exam.processed = 1
        case "moved":
            exam.start += HOUR
        case "next week":
            exam.start += 7 * DAY
            foresee(exam, 3)
    exam.save()
    assert tell_at(LATER, LATER + HOUR) == [0, 0]


# --- Beside allocations and looks -------------------------------------------------------------------
def call(exam: BlockTime, usable: int, moment: datetime) -> Kind | None:
    """What an allocation would tell now."""
    kept = news.kept(exam.pk)
    assert kept is not None
    return step(kept.standing, View(at(exam.start), 5, usable), at(moment))[1]


def test_an_allocation_tells_what_was_not_foreseen(exam: BlockTime) -> None:
    tell_at(NOW, LATER)
    asked = EXAM - 6 * HOUR
    assert [call(exam, usable, asked) for usable in (2, 3, 4, 5)] == [Kind.SHORT, None, None, Kind.MENDED]


def test_looks_at_a_class_that_nobody_has_asked_for_tell_nothing(exam: BlockTime) -> None:
    tell_at(NOW, LATER)
    for hours in (26, 23, 12, 7):
        assert observe(at(EXAM - hours * HOUR)) == 0
    assert Standing.objects.get().short == 2
    assert not Standing.objects.get().held


def test_what_an_allocation_has_told_is_not_told_again(exam: BlockTime) -> None:
    Standing.objects.create(block_time_id=exam.pk, start=EXAM, short=2, short_told=NOW - DAY)
    assert tell_at(NOW, LATER) == [0, 0]
    foresee(exam, 5)  # who has told it takes it back
    assert tell_at(LATER + HOUR, LATER + 2 * HOUR) == [0, 0]
    foresee(exam, 2)
    assert tell_at(LATER + 3 * HOUR, LATER + 4 * HOUR) == [0, 1]
    assert Standing.objects.get().short == 3


def test_what_an_allocation_has_taken_back_is_not_over_again(exam: BlockTime) -> None:
    tell_at(NOW, LATER)
    Standing.objects.update(short=0, short_told=None)
    foresee(exam, 5)
    assert tell_at(LATER + HOUR, LATER + 2 * HOUR) == [0, 0]
    assert kinds() == ["foreseen"]


# --- Several at once --------------------------------------------------------------------------------
def test_of_two_hosts_one_tells_it(exam: BlockTime, monkeypatch: pytest.MonkeyPatch) -> None:
    """Both read before either writes."""
    tell_at(NOW)
    read = foreseen.candidates(at(LATER))
    assert tell_at(LATER) == [1]
    monkeypatch.setattr(foreseen, "candidates", lambda _now: read)
    assert tell(at(LATER)) == 0
    assert kinds() == ["foreseen"]
    assert Standing.objects.get().version == 0


def test_a_standing_that_changes_meanwhile_leaves_it_for_the_next_run(
    exam: BlockTime, monkeypatch: pytest.MonkeyPatch
) -> None:
    tell_at(NOW)
    read = foreseen.candidates(at(LATER))
    Standing.objects.create(block_time_id=exam.pk, start=EXAM, short=1, short_told=NOW)
    with monkeypatch.context() as patched:
        patched.setattr(foreseen, "candidates", lambda _now: read)
        assert tell(at(LATER)) == 0
    assert (kinds(), Forecast.objects.get().told) == ([], None)
    assert ForecastSeen.objects.exists()


def test_statements_do_not_grow_with_what_is_not_told(site: Site, exam: BlockTime) -> None:
    tell_at(NOW, LATER)

    def statements() -> int:
        with CaptureQueriesContext(connection) as queries:
            assert tell(at(LATER)) == 0
        return len(queries)

    assert statements() == 2
    for number in range(5):
        foresee(site.time(site.request(f"more {number}", site.ubuntu, None, 4), EXAM + number * HOUR), 4)
    assert statements() == 2


# --- Why --------------------------------------------------------------------------------------------
@pytest.fixture
def others(site: Site) -> tuple[BlockTime, BlockTime]:
    """A class of the exam's affiliation and one of another."""
    midterm, theirs = (
        site.time(site.request(name, site.ubuntu, None, 9, owner_id=teacher(name, of).pk), EXAM - HOUR)
        for name, of in (("Midterm", "NCSU"), ("Theirs", "Elsewhere"))
    )
    return midterm, theirs


@pytest.mark.parametrize("rule", ["no_computer", ""])
def test_classes_in_the_way_are_named_within_the_affiliation(
    exam: BlockTime, others: tuple[BlockTime, BlockTime], rule: str
) -> None:
    foresee(exam, 3, why="Theirs has 9 of the computers", rule=rule, in_the_way=in_the_way(*others, requests=2))
    tell_at(NOW, LATER)
    assert News.objects.get().why == (
        "Midterm, Mon 10:00 to 12:00, has 2 computers that it could have; "
        "a class of another affiliation, Mon 10:00 to 12:00, has 2 computers that it could have; "
        "2 reservations of users have 2 computers"
    )


def test_what_else_stops_it_is_said_first(exam: BlockTime, others: tuple[BlockTime, BlockTime]) -> None:
    midterm, _ = others
    why = "site maintenance from Mon 08:00 to 12:00"
    foresee(exam, 0, why=why, rule="maintenance", in_the_way=in_the_way(midterm))
    tell_at(NOW, LATER)
    assert News.objects.get().why.startswith(f"{why}; Midterm, ")


def test_many_in_the_way_are_counted(site: Site, exam: BlockTime) -> None:
    many = [site.time(site.request(f"C{number}", site.ubuntu, None, 2), EXAM) for number in range(5)]
    foresee(exam, 3, in_the_way=in_the_way(*many))
    tell_at(NOW, LATER)
    assert News.objects.get().why.endswith("; other classes in its way: 2")
