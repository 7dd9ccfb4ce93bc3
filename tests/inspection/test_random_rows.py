"""The inspection on random rows: it agrees with a slow, obvious search, and allocations are always in order."""

import datetime
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

import pytest
from django.db import transaction
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from blockalloc.allocation import service
from blockalloc.inspection import TAKEN_TWICE, Finding, repair
from tests.golden import tables
from tests.support.properties import examples
from tests.support.sites.class_site import CALLER, GROUP, IMAGE, ZONE, a_call, class_site
from tests.support.sites.disorder import (
    ADMIN,
    MEMBER,
    OTHER_MEMBER,
    RELOAD,
    RELOAD_USER,
    C,
    add_block_computer,
    block_time,
    change,
    findings_at,
    now,
    planned,
    reload,
    request,
)

pytestmark = pytest.mark.django_db(transaction=True)

PROFILE = settings(
    max_examples=examples(ci=35, long=3000),
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture],
)
OTHERS = 77
GROUP_OF, USERS_OF = {10: GROUP, 11: GROUP, 12: OTHERS}, {GROUP: {MEMBER, OTHER_MEMBER}, OTHERS: {ADMIN}}
BOOKINGS = (*TAKEN_TWICE, "reload_overlap")
BLOCKS, COMPUTERS = (10, 11, 12), (C, C + 1, C + 2)
STATES = [(8, 13), (13, 13), (14, 13), (14, 19), (19, 19), (5, 13), (12, 8), (1, 8), (21, 21)]
FIRST, LAST = 6, 20  # hours of the day in which everything happens


@pytest.fixture(autouse=True)
def site() -> Iterator[None]:
    """Three computers and three block times of two machines, the third of a class of its own; it is 8:00.

    The image loads in five minutes: with the margin of ten that makes a quarter of an hour.
    """
    with class_site(computers=3, machines=2, blocks=3):
        change("image", id=IMAGE, reloadtime=5)
        tables.insert("usergroup", [{"id": OTHERS, "name": "others", "affiliationid": 1, "ownerid": 1}], ZONE)
        tables.insert("usergroupmembers", [{"usergroupid": OTHERS, "userid": ADMIN}], ZONE)
        change("blockRequest", id=12, groupid=OTHERS)
        yield


def clock(quarter: int) -> str:
    """The time of a quarter of an hour, counted from midnight."""
    return f"{quarter // 4:02}:{quarter % 4 * 15:02}"


spans = st.tuples(st.integers(4 * FIRST, 4 * LAST - 1), st.integers(1, 16)).map(
    lambda drawn: (drawn[0], min(drawn[0] + drawn[1], 4 * LAST))
)


@dataclass(frozen=True)
class Row:
    """A reservation to be made; `image` 1 is not the class's."""

    span: tuple[int, int]
    computer: int
    state: tuple[int, int]
    user: int
    image: int
    asked: str


reservations = st.lists(
    st.builds(
        Row,
        spans,
        st.sampled_from(COMPUTERS),
        st.sampled_from(STATES),
        st.sampled_from([ADMIN, MEMBER, OTHER_MEMBER, RELOAD_USER]),
        st.sampled_from([10, 10, 1]),
        st.sampled_from(["06:00", "06:30"]),  # at the second, the block computers are written
    ),
    max_size=6,
)
# A computer of a block: how many quarters before it its reload begins; None: it has none.
holds = st.lists(
    st.tuples(st.sampled_from(BLOCKS), st.sampled_from(COMPUTERS), st.sampled_from([1, 2, 5, None])),
    max_size=6,
    unique_by=lambda drawn: drawn[:2],
)


def write(times: list[tuple[int, int]], rows: list[Row]) -> None:
    """Move the block times, make the reservations."""
    for id_, (start, end) in zip(BLOCKS, times, strict=True):
        block_time(id_, clock(start), clock(end))
    for row in rows:
        first, last = map(clock, row.span)
        request(first, last, row.computer, state=row.state, user=row.user, image=row.image, asked=row.asked)


def before(start: str) -> str:
    """A quarter of an hour earlier."""
    moment = datetime.datetime.fromisoformat(start) - datetime.timedelta(minutes=15)
    return moment.strftime("%Y-%m-%d %H:%M:%S")


def quarters(start: str, end: str) -> set[str]:
    """All quarters of an hour of a time, as the columns name their beginnings."""
    return {moment for quarter in range(4 * 24) if start <= (moment := f"2026-03-02 {clock(quarter)}:00") < end}


def expected() -> set[tuple[str, ...]]:
    """(kind, computer, booking, booking), from the rows alone, by each quarter of an hour of each computer."""
    rows = tables.read()
    requests = {row["id"]: row for row in rows["request"]}
    times = {row["id"]: row for row in rows["blockTimes"]}
    at = "2026-03-02 08:00:00"
    use: dict[tuple[int, str], set[tuple[str, int, str]]] = defaultdict(set)  # (computer, quarter) -> its uses
    for row in rows["blockComputers"]:
        time, own = times[row["blockTimeid"]], requests.get(row["reloadrequestid"])
        if time["end"] > at:
            for quarter in quarters(time["start"], time["end"]):
                use[row["computerid"], quarter].add(("block", time["id"], "class"))
            for quarter in quarters(own["start"] if own else before(time["start"]), time["start"]):
                use[row["computerid"], quarter].add(("block", time["id"], "reload"))
    for row in rows["reservation"]:
        asked = requests[row["requestid"]]
        states = (asked["stateid"], asked["laststateid"])
        if asked["end"] > at and states[0] not in (5, 12, 19) and states != (14, 19):
            for quarter in quarters(asked["start"], asked["end"]):
                use[row["computerid"], quarter].add(("request", asked["id"], ""))
    return set(_conflicts(use, rows))


def _conflicts(
    use: dict[tuple[int, str], set[tuple[str, int, str]]], rows: dict[str, list[tables.Row]]
) -> Iterator[tuple[str, ...]]:
    in_class: set[tuple[int, int, int]] = set()
    overlapping: set[tuple[int, int, int]] = set()
    for (computer, _), there in use.items():
        blocks = sorted({id_ for kind, id_, _ in there if kind == "block"})
        for place, block in enumerate(blocks):
            yield from (("double_booking", str(computer), f"{block}", f"{other}") for other in blocks[place + 1 :])
        for kind, block, part in there:
            for other_kind, id_, _ in there:
                if (kind, other_kind) == ("block", "request"):
                    (in_class if part == "class" else overlapping).add((computer, block, id_))
    for computer, block, id_ in in_class:
        asked = next(row for row in rows["request"] if row["id"] == id_)
        image = next(row["imageid"] for row in rows["reservation"] if row["requestid"] == id_)
        if asked["userid"] not in USERS_OF[GROUP_OF[block]] or image != IMAGE:
            yield (_kind(rows, block, computer, asked), str(computer), str(block), f"request {id_}")
    for computer, block, id_ in overlapping - in_class:
        yield ("reload_overlap", str(computer), str(block), f"request {id_}")


def _kind(
    rows: dict[str, list[tables.Row]],
    block: int,
    computer: int,
    asked: tables.Row,
) -> str:  # fmt: skip
    """The most specific kind of a user's reservation during a class."""
    own = next(r for r in rows["blockComputers"] if (r["blockTimeid"], r["computerid"]) == (block, computer))
    made = [row["daterequested"] for row in rows["request"] if row["id"] == own["reloadrequestid"]]
    if asked["daterequested"] in made:
        return "taken_meanwhile"
    times = {row["id"]: quarters(row["start"], row["end"]) for row in rows["blockTimes"]}
    span = quarters(asked["start"], asked["end"])
    for id_, of_class in times.items():
        theirs = asked["userid"] in USERS_OF[GROUP_OF[id_]] and asked["userid"] not in USERS_OF[GROUP_OF[block]]
        is_over = next(row["end"] for row in rows["blockTimes"] if row["id"] == id_) <= "2026-03-02 08:00:00"
        if theirs and not is_over and of_class & times[block] and of_class & span:
            return "taken_by_other_class"
    return "double_booking"


def in_short(finding: Finding) -> tuple[str, ...]:
    """A finding in the form of `expected`."""
    subject = finding.subject
    if "request" in subject:
        return finding.kind, str(subject["computer"]), str(subject["block_time"]), f"request {subject['request']}"
    blocks = sorted((subject["block_time"], subject["other_block_time"]))
    return finding.kind, str(subject["computer"]), *map(str, blocks)


@PROFILE
@given(st.lists(spans, min_size=3, max_size=3), reservations, holds)
def test_double_bookings_are_those_of_a_slow_search(
    times: list[tuple[int, int]], rows: list[Row], own: list[tuple[int, int, int | None]]
) -> None:
    with transaction.atomic():
        write(times, rows)
        for block, computer, before in own:
            start = times[block - 10][0]
            add_block_computer(
                block, computer, 0 if before is None else reload(clock(start - before), clock(start), computer)
            )
        wanted = expected()
        findings = [finding for finding in findings_at() if finding.kind in BOOKINGS]
        assert sorted(map(in_short, findings)) == sorted(wanted)
        transaction.set_rollback(True)


@PROFILE
@given(
    st.lists(spans.filter(lambda span: span[0] > 32), min_size=3, max_size=3),
    reservations,
    st.lists(st.tuples(st.sampled_from(BLOCKS), st.integers(1, 2)), min_size=2, max_size=6),
)
def test_allocations_are_in_order(times: list[tuple[int, int]], rows: list[Row], calls: list[tuple[int, int]]) -> None:
    with transaction.atomic():
        write(times, rows)
        was = findings_at()
        for block, machines in calls:
            start, end = (now(clock(quarter)) for quarter in times[block - 10])
            call = replace(a_call(machines, block_time=block), start=start, end=end)
            service.allocate_block(call, CALLER)
        assert findings_at() == was
        transaction.set_rollback(True)


@dataclass(frozen=True)
class Load:
    """A reload request: of how many computers, its start in minutes from now, and the rows that name it."""

    computers: tuple[int, ...]
    minutes: int
    preload: int
    state: tuple[int, int]
    asked: str
    block: int
    rows: tuple[bool, ...]  # which of its computers the block has by it
    records: tuple[bool, ...]  # and which are on our record


two_flags = st.tuples(st.booleans(), st.booleans())
loads = st.lists(
    st.builds(
        Load,
        st.sampled_from([(), (C,), (C + 1,), (C, C + 1), (C + 1, C + 2)]),
        st.sampled_from([-40, -5, 0, 1, 2, 30, 36, 37, 300]),
        st.integers(0, 1),
        st.sampled_from([(RELOAD, RELOAD), (RELOAD, RELOAD), (RELOAD, RELOAD), (14, RELOAD), (12, RELOAD)]),
        st.sampled_from(["06:30", "07:55"]),
        st.sampled_from(BLOCKS),
        two_flags,
        two_flags,
    ),
    max_size=5,
)
flags: st.SearchStrategy[dict[str, Any]] = st.builds(
    dict, skip=st.integers(0, 1), status=st.sampled_from(["accepted", "accepted", "deleted"]), processing=st.booleans()
)


def make(times: list[tuple[int, int]], of_blocks: list[dict[str, Any]], made: list[Load]) -> None:
    """Write all of it; a computer is in a block time once."""
    write(times, [])
    for block, of_block in zip(BLOCKS, of_blocks, strict=True):
        change("blockTimes", id=block, skip=of_block["skip"])
        change("blockRequest", id=block, status=of_block["status"], processing=int(of_block["processing"]))
    taken = set()
    for load in made:
        start = datetime.datetime(2026, 3, 2, 8, 0) + datetime.timedelta(minutes=load.minutes)
        span = (str(start), str(start + datetime.timedelta(minutes=15)))
        id_ = reload(*span, *load.computers, state=load.state, preload=load.preload, asked=load.asked)
        for computer, has_row, has_record in zip(load.computers, load.rows, load.records, strict=False):
            if has_row and (load.block, computer) not in taken:
                taken.add((load.block, computer))
                add_block_computer(load.block, computer, id_)
            if has_record:
                planned(load.block, computer, id_)


def named(findings: list[Finding]) -> dict[str, set[int]]:
    """The rows that repairs of these findings may change, by table and id."""
    rows: dict[str, set[int]] = defaultdict(set)
    for finding in findings:
        subject = finding.subject
        if finding.kind == "ended_block_time":
            rows["blockTimes"].add(subject["block_time"])
            rows["blockRequest"].add(subject["block_time"])  # their ids are the same here
        elif finding.kind == "stuck_processing":
            rows["blockRequest"].add(subject["block_request"])
        else:
            rows["request"].add(subject["request"])
    return rows


def changed(was: dict[str, list[tables.Row]], is_: dict[str, list[tables.Row]]) -> Iterator[tuple[str, tables.Row]]:
    """The rows that were deleted or changed."""
    for table, rows in was.items():
        yield from ((table, row) for row in rows if row not in is_[table])


@PROFILE
@given(st.lists(spans, min_size=3, max_size=3), st.lists(flags, min_size=3, max_size=3), loads)
def test_repairs_leave_nothing_repairable_and_touch_nothing_else(
    times: list[tuple[int, int]], of_blocks: list[dict[str, Any]], made: list[Load]
) -> None:
    """What a repair uncovers is repaired in a further round: a cleared class leaves its reloads without one."""
    with transaction.atomic():
        make(times, of_blocks, made)
        was, repaired = tables.read(leave_out=()), []
        for _ in range(3):
            findings = [finding for finding in findings_at() if finding.repairable]
            for finding in findings:
                repair(
                    finding
                )  # may do nothing when an earlier repair has settled it: a completed request is not stuck
            repaired += findings
        assert not [finding for finding in findings_at() if finding.repairable]
        may = named(repaired)
        for table, row in changed(was, tables.read(leave_out=())):
            key = {"reservation": ("request", "requestid"), "blockComputers": ("blockTimes", "blockTimeid")}
            of, column = key.get(table, (table, "id"))
            assert row[column] in may[of], (table, row)
        transaction.set_rollback(True)
