"""The answer to a question about a series. Instants are Unix seconds."""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

MOST_NAMED = 3  # collisions in a sentence


def in_a_row(names: Sequence[str]) -> str:
    """`a, b and c`."""
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}"


class Status(StrEnum):
    """What can be had on a date: all machines, fewer or none, none because all is closed; or it is past."""

    POSSIBLE = "possible"
    SHORT = "short"
    CLOSED = "closed"
    PAST = "past"


@dataclass(frozen=True, slots=True)
class Collision:
    """A booking of computers that the date could have had: of a class, or of a user.

    `kind` is "block time", "request", or "date" for another date of the series, whose id is its number in it. `name`:
    the class, or the user; "of another affiliation" where the person may not know (`is_hidden`).
    """

    kind: str
    id: int
    name: str
    start: int
    end: int
    computers: int
    is_hidden: bool = False

    @property
    def label(self) -> str:
        """What it is called in a sentence: the class, or `a reservation of anna@Local`."""
        if self.kind == "request":
            return f"a reservation {self.name if self.is_hidden else f'of {self.name}'}"
        return f"a class {self.name}" if self.is_hidden else self.name


@dataclass(frozen=True, slots=True)
class Suggestion:
    """Something that would help, in words, and the machines that can be had then.

    `kind`: "hour" and "day" (another date), "fewer", "service" (computers back in service), "mapping" (the image mapped
    to a further group of computers), "series" (another time for all dates). `start` and `end`: when the date would be.
    """

    kind: str
    machines: int
    start: int
    end: int
    words: str


@dataclass(frozen=True, slots=True)
class PlannedDate:
    """A date of the series: `possible` of the `wanted` machines can be had.

    `reason`: what stops it from having more, beside the `collisions`, in words. `is_searched`: whether suggestions were
    looked for; a search of many dates ends before the last.
    """

    start: int
    end: int
    wanted: int
    possible: int
    status: Status
    reason: str = ""
    collisions: Sequence[Collision] = ()
    suggestions: Sequence[Suggestion] = ()
    is_searched: bool = True

    @property
    def named(self) -> list[Collision]:
        """The collisions that a sentence names: one of each label, those with the most computers."""
        return list({each.label: each for each in reversed(self.collisions)}.values())[::-1][:MOST_NAMED]

    @property
    def not_named(self) -> int:
        """How many labels it leaves out."""
        return len({each.label for each in self.collisions}) - len(self.named)

    @property
    def why(self) -> str:
        """Why there are not more machines, in words; "" for all machines."""
        more = [f"{self.not_named} more"] if self.not_named else []
        names = [*(each.label for each in self.named), *more]
        return "; ".join(filter(None, [self.reason, f"collides with {in_a_row(names)}" if names else ""]))

    @property
    def words(self) -> str:
        """`30`, `22: collides with CS420 midterm exam`, `closed: …`, `past`."""
        if self.status in (Status.CLOSED, Status.PAST):
            return f"{self.status}: {self.why}" if self.why else str(self.status)
        return f"{self.possible}: {self.why}" if self.why else str(self.possible)


@dataclass(frozen=True, slots=True)
class SeriesPlan:
    """What can be had on each date, in their order. `group` is "" where privileges of nobody count.

    `whole`: another time at which all dates are possible, None when none is needed or none was found;
    `is_whole_searched`: whether one was looked for.
    """

    image: str
    group: str
    machines: int
    ignore_privileges: bool
    dates: Sequence[PlannedDate]
    whole: Suggestion | None = None
    is_whole_searched: bool = False

    @property
    def possible(self) -> int:
        """The number of dates that have all machines."""
        return sum(each.status == Status.POSSIBLE for each in self.dates)

    @property
    def past(self) -> int:
        """The number of dates that are past."""
        return sum(each.status == Status.PAST for each in self.dates)

    @property
    def is_possible(self) -> bool:
        """Whether all dates have all machines; those that are past do not count."""
        return self.possible + self.past == len(self.dates)

    @property
    def not_searched(self) -> int:
        """The number of dates for which nothing was looked for that would help."""
        return sum(not each.is_searched for each in self.dates)

    @property
    def summary(self) -> str:
        """`18 of 20 dates possible`."""
        to_come = len(self.dates) - self.past
        past = f", {self.past} {'is' if self.past == 1 else 'are'} past" if self.past else ""
        return f"{self.possible} of {to_come} date{'' if to_come == 1 else 's'} possible{past}"
