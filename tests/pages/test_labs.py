"""Classes by lab: by their computers, and before they have any by their image."""

import pytest
from django.db import connection
from django.template.loader import render_to_string
from django.test import RequestFactory
from django.test.utils import CaptureQueriesContext

from blockalloc.models import (
    BlockRequest,
    BlockTime,
    ClassHeld,
    Decision,
    Image,
)
from blockalloc.pages import labs
from tests.support.sites.labs import group, lab
from tests.support.sites.staff_site import DAY, MONDAY, NOW, Site

pytestmark = pytest.mark.django_db


def held(time: BlockTime, image: Image) -> None:
    """The closing row and a decision of a class, which outlive VCL's rows."""
    about = {"block_time_id": time.pk, "block_name": time.blockRequest.name, "image_id": image.pk}
    ClassHeld.objects.create(
        **about,
        block_request_id=time.blockRequest_id,
        start=NOW - DAY,
        end=NOW,
        wanted=1,
        had=1,
        owner="",
        user_group="",
    )
    Decision.objects.create(**about, started=NOW, duration=1, parameters="{}")


def names(lab_id: int | None) -> list[list[str]]:
    """The names of the lab's classes: as classes, series, closing rows and decisions."""
    return [
        sorted(BlockTime.objects.in_lab(lab_id).values_list("blockRequest__name", flat=True)),
        sorted(BlockRequest.objects.in_lab(lab_id).values_list("name", flat=True)),
        sorted(ClassHeld.objects.in_lab(lab_id).values_list("block_name", flat=True)),
        sorted(Decision.objects.in_lab(lab_id).values_list("block_name", flat=True)),
    ]


def test_a_class_is_of_the_labs_of_its_computers_and_before_of_those_of_its_image(site: Site) -> None:
    first, second = site.computer("a-1", site.ubuntu), site.computer("b-1", site.ubuntu)
    north = lab("North", first, images=(site.ubuntu, site.windows))
    south = lab("South", second, images=(site.ubuntu,))
    both, elsewhere, empty, other = (
        site.time(site.request(name, image, None, 1), MONDAY)
        for name, image in (
            ("both", site.ubuntu), ("elsewhere", site.windows), ("empty", site.ubuntu), ("other", site.windows),
        )
    )  # fmt: skip
    site.hold(both, first, second)
    site.hold(elsewhere, second)
    for time, image in ((both, site.ubuntu), (elsewhere, site.windows), (empty, site.ubuntu), (other, site.windows)):
        held(time, image)
    assert names(north) == [["both", "empty", "other"]] * 4
    assert names(south) == [["both", "elsewhere", "empty"]] * 4
    assert names(None) == [["both", "elsewhere", "empty", "other"]] * 4


def test_a_series_without_classes_is_of_the_labs_of_its_image(site: Site) -> None:
    north = lab("North", site.computer("a-1", site.ubuntu), images=(site.windows,))
    site.request("asked for", site.windows, None, 1, status="requested")
    site.request("of others", site.ubuntu, None, 1)
    assert list(BlockRequest.objects.in_lab(north).values_list("name", flat=True)) == ["asked for"]


def test_what_is_left_of_a_class_is_of_the_labs_of_its_image(site: Site) -> None:
    north = lab("North", site.computer("a-1", site.ubuntu), images=(site.windows,))
    gone = site.time(site.request("gone", site.windows, None, 1), MONDAY)
    held(gone, site.windows)
    gone.delete()
    assert list(ClassHeld.objects.in_lab(north).values_list("block_name", flat=True)) == ["gone"]
    assert list(Decision.objects.in_lab(north).values_list("block_name", flat=True)) == ["gone"]


def test_the_choice_is_of_labs_with_computers(site: Site) -> None:
    north = lab("North", site.computer("a-1", site.ubuntu))
    lab("Nobody's")
    south = lab("A south & east", site.computer("b-1", site.ubuntu))
    group("image", "images", site.ubuntu.pk)
    request = RequestFactory().get("/", {"lab": str(north), "day": "2026-11-30", "page": "3"})
    with CaptureQueriesContext(
        connection,
    ) as statements:
        assert labs.chosen(request) == north
        assert labs.options(request) == [(south, "A south & east", False), (north, "North", True)]
        assert labs.choice(request).name == "North"
        assert labs.query(request) == {"lab": north}
    assert len(statements) == 1
    form = render_to_string("blockalloc/lab_choice.html", {"labs": labs.choice(request)})
    assert f'<option value="{north}" selected>North</option>' in form
    assert "A south &amp; east" in form
    assert '<input type="hidden" name="day" value="2026-11-30">' in form
    assert 'name="page"' not in form


def test_with_one_lab_there_is_nothing_to_choose(site: Site) -> None:
    lab("North", site.computer("a-1", site.ubuntu))
    request = RequestFactory().get("/")
    assert labs.options(request) == []
    assert render_to_string("blockalloc/lab_choice.html", {"labs": labs.choice(request)}).strip() == ""


@pytest.mark.parametrize("value", ["", "x", "-1", "0", "٣", "9" * 5000, "999999"])
def test_a_lab_that_is_not_there_is_none(site: Site, value: str) -> None:
    lab("North", site.computer("a-1", site.ubuntu))
    request = RequestFactory().get("/", {"lab": value})
    assert labs.chosen(request) is None
    assert labs.query(request) == {}
