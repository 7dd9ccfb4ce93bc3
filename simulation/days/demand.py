"""Users who come and go: when, for which image, for how long. Drawn before the day begins.

They come by chance, independently of one another (a Poisson process), so many that a wanted share of the computers
is reserved on average. They choose among the lengths that VCL's pages offer somebody who may have four hours at first,
one more at a time and six in all, which is what VCL gives to a new user group.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from functools import cached_property
from random import Random

QUARTER, MINUTE = 900, 60  # seconds
LONGEST_TOTAL = 360  # minutes of a reservation with all its extensions
_NO_SHOW_SECONDS = 1500  # about how long a computer is reserved for somebody who does not connect: load and wait
_BEFORE = 7 * 3600  # seconds before the morning from which somebody may still be there
_DRAWN = 4000  # stays by which the mean is estimated


class Departure(StrEnum):
    """How somebody leaves."""

    AT_THE_END = "timed out at the end of the reservation"
    ENDS = "ends the reservation on VCL's page"
    WALKS_AWAY = "disconnects, and leaves it to VCL to notice"


@dataclass(frozen=True, slots=True)
class Habits:
    """How users behave, as shares of all of them.

    `lengths`: minutes, as the pages offer them -> share. `end_at`: those who may choose an end instead, as a quarter
    of an hour (VCL's open-ended reservations): from 15 minutes to two hours ahead. `leave_early` of those who come do
    not stay to the end; `walk_away` of these do not end their reservation. `extend` of those who stay want more time.
    """

    lengths: Mapping[int, float] = field(default_factory=lambda: {30: 0.05, 45: 0.05, 60: 0.2, 120: 0.35, 240: 0.35})
    end_at: float = 0.05
    no_show: float = 0.05
    leave_early: float = 0.6
    walk_away: float = 0.4
    extend: float = 0.1


@dataclass(frozen=True, slots=True)
class Arrival:
    """Somebody who wants an image now.

    `used` is the share of the reservation after which they leave, if they leave early. They connect so many seconds
    after their computer is ready (None: not at all).
    """

    at: int  # Unix seconds
    image: int
    minutes: int
    chosen_end: bool = False
    connects_after: int | None = 60
    departure: Departure = Departure.AT_THE_END
    used: float = 1.0
    extends: int = 0  # minutes

    @property
    def hours(self) -> tuple[int, int]:
        """Start and end of the reservation, as VCL's page writes them: from the last quarter of an hour.

        A length gets another quarter of an hour, unless the quarter has just begun; a chosen end does not.
        """
        start = self.at // QUARTER * QUARTER
        more = 0 if self.chosen_end or self.at - start < MINUTE else QUARTER
        return start, start + self.minutes * MINUTE + more

    @property
    def leaves_at(self) -> int:
        """About when they have left, Unix seconds, if they get what they want at once."""
        _, end = self.hours
        if self.connects_after is None:
            return min(end, self.at + _NO_SHOW_SECONDS)
        if self.departure is Departure.AT_THE_END:
            return end + self.extends * MINUTE
        return self.at + int((end - self.at) * self.used)


@dataclass(frozen=True)
class Demand:
    """So many users that a share of the computers is reserved on average. `images`: image -> share of the users."""

    share: float
    computers: int
    images: Mapping[int, float]
    habits: Habits = field(default_factory=Habits)

    @cached_property
    def mean_stay(self) -> float:
        """How long somebody has a computer on average, in seconds."""
        chance = Random(0)
        arrivals = [self._arrival(chance.randrange(86_400), chance) for _ in range(_DRAWN)]
        return sum(each.leaves_at - each.at for each in arrivals) / _DRAWN

    def arrivals(self, begin: int, end: int, chance: Random) -> Iterator[Arrival]:
        """Who comes from `begin` to `end` (Unix seconds), in order."""
        if self.share <= 0:
            return
        mean_gap = self.mean_stay / (self.share * self.computers)
        at = begin + chance.expovariate(1 / mean_gap)
        while at < end:
            yield self._arrival(int(at), chance)
            at += chance.expovariate(1 / mean_gap)

    def present(self, at: int, chance: Random) -> list[Arrival]:
        """Who has come before `at` (Unix seconds) and is there still, connected long ago."""
        earlier = self.arrivals(at - _BEFORE, at, chance)
        return [each for each in earlier if each.leaves_at > at + MINUTE and each.connects_after is not None]

    def _arrival(self, at: int, chance: Random) -> Arrival:
        habits = self.habits
        image = _choice(self.images, chance)
        chosen_end = chance.random() < habits.end_at
        minutes = _choice(habits.lengths, chance)
        if chosen_end:  # the page takes the start, which is the last quarter of an hour, to the end
            minutes = 15 * chance.randint(2, 9)
        connects_after = None if chance.random() < habits.no_show else chance.randint(20, 300)
        if chance.random() < habits.leave_early:
            walks = chance.random() < habits.walk_away
            departure = Departure.WALKS_AWAY if walks else Departure.ENDS
            return Arrival(at, image, minutes, chosen_end, connects_after, departure, chance.uniform(0.4, 1.0))
        extends = chance.choice(_EXTENSIONS) if chance.random() < habits.extend else 0
        extends = max(0, min(extends, LONGEST_TOTAL - minutes))
        return Arrival(at, image, minutes, chosen_end, connects_after, extends=extends)


_EXTENSIONS: Sequence[int] = (15, 30, 45, 60)  # minutes


def _choice(shares: Mapping[int, float], chance: Random) -> int:
    return chance.choices([*shares], [*shares.values()])[0]
