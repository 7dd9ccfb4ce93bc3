"""The inspection on random rows: it agrees with a slow, obvious finder, and what we allocate is always in order."""

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, replace

import pytest
from django.db import transaction
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from blockalloc import service
from blockalloc.inspection import Finding
from tests.class_site import CALLER, a_call, class_site
from tests.disorder import ADMIN, MEMBER, OTHER_MEMBER, RELOAD_USER, C, block_time, found, hold, now, reload, request
from tests.golden import tables
from tests.properties import examples

pytestmark = pytest.mark.django_db(transaction=True)

PROFILE = settings(
    max_examples=examples(ci=60, long=3000),
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture],
)
BLOCKS, COMPUTERS = (10, 11, 12), (C, C + 1, C + 2)
STATES = [(8, 13), (13, 13), (14, 13), (14, 19), (19, 19), (5, 13), (12, 8), (1, 8), (21, 21)]
FIRST, LAST = 6, 20  # hours of the day in which everything happens


@pytest.fixture(autouse=True)
def site() -> Iterator[None]:
    """Three computers and three block times of two machines; it is 8:00."""
    with class_site(computers=3, machines=2, blocks=3):
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


reservations = st.lists(
    st.builds(
        Row,
        spans,
        st.sampled_from(COMPUTERS),
        st.sampled_from(STATES),
        st.sampled_from([ADMIN, MEMBER, OTHER_MEMBER, RELOAD_USER]),
        st.sampled_from([10, 10, 1]),
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
        request(*map(clock, row.span), row.computer, state=row.state, user=row.user, image=row.image)


def quarters(start: str, end: str) -> set[str]:
    """All quarters of an hour of a time, as the columns name their beginnings."""
    return {moment for quarter in range(4 * 24) if start <= (moment := f"2026-03-02 {clock(quarter)}:00") < end}


def expected() -> set[tuple[str, ...]]:
    """(kind, computer, who, who) by looking at each quarter of an hour of each computer, from the rows alone."""
    rows = tables.read()
    requests = {row["id"]: row for row in rows["request"]}
    times = {row["id"]: row for row in rows["blockTimes"]}
    at = "2026-03-02 08:00:00"
    use: dict[tuple[int, str], set[tuple[str, int, str]]] = defaultdict(set)  # (computer, quarter) -> what is then
    for row in rows["blockComputers"]:
        time, own = times[row["blockTimeid"]], requests.get(row["reloadrequestid"])
        if time["end"] > at:
            for quarter in quarters(time["start"], time["end"]):
                use[row["computerid"], quarter].add(("block", time["id"], "class"))
            for quarter in quarters(own["start"] if own else time["start"], time["start"]):
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
    in_class = set()
    overlapping = set()
    for (computer, _), there in use.items():
        blocks = sorted({id_ for kind, id_, _ in there if kind == "block"})
        for place, block in enumerate(blocks):
            yield from (("double_booking", str(computer), f"{block}", f"{other}") for other in blocks[place + 1 :])
        for kind, block, part in there:
            for other_kind, id_, _ in there:
                if (kind, other_kind) == ("block", "request"):
                    (in_class if part == "class" else overlapping).add((computer, block, id_))
    for computer, block, id_ in in_class:
        user = next(row["userid"] for row in rows["request"] if row["id"] == id_)
        image = next(row["imageid"] for row in rows["reservation"] if row["requestid"] == id_)
        if (user, image) not in ((MEMBER, 10), (OTHER_MEMBER, 10)):
            yield ("double_booking", str(computer), str(block), f"request {id_}")
    for computer, block, id_ in overlapping - in_class:
        yield ("reload_overlap", str(computer), str(block), f"request {id_}")


def in_short(finding: Finding) -> tuple[str, ...]:
    """A finding as the slow finder tells it."""
    subject = finding.subject
    if "request" in subject:
        return finding.kind, str(subject["computer"]), str(subject["block_time"]), f"request {subject['request']}"
    blocks = sorted((subject["block_time"], subject["other_block_time"]))
    return finding.kind, str(subject["computer"]), *map(str, blocks)


@PROFILE
@given(st.lists(spans, min_size=3, max_size=3), reservations, holds)
def test_double_bookings_are_those_of_a_slow_finder(
    times: list[tuple[int, int]], rows: list[Row], held: list[tuple[int, int, int | None]]
) -> None:
    with transaction.atomic():
        write(times, rows)
        for block, computer, before in held:
            start = times[block - 10][0]
            hold(block, computer, 0 if before is None else reload(clock(start - before), clock(start), computer))
        wanted = expected()
        findings = [finding for finding in found() if finding.kind in ("double_booking", "reload_overlap")]
        assert sorted(map(in_short, findings)) == sorted(wanted)
        transaction.set_rollback(True)


@PROFILE
@given(
    st.lists(spans.filter(lambda span: span[0] > 32), min_size=3, max_size=3),
    reservations,
    st.lists(st.tuples(st.sampled_from(BLOCKS), st.integers(1, 2)), min_size=2, max_size=6),
)
def test_what_we_allocate_is_in_order(
    times: list[tuple[int, int]], rows: list[Row], calls: list[tuple[int, int]]
) -> None:
    with transaction.atomic():
        write(times, rows)
        before = found()
        for block, machines in calls:
            start, end = (now(clock(quarter)) for quarter in times[block - 10])
            call = replace(a_call(machines, block_time=block), start=start, end=end)
            service.allocate_block(call, CALLER)
        assert found() == before
        transaction.set_rollback(True)
