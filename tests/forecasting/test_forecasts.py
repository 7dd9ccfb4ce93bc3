"""The forecast is made from the rows, kept, and made anew when something has changed."""

from collections.abc import Iterator

import pytest

from blockalloc.forecasting import forecasts as forecasting
from blockalloc.forecasting.forecasts import refresh
from blockalloc.models import Forecast, ForecastRun
from blockalloc.store import forecasts
from tests.golden import tables
from tests.support.sites import class_site
from tests.support.sites.class_site import START, ZONE

pytestmark = [pytest.mark.django_db(transaction=True)]

NOW = int(class_site.NOW.timestamp())
BLOCK, NEXT = 10, 11


@pytest.fixture
def site() -> Iterator[None]:
    """Six computers, and two classes of four at the same hours, of which the second is asked for later."""
    with class_site.class_site(computers=6, machines=4, blocks=2):
        yield


@pytest.mark.usefixtures("site")
def test_it_says_what_each_class_will_get_and_why() -> None:
    made = refresh(NOW)
    kept = forecasts.of_block_times([BLOCK, NEXT])
    assert (made.changed, made.run.classes, made.run.short) == (True, 2, 1)
    assert [(kept[id_].wanted, kept[id_].machines, kept[id_].fit) for id_ in (BLOCK, NEXT)] == [(4, 4, 6), (4, 2, 6)]
    assert (kept[BLOCK].rule, kept[BLOCK].why, kept[BLOCK].in_the_way) == ("", "", [])
    assert kept[NEXT].rule == "no_computer"
    assert kept[NEXT].why == "block 10 has 4 of the computers"
    assert [each.block_time_id for each in forecasts.short_between(START, START + 1)] == [NEXT]
    assert forecasts.short_between(START + 1, START + 9999) == []
