"""What is said of a class without computers, or with too few: what is on record of it, as it is."""

import json
import zlib
from collections.abc import Callable, Iterator, Sequence
from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
import time_machine
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from icalendar import Calendar

from blockalloc.allocation import service
from blockalloc.allocation.block_time_actions import release_block_time, skip_block_time, unskip_block_time
from blockalloc.contract.messages import Caller, Refusal
from blockalloc.models import (
    BlockComputer,
    BlockRequest,
    BlockTime,
    CalendarFeed,
    Computer,
    Decision,
    PlannedReload,
    State,
)
from blockalloc.reports import readiness as reading
from scheduling import readiness
from scheduling.ready_computer import BlockFacts, ComputerFacts
from scheduling.what_happened import HELD_BACK, NO_RECORD, Call, Gone, Record
from scheduling.windows import DAY, HOUR, MINUTE
from tests.support.cards import cards
from tests.support.sites.class_site import BLOCK_TIME, CALLER, NOW, a_call, class_site
from tests.support.sites.staff_site import NOW as NOON
from tests.support.sites.staff_site import Site, list_url, page_url, rows, text

# --- Words --------------------------------------------------------------------------------------

NINE = int(datetime(2026, 11, 30, 9, tzinfo=ZoneInfo("America/New_York")).timestamp())
BLOCK = BlockFacts(
    start=NINE, end=NINE + 2 * HOUR, processed=True, skip=False, status="accepted", expires=NINE + 9 * HOUR,
    machines=20, image_ids=(1,), load_seconds=8 * MINUTE,
)  # fmt: skip
ASKED = Call(NINE - 6 * HOUR, "allocate", True, wanted=20, allocated=20)
SHORT = ASKED._replace(allocated=18, why="no further computer passes all rules for image Ubuntu")
NOTHING = SHORT._replace(allocated=0)
LOOKED = SHORT._replace(at=NINE - 15 * MINUTE, action="keep ready")
STOPPED = Call(NINE - 10 * MINUTE, HELD_BACK, True, wanted=20, why="three loads of image Ubuntu have failed")
RELEASED = Call(NINE - 48 * MINUTE, "release", True, person="anna@Local")
SKIPPED = Call(NINE - 40 * MINUTE, "skip", True, person="ben@Local")
UNSKIPPED = Call(NINE - 35 * MINUTE, "unskip", True, person="ben@Local")
SOME = Call(NINE - 48 * MINUTE, "release some", True, "anna@Local", wanted=17, allocated=17, computers=3)
REFUSED = Call(NINE - 20 * MINUTE, "allocate", False, why="busy, try again")
FAILED = [Gone(f"pc-{number}", failed=True) for number in range(1, 19)]
OTHERS = [Gone("vm-1", failed=False), Gone("vm-2", failed=False)]


def judged(
    calls: Sequence[Call], gone: Sequence[Gone] = (), *, before: int = 30 * MINUTE, computers: int = 0, **block: Any
) -> readiness.Signal:
    """The signal so many seconds before the start."""
    facts = [ComputerFacts(n, f"here-{n}", 1, 12, "available", False, 1, 12) for n in range(computers)]
    zone = ZoneInfo("America/New_York")
    found = readiness.readiness(BLOCK._replace(**block), facts, NINE - before, zone, Record(calls, gone))
    return found.signal


@pytest.mark.parametrize(
    ("calls", "gone", "level", "words"),
    [
        ([ASKED, RELEASED], [], "watch", "released by anna@Local at 08:12"),
        ([ASKED, RELEASED._replace(person="")], [], "watch", "released at 08:12"),
        ([ASKED, RELEASED._replace(at=NINE - 3 * DAY)], [], "watch", "released by anna@Local on Fri 27 Nov at 09:00"),
        ([ASKED, RELEASED._replace(at=NINE - 365 * DAY)], [], "watch", "released by anna@Local on Sun 30 Nov 2025 at "
         "09:00"),
        ([ASKED, SKIPPED], [], "watch", "released when it was skipped by ben@Local at 08:20"),
        ([NOTHING], [], "bad", "asked for at 03:00, none could be allocated (no further computer passes all rules "
         "for image Ubuntu)"),
        ([NOTHING._replace(why="", person="anna@Local")], [], "bad", "asked for by anna@Local at 03:00, none could be "
         "allocated"),
        ([ASKED], FAILED, "bad", "pc-1, pc-2 and 16 more were taken away after failed loads"),
        ([ASKED], FAILED[:1], "bad", "pc-1 was taken away after a failed load"),
        ([ASKED], FAILED[:2] + OTHERS, "bad", "pc-1 and pc-2 were taken away after failed loads; vm-1 and vm-2 were "
         "taken away since"),
        ([ASKED], [], "bad", "20 machines that it had were taken away since"),
        ([SHORT], FAILED[:1], "bad", "asked for at 03:00, only 18 of 20 could be allocated (no further computer passes "
         "all rules for image Ubuntu); pc-1 was taken away after a failed load"),
        ([RELEASED, ASKED._replace(at=NINE - 40 * MINUTE)], FAILED[:1], "bad", "pc-1 was taken away after a failed "
         "load"),
        ([], FAILED[:1], "bad", "pc-1 was taken away after a failed load"),
        ([REFUSED], [], "bad", "asked for at 08:40 in vain (busy, try again)"),
        ([RELEASED, REFUSED], [], "watch", "released by anna@Local at 08:12; asked for at 08:40 in vain (busy, try "
         "again)"),
        ([REFUSED._replace(at=NINE - 2 * HOUR), RELEASED], [], "watch", "released by anna@Local at 08:12"),
        ([], [], "bad", NO_RECORD),
        ([RELEASED, SKIPPED, UNSKIPPED], [], "bad", NO_RECORD),
    ],
)  # fmt: skip
def test_a_class_without_computers(calls: Sequence[Call], gone: Sequence[Gone], level: str, words: str) -> None:
    found = judged(calls, gone)
    assert (found.level, str(found)) == (level, f"no computers, begins in 30 min: {words}")


BY_ANNA = "3 computers released by anna@Local at 08:12"


@pytest.mark.parametrize(
    ("calls", "gone", "computers", "level", "words"),
    [
        ([ASKED, SOME], [], 17, "watch", f"3 of 20 machines missing: {BY_ANNA}"),
        ([ASKED, SOME._replace(reason="no room")], [], 17, "watch", f"3 of 20 machines missing: {BY_ANNA}: no room"),
        ([ASKED, SOME._replace(person="")], [], 17, "watch", "3 of 20 machines missing: 3 computers released at 08:12"),
        ([SHORT, SOME._replace(wanted=15, allocated=15)], [], 15, "watch", f"5 of 20 machines missing: {BY_ANNA}; "
         "asked for at 03:00, only 18 of 20 could be allocated (no further computer passes all rules for image "
         "Ubuntu)"),
        ([ASKED, SOME], FAILED[:1], 16, "bad", f"4 of 20 machines missing: {BY_ANNA}; pc-1 was taken away after a "
         "failed load"),
        ([ASKED, SOME, LOOKED._replace(wanted=17, allocated=17)], [], 17, "watch", f"3 of 20 machines missing: "
         f"{BY_ANNA}"),
        ([ASKED, SOME, LOOKED._replace(wanted=17, allocated=16)], [], 16, "bad", f"4 of 20 machines missing: "
         f"{BY_ANNA}; looked at again by keep_ready at 08:45, only 16 of 17 could be allocated (no further computer "
         "passes all rules for image Ubuntu)"),
        ([SOME, SHORT], [], 18, "bad", "2 of 20 machines missing: asked for at 03:00, only 18 of 20 could be allocated "
         "(no further computer passes all rules for image Ubuntu)"),
        ([ASKED, SOME, RELEASED], [], 0, "watch", "no computers, begins in 30 min: released by anna@Local at 08:12"),
        ([ASKED, SOME._replace(wanted=0, allocated=0)], [], 0, "watch", f"no computers, begins in 30 min: {BY_ANNA}"),
    ],
)  # fmt: skip
def test_one_of_which_some_computers_were_released(
    calls: Sequence[Call], gone: Sequence[Gone], computers: int, level: str, words: str
) -> None:
    found = judged(calls, gone, computers=computers)
    assert (found.level, str(found)) == (level, words)


def test_people_who_need_not_know_read_no_reason() -> None:
    record = Record([ASKED, SOME._replace(reason="no room"), RELEASED._replace(reason="flooded")]).without_people()
    assert [(call.person, call.reason) for call in record.calls] == [("", "")] * 3


@pytest.mark.parametrize(
    ("calls", "before", "level", "words"),
    [
        ([], 30 * HOUR, "plain", "not asked for yet, begins in 30 h"),
        ([], 5 * HOUR, "watch", "never asked for, begins in 5 h"),
        ([], HOUR, "bad", "never asked for, begins in 1 h: too late to load all in time"),
        ([SKIPPED, UNSKIPPED], 30 * MINUTE, "bad", "never asked for, begins in 30 min: too late to load all in time"),
        ([RELEASED], 30 * MINUTE, "watch", "no computers, begins in 30 min: released by anna@Local at 08:12"),
        ([RELEASED._replace(at=NINE - 3 * DAY)], 2 * DAY, "watch", "no computers, begins in 2 days: released by "
         "anna@Local on Fri 27 Nov at 09:00"),
        ([SKIPPED], 30 * MINUTE, "watch", "no computers, begins in 30 min: released when it was skipped by ben@Local "
         "at 08:20; the back end has not asked yet"),
        ([SKIPPED._replace(at=NINE - 3 * DAY)], 2 * DAY, "plain", "no computers, begins in 2 days: released when it "
         "was skipped by ben@Local on Fri 27 Nov at 09:00; the back end has not asked yet"),
        ([NOTHING._replace(at=NINE - 2 * DAY, why="")], 2 * DAY, "watch", "no computers, begins in 2 days: asked for "
         "at 09:00, none could be allocated"),
        ([NOTHING._replace(why="")], 5 * HOUR, "watch", "no computers, begins in 5 h: asked for at 03:00, none could "
         "be allocated"),
        ([NOTHING._replace(why="")], HOUR, "bad", "no computers, begins in 1 h: asked for at 03:00, none could be "
         "allocated"),
    ],
)  # fmt: skip
def test_one_that_the_back_end_has_not_asked_for(calls: Sequence[Call], before: int, level: str, words: str) -> None:
    found = judged(calls, before=before, processed=False)
    assert (found.level, str(found)) == (level, words)


@pytest.mark.parametrize(
    ("calls", "gone", "words"),
    [
        ([SHORT], [], "2 of 20 machines missing: asked for at 03:00, only 18 of 20 could be allocated (no further "
         "computer passes all rules for image Ubuntu)"),
        ([ASKED], FAILED[:2], "2 of 20 machines missing: pc-1 and pc-2 were taken away after failed loads"),
        ([ASKED], [], "2 of 20 machines missing: 2 machines that it had were taken away since"),
        ([ASKED._replace(wanted=18, allocated=18)], [], "2 of 20 machines missing: only 18 asked for at 03:00"),
        ([ASKED, LOOKED], [], "2 of 20 machines missing: looked at again by keep_ready at 08:45, only 18 of 20 could "
         "be allocated (no further computer passes all rules for image Ubuntu)"),
        ([ASKED, LOOKED._replace(person="anna@Local")], [], "2 of 20 machines missing: put right by anna@Local at "
         "08:45, only 18 of 20 could be allocated (no further computer passes all rules for image Ubuntu)"),
        ([ASKED._replace(wanted=18, allocated=18), LOOKED._replace(wanted=18)], [], "2 of 20 machines missing: only 18 "
         "asked for at 03:00"),
        ([LOOKED._replace(wanted=18)], [], "2 of 20 machines missing: only 18 wanted"),
        ([ASKED, LOOKED._replace(allocated=20)], [], "2 of 20 machines missing: 2 machines that it had were taken away "
         "since"),
        ([ASKED, LOOKED._replace(done=False, why="busy")], [], "2 of 20 machines missing: 2 machines that it had were "
         "taken away since; looked at again by keep_ready at 08:45 in vain (busy)"),
        ([ASKED, STOPPED], FAILED[:2], "2 of 20 machines missing: held back by keep_ready at 08:50 (three loads of "
         "image Ubuntu have failed); pc-1 and pc-2 were taken away after failed loads"),
        ([], [], f"2 of 20 machines missing: {NO_RECORD}"),
    ],
)  # fmt: skip
def test_a_class_with_too_few(calls: Sequence[Call], gone: Sequence[Gone], words: str) -> None:
    found = judged(calls, gone, computers=18)
    assert (found.level, found.words[0]) == ("bad", words)


def test_computers_are_named_without_their_domain_where_they_differ_without_it() -> None:
    gone = [Gone(f"pc-{number}.example.edu", failed=True) for number in (1, 2)]
    assert "pc-1 and pc-2 were taken" in str(judged([ASKED], gone))
    gone.append(Gone("pc-1.example.org", failed=True))
    assert "pc-1.example.edu, pc-2.example.edu and pc-1.example.org were taken" in str(judged([ASKED], gone))
    assert "10.0.0.1 was taken" in str(judged([ASKED], [Gone("10.0.0.1", failed=True)]))


def test_a_complete_class_has_no_story() -> None:
    assert str(judged([SHORT, RELEASED, REFUSED], FAILED, computers=20)) == "all 20 machines ready"


@pytest.mark.parametrize(
    ("calls", "words"),
    [
        ([ASKED, SKIPPED], "skipped by ben@Local at 08:20"),
        ([SKIPPED, UNSKIPPED], "skipped"),  # on a page of VCL
        ([], "skipped"),
    ],
)
def test_a_skipped_class(calls: Sequence[Call], words: str) -> None:
    found = judged(calls, skip=True)
    assert (found.level, str(found)) == ("plain", words)


# --- By what the service does -------------------------------------------------------------------

ANNA = Caller(CALLER.user_id, CALLER.name, door="admin", person="anna@Local")
on_a_site = pytest.mark.django_db(transaction=True)


@pytest.fixture
def lesson() -> Iterator[None]:
    """A class of four machines at 14:00 on a site of six computers; it is 8:00."""
    with class_site():
        yield


def signal_of(minutes: int = 0) -> str:
    """What is said of it so many minutes later."""
    now = int(NOW.timestamp()) + minutes * MINUTE
    (found,) = reading.read(BlockTime.objects.filter(pk=BLOCK_TIME), now)
    return str(found.readiness.signal)


def at(minutes: int, work: Callable[[], object]) -> None:
    """Do it so many minutes later."""
    with time_machine.travel(NOW + timedelta(minutes=minutes), tick=False):
        work()


def allocate(machines: int = 4) -> None:
    """As the back end asks."""
    BlockTime.objects.filter(pk=BLOCK_TIME).update(processed=1)
    service.allocate(a_call(machines), CALLER)


def fail(*computers: int) -> None:
    """As the back end does after a load that failed: out of all blocks."""
    Computer.objects.filter(pk__in=computers).update(state=State.objects.get(name="failed"))
    BlockComputer.objects.filter(computer__in=computers).delete()


@on_a_site
@pytest.mark.usefixtures("lesson")
def test_a_release_is_told_until_somebody_asks_again() -> None:
    allocate()
    at(2, lambda: release_block_time(BLOCK_TIME, ANNA))
    assert signal_of(3) == "no computers, begins in 5 h 57 min: released by anna@Local at 08:02"
    at(4, allocate)
    assert "released" not in signal_of(5)
    fail(10)
    assert "1 of 4 machines missing: c10 was taken away after a failed load" in signal_of(6)


@on_a_site
@pytest.mark.usefixtures("lesson")
def test_what_failed_before_a_release_is_not_told_after_it() -> None:
    allocate()
    fail(10)
    at(7, lambda: release_block_time(BLOCK_TIME, ANNA))
    assert PlannedReload.objects.filter(block_time_id=BLOCK_TIME, computer_id=10).exists()
    assert signal_of(8).endswith(": released by anna@Local at 08:07")


@on_a_site
@pytest.mark.usefixtures("lesson")
def test_computers_that_were_taken_away_are_named() -> None:
    allocate()
    fail(10, 11)
    BlockComputer.objects.filter(computer=13).delete()
    assert signal_of().startswith(
        "3 of 4 machines missing: c10 and c11 were taken away after failed loads; c13 was taken away since"
    )
    fail(12)
    assert signal_of().startswith(
        "no computers, begins in 6 h: c10, c11 and c12 were taken away after failed loads; c13"
    )


@on_a_site
@pytest.mark.usefixtures("lesson")
def test_a_class_that_got_others_for_those_that_failed_is_complete() -> None:
    allocate()
    fail(10)
    at(1, allocate)
    assert "missing" not in signal_of(2)
    assert "c10" not in signal_of(2)


@on_a_site
@pytest.mark.usefixtures("lesson")
def test_our_records_of_reloads_name_them_when_no_decision_is_kept() -> None:
    allocate()
    fail(10)
    Decision.objects.all().delete()
    for computer in (10, 11):
        PlannedReload.objects.get_or_create(
            block_time_id=BLOCK_TIME, computer_id=computer, request_id=99, defaults={"start": NOW}
        )
    assert signal_of().startswith("1 of 4 machines missing: c10 was taken away after a failed load")


@on_a_site
@pytest.mark.usefixtures("lesson")
def test_why_there_are_not_more() -> None:
    Computer.objects.exclude(pk__in=(14, 15)).update(deleted=1)
    allocate()
    told = "asked for at 08:00, only 2 of 4 could be allocated (no further computer passes all rules for image "
    assert f"2 of 4 machines missing: {told}" in signal_of()
    assert "unable to allocate" not in signal_of()


@on_a_site
@pytest.mark.usefixtures("lesson")
def test_why_there_are_none() -> None:
    Computer.objects.update(deleted=1)
    allocate()
    told = "asked for at 08:00, none could be allocated (no further computer passes all rules for image "
    assert signal_of().startswith(f"no computers, begins in 6 h: {told}")


@on_a_site
@pytest.mark.usefixtures("lesson")
def test_a_call_for_fewer_machines() -> None:
    allocate(3)
    assert signal_of().startswith("1 of 4 machines missing: only 3 asked for at 08:00")


@on_a_site
@pytest.mark.usefixtures("lesson")
def test_a_call_that_was_refused_and_one_that_only_tried() -> None:
    with pytest.raises(Refusal):
        allocate(200)
    service.dry_run(a_call(), CALLER, explain=False)
    assert signal_of().startswith(
        "no computers, begins in 6 h: asked for at 08:00 in vain (machinecount: 200: give a whole number "
    )
    Decision.objects.update(text="x" * 500)
    assert signal_of().endswith(f"({'x' * 159}…)")


@on_a_site
@pytest.mark.usefixtures("lesson")
def test_who_skipped_a_class_is_said_when_its_request_has_expired_too() -> None:
    allocate()
    at(7, lambda: skip_block_time(BLOCK_TIME, ANNA))
    BlockRequest.objects.update(expireTime=NOW)
    assert signal_of(8) == "skipped by anna@Local at 08:07"


@on_a_site
@pytest.mark.usefixtures("lesson")
def test_a_skipped_class_and_one_that_takes_place_after_all() -> None:
    allocate()
    at(7, lambda: skip_block_time(BLOCK_TIME, ANNA))
    assert signal_of(8) == "skipped by anna@Local at 08:07"
    at(9, lambda: unskip_block_time(BLOCK_TIME, ANNA))
    assert signal_of(10) == "never asked for, begins in 5 h 50 min"


# --- On the pages -------------------------------------------------------------------------------

TODAY, WEEK = (reverse(f"admin:{name}") for name in ("today", "week"))


def decided(time: BlockTime, **values: Any) -> None:
    """A decision about it, as of 11:15."""
    plain = {
        "started": NOON - timedelta(minutes=45), "action": "release", "person": "anna@Local", "outcome": "done",
        "duration": 1, "block_time_id": time.pk,
    }  # fmt: skip
    Decision.objects.create(**{**plain, **values})


@pytest.fixture
def released(site: Site) -> BlockTime:
    """A class in half an hour that somebody has released."""
    time = site.time(site.request("CS1", site.ubuntu, site.group("CS1"), 2), NOON + timedelta(minutes=30), processed=1)
    decided(time)
    return time


SAID = "no computers, begins in 30 min: released by anna@Local at 11:15"


@pytest.mark.django_db
def test_all_pages_and_calendars_say_it(viewer: Client, released: BlockTime) -> None:
    card = cards(viewer)["CS1"]
    assert card.startswith("Watch 12:30–14:30 CS1")
    assert f"{SAID} What would help" in card
    assert f"12:30–14:30 0 of 2 usable CS1 Ubuntu 22.04 Watch released by anna@Local at 11:15 {SAID}" in text(
        viewer, WEEK
    )
    page = text(viewer, page_url("blocktime", released.pk))
    assert "Watch starts in 30 min 0 of 2 machines: no computers released by anna@Local at 11:15" in page
    assert rows(viewer, list_url("blocktime"), "state") == [f"Watch: {SAID}"]
    assert rows(viewer, page_url("blockrequest", released.blockRequest_id), "state") == [f"Watch: {SAID}"]
    for group in (None, released.blockRequest.group_id):
        address = _feed(group)
        calendar = Calendar.from_ical(viewer.get(address, HTTP_HOST="testserver").content)
        # Whoever has the address reads it: it names nobody.
        said = SAID.replace(" by anna@Local", "")
        assert said != SAID
        assert [str(event["DESCRIPTION"]).splitlines()[-1] for event in calendar.events] == [said]


@pytest.mark.django_db
def test_who_skipped_it_is_said_beside_the_signal(viewer: Client, released: BlockTime) -> None:
    BlockTime.objects.update(skip=1)
    decided(released, action="skip", person="<ben>")
    page = viewer.get(TODAY).content.decode()
    assert '<span class="signal plain">Skipped</span> by &lt;ben&gt; at 11:15' in page
    assert rows(viewer, list_url("blocktime"), "state") == ["Skipped: by &lt;ben&gt; at 11:15"]


@pytest.mark.django_db
def test_who_has_computers_needs_no_words_in_the_lists(viewer: Client, site: Site, cs101: BlockTime) -> None:
    decided(cs101)
    assert rows(viewer, list_url("blocktime"), "state") == ["On track"]
    assert rows(viewer, page_url("blockrequest", cs101.blockRequest_id), "state") == ["On track"]


@pytest.mark.django_db
@pytest.mark.parametrize("page", ["today", "list", "request", "feed"])
def test_the_number_of_statements_is_fixed(viewer: Client, site: Site, page: str) -> None:
    request = site.request("CS1", site.ubuntu, site.group("CS1"), 3)

    def more(number: int) -> None:
        for each in range(number):
            time = site.time(request, NOON + timedelta(minutes=30), processed=1)
            lost = site.computer(f"lost{number}-{each}", site.ubuntu)
            decided(time, action="allocate", outcome="success", wanted=3, allocated=1, findings=_chose(lost.pk))
            PlannedReload.objects.create(block_time_id=time.pk, computer_id=lost.pk, request_id=each, start=NOON)
            if each % 2:
                site.hold(time, site.computer(f"pc{number}-{each}", site.ubuntu))

    url = {
        "today": TODAY, "list": list_url("blocktime"), "request": page_url("blockrequest", request.pk),
        "feed": _feed(),
    }[page]  # fmt: skip
    counts = []
    for number in (2, 9):
        more(number)
        viewer.get(url, HTTP_HOST="testserver")
        with CaptureQueriesContext(connection) as queries:
            answer = viewer.get(url, HTTP_HOST="testserver").content.decode().replace("\r\n ", "")
        counts.append(len(queries))
        assert f"lost{number}-0 was taken away since" in answer
    assert counts[0] == counts[1]


def _feed(group: int | None = None) -> str:
    """The address of a calendar."""
    key = str(group or 0).rjust(43, "k")
    CalendarFeed.objects.create(key=key, group_id=group, made=NOON)
    return reverse("feed", args=[key])


def _chose(computer: int) -> bytes:
    """The findings of a call that chose this computer."""
    row = [computer, 1, 0, 1, "", 0, False]
    return zlib.compress(json.dumps({"texts": [], "reasons": [], "of": [], "chosen": [row]}).encode())
