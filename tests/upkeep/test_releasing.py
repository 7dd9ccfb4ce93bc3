"""Some computers of a class are released: keep_ready and the back end leave it the others (SPEC 9.1)."""

import json
from collections.abc import Iterator

import pytest
from django.db import OperationalError, connection

from blockalloc.allocation.journal import Journal
from blockalloc.contract.messages import Caller, Refusal
from blockalloc.models import BlockTime, Decision, News
from blockalloc.notifications.observing import observe
from blockalloc.reports import readiness
from blockalloc.upkeep import reading, releasing
from blockalloc.upkeep.releasing import choice, release_some
from tests.golden import tables
from tests.support.sites.back_end_stage import IMAGE, MINUTE
from tests.support.sites.morning import START
from tests.support.sites.still_morning import CLASS, FAILED_STATE, StillMorning, still_morning

pytestmark = [pytest.mark.django_db(transaction=True)]

ANNA = Caller(3, "vclsystem@Local", "10.0.0.7", "admin", "anna@Local")


@pytest.fixture
def site() -> Iterator[StillMorning]:
    """At nine the class of four has got its computers 10 to 13; 14 to 17 are free."""
    with still_morning() as stage:
        assert stage.allocate() == 4
        yield stage


def machines() -> int:
    watch = reading.one(CLASS, START)
    assert watch is not None
    return watch.facts.target.machines


def signal(site: StillMorning) -> tuple[str, str]:
    (read,) = readiness.read(BlockTime.objects.filter(pk=CLASS), site.now)
    return read.readiness.signal.level, str(read.readiness.signal)


def load(site: StillMorning, computer: int) -> None:
    """Its load is done."""
    site.set(computer, currentimageid=IMAGE, imagerevisionid=IMAGE)
    request = site.named_reloads()[computer]
    site.send("DELETE FROM reservation WHERE requestid = %s", request)
    site.send("DELETE FROM request WHERE id = %s", request)


def test_the_chosen_ones_go_with_their_reloads_and_the_others_stay(site: StillMorning) -> None:
    before = site.named_reloads()
    done = release_some(CLASS, {11, 13}, (), ANNA, "CS420 needs them")
    assert done == ("computers released: 2, reloads removed: 2: c11, c13; machines left: 2", True)
    assert site.named_reloads() == {10: before[10], 12: before[12]}
    assert set(site.reloads()) == {10, 12}
    record = Decision.objects.latest("pk")
    assert (record.action, record.outcome, record.person) == ("release some", "done", "anna@Local")
    assert record.text == f"reason: CS420 needs them; {done.text}"
    assert json.loads(record.parameters) == {"blockTimeid": CLASS, "reason": "CS420 needs them", "computers": [11, 13]}
    assert (record.wanted, record.had, record.allocated, record.spares) == (2, 4, 2, None)


def test_neither_keep_ready_nor_the_back_end_takes_others(site: StillMorning) -> None:
    release_some(CLASS, {13}, (), ANNA)
    for clock in ("09:01", "10:00", "13:00", "13:30", "13:50"):
        site.look_at(clock)
    assert (sorted(site.named_reloads()), machines()) == ([10, 11, 12], 3)
    assert BlockTime.objects.get(pk=CLASS).processed, "the back end does not ask again"


def test_what_is_left_is_kept_ready(site: StillMorning) -> None:
    release_some(CLASS, {13}, (), ANNA)
    site.fail(10)
    site.look_at("09:10")
    assert len(site.named_reloads()) == 3
    assert 10 not in site.named_reloads()


def test_a_later_allocation_counts_again(site: StillMorning) -> None:
    release_some(CLASS, {13}, (), ANNA)
    assert site.allocate() == 4
    assert machines() == 4
    assert signal(site)[0] == "good"


def test_it_is_no_shortage_and_nobody_is_told(site: StillMorning) -> None:
    release_some(CLASS, {12, 13}, (), ANNA, "no teacher")
    expected = "2 of 4 machines missing: 2 computers released by anna@Local at 09:00: no teacher"
    assert signal(site) == ("watch", expected)
    for clock in ("09:01", "09:05", "13:00", "13:50"):
        site.go(clock)
        observe(site.now)
    assert not News.objects.exists()


def test_computers_that_were_released_are_not_said_to_have_been_taken_away(site: StillMorning) -> None:
    site.set(13, stateid=FAILED_STATE)
    release_some(CLASS, {13}, (), ANNA)
    assert "taken away" not in signal(site)[1]
    site.send("DELETE FROM blockComputers WHERE computerid = 12")
    assert signal(site)[1].endswith("; c12 was taken away since")


def test_who_has_begun_to_use_one_keeps_it(site: StillMorning) -> None:
    load(site, 12)
    site.use(12, site.now - MINUTE, START + 60 * MINUTE, image=IMAGE)
    done = release_some(CLASS, {12, 13}, (), ANNA)
    assert done.text.endswith("c13; machines left: 3; in use by now, so left in the class: c12")
    assert sorted(site.named_reloads()) == [10, 11, 12]


def test_one_that_somebody_is_reserving_stays(site: StillMorning) -> None:
    load(site, 12)
    site.semaphore(12, 60)
    before = tables.read()
    done = release_some(CLASS, {12}, (), ANNA)
    assert done == ("no computer was released; in use by now, so left in the class: c12", False)
    after = tables.read()
    assert {name: after[name] for name in ("blockComputers", "request", "blockTimes")} == {
        name: before[name] for name in ("blockComputers", "request", "blockTimes")
    }
    assert Decision.objects.latest("pk").outcome == "refused"
    assert machines() == 4


def test_one_in_use_goes_when_it_was_chosen_as_such(site: StillMorning) -> None:
    load(site, 12)
    site.use(12, site.now - MINUTE, START + 60 * MINUTE, image=IMAGE)
    users = site.send("SELECT COUNT(*) FROM request WHERE stateid <> 19")
    done = release_some(CLASS, (), {12}, ANNA)
    assert done.text == "computers released: 1, reloads removed: 0: c12; machines left: 3"
    assert site.send("SELECT COUNT(*) FROM request WHERE stateid <> 19") == users, "the reservation goes on"


def test_loads_that_have_begun_go_on(site: StillMorning) -> None:
    site.send("UPDATE request SET stateid = 14 WHERE id = %s", site.named_reloads()[11])
    done = release_some(CLASS, {11, 12}, (), ANNA)
    assert "reloads removed: 1; loads that have begun or are about to were left: c11: c11, c12" in done.text


def test_of_others_nothing_goes(site: StillMorning) -> None:
    assert release_some(CLASS, {17, 99}, {16}, ANNA).text == (
        "no computer was released; the class has none of those that were chosen"
    )
    assert len(site.named_reloads()) == 4


def test_all_of_them_are_a_release(site: StillMorning) -> None:
    release_some(CLASS, {10, 11, 12, 13}, (), ANNA)
    watch = reading.one(CLASS, START)
    assert watch is not None
    assert watch.facts.target.is_released
    site.look_at("10:00")
    assert site.named_reloads() == {}
    assert signal(site)[0] == "watch"


def test_a_class_that_is_not_there(site: StillMorning) -> None:
    with pytest.raises(Refusal) as refused:
        release_some(999, {10}, (), ANNA)
    assert refused.value.code == Decision.objects.latest("pk").code == 8
    with pytest.raises(Refusal):
        choice(999)


@pytest.mark.parametrize("broken", [(releasing, "give_up"), (releasing, "set_processed"), (Journal, "record_action")])
def test_an_error_in_the_middle_leaves_everything_as_it_was(
    site: StillMorning, broken: tuple[object, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def boom(*_args: object, **_more: object) -> None:
        raise RuntimeError("boom")

    before = tables.read()
    monkeypatch.setattr(*broken, boom)
    with pytest.raises(RuntimeError):
        release_some(CLASS, {10}, (), ANNA)
    assert tables.read() == before
    assert Decision.objects.latest("pk").outcome == "failed"


def test_a_transaction_that_is_tried_again_is_done_once(site: StillMorning, monkeypatch: pytest.MonkeyPatch) -> None:
    usual, lost = connection.commit, [True]

    def commit() -> None:
        if lost and lost.pop():
            connection.connection.rollback()
            raise OperationalError(1213, "Deadlock")
        usual()

    monkeypatch.setattr(connection, "commit", commit)
    assert release_some(CLASS, {10}, (), ANNA).text.startswith("computers released: 1, ")
    record = Decision.objects.get(action=Decision.RELEASE_SOME)
    assert json.loads(record.parameters)["computers"] == [10]
