"""Reloads are withdrawn while no management node can have begun them, whole requests or parts of a cluster's."""

from collections.abc import Iterator

import pytest
from django.db import transaction

from blockalloc.store import sql, withdrawal
from blockalloc.store.withdrawal import Withdrawn, withdraw
from tests.golden import tables
from tests.support.sites.class_site import class_site
from tests.support.sites.disorder import ADMIN, PENDING, RELOAD, C, add_with_reload, change, now, reload, request

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture(autouse=True)
def site() -> Iterator[None]:
    """Block times 10 and 11. It is 8:00."""
    with class_site(machines=1, blocks=2):
        yield


def withdrawn(*reloads: tuple[int, int], at: str = "08:00") -> Withdrawn:
    """In a transaction."""
    with transaction.atomic():
        return withdraw(reloads, now(at))


def reservations() -> set[tuple[int, int]]:
    return {(row["requestid"], row["computerid"]) for row in tables.read()["reservation"]}


def requests() -> set[int]:
    return {row["id"] for row in tables.read()["request"]}


def test_nothing() -> None:
    assert withdrawn() == Withdrawn(0, 0, frozenset())


def test_a_request_goes_with_its_reservation_and_no_other() -> None:
    first, second = reload("13:40", "14:00", C), reload("13:40", "14:00", C + 1)
    assert withdrawn((first, C)) == Withdrawn(1, 0, frozenset())
    assert (requests(), reservations()) == ({second}, {(second, C + 1)})


def test_a_cluster_goes_whole_or_in_part() -> None:
    whole, part = reload("13:40", "14:00", C, C + 1), reload("13:40", "14:00", C + 2, C + 3)
    assert withdrawn((whole, C), (whole, C + 1), (part, C + 2)) == Withdrawn(1, 1, frozenset())
    assert (requests(), reservations()) == ({part}, {(part, C + 3)})
    assert withdrawn((part, C + 3)) == Withdrawn(1, 0, frozenset())
    assert (requests(), reservations()) == (set(), set())


def test_one_without_computers_goes() -> None:
    assert withdrawn((reload("13:40", "14:00"), C)) == Withdrawn(1, 0, frozenset())
    assert requests() == set()


def test_requests_that_are_gone_are_not_reported() -> None:
    assert withdrawn((999, C)) == Withdrawn(0, 0, frozenset())


@pytest.mark.parametrize(
    ("preload", "at", "gone"),
    [(1, "13:38:59", True), (1, "13:39", False), (1, "13:45", False), (0, "13:03:59", True), (0, "13:04", False)],
)
@pytest.mark.parametrize("others", [(), (C + 1,)])
def test_near_its_start_it_is_left(others: tuple[int, ...], preload: int, at: str, gone: bool) -> None:
    id_ = reload("13:40", "14:00", C, *others, preload=preload)
    assert withdrawn((id_, C), at=at).left == (frozenset() if gone else {(id_, C)})
    assert reservations() == {(id_, computer) for computer in others} | (set() if gone else {(id_, C)})


@pytest.mark.parametrize("state", [(PENDING, RELOAD), (5, RELOAD), (RELOAD, 6), (12, RELOAD)])
def test_one_that_has_begun_is_left(state: tuple[int, int]) -> None:
    id_ = reload("13:40", "14:00", C, C + 1, state=state)
    assert withdrawn((id_, C)) == Withdrawn(0, 0, frozenset({(id_, C)}))
    assert reservations() == {(id_, C), (id_, C + 1)}


def test_one_of_somebody_else_is_left() -> None:
    id_ = request("13:40", "14:00", C, state=(RELOAD, RELOAD), user=ADMIN, preload=1)
    assert withdrawn((id_, C)) == Withdrawn(0, 0, frozenset({(id_, C)}))


def test_one_that_a_block_computer_names_is_left() -> None:
    own = add_with_reload(10, C)
    assert withdrawn((own, C)).left == {(own, C)}
    cluster = reload("13:40", "14:00", C + 1, C + 2)
    tables.insert(
        "blockComputers",
        [{"blockTimeid": 11, "computerid": C + 1, "imageid": 10, "reloadrequestid": cluster}],
        "America/New_York",
    )
    assert withdrawn((cluster, C + 1), (cluster, C + 2)).left == {(cluster, C + 1)}
    assert reservations() == {(own, C), (cluster, C + 1)}


@pytest.mark.parametrize("others", [(), (C + 1,)])
@pytest.mark.parametrize("change_to", [{"stateid": PENDING}, {"start": "2026-03-02 08:00:30"}])
def test_one_that_begins_at_this_moment_is_left(
    others: tuple[int, ...], change_to: dict[str, object], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Between our look and our statement."""
    id_, usual = reload("13:40", "14:00", C, *others), sql.execute

    def taken_up(*args: object) -> int:
        change("request", id=id_, **change_to)
        return usual(*args)  # type: ignore[arg-type]

    monkeypatch.setattr(withdrawal, "execute", taken_up)
    assert withdrawn((id_, C)) == Withdrawn(0, 0, frozenset({(id_, C)}))
    assert (id_, C) in reservations()


def test_a_start_in_an_hour_that_comes_twice_is_the_first() -> None:
    """At the second 01:30 a reload of 01:45 should have begun long ago."""
    id_ = reload("2025-11-02 01:45:00", "2025-11-02 02:10:00", C)
    second = 1762065000  # 06:30 UTC
    with transaction.atomic():
        assert withdraw([(id_, C)], second).left == {(id_, C)}
    with transaction.atomic():
        assert withdraw([(id_, C)], second - 3600).left == frozenset()
