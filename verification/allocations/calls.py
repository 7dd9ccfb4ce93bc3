"""The calls that the workers of a campaign will make: drawn from a seed, so that the judge knows them, too."""

import random
from dataclasses import dataclass, replace
from typing import Literal

from verification.allocations.site import BlockTime, Site

Door = Literal["service", "http", "process"]


@dataclass(frozen=True)
class Call:
    """One call. `meets`: the worker waits for its partner, so that both make theirs at the same moment.

    `process` is XMLRPCprocessBlockTime, which fills a block time to the machines of its request; the
    other doors are the seven parameters, in the worker's process or over HTTP. A call that is `cut`
    loses its connection when it has been sent. `reuses`: the key is known, with other parameters.
    """

    image_id: int
    start: int
    end: int
    machines: int
    block_time: int
    key: str | None = None
    door: Door = "service"
    meets: bool = False
    cut: bool = False
    reuses: bool = False


def plan(site: Site, calls: int, workers: int, choice: random.Random, http: float) -> list[list[Call]]:
    """The calls of each worker. Workers 0 and 1, 2 and 3 … are partners; `http` is the share of calls over HTTP.

    Four rounds of ten are the same for both, at the same moment: a new block with the same key, a block time
    that nobody has filled yet, or blocks with two keys for the same hours, which may be one too many.
    """
    result: list[list[Call]] = []
    rounds = calls // workers
    unfilled = iter(choice.sample(site.block_times, len(site.block_times)))
    for pair in range(workers // 2):
        ours: tuple[list[Call], list[Call]] = ([], [])
        for number in range(rounds):
            name, kind = f"{pair}-{number}", choice.random()
            if kind < 0.2:
                both = [_new_block(site, name, choice)] * 2
            elif kind < 0.3:
                both = [_all_of(next(unfilled, choice.choice(site.block_times)))] * 2
            elif kind < 0.4:
                wish = _new_block(site, name, choice)
                both = [wish, replace(wish, key=f"{name}-rival")]
            else:
                alone = [_alone(site, worker, number, rounds, choice, name) for worker in ours]
                both = [replace(call, meets=False) for call in alone]
            for worker, call in zip(ours, both, strict=True):
                worker.append(_through_a_door(call, choice, http))
        result += ours
    return result


def _alone(site: Site, before: list[Call], number: int, rounds: int, choice: random.Random, name: str) -> Call:
    """A call unrelated to the partner's, or one that repeats an earlier one of the same worker."""
    kind = choice.random()
    with_key = [call for call in before if call.key and not call.reuses]
    if kind < 0.15:
        return _new_block(site, f"{name}-{len(before)}-{choice.random()}", choice)
    if kind < 0.25 and with_key:
        return choice.choice(with_key)
    if kind < 0.27 and with_key:
        known = choice.choice(with_key)
        return replace(known, machines=known.machines + 1, reuses=True)
    return _fill(site, number / rounds, choice)


def _new_block(site: Site, key: str, choice: random.Random) -> Call:
    image, start, end, machines = site.wish(choice)
    return Call(image, start, end, max(machines // 3, 1), 0, key, meets=True)


def _all_of(wanted: BlockTime) -> Call:
    return Call(wanted.image_id, wanted.start, wanted.end, wanted.machines, wanted.id, meets=True)


def _fill(site: Site, progress: float, choice: random.Random) -> Call:
    """An existing block time: mostly one of those that everybody wants at this moment."""
    place = int(progress * len(site.block_times)) + choice.randrange(4)
    wanted = (
        choice.choice(site.block_times) if choice.random() < 0.3 else site.block_times[place % len(site.block_times)]
    )
    machines = wanted.machines if choice.random() < 0.6 else choice.randint(1, wanted.machines)
    door: Door = "process" if machines == wanted.machines and choice.random() < 0.3 else "service"
    return Call(wanted.image_id, wanted.start, wanted.end, machines, wanted.id, door=door)


def _through_a_door(call: Call, choice: random.Random, http: float) -> Call:
    if call.door == "process" or choice.random() >= http:
        return replace(call, cut=False)
    return replace(call, door="http", cut=choice.random() < 0.1)
