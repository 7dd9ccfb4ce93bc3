"""What will be short in the weeks ahead, on the pages for the person on duty."""

from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from blockalloc.models import Affiliation, BlockRequest, BlockTime, Forecast, User
from tests.support.cards import cards
from tests.support.scoped import limit_to
from tests.support.sites.kept_forecast import forecast_run, foresee, has
from tests.support.sites.staff_site import DAY, HOUR, MONDAY, NOW, Site, page_url, text
from tests.support.week_page import blocks_of_week

pytestmark = pytest.mark.django_db

TODAY, WEEK = reverse("admin:today"), reverse("admin:week")
NEXT_WEEK = f"{WEEK}?from=2026-11-30"
MINUTE = HOUR / 60
FRIDAY = MONDAY - 3 * DAY
COLLISION = "Ubuntu 22.04: 70 wanted, 68 usable"


def class_(site: Site, name: str, start: Any = MONDAY, machines: int = 20, **values: Any) -> BlockTime:
    """A class that nobody has asked for yet."""
    return site.time(site.request(name, site.ubuntu, None, machines, **values), start)


@pytest.fixture
def exam(site: Site) -> BlockTime:
    """The exam of 50, beside a class of 20 on 68 computers."""
    forecast_run()
    lab = class_(site, "CS101")
    exam = class_(site, "CS420 exam", machines=50)
    foresee(lab, 20)
    foresee(exam, 48, "CS101 has 20 of the computers", has(lab, 20))
    return exam


def markup(client: Client, url: str) -> str:
    return client.get(url).content.decode()


# --- Next Monday, said today ----------------------------------------------------------------------


def test_the_week_says_what_will_be_short(viewer: Client, exam: BlockTime) -> None:
    page = text(viewer, NEXT_WEEK)
    assert f"Will be short Mon 30 Nov 09:00 : {COLLISION} ( CS101 , CS420 exam 48 of 50 machines)" in page
    assert (
        f'(<a href="{page_url("blocktime", exam.pk - 1)}">CS101</a>, <a href="{page_url("blocktime", exam.pk)}">'
        in (markup(viewer, NEXT_WEEK))
    )
    assert "Monday 30 Nov 2 classes, 1 to watch, 1 of them will be short." in page


def test_a_class_that_will_be_short_is_to_be_watched(viewer: Client, exam: BlockTime) -> None:
    lab, short = blocks_of_week(viewer, NEXT_WEEK)
    assert (lab.name, lab.number, lab.signal, lab.short) == ("CS101", "20 foreseen", "Later", "")
    assert "not asked for yet, begins in 4 days; all 20 machines foreseen" in lab.more
    assert (short.name, short.number) == ("CS420 exam", "48 of 50 foreseen")
    assert (short.signal, short.short) == ("Watch", "48 of 50 machines foreseen")
    assert "foreseen: CS101 has 20 of the computers; not asked for yet, begins in 4 days" in short.more
    assert f': <a href="{page_url("blocktime", exam.pk - 1)}">CS101</a> has 20 of' in markup(viewer, NEXT_WEEK)


def test_the_week_before_leads_there(viewer: Client, exam: BlockTime) -> None:
    assert f"Also foreseen: Mon 30 Nov 09:00 {COLLISION}." in text(viewer, WEEK)
    assert f'<a href="{NEXT_WEEK}">Mon 30 Nov 09:00</a>' in markup(viewer, WEEK)
    assert "Also foreseen" not in text(viewer, NEXT_WEEK)
    assert "Also foreseen" not in text(viewer, f"{WEEK}?from=2026-11-16"), "what is over says nothing of what comes"
    assert "Also foreseen" not in text(viewer, f"{WEEK}?from=2026-12-07")


def test_so_does_today(viewer: Client, exam: BlockTime) -> None:
    page = text(viewer, TODAY)
    assert f"Also foreseen: Mon 30 Nov 09:00 {COLLISION}." in page
    assert "This week:" not in page


def test_today_says_what_will_be_short_later_in_the_week(viewer: Client, site: Site) -> None:
    forecast_run()
    foresee(class_(site, "CS300", FRIDAY), 18, "68 computers can run the image")
    words = "CS300 : 18 of 20 machines foreseen: 68 computers can run the image"
    assert f"This week: 1 class will be short Fri 09:00 : {words}" in text(viewer, TODAY)


def test_one_class_alone_says_why(viewer: Client, site: Site) -> None:
    forecast_run()
    foresee(class_(site, "CS300", FRIDAY), 18, "site maintenance from Fri 08:00 to 12:00")
    words = "Fri 09:00 : CS300 : 18 of 20 machines foreseen: site maintenance from Fri 08:00 to 12:00"
    assert f"Will be short {words}" in text(viewer, WEEK)


def test_several_weeks_are_hinted_at_and_the_rest_counted(viewer: Client, site: Site) -> None:
    forecast_run(until=NOW + 100 * DAY)
    for week in range(1, 6):
        foresee(class_(site, f"week {week}", MONDAY + 7 * week * DAY), 18, "other classes have them")
    page = text(viewer, WEEK)
    assert (
        "Mon 7 Dec 09:00 week 1: 18 of 20 machines foreseen: other classes have them; Mon 14 Dec 09:00 week 2" in page
    )
    assert (
        "Mon 21 Dec 09:00 week 3: 18 of 20 machines foreseen: other classes have them; and more in 2 later weeks."
        in page
    )
    assert "week 4" not in page


# --- What nobody looked at ------------------------------------------------------------------------


def overview(client: Client, url: str, day: str) -> str:
    """The line below the name of a day."""
    return text(client, url).rpartition(f"{day} ")[2].partition(".")[0]


def test_a_day_without_a_forecast_is_not_checked(viewer: Client, site: Site) -> None:
    class_(site, "CS300", FRIDAY)
    assert overview(viewer, WEEK, "Friday 27 Nov") == "1 class, not checked"
    assert "Not checked ahead: no forecast has been made." in text(viewer, WEEK)


def test_a_day_on_which_all_will_be_served(viewer: Client, site: Site) -> None:
    forecast_run()
    foresee(class_(site, "CS300", FRIDAY), 20)
    assert overview(viewer, WEEK, "Friday 27 Nov") == "1 class, none short"
    assert overview(viewer, WEEK, "Thursday 26 Nov") == "No classes"
    assert "Forecast checked just now, up to Wed 23 Dec." in text(viewer, WEEK)


@pytest.mark.parametrize(
    ("run", "why"),
    [
        ({"checked": NOW - 15 * MINUTE}, "the forecast was last checked 15 min ago"),
        ({"problem": "deadlock"}, "the last forecast failed"),
        ({"made": None, "checked": None, "until": None}, "no forecast has been made"),
    ],
)
def test_a_forecast_that_is_old_or_failed_says_nothing(viewer: Client, exam: BlockTime, run: Any, why: str) -> None:
    forecast_run(**run)
    page = text(viewer, NEXT_WEEK)
    assert overview(viewer, NEXT_WEEK, "Monday 30 Nov") == "2 classes, not checked"
    assert f"Not checked ahead: {why}." in page
    assert "70 wanted" not in page
    assert "wanted, " not in page
    assert [each.number for each in blocks_of_week(viewer, NEXT_WEEK)] == ["20 wanted", "50 wanted"]
    assert "deadlock" not in page


def test_a_day_that_the_forecast_does_not_reach_is_not_checked(viewer: Client, exam: BlockTime) -> None:
    forecast_run(until=MONDAY + HOUR)
    assert overview(viewer, NEXT_WEEK, "Monday 30 Nov") == "2 classes, 1 to watch, 1 of them will be short, not checked"
    Forecast.objects.all().delete()
    assert overview(viewer, NEXT_WEEK, "Monday 30 Nov") == "2 classes, not checked"


def test_a_class_that_was_made_or_moved_since_is_not_checked(viewer: Client, site: Site) -> None:
    forecast_run()
    foresee(class_(site, "CS300", FRIDAY), 20)
    new = class_(site, "new", FRIDAY)
    assert overview(viewer, WEEK, "Friday 27 Nov") == "2 classes, 1 not checked"
    foresee(new, 18, "other classes have them")
    assert overview(viewer, WEEK, "Friday 27 Nov") == "2 classes, 1 to watch, 1 of them will be short"
    BlockTime.objects.filter(pk=new.pk).update(start=FRIDAY + HOUR)
    assert overview(viewer, WEEK, "Friday 27 Nov") == "2 classes, 1 not checked"
    assert "Will be short" not in text(viewer, WEEK)


def test_todays_later_classes_are_foreseen_too(viewer: Client, site: Site) -> None:
    time = class_(site, "evening", NOW + 9 * HOUR)
    assert "1 of the later ones not checked next in 9 h 1 class today" in text(viewer, TODAY)
    forecast_run()
    foresee(time, 20)
    assert "none at risk none of the later ones short next in 9 h 1 class today" in text(viewer, TODAY)
    Forecast.objects.update(machines=18, why="other classes have them")
    page = text(viewer, TODAY)
    assert "none at risk 1 to watch 1 of the later ones will be short next in 9 h 1 class today" in page
    card = cards(viewer)["evening"]
    assert card.startswith("Watch 21:00–23:00 evening")
    assert "18 of 20 foreseen" in card
    assert "18 of 20 machines foreseen: other classes have them; not asked for yet, begins in 9 h" in card


def test_what_has_been_asked_for_is_not_foreseen(viewer: Client, site: Site) -> None:
    forecast_run()
    time = site.class_("CS300", FRIDAY)
    foresee(time, 1, "other classes have them")
    page = text(viewer, WEEK)
    assert "foreseen" not in page.partition("Friday 27 Nov")[2]
    assert overview(viewer, WEEK, "Friday 27 Nov") == "1 class, none short"


def test_what_is_due_and_has_computers_is_not_in_the_list(viewer: Client, site: Site) -> None:
    """Readiness knows which of them have failed: the numbers would differ."""
    forecast_run()
    time = site.class_("CS300", NOW + 5 * HOUR)
    BlockRequest.objects.update(numMachines=4)
    foresee(BlockTime.objects.select_related("blockRequest").get(pk=time.pk), 3, "other classes have them")
    assert "will be short" not in text(viewer, TODAY)
    Forecast.objects.update(start=FRIDAY, end=FRIDAY + 2 * HOUR)
    BlockTime.objects.update(start=FRIDAY, end=FRIDAY + 2 * HOUR)
    assert "This week: 1 class will be short Fri 09:00 : CS300 : 3 of 4 machines foreseen" in text(viewer, TODAY)


def test_of_released_classes_it_is_not_said_that_none_is_short(viewer: Client, site: Site) -> None:
    forecast_run()
    site.time(site.request("released", site.ubuntu, None, 20), FRIDAY, processed=1)
    assert overview(viewer, WEEK, "Friday 27 Nov") == "1 class, 1 to watch, 1 without computers"
    foresee(class_(site, "CS300", FRIDAY), 20)
    assert (
        overview(viewer, WEEK, "Friday 27 Nov")
        == "2 classes, 1 to watch, 1 without computers, none of the others short"
    )


# --- Who, and at what cost --------------------------------------------------------------------------


@pytest.fixture
def other(exam: BlockTime) -> Affiliation:
    """The exam belongs to another affiliation than the lab beside it."""
    other = Affiliation.objects.create(name="Other")
    owner = User.objects.create(unityid="teacher", affiliation=other)
    BlockRequest.objects.filter(name="CS420 exam").update(owner=owner)
    return other


@pytest.mark.parametrize("url", [TODAY, WEEK, NEXT_WEEK])
def test_names_of_other_affiliations_are_not_shown(
    viewer: Client, other: Affiliation, monkeypatch: pytest.MonkeyPatch, url: str
) -> None:
    limit_to(other.pk, monkeypatch)
    assert "CS420 exam" in markup(viewer, NEXT_WEEK)
    assert "CS101" not in markup(viewer, url)


def test_how_they_are_shown_instead(viewer: Client, other: Affiliation, monkeypatch: pytest.MonkeyPatch) -> None:
    limit_to(other.pk, monkeypatch)
    page = text(viewer, NEXT_WEEK)
    assert "48 of 50 machines foreseen: a class of another affiliation has 20 of the computers" in page
    assert f"{COLLISION} ( CS420 exam 48 of 50 machines, 1 further one of another affiliation)" in page


def test_a_shortage_of_others_only_is_not_shown(
    viewer: Client, other: Affiliation, monkeypatch: pytest.MonkeyPatch
) -> None:
    limit_to(1, monkeypatch)
    page = text(viewer, NEXT_WEEK)
    assert "CS101" in page
    assert "Will be short" not in page
    assert "CS420" not in page


@pytest.mark.parametrize("limited", [False, True])
@pytest.mark.parametrize("url", [TODAY, WEEK, NEXT_WEEK])
def test_statements_do_not_grow(
    viewer: Client, site: Site, exam: BlockTime, monkeypatch: pytest.MonkeyPatch, url: str, *, limited: bool
) -> None:
    if limited:
        limit_to(1, monkeypatch)
    counts = []
    for number in (1, 8):
        for each in range(number):
            for day in range(3):
                time = class_(site, f"class {number} {each} {day}", MONDAY - (4 - day) * DAY + each * HOUR)
                foresee(time, 18, "CS420 exam has 49 of the computers", has(exam, 49))
        viewer.get(url)
        with CaptureQueriesContext(connection) as queries:
            viewer.get(url)
        counts.append(len(queries))
    assert counts[0] == counts[1] < 20
