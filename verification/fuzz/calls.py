"""Calls of the methods, nearly right: a method's name and its parameters as XML."""

import datetime
from collections.abc import Callable
from random import Random

from verification.fuzz import site
from verification.fuzz.values import (
    COUNTS,
    IDS,
    LOCAL_TIMES,
    OVERLAP,
    TEXTS,
    TIMES,
    anything,
    array,
    flag,
    local_time,
    number,
    odd_number,
    value,
)

Call = tuple[str, list[str]]
_METHODS = (
    "XMLRPCblockAllocation", "XMLRPCprocessBlockTime", "XMLRPCtest", "system.listMethods", "system.methodHelp",
    "system.methodSignature", "XMLRPCexplainBlockAllocation", "XMLRPCplanBlockSeries",
)  # fmt: skip
_OTHER_NAMES = (
    "XMLRPCaddRequest", "system.multicall", "xmlrpctest", "XMLRPCtest ", "__init__", "system", "", " ", ".",
    "é", "☃" * 50,
    "&lt;b&gt;", "a" * 300, "../admin", "XMLRPCtest\n", "%s%s", "methodName",
)  # fmt: skip


def right_call(rng: Random) -> Call:
    """A call that is in order, or is refused because of rows."""
    kinds: tuple[Callable[[Random], Call], ...] = (
        _seven_new, _seven_stored, _six, _process, _trial, _system, _explain, _series,
    )  # fmt: skip
    (kind,) = rng.choices(kinds, weights=(28, 24, 16, 16, 8, 8, 8, 4))
    return kind(rng)


def nearly_right_call(rng: Random) -> Call:
    """A call with one or two things wrong with it."""
    method, parameters = right_call(rng)
    for _ in range(rng.choice((1, 1, 1, 2))):
        method, parameters = rng.choice((_spoil_value, _spoil_value, _spoil_value, _spoil_count, _spoil_name))(
            rng, method, parameters
        )
    return method, parameters


def _spoil_value(rng: Random, method: str, parameters: list[str]) -> Call:
    if not parameters:
        return method, parameters
    place = rng.randrange(len(parameters))
    kind = rng.random()
    if kind < 0.35:
        wrong = odd_number(rng, rng.choice((IDS, COUNTS, TIMES)))
    elif kind < 0.5:
        wrong = value(f"<string>{rng.choice(LOCAL_TIMES)}</string>")
    elif kind < 0.6:
        wrong = number(rng, rng.choice((*IDS, *COUNTS)))
    else:
        wrong = anything(rng)
    return method, [*parameters[:place], wrong, *parameters[place + 1 :]]


def _spoil_count(rng: Random, method: str, parameters: list[str]) -> Call:
    if parameters and rng.random() < 0.5:
        place = rng.randrange(len(parameters))
        return method, parameters[:place] + parameters[place + 1 :]
    return method, parameters + [anything(rng) for _ in range(rng.choice((1, 1, 2, 5, 60)))]


def _spoil_name(rng: Random, _method: str, parameters: list[str]) -> Call:
    return (rng.choice(_METHODS) if rng.random() < 0.5 else rng.choice(_OTHER_NAMES)), parameters


# --- Calls in order ---------------------------------------------------------------------------
def _seven_new(rng: Random) -> Call:
    start = _hour(rng)
    end = start + rng.choice((1, 2, 3, 26, 200)) * 3600
    kind = rng.random()
    if kind < 0.12:
        start, end = rng.choice(TIMES), rng.choice(TIMES)
    elif kind < 0.2:  # around the change to winter time
        start = OVERLAP + rng.choice((-3600, 0, 1800, 3600, 5400, 7200))
        end = start + rng.choice((1800, 3600, 7200))
    image = rng.choices((site.IMAGE, site.NOT_OURS, site.DELETED_IMAGE, site.NO_REVISION), weights=(30, 2, 1, 1))[0]
    return _seven(rng, image, start, end, rng.choice((1, 1, 2, 3, 4, 30, 70)), 0)


def _seven_stored(rng: Random) -> Call:
    block_time = rng.choice(site.OPEN if rng.random() < 0.6 else range(10, 10 + site.BLOCKS))
    image = site.DELETED_IMAGE if block_time == site.OF_DELETED_IMAGE else site.IMAGE
    start, end = site.START, site.END
    if rng.random() < 0.1:
        start += 3600
    return _seven(rng, image, start, end, rng.choice((1, 2, 3, 4, 5)), block_time)


def _seven(rng: Random, image: int, start: int, end: int, machines: int, block_time: int) -> Call:
    group = rng.choices((site.GROUP, site.EMPTY_GROUP, 999, 0), weights=(20, 3, 1, 1))[0]
    ignore = rng.choice((0, 1, 1))
    parameters = [number(rng, each) for each in (image, start, end, machines, group)]
    return "XMLRPCblockAllocation", [*parameters, flag(rng, ignore), number(rng, block_time)]


def _explain(rng: Random) -> Call:
    _, parameters = _seven_new(rng) if rng.random() < 0.6 else _seven_stored(rng)
    return "XMLRPCexplainBlockAllocation", parameters


def _series(rng: Random) -> Call:
    starts = [_hour(rng) for _ in range(rng.choice((1, 2, 5)))]
    length = rng.choice((1, 2, 2, -1)) * 3600
    image = rng.choices((site.IMAGE, site.DELETED_IMAGE, site.NO_REVISION), weights=(20, 1, 1))[0]
    group = rng.choices((site.GROUP, site.EMPTY_GROUP, 999, 0), weights=(20, 2, 1, 5))[0]
    parameters = [number(rng, each) for each in (image, group, rng.choice((1, 2, 4, 71)))]
    ends = [start + length for start in starts][: len(starts) - (rng.random() < 0.1)]
    arrays = [array(number(rng, each) for each in times) for times in (starts, ends)]
    return "XMLRPCplanBlockSeries", [*parameters, flag(rng, rng.choice((0, 1, 1))), *arrays]


def _six(rng: Random) -> Call:
    start = _hour(rng)
    texts = [_local(start), _local(start + rng.choice((1, 2, 24)) * 3600)]
    if rng.random() < 0.15:
        texts[rng.randrange(2)] = rng.choice(LOCAL_TIMES)
    image = rng.choices((site.IMAGE, site.NOT_OURS, site.DELETED_IMAGE, site.NO_REVISION), weights=(30, 2, 1, 1))[0]
    group = rng.choices((site.GROUP, site.EMPTY_GROUP, 999), weights=(20, 2, 1))[0]
    parameters = [number(rng, image), *(local_time(rng, text) for text in texts)]
    parameters += [number(rng, rng.choice((1, 2, 4, 70))), number(rng, group)]
    return "XMLRPCblockAllocation", parameters + ([flag(rng, rng.choice((0, 1)))] if rng.random() < 0.7 else [])


def _process(rng: Random) -> Call:
    block_time = rng.choice(site.OPEN) if rng.random() < 0.5 else rng.choice((*range(10, 10 + site.BLOCKS), 999))
    more = [flag(rng, rng.choice((0, 1)))] if rng.random() < 0.8 else []
    return "XMLRPCprocessBlockTime", [number(rng, block_time), *more]


def _trial(rng: Random) -> Call:
    return "XMLRPCtest", [value(f"<string>{rng.choice(TEXTS)}</string>")]


def _system(rng: Random) -> Call:
    method = rng.choice(_METHODS[3:6])
    return method, [] if method == "system.listMethods" else [value(rng.choice((*_METHODS, "nosuch")))]


def _hour(rng: Random) -> int:
    """A start in the next weeks, or years from now."""
    days = rng.choice((rng.randrange(1, 60), rng.randrange(1, 4000)))
    return int(site.NOW.timestamp()) + days * 86400 + rng.randrange(24) * 3600


def _local(instant: int) -> str:
    return datetime.datetime.fromtimestamp(instant, site.NOW.tzinfo).strftime("%Y-%m-%d %H:%M:%S")
