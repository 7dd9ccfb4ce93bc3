"""The seats of a class: a tile for each machine, with what its computers do, and an empty one for what is missing."""

import re
from collections import Counter, defaultdict
from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple

from blockalloc.pages.class_page.moments import clock_time
from blockalloc.reports.readiness import BlockTimeReadiness
from scheduling.ready_computer import ComputerReadiness, State

Short = Callable[[str], str]  # a host name as pages show it

# The CSS class and icon of a state, which are those of the segments of the bar.
_KINDS: Mapping[State, str] = {
    "in use": "in-use",
    "loaded": "loaded",
    "loading": "loading",
    "waiting": "waiting",
    "booked before": "waiting",
    "overdue": "waiting",
    "failed": "failed",
}
# How far a computer is: machines are made of those that are equally far, so that no two trouble each other.
_ORDER: Sequence[State] = ("in use", "loaded", "loading", "waiting", "booked before", "overdue", "failed")
_FAULTS = {"failed to load": "to load", "is deleted": "deleted"}


class Seat(NamedTuple):
    """A computer of a machine. `word` is what it does, `detail` until or by when, "" for nothing to add.

    `kind` is its CSS class and its icon; `name` is `hostname` without the domain of the site. `is_late`: it is expected
    to be ready after the start only.
    """

    computer_id: int
    hostname: str
    name: str
    kind: str
    word: str
    detail: str
    is_late: bool


class Machine(NamedTuple):
    """A tile. `number` counts the machines of a cluster, 0 for machines of one computer.

    `seats` are its computers, `missing` how many it lacks. A class with spares has no machine that is one: those are
    marked that are farthest from being ready.
    """

    number: int
    seats: Sequence[Seat]
    missing: int
    is_spare: bool

    @property
    def is_empty(self) -> bool:
        """Whether nothing of it is allocated."""
        return not self.seats


class SeatMap(NamedTuple):
    """The machines of a class; `is_cluster`: each has several computers."""

    machines: Sequence[Machine]
    is_cluster: bool


def seat_map(class_: BlockTimeReadiness, image_ids: Sequence[int], short: Short) -> SeatMap:
    """The seats of a class; `image_ids` are the images of one machine, more than one for a cluster."""
    seats = {each.facts.id: _seat(each, class_, short) for each in class_.readiness.computers}
    groups = _machines(class_.readiness.computers, image_ids)
    spares = class_.readiness.numbers.spares
    whole = [group for group in groups if len(group) == len(image_ids)]
    spare = {id(group) for group in whole[len(whole) - spares :]} if spares else set()
    if len(image_ids) == 1:
        groups.sort(key=lambda group: by_name(group[0].facts.hostname))
    lacking = len(image_ids)
    machines = [
        Machine(
            number if lacking > 1 else 0,
            [seats[each.facts.id] for each in group],
            max(lacking - len(group), 0),  # of another image there may be more
            id(group) in spare,
        )
        for number, group in enumerate(groups, 1)
    ]
    empty = max(class_.readiness.wanted + spares - len(machines), 0)
    first = len(machines) + 1 if lacking > 1 else 0
    machines += [Machine(first + number if first else 0, (), lacking, is_spare=False) for number in range(empty)]
    return SeatMap(machines, is_cluster=lacking > 1)


def by_name(hostname: str) -> list[tuple[int, int, str]]:
    """A key that sorts host names as people do: vm-9 before vm-10."""
    return [(0, int(part), "") if part.isdecimal() else (1, 0, part) for part in re.findall(r"\d+|\D+", hostname)]


def _machines(computers: Sequence[ComputerReadiness], image_ids: Sequence[int]) -> list[list[ComputerReadiness]]:
    """The computers by machine, the ones that are farthest first; machines that are not whole come last."""
    by_image: dict[int, list[ComputerReadiness]] = defaultdict(list)
    for each in sorted(computers, key=lambda each: (_ORDER.index(each.state), by_name(each.facts.hostname))):
        by_image[each.facts.image_id].append(each)
    needed = Counter(image_ids)
    machines: list[list[ComputerReadiness]] = []
    for image_id in dict.fromkeys([*image_ids, *by_image]):
        number = needed.get(image_id, 1)
        of_image = by_image.get(image_id, [])
        for place, first in enumerate(range(0, len(of_image), number)):
            if place == len(machines):
                machines.append([])
            machines[place] += of_image[first : first + number]
    return machines


def _seat(each: ComputerReadiness, class_: BlockTimeReadiness, short: Short) -> Seat:
    facts = each.facts
    is_late = facts.id in class_.readiness.late
    kind = _KINDS[each.state]
    word, detail = kind.replace("-", " "), _detail(each, class_.start, is_late=is_late)
    return Seat(facts.id, facts.hostname, short(facts.hostname), kind, word, detail, is_late)


def _detail(each: ComputerReadiness, start: int, *, is_late: bool) -> str:
    by = f"{'late, ' if is_late else 'by '}{clock_time(each.ready_at, start)}" if each.ready_at else ""
    match each.state:
        case "in use":
            return f"until {clock_time(each.facts.user_until, start)}" if each.facts.user_until else ""
        case "loaded":
            return "old revision" if each.old_revision else ""
        case "booked before" if each.facts.booked_until and not is_late:
            return f"others until {clock_time(each.facts.booked_until, start)}"
        case "overdue":
            return by if is_late else "overdue"
        case "failed":
            fault = each.fault.one if each.fault else ""
            state = fault.removeprefix("is in state ")
            return _FAULTS.get(fault, "" if state == "failed" else state if state != fault else "no image")
    return by
