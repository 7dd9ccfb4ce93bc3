"""One broken image does not take down the site: after some failures nothing more of it is loaded (SPEC 9.7)."""

from collections import Counter
from collections.abc import Iterator

import pytest

from blockalloc.models import Decision
from blockalloc.upkeep import staff
from simulation.back_end.events import What
from tests.support.sites.back_end_stage import HOUR, MINUTE, OTHER_IMAGE
from tests.support.sites.morning import BACK_END, START, Morning, morning

# On MariaDB, to load a site commits.
pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.usefixtures("policy"),
    pytest.mark.once(on="sqlite"),  # what is read and written is the same on other mornings
]
MACHINES = 12  # a third of them is more than three


@pytest.fixture
def site() -> Iterator[Morning]:
    """Forty computers, of which the class wants twelve; no load of the class's image succeeds."""
    with morning(computers=40) as stage:
        stage.send("UPDATE computer SET currentimageid = %s, imagerevisionid = %s", OTHER_IMAGE, OTHER_IMAGE)
        stage.send("UPDATE blockRequest SET numMachines = %s", MACHINES)
        stage.failing = Counter(dict.fromkeys(range(10, 50), 9))
        yield stage


def failed(site: Morning) -> int:
    """How many computers are lost."""
    return int(site.send("SELECT COUNT(*) FROM computer WHERE stateid = 5")[0][0])


def test_no_load_begins_once_the_first_ones_have_failed(site: Morning, policy: str) -> None:
    """Four failures stop it. Under policy `vcl` the loads that are to begin meanwhile have begun by then."""
    site.until("14:30", since="07:55")
    first = site.events(What.LOAD_FAILED)[0 if policy == "vcl" else 3].at
    begun = [event.at for event in site.events(What.LOAD_BEGAN)]
    assert [at for at in begun if at > first + MINUTE] == []
    assert failed(site) == len(begun)
    assert site.send("SELECT COUNT(*) FROM request WHERE stateid = 19") == [(0,)]


def test_other_images_are_kept_ready(site: Morning) -> None:
    site.block_time(20, START, START + HOUR, imageid=OTHER_IMAGE, numMachines=3)
    site.until("14:00", since="07:55")
    assert site.ready(20) == 3
    site.set(site.block_computers(20)[0], stateid=10)
    site.until("14:01")
    assert site.ready(20) == 3


def test_the_image_is_named_once_as_the_cause(site: Morning, policy: str) -> None:
    """Four failures stop it; under policy `ready` ten loads begin together, and may fail together."""
    site.until("14:30", since="07:55")
    texts = [
        text
        for text in Decision.objects.filter(action="keep ready").values_list("text", flat=True)
        if "failed for" in text
    ]
    assert len(texts) == 1
    failures = int(texts[0].split()[0])
    assert failures == 4 if policy == "vcl" else 4 <= failures <= MACHINES
    assert "block time 10" in texts[0]


def test_staff_let_it_be_loaded_again(site: Morning) -> None:
    site.until("14:02", since="07:55")
    site.failing = {}
    staff.put_right(10, BACK_END)
    site.until("14:30")
    assert site.ready() == MACHINES


def test_one_failed_load_of_a_good_image_delays_nothing_for_long(site: Morning) -> None:
    site.failing = {13: 1}
    site.until("14:00", since="07:55")
    assert site.ready() == MACHINES
    assert failed(site) == 1
