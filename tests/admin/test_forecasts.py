"""What is foreseen of classes and series, in lists and on their pages."""

from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from blockalloc.models import Affiliation, BlockRequest, BlockTime, Forecast, User
from blockalloc.store.forecasts import InTheWayKept
from tests.support.scoped import limit_to
from tests.support.sites.kept_forecast import forecast_run, foresee, has
from tests.support.sites.staff_site import DAY, HOUR, MONDAY, NOW, Site, list_url, listed, page_url, rows, text

pytestmark = pytest.mark.django_db


def class_(site: Site, name: str, start: Any = MONDAY, machines: int = 20) -> BlockTime:
    """A class that nobody has asked for yet."""
    return site.time(site.request(name, site.ubuntu, None, machines), start)


@pytest.fixture
def lab(site: Site) -> BlockTime:
    forecast_run(made=NOW - HOUR)
    lab = class_(site, "CS101")
    foresee(lab, 20)
    return lab


@pytest.fixture
def exam(site: Site, lab: BlockTime) -> BlockTime:
    """The exam of 50, beside a class of 20 on 68 computers."""
    exam = class_(site, "CS420 exam", machines=50)
    foresee(exam, 48, "CS101 has 20 of the computers", has(lab, 20))
    return exam


@pytest.fixture
def other(exam: BlockTime) -> Affiliation:
    """The exam belongs to another affiliation than the lab beside it."""
    other = Affiliation.objects.create(name="Other")
    owner = User.objects.create(unityid="teacher", affiliation=other)
    BlockRequest.objects.filter(pk=exam.blockRequest_id).update(owner=owner)
    return other


# --- The page of a class ----------------------------------------------------------------------------


def section(client: Client, time: BlockTime) -> str:
    """The section of the class's page; "" without one."""
    return text(client, page_url("blocktime", time.pk)).partition(" Forecast ")[2].partition(" Series ")[0]


def test_the_page_of_a_class_says_what_it_will_get(viewer: Client, lab: BlockTime, exam: BlockTime) -> None:
    said = section(viewer, exam)
    assert said.startswith(
        "48 of 50 machines are foreseen when its computers are asked for. Why not more: CS101 has 20 of the"
    )
    assert "68 computers of the site can run the image." in said
    assert "In the way: 20 computers for class CS101 , Mon 30 Nov 09:00–11:00" in said
    assert "From the forecast made Wed 25 Nov 11:00 and checked Wed 25 Nov 12:00" in said
    page = viewer.get(page_url("blocktime", exam.pk)).content.decode()
    assert page.count(f'<a href="{page_url("blocktime", lab.pk)}">CS101</a>') >= 2
    shown = text(viewer, page_url("blocktime", exam.pk))
    assert "Watch starts in 4 days 50 machines wanted, no computers yet 48 of 50 machines foreseen" in shown


def test_of_a_class_that_will_have_all_it_says_so(viewer: Client, lab: BlockTime) -> None:
    said = section(viewer, lab)
    assert said.startswith("20 of 20 machines are foreseen when its computers are asked for. 68 computers")
    assert "In the way" not in said


def test_it_says_why_nothing_is_foreseen(viewer: Client, lab: BlockTime) -> None:
    Forecast.objects.all().delete()
    assert section(viewer, lab).startswith("not checked The class was made or changed after the last forecast.")
    forecast_run(until=MONDAY)
    assert section(viewer, lab).startswith("not checked The forecast ends on Mon 30 Nov.")
    forecast_run(checked=NOW - HOUR)
    assert section(viewer, lab).startswith("not checked The forecast was last checked 1 h ago.")


def test_a_class_that_was_changed_since_is_not_checked(viewer: Client, lab: BlockTime) -> None:
    BlockRequest.objects.filter(pk=lab.blockRequest_id).update(numMachines=30)
    assert section(viewer, lab).startswith("not checked The class was made or changed after the last forecast.")


def test_of_a_class_that_has_too_few_computers_it_is_said_until_it_is_due(viewer: Client, site: Site) -> None:
    """Then readiness says more: which of the computers have failed, for example."""
    forecast_run()
    time = site.class_("CS300")
    BlockRequest.objects.filter(pk=time.blockRequest_id).update(numMachines=4)
    foresee(BlockTime.objects.select_related("blockRequest").get(pk=time.pk), 3, "other classes have them")
    assert section(viewer, time).startswith("3 of 4 machines")
    assert rows(viewer, list_url("blocktime"), "foreseen") == ["3 of 4"]
    assert listed(viewer, "blocktime", forecast="short") == ["CS300"]
    BlockTime.objects.update(start=NOW + 5 * HOUR, end=NOW + 7 * HOUR)
    Forecast.objects.update(start=NOW + 5 * HOUR, end=NOW + 7 * HOUR)
    assert section(viewer, time) == ""
    assert rows(viewer, list_url("blocktime"), "foreseen") == []
    assert listed(viewer, "blocktime", forecast="short") == []


@pytest.mark.parametrize("start", [MONDAY, NOW - HOUR, NOW - DAY])
def test_nothing_is_foreseen_of_what_is_complete_or_has_begun(viewer: Client, site: Site, start: Any) -> None:
    forecast_run()
    time = site.class_("CS300", start) if start == MONDAY else class_(site, "CS300", start)
    foresee(time, 1)
    assert section(viewer, time) == ""


def test_names_of_other_affiliations_are_not_shown(
    viewer: Client, exam: BlockTime, other: Affiliation, monkeypatch: pytest.MonkeyPatch
) -> None:
    limit_to(other.pk, monkeypatch)
    said = section(viewer, exam)
    assert "Why not more: a class of another affiliation has 20 of the computers." in said
    assert "20 computers for class of another affiliation, Mon 30 Nov" in said
    assert "CS101" not in said


def test_a_released_class_is_neither_foreseen_nor_unchecked(viewer: Client, site: Site, lab: BlockTime) -> None:
    """Nobody will ask for its computers; what happened to it is said elsewhere."""
    Forecast.objects.all().delete()
    BlockTime.objects.filter(pk=lab.pk).update(processed=1)
    assert 'id="forecast"' not in viewer.get(page_url("blocktime", lab.pk)).content.decode()
    assert rows(viewer, list_url("blocktime"), "foreseen") == []
    assert listed(viewer, "blocktime", forecast="not-checked") == []


def test_reservations_of_other_affiliations_have_neither_name_nor_id(
    viewer: Client, lab: BlockTime, other: Affiliation, monkeypatch: pytest.MonkeyPatch
) -> None:
    start, end = (int(moment.timestamp()) for moment in (lab.start, lab.end))
    Forecast.objects.all().delete()
    foresee(lab, 18, "1 reservation has 2 of the computers", InTheWayKept("request", 4711, "anna@Other", start, end, 2))
    assert "2 computers for request 4711 (anna@Other)" in section(viewer, lab)
    limit_to(1, monkeypatch)
    assert "2 computers for reservation of another affiliation, Mon 30 Nov" in section(viewer, lab)


# --- Lists ------------------------------------------------------------------------------------------


def test_the_list_of_classes_has_it_in_a_column(viewer: Client, site: Site, lab: BlockTime, exam: BlockTime) -> None:
    class_(site, "new", MONDAY + HOUR)
    site.class_("allocated", MONDAY + 2 * HOUR)
    assert listed(viewer, "blocktime") == ["CS101", "CS420 exam", "new", "allocated"]
    shown = rows(viewer, list_url("blocktime"), "foreseen")
    assert shown == ["20 of 20", "48 of 50", "not checked", "–"]


def test_one_that_will_be_short_is_to_be_watched_in_lists_too(viewer: Client, lab: BlockTime, exam: BlockTime) -> None:
    """As on "This week" and on its own page; nobody is told to watch one that has been released."""
    states = rows(viewer, list_url("blocktime"), "state")
    assert [each.partition(":")[0] for each in states] == ["Later", "Watch"]
    assert rows(viewer, page_url("blockrequest", exam.blockRequest_id), "state")[0].startswith("Watch")
    Forecast.objects.filter(pk=exam.pk).update(machines=50)
    assert [each.partition(":")[0] for each in rows(viewer, list_url("blocktime"), "state")] == ["Later", "Later"]


@pytest.mark.parametrize(
    ("chosen", "names"),
    [
        ("short", ["CS420 exam"]),
        ("complete", ["CS101"]),
        ("not-checked", ["new"]),
        ("all", ["CS101", "CS420 exam", "new", "expired"]),
    ],
)
def test_classes_can_be_filtered_by_it(
    viewer: Client, site: Site, exam: BlockTime, chosen: str, names: list[str]
) -> None:
    class_(site, "new", MONDAY + HOUR)
    class_(site, "expired", MONDAY + HOUR)
    BlockRequest.objects.filter(name="expired").update(expireTime=NOW - HOUR)
    assert listed(viewer, "blocktime", forecast=chosen) == names


@pytest.mark.parametrize("values", [{"checked": NOW - HOUR}, {"problem": "deadlock"}])
def test_an_old_forecast_is_none(viewer: Client, exam: BlockTime, values: dict[str, Any]) -> None:
    forecast_run(**values)
    assert listed(viewer, "blocktime", forecast="short") == []
    assert listed(viewer, "blocktime", forecast="not-checked") == ["CS101", "CS420 exam"]
    assert rows(viewer, list_url("blocktime"), "foreseen") == ["not checked", "not checked"]
    assert listed(viewer, "blockrequest", forecast="short") == []
    assert rows(viewer, list_url("blockrequest"), "foreseen_of_request") == ["not checked", "not checked"]


def test_the_list_of_series_counts_classes(viewer: Client, site: Site, exam: BlockTime) -> None:
    foresee(site.time(exam.blockRequest, MONDAY + 7 * DAY), 50)
    foresee(site.time(exam.blockRequest, MONDAY + 14 * DAY), 0, wanted=0)
    allocated = site.class_("allocated", MONDAY + 2 * HOUR)
    foresee(BlockTime.objects.select_related("blockRequest").get(pk=allocated.pk), 2)
    new = class_(site, "new", MONDAY + HOUR)
    site.request("asked", site.ubuntu, None, 5, status="requested")
    shown = rows(viewer, list_url("blockrequest"), "foreseen_of_request")
    assert listed(viewer, "blockrequest") == ["allocated", "asked", "CS101", "CS420 exam", "new"]
    assert shown == [
        "–",
        "–",
        "1 not allocated yet, none short",
        "1 of 2 will be short; 1 of 3 released",
        "not checked",
    ]
    assert listed(viewer, "blockrequest", forecast="short") == ["CS420 exam"]
    assert new.blockRequest.name == "new"


def test_the_page_of_a_series_has_it_for_each_date(viewer: Client, site: Site, exam: BlockTime) -> None:
    foresee(site.time(exam.blockRequest, MONDAY + 7 * DAY), 50)
    site.time(exam.blockRequest, MONDAY + 14 * DAY)
    site.time(exam.blockRequest, MONDAY + 21 * DAY, skip=1)
    site.time(exam.blockRequest, NOW - 7 * DAY)
    shown = rows(viewer, page_url("blockrequest", exam.blockRequest_id), "foreseen")
    assert shown == ["48 of 50", "50 of 50", "not checked", "–", "–"], "the one that is over comes last"


ADDRESSES = {
    "classes": lambda time: list_url("blocktime"),
    "short classes": lambda time: list_url("blocktime", forecast="short"),
    "series": lambda time: list_url("blockrequest", forecast="short"),
    "one series": lambda time: page_url("blockrequest", time.blockRequest_id),
    "one class": lambda time: page_url("blocktime", time.pk),
}


@pytest.mark.parametrize("address", ADDRESSES)
@pytest.mark.parametrize("limited", [False, True])
def test_statements_do_not_grow(
    viewer: Client, site: Site, lab: BlockTime, exam: BlockTime, monkeypatch: pytest.MonkeyPatch, address: str,
    *, limited: bool,
) -> None:  # fmt: skip
    if limited:
        limit_to(1, monkeypatch)
    url = ADDRESSES[address](exam)
    counts = []
    for number in (1, 12):
        for each in range(number):
            time = site.time(exam.blockRequest, MONDAY + (number * 20 + each) * DAY)
            foresee(time, 48, "CS101 has 20 of the computers", has(lab, 20))
            foresee(class_(site, f"class {number} {each}"), 18, "CS101 has 20 of the computers", has(lab, 20))
        viewer.get(url)
        with CaptureQueriesContext(connection) as queries:
            assert viewer.get(url).status_code == 200
        counts.append(len(queries))
    assert counts[0] == counts[1] < 20
