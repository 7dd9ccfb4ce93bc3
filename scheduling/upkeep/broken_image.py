"""When an image fails to load so often that nothing more of it is to be loaded (SPEC 9.7).

An example: a class of 20, whose threshold is 7. Once one load has failed and none has succeeded since, the loads at
work count as if they had failed: with five of them at work, six computers may be lost. One more may begin, and then
none until a load succeeds. When seven have failed the image is stopped.
"""

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import NamedTuple

from scheduling.reasons import BlockTimeId, Reason
from scheduling.upkeep.seen_loads import AT_WORK, FAILED, LOADED, Outcome

FEWEST_FAILURES = 3
_SHARE = 3  # a third of the machines that the block time is to have


class LoadRecord(NamedTuple):
    """A load that was seen. `over`: when it was seen to be over (Unix seconds), None while it is at work."""

    image_id: int
    revision_id: int
    block_time_id: int | None
    outcome: Outcome
    over: int | None = None


class ImageStop(NamedTuple):
    """An image of which no load may begin now.

    `failures`: loads of the revision that have failed for the block time since one succeeded. `stopped`: until staff
    say otherwise; else it is on probation: as many loads have failed or are at work as may fail (`threshold`), and the
    next may begin once one of them has succeeded.
    """

    image_id: int
    revision_id: int
    block_time_id: int
    failures: int
    threshold: int
    stopped: bool


def threshold(machines: int) -> int:
    """How many loads of a revision have to fail for a block time of so many machines until its image is stopped."""
    return max(FEWEST_FAILURES, -(-machines // _SHARE))


def image_stops(records: Sequence[LoadRecord], targets: Mapping[int, int]) -> dict[int, ImageStop]:
    """Image -> why no load of it may begin; `targets`: block time -> its machines (not there: the least threshold).

    A load that succeeded, for whatever block time, speaks for its revision: failures that were seen before or in the
    same look no longer count.
    """
    succeeded: dict[int, int] = {}
    for each in records:
        if each.outcome == LOADED and each.over is not None:
            succeeded[each.revision_id] = max(each.over, succeeded.get(each.revision_id, each.over))
    stops: dict[int, ImageStop] = {}
    for (image, revision, block_time), loads in _by_block_time(records).items():
        failures = _failures(loads, succeeded.get(revision))
        at_work = sum(each.outcome == AT_WORK for each in loads)
        limit = threshold(targets.get(block_time, 0))
        if failures and failures + at_work >= limit:
            stop = ImageStop(image, revision, block_time, failures, limit, stopped=failures >= limit)
            stops[image] = max(stop, stops.get(image, stop), key=_severity)
    return stops


def why_stopped(stop: ImageStop, image: str, revision: int) -> Reason:
    """Why nothing more of an image is loaded; its name, and the number of the revision as staff know it."""
    failed = "{} load{} of {} (revision {}) {} failed for block time {} and none has succeeded since: "
    then = (
        "nothing more of it is loaded until somebody says “Put right now”"
        if stop.stopped
        else "loads at work count as failed, and no further one begins until one of them succeeds"
    )
    one = stop.failures == 1
    words = (stop.failures, "" if one else "s", image, revision, "has" if one else "have")
    return Reason("broken_image", failed + then, (*words, BlockTimeId(stop.block_time_id)))


def _by_block_time(records: Iterable[LoadRecord]) -> Mapping[tuple[int, int, int], Sequence[LoadRecord]]:
    """(image, revision, block time) -> its loads."""
    loads: dict[tuple[int, int, int], list[LoadRecord]] = defaultdict(list)
    for each in records:
        if each.block_time_id is not None:
            loads[each.image_id, each.revision_id, each.block_time_id].append(each)
    return loads


def _failures(loads: Collection[LoadRecord], succeeded: int | None) -> int:
    return sum(each.outcome == FAILED and (succeeded is None or (each.over or 0) > succeeded) for each in loads)


def _severity(stop: ImageStop) -> tuple[bool, int, int]:
    return stop.stopped, stop.failures, -stop.block_time_id
