"""Load models are learned from the loads that keep_ready saw, and from VCL's log, in one statement."""

from datetime import timedelta

import pytest
from django.utils import timezone
from pytest_django import DjangoAssertNumQueries

from blockalloc import clock
from blockalloc.models import ImageRevision, Log, SeenLoad
from blockalloc.store import load_models
from blockalloc.store.kept_models import Wanted
from scheduling.load_time.model import LoadModel, Source
from tests.support.sites.staff_site import ADMIN, Site, add_image

pytestmark = pytest.mark.django_db

RELOAD_MINUTES = 12


@pytest.fixture
def image() -> int:
    """An image of a site, with one revision."""
    Site()
    return int(add_image("Image", reloadtime=RELOAD_MINUTES).pk)


def revision_of(image: int) -> int:
    """Its production revision."""
    return int(ImageRevision.objects.get(image_id=image, production=True).pk)


def logged(image: int, *seconds: int, ending: str = "released") -> None:
    """Loads for users."""
    start = timezone.now().replace(microsecond=0) - timedelta(days=30)
    for took in seconds:
        loaded = start + timedelta(seconds=took)
        times = {"start": start, "loaded": loaded, "initialend": loaded, "finalend": loaded}
        Log.objects.create(user_id=ADMIN, image_id=image, wasavailable=1, ending=ending, **times)


def seen(image: int, number: int, seconds: int, *, outcome: str = SeenLoad.LOADED) -> None:
    """Loads for classes, which ended within half a minute of so many seconds."""
    start = timezone.now().replace(microsecond=0) - timedelta(days=2)
    for each in range(number):
        begun = start - timedelta(hours=each)
        SeenLoad.objects.create(
            request_id=1000 * seconds + each,
            computer_id=each,
            hostname=f"c{each}",
            image_id=image,
            revision_id=revision_of(image),
            node_id=1,
            begun=begun,
            begun_is_exact=True,
            at_work=begun + timedelta(seconds=seconds - 30),
            over=begun + timedelta(seconds=seconds + 30),
            outcome=outcome,
        )


def model(image: int) -> LoadModel:
    return load_models.model(image, Wanted(revision_of(image), RELOAD_MINUTES), clock.now())


def test_without_loads_there_is_the_images_own_reload_time(image: int) -> None:
    learned = model(image)
    assert learned.source is Source.RELOAD_TIME
    assert learned.quantile(0.5) == pytest.approx(720, rel=0.1)


def test_users_loads_say_how_long_and_how_often_they_fail(image: int) -> None:
    logged(image, *(500 + 10 * each for each in range(40)))
    before = model(image)
    assert before.source is Source.IMAGE
    assert before.quantile(0.5) == pytest.approx(695, abs=30)
    logged(image, *[400] * 20, ending="failed")
    assert model(image).failing > before.failing + 0.1
    assert model(image).failed == 20


def test_loads_that_were_seen_count_for_their_revision(image: int) -> None:
    logged(image, *[600] * 40)
    seen(image, 40, 900)
    learned = model(image)
    assert learned.source is Source.REVISION
    assert learned.quantile(0.5) == pytest.approx(900, abs=60)


def test_one_statement(image: int, django_assert_num_queries: DjangoAssertNumQueries) -> None:
    logged(image, 600, 601)
    seen(image, 3, 600)
    revision, now = revision_of(image), clock.now()
    with django_assert_num_queries(1):
        learned = load_models.models({image: Wanted(revision, 10), 1: Wanted(1, 10)}, now)
    assert set(learned) == {image, 1}
    with django_assert_num_queries(0):
        assert load_models.models({}, now) == {}
