"""Load models are learned from the loads that keep_ready saw, and from VCL's log, in one statement."""

from datetime import timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from pytest_django import DjangoAssertNumQueries

from blockalloc import clock
from blockalloc.models import ImageRevision, Log, Provisioning, SeenLoad
from blockalloc.store import load_models
from blockalloc.store.kept_models import Wanted
from scheduling.load_time.model import LoadModel, Source
from scheduling.reloads.places import Capacity
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


def logged(image: int, *seconds: int, ending: str = "released", days_ago: int = 30) -> None:
    """Loads for users."""
    start = timezone.now().replace(microsecond=0) - timedelta(days=days_ago)
    rows = []
    for took in seconds:
        loaded = start + timedelta(seconds=took)
        times = {"start": start, "loaded": loaded, "initialend": loaded, "finalend": loaded}
        rows.append(Log(user_id=ADMIN, image_id=image, wasavailable=1, ending=ending, **times))
    Log.objects.bulk_create(rows)


def revised(image: int, days_ago: int) -> None:
    """The production revision was created then."""
    created = timezone.now().replace(microsecond=0) - timedelta(days=days_ago)
    ImageRevision.objects.filter(pk=revision_of(image)).update(datecreated=created)


def seen(
    image: int,
    number: int,
    seconds: int,
    *,
    outcome: str = SeenLoad.LOADED,
    revision: int | None = None,
    engine: str = "vmware",
    apart: timedelta = timedelta(hours=1),
) -> None:
    """Loads for classes, which ended within half a minute of so many seconds."""
    start = timezone.now().replace(microsecond=0) - timedelta(days=2)
    begins = [start - each * apart for each in range(number)]
    SeenLoad.objects.bulk_create(
        SeenLoad(
            request_id=1000 * seconds + each,
            computer_id=each,
            hostname=f"c{each}",
            image_id=image,
            revision_id=revision or revision_of(image),
            node_id=1,
            provisioning=engine,
            begun=begun,
            begun_is_exact=True,
            at_work=begun + timedelta(seconds=seconds - 30),
            over=begun + timedelta(seconds=seconds + 30),
            outcome=outcome,
        )
        for each, begun in enumerate(begins)
    )


def model(image: int, capacity: Capacity | None = None) -> LoadModel:
    return load_models.model(image, Wanted(revision_of(image), RELOAD_MINUTES), clock.now(), capacity)


def test_without_loads_there_is_the_images_own_reload_time(image: int) -> None:
    learned = model(image)
    assert learned.source is Source.RELOAD_TIME
    assert learned.quantile(0.5) == pytest.approx(720, rel=0.1)


def test_users_loads_say_how_long_and_how_often_they_fail(image: int) -> None:
    revised(image, 10)
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


def test_users_loads_since_the_revision_was_created_are_its_loads(image: int) -> None:
    revised(image, 10)
    logged(image, *[500] * 20, days_ago=11)
    logged(image, *[900] * 40, days_ago=9)
    logged(image, *[400] * 4, days_ago=9, ending="failed")
    learned = model(image)
    assert (learned.source, learned.loads, learned.failed) == (Source.REVISION, 40, 4)
    assert learned.quantile(0.5) == pytest.approx(900, abs=60)


def test_without_a_date_of_the_revision_they_are_the_images(image: int) -> None:
    logged(image, *[600] * 20)
    with connection.cursor() as cursor:
        cursor.execute("UPDATE imagerevision SET datecreated = '0000-00-00 00:00:00'")
    assert model(image).source is Source.IMAGE


def test_long_loads_of_users_count_as_long(image: int) -> None:
    logged(image, *[600 + each for each in range(90)], *[2700] * 10)
    assert model(image).quantile(0.97) > 2000
    logged(image, *[7200] * 50)  # nobody waits for two hours: a wrong clock
    assert model(image).loads == 100


def test_many_loads_of_users_are_counted_by_steps(image: int) -> None:
    logged(image, *range(301, 1299))
    learned = model(image)
    assert learned.loads == 998
    for share in (0.1, 0.5, 0.9):
        assert learned.quantile(share) == pytest.approx(300 + 1000 * share, rel=0.02)


def test_only_the_latest_loads_count(image: int) -> None:
    revised(image, 100)
    logged(image, *[600] * 900, days_ago=20)
    logged(image, *[900] * 900, days_ago=40)
    assert model(image).loads == 1000
    assert model(image).quantile(0.5) == pytest.approx(600, abs=30)
    seen(image, 500, 700)
    assert model(image).quantile(0.5) == pytest.approx(700, abs=60)


def test_images_of_its_engines_and_others_count_where_it_has_no_loads(image: int) -> None:
    """The image is one for VMware."""
    other, further = (int(add_image(name).pk) for name in ("Other", "Further"))
    seen(further, 20, 1100, engine="xcat")
    of_site = model(image)
    assert of_site.source is Source.SITE
    assert of_site.quantile(0.5) > 800
    seen(other, 20, 500)
    of_engine = model(image)
    assert of_engine.source is Source.ENGINE
    assert of_engine.quantile(0.5) < 650
    seen(image, 20, 900)
    assert model(image).source is Source.REVISION
    assert model(image).quantile(0.5) == pytest.approx(900, abs=60)


def test_loads_that_may_have_waited_for_a_place_do_not_count(image: int) -> None:
    """Each of the loads begins while two others are at work."""
    seen(image, 30, 800, apart=timedelta(seconds=300))
    assert model(image, Capacity({1: 3})).loads == 30
    assert model(image, Capacity({1: 2})).loads == 2  # the first ones
    (vmware,) = Provisioning.objects.filter(name="vmware").values_list("pk", flat=True)
    assert model(image, Capacity({1: 2}, frozenset({vmware}))).loads == 2
    assert model(image, Capacity({1: 2}, frozenset({vmware + 1}))).loads == 30


def test_others_loads_take_places_as_well(image: int) -> None:
    other = int(add_image("Other").pk)
    for seconds in (900, 901, 902):
        seen(other, 12, seconds)
    seen(image, 12, 600)
    assert model(image, Capacity({1: 4})).loads == 12
    assert model(image, Capacity({1: 3})).source is Source.RELOAD_TIME


def test_one_statement(image: int, django_assert_num_queries: DjangoAssertNumQueries) -> None:
    logged(image, 600, 601)
    seen(image, 3, 600)
    revision, now = revision_of(image), clock.now()
    with django_assert_num_queries(1):
        learned = load_models.models({image: Wanted(revision, 10), 1: Wanted(1, 10)}, now)
    assert set(learned) == {image, 1}
    with django_assert_num_queries(0):
        assert load_models.models({}, now) == {}


def test_many_seen_loads_are_read_by_indexes(image: int) -> None:
    other = int(add_image("Other").pk)
    seen(image, 3000, 600, apart=timedelta(minutes=10))
    seen(other, 3000, 700, apart=timedelta(minutes=10))
    table = SeenLoad._meta.db_table
    with CaptureQueriesContext(connection) as queries:
        model(image)
    with connection.cursor() as cursor:
        explain = "EXPLAIN" if connection.vendor == "mysql" else "EXPLAIN QUERY PLAN"
        cursor.execute(f"{explain} {queries[-1]['sql']}")
        plan = [" ".join(map(str, row)) for row in cursor.fetchall() if table in str(row)]
    assert len(plan) == 2
    assert "blockalloc_seen_load_of_image" in plan[0]
    assert "blockalloc_seen_load_begun" in plan[1]
    assert not any("filesort" in line or "SCAN" in line for line in plan)
