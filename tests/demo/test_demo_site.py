"""The demo site holds together, and is loaded only where it does no harm."""

import functools
import re
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from functools import partial
from itertools import combinations
from typing import Any
from zoneinfo import ZoneInfo

import pytest
import time_machine
from django.contrib.auth import get_user_model
from django.core.management import CommandError
from django.db import connection
from django.test import Client

from blockalloc.allocation.service import allocate_block, system_caller
from blockalloc.contract.messages import BlockAllocationCall
from blockalloc.demo import MARK, build, next_monday
from blockalloc.demo.database import check_in_management_nodes, read_mark
from blockalloc.demo.past_classes import closing_rows
from blockalloc.inspection import inspect
from blockalloc.inspection.site_clock import examine
from blockalloc.models import BlockTime, ClassHeld, Computer, Decision, Reservation, Semaphore, User, Variable
from blockalloc.schema import Column, base_rows, tables
from blockalloc.store import site_clock
from scheduling.site_clock import Outcome, judge
from tests.support.sites.demo import load

Row = dict[str, Any]
Site = dict[str, list[Row]]

pytestmark = pytest.mark.usefixtures("demo_process")

NEW_YORK = ZoneInfo("America/New_York")
INT_BITS = {"tinyint": 8, "smallint": 16, "mediumint": 24, "int": 32}
MARGIN = timedelta(minutes=15)
FIRST = 101  # id of the image, the group and the block time that the documents name

MOMENTS = {
    "wednesday": datetime(2026, 3, 4, 12, 34, 56, tzinfo=NEW_YORK),
    "monday, while the class is on": datetime(2026, 3, 2, 10, 0, tzinfo=NEW_YORK),
    "monday, shortly before the class": datetime(2026, 3, 2, 8, 50, tzinfo=NEW_YORK),
    "friday night": datetime(2026, 3, 6, 23, 50, tzinfo=NEW_YORK),
    "sunday, an hour before summer time": datetime(2026, 3, 8, 1, 0, tzinfo=NEW_YORK),
    "sunday night": datetime(2026, 3, 8, 22, 30, tzinfo=NEW_YORK),
    "the last day of the year": datetime(2026, 12, 31, 15, 0, tzinfo=UTC),
}
MONDAY_CLASS = (9, 11)


@pytest.fixture(params=MOMENTS)
def now(request: pytest.FixtureRequest) -> datetime:
    return MOMENTS[request.param]


@pytest.fixture
def site(now: datetime) -> Site:
    return _built(now)


@functools.cache
def _built(now: datetime) -> Site:
    """Tests only read it."""
    return {**build(now)}


def test_is_the_same_every_time(now: datetime, site: Site) -> None:
    assert build(now) == site


def test_has_what_a_site_has(site: Site) -> None:
    assert len(site["computer"]) == 120
    assert len(site["managementnode"]) == 2
    assert len(site["image"]) == 12
    assert len(site["usergroup"]) == 5
    assert sum(row["usergroupid"] == FIRST for row in site["usergroupmembers"]) == 30
    assert 2000 < len(site["log"]) < 5000
    assert {2, 3, 5, 8, 10, 20} <= {row["stateid"] for row in site["computer"]}


def test_computers_that_cannot_be_used_have_notes_as_vcl_writes_them(site: Site) -> None:
    notes = {row["hostname"]: row["notes"] for row in site["computer"] if row["stateid"] in (5, 10)}
    assert len(notes) == 5
    for name, note in notes.items():
        assert re.fullmatch(r"admin 20\d\d-\d\d-\d\d \d\d:\d\d:\d\d@\w.+", str(note)), name
    assert all(row["notes"] is None for row in site["computer"] if row["stateid"] not in (5, 10))


# --- What the database would refuse -------------------------------------------------------------


def test_values_fit_their_columns(site: Site) -> None:
    for name, rows in site.items():
        columns = {column.name: column for column in tables()[name].columns}
        for row in rows:
            for column, value in row.items():
                assert fits(value, columns[column]), (name, column, value)


def test_columns_without_default_have_a_value(site: Site) -> None:
    for name, rows in site.items():
        needed = {c.name for c in tables()[name].columns if not c.null and c.default is None and not c.auto_increment}
        assert all(needed <= row.keys() for row in rows), name


def test_references_lead_somewhere(site: Site) -> None:
    for name, rows in site.items():
        for key in tables()[name].foreign_keys:
            there = {row[key.target] for row in [*site.get(key.table, []), *base_rows().get(key.table, [])]}
            named = {row[key.column] for row in rows if row.get(key.column) is not None}
            assert named <= there, (name, key)


def test_unique_values_are_unique(site: Site) -> None:
    for name, rows in site.items():
        for index in tables()[name].indexes:
            together = [*rows, *base_rows().get(name, [])]
            keys = [tuple(fold(row.get(column)) for column in index.columns) for row in together]
            complete = [key for key in keys if None not in key]
            assert not index.unique or len(set(complete)) == len(complete), (name, index)


# --- What VCL's rules would refuse --------------------------------------------------------------


def test_no_computer_is_promised_twice(site: Site) -> None:
    for computer, uses in uses_of_computers(site).items():
        for (start, end), (other_start, other_end) in combinations(uses, 2):
            assert start >= other_end + MARGIN or other_start >= end + MARGIN, computer


def test_a_reload_of_a_block_has_a_reservation_of_each_of_its_computers(site: Site) -> None:
    reserved = {(row["requestid"], row["computerid"], row["imageid"]) for row in site["reservation"]}
    block_computers = {
        (r["reloadrequestid"], r["computerid"], r["imageid"]) for r in site["blockComputers"] if r["reloadrequestid"]
    }
    users = {row["id"]: row["userid"] for row in site["request"]}
    assert block_computers == {key for key in reserved if users[key[0]] == 2}


def test_computers_have_the_power_for_what_they_hold_and_are_to_load(site: Site) -> None:
    computers, images = by_id(site, "computer"), by_id(site, "image")
    uses = [(row["id"], row["currentimageid"]) for row in site["computer"]]
    uses += [(row["computerid"], row["imageid"]) for row in [*site["reservation"], *site["blockComputers"]]]
    power = (
        ("RAM", "minram"),
        ("procnumber", "minprocnumber"),
        ("procspeed", "minprocspeed"),
        ("network", "minnetwork"),
    )
    for computer, image in uses:
        assert all(computers[computer][has] >= images[image][least] for has, least in power), (computer, image)


def test_memory_of_hosts_suffices_for_what_is_loaded_and_planned(site: Site) -> None:
    images, hosts = by_id(site, "image"), by_id(site, "vmhost")
    left = {host: by_id(site, "computer")[row["computerid"]]["RAM"] for host, row in hosts.items()}
    planned: dict[int, list[int]] = {}
    for row in [*site["reservation"], *site["blockComputers"]]:
        planned.setdefault(row["computerid"], []).append(images[row["imageid"]]["minram"])
    for computer in site["computer"]:
        if computer["vmhostid"]:
            loaded = images[computer["currentimageid"]]["minram"]
            left[computer["vmhostid"]] -= max([loaded, *planned.get(computer["id"], [])])
    assert all(memory > 0 for memory in left.values())


def test_a_block_has_no_more_computers_than_asked_for(site: Site) -> None:
    for time in site["blockTimes"]:
        request = by_id(site, "blockRequest")[time["blockRequestid"]]
        computers = [row for row in site["blockComputers"] if row["blockTimeid"] == time["id"]]
        main = [row for row in computers if row["imageid"] == request["imageid"]]
        assert len(main) <= request["numMachines"]
        assert time["processed"] == bool(computers)


def test_some_of_the_coming_classes_are_allocated_and_one_in_part(site: Site) -> None:
    allocated = {row["blockTimeid"] for row in site["blockComputers"]}
    assert len(allocated) == 3
    assert FIRST not in allocated


# --- The class that the documents name ----------------------------------------------------------


def test_the_first_block_time_is_cs101_next_monday(now: datetime, site: Site) -> None:
    monday = next_monday(now.replace(tzinfo=None))
    first = site["blockTimes"][0]
    request = by_id(site, "blockRequest")[first["blockRequestid"]]
    assert (first["id"], request["imageid"], request["groupid"], request["numMachines"]) == (FIRST, FIRST, FIRST, 20)
    assert [first["start"], first["end"]] == [monday.replace(hour=hour) for hour in MONDAY_CLASS]
    assert by_id(site, "image")[FIRST]["prettyname"] == "Ubuntu 22.04"
    assert (by_id(site, "usergroup")[FIRST]["name"], by_id(site, "usergroup")[FIRST]["affiliationid"]) == ("CS101", 1)


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("ignore_privileges", [True, False])
@pytest.mark.parametrize("moment", ["wednesday", "monday, while the class is on", "sunday night"])
def test_twenty_machines_can_be_had(moment: str, ignore_privileges: bool, settings: Any) -> None:
    settings.TIME_ZONE = "America/New_York"
    with time_machine.travel(MOMENTS[moment], tick=False):
        load()
        time = BlockTime.objects.get(id=FIRST)
        start, end = int(time.start.timestamp()), int(time.end.timestamp())
        call = BlockAllocationCall(FIRST, start, end, 20, FIRST, ignore_privileges, FIRST)
        assert allocate_block(call, system_caller("test")) == 20
    chosen = Computer.objects.filter(blockcomputer__blockTime_id=FIRST)
    loaded = chosen.filter(imagerevision__image_id=FIRST, imagerevision__production=1).count()
    # While the class of this week is on, twenty computers hold the image; else some do.
    assert loaded == 20 if "is on" in moment else loaded in range(1, 20)


# --- The command --------------------------------------------------------------------------------


@pytest.mark.django_db
def test_says_what_there_is_and_what_to_try() -> None:
    output = load()
    assert "computers                          120" in output
    assert "demo-pass" in output
    assert "XMLRPCblockAllocation(101, " in output
    user = get_user_model().objects.get(username="demo")
    assert user.is_superuser
    assert user.check_password("demo")


@pytest.mark.django_db
def test_has_decisions_to_look_at_and_somebody_of_the_labs_staff_to_sign_in(client: Client) -> None:
    output = load()
    made = Decision.objects.order_by("pk").values_list("action", "person")
    assert list(made) == [("allocate", "")] * 4 + [("release", "demo")]
    assert not Decision.objects.filter(block_time_id=FIRST).exists()  # the class to try
    name = re.search(r"account (\S+),", output)
    assert name is not None
    assert client.login(username=name[1], password="demo-pass")
    load("--again")
    assert Decision.objects.count() == 5
    assert client.login(username=name[1], password="demo-pass")


@pytest.mark.django_db
def test_refuses_to_replace_itself_without_an_option() -> None:
    load()
    with pytest.raises(CommandError, match="--again") as refused:
        load()
    assert refused.value.returncode == 2


@pytest.mark.django_db
def test_replaces_itself_with_all_that_was_booked() -> None:
    load()
    claim = Semaphore(computer_id=FIRST, image_id=FIRST, imagerevision_id=FIRST, managementnode_id=FIRST, procid="x")
    claim.expires = datetime(2026, 1, 1, tzinfo=UTC)
    claim.save(force_insert=True)
    Reservation.objects.update(image_id=FIRST)
    load("--again")
    assert not Semaphore.objects.filter(procid="x").exists()
    assert Reservation.objects.exclude(image_id=FIRST).exists()
    assert Computer.objects.count() == 120


@pytest.mark.django_db
@pytest.mark.parametrize("options", [(), ("--again",), ("--if-needed",)])
def test_refuses_a_database_with_other_rows(options: tuple[str, ...]) -> None:
    User.objects.create(unityid="someone", firstname="Some", lastname="One", email="")
    with pytest.raises(CommandError, match=r"rows that are not the demo's \(1 row of user\): nothing") as refused:
        load(*options)
    assert refused.value.returncode == 2
    assert not Variable.objects.filter(name=MARK).exists()


@pytest.mark.django_db
@pytest.mark.parametrize("moment", ["wednesday", "monday, shortly before the class"])
def test_is_in_order(moment: str) -> None:
    """But for a class that has half of its machines, so that there is something to see."""
    now = MOMENTS[moment]
    with time_machine.travel(now, tick=False):
        load()
        assert {finding.kind for finding in inspect(int(now.timestamp()))} <= {"short_class"}


@pytest.mark.django_db
def test_its_clock_is_not_in_doubt_at_any_time_of_the_days_after() -> None:
    """Nothing happens on it any more, as on a site whose time zone is wrong: its rows count for no evidence."""
    loaded = MOMENTS["wednesday"]
    with time_machine.travel(loaded, tick=False) as traveller:
        load()
        mark = read_mark()
        assert mark is not None
        suspected = 0
        for hours in range(1, 26):
            now = loaded + timedelta(hours=hours, minutes=-2, seconds=20)  # its newest row is two minutes older than it
            traveller.move_to(now)
            check_in_management_nodes(now, mark)
            at = int(now.timestamp())
            suspected += judge(site_clock.read(at), partial(site_clock.silent_days, at)).outcome is Outcome.WRONG
            assert examine().problems == []
    assert suspected


@pytest.mark.django_db
def test_refuses_to_remove_what_others_added_to_the_demo() -> None:
    load()
    User.objects.create(unityid="someone", firstname="Some", lastname="One", email="")
    with pytest.raises(CommandError, match="1 row of user"):
        load("--again")
    assert User.objects.filter(unityid="someone").exists()
    assert Computer.objects.count() == 120


@pytest.mark.django_db
def test_if_needed_loads_once_and_again_when_the_class_to_try_is_near() -> None:
    with time_machine.travel(MOMENTS["wednesday"], tick=False) as traveller:
        assert "is loaded." in load("--if-needed")
        for moment in (datetime(2026, 3, 6, 12, 30, tzinfo=UTC), datetime(2026, 3, 9, 6, 59, tzinfo=UTC)):
            traveller.move_to(moment)
            assert "current" in load("--if-needed")
        traveller.move_to(datetime(2026, 3, 9, 7, 0, tzinfo=UTC))
        assert "out of date" in load("--if-needed")
        assert BlockTime.objects.get(id=FIRST).start.date() == date(2026, 3, 16)


@pytest.mark.django_db
def test_references_hold_in_the_database() -> None:
    load()
    connection.check_constraints()


# --- Helpers ------------------------------------------------------------------------------------


def by_id(site: Site, table: str) -> dict[int, Row]:
    return {row["id"]: row for row in site[table]}


def fold(value: object) -> object:
    """As the database compares texts."""
    return value.lower() if isinstance(value, str) else value


def fits(value: object, column: Column) -> bool:
    if value is None:
        return column.null
    if column.kind in INT_BITS:
        return isinstance(value, int) and 0 <= value < 2 ** INT_BITS[column.kind]
    if column.kind in ("date", "datetime", "timestamp"):
        return type(value) is (date if column.kind == "date" else datetime)
    width = int(column.type.split("(")[1].rstrip(")")) if column.kind == "varchar" else 60000
    text = isinstance(value, str) and len(value.encode("latin-1")) <= width
    return text and (value in column.words or column.kind != "enum")


def uses_of_computers(site: Site) -> dict[int, list[tuple[datetime, datetime]]]:
    """From when to when each computer is in use, by users and by classes with the reloads before them."""
    requests, times = by_id(site, "request"), by_id(site, "blockTimes")
    uses: dict[int, list[tuple[datetime, datetime]]] = {}
    for computer, start, end in _uses(site, requests, times):
        assert start < end
        uses.setdefault(computer, []).append((start, end))
    return uses


def _uses(site: Site, requests: dict[int, Row], times: dict[int, Row]) -> Iterator[tuple[int, datetime, datetime]]:
    for row in site["reservation"]:
        request = requests[row["requestid"]]
        if request["userid"] != 2:
            yield row["computerid"], request["start"], request["end"]
    for row in site["blockComputers"]:
        time = times[row["blockTimeid"]]
        reload = requests.get(row["reloadrequestid"])
        yield row["computerid"], reload["start"] if reload else time["start"], time["end"]


# --- What came of past classes --------------------------------------------------------------------
def test_past_classes_are_over_and_belong_to_the_site(now: datetime, site: Site) -> None:
    local = now.astimezone(NEW_YORK).replace(tzinfo=None)
    rows = closing_rows(site, next_monday(local), local)
    assert 350 < len(rows) < 450
    assert [vars(row) | {"_state": None} for row in closing_rows(site, next_monday(local), local)] == [
        vars(row) | {"_state": None} for row in rows
    ]
    requests = {row["id"]: row for row in site["blockRequest"]}
    assert not {row.pk for row in rows} & {row["id"] for row in site["blockTimes"]}
    for row in rows:
        assert row.end <= now
        assert (row.block_name, row.image_id) == (
            requests[row.block_request_id]["name"],
            requests[row.block_request_id]["imageid"],
        )
        assert 0 <= (row.ready_at_start or 0) <= row.had <= row.wanted
        assert (row.used_in_the_mean or 0) <= (row.used_at_peak or 0)


@pytest.mark.django_db
def test_the_semester_report_has_something_to_show(client: Client) -> None:
    now = MOMENTS["wednesday"]
    with time_machine.travel(now, tick=False):
        load()
        load("--again")  # nothing is there twice
    number = ClassHeld.objects.count()
    client.force_login(get_user_model().objects.create_superuser("root"))
    with time_machine.travel(now, tick=False):
        page = client.get("/admin/semester/?from=2025-01-01").content.decode()
        week = client.get("/admin/week/").content.decode()
    assert f"{number} classes held" in page
    assert "CS101 programming lab" in page
    assert "machines ready at the start" in week
