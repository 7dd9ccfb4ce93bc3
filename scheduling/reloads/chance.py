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

FEW, MANY = 192, 384  # games: to compare plans; to say how sure one is
NOTICE = 75  # seconds after which the next look has seen a failure and a substitute begins to load
DISPATCH = 15  # seconds from the begin of a reload until its load begins
_LOADS = 256  # that meet different draws; those beyond meet the draws of the first ones
_ENTRIES = 8192  # of the table of lengths: one in so many loads is longer than its last entry
_FOR_EVER = np.float32(1e9)
_FOLLOW = 2  # loads that wait are dealt with so large a part of the places at a time
_MANY_LOADS = 200  # fewer say little about how long the longest ones take (SPEC 9.2)


class Load(NamedTuple):
    """A load that is played. It begins at `begin`, or when all its gates have a place: those of its node and its host.

    `elapsed`: for so many seconds it has been at work at `begin`. `scale`: how long it takes, in lengths of the image's
    loads. `is_own`: it is one of the class's. `share`: of another's load, the share of games in which it comes.
    """

    begin: float
    gates: tuple[int, ...]
    elapsed: float = 0.0
    scale: float = 1.0
    is_own: bool = True
    share: float = 1.0


class Law:
    """How long the loads of an image take and how often they fail, for games. `dropped`: a share never begins."""

    def __init__(self, model: LoadModel, dropped: float = 0.0) -> None:
        self.mean = model.mean
        self.failing = 1 - (1 - model.failing) * (1 - dropped)
        self._shares = np.array([share for share, _ in model.knots], dtype=np.float64)
        self._seconds = np.array([seconds for _, seconds in model.knots], dtype=np.float64)
        middles = (np.arange(_ENTRIES) + 0.5) / _ENTRIES
        self._table: Array = np.interp(middles, self._shares, self._seconds).astype(np.float32)
        surely = max(model.quantile(0.995), 1.5 * model.mean)
        self.longest = surely if model.loads >= _MANY_LOADS else 2 * model.mean + 5 * 60
        self._drawn: dict[int, Array] = {}

    def drawn(self, games: int) -> Array:
        """The lengths of so many loads as there are draws: a row a game."""
        if games not in self._drawn:
            self._drawn[games] = self._table.take(_draws(games).entries)
        return self._drawn[games]

    def remaining(self, shares: Array, elapsed: float) -> Array:
        """How much longer loads take that have been at work for so many seconds."""
        passed = float(np.interp(elapsed, self._seconds, self._shares))
        lengths = np.interp(passed + (1 - passed) * shares, self._shares, self._seconds) - elapsed
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
    """The result of many games: when each load of the class was done, a row a game; for ever for one that never was.

    `fails`: which loads failed. `waits`: how long a load of the class waited for a place at most, in each game.
    """

    def __init__(self, done: Array, fails: Array, waits: Array) -> None:
        self.done, self.fails, self.waits = done, fails, waits

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

    def in_time(self, needed: int) -> float:
        """The share of games in which so many were done at the start, or failed: the time was enough."""
        return float((((self.done <= 0) | self.fails).sum(axis=1) >= needed).mean())

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

    def wait(self, share: float) -> float:
        """For how long, in such a share of the games, a load of the class waited for a place at most."""
        return float(np.quantile(self.waits, share, method="higher"))

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
    """Many games of the same loads at once: arrays have a row for each game, and a column for each load."""

    def __init__(self, loads: Sequence[Load], limits: Sequence[int], law: Law, games: int) -> None:
        self.law, self.games = law, games
        self.draws = _draws(games)
        self.lengths = law.drawn(games)
        self._loads = sorted(loads, key=_order)
        own = sum(load.is_own for load in loads)
        self.places = _PlacesInGames(limits, games)
        self.fails = self.draws.failures[:, _columns(0, own)] < law.failing
        self._begins = np.empty(own, dtype=np.float32)
        self.began = np.empty((games, own), dtype=np.float32)
        self.done = np.empty((games, own), dtype=np.float32)
        self._others = 0  # so many have been drawn, from the last column on

    def run(self, mending: Mending | None) -> Games:
        makes_up = _MakesUp(self, mending) if mending else None
        first = 0
        for (begin, _, is_other, gates, _), loads in groupby(self._loads, key=_order):
            together = list(loads)
            if makes_up:
                makes_up.before(begin)
            if is_other:
                self.places.take(gates, begin, self._lengths_of_others(together))
                continue
            last = first + len(together)
            began, done = self.places.take(gates, begin, self._lengths_of_own(together, first))
            self._begins[first:last], self.began[:, first:last], self.done[:, first:last] = begin, began, done
            if makes_up:
                makes_up.see(first, last)
            first = last
        if makes_up:
            makes_up.before(float(_FOR_EVER))
        else:
            self.done[self.fails] = _FOR_EVER
        return Games(self.done, self.fails, (self.began - self._begins).max(axis=1, initial=0))

    def _lengths_of_own(self, loads: Sequence[Load], first: int) -> Array:
        columns = _columns(first, first + len(loads))
        return self._lengths(loads, columns)

    def _lengths_of_others(self, loads: Sequence[Load]) -> Array:
        columns = _columns(-self._others - len(loads), -self._others)
        self._others += len(loads)
        lengths = self._lengths(loads, columns)
        if loads[0].share < 1:  # the same for all that come together
            lengths = np.where(self.draws.failures[:, columns] < loads[0].share, lengths, np.float32(0))
        return lengths

    def _lengths(self, loads: Sequence[Load], columns: Array) -> Array:
        lengths = self.lengths[:, columns]
        for number, load in enumerate(loads):
            if load.elapsed:
                shares, elapsed = self.draws.shares[:, columns[number]], load.elapsed / load.scale
                lengths[:, number] = self.law.remaining(shares, elapsed)
        if any(load.scale != 1.0 for load in loads):
            lengths *= np.array([load.scale for load in loads], dtype=np.float32)
        return lengths


def _order(load: Load) -> tuple[float, bool, bool, tuple[int, ...], float]:
    """Those at work have their places; of those that come at a time, the class's come first."""
    return load.begin, not load.elapsed, not load.is_own, load.gates, load.share


def _columns(first: int, last: int) -> Array:
    """Of the draws: loads beyond the number of them meet the draws of others."""
    return np.arange(first, last) % _LOADS


class _PlacesInGames:
    """When the places of each gate are free again: a row a game, in ascending order."""

    def __init__(self, limits: Sequence[int], games: int) -> None:
        self._free = [np.full((games, limit), -_FOR_EVER, dtype=np.float32) for limit in limits]

    def take(self, gates: Sequence[int], at: float, lengths: Array) -> tuple[Array, Array]:
        """When loads that come at that time begin, as soon as each gate has a place, and when they are done."""
        began: Array = np.full(lengths.shape, at, dtype=np.float32)
        done: Array = np.empty_like(began)
        first, loads = 0, lengths.shape[1]
        while first < loads:
            last = min(first + self._at_once(gates, at), loads) if gates else loads
            theirs = began[:, first:last]
            for gate in gates:
                np.maximum(theirs, self._free[gate][:, : last - first], out=theirs)
            done[:, first:last] = theirs + lengths[:, first:last]
            for gate in gates:
                free = self._free[gate]
                free[:, : last - first] = done[:, first:last]
                free.sort(axis=1)
            first = last
        return began, done

    def _at_once(self, gates: Sequence[int], at: float) -> int:
        """How many loads can be dealt with together: as many as need not wait in nearly all games.

        Loads that wait may follow one another in one place, so only some of them take places at the same time.
        """
        together: list[int] = []
        for gate in gates:
            free = self._free[gate]
            without_waiting = int(np.count_nonzero(free <= at)) // len(free) - 1
            together.append(max(without_waiting, free.shape[1] // _FOLLOW, 1))
        return min(together)

    def take_any(self, games: Array, at: Array, lengths: Array) -> Array:
        """When loads in some of the games are done that can have the next free place of any gate; they take it."""
        if not self._free:
            return at + lengths
        next_free = np.stack([free[games, 0] for free in self._free])
        gates = next_free.argmin(axis=0)
        done: Array = np.maximum(at, next_free.min(axis=0)) + lengths
        for gate, free in enumerate(self._free):
            theirs = gates == gate
            where = games[theirs]
            free[where, 0] = done[theirs]
            free[where] = np.sort(free[where], axis=1)
        return done


class _MakesUp:
    """Substitutes for loads of the class that fail or are stuck, in each game one after the other as that is seen."""

    def __init__(self, played: _Play, mending: Mending) -> None:
        self._play = played
        self._law, self._draws, self._done = played.law, played.draws, played.done
        self._left = np.full(played.games, mending.computers, dtype=np.int32)
        self._covered = np.full(played.games, mending.covered, dtype=np.int32)
        self._waiting: list[tuple[Array, Array, Array]] = []  # games, loads, when it was seen
        self._next = 2 * float(_FOR_EVER)  # when the first of them is seen
        self._number = 0

    def see(self, first: int, last: int) -> None:
        """These loads of the class are at work: note where they fail, or take too long."""
        began, done = self._play.began[:, first:last], self._done[:, first:last]
        fails = self._play.fails[:, first:last]
        stuck = began + np.float32(self._law.longest + NOTICE)
        games, owns = np.nonzero(fails | (done > stuck))
        if not len(games):
            return
        seen = np.where(fails[games, owns], done[games, owns] + np.float32(NOTICE), stuck[games, owns])
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
            done = self._play.places.take_any(where, seen[chosen], self._until_one_is_loaded(where))
            self._done[where, own] = np.minimum(self._done[where, own], done)

    def _until_one_is_loaded(self, games: Array) -> Array:
        """How long substitutes take: one that fails, too, is followed by another one."""
        total = np.zeros(len(games), dtype=np.float32)
        again = np.ones(len(games), dtype=bool)
        for _attempt in range(3):
            self._number += 1
            column = (_LOADS // 2 - self._number) % _LOADS
            total += np.where(again, self._play.lengths[games, column], np.float32(0))
            again &= self._draws.failures[games, column] < self._law.failing
            total += np.where(again, np.float32(NOTICE), np.float32(0))
        total[again] = _FOR_EVER
        return total


class _Draws(NamedTuple):
    """For each game and load two shares from 0 to 1: by which its length is drawn, and by which it fails.

    `entries`: those of the table of lengths, by the first share.
    """

    shares: Array
    entries: Array
    failures: Array


@lru_cache(maxsize=4)
def _draws(games: int) -> _Draws:
    chance = np.random.Generator(np.random.PCG64(20261128))
    # Each load meets each stratum once: a column is a permutation of them, with a chance place inside of each.
    strata = np.tile(np.arange(games), (_LOADS, 1))
    shares = (chance.permuted(strata, axis=1) + chance.random((_LOADS, games))) / games
    failures = (chance.permuted(strata, axis=1) + chance.random((_LOADS, games))) / games
    entries = (shares * _ENTRIES).astype(np.int32)
    return _Draws(*(np.ascontiguousarray(each.T) for each in (shares, entries, failures)))
