"""How sure it is that loads are done in time: they are played many times, with lengths and failures drawn anew.

What is drawn is the same for each plan and in each process, and each load meets all lengths evenly (a Latin hypercube),
so that equal facts give equal figures, and a few hundred games say enough. Times are seconds after the class's start,
negative before it.

An example: ten loads of ten minutes on a management node that loads five at a time. Five begin half an hour before the
start, five twenty minutes before it. In one game in a hundred a load fails: another computer is loaded from the next
look of keep_ready on, as soon as the node has a place.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import groupby
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from scheduling.load_time.model import LoadModel
from scheduling.reloads.spares import Shortfall

Array = NDArray[Any]

FEW, MANY = 256, 768  # games: to compare plans; to say how sure one is
NOTICE = 75  # seconds after which the next look has seen a failure and a substitute begins to load
DISPATCH = 15  # seconds from the begin of a reload until its load begins
_LOADS = 256  # that meet different draws; those beyond meet the draws of the first ones
_PLACES = 8192  # of the table of lengths: one in so many loads is longer than its last entry
_FOR_EVER = np.float32(1e9)
_MANY_LOADS = 200  # fewer say little about how long the longest ones take (SPEC 9.2)


class Load(NamedTuple):
    """A load that is played. It begins at `begin`, or when all its gates have a place: those of its node and its host.

    `elapsed`: for so many seconds it has been at work at `begin`. `scale`: how long it takes, in lengths of the image's
    loads. `is_own`: it is one of the class's. `jitter`: it begins up to so many seconds earlier or later.
    """

    begin: float
    gates: tuple[int, ...]
    elapsed: float = 0.0
    scale: float = 1.0
    is_own: bool = True
    jitter: float = 0.0


class Law:
    """How long the loads of an image take and how often they fail, for games."""

    def __init__(self, model: LoadModel) -> None:
        self.mean = model.mean
        self.failing = model.failing
        self._shares = np.array([share for share, _ in model.knots], dtype=np.float64)
        self._seconds = np.array([seconds for _, seconds in model.knots], dtype=np.float64)
        middles = (np.arange(_PLACES) + 0.5) / _PLACES
        self.lengths: Array = np.interp(middles, self._shares, self._seconds).astype(np.float32)
        surely = max(model.quantile(0.995), 1.5 * model.mean)
        self.longest = surely if model.loads >= _MANY_LOADS else 2 * model.mean + 5 * 60

    def remaining(self, places: Array, elapsed: float) -> Array:
        """How much longer loads take that have been at work for so many seconds."""
        passed = float(np.interp(elapsed, self._seconds, self._shares))
        shares = passed + (1 - passed) * (places + 0.5) / _PLACES
        lengths = np.interp(shares, self._shares, self._seconds) - elapsed
        # One that is longer than any known may go on for as long again.
        left: Array = np.maximum(lengths, 30.0 if passed < 1 else elapsed / 2).astype(np.float32)
        return left


@dataclass(frozen=True, slots=True)
class Mending:
    """What keep_ready makes up for: a load that fails or is stuck, with one of so many further computers.

    The first `covered` ones are given up without a substitute, since the class has so many spares.
    """

    computers: int
    covered: int = 0


class Games:
    """The result of many games: when each load of the class was done, a row a game; for ever for one that never was."""

    def __init__(self, done: Array, waits: Array) -> None:
        self.done = done
        self.waits = waits

    def complete_at(self, needed: int) -> Array:
        """When so many of the loads were done, in each game."""
        loads = self.done.shape[1]
        if not needed or not loads:
            return np.full(len(self.done), -_FOR_EVER, dtype=np.float32)
        complete: Array = (
            self.done.max(axis=1) if needed >= loads else np.partition(self.done, needed - 1)[:, needed - 1]
        )
        return complete

    def ready(self, needed: int, by: float = 0.0) -> float:
        """The share of games in which so many were done by then."""
        return float((self.complete_at(needed) <= by).mean())

    def late(self, needed: int) -> float:
        """How many of the loads needed were done after the start, on average."""
        in_time = (self.done <= 0).sum(axis=1)
        return float(np.maximum(needed - in_time, 0).mean())

    def needs_until(self, share: float, needed: int) -> float:
        """By when such a share of the games were complete that ever were; -inf without any load."""
        complete = self.complete_at(needed)
        ever = complete[complete < _FOR_EVER]
        if not len(ever):
            return float("inf")
        return float(np.quantile(ever, share, method="higher"))

    def shortfall(self, needed: int, target: float, by: float = 0.0) -> Shortfall:
        """By how many loads the games fell short by then."""
        in_time = self.done <= by
        lacking, games = np.unique(np.maximum(needed - in_time.sum(axis=1), 0), return_counts=True)
        shares = games / len(self.done)
        return Shortfall(target, dict(zip(lacking.tolist(), shares.tolist(), strict=True)), float(in_time.mean()))

    def waited(self, seconds: float) -> float:
        """The share of games in which a load of the class waited longer than that for a place."""
        return float((self.waits > seconds).mean())


def play(
    loads: Sequence[Load], limits: Sequence[int], law: Law, mending: Mending | None = None, games: int = MANY
) -> Games:
    """Play the loads, which come first come first served to gates with so many places each.

    Without `mending`, a load that fails never gets done.
    """
    return _Play(loads, limits, law, games).run(mending)


class _Play:
    """Many games of the same loads at once: arrays have an entry, or a column, for each game."""

    def __init__(self, loads: Sequence[Load], limits: Sequence[int], law: Law, games: int) -> None:
        self.law = law
        self.draws = _draws(games)
        self._loads = sorted(loads, key=lambda load: (load.begin, not load.elapsed))
        own = sum(load.is_own for load in loads)
        # When each place of each gate is free again: a row a game. Games follow one another, so a place is at `_first`
        # of its game and the number of the place.
        self._free = [np.full(games * limit, -_FOR_EVER, dtype=np.float32) for limit in limits]
        self._limits = limits
        self._first = [np.arange(games) * limit for limit in limits]
        self._places = self.draws.places[np.arange(len(loads)) % _LOADS]
        self.fails = self.draws.failures[np.arange(own) % _LOADS] < law.failing
        self._begins = np.empty((own, 1), dtype=np.float32)
        self.began = np.empty((own, games), dtype=np.float32)
        self.done = np.empty((own, games), dtype=np.float32)

    def run(self, mending: Mending | None) -> Games:
        lengths = self.law.lengths[self._places]
        makes_up = _MakesUp(self, mending) if mending else None
        own = 0
        for begin, together in groupby(enumerate(self._loads), key=lambda numbered: numbered[1].begin):
            first = own
            if makes_up:
                makes_up.before(begin)
            for number, load in together:
                began, done = self._begin(load, lengths[number], self._places[number])
                if load.is_own:
                    self._begins[own], self.began[own], self.done[own] = begin, began, done
                    own += 1
            if makes_up:
                makes_up.see(first, own)
        if makes_up:
            makes_up.before(float(_FOR_EVER))
        else:
            self.done[self.fails] = _FOR_EVER
        return Games(self.done.T, (self.began - self._begins).max(axis=0, initial=0))

    def _begin(self, load: Load, lengths: Array, places: Array) -> tuple[Array | np.float32, Array]:
        """When the load really begins, in each game, and when it is done."""
        if load.elapsed:
            lengths = self.law.remaining(places, load.elapsed)
        if load.scale != 1.0:
            lengths = lengths * np.float32(load.scale)
        began: Array | np.float32 = np.float32(load.begin)
        if load.jitter:
            began = began + _jitter(load.jitter, places)
        return self.pass_gates(load.gates, began, lengths)

    def pass_gates(self, gates: Sequence[int], at: Array | np.float32, lengths: Array) -> tuple[Array, Array]:
        """When loads that come at that time begin, as soon as each gate has a place, and when they are done."""
        began, taken = at, []
        for gate in gates:
            free = self._free[gate]
            place = free.reshape(-1, self._limits[gate]).argmin(axis=1)
            place += self._first[gate]
            began = np.maximum(began, free.take(place))
            taken.append((free, place))
        done = began + lengths
        for free, place in taken:
            free[place] = done
        return np.asarray(began), done

    def substitute(self, games: Array, at: Array, lengths: Array) -> Array:
        """When loads in some of the games are done that can have the next free place of any gate; they take it."""
        if not self._free:
            return at + lengths
        gates = [free.reshape(-1, limit)[games] for free, limit in zip(self._free, self._limits, strict=True)]
        everywhere = np.hstack(gates) if len(gates) > 1 else gates[0]
        place = everywhere.argmin(axis=1)
        done: Array = np.maximum(at, everywhere[np.arange(len(games)), place]) + lengths
        first = 0
        for free, limit in zip(self._free, self._limits, strict=True):
            here = (place >= first) & (place < first + limit)
            free[games[here] * limit + place[here] - first] = done[here]
            first += limit
        return done


class _MakesUp:
    """Substitutes for loads of the class that fail or are stuck, in each game one after the other as that is seen."""

    def __init__(self, played: _Play, mending: Mending) -> None:
        self._play = played
        self._law, self._draws, self._done = played.law, played.draws, played.done
        self._left = np.full(played.done.shape[1], mending.computers, dtype=np.int32)
        self._covered = np.full(played.done.shape[1], mending.covered, dtype=np.int32)
        self._waiting: list[tuple[Array, Array, Array]] = []  # games, loads, when it was seen
        self._next = 2 * float(_FOR_EVER)  # when the first of them is seen
        self._number = 0

    def see(self, first: int, last: int) -> None:
        """These loads of the class are at work: note where they fail, or take too long."""
        began, done, fails = self._play.began[first:last], self._done[first:last], self._play.fails[first:last]
        stuck = began + np.float32(self._law.longest + NOTICE)
        owns, games = np.nonzero(fails | (done > stuck))
        if not len(games):
            return
        seen = np.where(fails[owns, games], done[owns, games] + np.float32(NOTICE), stuck[owns, games])
        done[fails] = _FOR_EVER
        self._waiting.append((games, owns + first, seen))
        self._next = min(self._next, float(seen.min()))

    def before(self, instant: float) -> None:
        """Begin the substitutes for all that is seen before that time."""
        if self._next > instant:
            return
        games, owns, seen = (np.concatenate(each) for each in zip(*self._waiting, strict=True))
        due = seen <= instant
        later = seen[~due]
        self._waiting = [(games[~due], owns[~due], later)] if len(later) else []
        self._next = float(later.min()) if len(later) else 2 * float(_FOR_EVER)
        self._begin(games[due], owns[due], seen[due])

    def _begin(self, games: Array, owns: Array, seen: Array) -> None:
        order = np.lexsort((seen, games))
        games, owns, seen = games[order], owns[order], seen[order]
        ranks = np.arange(len(games)) - np.searchsorted(games, games, side="left")
        for rank in range(int(ranks.max()) + 1):
            due = ranks == rank
            covered = due & (self._covered[games] > 0)
            self._covered[games[covered]] -= 1
            chosen = due & ~covered & (self._left[games] > 0)
            if not chosen.any():
                continue
            where, own = games[chosen], owns[chosen]
            self._left[where] -= 1
            done = self._play.substitute(where, seen[chosen], self._until_one_is_loaded(where))
            self._done[own, where] = np.minimum(self._done[own, where], done)

    def _until_one_is_loaded(self, games: Array) -> Array:
        """How long substitutes take: one that fails, too, is followed by another one."""
        law, total = self._law, np.zeros(len(games), dtype=np.float32)
        again = np.ones(len(games), dtype=bool)
        for _attempt in range(3):
            self._number += 1
            draw = -self._number % _LOADS
            total += np.where(again, law.lengths[self._draws.places[draw][games]], np.float32(0))
            again &= self._draws.failures[draw][games] < law.failing
            total += np.where(again, np.float32(NOTICE), np.float32(0))
        total[again] = _FOR_EVER
        return total


def _jitter(seconds: float, places: Array) -> Array:
    # Drawn from the place of the length, but far from it.
    shares = ((places * 40_503) % _PLACES).astype(np.float32) / np.float32(_PLACES)
    spread: Array = (shares * 2 - 1) * np.float32(seconds)
    return spread


class _Draws(NamedTuple):
    """For each load and game the place of its length, and a share from 0 to 1 by which it fails."""

    places: Array
    failures: Array


@lru_cache(maxsize=2)
def _draws(games: int) -> _Draws:
    chance = np.random.Generator(np.random.PCG64(20261128))
    # Each load meets each stratum once: a column is a permutation of them, with a chance place inside of each.
    strata = np.tile(np.arange(games), (_LOADS, 1))
    lengths = (chance.permuted(strata, axis=1) + chance.random((_LOADS, games))) / games
    failures = (chance.permuted(strata, axis=1) + chance.random((_LOADS, games))) / games
    return _Draws((lengths * _PLACES).astype(np.int32), failures)
