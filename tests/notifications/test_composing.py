"""What letters say, for staff, owners and the site, and how they are written out."""

import re
from datetime import timedelta
from html.parser import HTMLParser
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from pytest_django import Settings

from blockalloc.models import News, User
from blockalloc.notifications.composing import as_html, as_text, letter_of_news, letter_of_test
from blockalloc.notifications.letter import Letter
from scheduling.news.kinds import Kind
from tests.support.sites.accounts import GLOBAL, OWN
from tests.support.sites.staff_site import DAY, HOUR, MONDAY, NOW
from tests.support.sites.told import news, teacher, vcl_staff

pytestmark = pytest.mark.django_db
AT = int(NOW.timestamp())
SITE = "mail:desk@example.edu"


@pytest.fixture(autouse=True)
def _addresses(settings: Settings) -> None:
    settings.VCL_SERVICE_URL = "https://blocks.example.edu"
    settings.VCL_FRONT_END_URL = ""


@pytest.fixture
def odette() -> User:
    """A teacher of NCSU."""
    return teacher()


def letter(*about: News, key: str = SITE, at: int = AT) -> Letter:
    return letter_of_news(key, "desk@example.edu", about, "m-1", at)


# --- Subjects ---------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("kind", "values", "subject", "headline"),
    [
        (Kind.SHORT, {}, "2 of 20 machines missing", "2 of 20 machines are missing."),
        (Kind.SHORT, {"usable": 19}, "1 of 20 machines missing", "1 of 20 machines is missing."),
        (Kind.SHORT, {"usable": 0}, "all 20 machines missing", "All 20 machines are missing."),
        (Kind.SHORT, {"wanted": 1, "usable": 0}, "its machine missing", "Its machine is missing."),
        (Kind.AT_RISK, {}, "at risk", "The class may not be ready when it begins."),
        (
            Kind.AT_RISK,
            {"why": "pc1 failed to load; pc2 is slow", "sureness": 0.617},
            " at risk: pc1 failed to load",
            "The class may not be ready when it begins. The chance that all 20 machines are ready is 62 %.",
        ),
        (
            Kind.AT_RISK,
            {"usable": 18, "sureness": 0.001},
            "at risk",
            "The class has 18 of 20 machines, and may not be ready when it begins. "
            "The chance that all 20 machines are ready is below 1 %.",
        ),
        (
            Kind.AT_RISK,
            {"wanted": 1, "usable": 1, "sureness": 0.9999},
            "at risk",
            "The class may not be ready when it begins. The chance that its machine is ready is over 99 %.",
        ),
        (Kind.NOT_READY, {}, "began with 15 of 20 machines ready", "The class began with 15 of 20 machines ready."),
        (Kind.NOT_READY, {"ready": 0}, "began with no machine ready", "The class began with no machine ready."),
        (Kind.MENDED, {}, "has all 20 machines now", "The class has all 20 machines now."),
        (Kind.READY, {}, "all 20 machines ready now", "All 20 machines are ready now."),
        (Kind.READY, {"wanted": 1}, "its machine ready now", "Its machine is ready now."),
        (
            Kind.FORESEEN,
            {"usable": 18},
            "2 of 20 machines will be missing",
            "2 of 20 machines will be missing, as things stand.",
        ),
        (
            Kind.FORESEEN,
            {"wanted": 1, "usable": 0},
            "its machine will be missing",
            "Its machine will be missing, as things stand.",
        ),
        (Kind.FORESEEN_OVER, {}, "will have all 20 machines", "The class will have all 20 machines, as things stand."),
    ],
)
def test_the_subject_says_it_all(kind: Kind, values: dict[str, Any], subject: str, headline: str) -> None:
    made = letter(news(kind, **values))
    assert made.subject == f"CS101 lab Mon 09:00{subject if subject.startswith(' ') else f': {subject}'}"
    assert made.items[0].headline == headline
    assert made.opening == ""


@pytest.mark.parametrize(
    ("start", "when"),
    [
        (MONDAY, "Mon 09:00"),
        (NOW + HOUR, "Wed 13:00"),
        (MONDAY + 7 * DAY, "Mon 7 Dec 09:00"),
        (MONDAY + 42 * DAY, "Mon 11 Jan 2027 09:00"),
    ],
)
def test_a_day_is_never_in_doubt(start: object, when: str) -> None:
    assert letter(news(Kind.SHORT, start=start)).subject == f"CS101 lab {when}: 2 of 20 machines missing"


def test_names_cannot_break_a_subject() -> None:
    made = letter(news(Kind.SHORT, block_name="CS101\r\nBcc: x@example.edu\x00 lab"))
    assert made.subject == "CS101 Bcc: x@example.edu lab Mon 09:00: 2 of 20 machines missing"
    assert len(letter(news(Kind.AT_RISK, block_name="x" * 80, why="y" * 200)).subject) == 120


def test_several_classes_are_counted() -> None:
    def about(kind: Kind, number: int, hours: int = 0) -> News:
        return news(kind, block_time_id=number, block_name=f"Class {number}", start=MONDAY + hours * HOUR)

    risk = [about(Kind.AT_RISK, number) for number in (1, 2, 3)]
    assert letter(*risk).subject == "3 classes Mon 09:00: may not be ready in time"
    assert letter(*risk).opening == "There is news about 3 classes, listed by their start."
    made = letter(about(Kind.READY, 6, 4), about(Kind.SHORT, 5, 26), *risk)
    assert (
        made.subject == "5 classes Mon 09:00 to Tue 11:00: 1 lacking machines, 3 may not be ready in time, 1 ready now"
    )
    assert [item.name for item in made.items] == ["Class 1", "Class 2", "Class 3", "Class 6", "Class 5"]
    assert letter(*risk, about(Kind.READY, 6, 4)).subject.startswith(
        "4 classes Mon 09:00 to 13:00: 3 may not be ready in time, 1"
    )


def test_the_latest_of_a_class_comes_with_the_earlier_ones() -> None:
    first = news(Kind.SHORT, at=NOW - 2 * HOUR)
    second = news(Kind.AT_RISK, at=NOW - HOUR, why="pc1 failed")
    made = letter(news(Kind.READY, at=NOW), second, first)
    (item,) = made.items
    assert made.subject == "CS101 lab Mon 09:00: all 20 machines ready now"
    assert item.earlier == ["Wed 10:00: 2 of 20 machines missing.", "Wed 11:00: at risk."]
    assert item.kind is Kind.READY
    assert "Wed 10:00: 2 of 20 machines missing. Wed 11:00: at risk." in as_text(made)


def test_what_is_foreseen_comes_with_the_week_and_what_helps(odette: User, settings: Settings) -> None:
    settings.VCL_FRONT_END_URL = "https://vcl.example.edu/"
    about = news(Kind.FORESEEN, odette, usable=18, why="Midterm has 9 computers", since=NOW - HOUR)
    made = letter(about)
    (item,) = made.items
    assert item.week == "https://blocks.example.edu/admin/week/?from=2026-11-30"
    text = as_text(made)
    assert "20 machines wanted, 18 foreseen." in text
    assert "Why:    Midterm has 9 computers" in text
    assert "Since:  Wed 11:00" in text
    assert f"Week:   {item.week}" in text
    assert "move this class, or what is in its way" in " ".join(text.split())
    html = as_html(made)
    assert f'href="{item.week}"' in html
    assert "Machines will be missing" in html
    owner = letter(about, key=f"vcl:{odette.pk}")
    assert "please ask the staff of VCL soon" in owner.items[0].advice
    assert (owner.items[0].week, owner.items[0].link) == ("", "https://vcl.example.edu/?mode=blockAllocations")
    over = letter(news(Kind.FORESEEN_OVER, odette))
    assert "Will be complete" in as_html(over)
    assert "20 machines wanted, 20 foreseen." in as_text(over)
    assert over.items[0].advice == "Nothing. All is well again."


def test_only_what_is_foreseen_links_to_the_week() -> None:
    assert [each for each in Kind if letter(news(each)).items[0].week] == [Kind.FORESEEN, Kind.FORESEEN_OVER]


def test_several_classes_of_the_forecast_are_counted() -> None:
    def about(kind: Kind, number: int) -> News:
        return news(kind, block_time_id=number, block_name=f"Class {number}", usable=18)

    made = letter(about(Kind.FORESEEN, 1), about(Kind.FORESEEN, 2), about(Kind.FORESEEN_OVER, 3))
    assert made.subject == "3 classes Mon 09:00: 2 going to lack machines, 1 going to have all machines"


# --- For whom ---------------------------------------------------------------------------------------
def test_staff_are_told_what_they_can_do_and_where(odette: User) -> None:
    own = vcl_staff("own", "NCSU", OWN)
    about = news(Kind.SHORT, odette)
    made = letter(about, key=f"vcl:{own.pk}")
    assert "“Put right now”" in made.items[0].advice
    page = reverse("admin:blockalloc_blocktime_change", args=[about.block_time_id])
    assert made.items[0].link == f"https://blocks.example.edu{page}"
    assert made.reason == "You get this message because you are staff for classes of NCSU."
    assert made.preferences == f"https://blocks.example.edu{reverse('admin:my_notifications')}"
    assert made.unsubscribe.startswith("https://blocks.example.edu/notifications/unsubscribe/")


def test_an_owner_without_any_machine_is_not_told_to_do_nothing(odette: User) -> None:
    made = letter(news(Kind.SHORT, odette, usable=0), key=f"vcl:{odette.pk}")
    assert made.items[0].advice.startswith("Machines are added")
    assert made.items[0].advice.endswith("please ask the staff of VCL.")


def test_owners_get_no_link_that_they_cannot_open(odette: User, settings: Settings) -> None:
    about, key = news(Kind.SHORT, odette), f"vcl:{odette.pk}"
    made = letter(about, key=key)
    assert made.items[0].link == made.preferences == ""
    assert made.items[0].advice.startswith("You need not do anything: machines are added")
    assert made.reason == "You get this message because you own this class."
    assert "/admin/" not in as_text(made) + as_html(made)
    settings.VCL_FRONT_END_URL = "https://vcl.example.edu/index.php"
    assert letter(about, key=key).items[0].link == "https://vcl.example.edu/index.php?mode=blockAllocations"


def test_an_owner_among_the_staff_can_open_the_page() -> None:
    chief = vcl_staff("chief", "NCSU", GLOBAL)
    own, other = news(Kind.SHORT, chief), news(Kind.SHORT, teacher(), block_time_id=7)
    made = letter(own, key=f"vcl:{chief.pk}")
    assert made.reason == "You get this message because you own this class."
    assert "/admin/" in made.items[0].link
    assert "“Put right now”" in made.items[0].advice
    assert letter(own, other, key=f"vcl:{chief.pk}").reason.endswith("because you are staff for all classes.")


def test_the_site_and_webhooks() -> None:
    about = news(Kind.SHORT)
    assert (
        letter(about).reason
        == "You get this message because this address gets the news of all classes (VCL_SITE_MAIL)."
    )
    assert letter(about).preferences == ""
    assert letter(about).unsubscribe != ""
    hook = letter(about, key="webhook:" + "0" * 32)
    assert hook.unsubscribe == ""
    assert "/admin/" in hook.items[0].link


def test_without_an_address_of_the_service_there_are_no_links(settings: Settings) -> None:
    settings.VCL_SERVICE_URL = ""
    made = letter(news(Kind.SHORT))
    assert (made.items[0].link, made.unsubscribe) == ("", "")
    assert "://" not in as_text(made)
    assert "<a " not in as_html(made)


def test_good_news_asks_for_nothing() -> None:
    for kind in (Kind.MENDED, Kind.READY):
        (item,) = letter(news(kind, since=NOW)).items
        assert (item.advice, item.since) == ("Nothing. All is well again.", "")


@pytest.mark.parametrize(
    ("said", "why"),
    [
        ("2 of 20 machines missing: the exam has the others; pc1 failed", "the exam has the others; pc1 failed"),
        ("2 of 20 machines missing; pc1 failed", "pc1 failed"),
        ("1 of 1 machine missing", ""),
        ("somebody else was faster", "somebody else was faster"),
    ],
)
def test_how_many_are_missing_is_said_once(said: str, why: str) -> None:
    assert letter(news(Kind.SHORT, why=said)).items[0].why == why
    assert letter(news(Kind.AT_RISK, why=said)).items[0].why == said


def test_since_when() -> None:
    assert letter(news(Kind.SHORT, since=NOW - 3 * HOUR)).items[0].since == "Wed 09:00"
    assert letter(news(Kind.SHORT, at=NOW - HOUR)).items[0].since == "Wed 11:00, when it was noticed"


def test_statements_do_not_grow(odette: User) -> None:
    own = vcl_staff("own", "NCSU", OWN)
    for number in (1, 30):
        about = [news(Kind.SHORT, odette, block_time_id=each) for each in range(number)]
        with CaptureQueriesContext(connection) as queries:
            letter(*about, key=f"vcl:{own.pk}")
        assert len(queries) == 3


# --- Written out ------------------------------------------------------------------------------------
def test_text(odette: User) -> None:
    about = news(
        Kind.SHORT,
        odette,
        why="the Exam has 52 of the 70 computers of the group “All Linux computers”, and no other can run the image",
        since=NOW - HOUR,
        tried="keep_ready looked for computers 14 times, last at 11:59",
        ready=3,
    )
    made = letter(about)
    assert as_text(made) == (
        "CS101 lab\n"
        "Monday 30 November, 09:00 to 11:00\n"
        "\n"
        "2 of 20 machines are missing.\n"
        "\n"
        "Why:    the Exam has 52 of the 70 computers of the group “All Linux\n"
        "        computers”, and no other can run the image\n"
        "Since:  Wed 11:00\n"
        "Tried:  keep_ready looked for computers 14 times, last at 11:59\n"
        "To do:  On the page of the class, “Dry run” shows why other computers cannot\n"
        "        be taken and what would help; “Put right now” takes what has become\n"
        "        free.\n"
        f"Class:  {made.items[0].link}\n"
        "\n"
        "20 machines wanted, 18 usable, 3 ready. Ubuntu 22.04, for CS101@NCSU, owner\n"
        "odette@NCSU.\n"
        "\n\n"
        "-- \n"
        "You get this message because this address gets the news of all classes\n"
        "(VCL_SITE_MAIL).\n"
        f"Unsubscribe: {made.unsubscribe}\n"
    )


@pytest.mark.parametrize("kind", Kind)
def test_lines_are_short_but_for_addresses(kind: Kind) -> None:
    about = [news(kind, block_time_id=each, why="because " * 40, tried="again " * 50) for each in range(3)]
    for line in as_text(letter(*about)).splitlines():
        assert len(line) <= 76 or "https://" in line, line


def test_html_is_for_mail_programs_and_quotes_nothing_unescaped() -> None:
    evil = "<script>alert(1)</script>&\"'"
    made = letter(news(Kind.AT_RISK, block_name=evil, why=evil, tried=evil, image_name=evil, user_group=evil))
    html = as_html(made)
    assert "<script" not in html
    assert "&lt;script&gt;" in html
    for never in ("<img", "<link", "@import", "url(", "<form", "<iframe", "onclick", "position:"):
        assert never not in html
    assert re.findall(r'(?:href|src)="([^"]*)"', html) == [
        made.items[0].link,
        made.unsubscribe,
    ]
    Balanced().feed(html)


class Balanced(HTMLParser):
    """Fails on tags that are not closed in order."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []

    def handle_starttag(self, tag: str, attrs: object) -> None:
        if tag != "meta":
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag


def test_a_test_says_that_it_is_one() -> None:
    made = letter_of_test(SITE, "desk@example.edu", "test-1", AT)
    assert (made.kind, made.key, made.subject) == ("test", "test-1", "Test of the notifications about classes")
    assert "desk@example.edu" in as_text(made)
    assert "This is a test" in as_html(made)


def test_the_end_on_another_day() -> None:
    overnight = news(Kind.SHORT, start=MONDAY + 13 * HOUR, end=MONDAY + 13 * HOUR + timedelta(hours=4))
    assert "Monday 30 November, 22:00 to Tue 02:00" in as_text(letter(overnight))
