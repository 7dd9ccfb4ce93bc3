"""Whole machines: one computer each or, with a cluster, one for each image of it (SPEC 8.12)."""

from collections import Counter
from collections.abc import Collection, Iterable, Mapping

from scheduling.facts import Block, Site


def whole_machines(image_ids: Iterable[int], computers: Mapping[int, int]) -> int:
    """How many whole machines the computers make; `computers` is how many there are for each image id.

    `image_ids` are those of one machine: an image is in it once for each computer of the machine that runs it.
    """
    return machines_of(Counter(image_ids), computers)


def machines_of(needed: Mapping[int, int], computers: Mapping[int, int]) -> int:
    """The same, where it is known how many computers of one machine run each image."""
    return min([computers.get(image_id, 0) // number for image_id, number in needed.items()])


def computers_by_image(site: Site, block: Block, without: Collection[int] = ()) -> Counter[int]:
    """How many computers the block time has already, for each image id; `without` these computers."""
    id_ = block.block_time_id
    own = [row for row in site.block_computers if row.block_time_id == id_]
    return Counter([row.image_id for row in own if row.computer_id not in without])
