"""Classes of one image that overlap and together want more machines than computers can run it."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from typing import NamedTuple


class Wanted(NamedTuple):
    """A class to come of an image of which each machine is one computer; Unix seconds.

    `fit`: how many computers of the site can run the image, 0 where nobody has counted. `is_short`: it will lack some.
    """

    block_time_id: int
    image_id: int
    start: int
    end: int
    machines: int
    fit: int
    is_short: bool


class Collision(NamedTuple):
    """The moment at which most machines of the image are wanted at the same time, and the classes that are on then."""

    image_id: int
    at: int
    wanted: int
    fit: int
    block_time_ids: Sequence[int]


def collisions(classes: Iterable[Wanted]) -> list[Collision]:
    """The collisions of each image, by time: of overlapping ones that with the most machines.

    One class alone is none, and neither are classes of which none will be short.
    """
    by_image: dict[int, list[Wanted]] = defaultdict(list)
    for each in classes:
        by_image[each.image_id].append(each)
    found = [collision for of_image in by_image.values() for collision in _of_image(of_image)]
    return sorted(found, key=lambda each: (each.at, each.image_id))


def _of_image(classes: Sequence[Wanted]) -> list[Collision]:
    """By time. The number of machines wanted only grows when a class begins."""
    found: list[Collision] = []
    on: list[Wanted] = []
    for each in sorted(classes, key=lambda each: (each.start, each.block_time_id)):
        on = [*(other for other in on if other.end > each.start), each]
        wanted, fit = sum(other.machines for other in on), max(other.fit for other in on)
        if not fit or wanted <= fit or len(on) == 1 or not any(other.is_short for other in on):
            continue
        new = Collision(each.image_id, each.start, wanted, fit, [other.block_time_id for other in on])
        if found and not set(found[-1].block_time_ids).isdisjoint(new.block_time_ids):
            new = max(found.pop(), new, key=lambda collision: collision.wanted)
        found.append(new)
    return found
