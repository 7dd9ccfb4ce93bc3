"""What a call does, or would do, about each computer of a block time that changes, in words."""

from collections.abc import Iterator
from datetime import datetime
from typing import NamedTuple

from blockalloc.allocation.result import Result
from scheduling.plan import Assignment, Machine


class Proposal(NamedTuple):
    """What is to be done about a computer that the block time has, or would get, and why.

    `begins`: when the load begins that this names (Unix seconds), 0 where it names none.
    """

    computer_id: int
    hostname: str
    action: str
    why: str
    begins: int = 0


def proposals(result: Result) -> list[Proposal]:
    """What the result does about computers that the block time has; then the computers that it takes."""
    return [*_given_up(result), *_again(result), *_taken(result)]


def changes(result: Result) -> list[Proposal]:
    """Those about computers that the block time has: what is taken is in the findings."""
    return [*_given_up(result), *_again(result)]


def _given_up(result: Result) -> Iterator[Proposal]:
    mending, zone = result.order.mending, result.site.zone
    for id_, each in mending.given_up.items() if mending else ():
        if id_ in result.given_up:
            action = "load by another management node" if id_ in result.computers_taken else "give up"
        else:
            action = "keep: no other computer could be allocated"
        yield Proposal(id_, each.hostname, action, each.why.describe(zone))


def _again(result: Result) -> Iterator[Proposal]:
    why, zone = result.reasons_of_again, result.site.zone
    for machine in result.again:
        for each in machine.assignments:
            load, begins = _load(machine, each, result)
            because = why[each.computer.id].describe(zone)
            yield Proposal(each.computer.id, each.computer.hostname, f"load again, {load}", because, begins)
    for id_, reason in result.plan.not_loaded.items():
        hostname = result.site.computers[id_].hostname
        yield Proposal(id_, hostname, "nothing: it cannot be loaded again", reason.describe(zone))


def _taken(result: Result) -> Iterator[Proposal]:
    returned = result.given_up
    for machine in result.machines:
        for each in machine.assignments:
            if each.computer.id not in returned:
                yield Proposal(each.computer.id, each.computer.hostname, "take", *_load(machine, each, result))


def _load(machine: Machine, each: Assignment, result: Result) -> tuple[str, int]:
    """The load of a computer in words, and when it begins (Unix seconds)."""
    if each.already_loaded:
        return "it has the image already", 0
    begins = max(machine.reload.start, result.site.now)
    return f"its load begins at {datetime.fromtimestamp(begins, result.site.zone):%H:%M}", begins
