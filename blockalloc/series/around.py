"""The accepted classes around a date, with the computers that each of them will have.

Classes whose times have nothing to do with one another are planned apart, and only when a date comes near them: of a
semester's classes those of Mondays are enough for a series of Mondays.
"""

from collections.abc import Sequence
from dataclasses import replace

from scheduling.forecast.engine import forecast
from scheduling.forecast.facts import ClassAsked, ClassForecast, ForecastFacts
from scheduling.shared import Shared
from scheduling.windows import HOUR

LEAD = 6 * HOUR  # no load for a class begins earlier before its start


class Around:
    """The classes to come, in groups that do not touch one another."""

    def __init__(self, facts: ForecastFacts, shared: Shared) -> None:
        self._facts, self._shared = facts, shared
        self._groups = _groups(facts.classes)
        self._planned: dict[int, list[ClassForecast]] = {}

    @property
    def classes_planned(self) -> int:
        """How many classes have been planned so far."""
        return sum(map(len, self._planned.values()))

    def at(self, start: int, end: int) -> list[ClassForecast]:
        """The classes that may want computers between the two instants (Unix seconds)."""
        near = []
        for number, (first, last, _) in enumerate(self._groups):
            if first < end and start - LEAD < last:
                near += self._plan(number)
        return near

    def _plan(self, number: int) -> list[ClassForecast]:
        if number not in self._planned:
            self._planned[number] = forecast(replace(self._facts, classes=self._groups[number][2]), shared=self._shared)
        return self._planned[number]


_Group = tuple[int, int, list[ClassAsked]]


def _groups(classes: Sequence[ClassAsked]) -> list[_Group]:
    """Groups of classes, each with its first load and its last end; classes keep their order in a group."""
    groups: list[_Group] = []
    place = {id(each): number for number, each in enumerate(classes)}
    for each in sorted(classes, key=lambda one: one.block.start):
        first, last = each.block.start - LEAD, each.block.end
        if groups and first < groups[-1][1]:
            start, end, members = groups[-1]
            members.append(each)
            groups[-1] = (start, max(end, last), members)
        else:
            groups.append((first, last, [each]))
    return [(start, end, sorted(members, key=lambda one: place[id(one)])) for start, end, members in groups]
