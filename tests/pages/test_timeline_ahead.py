"""The timeline shows classes that have no computers yet, with what is foreseen of them."""

import re
from html import unescape
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from django.contrib.staticfiles import finders
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from blockalloc.models import Affiliation, BlockRequest, BlockTime, Computer, Forecast, User
from tests.support.scoped import limit_to
from tests.support.sites.kept_forecast import forecast_run, foresee, has
from tests.support.sites.staff_site import DAY, HOUR, MONDAY, NOW, Site, page_url, text

pytestmark = pytest.mark.django_db

WORDS = "48 of 50 machines foreseen: CS101 has 20 of the computers"


class Drawn(NamedTuple):
    """A bar of a class to come, and the row that it is in."""

    row: str
    kind: str
    left: float
    text: str
    title: str
    address: str


def url(**query: object) -> str:
    return reverse("admin:timeline", query={"day": "2026-11-30", "zoom": "day", **query})


def drawn(client: Client, **query: object) -> list[Drawn]:
    page = client.get(url(**query)).content.decode()
    part = page.partition('<ul class="rows ahead">')[2].partition("</ul>")[0]
    found = []
    for name, row in re.findall(r'<span class="name">(.*?)</span>.*?<div class="time">(.*?)</div>', part, re.DOTALL):
        bars = re.findall(
            r'<(?:a href="([^"]*)"|g)><title>([^<]*)</title><svg class="bar (\w+)" x="([\d.]+)%".*?>(.*?)</svg>', row
        )
        found += [
            Drawn(
                unescape(re.sub("<[^>]*>", "", name)), kind, float(left), re.sub("<[^>]*>", "", inner),
                unescape(title), address,
            )
            for address, title, kind, left, inner in bars
        ]  # fmt: skip
    return found


@pytest.fixture
def lab(site: Site) -> BlockTime:
    forecast_run()
    lab = site.time(site.request("CS101", site.ubuntu, None, 20), MONDAY)
    foresee(lab, 20)
    return lab


@pytest.fixture
def exam(site: Site, lab: BlockTime) -> BlockTime:
    """The exam of 50, beside a class of 20 on 68 computers."""
    exam = site.time(site.request("CS420 exam", site.ubuntu, None, 50), MONDAY)
    foresee(exam, 48, "CS101 has 20 of the computers", has(lab, 20))
    return exam


def test_classes_to_come_are_drawn_those_that_will_be_short_first(
    viewer: Client, lab: BlockTime, exam: BlockTime
) -> None:
    short, served = drawn(viewer)
    assert short == Drawn(
        "CS420 exam", "short", 37.5, "48 of 50",
        f"CS420 exam, Mon 30 Nov 09:00–11:00, Ubuntu 22.04, {WORDS}", page_url("blocktime", exam.pk),
    )  # fmt: skip
    assert (served.row, served.kind, served.text) == ("CS101", "foreseen", "20 of 20")
    assert served.title.endswith("all 20 machines foreseen")
    assert served.address == page_url("blocktime", lab.pk)


def test_their_series_has_a_row_in_a_week(viewer: Client, site: Site, lab: BlockTime) -> None:
    foresee(site.time(lab.blockRequest, MONDAY + 2 * DAY), 18, "other classes have them")
    assert [(each.row, each.kind) for each in drawn(viewer, zoom="week")] == [("CS101", "foreseen"), ("CS101", "short")]
    page = viewer.get(url(zoom="week")).content.decode()
    assert f'<a href="{page_url("blockrequest", lab.blockRequest_id)}">CS101</a>' in page
    assert '<span class="signal watch">Will be short</span>' in page


def beside(client: Client) -> list[tuple[str, str]]:
    """The texts on the left and on the right of their bars, in a week on a wide window."""
    page = client.get(url(zoom="week")).content.decode()
    return re.findall(r'<svg class="beside foreseen if-wide[^"]*" [^>]*><text x="(-?)5"[^>]*>(.*?)</text>', page)


def test_a_text_without_room_on_the_right_is_on_the_left(viewer: Client, site: Site) -> None:
    """On a Sunday evening; not where it would meet the text of the class before."""
    forecast_run()
    evening = MONDAY + 6 * DAY + 9 * HOUR
    series = site.request("Open lab", site.ubuntu, None, 6)
    for start in (evening - DAY, evening):
        foresee(site.time(series, start), 6)
    assert beside(viewer) == [("", "6 of 6"), ("-", "6 of 6")]
    foresee(site.time(series, evening - 10 * HOUR), 6)
    assert beside(viewer) == [("", "6 of 6")]


def test_they_are_drawn_where_no_computer_matches(viewer: Client, exam: BlockTime) -> None:
    assert [each.row for each in drawn(viewer, block=exam.blockRequest_id)] == ["CS420 exam"]
    said = text(viewer, url(block=exam.blockRequest_id, by="computer"))
    assert "No computer is booked in this time for the series “CS420 exam”." in said
    assert said.count("No computer") == 1
    assert "Show all computers" in said


def test_it_says_which_condition_no_computer_meets(viewer: Client, exam: BlockTime) -> None:
    assert "for the series in this address, which does not exist" in text(viewer, url(block=999_999, by="computer"))
    Computer.objects.update(deleted=1)
    said = text(viewer, url(by="computer"))
    assert "There are no computers." in said
    assert "Show all computers" not in said


def test_filters_leave_those_that_match(viewer: Client, site: Site, exam: BlockTime) -> None:
    assert drawn(viewer, image=site.windows.pk) == []
    assert len(drawn(viewer, image=site.ubuntu.pk)) == 2


def test_what_has_computers_is_over_or_will_not_take_place_is_not_drawn(viewer: Client, site: Site) -> None:
    forecast_run()
    for time in (
        site.class_("allocated"),
        site.time(site.request("skipped", site.ubuntu, None, 1), MONDAY, skip=1),
        site.time(site.request("asked", site.ubuntu, None, 1, status="requested"), MONDAY),
    ):
        foresee(time, 1)
    foresee(site.time(site.request("over", site.ubuntu, None, 1), NOW - 3 * HOUR), 1)
    assert drawn(viewer) == drawn(viewer, day="2026-11-25") == []
    assert "foreseen" not in text(viewer, url())


def test_a_sentence_says_it_to_those_who_cannot_see(viewer: Client, site: Site, exam: BlockTime) -> None:
    assert "2 classes have no computers yet: 1 of them will be short. Classes as a list" in text(viewer, url())
    site.time(site.request("new", site.ubuntu, None, 1), MONDAY)
    sentence = "3 classes have no computers yet: 1 of them will be short and 1 of them was not checked."
    assert sentence in text(viewer, url())
    Forecast.objects.update(machines=50)
    assert "3 classes have no computers yet: 1 of them was not checked." in text(viewer, url())
    forecast_run(checked=NOW - HOUR)
    assert "3 classes have no computers yet: 3 of them were not checked." in text(viewer, url())
    assert {(each.kind, each.text) for each in drawn(viewer)} == {("bare", "not checked")}
    assert "Classes without computers" in text(viewer, url())


def test_the_legend_has_them_only_where_they_are(viewer: Client, exam: BlockTime) -> None:
    assert "foreseen: it will be short" in text(viewer, url())
    assert "Classes that have no computers yet, with the machines foreseen for them" in text(viewer, url())
    assert "foreseen: it will be short" not in text(viewer, url(day="2026-12-01"))


def test_kinds_differ_by_pattern_and_have_colours_for_light_dark_and_print(viewer: Client, exam: BlockTime) -> None:
    page = viewer.get(url()).content.decode()
    for name in ("timeline-hatch", "timeline-double-hatch"):
        assert f'<pattern id="{name}"' in page
        assert f'fill="url(#{name})"' in page
    path = finders.find("blockalloc/tokens.css")
    assert isinstance(path, str)
    style = Path(path).read_text(encoding="utf-8")
    for name in ("--tl-foreseen-edge", "--tl-short-edge"):
        assert style.count(f"{name}: light-dark(") == 1
        assert style.count(f"{name}: #000") == 1  # on paper


def test_classes_of_other_affiliations_have_no_name_and_no_numbers(
    viewer: Client, exam: BlockTime, monkeypatch: pytest.MonkeyPatch
) -> None:
    other = Affiliation.objects.create(name="Other")
    owner = User.objects.create(unityid="teacher", affiliation=other)
    BlockRequest.objects.filter(name="CS101").update(owner=owner)
    limit_to(1, monkeypatch)
    short, theirs = drawn(viewer)
    assert short.title.endswith("48 of 50 machines foreseen: a class of another affiliation has 20 of the computers")
    assert theirs == Drawn(
        "Another affiliation's class", "foreseen", 37.5, "",
        "another affiliation's class, Mon 30 Nov 09:00–11:00, it has no computers yet", "",
    )  # fmt: skip
    assert "CS101" not in viewer.get(url()).content.decode()
    assert [each.row for each in drawn(viewer, image=exam.blockRequest.image_id)] == ["CS420 exam"]


def test_it_is_not_said_whether_classes_of_others_will_be_short(
    viewer: Client, exam: BlockTime, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert "2 classes have no computers yet: 1 of them will be short." in text(viewer, url())
    owner = User.objects.create(unityid="teacher", affiliation=Affiliation.objects.create(name="Other"))
    BlockRequest.objects.filter(name="CS420 exam").update(owner=owner)
    limit_to(1, monkeypatch)
    said = text(viewer, url())
    assert "1 class has no computers yet: none of them will be short." in said
    assert "1 class of other affiliations has no computers yet." in said
    BlockRequest.objects.filter(name="CS101").update(owner=owner)
    assert "2 classes of other affiliations have no computers yet. " in text(viewer, url())


def test_the_most_rows(viewer: Client, site: Site, exam: BlockTime) -> None:
    for number in range(61):
        foresee(site.time(site.request(f"class {number}", site.ubuntu, None, 1), MONDAY), 1)
    assert len(drawn(viewer)) == 60
    assert "and 3 more series" in text(viewer, url())


def test_released_classes_are_counted_apart(viewer: Client, site: Site) -> None:
    forecast_run()
    first = site.time(site.request("CS1", site.ubuntu, None, 4), MONDAY)
    foresee(first, 0, wanted=0)
    said = text(viewer, url())
    assert "1 class has no computers: 1 of them was released." in said
    assert "Classes whose computers were released" in said
    foresee(site.time(site.request("CS2", site.ubuntu, None, 4), MONDAY), 4)
    said = text(viewer, url())
    assert "2 classes have no computers: 1 of them was released, none of the others will be short." in said
    assert "Classes without computers: foreseen or released" in said


def test_a_released_class_is_not_drawn_as_foreseen_and_comes_last(viewer: Client, site: Site) -> None:
    forecast_run()
    foresee(site.time(site.request("CS1", site.ubuntu, None, 4), MONDAY), 0, wanted=0)
    assert "foreseen" not in text(viewer, url()).partition("What the bars mean")[2]
    assert "released: nobody will ask for its computers" in text(viewer, url())
    foresee(site.time(site.request("CS2", site.ubuntu, None, 4), MONDAY), 4)
    assert [(each.row, each.kind, each.text) for each in drawn(viewer)] == [
        ("CS2", "foreseen", "4 of 4"),
        ("CS1", "released", "released"),
    ]


def test_a_class_that_was_asked_for_in_vain_is_drawn_first(viewer: Client, site: Site, lab: BlockTime) -> None:
    vain = site.time(site.request("CS2", site.ubuntu, None, 4), MONDAY, processed=1)
    first, second = drawn(viewer)
    assert (first.row, first.kind, first.text, second.row) == ("CS2", "bare", "0 of 4", "CS101")
    assert first.title == "CS2, Mon 30 Nov 09:00–11:00, Ubuntu 22.04, no computers"
    assert first.address == page_url("blocktime", vain.pk)
    said = text(viewer, url())
    assert "2 classes have no computers yet: 1 of them is on or asked for already." in said
    assert "CS2 No computers 09:00–11:00 · 0 of 4 machines" in said
    assert "no computers, and none foreseen" in said


def test_what_keep_ready_will_still_find_for_it_is_foreseen(viewer: Client, lab: BlockTime) -> None:
    BlockTime.objects.update(processed=1)
    assert [(each.kind, each.text) for each in drawn(viewer)] == [("foreseen", "20 of 20")]


@pytest.mark.parametrize("zoom", ["day", "week"])
def test_a_class_that_is_on_without_computers_is_drawn(viewer: Client, site: Site, zoom: str) -> None:
    site.time(site.request("on", site.ubuntu, None, 3), NOW - HOUR)
    address = {"day": f"{NOW:%Y-%m-%d}", "zoom": zoom}
    (on,) = drawn(viewer, **address)
    assert (on.row, on.kind) == ("on", "bare")
    assert on.title.endswith(", no computers")
    assert '<span class="signal watch">No computers</span>' in viewer.get(url(**address)).content.decode()


@pytest.mark.parametrize("query", [{}, {"busy": 1, "zoom": "week"}])
@pytest.mark.parametrize("limited", [False, True])
def test_statements_do_not_grow(
    viewer: Client, site: Site, lab: BlockTime, monkeypatch: pytest.MonkeyPatch, query: Any, *, limited: bool
) -> None:
    if limited:
        limit_to(1, monkeypatch)
    counts = []
    for number in (1, 12):
        for each in range(number):
            time = site.time(site.request(f"class {number} {each}", site.ubuntu, None, 20), MONDAY)
            foresee(time, 18, "CS101 has 20 of the computers", has(lab, 20))
            site.time(site.request(f"in vain {number} {each}", site.ubuntu, None, 20), MONDAY, processed=1)
        viewer.get(url(**query))
        with CaptureQueriesContext(connection) as queries:
            viewer.get(url(**query))
        counts.append(len(queries))
    assert counts[0] == counts[1] < 20
