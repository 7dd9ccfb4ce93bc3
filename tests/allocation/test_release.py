"""Staff release the computers of a block time, skip it, and undo the skip."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from django.db import OperationalError, connection

from blockalloc.allocation import block_time_actions, service
from blockalloc.allocation.block_time_actions import release_block_time, skip_block_time, unskip_block_time
from blockalloc.allocation.journal import Journal
from blockalloc.contract.messages import Caller, Refusal
from blockalloc.models import Decision
from blockalloc.store import decisions, promises, release, sql, withdrawal
from blockalloc.store.sql import fetch
from tests.golden import tables
from tests.support.claim_and_confirm import Between
from tests.support.sites.class_site import CALLER as SYSTEM
from tests.support.sites.class_site import IMAGE, ZONE, a_call, class_site, computers_of, reserve

pytestmark = pytest.mark.django_db(transaction=True)
CALLER = Caller(3, "vclsystem@Local", "10.0.0.7", "admin", "operator")
NOTHING = ("request", "reservation", "blockComputers")


@pytest.fixture(autouse=True)
def site() -> Iterator[None]:
    """Two block times of four machines at the same hours; the second one has two."""
    with class_site(computers=10, blocks=2):
        service.allocate_block(a_call(2, block_time=11), SYSTEM)
        service.allocate_block(a_call(4), SYSTEM)
        Decision.objects.all().delete()
        yield


def _reloads(block_time: int = 10) -> list[int]:
    return sorted(
        {row["reloadrequestid"] for row in tables.read()["blockComputers"] if row["blockTimeid"] == block_time}
    )


def _rows(table: str) -> set[int]:
    return {row["id"] for row in tables.read()[table]}


def _flags(block_time: int = 10) -> tuple[int, int]:
    (row,) = (row for row in tables.read()["blockTimes"] if row["id"] == block_time)
    return row["skip"], row["processed"]


def _set(table: str, id_: int, **values: object) -> None:
    tables.change({"update": {table: [{"id": id_, **values}]}}, ZONE)


def test_reloads_that_have_not_begun_are_removed_and_nothing_of_others() -> None:
    ours, others = _reloads(10), _reloads(11)
    before = tables.read()
    text = release_block_time(10, CALLER)
    assert computers_of(10) == []
    assert _reloads(11) == others
    assert _rows("request") == set(others)
    assert {row["requestid"] for row in tables.read()["reservation"]} == set(others)
    assert text == "computers released: 4, reloads removed: 4: c12, c13, c14, c15"
    (time,) = (row for row in before["blockTimes"] if row["id"] == 10)
    time["processed"] = 1  # nobody asks any more (SPEC 9.1)
    untouched = {name: rows for name, rows in tables.read().items() if name not in NOTHING}
    assert untouched == {name: rows for name, rows in before.items() if name not in NOTHING}
    assert len(ours) == 4
    record = Decision.objects.get()
    assert (record.action, record.outcome, record.text) == ("release", "done", text)
    assert (record.person, record.address, record.door) == ("operator", "10.0.0.7", "admin")
    assert (record.block_time_id, record.block_name, record.wanted) == (10, "block 10", 4)


def test_loads_that_have_begun_are_left_with_their_reservations() -> None:
    begun, failed, odd, *rest = _reloads()
    _set("request", begun, stateid=14, laststateid=19)
    _set("request", failed, stateid=5, laststateid=19)
    _set("request", odd, stateid=19, laststateid=6)
    text = release_block_time(10, CALLER)
    assert computers_of() == []
    assert {begun, failed, odd} <= _rows("request")
    assert not set(rest) & _rows("request")
    assert {begun, failed, odd} <= {row["requestid"] for row in tables.read()["reservation"]}
    assert "reloads removed: 1; loads that have begun or are about to were left: c12, c13, c14: c12, " in text


def test_a_load_that_begins_between_our_read_and_our_delete_is_left(monkeypatch: pytest.MonkeyPatch) -> None:
    """The back end changes the row's state at that very moment."""
    begun, usual = _reloads()[0], sql.execute

    def taken_up(sql: str, params: Any = ()) -> int:
        if sql.strip().startswith("DELETE FROM request\n"):
            with connection.cursor() as cursor:
                cursor.execute("UPDATE request SET stateid = 14 WHERE id = %s", [begun])
        return usual(sql, params)

    monkeypatch.setattr(withdrawal, "execute", taken_up)
    release_block_time(10, CALLER)
    assert begun in _rows("request")
    assert begun in {row["requestid"] for row in tables.read()["reservation"]}
    assert computers_of() == []


@pytest.mark.parametrize(
    ("preload", "start", "left"),
    [
        (1, "2026-03-02 08:01:00", True),
        (1, "2026-03-02 08:01:01", False),
        (1, "2026-03-02 07:50:00", True),
        (0, "2026-03-02 08:36:00", True),
        (0, "2026-03-02 08:36:01", False),
    ],
)
def test_a_reload_about_to_begin_is_left(preload: int, start: str, left: bool) -> None:
    """It is eight: a management node may have read it (SPEC 8.15)."""
    near, *rest = _reloads()
    for id_ in (near, *rest):
        _set("request", id_, preload=1)
    _set("request", near, preload=preload, start=start)
    text = release_block_time(10, CALLER)
    assert computers_of() == []
    assert (near in _rows("request")) == left
    assert not set(rest) & _rows("request")
    assert ("loads that have begun or are about to were left: c12: c12" in text) == left


def test_a_reload_that_is_over_and_gone_does_not_matter() -> None:
    with connection.constraint_checks_disabled():
        tables.change({"update": {}, "delete": {"request": [{"id": id_} for id_ in _reloads()]}}, ZONE)
    release_block_time(10, CALLER)
    assert computers_of() == []
    assert "reloads removed: 0" in Decision.objects.get().text


def test_members_own_reservations_stay() -> None:
    release_block_time(10, CALLER)
    reserve(18, "2026-03-02 14:00:00", "2026-03-02 16:00:00", user=110)
    own = max(_rows("request"))
    service.allocate_block(a_call(3), SYSTEM)
    assert 18 in computers_of()
    release_block_time(10, CALLER)
    assert computers_of() == []
    assert own in _rows("request")
    assert own in {row["requestid"] for row in tables.read()["reservation"]}


def test_the_record_of_an_adopted_reservation_names_the_member() -> None:
    release_block_time(10, CALLER)
    reserve(18, "2026-03-02 14:00:00", "2026-03-02 16:00:00", user=110)
    service.allocate_block(a_call(3), SYSTEM)
    record = Decision.objects.latest("id")
    (adopted,) = (each for each in decisions.findings_of([record])[record.pk].findings.chosen if each.adopted_request)
    assert (adopted.computer_id, adopted.adopted_request) == (18, max(_rows("request") - set(_reloads())))
    assert adopted.member


def test_facts_are_whole_numbers_on_every_database() -> None:
    """MariaDB gives Decimal for columns of a UNION whose parts differ; decision records and XML-RPC have none."""
    reserve(18, "2026-03-02 14:00:00", "2026-03-02 16:00:00", user=110)
    promised = promises.select(0, 2**31 - 10**6, 0, "")
    rows = promises.from_rows(fetch(promised.sql, promised.params), 0, 0, "")
    for row in (*rows.reservations, *rows.block_computers, *rows.maintenances):
        assert {type(value) for value in row} <= {int, str, type(None)}, row


def test_a_clusters_reload_is_one() -> None:
    release_block_time(10, CALLER)
    tables.insert("imagemeta", [{"id": 10, "subimages": 1}], ZONE)
    tables.insert("subimages", [{"imagemetaid": 10, "imageid": IMAGE}], ZONE)
    _set("image", IMAGE, imagemetaid=10)
    assert service.allocate_block(a_call(2), SYSTEM) == 2
    assert (len(computers_of()), len(_reloads())) == (4, 2)
    assert "computers released: 4, reloads removed: 2" in release_block_time(10, CALLER)
    assert not {row["requestid"] for row in tables.read()["reservation"]} - set(_reloads(11))


def test_a_block_time_without_computers_and_one_that_is_not_there() -> None:
    assert _flags() == (0, 0)
    release_block_time(10, CALLER)
    assert release_block_time(10, CALLER) == "it had no computers"
    assert (_flags(), _flags(11)) == ((0, 1), (0, 0))
    with pytest.raises(Refusal) as refused:
        release_block_time(999, CALLER)
    record = Decision.objects.latest("id")
    assert refused.value.code == record.code == 8
    assert (record.action, record.outcome, record.block_time_id) == ("release", "refused", 999)


@pytest.mark.parametrize("processed", [0, 1])
def test_skipping_releases_and_unskipping_lets_it_be_processed(processed: int) -> None:
    _set("blockTimes", 10, processed=processed)
    assert skip_block_time(10, CALLER).startswith("skipped; computers released: 4, ")
    assert (_flags(), computers_of(), _flags(11)) == ((1, processed), [], (0, 0))
    with pytest.raises(Refusal) as refused:
        skip_block_time(10, CALLER)
    assert refused.value.code == 202
    with pytest.raises(Refusal):
        service.allocate_block(a_call(), SYSTEM)
    assert unskip_block_time(10, CALLER) == "takes place after all, and is to be processed"
    assert (_flags(), computers_of()) == ((0, 0), [])
    with pytest.raises(Refusal) as refused:
        unskip_block_time(10, CALLER)
    assert refused.value.code == 202
    assert service.allocate_block(a_call(), SYSTEM) == 4
    records = Decision.objects.order_by("id").values_list("action", "outcome")
    assert list(records) == [
        ("skip", "done"), ("skip", "refused"), ("allocate", "refused"), ("unskip", "done"), ("unskip", "refused"),
        ("allocate", "success"),
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("act", "broken"),
    [
        (release_block_time, (release, "Released")),
        (skip_block_time, (block_time_actions, "set_skip")),
        (skip_block_time, (Journal, "record_action")),
    ],
)
def test_an_error_in_the_middle_leaves_everything_as_it_was(
    act: Callable[[int, Caller], str], broken: tuple[object, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def boom(*_args: object) -> None:
        raise RuntimeError("boom")

    before = tables.read()
    monkeypatch.setattr(*broken, boom)
    with pytest.raises(RuntimeError):
        act(10, CALLER)
    assert tables.read() == before
    assert (Decision.objects.get().outcome, Decision.objects.get().block_name) == ("failed", "block 10")


def test_a_transaction_that_is_tried_again_is_done_once(monkeypatch: pytest.MonkeyPatch) -> None:
    usual, lost = connection.commit, [True]

    def commit() -> None:
        if lost and lost.pop():
            connection.connection.rollback()
            raise OperationalError(1213, "Deadlock")
        usual()

    monkeypatch.setattr(connection, "commit", commit)
    assert release_block_time(10, CALLER).startswith("computers released: 4, ")
    assert Decision.objects.count() == 1


@pytest.mark.parametrize(("act", "left"), [(release_block_time, 4), (skip_block_time, None)])
def test_an_allocation_in_flight(
    act: Callable[[int, Caller], str], left: int | None, between_claim_and_confirm: Between
) -> None:
    """Between its claim and its second look: a release takes the earlier computers, a skip ends the call."""
    release_block_time(10, CALLER)
    service.allocate_block(a_call(2), SYSTEM)
    between_claim_and_confirm(lambda: act(10, CALLER))
    if left is None:
        with pytest.raises(Refusal) as refused:
            service.allocate_block(a_call(4), SYSTEM)
        assert refused.value.code == Decision.objects.latest("id").code == 202
        assert computers_of() == []
        assert not _reloads()
        assert not [row for row in tables.read(())["semaphore"] if row["procid"].startswith("blockalloc:")]
        return
    allocated = service.allocate_block(a_call(4), SYSTEM)
    assert allocated == len(computers_of()) <= left
    assert not set(_reloads()) - _rows("request")
