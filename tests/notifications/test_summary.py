"""The daily summary: today's classes, yesterday's, what was not delivered; for whom, and when there is none."""

from datetime import date, datetime

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from pytest_django import Settings

from blockalloc.models import BlockRequest, ClassHeld, ForecastRun, Heartbeat, User
from blockalloc.models.scope import Scope
from blockalloc.notifications.audience import Person
from blockalloc.notifications.composing import as_html, as_text
from blockalloc.notifications.letter import Letter
from blockalloc.notifications.summary import letter_of_summary
from scheduling.news.kinds import Kind
from tests.support.sites.accounts import OWN
from tests.support.sites.forecasts import forecast_run, foresee, in_the_way
from tests.support.sites.staff_site import DAY, HOUR, NOW, Site
from tests.support.sites.told import message, news, teacher, vcl_staff

pytestmark = pytest.mark.django_db
DESK = Person(
    "mail:desk@example.edu",
    "mail",
    "desk@example.edu",
    "this address gets the news of all classes (VCL_SITE_MAIL)",
)
TODAY = date(2026, 11, 25)


@pytest.fixture(autouse=True)
def _address(settings: Settings) -> None:
    settings.VCL_SERVICE_URL = "https://blocks.example.edu"


@pytest.fixture(autouse=True)
def _forecast() -> None:
    """It has been checked, and sees no class short."""
    forecast_run()


def summary(person: Person = DESK) -> Letter | None:
    return letter_of_summary(person, TODAY, "summary-2026-11-25-1", int(NOW.timestamp()))


def written(person: Person = DESK) -> Letter:
    made = summary(person)
    assert made is not None
    return made


def sections(letter: Letter) -> dict[str, list[str]]:
    return {section.title: [text for text, _ in section.lines] for section in letter.sections}


def held(key: int, start: datetime, **values: object) -> ClassHeld:
    columns: dict[str, object] = {
        "block_time_id": key,
        "block_request_id": key,
        "block_name": f"Class {key}",
        "image_id": 1,
        "image_name": "Ubuntu 22.04",
        "user_group": "CS101@NCSU",
        "owner": "odette@NCSU",
        "start": start,
        "end": start + 2 * HOUR,
        "wanted": 20,
        "had": 20,
        "ready_at_start": 20,
        "ready_after_five": 20,
        **values,
    }
    return ClassHeld.objects.create(**columns)


def test_there_is_none_when_there_is_nothing_to_tell(site: Site) -> None:
    assert summary() is None
    site.class_("Tomorrow", NOW + DAY)
    held(1, NOW - 2 * DAY)
    message(failed=NOW - 2 * DAY)
    message(sent=NOW)
    message()
    Heartbeat.objects.create(pk=1, at=NOW, host="mn1", milliseconds=10)
    assert summary() is None


def test_the_classes_of_today_with_their_state(site: Site) -> None:
    late = site.class_("Late", NOW + 8 * HOUR)
    site.class_("Short", NOW + HOUR, computers=2)
    BlockRequest.objects.filter(name="Short").update(numMachines=3)
    skipped, refused = site.class_("Skipped", NOW + 2 * HOUR), site.class_("Refused", NOW + 2 * HOUR)
    skipped.skip = 1
    skipped.save()
    BlockRequest.objects.filter(pk=refused.blockRequest_id).update(status="rejected")
    made = written()
    assert made.subject == "Wed 25 Nov: 2 classes today, 1 at risk"
    assert made.opening == "2 classes today, 1 at risk."
    (title, lines), *rest = sections(made).items()
    assert (title, rest) == ("Today, Wednesday 25 November", [])
    assert lines[0].startswith("13:00–15:00 Short (Short@Local): at risk: 1 of 3 machines missing: ")
    assert lines[1].startswith("20:00–22:00 Late (Late@Local): ")
    address = made.sections[0].lines[1][1]
    assert address == f"https://blocks.example.edu{reverse('admin:blockalloc_blocktime_change', args=[late.pk])}"


def test_yesterday_s_classes_as_they_came() -> None:
    begin = NOW - DAY
    held(1, begin, had=18, ready_at_start=17, ready_after_five=18, replaced=1, added=2)
    held(2, begin + HOUR)
    held(3, begin + 11 * HOUR, ready_at_start=None, loaded_again=3)
    made = written()
    assert made.subject == "Wed 25 Nov: no classes today; yesterday 1 of 2 had all machines ready at the start"
    assert sections(made) == {
        "Yesterday, Tuesday 24 November": [
            "12:00–14:00 Class 1 (CS101@NCSU): 20 machines wanted, 18 allocated, 17 ready at the start, 18 five "
            "minutes later; 1 computer exchanged, 2 added",
            "13:00–15:00 Class 2 (CS101@NCSU): 20 machines wanted, 20 allocated, 20 ready at the start",
            "23:00–Wed 01:00 Class 3 (CS101@NCSU): 20 machines wanted, 20 allocated, nobody counted at the start; "
            "3 loaded again",
        ]
    }


def test_what_was_not_delivered_and_a_silent_keep_ready() -> None:
    failed = message(failed=NOW - HOUR, problem="550 no such user")
    message(failed=NOW - HOUR, sent=NOW)  # sent again since
    Heartbeat.objects.create(pk=1, at=NOW - 3 * HOUR, host="mn1", milliseconds=10)
    made = written()
    assert sections(made) == {
        "Not delivered": ["CS101 lab Mon 09:00: 2 of 20 machines missing (550 no such user)"],
        "The service": ["keep_ready has not looked for 3 h."],
    }
    page = reverse("admin:blockalloc_message_change", args=[failed.pk])
    assert made.sections[0].lines[0][1] == f"https://blocks.example.edu{page}"
    for _ in range(25):
        message(failed=NOW - HOUR)
    assert [*sections(written())["Not delivered"]][-1] == "There are more."
    assert len(sections(written())["Not delivered"]) == 21


def test_classes_of_the_coming_week_that_will_lack_machines(site: Site) -> None:
    exam = site.time(site.request("Exam", site.ubuntu, site.group("CS420"), 5), NOW + 5 * DAY)
    fine = site.time(site.request("Fine", site.ubuntu, None, 5), NOW + 5 * DAY)
    later = site.time(site.request("Later", site.ubuntu, None, 5), NOW + 8 * DAY)
    skipped = site.time(site.request("Skipped", site.ubuntu, None, 5), NOW + 5 * DAY, skip=1)
    foresee(fine, 5)
    for each in (exam, later, skipped):
        foresee(each, 3, why="3 computers can run the image", fit=3)
    made = written()  # nothing else is to be told
    assert made.opening == "No classes today; 1 class of the coming week will lack machines."
    assert sections(made) == {
        "The coming week": ["Mon 12:00 Exam (CS420@Local): 3 of 5 machines: 3 computers can run the image"]
    }
    address = f"https://blocks.example.edu{reverse('admin:blockalloc_blocktime_change', args=[exam.pk])}"
    assert made.sections[0].lines[0][1] == address


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"checked": NOW - 3 * HOUR}, "not checked: the forecast was checked 3 h ago."),
        ({"problem": "a fault"}, "no newer forecast can be made: a fault; the forecast was checked just now."),
        ({"made": None}, "no forecast has been made yet."),
    ],
)
def test_a_forecast_that_does_not_count_says_so(site: Site, change: dict[str, object], said: str) -> None:
    foresee(site.time(site.request("Exam", site.ubuntu, None, 5), NOW + 5 * DAY), 3)
    ForecastRun.objects.update(**change)
    assert summary() is None  # nothing else is to be told
    site.class_("Today", NOW + HOUR)
    made = written()
    assert sections(made)["The coming week"] == [said]
    assert "coming week" not in made.opening


def test_the_coming_week_in_a_scope(site: Site) -> None:
    own, stranger = vcl_staff("own", "NCSU", OWN), teacher("stranger", "Elsewhere")
    person = Person(f"vcl:{own.pk}", "mail", "own@example.edu", "", Scope(own.affiliation_id))
    ours, theirs = (
        site.time(site.request(name, site.ubuntu, None, 5, owner_id=owner.pk), NOW + 5 * DAY)
        for name, owner in (("Ours", own), ("Theirs", stranger))
    )
    foresee(ours, 3, in_the_way=in_the_way(theirs))
    foresee(theirs, 3, in_the_way=in_the_way(ours))
    (line,) = sections(written(person))["The coming week"]
    assert line.endswith("a class of another affiliation, Mon 12:00 to 14:00, has 2 computers that it could have")
    assert "Theirs" not in as_text(written(person))
    assert len(sections(written())["The coming week"]) == 2


def test_a_scope_has_its_own_classes_alone(site: Site) -> None:
    own = vcl_staff("own", "NCSU", OWN)
    stranger = teacher("stranger", "Elsewhere")
    person = Person(f"vcl:{own.pk}", "mail", "own@example.edu", "", Scope(own.affiliation_id))
    site.class_("Ours", NOW + HOUR, owner_id=own.pk)
    site.class_("Theirs", NOW + HOUR, owner_id=stranger.pk)
    held(1, NOW - DAY, block_name="Ours then", affiliation_id=own.affiliation_id)
    held(2, NOW - DAY, block_name="Theirs then", affiliation_id=stranger.affiliation_id)
    for owner, subject in ((own, "About ours"), (stranger, "About theirs")):
        message([news(Kind.SHORT, owner)], subject=subject, failed=NOW, problem="550 <desk@example.edu>: unknown")
    made = written(person)
    text = as_text(made)
    assert "Theirs" not in text
    assert "theirs" not in text
    assert "desk@" not in text
    for each in ("Ours (", "Ours then", "About ours"):
        assert each in text
    assert made.reason == "You get this message because you are staff for classes of NCSU."
    assert "Theirs then" in as_text(written())


def test_written_out(site: Site) -> None:
    site.class_("<b>Bold</b>", NOW + HOUR)
    held(1, NOW - DAY)
    made = written()
    assert "&lt;b&gt;Bold" in as_html(made)
    assert "<b>Bold" not in as_html(made)
    text = as_text(made)
    assert "Yesterday, Tuesday 24 November\n------------------------------\n* 12:00–14:00 Class 1" in text
    assert all(len(line) <= 76 or "https://" in line for line in text.splitlines())


def test_statements_do_not_grow(site: Site) -> None:
    counts = []
    for number in (2, 6):
        for each in range(number):
            site.class_(f"Class {number}-{each}", NOW + HOUR, computers=each + 1)
            held(100 * number + each, NOW - DAY)
            message(failed=NOW)
            ahead = site.time(site.request(f"Ahead {number}-{each}", site.ubuntu, None, 5), NOW + 5 * DAY)
            foresee(ahead, 3, in_the_way=in_the_way(ahead))
        written()  # what a process remembers for some minutes is read once
        with CaptureQueriesContext(connection) as queries:
            written()
        counts.append(len(queries))
    assert counts[0] == counts[1] < 29


def test_an_owner_is_no_recipient_but_a_key_may_lose_its_rights(site: Site) -> None:
    own: User = vcl_staff("own", "NCSU")
    site.class_("Ours", NOW + HOUR, owner_id=own.pk)
    person = Person(f"vcl:{own.pk}", "mail", "own@example.edu", "", Scope(own.affiliation_id))
    assert written(person).reason == "You get this message because you were among the staff when this was sent."
