"""The past: the log of reservations, classes that are over, decision records. Tables that grow for years."""

from collections.abc import Iterator
from datetime import timedelta

from bench.calls.database import Value
from bench.calls.site import IMAGES, MEMBERS, NODES, Draft, Table, id_of, revision_of

_FIRST_PAST = 1_000_000  # ids of block times that are over, and of their requests
_MONTHS_OF_LOG = timedelta(days=425)  # 14
_DAYS_OF_DECISIONS = 700  # what is older than two years is pruned
_COMPUTERS_OF_A_TIME = 10
_TIMES_OF_A_REQUEST = 20


def tables(draft: Draft) -> Iterator[Table]:
    """The rows of the past."""
    yield Table(
        "log",
        "id userid nowfuture start loaded initialend finalend wasavailable ending computerid imageid",
        _log(draft),
    )
    yield Table("sublog", "id logid imageid imagerevisionid computerid managementnodeid", _sublog(draft))
    yield from _classes(draft)
    yield from _decisions(draft)


def _log(draft: Draft) -> Iterator[tuple[Value, ...]]:
    """One reservation in fifty is of the wanted image; one load in ten does not count."""
    random, image = draft.random.random, draft.image
    users, computers = draft.sizes.users - MEMBERS, draft.sizes.computers
    begin, step = draft.now - _MONTHS_OF_LOG, _MONTHS_OF_LOG / max(draft.sizes.log, 1)
    for n in range(draft.sizes.log):
        start = (begin + step * n).replace(microsecond=0)
        failed = random() < 0.05
        loaded = None if failed else str(start + timedelta(seconds=int(300 + 400 * random())))
        end = str(start + timedelta(hours=2))
        yield (
            id_of(n), id_of(MEMBERS + int(random() * users)), "future" if random() < 0.1 else "now", str(start), loaded,
            end, end, int(not failed), "failed" if failed else "released", 1 + int(random() * computers),
            image if n % 50 == 0 else id_of(int(random() * (IMAGES - 1))),
        )  # fmt: skip


def _sublog(draft: Draft) -> Iterator[tuple[Value, ...]]:
    """A row each. They need not agree with the log: nothing that is measured reads more than the log's newest."""
    random = draft.random.random
    computers = draft.sizes.computers
    for n in range(draft.sizes.log):
        image = id_of(int(random() * IMAGES))
        yield (id_of(n), id_of(n), image, revision_of(image), 1 + int(random() * computers), id_of(n % NODES))


def _classes(draft: Draft) -> Iterator[Table]:
    """Block times of the last three years, the latest of them yesterday."""
    times = range(draft.sizes.past_times)
    step = timedelta(days=1095) / max(len(times), 1)
    starts = [(draft.midnight - timedelta(days=1) - step * n).replace(microsecond=0) for n in times]
    random = draft.random.random
    over = str(draft.midnight)
    yield Table(
        "blockRequest",
        "id name imageid numMachines groupid repeating ownerid managementnodeid expireTime processing status",
        [
            (_FIRST_PAST + n, f"past class {n}", id_of(n % IMAGES), _COMPUTERS_OF_A_TIME, id_of(n % 200), "weekly", 1,
             id_of(0), over, 0, "completed")
            for n in times[::_TIMES_OF_A_REQUEST]
        ],
    )  # fmt: skip
    yield Table(
        "blockTimes",
        "id blockRequestid start end processed skip",
        (
            (
                _FIRST_PAST + n,
                _FIRST_PAST + n - n % _TIMES_OF_A_REQUEST,
                str(start),
                str(start + timedelta(hours=2)),
                1,
                0,
            )
            for n, start in enumerate(starts)
        ),
    )
    number = min(_COMPUTERS_OF_A_TIME, draft.sizes.computers)
    yield Table(
        "blockComputers",
        "blockTimeid computerid imageid reloadrequestid",
        (
            (_FIRST_PAST + n, 1 + (first + k) % draft.sizes.computers, id_of(n % IMAGES), 0)
            for n in times
            for first in [int(random() * draft.sizes.computers)]
            for k in range(number)
        ),
    )


def _decisions(draft: Draft) -> Iterator[Table]:
    """Records of calls, each with a kilobyte of findings."""
    number, findings = draft.sizes.decisions, "findings" * 128
    step = timedelta(days=_DAYS_OF_DECISIONS) / max(number, 1)
    columns = (
        "id started action door caller person address parameters outcome text block_time_id block_request_id "
        "block_name user_group owner image_id image_name wanted had allocated duration retries waits version findings"
    )
    yield Table(
        "blockalloc_decision",
        columns,
        (
            (n + 1, str((draft.now - step * (number - n)).replace(microsecond=0)), "allocate",
             "XMLRPCblockAllocation", "vclsystem@Local", "", "10.9.0.1", "{}", "success", "", _FIRST_PAST + n,
             _FIRST_PAST + n, f"past class {n}",
             f"group {n % 200:03}@Local", "admin@Local", id_of(n % IMAGES), f"Image for course {n % IMAGES:03}", 10, 0,
             10, 300, 0, 0, "bench", findings)
            for n in range(number)
        ),
    )  # fmt: skip
