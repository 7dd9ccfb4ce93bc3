"""What the kept forecast says of classes and days, and to whom."""

from datetime import date
from typing import Any

import pytest

from blockalloc.forecasting.forecasts import STALE
from blockalloc.models import Affiliation, BlockRequest, BlockTime, ImageMeta, User
from blockalloc.models.scope import Scope
from blockalloc.pages.linked import linked
from blockalloc.reports.classes_ahead import classes_ahead
from blockalloc.reports.forecasts import FOREIGN, DayChecked, Forecasts
from blockalloc.reports.shortages import shortages
from blockalloc.store.forecasts import InTheWayKept
from tests.support.sites.kept_forecast import forecast_run, foresee, has
from tests.support.sites.staff_site import DAY, HOUR, LOCAL, MONDAY, NOW, Site, page_url

pytestmark = pytest.mark.django_db

AT = int(NOW.timestamp())
ALL = Scope()
SECOND = HOUR / 3600


@pytest.fixture
def lab(site: Site) -> BlockTime:
    forecast_run()
    return site.time(site.request("CS101", site.ubuntu, None, 20), MONDAY)


@pytest.fixture
def exam(site: Site) -> BlockTime:
    return site.time(site.request("CS420 exam", site.ubuntu, None, 50), MONDAY)


def elsewhere(time: BlockTime) -> Scope:
    """Give the class to another affiliation; the scope of the others."""
    other = Affiliation.objects.create(name="Other")
    owner = User.objects.create(unityid="teacher", affiliation=other)
    BlockRequest.objects.filter(pk=time.blockRequest_id).update(owner=owner)
    return Scope(LOCAL)


# --- Classes ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("machines", "why", "level", "words"),
    [
        (20, "", "good", "all 20 machines foreseen"),
        (18, "CS420 exam has 49 of the computers", "watch",
         "18 of 20 machines foreseen: CS420 exam has 49 of the computers"),
        (0, "", "watch", "0 of 20 machines foreseen"),
    ],
)  # fmt: skip
def test_words(lab: BlockTime, machines: int, why: str, level: str, words: str) -> None:
    foresee(lab, machines, why)
    found = Forecasts(AT, ALL).of_block_times([lab.pk])[lab.pk]
    assert (found.level, found.words, found.machines, found.missing) == (level, words, machines, 20 - machines)


def test_a_class_of_which_staff_have_released_some_is_checked(lab: BlockTime) -> None:
    row = foresee(lab, 15, wanted=15)
    found = Forecasts(AT, ALL).of_block_times([lab.pk])[lab.pk]
    assert (found.level, found.missing, found.number) == ("good", 0, "15 of 20 machines")
    assert found.words == "15 of 20 machines foreseen: it is to have no more than 15"
    row.machines, row.why = 12, "CS420 exam has 49 of the computers"
    row.save()
    found = Forecasts(AT, ALL).of_block_times([lab.pk])[lab.pk]
    assert (found.level, found.missing) == ("watch", 3)
    assert found.words.endswith(": it is to have no more than 15; CS420 exam has 49 of the computers")
    (shortage,) = shortages(Forecasts(AT, ALL))
    assert shortage.words == f"CS101: {found.words}"


def test_a_class_that_staff_have_released_is_checked(lab: BlockTime) -> None:
    foresee(lab, 0, wanted=0)
    (ahead,) = classes_ahead(Forecasts(AT, ALL), int(lab.start.timestamp()), int(lab.end.timestamp()))
    assert ahead.foreseen is not None
    assert ahead.foreseen.words == "0 of 20 machines foreseen: it is to have none"
    assert shortages(Forecasts(AT, ALL)) == []


def test_a_class_of_an_expired_request_is_not_to_come(lab: BlockTime, exam: BlockTime) -> None:
    foresee(lab, 15)
    foresee(exam, 50)
    BlockRequest.objects.filter(pk=exam.blockRequest_id).update(expireTime=NOW - HOUR)
    hours = [int(moment.timestamp()) for moment in (lab.start, lab.end)]
    assert [each.id for each in classes_ahead(Forecasts(AT, ALL), *hours)] == [lab.pk]
    (shortage,) = shortages(Forecasts(AT, ALL))
    assert shortage.what == ""  # not "70 wanted, 68 usable"


def test_one_machine(site: Site) -> None:
    forecast_run()
    time = site.time(site.request("one", site.ubuntu, None, 1), MONDAY)
    row = foresee(time, 1)
    assert Forecasts(AT, ALL).of_block_times([time.pk])[time.pk].words == "its machine is foreseen"
    row.machines = 0
    row.save()
    assert Forecasts(AT, ALL).of_block_times([time.pk])[time.pk].words == "0 of 1 machine foreseen"


def test_classes_that_nobody_looked_at_are_left_out(lab: BlockTime, exam: BlockTime) -> None:
    foresee(lab, 20)
    assert set(Forecasts(AT, ALL).of_block_times([lab.pk, exam.pk])) == {lab.pk}
    assert Forecasts(AT, ALL).of_block_times([]) == {}
    forecast_run(checked=NOW - STALE * SECOND)
    assert Forecasts(AT, ALL).of_block_times([lab.pk]) == {}
    forecast_run(checked=NOW - (STALE - 1) * SECOND)
    assert set(Forecasts(AT, ALL).of_block_times([lab.pk])) == {lab.pk}


# --- Whose names are shown --------------------------------------------------------------------------


def test_a_class_that_the_person_may_see_is_a_link(lab: BlockTime, exam: BlockTime) -> None:
    foresee(lab, 18, "CS420 exam has 49 of the computers", has(exam, 49))
    found = Forecasts(AT, Scope(LOCAL)).of_block_times([lab.pk])[lab.pk]
    assert found.links == {"CS420 exam": exam.pk}
    assert linked(found.why, found.links) == (
        f'<a href="{page_url("blocktime", exam.pk)}">CS420 exam</a> has 49 of the computers'
    )


def test_another_affiliations_class_has_no_name_and_no_link(lab: BlockTime, exam: BlockTime) -> None:
    foresee(lab, 18, "CS420 exam has 49 of the computers", has(exam, 49))
    found = Forecasts(AT, elsewhere(exam)).of_block_times([lab.pk])[lab.pk]
    assert found.why == f"a class {FOREIGN} has 49 of the computers"
    assert (found.links, [each.name for each in found.in_the_way]) == ({}, [FOREIGN])
    assert "CS420" not in repr(found)


def test_a_class_without_a_name_is_not_given_away_by_its_id(lab: BlockTime, exam: BlockTime) -> None:
    foresee(lab, 18, f"block time {exam.pk} has 49 of the computers", has(exam, 49)._replace(name=""))
    assert (
        Forecasts(AT, elsewhere(exam)).of_block_times([lab.pk])[lab.pk].why
        == f"a class {FOREIGN} has 49 of the computers"
    )
    found = Forecasts(AT, ALL).of_block_times([lab.pk])[lab.pk]
    assert found.why == f"block time {exam.pk} has 49 of the computers"
    assert str(linked(found.words, found.links)) == found.words


def test_a_name_that_is_part_of_another_one_hides_nothing(site: Site, lab: BlockTime, exam: BlockTime) -> None:
    part = site.time(site.request("CS", site.ubuntu, None, 5), exam.start)
    scope = elsewhere(part)
    foresee(lab, 18, "CS420 exam has 49 of the computers", has(exam, 49), has(part, 5))
    found = Forecasts(AT, scope).of_block_times([lab.pk])[lab.pk]
    assert found.why == "CS420 exam has 49 of the computers"
    assert found.in_the_way[1].name == FOREIGN


def test_of_classes_with_one_name_the_link_leads_to_the_one_that_is_meant(
    site: Site, lab: BlockTime, exam: BlockTime
) -> None:
    again = site.time(exam.blockRequest, exam.start)
    foresee(lab, 18, "CS420 exam has 49 of the computers", has(exam, 49), has(again, 5))
    assert Forecasts(AT, ALL).of_block_times([lab.pk])[lab.pk].links == {"CS420 exam": exam.pk}


def test_a_reason_without_names_stays_as_it_is(lab: BlockTime, exam: BlockTime) -> None:
    foresee(lab, 18, "18 computers can run the image", has(exam, 49))
    assert Forecasts(AT, elsewhere(exam)).of_block_times([lab.pk])[lab.pk].why == "18 computers can run the image"


def test_a_user_of_another_affiliation_has_no_name(lab: BlockTime) -> None:
    booking = InTheWayKept("request", 99, "anna@Other", AT, AT + 60, 3)
    foresee(lab, 18, "anna@Other has 3 of the computers", booking)
    found = Forecasts(AT, Scope(LOCAL)).of_block_times([lab.pk])[lab.pk]
    assert found.why == f"a user {FOREIGN} has 3 of the computers"
    assert "anna" not in repr(found)
    assert Forecasts(AT, ALL).of_block_times([lab.pk])[lab.pk].in_the_way == [booking]


@pytest.mark.parametrize(
    ("words", "links", "text"),
    [
        ("Lab has 2, Labour has 1", {"Lab": 7}, "[Lab] has 2, Labour has 1"),
        ("Lab 2 has 3", {"Lab": 7, "Lab 2": 8}, "[Lab 2] has 3"),
        ("C++ (a) has 3", {"C++ (a)": 7}, "[C++ (a)] has 3"),
        ("<b> has 3", {"<b>": 7}, "[&lt;b&gt;] has 3"),
        ("<b> has 3", {}, "&lt;b&gt; has 3"),
    ],
)
def test_names_in_words_become_links(words: str, links: dict[str, int], text: str) -> None:
    made = str(linked(words, links))
    for id_ in links.values():
        made = made.replace(f'<a href="{page_url("blocktime", id_)}">', "[")
    assert made.replace("</a>", "]") == text


# --- Days -------------------------------------------------------------------------------------------


def test_a_day_is_checked_if_it_was_looked_at_to_its_end(site: Site) -> None:
    first = date(2026, 11, 25)
    assert Forecasts(AT, ALL).days(first, 1) == [DayChecked(first, is_checked=False)]
    midnight = NOW + 12 * HOUR
    forecast_run(until=midnight + DAY)
    assert [each.is_checked for each in Forecasts(AT, ALL).days(first, 3)] == [True, True, False]
    forecast_run(until=midnight + DAY - SECOND)
    assert [each.is_checked for each in Forecasts(AT, ALL).days(first, 3)] == [True, False, False]


@pytest.mark.parametrize("values", [{"checked": NOW - STALE * SECOND}, {"problem": "no"}, {"made": None}])
def test_no_day_is_checked_by_an_old_or_failed_forecast(site: Site, values: dict[str, Any]) -> None:
    forecast_run(**values)
    assert [each.is_checked for each in Forecasts(AT, ALL).days(date(2026, 11, 25), 2)] == [False, False]


# --- Shortages --------------------------------------------------------------------------------------


def found(scope: Scope = ALL) -> list[tuple[str, int, int]]:
    return [(each.words, each.short, each.foreign) for each in shortages(Forecasts(AT, scope))]


def test_classes_of_an_image_that_collide_are_one_shortage(site: Site, lab: BlockTime, exam: BlockTime) -> None:
    foresee(lab, 20)
    foresee(exam, 48, "CS101 has 20 of the computers", has(lab, 20))
    assert found() == [("Ubuntu 22.04: 70 wanted, 68 usable", 1, 0)]
    assert found(elsewhere(lab)) == [("Ubuntu 22.04: 70 wanted, 68 usable", 1, 1)]


def test_those_of_others_alone_are_none(lab: BlockTime, exam: BlockTime) -> None:
    foresee(lab, 20)
    foresee(exam, 48, "CS101 has 20 of the computers", has(lab, 20))
    assert found(elsewhere(exam)) == []


def test_other_shortages_are_of_one_class(site: Site, lab: BlockTime, exam: BlockTime) -> None:
    foresee(exam, 48, "other classes have them")
    foresee(lab, 18, "other classes have them", fit=200)
    assert found() == [
        ("CS101: 18 of 20 machines foreseen: other classes have them", 1, 0),
        ("CS420 exam: 48 of 50 machines foreseen: other classes have them", 1, 0),
    ]


def test_what_has_changed_since_or_does_not_take_place_is_none(site: Site, lab: BlockTime, exam: BlockTime) -> None:
    foresee(exam, 48, "other classes have them")
    foresee(lab, 18, "other classes have them")
    BlockRequest.objects.filter(pk=lab.blockRequest_id).update(numMachines=19)
    BlockTime.objects.filter(pk=exam.pk).update(skip=1)
    assert found() == []


def test_the_machines_of_a_cluster_are_not_compared_with_computers(site: Site, lab: BlockTime, exam: BlockTime) -> None:
    site.ubuntu.imagemeta = ImageMeta.objects.create(subimages=1)
    site.ubuntu.save()
    foresee(lab, 20)
    foresee(exam, 48, "CS101 has 20 of the computers", has(lab, 20))
    assert found() == [("CS420 exam: 48 of 50 machines foreseen: CS101 has 20 of the computers", 1, 0)]
