"""What each computer of a block time is, what that means for the class, and how it is read."""

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from blockalloc.models import (
    BlockTime,
    Computer,
    ComputerLoadLog,
    ComputerLoadState,
    Image,
    ImageMeta,
    ImageRevision,
    Log,
    PlannedReload,
    Request,
    SubImage,
)
from blockalloc.reports import readiness as reading
from blockalloc.store import loads, rows, snapshot
from scheduling import readiness
from scheduling.readiness import Readiness, Sureness
from scheduling.ready_computer import BlockFacts, ComputerFacts
from scheduling.state_ids import COMPLETE, FAILED, PENDING, RELOAD
from scheduling.what_happened import NO_RECORD
from scheduling.windows import HOUR, MINUTE
from scheduling.wording import span
from tests.support.sites.staff_site import ADMIN, NOW, VCLRELOAD, Site, add_image
from tests.support.sites.staff_site import HOUR as AN_HOUR

START = 1_800_000_000  # 03:00 in New York
ZONE = ZoneInfo("America/New_York")
LOAD = 8 * MINUTE
IMAGE, OTHER, NEW, OLD, FOREIGN = 1, 2, 12, 11, 21  # two images; revisions of the first, and one of the other

BLOCK = BlockFacts(
    start=START, end=START + 2 * HOUR, processed=True, skip=False, status="accepted", expires=START + 9 * HOUR,
    machines=1, image_ids=(IMAGE,), load_seconds=LOAD,
)  # fmt: skip
LOADED = ComputerFacts(1, "pc-1", IMAGE, NEW, "available", False, IMAGE, NEW)
TO_LOAD = LOADED._replace(
    current_image_id=OTHER, revision_id=FOREIGN, target_revision_id=NEW,
    reload_state=RELOAD, reload_last_state=RELOAD, reload_start=START - 20 * MINUTE,
)  # fmt: skip
LOADING = TO_LOAD._replace(state="reloading", reload_state=PENDING, log_step="bootstate")


def judged(before: int, *computers: ComputerFacts, **block: Any) -> Readiness:
    """The readiness so many seconds before the start."""
    return readiness.readiness(BLOCK._replace(**block), computers, START - before, ZONE)


def several(computer: ComputerFacts, number: int) -> list[ComputerFacts]:
    return [computer._replace(id=each, hostname=f"pc-{each}") for each in range(number)]


# --- What is bad about it ---------------------------------------------------------------------------


def test_machines_with_a_failed_computer_are_not_possible() -> None:
    good, bad = several(LOADED, 2)
    seen = judged(HOUR, good, bad._replace(state="maintenance"), machines=3)
    assert (seen.allocated, seen.numbers.usable, seen.ready) == (2, 1, 1)
    spare = judged(HOUR, *several(LOADED, 3), machines=2)
    assert (spare.allocated, spare.numbers.usable) == (2, 2)


@pytest.mark.parametrize(
    ("computer", "machines", "level", "is_risk"),
    [
        (LOADED, 1, "good", False),
        (LOADED, 2, "bad", False),  # one is missing
        (LOADED._replace(state="failed"), 1, "bad", False),
        (TO_LOAD._replace(reload_start=START - MINUTE), 1, "bad", True),
        (TO_LOAD._replace(reload_start=START - MINUTE), 2, "bad", True),
    ],
)
def test_that_machines_may_be_late_is_a_risk_whatever_is_missing(
    computer: ComputerFacts, machines: int, level: str, is_risk: bool
) -> None:
    signal = judged(HOUR, computer, machines=machines).signal
    assert (signal.level, signal.is_risk) == (level, is_risk)


@pytest.mark.parametrize(("before", "is_current", "is_risk"), [(2 * HOUR, True, True), (2 * HOUR, False, False),
    (HOUR, False, True)])  # fmt: skip
def test_what_an_allocation_said_is_no_risk_while_keep_ready_can_put_it_right(
    before: int, is_current: bool, is_risk: bool
) -> None:
    unsure = Sureness(0.3, 0.95, "30 % sure", is_current)
    signal = readiness.readiness(BLOCK, [TO_LOAD], START - before, ZONE, sureness=unsure).signal
    assert (signal.level, signal.is_risk) == ("bad", is_risk)


def test_nothing_is_a_risk_while_there_is_time_to_put_it_right() -> None:
    late = TO_LOAD._replace(reload_start=START - MINUTE)
    assert judged(readiness.ASKED_AHEAD, late).signal.is_risk
    assert not judged(readiness.ASKED_AHEAD + 1, late).signal.is_risk


# --- Computers ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("before", "computer", "expected"),
    [
        (30 * MINUTE, LOADED, "loaded"),
        (30 * MINUTE, LOADED._replace(reload_state=RELOAD, reload_last_state=RELOAD), "loaded"),
        (30 * MINUTE, LOADED._replace(state="reloading"), "loading"),  # post configuration, or staff load it by hand
        (30 * MINUTE, TO_LOAD, "waiting"),
        (19 * MINUTE, TO_LOAD, "waiting"),  # its time has just come
        (17 * MINUTE, TO_LOAD, "overdue"),
        (17 * MINUTE, LOADING, "loading"),
        (
            17 * MINUTE,
            LOADING._replace(log_step="loadimagecomplete", revision_id=NEW, current_image_id=IMAGE),
            "loading",
        ),
        (17 * MINUTE, LOADING._replace(log_step="loadimagefailed"), "failed"),
        (17 * MINUTE, LOADING._replace(log_step="failed"), "failed"),
        (17 * MINUTE, TO_LOAD._replace(log_step="failed"), "overdue"),  # it is to be tried again
        (17 * MINUTE, TO_LOAD._replace(reload_state=FAILED), "failed"),
        (17 * MINUTE, LOADED._replace(reload_state=FAILED, reload_last_state=RELOAD), "loaded"),  # loaded by hand since
        (17 * MINUTE, TO_LOAD._replace(reload_state=COMPLETE), "failed"),
        (17 * MINUTE, TO_LOAD._replace(reload_state=0, reload_start=None, target_revision_id=None), "failed"),
        (17 * MINUTE, LOADED._replace(reload_state=COMPLETE), "loaded"),
        (17 * MINUTE, LOADED._replace(state="maintenance"), "failed"),
        (17 * MINUTE, LOADED._replace(state="failed"), "failed"),
        (17 * MINUTE, LOADED._replace(deleted=True), "failed"),
        # An image without a production revision, and a computer that holds something with the number 0.
        (17 * MINUTE, LOADED._replace(production_id=0, revision_id=0, current_image_id=OTHER), "failed"),
        (-MINUTE, LOADED._replace(state="inuse"), "in use"),
        (-MINUTE, LOADED._replace(state="reserved"), "in use"),
        (-MINUTE, LOADED._replace(has_user=True), "in use"),
        (-MINUTE, LOADED._replace(state="failed", has_user=True), "failed"),
        (-MINUTE, LOADED._replace(state="reloading", has_user=True), "loading"),  # its member has to wait
        (-MINUTE, LOADED, "loaded"),
        # Before the class somebody has the computer that is still to be loaded: its time is not the class's.
        (30 * MINUTE, TO_LOAD._replace(has_user=True, state="inuse"), "waiting"),
        (30 * MINUTE, LOADED._replace(has_user=True, state="inuse", reload_state=RELOAD), "waiting"),
        (10 * MINUTE, TO_LOAD._replace(has_user=True, state="inuse"), "overdue"),
        # A member whose own reservation joined the class, and begins before it.
        (10 * MINUTE, LOADED._replace(has_user=True, state="inuse"), "in use"),
        (10 * MINUTE, LOADED._replace(has_user=True, state="inuse", user_until=START + MINUTE), "in use"),
        # Somebody who has the image of the class, and goes when it begins: then the computer is loaded again.
        (10 * MINUTE, LOADED._replace(has_user=True, state="inuse", user_until=START), "overdue"),
    ],
)
def test_what_a_computer_is(before: int, computer: ComputerFacts, expected: str) -> None:
    found = judged(before, computer)
    assert [each.state for each in found.computers] == [expected]
    assert found.ready == (1 if expected in ("loaded", "in use") else 0)
    assert found.numbers.computers == {expected: 1}


@pytest.mark.parametrize(
    ("computer", "state", "old"),
    [
        (LOADED._replace(production_id=13, target_revision_id=NEW, reload_state=COMPLETE), "loaded", True),
        (LOADED._replace(production_id=13), "loaded", True),  # nothing tells any more what was to be loaded
        (LOADED._replace(production_id=0), "loaded", True),
        (LOADED, "loaded", False),
        (TO_LOAD._replace(current_image_id=IMAGE, revision_id=OLD), "waiting", False),  # the new one is coming
    ],
)
def test_a_revision_that_was_exchanged_after_the_load(computer: ComputerFacts, state: str, old: bool) -> None:
    found = judged(30 * MINUTE, computer)
    assert (found.computers[0].state, found.computers[0].old_revision) == (state, old)
    assert ("old revision" in str(found.signal)) is old
    assert found.signal.level == ("watch" if old else "good")


@pytest.mark.parametrize(
    ("before", "computer", "expected"),
    [
        (30 * MINUTE, TO_LOAD, START - 20 * MINUTE + LOAD),
        (15 * MINUTE, TO_LOAD, START - 15 * MINUTE + LOAD),  # overdue: it can begin now at the soonest
        (15 * MINUTE, LOADING, START - 20 * MINUTE + LOAD),
        (15 * MINUTE, LOADING._replace(load_begun=START - 16 * MINUTE), START - 16 * MINUTE + LOAD),
        (2 * MINUTE, LOADING, START - MINUTE),  # longer than expected: not before the next minute
        # The node looks 29 seconds ahead: begun before its time, and no step is logged yet.
        (20 * MINUTE + 29, LOADING, START - 20 * MINUTE - 29 + LOAD),
    ],
)
def test_when_a_load_is_expected_to_end(before: int, computer: ComputerFacts, expected: int) -> None:
    assert judged(before, computer).computers[0].ready_at == expected


@pytest.mark.parametrize(
    ("before", "state", "begins"),
    [
        (70 * MINUTE, "waiting", 55 * MINUTE + 29),  # 35:29 before its start
        (50 * MINUTE, "waiting", 50 * MINUTE),  # at any moment now
        (44 * MINUTE + 30, "waiting", 44 * MINUTE + 30),
        (44 * MINUTE + 29, "waiting", 20 * MINUTE),  # nobody has taken it up: at its start
        (18 * MINUTE, "waiting", 18 * MINUTE),
        (17 * MINUTE, "overdue", 17 * MINUTE),
    ],
)
def test_a_reload_that_may_begin_early(before: int, state: str, begins: int) -> None:
    """Of the front end's own allocations, with `preload` 0 (SPEC 8.14). It is not late before its start."""
    (found,) = judged(before, TO_LOAD._replace(preload=False)).computers
    assert (found.state, found.ready_at) == (state, START - begins + LOAD)


def test_a_load_that_began_early() -> None:
    (found,) = judged(50 * MINUTE, LOADING._replace(preload=False, load_begun=START - 55 * MINUTE)).computers
    assert (found.state, found.begun, found.ready_at) == ("loading", START - 55 * MINUTE, START - 55 * MINUTE + LOAD)
    long = judged(30 * MINUTE, LOADING._replace(preload=False, load_begun=START - 55 * MINUTE))
    assert "pc-1 has been loading for 25 min (usual: 8 min)" in str(long.signal)


# --- Machines -----------------------------------------------------------------------------------


def test_clusters_count_once() -> None:
    node = LOADED._replace(image_id=OTHER, current_image_id=OTHER, production_id=FOREIGN, revision_id=FOREIGN)
    cluster = {"machines": 3, "image_ids": (IMAGE, OTHER, OTHER)}
    heads, nodes = several(LOADED, 3), several(node, 5)
    found = judged(30 * MINUTE, *heads, *nodes, **cluster)
    assert (found.wanted, found.allocated, found.ready) == (3, 2, 2)
    assert found.signal.words == (f"1 of 3 machines missing: {NO_RECORD}",)
    nodes[0] = nodes[0]._replace(state="failed")
    nodes[1] = nodes[1]._replace(state="failed")
    found = judged(30 * MINUTE, *heads, *nodes, **cluster)
    assert (found.allocated, found.ready) == (2, 1)
    assert "1 of 3 machines is usable" in str(found.signal)


# --- Signals ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("before", "block", "level", "words"),
    [
        (30 * HOUR, {"processed": False}, "plain", "not asked for yet, begins in 30 h"),
        (6 * HOUR + 1, {"processed": False}, "plain", "not asked for yet, begins in 6 h"),
        (6 * HOUR, {"processed": False}, "watch", "never asked for, begins in 6 h"),
        (61 * MINUTE, {"processed": False}, "watch", "never asked for, begins in 1 h 1 min"),
        (60 * MINUTE, {"processed": False}, "bad", "never asked for, begins in 1 h: too late to load all in time"),
        # 60 machines begin to load a minute apart: an hour is not enough for them.
        (70 * MINUTE, {"processed": False, "machines": 60}, "bad", "never asked for, begins in 1 h 10 min: too late "
         "to load all in time"),
        (-5 * MINUTE, {"processed": False}, "bad", "never asked for, began 5 min ago: too late to load all in time"),
        (3 * HOUR, {}, "bad", f"no computers, begins in 3 h: {NO_RECORD}"),
        (7 * HOUR, {}, "watch", f"no computers, begins in 7 h: {NO_RECORD}"),
        (HOUR, {"skip": True}, "plain", "skipped"),
        (HOUR, {"status": "requested"}, "plain", "request requested"),
        (HOUR, {"expires": START - 2 * HOUR}, "plain", "request expired"),
        (-2 * HOUR, {}, "plain", "over"),
    ],
)  # fmt: skip
def test_without_computers(before: int, block: dict[str, Any], level: str, words: str) -> None:
    found = judged(before, **block)
    assert (found.signal.level, str(found.signal)) == (level, words)
    assert found.left == before


@pytest.mark.parametrize(
    ("before", "machines", "computers", "level", "words"),
    [
        (30 * MINUTE, 2, several(LOADED, 2), "good", "all 2 machines ready"),
        (-MINUTE, 2, several(LOADED._replace(state="inuse"), 2), "good", "all 2 machines ready, 2 computers in use"),
        (30 * MINUTE, 2, [LOADED, TO_LOAD], "good", "1 of 2 machines ready, all by 02:48"),
        (30 * MINUTE, 20, several(LOADED, 18), "bad", f"2 of 20 machines missing: {NO_RECORD}"),
        (7 * HOUR, 20, several(LOADED, 18), "watch", f"2 of 20 machines missing: {NO_RECORD}"),
        (30 * MINUTE, 1, [TO_LOAD._replace(reload_state=FAILED, hostname="pc-17")], "bad",
         "pc-17 failed to load: 0 of 1 machine is usable"),
        (30 * MINUTE, 5, several(TO_LOAD._replace(reload_state=FAILED), 5), "bad",
         "pc-0, pc-1 and 3 more failed to load: 0 of 5 machines are usable"),
        (30 * MINUTE, 2, several(LOADED._replace(state="maintenance"), 2), "bad",
         "pc-0 and pc-1 are in state maintenance: 0 of 2 machines are usable"),
        (30 * MINUTE, 1, [LOADED._replace(reload_state=0, revision_id=FOREIGN, current_image_id=OTHER)], "bad",
         "pc-1 does not hold the image, and nothing will load it: 0 of 1 machine is usable"),
        (8 * MINUTE, 1, [TO_LOAD], "watch", "reload of pc-1 should have begun 12 min ago"),
        (2 * MINUTE, 3, several(TO_LOAD, 3), "bad", "3 loads will end after the start (expected 03:06); "
         "reloads of pc-0, pc-1 and pc-2 should have begun 18 min ago"),
        (8 * MINUTE, 1, [TO_LOAD._replace(state="inuse")], "watch",
         "reload of pc-1 should have begun 12 min ago (pc-1 still in use)"),
        (-4 * MINUTE, 2, [LOADED, LOADING], "bad", "1 computer not loaded, began 4 min ago (expected 03:05); "
         "pc-1 has been loading for 24 min (usual: 8 min)"),
    ],
)  # fmt: skip
def test_signals(before: int, machines: int, computers: list[ComputerFacts], level: str, words: str) -> None:
    found = judged(before, *computers, machines=machines)
    assert (str(found.signal), found.signal.level) == (words, level)


def test_another_day_is_named() -> None:
    at_midnight = START - 3 * HOUR
    found = judged(0, TO_LOAD._replace(reload_start=at_midnight - 4 * MINUTE), start=at_midnight - MINUTE)
    assert "expected Fri 03:08" in str(found.signal)


def test_the_worst_is_told_first() -> None:
    old, failed = LOADED._replace(production_id=13), TO_LOAD._replace(reload_state=FAILED)
    found = judged(30 * MINUTE, old, failed, machines=2)
    assert found.signal.words[0].startswith("pc-1 failed to load")
    assert "old revision" in found.signal.words[1]


@pytest.mark.parametrize(
    ("seconds", "words"),
    [(0, "0 s"), (59, "59 s"), (60, "1 min"), (3599, "59 min"), (3600, "1 h"), (7800, "2 h 10 min"),
     (86400, "24 h"), (172800, "2 days")],
)  # fmt: skip
def test_spans(seconds: int, words: str) -> None:
    assert span(seconds) == words


# --- Reading ------------------------------------------------------------------------------------


def read(site: Site) -> dict[str, Readiness]:
    found = reading.read(BlockTime.objects.all(), int(NOW.timestamp()))
    return {each.block: each.readiness for each in found}


def a_class(site: Site, name: str, computer: Computer, start: timedelta = AN_HOUR / 4, **reload: Any) -> Request:
    time = site.time(site.request(name, site.ubuntu, None, 1), NOW + start, processed=1)
    return site.hold(time, computer, **reload)


@pytest.mark.django_db
def test_computers_are_read_with_their_reloads(site: Site) -> None:
    a_class(site, "loaded", site.computer("pc1", site.ubuntu))
    a_class(site, "old", site.computer("pc2", site.ubuntu, number=1), state_id=COMPLETE)
    a_class(site, "overdue", site.computer("pc3", site.windows))
    a_class(site, "waiting", site.computer("pc4", site.windows), AN_HOUR)
    a_class(site, "failed", site.computer("pc5", site.windows), state_id=FAILED)
    a_class(site, "deleted", site.computer("pc6", site.ubuntu, deleted=1))
    loading: dict[str, Any] = {"state_id": PENDING, "laststate_id": RELOAD}
    begun = a_class(site, "loading", site.computer("pc7", site.windows), **loading)
    steps = ("begin", "loadimagefailed", "startload", "info", "exited")
    log(begun, *steps)
    log(a_class(site, "step failed", site.computer("pc8", site.windows), **loading), *steps[:2], "info", "exited")
    gone = a_class(site, "gone", site.computer("pc9", site.windows))
    gone.reservation_set.all().delete()
    gone.delete()
    found = read(site)
    assert {name: each.computers[0].state for name, each in found.items()} == {
        "loaded": "loaded", "old": "loaded", "overdue": "overdue", "waiting": "waiting", "failed": "failed",
        "deleted": "failed", "loading": "loading", "step failed": "failed", "gone": "failed",
    }  # fmt: skip
    assert found["old"].computers[0].old_revision
    assert found["loading"].computers[0].begun == int(NOW.timestamp()) - 600  # the first step that was logged
    assert str(found["step failed"].signal).startswith("pc8 failed to load")


def log(request: Request, *steps: str) -> None:
    reservation = request.reservation_set.get()
    for number, step in enumerate(steps):
        ComputerLoadLog.objects.create(
            reservation=reservation,
            computer=reservation.computer,
            loadstate=ComputerLoadState.objects.get(loadstatename=step),
            timestamp=NOW - timedelta(minutes=10 - number),
        )


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("values", "start", "expected"),
    [
        ({"state_id": 8, "laststate_id": 3, "user_id": ADMIN}, -AN_HOUR, "in use"),
        ({"state_id": 8, "laststate_id": 3, "user_id": ADMIN}, AN_HOUR / 60, "loaded"),  # to come
        ({"state_id": 8, "laststate_id": 3, "user_id": ADMIN}, -3 * AN_HOUR, "loaded"),  # over
        ({"state_id": 12, "laststate_id": 8, "user_id": ADMIN}, -AN_HOUR, "loaded"),  # complete
        ({"state_id": 8, "laststate_id": 3, "user_id": VCLRELOAD}, -AN_HOUR, "loaded"),
    ],
)
def test_users_on_a_computer(site: Site, values: dict[str, Any], start: timedelta, expected: str) -> None:
    computer = site.computer("pc", site.ubuntu)
    a_class(site, "CS1", computer, -AN_HOUR / 2, state_id=COMPLETE)
    site.reserve(site.ubuntu, NOW + start, NOW + start + 2 * AN_HOUR, computer, **values)
    assert read(site)["CS1"].computers[0].state == expected


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("others", "expected"),
    [
        (lambda site, pc: a_class(site, "before", pc, AN_HOUR), "booked before"),
        (lambda site, pc: a_class(site, "after", pc, 12 * AN_HOUR), "loaded"),
        (lambda site, pc: skipped(site, pc), "loaded"),
        (lambda site, pc: reserved(site, pc, 1, 3), "booked before"),
        (lambda site, pc: reserved(site, pc, 1, 6), "loaded"),  # in the hours of the class: it may be a member's
        (lambda site, pc: reserved(site, pc, 1, 3, state_id=12, laststate_id=8), "loaded"),  # complete
        (lambda site, pc: reloaded(site, pc, site.windows), "booked before"),
        (lambda site, pc: reloaded(site, pc, site.ubuntu), "loaded"),
    ],
    ids=["class", "later class", "skipped class", "user", "member", "complete", "other image", "same image"],
)
def test_what_others_have_before_the_class(site: Site, others: Callable[[Site, Computer], Any], expected: str) -> None:
    """The class begins in five hours; its computer holds the image."""
    computer = site.computer("pc", site.ubuntu)
    a_class(site, "CS1", computer, 5 * AN_HOUR)
    others(site, computer)
    seen = read(site)["CS1"]
    assert seen.computers[0].state == expected
    assert (seen.ready, seen.numbers.usable) == (0 if expected == "booked before" else 1, 1)
    assert ("booked for others before" in str(seen.signal)) is (expected == "booked before")
    assert seen.signal.level == "good"


def skipped(site: Site, computer: Computer) -> None:
    """Another class that was to be before, and does not take place."""
    a_class(site, "before", computer, AN_HOUR)
    BlockTime.objects.filter(blockRequest__name="before").update(skip=1)


def reserved(site: Site, computer: Computer, start: int, end: int, **values: Any) -> Request:
    """A user's reservation, hours from now."""
    values = {"state_id": 3, "laststate_id": 3, "user_id": ADMIN, **values}
    return site.reserve(site.ubuntu, NOW + start * AN_HOUR, NOW + end * AN_HOUR, computer, **values)


def reloaded(site: Site, computer: Computer, image: Image) -> Request:
    """A reload that no class has."""
    values = {"state_id": RELOAD, "laststate_id": RELOAD, "user_id": VCLRELOAD}
    return site.reserve(image, NOW + AN_HOUR, NOW + 2 * AN_HOUR, computer, **values)


@pytest.mark.django_db
def test_clusters_are_read_with_their_images(site: Site) -> None:
    meta = ImageMeta.objects.create(subimages=1)
    image = add_image("Hadoop", imagemeta=meta)
    for _ in range(2):
        SubImage.objects.create(imagemeta=meta, image=site.ubuntu)
    time = site.time(site.request("big data", image, None, 2), NOW + AN_HOUR, processed=1)
    site.hold(time, site.computer("head", image))
    site.hold(time, *(site.computer(f"node{n}", site.ubuntu) for n in range(3)), image=site.ubuntu)
    found = read(site)["big data"]
    assert (found.wanted, found.allocated, found.ready) == (2, 1, 1)
    site.hold(site.time(site.request("one node", image, None, 1), NOW + AN_HOUR), site.computer("head2", image))
    assert read(site)["one node"].allocated == 0
    ImageMeta.objects.update(subimages=0)  # its subimages no longer count
    assert read(site)["one node"].allocated == 1


@pytest.mark.django_db
def test_the_production_revision_may_change_after_the_load(site: Site) -> None:
    a_class(site, "CS1", site.computer("pc", site.ubuntu))
    assert read(site)["CS1"].signal.level == "good"
    ImageRevision.objects.filter(image=site.ubuntu).update(production=0)
    ImageRevision.objects.filter(image=site.ubuntu, revision=1).update(production=1)
    assert str(read(site)["CS1"].signal) == "pc holds an old revision of the image"


@pytest.mark.django_db
@pytest.mark.parametrize(("preload", "expected"), [(1, AN_HOUR / 2), (0, timedelta())])
def test_whether_a_reload_may_begin_early_is_read(site: Site, preload: int, expected: timedelta) -> None:
    a_class(site, "CS1", site.computer("pc", site.windows), AN_HOUR, preload=preload)
    (computer,) = read(site)["CS1"].computers
    assert computer.ready_at == int((NOW + expected).timestamp()) + 10 * MINUTE


@pytest.mark.django_db
def test_the_number_of_queries_is_fixed(site: Site) -> None:
    def more(number: int) -> None:
        for n in range(number):
            name = f"{number}-{n}"
            cluster = ImageMeta.objects.create(subimages=1)
            image = add_image(f"Image {name}", imagemeta=cluster)
            SubImage.objects.create(imagemeta=cluster, image=site.ubuntu)
            time = site.time(site.request(name, image, site.group(name), 2), NOW + AN_HOUR, processed=1)
            site.hold(time, *(site.computer(f"pc{name}-{m}", site.windows) for m in range(n + 1)))
            lost = site.computer(f"lost{name}", site.windows)
            PlannedReload.objects.create(block_time_id=time.pk, computer_id=lost.pk, request_id=7, start=NOW)

    counts = []
    for number in (1, 6):
        more(number)
        with CaptureQueriesContext(connection) as queries:
            read(site)
        counts.append(len(queries))
    assert counts == [10, 10]  # two of them of the log: of old loads, and of those since


# --- Estimates ----------------------------------------------------------------------------------


@pytest.mark.django_db
def test_estimates_of_many_images_are_those_of_each(site: Site) -> None:
    """Loads that count and that do not: too short, too long, failed, too old, and across a change of the clock."""
    images = [add_image(f"Image {number}", reloadtime=7 + number) for number in range(4)]
    now = int(NOW.timestamp())
    local = [datetime(2026, 3, 8, 1, 50), datetime(2026, 11, 1, 1, 50), datetime(2025, 11, 25, 11, 59, 59),
             datetime(2025, 11, 25, 12, 0, 1), datetime(2026, 6, 1, 9)]  # fmt: skip
    for image_number, image in enumerate(images[:3]):
        for number, start in enumerate(local):
            for seconds in (100, 121, 301, 1799, 1900, 4500):
                values: dict[str, Any] = {"wasavailable": 1, "ending": "released", "nowfuture": "now"}
                changes: list[dict[str, Any]] = [{}, {"wasavailable": 0}, {"ending": "failed"}, {"nowfuture": "future"}]
                values |= changes[(number + seconds + image_number) % 4]
                begun = start.replace(tzinfo=ZONE)
                loaded = (start + timedelta(seconds=seconds)).replace(tzinfo=ZONE)
                Log.objects.create(
                    user_id=ADMIN, image=image, start=begun, loaded=loaded, initialend=begun, finalend=begun, **values
                )
    Log.objects.create(user_id=ADMIN, image=images[0], start=NOW, initialend=NOW, finalend=NOW, wasavailable=1)
    with CaptureQueriesContext(connection) as queries:
        found = loads.estimates({image.pk: image.reloadtime for image in images}, now)
    assert len(queries) == 1
    one_by_one = {image.pk: snapshot.load_seconds(rows.images(image.pk)[0].image, now) for image in images}
    assert found == one_by_one
    assert len(set(found.values())) == len(images)  # they tell images apart
    assert found[images[3].pk] == 10 * MINUTE  # never loaded: its reloadtime


@pytest.mark.django_db
def test_the_estimate_is_that_of_the_image(site: Site) -> None:
    begun = NOW - 30 * AN_HOUR
    Log.objects.create(
        user_id=ADMIN, image=site.ubuntu, start=begun, loaded=begun + timedelta(seconds=1500), initialend=begun,
        finalend=begun, wasavailable=1,
    )  # fmt: skip
    a_class(site, "CS1", site.computer("pc", site.windows), state_id=PENDING)
    reload_start = NOW - AN_HOUR / 4
    assert read(site)["CS1"].computers[0].ready_at == int(reload_start.timestamp()) + 1500
