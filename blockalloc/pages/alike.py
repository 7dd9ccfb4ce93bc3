"""Computers to which the same happens, in one line: "13 computers: their reloads will be removed", and their names."""

import re
from collections.abc import Iterable, Sequence
from typing import NamedTuple

from blockalloc.upkeep.proposals import Proposal
from scheduling.wording import said_of

_LOAD = re.compile(r"its load begins at (\d\d:\d\d)")
_LOADS = {"its load continues": "their loads continue"}  # what `said_of` leaves as it is


class Effect(NamedTuple):
    """Computers to which the same happens: what happens to them, and their names."""

    what: str
    hostnames: Sequence[str]


class Change(NamedTuple):
    """Proposals that are alike: what would be done about the computers, and why."""

    action: str
    why: str
    computers: Sequence[Proposal]


def effects(computers: Iterable[tuple[str, str]]) -> list[Effect]:
    """Name and effect of each computer -> the effects, the most frequent first."""
    names: dict[str, list[str]] = {}
    for hostname, effect in computers:
        names.setdefault(effect, []).append(hostname)
    frequent = sorted(names.items(), key=lambda item: -len(item[1]))
    return [Effect(_said_of(len(hostnames), effect), hostnames) for effect, hostnames in frequent]


def changes(proposals: Iterable[Proposal]) -> list[Change]:
    """The proposals in their order; those that differ in nothing but when the load begins are one."""
    alike: dict[tuple[str, str], list[Proposal]] = {}
    for each in proposals:
        alike.setdefault((_LOAD.sub("", each.action), _LOAD.sub("", each.why)), []).append(each)
    return [_change(each) for each in alike.values()]


def _change(proposals: Sequence[Proposal]) -> Change:
    first = proposals[0]
    if len(proposals) == 1:
        return Change(first.action, first.why, proposals)
    # By instant: a load at 00:10 comes after one at 23:50.
    by_begin = sorted(proposals, key=lambda each: each.begins)
    times = [time for each in by_begin for time in _LOAD.findall(f"{each.action} {each.why}")]
    begin = f"their loads begin at {times[0]}" if times else ""
    if times and times[0] != times[-1]:
        begin = f"their loads begin from {times[0]} to {times[-1]}"
    why = said_of(len(proposals), _LOAD.sub(begin, first.why))
    return Change(_LOAD.sub(begin, first.action), why, proposals)


def _said_of(number: int, effect: str) -> str:
    return _LOADS.get(effect, said_of(number, effect)) if number > 1 else effect
